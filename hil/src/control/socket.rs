//! Where the socket of a bench is.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;

/// Which socket.
#[derive(Debug, Clone, Default, Args)]
pub struct ControlArgs {
    /// Socket over which a running bench is steered from another terminal; without it a folder of this user alone is taken.
    #[arg(long = "control", value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// There is no socket to be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The folder of the sockets cannot be had.
    #[error("cannot make the folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder of the sockets belongs to somebody else.
    #[error("the folder {} belongs to another user; choose a socket with --control PATH", folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
    },
    /// A bench runs there.
    #[error("a bench is running at {} already; choose another socket with --control PATH", path.display())]
    Running {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket has the name.
    #[error("{} exists and is no socket; choose another one with --control PATH", path.display())]
    Taken {
        /// The name.
        path: PathBuf,
    },
}

const FOLDER: &str = "tankline-hil";

/// Gives the folder of this user's sockets.
pub(super) fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir()) {
        Some(folder) => folder.join(FOLDER),
        None => PathBuf::from(format!("/tmp/{FOLDER}-{}", rustix::process::getuid().as_raw())),
    }
}

/// Gives the path at which a bench is to listen. Nothing is there afterwards, and its folder is.
///
/// # Errors
/// [`SocketError`] when the path cannot be had.
pub(super) fn free(args: &ControlArgs, role: &str) -> Result<PathBuf, SocketError> {
    let path = match &args.path {
        Some(path) => path.clone(),
        None => {
            let folder = folder();
            make_private(&folder)?;
            folder.join(format!("{role}-{}.sock", std::process::id()))
        }
    };
    match fs::symlink_metadata(&path) {
        Err(_) => {}
        Ok(found) if !found.file_type().is_socket() => return Err(SocketError::Taken { path }),
        Ok(_) if UnixStream::connect(&path).is_ok() => return Err(SocketError::Running { path }),
        // A bench that was killed left it behind. When it cannot be removed, listening fails and says so.
        Ok(_) => drop(fs::remove_file(&path)),
    }
    Ok(path)
}

/// Makes a folder that only this user can enter.
fn make_private(folder: &Path) -> Result<(), SocketError> {
    let refused = |source| SocketError::Folder { folder: folder.to_owned(), source };
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(refused(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(refused)?;
    if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() {
        return Err(SocketError::NotOurs { folder: folder.to_owned() });
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(refused)?;
    }
    Ok(())
}

/// Finds the sockets of this user at which a bench answers. What dead ones left behind is removed.
pub(super) fn running() -> Vec<(PathBuf, UnixStream)> {
    let entries = fs::read_dir(folder()).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "sock")).collect();
    paths.sort();
    let connected = paths.into_iter().filter_map(|path| match UnixStream::connect(&path) {
        Ok(stream) => Some((path, stream)),
        Err(error) => {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                let _ = fs::remove_file(&path);
            }
            None
        }
    });
    connected.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn folder_is_made_for_this_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("sockets");
        make_private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        make_private(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(matches!(make_private(&link), Err(SocketError::NotOurs { .. })));
    }

    #[test]
    fn a_socket_that_is_in_use_or_is_none_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.sock");
        let args = ControlArgs { path: Some(path.clone()) };
        let listener = UnixListener::bind(&path).unwrap();
        assert!(matches!(free(&args, "gauges"), Err(SocketError::Running { .. })));
        drop(listener);
        assert_eq!(free(&args, "gauges").unwrap(), path);
        assert!(!path.exists());
        fs::write(&path, "mine").unwrap();
        assert!(matches!(free(&args, "gauges"), Err(SocketError::Taken { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
