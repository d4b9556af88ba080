//! What each stage of a worker costs: processor time, and the time that it waits.
//!
//! Always on: a stage is measured once for a large message or a transaction, for some of the small messages in place of all,
//! and never for a reading.

use std::sync::Arc;

use tankline_runtime::cost::Cost;

/// A stage on the way of a reading, in its order; those from [`Stage::AwaitWork`] on are of the thread that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The connection to the broker: packets in and out.
    Connection,
    /// Reading messages.
    Parse,
    /// Judging readings, quantities and flow.
    Derive,
    /// Waiting for something to write.
    AwaitWork,
    /// Gathering a transaction, and telling duplicates.
    Sort,
    /// The detectors of movement, leak and reverse flow.
    Watch,
    /// The rules and states of alarms.
    Alarms,
    /// The transaction in the database.
    Commit,
    /// Making known what is committed, within the process.
    Note,
    /// Deleting what is too old.
    Expire,
    /// Acknowledgements and alarms for the broker.
    Publish,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Connection,
        Self::Parse,
        Self::Derive,
        Self::AwaitWork,
        Self::Sort,
        Self::Watch,
        Self::Alarms,
        Self::Commit,
        Self::Note,
        Self::Expire,
        Self::Publish,
    ];

    /// Gives its name in metrics and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Parse => "parse",
            Self::Derive => "derive",
            Self::AwaitWork => "await-work",
            Self::Sort => "sort",
            Self::Watch => "watch",
            Self::Alarms => "alarms",
            Self::Commit => "commit",
            Self::Note => "note",
            Self::Expire => "expire",
            Self::Publish => "publish",
        }
    }
}

/// What each stage has cost since the start.
#[derive(Debug, Default)]
pub struct StageTimes {
    costs: [Arc<Cost>; Stage::ALL.len()],
}

impl StageTimes {
    /// Gives the cost of a stage.
    #[must_use]
    pub fn of(&self, stage: Stage) -> &Arc<Cost> {
        &self.costs[stage as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_own_place_and_name() {
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, place);
            assert_eq!(Stage::ALL.iter().filter(|other| other.name() == stage.name()).count(), 1);
        }
    }
}
