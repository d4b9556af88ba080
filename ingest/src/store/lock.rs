//! One worker to a database: a lock beside the file.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tankline_runtime::clock;

use super::owner::{Owner, open_plain};

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
    #[error("{} is in use by {holder}; stop that first, or name another file", path.display())]
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
        let deadline = clock::now() + PATIENCE;
        let mut file = loop {
            let options = &mut File::options();
            let file = open_plain(&path, options.read(true).write(true).create(true)).map_err(unusable)?;
            // One that root makes is for the user of the worker too. Only root can, and only then it matters.
            let _ = Owner::of(&database_path).and_then(|owner| owner.give_user(&file));
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => break file,
                // Who had it took the file away.
                Ok(()) => (),
                Err(TryLockError::WouldBlock) if clock::now() < deadline => std::thread::sleep(LOOK_AGAIN),
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { path: database.to_owned(), holder: holder(&file) });
                }
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        };
        let note = format!("{who}, process {}\n", std::process::id());
        // The note is for people; the lock is held without it, also where the disk is full.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
        Ok(Self { _file: file })
    }
}

/// The right to make a file; nothing of it stays behind.
#[derive(Debug)]
pub(crate) struct MakingLock {
    path: PathBuf,
    _lock: DatabaseLock,
}

impl MakingLock {
    /// Takes the lock of a file that is to be made, as [`DatabaseLock::take`] does.
    pub(crate) fn take(file: &Path, who: &str) -> Result<Self, LockError> {
        let lock = DatabaseLock::take(file, who)?;
        Ok(Self { path: beside(&real(file), ".lock"), _lock: lock })
    }
}

impl Drop for MakingLock {
    fn drop(&mut self) {
        // It is still held. Left behind it locks nothing.
        let _ = fs::remove_file(&self.path);
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

/// Tells whether an open file is the one that has a path now.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((&file.metadata(), &fs::symlink_metadata(path)), (Ok(open), Ok(there)) if id(open) == id(there))
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

    #[test]
    fn lock_that_is_a_link_empties_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, database) = (folder.path().join("secret"), folder.path().join("ops.db"));
        fs::write(&secret, "root's").unwrap();
        let lock = beside(&database, ".lock");
        for link in [std::os::unix::fs::symlink, |from: &Path, to: &Path| fs::hard_link(from, to)] {
            link(&secret, &lock).unwrap();
            let refused = DatabaseLock::take(&database, "x").unwrap_err();
            assert!(matches!(refused, LockError::Unusable { .. }), "{refused:?}");
            assert_eq!(fs::read_to_string(&secret).unwrap(), "root's");
            fs::remove_file(&lock).unwrap();
        }
    }

    #[test]
    fn file_is_made_by_one_at_a_time_and_no_lock_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup.db");
        let held = MakingLock::take(&file, "tankline-ingest backup").unwrap();
        let refused = MakingLock::take(&file, "tankline-ingest backup").unwrap_err();
        assert!(matches!(refused, LockError::Held { .. }), "{refused:?}");
        // Who waits for it gets one of its own.
        let waiting = std::thread::spawn({
            let file = file.clone();
            move || MakingLock::take(&file, "tankline-ingest backup").map(|lock| is_at(&lock._lock._file, &lock.path))
        });
        drop(held);
        assert!(waiting.join().unwrap().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
