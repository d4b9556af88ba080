//! What is done to a database as a whole: backup and restore, and a site that moves.

mod backup;
mod copy;
mod moved;
mod restore;
#[cfg(test)]
mod restore_tests;
mod seal;
mod site;
mod weigh;

pub use backup::{BackedUp, BackupError, Replace, backup};
pub use copy::CopyError;
pub use moved::{Moved, TakenIn};
pub use restore::{RestoreError, Restored, restore};
pub use seal::{Seal, SealError};
pub use site::{ExportError, Exported, Feeding, Files, ImportError, Imported, Taker, export, import};
pub use weigh::{Lacking, lacking};
