//! A configuration that cannot be used says what is wrong, where, and what would be right.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use rustix::process::Signal;
use tankline_edge::journal::{Journal, JournalConfig};

use crate::support::{DEADLINE, Plan, Role, System, program, wait_for, wait_until};

/// Runs a program to its end; gives its exit code and what it said.
fn end_of(folder: &Path, name: &str, command: &str, config: &str) -> (Option<i32>, String) {
    let said = folder.join("said");
    let file = fs::File::create(&said).unwrap();
    let mut process = Command::new(program(name))
        .args([command, "--config", config])
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let until_end = || wait_for("it ends by itself", DEADLINE, || process.try_wait().unwrap());
    let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(until_end));
    let _ = process.kill();
    let said = fs::read_to_string(&said).unwrap();
    (status.unwrap_or_else(|_| panic!("{name} {command} went on:\n{said}")).code(), said)
}

/// Changes a file of the configuration.
fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {file}:\n{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// A mistake: in which file what is replaced by what, and what each of the programs is to say of it.
struct Mistake {
    programs: &'static [&'static str],
    file: &'static str,
    from: &'static str,
    to: &'static str,
    says: &'static [&'static str],
}

const EDGE: &str = "tankline-edge";
const BROKER: &str = "tankline-broker";
const INGEST: &str = "tankline-ingest";

const MISTAKES: &[Mistake] = &[
    Mistake {
        programs: &[EDGE],
        file: "rtu-01.toml",
        from: "[journal]\ndir",
        to: "[journal]\nfolder",
        says: &["rtu-01.toml", "journal.dir", "is missing", "journal.folder", "is not a key here"],
    },
    Mistake {
        programs: &[INGEST],
        file: "ingest.toml",
        from: "listen =",
        to: "lissten =",
        says: &["ingest.toml", "http.lissten", "is not a key here", "listen"],
    },
    Mistake {
        programs: &[BROKER],
        file: "broker.toml",
        from: "listen =",
        to: "lisen =",
        says: &["broker.toml", "lisen", "is not a key here", "\"listen\""],
    },
    Mistake {
        programs: &[EDGE, INGEST],
        file: "site.toml",
        from: "unit = 1\n",
        to: "unit = 0\n",
        says: &["site.toml", "gauge[T-01].unit = 0", "1 to 247"],
    },
    Mistake {
        programs: &[EDGE, INGEST],
        file: "site.toml",
        from: "unit = 2\n",
        to: "unit = 1\n",
        says: &["site.toml", "gauge[T-02].unit = 1", "T-01", "line-01", "must differ"],
    },
    Mistake {
        programs: &[EDGE, INGEST],
        file: "site.toml",
        from: "[[gauge]]",
        to: "[tank.limits]\nll_mm = 2000\nl_mm = 1000\n[[gauge]]",
        says: &["site.toml", "limits.ll_mm = 2000", "below l_mm (1000)", "ll_mm < l_mm < h_mm < hh_mm"],
    },
    Mistake {
        programs: &[EDGE, INGEST],
        file: "site.toml",
        from: "[[gauge]]\ntank = \"T-01\"",
        to: "[[gauge]]\ntank = \"T-77\"",
        says: &["site.toml", "tank = \"T-77\"", "no [[tank]] has this name", "T-01, T-02"],
    },
    Mistake {
        programs: &[EDGE],
        file: "rtu-01.toml",
        from: "\"site.toml\"",
        to: "\"sites/none.toml\"",
        says: &["sites/none.toml", "cannot be read", "No such file"],
    },
    Mistake {
        programs: &[INGEST],
        file: "ingest.toml",
        from: "\"site.toml\"",
        to: "\".\"",
        says: &["cannot be read", "directory"],
    },
    Mistake {
        programs: &[EDGE],
        file: "rtu-01.toml",
        from: "edge = \"rtu-01\"",
        to: "edge = \"rtu-09\"",
        says: &["rtu-01.toml", "edge = \"rtu-09\"", "rtu-01, rtu-02"],
    },
    Mistake {
        programs: &[EDGE],
        file: "rtu-01.toml",
        from: "password_file = \"password\"",
        to: "password_file = \"passwort\"",
        says: &["rtu-01.toml", "broker.password_file", "passwort", "No such file"],
    },
    Mistake {
        programs: &[INGEST],
        file: "ingest.toml",
        from: "password_file = \"password\"",
        to: "password_file = \"passwort\"",
        says: &["ingest.toml", "broker.password_file", "passwort", "No such file"],
    },
    Mistake {
        programs: &[BROKER],
        file: "broker.toml",
        from: "\"users\"",
        to: "\"user\"",
        says: &["user: ", "cannot be read", "No such file"],
    },
    Mistake {
        programs: &[EDGE],
        file: "rtu-01.toml",
        from: "mqtt://",
        to: "http://",
        says: &["rtu-01.toml", "broker.url = \"http://", "mqtt://host"],
    },
    Mistake {
        programs: &[BROKER],
        file: "broker.toml",
        from: "listen = ",
        to: "listen = = ",
        says: &["broker.toml", "line 1"],
    },
];

fn config_of(program: &str) -> &'static str {
    match program {
        EDGE => "rtu-01.toml",
        BROKER => "broker.toml",
        _ => "ingest.toml",
    }
}

#[test]
fn mistakes_are_named_with_file_key_value_and_what_would_be_right() {
    let system = System::prepare(&Plan::default());
    let folder = system.folder.path();
    for mistake in MISTAKES {
        let right = fs::read_to_string(folder.join(mistake.file)).unwrap();
        edit(folder, mistake.file, mistake.from, mistake.to);
        for name in mistake.programs {
            for command in ["check", "run"] {
                let (code, said) = end_of(folder, name, command, config_of(name));
                assert_eq!(code, Some(2), "{name} {command} with {:?}: {said}", mistake.to);
                for part in mistake.says {
                    assert!(said.contains(part), "{name} {command} with {:?}: {part:?} is not in\n{said}", mistake.to);
                }
                assert!(!said.contains("panicked") && !said.contains("secret\n"), "{said}");
            }
        }
        fs::write(folder.join(mistake.file), right).unwrap();
    }
    for name in [EDGE, BROKER, INGEST] {
        let (code, said) = end_of(folder, name, "check", config_of(name));
        assert_eq!(code, Some(0), "{name} check of what is right: {said}");
        let (code, said) = end_of(folder, name, "run", "none.toml");
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(said.contains("none.toml") && said.contains("No such file"), "{said}");
    }
}

#[test]
fn check_tells_all_mistakes_at_once() {
    let system = System::prepare(&Plan::default());
    let folder = system.folder.path();
    edit(folder, "site.toml", "unit = 1\n", "unit = 0\n");
    edit(folder, "site.toml", "diameter_m = 20.0", "diametre_m = 20.0");
    edit(folder, "site.toml", "[[gauge]]\ntank = \"T-03\"", "[[gauge]]\ntank = \"T-77\"");
    let in_site = ["gauge[T-01].unit = 0", "diametre_m", "diameter_m", "T-77"];
    edit(folder, "rtu-01.toml", "mqtt://", "http://");
    edit(folder, "rtu-01.toml", "dir = ", "max_mb = 0\ndir = ");
    edit(folder, "ingest.toml", "database = ", "retention = { raw_days = 0 }\ndatabase = ");
    edit(folder, "ingest.toml", "mqtt://", "http://");
    for (name, own) in
        [(EDGE, ["broker.url", "journal.max_mb = 0"]), (INGEST, ["broker.url", "retention.raw_days = 0"])]
    {
        let (code, said) = end_of(folder, name, "check", config_of(name));
        assert_eq!(code, Some(2), "{said}");
        for part in in_site.iter().chain(&own) {
            assert!(said.contains(part), "{name}: {part:?} is not in\n{said}");
        }
    }
}

#[test]
fn port_in_use_is_a_failure_that_names_it() {
    let system = System::prepare(&Plan::default());
    let _listener = TcpListener::bind(("127.0.0.1", system.broker_port)).unwrap();
    let (code, said) = end_of(system.folder.path(), BROKER, "run", "broker.toml");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("127.0.0.1:{}", system.broker_port)), "{said}");
    assert!(said.to_lowercase().contains("in use"), "{said}");
}

#[test]
fn database_of_a_newer_schema_is_refused_with_both_versions() {
    let mut system = System::prepare(&Plan::default());
    // The worker makes the database; then a newer one seems to have been at it.
    system.run(Role::Ingest);
    let tables = || system.database.query("SELECT name FROM sqlite_schema", |row| row.get::<_, String>(0));
    wait_until("there is a database", DEADLINE, || tables().iter().any(|name| name == "reading"));
    system.stop(Role::Ingest, Signal::TERM);
    let known: u32 = {
        let connection = Connection::open(system.database.path()).unwrap();
        let known = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        connection.pragma_update(None, "user_version", known + 7).unwrap();
        known
    };
    let (code, said) = end_of(system.folder.path(), INGEST, "run", "ingest.toml");
    assert!(matches!(code, Some(1 | 2)), "{code:?}: {said}");
    for part in ["ops.db".to_owned(), format!("version {}", known + 7), format!("up to {known}")] {
        assert!(said.contains(&part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn journal_of_another_process_is_refused() {
    let system = System::prepare(&Plan::default());
    let dir = system.folder.join("journal-rtu-01");
    let held = Journal::open(JournalConfig { dir, max_bytes: 64 << 20, segment_bytes: 256 << 10 }).unwrap();
    let (code, said) = end_of(system.folder.path(), EDGE, "run", "rtu-01.toml");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("journal-rtu-01") && said.contains("in use by another process"), "{said}");
    drop(held);
}
