//! A disk that fills up, refuses, is slow, or loses what was not synced: when the bench says so.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tankline_edge::journal::storage::{Disk, Lock, Storage, StorageFile};

use crate::scenario::DiskState;

/// The disk of the machine, as far as the bench lets it work.
#[derive(Debug, Default)]
pub struct BenchDisk {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<DiskState>,
    /// Files with something that was not synced. The lock is held while something is written.
    unsynced: Mutex<BTreeMap<PathBuf, Unsynced>>,
}

/// What a power cut leaves of a file.
#[derive(Debug, Clone, Copy)]
struct Unsynced {
    /// Its length as it was synced last.
    synced_bytes: u64,
    /// Whether its name was synced with its folder.
    has_lasting_name: bool,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::new(DiskState::Good), unsynced: Mutex::default() }
    }
}

impl BenchDisk {
    /// Gives the disk another state.
    pub fn set(&self, state: DiskState) {
        *self.shared.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Takes what was not synced off the files, and ends the process as a machine ends whose power is cut.
    pub fn lose_what_is_not_synced(&self) {
        // Held to the end, so that nothing is written any more.
        let unsynced = self.shared.unsynced();
        for (path, left) in unsynced.iter() {
            let _ = if left.has_lasting_name {
                OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(left.synced_bytes))
            } else {
                fs::remove_file(path)
            };
        }
        let this = rustix::process::getpid();
        let _ = rustix::process::kill_process(this, rustix::process::Signal::KILL);
        std::process::abort();
    }
}

impl Shared {
    fn unsynced(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Unsynced>> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> DiskState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what cannot be written now, or takes its time.
    fn write(&self) -> io::Result<()> {
        match self.state() {
            DiskState::Full => Err(io::ErrorKind::StorageFull.into()),
            other => Self::change(other),
        }
    }

    /// Does so for what needs no room.
    fn change(state: DiskState) -> io::Result<()> {
        match state {
            DiskState::Good | DiskState::Full | DiskState::Lying => Ok(()),
            DiskState::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            DiskState::Slow(time) => {
                std::thread::sleep(time);
                Ok(())
            }
        }
    }
}

impl Storage for BenchDisk {
    fn make_folder(&self, dir: &Path) -> io::Result<()> {
        Disk.make_folder(dir)
    }

    fn lock(&self, dir: &Path) -> Result<Box<dyn Lock>, TryLockError> {
        Disk.lock(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
        Disk.list(dir)
    }

    fn read(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        Disk.read(path, offset, length)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.shared.write()?;
        let mut unsynced = self.shared.unsynced();
        let file = Disk.create(path)?;
        unsynced.insert(path.to_owned(), Unsynced { synced_bytes: 0, has_lasting_name: false });
        drop(unsynced);
        Ok(Box::new(BenchFile { file, path: path.to_owned(), shared: self.shared.clone() }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Self::changed(self)?;
        let file = Disk.open(path)?;
        Ok(Box::new(BenchFile { file, path: path.to_owned(), shared: self.shared.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Self::changed(self)?;
        let mut unsynced = self.shared.unsynced();
        Disk.rename(from, to)?;
        if let Some(left) = unsynced.remove(from) {
            // A power cut now may leave the old name or the new one; it leaves the new one.
            unsynced.insert(to.to_owned(), Unsynced { has_lasting_name: true, ..left });
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Self::changed(self)?;
        let mut unsynced = self.shared.unsynced();
        Disk.remove(path)?;
        unsynced.remove(path);
        Ok(())
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        Self::changed(self)?;
        if self.shared.state() == DiskState::Lying {
            return Ok(());
        }
        Disk.sync_folder(dir)?;
        let mut unsynced = self.shared.unsynced();
        let inside = unsynced.iter_mut().filter(|(path, _)| path.parent() == Some(dir));
        inside.for_each(|(_, left)| left.has_lasting_name = true);
        Ok(())
    }
}

impl BenchDisk {
    fn changed(&self) -> io::Result<()> {
        Shared::change(self.shared.state())
    }
}

#[derive(Debug)]
struct BenchFile {
    file: Box<dyn StorageFile>,
    path: PathBuf,
    shared: Arc<Shared>,
}

impl StorageFile for BenchFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.shared.write()?;
        let mut unsynced = self.shared.unsynced();
        let before = fs::metadata(&self.path).map(|file| file.len()).unwrap_or(0);
        let left = Unsynced { synced_bytes: before, has_lasting_name: true };
        let left = unsynced.entry(self.path.clone()).or_insert(left);
        left.synced_bytes = left.synced_bytes.min(offset);
        self.file.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Shared::change(self.shared.state())?;
        if self.shared.state() == DiskState::Lying {
            return Ok(());
        }
        self.file.sync()?;
        let mut unsynced = self.shared.unsynced();
        if let Some(left) = unsynced.get_mut(&self.path) {
            left.synced_bytes = fs::metadata(&self.path)?.len();
            if left.has_lasting_name {
                unsynced.remove(&self.path);
            }
        }
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        Shared::change(self.shared.state())?;
        self.file.truncate(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_more_and_gives_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, path) = (BenchDisk::default(), folder.path().join("a"));
        let mut file = disk.create(&path).unwrap();
        file.write_at(0, b"one").unwrap();
        disk.set(DiskState::Full);
        assert_eq!(file.write_at(3, b"two").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.create(&folder.path().join("b")).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.read(&path, 0, 10).unwrap(), b"one");
        disk.set(DiskState::ReadOnly);
        assert_eq!(disk.remove(&path).unwrap_err().kind(), io::ErrorKind::ReadOnlyFilesystem);
        disk.set(DiskState::Good);
        file.write_at(3, b"two").unwrap();
        assert_eq!(disk.read(&path, 0, 10).unwrap(), b"onetwo");
    }

    #[test]
    fn what_is_synced_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let disk = BenchDisk::default();
        let left = |name: &str| {
            let unsynced = disk.shared.unsynced();
            unsynced.get(&folder.path().join(name)).map(|left| (left.synced_bytes, left.has_lasting_name))
        };
        let mut file = disk.create(&folder.path().join("a")).unwrap();
        file.write_at(0, b"one").unwrap();
        assert_eq!(left("a"), Some((0, false)), "nothing lasts");
        file.sync().unwrap();
        disk.sync_folder(folder.path()).unwrap();
        file.sync().unwrap();
        assert_eq!(left("a"), None, "all lasts");
        file.write_at(3, b"two").unwrap();
        assert_eq!(left("a"), Some((3, true)));
        drop(file);
        let mut file = disk.open(&folder.path().join("a")).unwrap();
        file.sync().unwrap();
        assert_eq!(left("a"), None);
        disk.create(&folder.path().join("b")).unwrap().sync().unwrap();
        disk.rename(&folder.path().join("b"), &folder.path().join("c")).unwrap();
        assert_eq!((left("b"), left("c")), (None, Some((0, true))));
    }
}
