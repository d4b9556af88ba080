//! Commands that compute and need no worker: `table`, `volume`, `vcf` and `recompute`.

mod found;
mod given;
mod recompute;
mod table;
mod vcf;
mod volume;

pub use given::GivenError;
pub use recompute::{RecomputeArgs, RecomputeError, recompute};
pub use table::{TableCommand, TableCommandError, table};
pub use vcf::{VcfArgs, vcf};
pub use volume::{VolumeArgs, VolumeCommandError, volume};
