//! The folder that a demo keeps its data in, one demo at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tankline_domain::names::EdgeName;
use thiserror::Error;

/// The folder, held for as long as this lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// The folder cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Another demo runs on it.
    #[error("the data folder {} is in use by another demo{who}; stop that one, or name another folder with --data", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process of the other demo, in brackets, when it can be known.
        who: String,
    },
    /// The system refused.
    #[error("the data folder {} cannot be used; name another one with --data", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataFolder {
    /// Takes the folder for this process; makes it when there is none.
    ///
    /// # Errors
    /// [`FolderError`] when another demo has it or the system refuses.
    pub fn take(path: &Path) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = path.join("demo.lock");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(lock);
        let mut lock = open.map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FolderError::InUse { path: path.to_owned(), who: holder(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let sign = |lock: &mut File| {
            lock.set_len(0)?;
            lock.write_all(std::process::id().to_string().as_bytes())
        };
        sign(&mut lock).map_err(unusable)?;
        // Wherever the demo was started, its data is nothing for version control.
        let ignore = path.join(".gitignore");
        if !ignore.exists() {
            fs::write(ignore, "*\n").map_err(unusable)?;
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Gives its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the path of the operational database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("ops.db")
    }

    /// Gives the folder of an edge.
    #[must_use]
    pub fn edge(&self, edge: &EdgeName) -> PathBuf {
        self.path.join(format!("edge-{edge}"))
    }

    /// Gives the path of the log that is written while the screen shows the table.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("demo.log")
    }
}

fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    let read = lock.rewind().and_then(|()| lock.take(20).read_to_string(&mut text));
    read.ok().and_then(|_| text.trim().parse::<u32>().ok()).map_or_else(String::new, |id| format!(" (process {id})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_demo_is_told_who_has_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataFolder::take(&path).unwrap();
        let error = DataFolder::take(&path).unwrap_err().to_string();
        let process = format!("in use by another demo (process {})", std::process::id());
        assert!(error.contains(&process) && error.contains("--data"), "{error}");
        drop(first);
        DataFolder::take(&path).unwrap();
    }

    #[test]
    fn folder_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::take(&file.join("data")).unwrap_err().to_string();
        assert!(error.contains("file/data"), "{error}");
    }
}
