//! Why the journal cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use super::owner::Owner;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system refused an operation.
    #[error("journal: cannot {what} {path}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its bound leaves no room for another segment.
    #[error(
        "journal: {path} may have {max_bytes} bytes, and files that are not the journal's leave no room for a segment of {segment_bytes}; move them away, or raise journal.max_mb",
        path = path.display()
    )]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// Its bound.
        max_bytes: u64,
        /// Length of a segment.
        segment_bytes: u64,
    },
    /// A newer version of the program wrote a segment.
    #[error(
        "journal: {path} has format {found}, this program knows up to {known}; run the version that wrote it, or move the folder away",
        path = path.display()
    )]
    Newer {
        /// The segment.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The newest format known here.
        known: u16,
    },
    /// Another process has the journal open.
    #[error("journal: {path} is in use by another process; stop it first", path = path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It has the readings of another edge.
    #[error(
        "journal: {path} has the readings of {found}, and this is {wanted}; run that one until the centre has them and move the folder away, or choose another journal.dir",
        path = path.display()
    )]
    OtherOwner {
        /// The folder.
        path: PathBuf,
        /// Whose readings it has.
        found: Owner,
        /// Who wanted to use it.
        wanted: Owner,
    },
    /// No random number for the identity of a new journal.
    #[error("journal: the system gives no random number for its identity: {0}")]
    Random(String),
}

impl JournalError {
    /// Gives a function that wraps what the system said.
    pub(super) fn io<'p>(what: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + 'p {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// Tells whether the disk is the reason, so that it may go away by itself.
    pub(super) const fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::NoRoom { .. })
    }
}
