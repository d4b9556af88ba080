//! No secret of any role stands in a log, an answer, a metric, a database, or what is said of a wrong configuration.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use tankline_broker::authority::{Authority, Holder};
use tankline_broker::users;
use tankline_runtime::clock;

use crate::support::{DEADLINE, EDGES, Folder, Plan, Process, System, free_port, http, program, wait_until};

const EDGE_PASSWORD: &str = "password-of-an-edge-5d1f";
const WRONG_PASSWORD: &str = "password-that-is-wrong-77aa";
const CENTRE_PASSWORD: &str = "password-of-the-centre-a91c";
const TOKEN: &str = "token-of-an-operator-3391be";
const WRONG_TOKEN: &str = "token-of-a-stranger-8812cd";
const INFLUXDB_TOKEN: &str = "token-of-the-historian-6b40";
const WEBHOOK_SECRET: &str = "secret-of-the-webhook-1c2d3e";
const MAIL_PASSWORD: &str = "password-of-the-mail-f00d";

/// Files whose business it is to hold secrets.
const HOLDERS: [&str; 8] = ["users", "password", "wrong", "centre", "tokens", "influxdb", "webhook", "mail"];

/// What was asked of the servers that stand in for InfluxDB, a receiver of alarms and a mail server.
type Seen = Arc<Mutex<Vec<String>>>;

struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Writes all files that hold a secret.
    fn write(folder: &Folder) -> Self {
        let hash = users::hash(CENTRE_PASSWORD.as_bytes()).unwrap();
        let mut all = BTreeMap::from([("a hash".to_owned(), hash.clone())]);
        for (file, text) in [
            ("users", format!("bench.rtu-02:{EDGE_PASSWORD}\ntankline-ingest:{hash}\n")),
            ("password", EDGE_PASSWORD.to_owned()),
            ("wrong", WRONG_PASSWORD.to_owned()),
            ("centre", CENTRE_PASSWORD.to_owned()),
            ("tokens", format!("meier operator {TOKEN}\n")),
            ("influxdb", INFLUXDB_TOKEN.to_owned()),
            ("webhook", WEBHOOK_SECRET.to_owned()),
            ("mail", MAIL_PASSWORD.to_owned()),
        ] {
            fs::set_permissions(folder.write(file, &text), Permissions::from_mode(0o600)).unwrap();
        }
        let words = [
            EDGE_PASSWORD,
            WRONG_PASSWORD,
            CENTRE_PASSWORD,
            TOKEN,
            WRONG_TOKEN,
            INFLUXDB_TOKEN,
            WEBHOOK_SECRET,
            MAIL_PASSWORD,
        ];
        all.extend(words.map(|word| (word.to_owned(), word.to_owned())));
        let authority = Authority::found(&folder.join("ca"), "test", clock::unix_ms(), 10).unwrap();
        for holder in [Holder::Broker(vec!["127.0.0.1".to_owned()]), Holder::client("bench.rtu-01").unwrap()] {
            authority.issue(&holder, folder.path(), clock::unix_ms(), 10).unwrap();
        }
        for file in ["ca/ca.key", "127.0.0.1.key", "bench.rtu-01.key"] {
            let key = fs::read_to_string(folder.join(file)).unwrap();
            let line = key.lines().filter(|line| !line.starts_with('-')).max_by_key(|line| line.len()).unwrap();
            all.insert(file.to_owned(), line.to_owned());
        }
        Self(all)
    }

    #[track_caller]
    fn assert_not_in(&self, place: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for (name, secret) in &self.0 {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{place} tells {name}: {line:?}");
        }
    }

    /// Looks into every file of the folder that is not there to hold secrets.
    fn assert_not_in_files(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_program = name.starts_with("tankline-") && path.extension().is_none();
            if path.is_dir() {
                self.assert_not_in_files(&path);
            } else if !is_program && !HOLDERS.contains(&name.as_str()) && !name.ends_with(".key") {
                self.assert_not_in(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
}

/// Writes the configurations of all roles; gives the ports of HTTP of the broker and of the centre.
fn configure(system: &System, ports: [u16; 2]) -> (u16, u16) {
    let folder = &system.folder;
    let (broker_http, centre_http) = (free_port(), free_port());
    let listen = format!("127.0.0.1:{}", system.broker_port);
    folder.write(
        "broker.toml",
        &format!(
            "listen = \"{listen}\"\nusers_file = \"users\"\n[tls]\ncertificate = \"127.0.0.1.crt\"\nkey = \"127.0.0.1.key\"\n\
             client_ca = \"ca/ca.crt\"\nclients = \"optional\"\n[http]\nlisten = \"127.0.0.1:{broker_http}\"\n"
        ),
    );
    let broker = |more: &str| format!("[broker]\nurl = \"mqtts://{listen}\"\nca_file = \"ca/ca.crt\"\n{more}");
    let certificate = "client_certificate_file = \"bench.rtu-01.crt\"\nclient_key_file = \"bench.rtu-01.key\"\n";
    let password = |file: &str| format!("user = \"bench.rtu-02\"\npassword_file = \"{file}\"\n");
    for (config, edge, more) in [
        ("rtu-01.toml", EDGES[0], certificate.to_owned()),
        ("rtu-02.toml", EDGES[1], password("password")),
        ("wrong.toml", EDGES[1], password("wrong")),
    ] {
        let own = format!("edge = \"{edge}\"\nsite = \"site.toml\"\n[journal]\ndir = \"journal-{config}\"\n");
        folder.write(config, &[own, broker(&more), system.station.port_of(edge)].concat());
    }
    let [web, mail] = ports;
    let own = format!(
        "sites = [\"site.toml\"]\ndatabase = \"ops.db\"\n[http]\nlisten = \"127.0.0.1:{centre_http}\"\n\
         tokens_file = \"tokens\"\n[influxdb]\nurl = \"http://127.0.0.1:{web}\"\nbucket = \"b\"\norg = \"o\"\n\
         token_file = \"influxdb\"\n[[webhook]]\nname = \"web\"\nurl = \"http://127.0.0.1:{web}/hook\"\n\
         secret_file = \"webhook\"\n[[email]]\nname = \"mail\"\nhost = \"127.0.0.1\"\nport = {mail}\nsecurity = \"none\"\n\
         user = \"centre\"\npassword_file = \"mail\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\ngather_s = 0\n"
    );
    let centre = broker("user = \"tankline-ingest\"\npassword_file = \"centre\"\n");
    folder.write("ingest.toml", &[own, centre].concat());
    let site = fs::read_to_string(folder.join("site.toml")).unwrap();
    // Every tank is too full.
    folder.write("site.toml", &site.replace("[[gauge]]", "[tank.limits]\nh_mm = 1\nhh_mm = 2\n[[gauge]]"));
    (broker_http, centre_http)
}

/// A mail server that knows no password.
fn refuse_mail(port: u16, seen: Seen) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.write_all(b"220 test ESMTP\r\n");
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for line in lines.map_while(Result::ok) {
                let answer = match line.split_whitespace().next() {
                    Some("EHLO") => "250-test\r\n250 AUTH PLAIN LOGIN\r\n",
                    Some("AUTH") => "535 5.7.8 no such user\r\n",
                    _ => "221 goodbye\r\n",
                };
                seen.lock().unwrap().push(line.split_whitespace().next().unwrap_or_default().to_owned());
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
}

fn check(folder: &Folder, name: &str, config: &str) -> (Option<i32>, Vec<u8>) {
    let mut command = Command::new(program(name));
    command.args(["check", "--config", config, "--log-level", "trace"]).current_dir(folder.path());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), [stdout, stderr].concat())
}

#[test]
fn no_secret_is_told_by_any_role_whether_it_is_right_or_wrong() {
    let system = System::prepare(&Plan::default());
    let folder = &system.folder;
    let secrets = Secrets::write(folder);
    let seen = Seen::default();
    let (web, mail) = (free_port(), free_port());
    let (broker_http, centre_http) = configure(&system, [web, mail]);
    let _web = http::Server::start(web, {
        let seen = seen.clone();
        move |request| {
            seen.lock().unwrap().push(request.target.clone());
            if request.target == "/hook" { (500, b"broken".to_vec()) } else { (401, b"unauthorized".to_vec()) }
        }
    });
    refuse_mail(mail, seen.clone());

    let run = |log: &str, name: &str, config: &str| {
        let mut command = Command::new(program(name));
        Process::start(folder, log, command.args(["run", "--config", config, "--log-level", "trace"]))
    };
    let _broker = run("broker", "tankline-broker", "broker.toml");
    let _centre = run("centre", "tankline-ingest", "ingest.toml");
    let _edges = ["rtu-01.toml", "rtu-02.toml", "wrong.toml"].map(|config| run(config, "tankline-edge", config));

    let has_seen = |part: &str| seen.lock().unwrap().iter().any(|line| line.contains(part));
    wait_until("alarms are told and readings fed", DEADLINE, || ["/hook", "write", "AUTH"].into_iter().all(has_seen));
    let metric = "refused_clients_total{reason=\"credentials\"} ";
    wait_until("the wrong password is refused", DEADLINE, || {
        let page = http::send(broker_http, "GET", "/metrics", b"").map(|(_, page)| page).unwrap_or_default();
        let page = String::from_utf8_lossy(&page).into_owned();
        page.lines().any(|line| line.contains(metric) && !line.ends_with(" 0"))
    });

    let mut answers = Vec::new();
    for target in ["/metrics", "/healthz", "/"] {
        answers.extend(http::send(broker_http, "GET", target, b"").unwrap().1);
    }
    for token in [None, Some(TOKEN), Some(WRONG_TOKEN)] {
        let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        for (method, target) in [
            ("GET", "/metrics"),
            ("GET", "/healthz"),
            ("GET", "/status"),
            ("GET", "/api/v1/tanks"),
            ("GET", "/api/v1/alarms"),
            ("GET", "/api/v1/watch"),
            ("POST", "/api/v1/dips"),
            ("GET", "/nothing"),
        ] {
            answers.extend(http::send_with(centre_http, method, target, &authorization, b"{}").unwrap().1);
        }
    }
    secrets.assert_not_in("an answer", &answers);
    secrets.assert_not_in_files(folder.path());
    for (name, config) in
        [("tankline-broker", "broker.toml"), ("tankline-edge", "rtu-02.toml"), ("tankline-ingest", "ingest.toml")]
    {
        let (code, said) = check(folder, name, config);
        assert_eq!(code, Some(0), "{name}: {}", String::from_utf8_lossy(&said));
        secrets.assert_not_in(name, &said);
    }
}

#[test]
fn secrets_that_stand_where_they_do_not_belong_are_refused_and_not_shown() {
    let system = System::prepare(&Plan::default());
    let folder = &system.folder;
    let secrets = Secrets::write(folder);
    configure(&system, [1, 2]);
    let roles =
        [("tankline-broker", "broker.toml"), ("tankline-edge", "rtu-01.toml"), ("tankline-ingest", "ingest.toml")];
    let refused = |name: &str, config: &str, part: &str| {
        let (code, said) = check(folder, name, config);
        let text = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(code, Some(2), "{name}: {text}");
        assert!(text.contains(part), "{name}: {part:?} in {text}");
        secrets.assert_not_in(name, &said);
    };
    for (name, config) in roles {
        let right = fs::read_to_string(folder.join(config)).unwrap();
        folder.write(config, &format!("password = \"{EDGE_PASSWORD}\"\n{right}"));
        refused(name, config, "password = <not shown>: is not a key here");
        let with_login = format!("mqtts://user:{EDGE_PASSWORD}@127.0.0.1");
        if right.contains("mqtts://127.0.0.1") {
            folder.write(config, &right.replace("mqtts://127.0.0.1", &with_login));
            refused(name, config, "must not hold a user or password");
        }
        folder.write(config, &right);
    }
    let centre = fs::read_to_string(folder.join("ingest.toml")).unwrap();
    for (from, to) in [("token_file = \"influxdb\"", "token"), ("secret_file = \"webhook\"", "secret")] {
        folder.write("ingest.toml", &centre.replace(from, &format!("{to} = \"{TOKEN}\"")));
        refused(
            "tankline-ingest",
            "ingest.toml",
            &format!("{to} = <not shown>: is not a key here; a secret stands in"),
        );
    }
    folder.write(
        "ingest.toml",
        &centre.replace(
            "user = \"tankline-ingest\"\npassword_file = \"centre\"",
            "client_certificate_file = \"bench.rtu-01.crt\"\nclient_key_file = \"bench.rtu-01.key\"",
        ),
    );
    for file in ["127.0.0.1.key", "bench.rtu-01.key"] {
        fs::set_permissions(folder.join(file), Permissions::from_mode(0o644)).unwrap();
    }
    for (name, config) in roles {
        refused(name, config, "chmod");
    }
}
