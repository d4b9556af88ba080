//! Old readings go, a little at a time.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tankline_domain::units::UnixMillis;

use super::feed::{alarm_target, cursor};
use crate::config::Retention;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Which readings are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// How long they are kept.
    pub retention: Retention,
    /// The historian that ought to have them before they go; absent when there is none.
    pub target: Option<String>,
    /// Most readings that go at once.
    pub at_once: u32,
}

/// What has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Readings deleted.
    pub readings: u64,
    /// How many of them the historian had not got.
    pub unsent: u64,
}

impl Expiry {
    /// Deletes some of what is too old, tank by tank. When it gives as many as `at_once`, there may be more.
    ///
    /// # Errors
    /// What SQLite said.
    pub(super) fn expire(&self, connection: &mut Connection, now: UnixMillis) -> rusqlite::Result<Expired> {
        let before = |days: u32| now.get().saturating_sub(i64::from(days) * DAY_MS);
        let (old, too_old) = (before(self.retention.raw_days), before(self.retention.unsent_days));
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let sent_through = match &self.target {
            Some(target) => cursor(&transaction, target)?,
            None => i64::MAX,
        };
        let mut expired = Expired::default();
        let mut place = (String::new(), String::new());
        // From one tank to the next by the index: as many steps as there are tanks, however many readings they have.
        while let Some(next) = transaction
            .prepare_cached("SELECT site, tank FROM reading WHERE (site, tank) > (?1, ?2) ORDER BY site, tank LIMIT 1")?
            .query_row(params![place.0, place.1], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
        {
            place = next;
            // Only the oldest are looked at, so that millions that wait for the historian cost nothing.
            let mut delete = transaction.prepare_cached(
                "DELETE FROM reading WHERE id IN (
                     SELECT id FROM (
                         SELECT id, at_ms FROM reading WHERE site = ?1 AND tank = ?2 AND at_ms < ?3
                         ORDER BY at_ms LIMIT ?6)
                     WHERE id <= ?4 OR at_ms < ?5)
                 RETURNING id, id > ?4",
            )?;
            let left = i64::from(self.at_once) - i64::try_from(expired.readings).unwrap_or(i64::MAX);
            // Another reading may get its id one day, which must not find what was derived of this one.
            let mut forget = transaction.prepare_cached("DELETE FROM superseded WHERE reading_id = ?1")?;
            let bounds = params![place.0, place.1, old, sent_through, too_old, left];
            let gone = delete.query_map(bounds, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))?;
            for (id, is_unsent) in gone.collect::<rusqlite::Result<Vec<_>>>()? {
                forget.execute([id])?;
                expired.readings += 1;
                expired.unsent += u64::from(is_unsent);
            }
            if expired.readings >= u64::from(self.at_once) {
                break;
            }
        }
        self.expire_alarms(&transaction, before(self.retention.alarm_days))?;
        transaction.commit()?;
        Ok(expired)
    }

    /// Deletes what happened to alarms before a moment, site by site, the oldest first, but not what the historian has yet to
    /// get.
    fn expire_alarms(&self, transaction: &Transaction<'_>, before_ms: i64) -> rusqlite::Result<()> {
        let sent_through = match &self.target {
            Some(target) => cursor(transaction, &alarm_target(target))?,
            None => i64::MAX,
        };
        let (mut gone, mut place) = (0_u32, String::new());
        while gone < self.at_once
            && let Some(site) = transaction
                .prepare_cached("SELECT site FROM alarm_transition WHERE site > ?1 ORDER BY site LIMIT 1")?
                .query_row([&place], |row| row.get(0))
                .optional()?
        {
            place = site;
            let here = transaction
                .prepare_cached(
                    "DELETE FROM alarm_transition WHERE id IN (
                         SELECT id FROM alarm_transition WHERE site = ?1 AND at_ms < ?2 AND id <= ?3
                         ORDER BY at_ms LIMIT ?4)",
                )?
                .execute(params![place, before_ms, sent_through, self.at_once - gone])?;
            gone = gone.saturating_add(u32::try_from(here).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}

/// Deletes what was derived before of readings that are gone; gives how much that was. Databases of earlier versions have some.
///
/// # Errors
/// What SQLite said.
pub fn forget_orphans(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM superseded WHERE reading_id NOT IN (SELECT id FROM reading)", [])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);
    const TARGET: &str = "http://influxdb/company/tanks";

    /// A database with what happened to an alarm so many days ago, in the order of its record.
    fn with_transitions(days_ago: &[i64]) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let connection = crate::store::open(&folder.path().join("ops.db")).unwrap();
        for days in days_ago {
            let at_ms = NOW.get() - days * DAY_MS;
            let sql =
                "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, unit,
                           recorded_ms)
                       VALUES ('s', 'T-01', 'level-h', 'high', ?1, 'raised', 'normal', 'unacknowledged', 'mm', ?1)";
            connection.execute(sql, [at_ms]).unwrap();
        }
        (folder, connection)
    }

    fn expiry(target: Option<&str>, at_once: u32) -> Expiry {
        let retention = Retention { raw_days: 1, unsent_days: 1, alarm_days: 400 };
        Expiry { retention, target: target.map(str::to_owned), at_once }
    }

    fn kept(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT id FROM alarm_transition ORDER BY id").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn what_happened_to_alarms_goes_when_it_is_too_old_and_not_before() {
        let (_folder, mut connection) = with_transitions(&[500, 402, 401, 399, 30, 0]);
        // A little at a time.
        expiry(None, 2).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [3, 4, 5, 6]);
        expiry(None, 2).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [4, 5, 6]);
        expiry(None, 2).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [4, 5, 6]);
        let tomorrow = UnixMillis::new(NOW.get() + 2 * DAY_MS);
        expiry(None, 2).expire(&mut connection, tomorrow).unwrap();
        assert_eq!(kept(&connection), [5, 6]);
    }

    #[test]
    fn what_the_historian_has_not_got_of_alarms_stays() {
        let (_folder, mut connection) = with_transitions(&[500, 450, 410, 1]);
        let through = |connection: &Connection, id: i64| {
            let sql = "INSERT OR REPLACE INTO historian_cursor (target, through_id, updated_ms) VALUES (?1, ?2, 0)";
            connection.execute(sql, params![alarm_target(TARGET), id]).unwrap();
        };
        expiry(Some(TARGET), 100).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [1, 2, 3, 4]);
        through(&connection, 2);
        expiry(Some(TARGET), 100).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [3, 4]);
        through(&connection, 4);
        expiry(Some(TARGET), 100).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [4]);
    }

    #[test]
    fn old_transitions_go_wherever_younger_ones_stand_before_them() {
        let (_folder, mut connection) = with_transitions(&[1, 2, 3, 500, 450]);
        expiry(None, 2).expire(&mut connection, NOW).unwrap();
        assert_eq!(kept(&connection), [1, 2, 3]);
    }

    #[test]
    fn what_was_derived_before_goes_with_its_reading() {
        let (_folder, mut connection) = with_transitions(&[]);
        for (seq, days) in [(1, 9), (2, 9), (3, 0)] {
            let sql = "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, quality, quality_code, committed_ms)
                       VALUES ('s', 'T-01', 'rtu-01', ?2, 'j', ?1, 'good', 192, 0)";
            connection.execute(sql, params![seq, NOW.get() - days * DAY_MS]).unwrap();
        }
        // One more is of a reading that went in former times.
        let sql = "INSERT INTO superseded (reading_id, replaced_ms) VALUES (1, 0), (1, 1), (2, 0), (3, 0), (77, 0)";
        connection.execute(sql, []).unwrap();
        assert_eq!(expiry(None, 100).expire(&mut connection, NOW).unwrap().readings, 2);
        let left = |connection: &Connection| -> Vec<i64> {
            let mut statement = connection.prepare("SELECT reading_id FROM superseded ORDER BY id").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(left(&connection), [3, 77]);
        assert_eq!(forget_orphans(&connection).unwrap(), 1);
        assert_eq!(left(&connection), [3]);
    }
}
