//! What the journal asks of a file system. The disk of the machine is one; whoever tests an edge may bring another.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file system, as far as the journal uses it.
pub trait Storage: Debug + Send + Sync {
    /// Makes a folder and what it stands in, to last.
    ///
    /// # Errors
    /// What the file system says; the same holds for all that follows.
    fn make_folder(&self, dir: &Path) -> io::Result<()>;
    /// Makes the folder its caller's own until what comes back is dropped.
    ///
    /// # Errors
    /// `WouldBlock` when somebody else has it.
    fn lock(&self, dir: &Path) -> Result<Box<dyn Lock>, TryLockError>;
    /// Gives the files of a folder and their lengths.
    fn list(&self, dir: &Path) -> io::Result<Vec<(PathBuf, u64)>>;
    /// Reads from an offset on: fewer bytes than asked for at the end of the file only.
    fn read(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Makes an empty file, also where one is.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;
    /// Opens a file to be written on.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;
    /// Gives a file another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder last.
    fn sync_folder(&self, dir: &Path) -> io::Result<()>;
}

/// A file that is written.
pub trait StorageFile: Debug + Send {
    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the file system says; then any part of the bytes may be written. The same holds for all that follows.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written last.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file off.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// Is held while a process owns a folder.
pub trait Lock: Debug + Send {}

/// The file system of the machine.
#[derive(Debug)]
pub struct Disk;

impl Storage for Disk {
    fn make_folder(&self, dir: &Path) -> io::Result<()> {
        let missing: Vec<&Path> =
            dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
        for dir in missing.into_iter().rev() {
            match fs::create_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            self.sync_folder(parent)?;
        }
        Ok(())
    }

    fn lock(&self, dir: &Path) -> Result<Box<dyn Lock>, TryLockError> {
        // The folder itself is locked: that works on a disk that can only be read, too.
        let file = File::open(dir).map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(Box::new(file))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                files.push((entry.path(), metadata.len()));
            }
        }
        Ok(files)
    }

    fn read(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(OpenOptions::new().create(true).truncate(true).write(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl StorageFile for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The length is synced with it: without it the data could not be read.
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

impl Lock for File {}
