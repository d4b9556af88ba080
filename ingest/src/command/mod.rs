//! Commands beside the worker: `alarms` asks it; `table`, `volume`, `vcf`, `recompute`, `dip`, `report`, `backup`,
//! `restore` and `site` need none.

mod alarms;
mod backup;
mod dip;
mod found;
mod given;
mod recompute;
mod report;
mod site;
mod station;
mod table;
mod vcf;
mod volume;

pub use alarms::{AlarmsCommand, AlarmsError, AskError, alarms};
pub use backup::{BackupArgs, BackupCommandError, DatabaseArgs, RestoreArgs, backup, restore};
pub use dip::{DipCommand, DipCommandError, dip};
pub use given::GivenError;
pub use recompute::{RecomputeArgs, RecomputeError, recompute};
pub use report::{ReportCommand, ReportError, report};
pub use site::{SiteCommand, SiteCommandError, site};
pub use station::{StationArgs, StationError};
pub use table::{TableCommand, TableCommandError, table};
pub use vcf::{VcfArgs, vcf};
pub use volume::{VolumeArgs, VolumeCommandError, volume};
