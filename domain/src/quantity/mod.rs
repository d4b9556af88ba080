//! The static quantity chain: from what a gauge reads to the volumes and the mass that people account by.
//!
//! TOV, less free water, by the shell's temperature, less the floating roof, is GOV; by the volume correction GSV; less
//! sediment and water NSV; by the density in air the mass. After API MPMS 12.1.1, ISO 4267 and GB/T 19779. Each result
//! can be asked for its expanded uncertainty and for its steps.

mod basis;
mod chain;
mod conditions;
mod roof;
mod shell;
mod steps;
#[cfg(test)]
mod testing;
mod uncertainty;

pub use basis::Basis;
pub use chain::{Gross, Measured, Missing, Net, Quantities, Water};
pub use conditions::Conditions;
pub use roof::{Displaced, FloatingRoof, RoofState};
pub use shell::{Insulation, Shell};
pub use steps::{Step, ends, steps};
pub use uncertainty::{Expanded, Uncertainties};
