//! What is done to a database as a whole: backup and restore.

mod backup;
mod copy;
mod restore;
mod seal;
mod weigh;

pub use backup::{BackedUp, BackupError, Replace, backup};
pub use copy::CopyError;
pub use restore::{RestoreError, Restored, restore};
pub use seal::{Seal, SealError};
pub use weigh::{Lacking, lacking};
