//! Whose the files of a database are, also when root makes them.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use rustix::fs::OFlags;

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

    /// Makes a file one of this owner, with this mode. It has to be a plain file.
    pub(crate) fn give(self, path: &Path) -> io::Result<()> {
        let file = open_plain(path, File::options().read(true))?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        self.give_user(&file)
    }

    /// Makes an open file one of this user and group; its mode stays.
    pub(crate) fn give_user(self, file: &File) -> io::Result<()> {
        let metadata = file.metadata()?;
        if (metadata.uid(), metadata.gid()) == (self.uid, self.gid) {
            return Ok(());
        }
        match fchown(file, Some(self.uid), Some(self.gid)) {
            Err(error) if !self.is_certain && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            given => given,
        }
    }
}

/// Opens a file that is a plain one with no other name. The folder may be another user's than the one who runs this: what
/// that user links to is not to be changed in its stead.
pub(crate) fn open_plain(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() > 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file with one name; remove it"));
    }
    Ok(file)
}

/// Makes an empty file that nobody else reads; there must be none.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(PRIVATE).open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_file_is_linked_to_is_not_given_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("secret"), "root's").unwrap();
        fs::set_permissions(path("secret"), Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(path("secret"), path("link")).unwrap();
        fs::hard_link(path("secret"), path("name")).unwrap();
        let owner = Owner { mode: 0o666, ..Owner::of(&path("secret")).unwrap() };
        for name in ["link", "name"] {
            owner.give(&path(name)).unwrap_err();
            assert_eq!(fs::metadata(path("secret")).unwrap().mode() & 0o777, 0o600, "{name}");
        }
        fs::remove_file(path("name")).unwrap();
        owner.give(&path("secret")).unwrap();
        assert_eq!(fs::metadata(path("secret")).unwrap().mode() & 0o777, 0o666);
    }
}
