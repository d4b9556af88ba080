//! One worker to a database: a lock beside the file.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tankline_runtime::clock;

use super::owner::Owner;

/// How long a holder that is about to end is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two tries.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Longest note of a holder.
const MAX_NOTE_BYTES: u64 = 200;

/// Why the lock was not got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process has it.
    #[error("the database {} is in use by {holder}; stop that first, or name another database file", path.display())]
    Held {
        /// The database.
        path: PathBuf,
        /// Who has it, as it said.
        holder: String,
    },
    /// The file of the lock cannot be made or locked.
    #[error("cannot lock {}", path.display())]
    Unusable {
        /// The file of the lock.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The right to change a database as a whole: a worker has it while it runs. It ends with the process, also by a kill.
///
/// Readers need none, nor do small notes beside a worker, such as a dip.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

impl DatabaseLock {
    /// Takes the lock of a database, which need not be there yet. Waits for up to 2 s for a holder that is about to end.
    ///
    /// `who` is what others are told, such as `tankline-ingest run`; the process id is added.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(database: &Path, who: &str) -> Result<Self, LockError> {
        let database_path = real(database);
        let path = beside(&database_path, ".lock");
        let unusable = |source| LockError::Unusable { path: path.clone(), source };
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        // One that root makes is for the user of the worker too. Only root can, and only then it matters.
        let _ = Owner::of(&database_path).and_then(|owner| owner.give_user(&path));
        let deadline = clock::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if clock::now() < deadline => std::thread::sleep(LOOK_AGAIN),
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { path: database.to_owned(), holder: holder(&file) });
                }
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        }
        let note = format!("{who}, process {}\n", std::process::id());
        // The note is for people; the lock is held without it, also where the disk is full.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
        Ok(Self { _file: file })
    }
}

/// Gives the path of a file beside another one: its name with something added.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(suffix);
    path.with_file_name(name)
}

/// Gives the path that a database has by whichever name it is called.
pub(crate) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let name = path.file_name().unwrap_or_default();
        fs::canonicalize(folder_of(path)).map_or_else(|_| path.to_owned(), |folder| folder.join(name))
    })
}

/// Gives the folder of a file; for a bare name the one that the process works in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn holder(file: &File) -> String {
    let mut note = String::new();
    let read = file.take(MAX_NOTE_BYTES).read_to_string(&mut note);
    let note = note.trim();
    if read.is_err() || note.is_empty() { "another process".to_owned() } else { note.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_taker_is_refused_by_the_name_and_process_of_the_first_by_whichever_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ops.db");
        let held = DatabaseLock::take(&path, "tankline-ingest run").unwrap();
        fs::write(&path, "").unwrap();
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for path in [&path, &link] {
            let said = DatabaseLock::take(path, "tankline-ingest restore").unwrap_err().to_string();
            let who = format!("is in use by tankline-ingest run, process {};", std::process::id());
            assert!(said.contains(&who), "{said}");
        }
        drop(held);
        DatabaseLock::take(&link, "tankline-ingest restore").unwrap();
    }

    #[test]
    fn lock_that_cannot_be_made_is_told_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let said = DatabaseLock::take(&folder.path().join("no/ops.db"), "x").unwrap_err().to_string();
        assert!(said.starts_with("cannot lock") && said.ends_with("ops.db.lock"), "{said}");
    }
}
