//! A process of the system, which ends with the runner.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tankline_runtime::clock;

/// A process that is told to stop and takes longer is killed.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// A process that logs to a file of its folder. It is killed when it is dropped, and a role of ours ends by itself when
/// the runner is gone.
#[derive(Debug)]
pub struct Process {
    child: Child,
    console: Option<ChildStdin>,
}

impl Process {
    /// Starts a program; what it writes is added to `log`.
    ///
    /// # Errors
    /// It cannot be started, or the log not be written.
    pub fn start(mut command: Command, folder: &Path, log: &Path) -> io::Result<Self> {
        let log = File::options().append(true).create(true).open(log)?;
        // What the environment says is meant for other processes than these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TANKLINE_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.current_dir(folder).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn()?;
        let console = child.stdin.take();
        Ok(Self { child, console })
    }

    /// Gives how it ended, when it has.
    #[must_use]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Says a line to the role.
    ///
    /// # Errors
    /// It does not listen any more.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        match &mut self.console {
            Some(console) => writeln!(console, "{line}"),
            None => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        self.end();
    }

    /// Waits until it has ended by itself, or kills it.
    pub async fn ends_itself(mut self) {
        let until = clock::now() + STOPS_WITHIN;
        while self.ended().is_none() && clock::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends SIGTERM and waits for the end; a process that does not end in time is killed.
    ///
    /// # Errors
    /// How it ended, when not in good order.
    pub async fn stop(mut self) -> Result<(), String> {
        if kill_process(Pid::from_child(&self.child), Signal::TERM).is_err() {
            return Err("it was gone already".to_owned());
        }
        let until = clock::now() + STOPS_WITHIN;
        loop {
            match self.ended() {
                Some(status) if status.success() => return Ok(()),
                // It had only just begun, and did not watch for signals yet.
                Some(status) if status.signal() == Some(Signal::TERM.as_raw()) => return Ok(()),
                Some(status) => return Err(format!("it ended with {status}")),
                None if clock::now() >= until => {
                    return Err(format!("it did not stop within {} s and was killed", STOPS_WITHIN.as_secs()));
                }
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
