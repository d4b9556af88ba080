//! The path of one station on one machine: the blocks of its README, pasted into a shell one by one.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "system/support/ports.rs"]
mod ports;
#[path = "system/support/programs.rs"]
mod programs;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ports::free_port;
use programs::program;
use tankline_runtime::clock;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(120);
const PORTS: [&str; 3] = ["8883", "9183", "8080"];
const END: &str = "=== end of block, exit code ";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Gives the blocks of shell commands of a text, in their order.
fn blocks(text: &str) -> Vec<String> {
    let inside = text.split("```sh\n").skip(1);
    inside.map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

/// A person's terminal: a shell that is handed block after block.
struct Terminal {
    shell: Child,
    keyboard: ChildStdin,
    screen: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    folder: TempDir,
    /// The ports of the README, each with a free one.
    ports: Vec<(&'static str, String)>,
}

impl Terminal {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // None may hold the digits of another one, which is replaced after it.
        let mut free = std::iter::repeat_with(|| free_port().to_string());
        let free = free.by_ref().filter(|free| !PORTS.iter().any(|port| free.contains(port)));
        let ports = PORTS.into_iter().zip(free).collect();
        let programs = program("tankline-edge").parent().unwrap().to_owned();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        // What is in the background is in the group of the shell, so that it can be ended with it.
        command.args(["--norc", "--noprofile"]).current_dir(root()).env("PATH", path).env("HOME", folder.path());
        command.env("XDG_RUNTIME_DIR", folder.path()).env_remove("RUST_LOG");
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut keyboard = shell.stdin.take().unwrap();
        writeln!(keyboard, "exec 2>&1").unwrap();
        let out = BufReader::new(shell.stdout.take().unwrap());
        let (shown, screen) = sync_channel(10_000);
        let reader = std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if shown.send(line).is_err() {
                    break;
                }
            }
        });
        Self { shell, keyboard, screen, reader: Some(reader), folder, ports }
    }

    fn station(&self) -> PathBuf {
        self.folder.path().join("tankline-station")
    }

    /// Puts free ports in place of those that the text names.
    fn with_free_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (port, free)| text.replace(port, free))
    }

    /// Pastes a block; gives what it showed and how its last command ended.
    fn paste(&mut self, block: &str) -> (String, i32) {
        let block = self.with_free_ports(block);
        writeln!(self.keyboard, "{block}\necho \"{END}$?\"").unwrap();
        let mut shown = String::new();
        let begun = clock::now();
        loop {
            match self.screen.recv_timeout(DEADLINE.saturating_sub(clock::now().duration_since(begun))) {
                Ok(line) => match line.strip_prefix(END) {
                    Some(code) => return (shown, code.parse().unwrap()),
                    None => shown.extend([line.as_str(), "\n"]),
                },
                Err(RecvTimeoutError::Timeout) => panic!("no end within {DEADLINE:?}: {block}\n{shown}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the shell ended: {block}\n{shown}"),
            }
        }
    }

    /// Pastes a block that must succeed, and gives what it showed.
    #[track_caller]
    fn paste_well(&mut self, block: &str) -> String {
        let (shown, code) = self.paste(block);
        assert_eq!(code, 0, "{block}\n{shown}");
        shown
    }

    /// Pastes a block again and again until it shows what is wanted, as a person who waits does.
    #[track_caller]
    fn paste_until(&mut self, block: &str, wanted: impl Fn(&str) -> bool) -> String {
        let begun = clock::now();
        loop {
            let (shown, code) = self.paste(block);
            if code == 0 && wanted(&shown) {
                return shown;
            }
            assert!(clock::now().duration_since(begun) < DEADLINE, "not what is wanted:\n{block}\n{shown}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["gauges", "broker", "ingest", "rtu-01", "rtu-02", "stranger"] {
                let text = fs::read_to_string(self.station().join(format!("{log}.log"))).unwrap_or_default();
                println!("--- {log}\n{text}");
            }
        }
        let group = rustix::process::Pid::from_child(&self.shell);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.shell.wait();
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

/// Gives from `tankline-ingest status` how many readings of an edge are committed, when none is missing.
fn complete(status: &str, edge: &str) -> Option<u64> {
    let mut lines = status.lines().skip_while(|line| !line.starts_with(&format!("yard/{edge} journal ")));
    let readings = lines.nth(1)?.split_whitespace().next()?.parse().ok()?;
    (lines.next()? == format!("  complete through sequence {readings}")).then_some(readings)
}

fn query(database: &Path, sql: &str) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(database, flags).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

/// Follows the README to the letter, but for the building, the ports and the patience.
#[test]
fn station_of_the_readme_runs_over_tls_and_nobody_speaks_for_another() {
    let readme = fs::read_to_string(root().join("deploy/station/README.md")).unwrap();
    let blocks = blocks(&readme);
    let [build, folder, authority, token, check, start, look, fill, list, acknowledge, stranger, again, stop] =
        blocks.as_slice()
    else {
        panic!("the README has other steps than this test: {blocks:#?}")
    };
    assert!(build.starts_with("cargo build --release --bins\n"), "{build}");
    let mut terminal = Terminal::open();
    terminal.paste_well(folder);
    for file in ["broker.toml", "ingest.toml", "rtu-01.toml", "rtu-02.toml"] {
        let file = terminal.station().join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("mqtt://"), "{} has a connection without TLS", file.display());
        fs::write(&file, terminal.with_free_ports(&text)).unwrap();
    }
    terminal.paste_well(authority);
    terminal.paste_well(token);
    // A block ends as its last command does; here each one counts.
    for line in check.lines() {
        terminal.paste_well(line);
    }
    terminal.paste_well(start);

    let is_fed = |status: &str| ["rtu-01", "rtu-02"].iter().all(|edge| complete(status, edge) >= Some(8));
    let status = terminal.paste_until(look, is_fed);
    assert!(status.contains("dead letters: 0"), "{status}");
    assert!(status.contains("edge rtu-01 of site yard"), "{status}");

    terminal.paste_well(fill);
    let is_raised = |shown: &str| shown.contains("Level high-high") && shown.contains("UNACKNOWLEDGED");
    let alarm = terminal.paste_until(list, is_raised);
    assert!(alarm.contains("Close the inlet of T-01 and stop the pump now."), "{alarm}");
    let answer = terminal.paste_well(acknowledge);
    assert!(answer.contains("yard/T-01/level-hh is acknowledged"), "{answer}");

    // Connections are refused within the five seconds that it has, also where the machine is busy.
    let refused = terminal.paste_until(stranger, |shown| shown.contains("client refused"));
    for part in ["client_id=\"yard.rtu-01\"", "certificate=\"yard.rtu-02\"", "client id that is not its own"] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let database = terminal.station().join("ops.db");
    let journals = "select count(distinct journal) from reading where edge = 'rtu-01'";
    assert_eq!(query(&database, journals), 1, "the stranger's readings are in the database");
    let readings = "select count(*) from reading where edge = 'rtu-01' and quality = 'good'";
    let before = query(&database, readings);
    terminal.paste_well(again);
    terminal.paste_until("true", |_| query(&database, readings) > before);
    terminal.paste(stop);
    let tanks = "select count(distinct tank) from reading where quality = 'good' and gsv_m3 > 0";
    assert_eq!(query(&database, tanks), 4);
    for (log, word) in [("broker", "ERROR"), ("ingest", "ERROR"), ("rtu-01", "ERROR"), ("rtu-02", "ERROR")] {
        let text = fs::read_to_string(terminal.station().join(format!("{log}.log"))).unwrap();
        assert!(!text.contains(word), "{log}:\n{text}");
    }
}
