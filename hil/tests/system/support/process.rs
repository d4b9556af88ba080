use std::fs::{self, File};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{DEADLINE, Folder, program, wait_for};

/// A process that logs to a file of its folder, and is killed when dropped.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts one of our programs with this configuration.
    pub fn run(folder: &Folder, name: &str, program_name: &str, config: &str) -> Self {
        // The program may be built anew while the test runs; what runs here stays the same.
        let linked = folder.join(program_name);
        if !linked.exists() {
            let path = program(program_name);
            fs::hard_link(&path, &linked).or_else(|_| fs::copy(&path, &linked).map(drop)).unwrap();
        }
        let mut command = Command::new(linked);
        command.args(["run", "--config", config, "--log-level", "info,tankline_edge=debug"]);
        Self::start(folder, name, &mut command)
    }

    /// Starts any program.
    pub fn start(folder: &Folder, name: &str, command: &mut Command) -> Self {
        let log = File::options().append(true).create(true).open(folder.join(format!("{name}.log"))).unwrap();
        command.current_dir(folder.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn();
        let child = child.unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", command.get_program()));
        Self { name: name.to_owned(), child }
    }

    /// Tells whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        assert!(self.is_running(), "{} had ended by itself", self.name);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends a signal and waits for the end; tells how it ended.
    pub fn stop(mut self, signal: Signal) -> ExitStatus {
        assert!(self.is_running(), "{} had ended by itself", self.name);
        self.signal(signal);
        let what = format!("{} ends after a signal", self.name);
        wait_for(&what, DEADLINE, || self.child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
