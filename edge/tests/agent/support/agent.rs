use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tankline_runtime::clock;

use super::DEADLINE;

/// The agent as a process; killed when the test ends.
pub struct Agent {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Agent {
    /// Starts it.
    #[must_use]
    pub fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-edge"));
        command.args(["run", "--config"]).arg(config);
        Self::run(command)
    }

    /// Starts it on a machine that has this file as its `/etc/hosts`; nothing when this one does not allow that.
    #[must_use]
    pub fn start_with_hosts(config: &Path, hosts: &Path) -> Option<Self> {
        let unshare = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(hosts);
            command
        };
        let bind = r#"mount --bind "$1" /etc/hosts"#;
        unshare(bind).status().ok().filter(ExitStatus::success)?;
        let mut command = unshare(&format!(r#"{bind} && shift && exec "$@""#));
        command.arg(env!("CARGO_BIN_EXE_tankline-edge")).args(["run", "--config"]).arg(config);
        Some(Self::run(command))
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (log, stderr) = (Arc::<Mutex<Vec<String>>>::default(), BufReader::new(child.stderr.take().unwrap()));
        let lines = log.clone();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line))
        });
        Self { child, log }
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to stop, and waits until it has done so in good order.
    #[track_caller]
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn wait_for_line(&self, part: &str) {
        self.wait_for_lines(part, 1);
    }

    /// Waits until it has said this so many times.
    #[track_caller]
    pub fn wait_for_lines(&self, part: &str, times: usize) {
        let deadline = clock::now() + DEADLINE;
        while self.log().matches(part).count() < times {
            assert!(clock::now() < deadline, "not {times} lines with {part:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Gives what it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}
