//! `alarms`: what stands, what happened, and what a person does about it.

mod ask;
mod orders;
mod read;
mod words;

pub use ask::{AskError, WorkerArgs};
pub use orders::{OrderArgs, OutOfServiceArgs, ShelveArgs};
pub use read::{AlarmsError, HistoryArgs, ListArgs};

use clap::Subcommand;

use crate::kpi::{KpiArgs, kpi};

/// What is asked of the alarms.
#[derive(Debug, Subcommand)]
pub enum AlarmsCommand {
    /// List the alarms that are not normal, the most urgent first, with what to do.
    List(ListArgs),
    /// Say what happened to alarms, the oldest first.
    History(HistoryArgs),
    /// Acknowledge an alarm: it was seen, and is taken care of. Takes the role operator.
    #[command(visible_alias = "acknowledge")]
    Ack(OrderArgs),
    /// Reset an alarm that is latched after its condition is over. Takes the role operator.
    Reset(OrderArgs),
    /// Put an alarm aside for a time. It is evaluated on. Takes the role operator.
    Shelve(ShelveArgs),
    /// Take an alarm back from the shelf. Takes the role operator.
    Unshelve(OrderArgs),
    /// Take an alarm out of service for work. Takes the role engineer.
    OutOfService(OutOfServiceArgs),
    /// Put an alarm back into service. Takes the role engineer.
    ReturnToService(OrderArgs),
    /// Say how the alarms do: how often, floods, chattering, stale ones, the ten most frequent, times to acknowledge.
    ///
    /// Held against the figures that ISA-18.2-2016 and EEMUA 191 recommend, in all and for each day.
    Kpi(KpiArgs),
}

/// Does what is asked; gives the text to print.
///
/// # Errors
/// [`AlarmsError`].
pub fn alarms(command: &AlarmsCommand) -> Result<String, AlarmsError> {
    match command {
        AlarmsCommand::List(args) => read::list(args),
        AlarmsCommand::History(args) => read::past(args),
        AlarmsCommand::Ack(args) => orders::plain(args, "acknowledge"),
        AlarmsCommand::Reset(args) => orders::plain(args, "reset"),
        AlarmsCommand::Shelve(args) => orders::shelve(args),
        AlarmsCommand::Unshelve(args) => orders::plain(args, "unshelve"),
        AlarmsCommand::OutOfService(args) => orders::out_of_service(args),
        AlarmsCommand::ReturnToService(args) => orders::plain(args, "return-to-service"),
        AlarmsCommand::Kpi(args) => Ok(kpi(args)?),
    }
}
