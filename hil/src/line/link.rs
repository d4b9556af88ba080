use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A name of its own for the port of a line, which changes from run to run.
///
/// The link is replaced in one step, so that who opens it finds the old port or the new one. It goes away with the value,
/// unless by then it leads elsewhere.
#[derive(Debug)]
pub struct PortLink {
    link: PathBuf,
    port: PathBuf,
}

/// A port could not be linked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Something that is no link has the name.
    #[error("{} exists and is not a symbolic link; move it away or choose another folder", link.display())]
    Taken {
        /// The name.
        link: PathBuf,
    },
    /// The system refused.
    #[error("cannot link {}", link.display())]
    Refused {
        /// The name.
        link: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PortLink {
    /// Makes `folder`/`name` lead to `port`; makes the folder when there is none.
    ///
    /// # Errors
    /// [`LinkError`] when the name belongs to something that is no link, or the system refuses.
    pub fn create(folder: &Path, name: &str, port: &Path) -> Result<Self, LinkError> {
        let link = folder.join(name);
        if fs::symlink_metadata(&link).is_ok_and(|found| !found.is_symlink()) {
            return Err(LinkError::Taken { link });
        }
        let refused = |source| LinkError::Refused { link: link.clone(), source };
        fs::create_dir_all(folder).map_err(refused)?;
        let beside = folder.join(format!(".{name}.{}", std::process::id()));
        symlink(port, &beside).map_err(refused)?;
        if let Err(source) = fs::rename(&beside, &link) {
            let _ = fs::remove_file(&beside);
            return Err(refused(source));
        }
        Ok(Self { link, port: port.to_owned() })
    }

    /// Gives the path of the link.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.link
    }
}

impl Drop for PortLink {
    fn drop(&mut self) {
        if fs::read_link(&self.link).is_ok_and(|target| target == self.port) {
            let _ = fs::remove_file(&self.link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_is_replaced_and_removed_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let old = PortLink::create(&folder.path().join("ports"), "line-01", Path::new("/dev/old")).unwrap();
        let new = PortLink::create(&folder.path().join("ports"), "line-01", Path::new("/dev/new")).unwrap();
        assert_eq!(fs::read_link(new.path()).unwrap(), Path::new("/dev/new"));
        drop(old);
        assert_eq!(fs::read_link(new.path()).unwrap(), Path::new("/dev/new"));
        drop(new);
        assert_eq!(fs::read_dir(folder.path().join("ports")).unwrap().count(), 0);
    }

    #[test]
    fn file_in_the_way_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("line-01"), "mine").unwrap();
        let error = PortLink::create(folder.path(), "line-01", Path::new("/dev/new")).unwrap_err();
        assert!(error.to_string().contains("not a symbolic link"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("line-01")).unwrap(), "mine");
    }
}
