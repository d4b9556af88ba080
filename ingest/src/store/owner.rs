//! Whose the files of a database are, also when root makes them.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;

use super::lock::folder_of;

/// What a file is made with: it holds what is nobody else's business.
const PRIVATE: u32 = 0o600;

/// User, group and mode of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    uid: u32,
    gid: u32,
    mode: u32,
    // Whether it is that of a database; a folder's is only a guess.
    is_certain: bool,
}

impl Owner {
    /// Gives those of a database; where there is none those of its folder, and nobody else reads it.
    pub(crate) fn of(database: &Path) -> io::Result<Self> {
        if let Ok(metadata) = fs::metadata(database) {
            return Ok(Self {
                uid: metadata.uid(),
                gid: metadata.gid(),
                mode: metadata.mode() & 0o7777,
                is_certain: true,
            });
        }
        let metadata = fs::metadata(folder_of(database))?;
        Ok(Self { uid: metadata.uid(), gid: metadata.gid(), mode: PRIVATE, is_certain: false })
    }

    /// Makes a file one of this owner, with this mode.
    pub(crate) fn give(self, path: &Path) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(self.mode))?;
        self.give_user(path)
    }

    /// Makes a file one of this user and group; its mode stays.
    pub(crate) fn give_user(self, path: &Path) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        if (metadata.uid(), metadata.gid()) == (self.uid, self.gid) {
            return Ok(());
        }
        match chown(path, Some(self.uid), Some(self.gid)) {
            Err(error) if !self.is_certain && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            given => given,
        }
    }
}

/// Makes an empty file that nobody else reads; there must be none.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(PRIVATE).open(path).map(drop)
}
