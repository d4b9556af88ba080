//! `alarms`: what there is to know of alarms, and to do about them.

use clap::Subcommand;

use crate::kpi::{KpiArgs, KpiError, kpi};

/// What is asked of alarms.
#[derive(Debug, Subcommand)]
pub enum AlarmsCommand {
    /// Say how the alarms do: how often, floods, chattering, stale ones, the ten most frequent, times to acknowledge.
    ///
    /// Held against the figures that ISA-18.2-2016 and EEMUA 191 recommend, in all and for each day.
    Kpi(KpiArgs),
}

/// Why a command on alarms did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlarmsCommandError {
    /// Figures were asked for.
    #[error(transparent)]
    Kpi(#[from] KpiError),
}

/// Does it; gives what is to be printed.
///
/// # Errors
/// [`AlarmsCommandError`].
pub fn alarms(command: &AlarmsCommand) -> Result<String, AlarmsCommandError> {
    match command {
        AlarmsCommand::Kpi(args) => Ok(kpi(args)?),
    }
}
