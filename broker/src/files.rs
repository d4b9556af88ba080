//! Files that are written anew in the place of those before, which others read.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// Permission bits of a mode, without the kind of file.
const PERMISSIONS: u32 = 0o7777;

/// Writes a file whole or not at all. Owner, group and mode stay those of the file that was there; one that is new has
/// `new_mode`. Behind a symbolic link, the file that it leads to is written.
///
/// # Errors
/// What the system said. The file that was there is then whole.
pub fn replace(path: &Path, text: &str, new_mode: u32) -> io::Result<()> {
    let (path, before) = match std::fs::canonicalize(path) {
        Ok(path) => (path.clone(), Some(std::fs::metadata(path)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    let beside = beside(&path);
    // One that is left of a try that was broken off, or that somebody has put there.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let written = write(&beside, text, before.as_ref(), new_mode).and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // What failed is told, not this.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write(path: &Path, text: &str, before: Option<&Metadata>, new_mode: u32) -> io::Result<()> {
    // Open to nobody else before it has its owner.
    let mode = if before.is_some() { 0o600 } else { new_mode };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    if let Some(before) = before {
        keep(&file, before)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn keep(file: &File, before: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    let differs = |now: u32, before: u32| (now != before).then_some(before);
    let (owner, group) = (differs(now.uid(), before.uid()), differs(now.gid(), before.gid()));
    if owner.is_some() || group.is_some() {
        fchown(file, owner, group).map_err(|error| {
            let (owner, group) = (before.uid(), before.gid());
            let advice =
                format!("owner {owner} and group {group} cannot be kept, so nothing is changed; be root: {error}");
            io::Error::new(error.kind(), advice)
        })?;
    }
    file.set_permissions(Permissions::from_mode(before.mode() & PERMISSIONS))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(path: &Path) -> (u32, u32, u32) {
        let metadata = std::fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & PERMISSIONS)
    }

    #[test]
    fn owner_group_and_mode_stay_those_of_the_file_that_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        replace(&file, "new", 0o600).unwrap();
        assert_eq!(rights(&file).2, 0o600);
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        // Only root may give a file away.
        let _ = std::os::unix::fs::chown(&file, Some(4321), Some(1234));
        let before = rights(&file);
        replace(&file, "anew", 0o600).unwrap();
        assert_eq!((rights(&file), std::fs::read_to_string(&file).unwrap().as_str()), (before, "anew"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "something is left beside it");
    }

    #[test]
    fn link_stays_and_what_it_leads_to_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("users"), dir.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "new", 0o600).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn file_that_lies_in_the_way_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (dir.path().join("users"), dir.path().join("other"));
        std::fs::write(&other, "of another").unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join("users.new")).unwrap();
        replace(&file, "new", 0o600).unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "of another");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    }
}
