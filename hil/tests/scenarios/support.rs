use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tankline_runtime::clock;
use tempfile::TempDir;

/// Long enough for a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Two RTUs, each with a line and a tank that is asked four times a second.
pub const SITE: &str = r#"
[site]
name = "small"

[[site.product]]
name = "crude"
kind = "crude"
density_20c_kg_m3 = 862.0

[[site.line]]
name = "line-01"
edge = "rtu-01"
port = "/dev/ttyS1"

[[site.line]]
name = "line-02"
edge = "rtu-02"
port = "/dev/ttyS1"

[[site.tank]]
name = "T-01"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.0 }

[[site.tank]]
name = "T-02"
product = "crude"
geometry = { shape = "vertical-cylinder", diameter_m = 20.0, height_m = 12.0 }

[[site.gauge]]
tank = "T-01"
line = "line-01"
unit = 1
poll_interval_ms = 250

[[site.gauge]]
tank = "T-02"
line = "line-02"
unit = 1
poll_interval_ms = 250
"#;

/// A folder with scenarios.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a scenario of the small site; what stands before its tables is `head`.
    pub fn scenario(&self, name: &str, head: &str, tables: &str) -> PathBuf {
        let file = self.path().join(format!("{name}.toml"));
        fs::write(&file, format!("name = \"{name}\"\nprotects = \"This bench.\"\n{head}\n{SITE}\n{tables}")).unwrap();
        file
    }

    /// Plays scenarios of the folder, with their data kept in it.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tankline-hil"));
        command.current_dir(self.path()).arg("run").args(arguments).args(["--keep", "kept", "--again", "3"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Says what a program said, for when it is not what was wanted.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits for something and gives it.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = clock::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock::now() < until, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
