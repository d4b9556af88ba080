//! The service manager hears that a process is ready, alive and stopping; of one that is stuck it hears nothing more.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{DEADLINE, Folder, free_port, program, wait_for};

/// What the processes are told as `WATCHDOG_USEC`.
const WATCHDOG: Duration = Duration::from_secs(1);

/// Who is alive is heard of four times in this time.
const SILENCE: Duration = Duration::from_secs(2);

const SITE: &str = r#"
site = "bench"
[[product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0
standard = "gb-1885-1998"
[[line]]
name = "line-01"
edge = "rtu-01"
port = "tcp://127.0.0.1:9"
[[tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 14.0 }
[[gauge]]
tank = "T-01"
line = "line-01"
unit = 1
"#;

/// Where one process tells how it stands.
struct Manager {
    socket: UnixDatagram,
    address: String,
}

impl Manager {
    fn at_path(path: &Path) -> Self {
        Self::listening(UnixDatagram::bind(path).unwrap(), path.display().to_string())
    }

    fn at_name(name: &str) -> Self {
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
        Self::listening(socket, format!("@{name}"))
    }

    fn listening(socket: UnixDatagram, address: String) -> Self {
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, address }
    }

    /// Gives what comes next; nothing when nothing comes in time.
    fn next(&self) -> Option<String> {
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
    }

    /// Waits for a line, and gives all that came with it.
    fn wait_for(&self, line: &str) -> String {
        std::iter::from_fn(|| self.next())
            .find(|news| news.lines().any(|other| other == line))
            .unwrap_or_else(|| panic!("{line} never comes"))
    }

    /// Tells whether a stretch of silence comes.
    fn falls_silent(&self) -> bool {
        self.socket.set_read_timeout(Some(SILENCE)).unwrap();
        // Far more than what may be on its way.
        (0..30).any(|_| self.next().is_none())
    }
}

/// A process that is ended when the test is.
struct Started(Child);

impl Started {
    fn new(folder: &Folder, manager: &Manager, program: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(words).current_dir(folder.path()).stdin(Stdio::piped()).stderr(Stdio::null());
        command.env("NOTIFY_SOCKET", &manager.address).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        Self(command.env_remove("WATCHDOG_PID").spawn().unwrap())
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a configuration of each role.
fn configured() -> Folder {
    let folder = Folder::new();
    let port = free_port();
    folder.write("site.toml", SITE);
    folder.write("broker.toml", &format!("listen = \"127.0.0.1:{port}\"\nallow_anonymous = true\n"));
    let broker = format!("[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\n");
    let journal = "[journal]\ndir = \"journal\"\nmax_mb = 1\n";
    folder.write("edge.toml", &format!("edge = \"rtu-01\"\nsite = \"site.toml\"\n{broker}{journal}"));
    folder.write("ingest.toml", &format!("sites = [\"site.toml\"]\ndatabase = \"ops.db\"\n{broker}"));
    folder
}

#[test]
fn process_is_ready_then_alive_then_stopping() {
    let (folder, sockets) = (configured(), tempfile::tempdir().unwrap());
    for (role, standing) in [
        ("broker", "STATUS=0 clients"),
        ("ingest", "STATUS=0 of 1 tanks live, 0 alarms"),
        ("edge", "STATUS=0 of 1 gauges live, journal 0 s behind"),
    ] {
        let manager = Manager::at_path(&sockets.path().join(role));
        let path = program(&format!("tankline-{role}"));
        let mut process = Started::new(&folder, &manager, &path, &["run", "--config", &format!("{role}.toml")]);
        let first = manager.next().unwrap();
        assert!(first.starts_with("READY=1\nWATCHDOG=1\n") && first.contains(standing), "{role}: {first}");
        manager.wait_for("WATCHDOG=1");
        kill_process(Pid::from_child(&process.0), Signal::TERM).unwrap();
        manager.wait_for("STOPPING=1");
        let ended = wait_for("the process ends", DEADLINE, || process.0.try_wait().unwrap());
        assert!(ended.success(), "{role}: {ended}");
    }
}

#[test]
fn log_that_the_journal_keeps_has_priorities_and_no_times() {
    let folder = configured();
    let log = |config: &str| {
        let path = folder.join("journal.log");
        let file = File::create(&path).unwrap();
        let about = file.metadata().unwrap();
        let mut command = Command::new(program("tankline-broker"));
        command.args(["run", "--config", config]).current_dir(folder.path()).stderr(file);
        let stream = format!("{}:{}", about.dev(), about.ino());
        let mut process = Started(command.env("JOURNAL_STREAM", stream).spawn().unwrap());
        let said = wait_for("the broker says something", DEADLINE, || {
            Some(fs::read_to_string(&path).unwrap()).filter(|said| said.ends_with('\n'))
        });
        process.0.kill().unwrap();
        said
    };
    let said = log("broker.toml");
    assert!(said.lines().all(|line| line.starts_with("<6>tankline_broker")), "{said}");
    let said = log("absent.toml");
    assert!(said.lines().all(|line| line.starts_with("<3>")) && said.contains("absent.toml"), "{said}");
}

#[test]
fn of_a_process_that_is_stuck_nothing_more_is_heard_while_it_lives() {
    let folder = configured();
    let hil = Path::new(env!("CARGO_BIN_EXE_tankline-hil"));
    for (role, more) in
        [("broker", ["--ready", "ready"]), ("ingest", ["--log-format", "text"]), ("edge", ["--boot", "1"])]
    {
        let manager = Manager::at_name(&format!("tankline-{}-{role}", std::process::id()));
        let config = format!("{role}.toml");
        let words = [&["role", role, "--config", &config], &more[..]].concat();
        let mut process = Started::new(&folder, &manager, hil, &words);
        manager.wait_for("READY=1");
        manager.wait_for("WATCHDOG=1");
        process.0.stdin.as_ref().unwrap().write_all(b"stuck\n").unwrap();
        assert!(manager.falls_silent(), "{role} is said to be alive");
        assert!(process.is_running(), "{role} lives");
    }
}
