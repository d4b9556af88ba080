//! Moving a site from one worker to another.

mod bring;
mod export;
mod import;
#[cfg(test)]
mod site_tests;
mod tables;

pub(super) use bring::{BringError, bring};
pub use export::{ExportError, Exported, export};
pub use import::{Feeding, Files, ImportError, Imported, Taker, import};
pub(super) use tables::let_go;
