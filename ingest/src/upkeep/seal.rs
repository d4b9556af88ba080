//! The digest beside a file, by which damage on its way is found.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::store::{beside, folder_of};

/// Why a file is not the one that was sealed, or cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It cannot be read or written.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no digest beside it.
    #[error(
        "there is no {} to check {} by; bring it along, or go without by --no-digest", digest.display(), path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The file with its digest.
        digest: PathBuf,
    },
    /// The digest is another one.
    #[error("{} is not the file that was written: its SHA-256 is {found}, but {} says {wanted}", path.display(), digest.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// The file with its digest.
        digest: PathBuf,
        /// What the file has.
        found: String,
        /// What it ought to have.
        wanted: String,
    },
}

/// Whether a file without a digest beside it will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// It will not.
    Wanted,
    /// No digest is looked at.
    Ignored,
}

/// Gives the path of the digest of a file.
pub(super) fn digest_path(path: &Path) -> PathBuf {
    beside(path, ".sha256")
}

/// Puts a file that was written under another name in its place, and its digest beside it. `sha256sum -c` reads that.
pub(super) fn seal(written: &Path, path: &Path) -> Result<String, SealError> {
    let digest = prepare(written, path)?;
    place(written, path)?;
    Ok(digest)
}

/// Syncs a file that was written under another name, and its digest under another name, so that two renames are left.
pub(super) fn prepare(written: &Path, path: &Path) -> Result<String, SealError> {
    let (found, part) = (digest(written)?, digest_part(path));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    File::open(written)
        .and_then(|file| file.sync_all())
        .map_err(|source| SealError::Io { path: written.to_owned(), source })?;
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(format!("{found}  {name}\n").as_bytes())?;
        file.sync_all()?;
        sync_folder(path)
    };
    write().map_err(|source| SealError::Io { path: part.clone(), source })?;
    Ok(found)
}

/// Gives a prepared file and its digest their names, the digest first: a file that is there has one.
pub(super) fn place(written: &Path, path: &Path) -> Result<(), SealError> {
    let digest_path = digest_path(path);
    fs::rename(digest_part(path), &digest_path)
        .map_err(|source| SealError::Io { path: digest_path.clone(), source })?;
    fs::rename(written, path)
        .and_then(|()| sync_folder(path))
        .map_err(|source| SealError::Io { path: path.to_owned(), source })
}

/// Takes away the digest of a prepared file that is not to be.
pub(super) fn give_up(path: &Path) {
    // What failed is told; a part of a digest helps nobody.
    let _ = fs::remove_file(digest_part(path));
}

fn digest_part(path: &Path) -> PathBuf {
    beside(&digest_path(path), ".part")
}

/// Checks a file by the digest beside it.
pub(super) fn verify(path: &Path, seal: Seal) -> Result<(), SealError> {
    if seal == Seal::Ignored {
        return Ok(());
    }
    let digest_path = digest_path(path);
    let text = match fs::read_to_string(&digest_path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.exists() => {
            return Err(SealError::Missing { path: path.to_owned(), digest: digest_path });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SealError::Io { path: path.to_owned(), source: error });
        }
        Err(source) => return Err(SealError::Io { path: digest_path, source }),
    };
    let wanted = text.split_whitespace().next().unwrap_or_default().to_owned();
    let found = digest(path)?;
    if found == wanted {
        return Ok(());
    }
    Err(SealError::Differs { path: path.to_owned(), digest: digest_path, found, wanted })
}

/// Sees to it that a rename in a file's folder outlives a power cut.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn digest(path: &Path) -> Result<String, SealError> {
    let mut hash = Sha256::new();
    let mut read = || {
        let (mut file, mut piece) = (File::open(path)?, vec![0; 1 << 20]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(()),
                length => hash.update(&piece[..length]),
            }
        }
    };
    read().map_err(|source| SealError::Io { path: path.to_owned(), source })?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_file_is_known_again_and_a_changed_or_unsealed_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (written, path) = (folder.path().join("x.part"), folder.path().join("x"));
        fs::write(&written, b"abc").unwrap();
        let digest = seal(&written, &path).unwrap();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(fs::read_to_string(digest_path(&path)).unwrap(), format!("{digest}  x\n"));
        verify(&path, Seal::Wanted).unwrap();
        fs::write(&path, b"abd").unwrap();
        assert!(matches!(verify(&path, Seal::Wanted), Err(SealError::Differs { .. })));
        verify(&path, Seal::Ignored).unwrap();
        fs::remove_file(digest_path(&path)).unwrap();
        assert!(matches!(verify(&path, Seal::Wanted), Err(SealError::Missing { .. })));
    }

    #[test]
    fn file_whose_digest_cannot_be_written_does_not_appear() {
        let folder = tempfile::tempdir().unwrap();
        let (written, path) = (folder.path().join("x.part"), folder.path().join("x"));
        fs::write(&written, b"abc").unwrap();
        fs::write(&path, b"old").unwrap();
        fs::create_dir(digest_part(&path)).unwrap();
        seal(&written, &path).unwrap_err();
        assert_eq!((fs::read(&path).unwrap(), written.exists()), (b"old".to_vec(), true));
    }
}
