//! Commands that compute and need no worker: `table`, `volume` and `vcf`.

mod given;
mod table;
mod vcf;
mod volume;

pub use given::GivenError;
pub use table::{TableCommand, TableCommandError, table};
pub use vcf::{VcfArgs, vcf};
pub use volume::{VolumeArgs, VolumeCommandError, volume};
