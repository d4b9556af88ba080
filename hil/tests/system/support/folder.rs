use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// So much of each log is shown when a test fails.
const SHOWN_LINES: usize = 150;

/// A folder for one test. When the test fails, the logs in it are shown before they go.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        // Beside the programs, so that these can be linked instead of copied.
        Self(TempDir::with_prefix_in("system-", env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Gives what a process of this name has logged, in all its lives.
    pub fn log(&self, process: &str) -> String {
        let log = fs::read(self.join(format!("{process}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let log = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
                let lines: Vec<_> = log.lines().collect();
                let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
                println!("--- {}\n{shown}\n", path.file_name().unwrap_or_default().display());
            }
        }
    }
}
