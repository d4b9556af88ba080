//! A running bench is steered from another process.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bench_line;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use bench_line::SITE;
use tankline_runtime::clock;
use tempfile::TempDir;
use tokio_modbus::client::{Reader, tcp};
use tokio_modbus::slave::Slave;

const DEADLINE: Duration = Duration::from_secs(60);

/// How long an answer is waited for that is not to come.
const QUIET: Duration = Duration::from_millis(500);

/// A user of this machine: the folder of the sockets is this user's own.
struct User(TempDir);

/// Gauges that run, with two units behind Modbus TCP; they end with the test.
struct Gauges {
    process: Child,
    output: BufReader<ChildStdout>,
    said: String,
}

impl User {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("site.toml"), SITE).unwrap();
        Self(folder)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-hil"));
        command.args(words).env("XDG_RUNTIME_DIR", self.0.path()).env("RUST_LOG", "warn").stdin(Stdio::null());
        command
    }

    fn gauges(&self, options: &[&str]) -> Gauges {
        let site = self.0.path().join("site.toml");
        let mut command = self.command(&["gauges", "--still", "--tcp", "127.0.0.1:0", "--site"]);
        let mut process = command.arg(site).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let lines = output.by_ref().lines().map(Result::unwrap).take_while(|line| !line.starts_with("Ctrl-C"));
        let said = lines.map(|line| line + "\n").collect();
        Gauges { process, output, said }
    }

    fn tell(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a command says that must do.
    fn told(&self, words: &[&str]) -> String {
        let output = self.tell(words);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// What a command says that must not do, and its exit code.
    fn refused(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.tell(words);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn sockets(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.path().join("tankline-hil")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Gauges {
    fn address(&self) -> std::net::SocketAddr {
        let after = self.said.split_once("tcp://").unwrap().1;
        after.split_whitespace().next().unwrap().parse().unwrap()
    }

    async fn registers_within(&self, unit: u8, patience: Duration) -> Option<Vec<u16>> {
        let mut client = tcp::connect_slave(self.address(), Slave(unit)).await.unwrap();
        let read = client.read_holding_registers(49, 3);
        tokio::time::timeout(patience, read).await.ok().map(|read| read.unwrap().unwrap())
    }

    async fn registers(&self, unit: u8) -> Vec<u16> {
        self.registers_within(unit, DEADLINE).await.unwrap()
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

/// Whether a gauge shows these mm, as well as it can.
fn near(registers: &[u16], expected: [u16; 2]) -> bool {
    registers.iter().zip(expected).all(|(shown, expected)| shown.abs_diff(expected) <= 20)
}

impl Drop for Gauges {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn another_terminal_sets_levels_and_faults_and_ends_the_bench() {
    let user = User::new();
    let gauges = user.gauges(&[]);
    let [socket] = &user.sockets()[..] else { panic!("{:?}", user.sockets()) };
    assert!(gauges.said.contains(&socket.display().to_string()), "{}", gauges.said);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(socket), mode(socket.parent().unwrap())), (0o600, 0o700));

    assert_eq!(user.told(&["set", "T-01", "level_mm=11800", "interface_mm=300"]), "");
    assert!(near(&gauges.registers(1).await, [11_800, 300]));
    user.told(&["fault", "T-02", "silent"]);
    assert_eq!(gauges.registers_within(2, QUIET).await, None);
    user.told(&["fault", "T-02", "none"]);
    assert_eq!(gauges.registers(2).await.len(), 3);
    user.told(&["do", "set T-02 temperature_c=-10"]);
    user.told(&["do", "set", "T-02", "level_mm=1000", "interface_mm=100"]);
    // Counted from the origin of its gauge, 50 mm above the bottom.
    assert!(near(&gauges.registers(2).await, [950, 50]));
    user.told(&["do", "freeze T-02 level_mm=777 interface_mm=55"]);
    assert_eq!(gauges.registers(2).await[..2], [727, 5]);
    let shown = user.told(&["show", "T-01"]);
    assert!(shown.contains("level          11800.0 mm") && shown.contains("replies        1,"), "{shown}");

    assert_eq!(user.told(&["stop"]), "");
    let (code, summary) = gauges.end();
    assert_eq!(code, Some(0), "{summary}");
    assert!(summary.contains("line-01: 5 requests, 4 replies"), "{summary}");
    assert!(user.sockets().is_empty());
}

#[test]
fn errors_say_what_would_be_right_with_exit_code_2() {
    let user = User::new();
    let (code, said) = user.refused(&["set", "T-01", "level_mm=1"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no bench is running; start one with `tankline-hil gauges"), "{said}");

    let gauges = user.gauges(&[]);
    for (words, told) in [
        (&["set", "T-09", "level_mm=1"][..], "there is no tank T-09; the plant has T-01, T-02"),
        (&["set", "T-01", "level_mm=15000"], "outside the tank, which reaches from 0 to 14000 mm"),
        (&["fault", "T-01", "late"], ""),
        (&["fault", "T-01", "late=x"], "late takes a time in ms or s, such as late=120ms"),
        (&["fault", "T-01", "crc"], "it works with RTU frames only"),
        (&["do", "flood", "T-01"], "there is no \"flood\"; there are show"),
        (&["show", "T-09"], "there are T-01, T-02, line-01"),
    ] {
        let (code, said) = user.refused(words);
        assert_eq!(code, Some(if told.is_empty() { 0 } else { 2 }), "{words:?}: {said}");
        assert!(said.contains(told), "{words:?}: {said}");
    }
    let twin = user.gauges(&[]);
    let (code, said) = user.refused(&["stop"]);
    assert_eq!((code, said.matches("gauges of bench: 2 gauges on 1 lines, process").count()), (Some(2), 2), "{said}");
    assert!(said.contains("choose one with --control PATH"), "{said}");
    let chosen = user.sockets().into_iter().find(|path| gauges.said.contains(&path.display().to_string())).unwrap();
    user.told(&["stop", "--control", chosen.to_str().unwrap()]);
    assert_eq!(gauges.end().0, Some(0));
    drop(twin);
    // It was killed: its socket is still there, and nobody behind it.
    assert_eq!(user.sockets().len(), 1);
    assert_eq!(user.refused(&["show"]).0, Some(1));
    assert!(user.sockets().is_empty());
}

#[test]
fn a_socket_may_be_chosen_and_any_program_may_use_it() {
    let user = User::new();
    let path = user.0.path().join("bench.sock");
    let _gauges = user.gauges(&["--control", path.to_str().unwrap()]);
    assert!(user.sockets().is_empty());
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"set T-01 level_mm=5000\nshow T-01\nset T-01 level=1\n\nabout\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut answer = || {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0);
            let is_last = line == "ok\n" || line.starts_with("error: ");
            lines.push(line);
            if is_last {
                return lines.concat();
            }
        }
    };
    assert_eq!(answer(), "ok\n");
    assert!(answer().contains("level          5000.0 mm"));
    assert!(answer().starts_with("error: plant command"));
    assert!(answer().starts_with("error: nothing was said"));
    assert!(answer().starts_with("gauges of bench: 2 gauges"));

    let mut endless = UnixStream::connect(&path).unwrap();
    endless.set_read_timeout(Some(DEADLINE)).unwrap();
    endless.write_all(&[b'x'; 5000]).unwrap();
    let mut told = String::new();
    endless.read_to_string(&mut told).unwrap();
    assert!(told.contains("an order has at most 4096 bytes"), "{told}");
    assert!(user.told(&["show", "--control", path.to_str().unwrap()]).contains("T-01"));
}

#[test]
fn a_script_in_the_shell_ends_at_its_first_error_and_names_its_line() {
    let user = User::new();
    let _gauges = user.gauges(&[]);
    let shell = |script: &str| {
        let mut shell = user.command(&["shell"]);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, said, errors) = shell("# a comment\n\nset T-01 level_mm=4000\nshow T-01\nexit\nnonsense\n");
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("level          4000.0 mm") && !said.contains("hil>"), "{said}");
    let (code, _, errors) = shell("show\nset T-01 level_mm=x\nstop\n");
    assert_eq!(code, Some(2));
    assert!(errors.contains("line 2: plant command \"set T-01 level_mm=x\""), "{errors}");
    assert!(user.told(&["show"]).contains("4000.0"), "it still runs, and nothing has changed");
}

#[test]
fn a_demo_is_steered_and_ended_too() {
    let user = User::new();
    let (site, data, socket) = (user.0.path().join("site.toml"), user.0.path().join("data"), user.0.path().join("s"));
    let mut demo = user.command(&["demo", "--headless", "--site"]);
    let demo = demo.arg(site).arg("--data").arg(data).arg("--control").arg(&socket).stdout(Stdio::piped());
    let demo = demo.spawn().unwrap();
    let end = clock::now() + DEADLINE;
    while !socket.exists() {
        assert!(clock::now() < end, "the demo does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let socket = socket.to_str().unwrap();
    let tell = |words: &[&str]| user.told(&[words, &["--control", socket]].concat());
    tell(&["set", "T-02", "level_mm=4000"]);
    tell(&["fault", "line-01/1", "exception=6"]);
    let shown = tell(&["show"]);
    assert!(shown.starts_with("demo of bench: 2 gauges on 1 lines") && shown.contains("exception=6"), "{shown}");
    tell(&["stop"]);
    let output = demo.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("audit"), "{said}");
}

#[test]
fn the_catalogue_of_faults_is_told_without_a_bench() {
    let told = User::new().told(&["faults"]);
    for name in ["silent", "late", "noise", "twin", "other-master", "hang-up"] {
        assert!(told.lines().any(|line| line.starts_with(name)), "{name}");
    }
    assert!(told.contains("late=120ms@30%") && told.contains("Modbus TCP only"), "{told}");
}
