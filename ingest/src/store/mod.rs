//! The operational database: what is committed, and what is known of every journal.

mod alarms;
mod bases;
mod commit;
mod custody;
mod database;
mod dead_letters;
mod feed;
mod gaps;
mod journals;
mod layers;
mod ledger;
mod lock;
mod newest;
mod owner;
mod recompute;
mod retention;
mod schema;
#[cfg(test)]
mod store_tests;
mod survey;
mod upkeep;
mod watches;
mod writer;

pub use alarms::{
    AlarmChanges, AlarmRow, Happened, HistoryQuery, RecordedTransition, history, load_alarms, transitions_after,
};
pub use bases::note_bases;
pub use commit::{Committed, Group, commit};
pub use custody::{Custody, custodies, custody, gone, set_custody};
pub use database::{OpenError, open, open_any_version, open_beside, open_read_only, restoring};
pub use feed::{
    FeedRow, NOTHING_SENT, Progress, Rewind, alarm_target, asked_again, begin_at_present, cursor, rows_after,
    send_again,
};
pub use gaps::{GapNote, load_gaps};
pub use journals::load_ledger;
pub(crate) use layers::read_layer;
pub use ledger::{JournalKey, Ledger, Sorted};
pub use lock::{DatabaseLock, LockError};
pub(crate) use lock::{MakingLock, beside, folder_of, real};
pub use newest::{NewestOfTank, newest_of};
pub(crate) use owner::{Owner, make_private};
pub use recompute::{Historians, Recomputed, recompute};
pub use retention::{Expired, Expiry, forget_orphans};
pub use schema::VERSION as SCHEMA_VERSION;
pub use survey::{FeedStatus, JournalStatus, NotificationStatus, StoreStatus, survey};
pub use upkeep::{UpkeepEvent, UpkeepNote, note_upkeep, upkeep};
pub use watches::{WatchRow, load_watches};
pub use writer::{Work, Writer, WriterError};
