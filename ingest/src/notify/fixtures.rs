//! What the tests of notification need.

use rusqlite::Connection;
use tankline_domain::alarm::{AlarmKey, AlarmKind, Event, Priority, State, Transition};
use tankline_domain::units::UnixMillis;

use super::Words;

/// A tank of site "s" runs over, as far as a gauge can tell, in second `second`.
pub fn transition(second: i64) -> Transition {
    Transition {
        key: AlarmKey { site: "s".parse().unwrap(), source: "T-01".parse().unwrap(), kind: AlarmKind::LevelHighHigh },
        at: UnixMillis::new(second * 1000),
        event: Event::Raised,
        from: State::Normal,
        to: State::Unacknowledged,
        priority: Priority::Critical,
        value: Some(15_204.0),
        limit: Some(15_200.0),
        unit: "mm".to_owned(),
        who: None,
        note: None,
    }
}

/// How it is spoken of.
pub const WORDS: Words<'_> = Words { title: "Level high-high", guidance: Some("Stop the transfer into this tank.") };

/// A new database, and the folder that goes with it.
pub fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let connection = crate::store::open(&folder.path().join("ops.db")).unwrap();
    (folder, connection)
}
