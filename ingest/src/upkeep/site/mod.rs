//! Moving a site from one worker to another.

mod export;
mod import;
#[cfg(test)]
mod site_tests;
mod tables;

pub use export::{ExportError, Exported, export};
pub use import::{Feeding, ImportError, Imported, Taker, import};
pub(super) use tables::let_go;
