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
                 RETURNING id > ?4",
            )?;
            let left = i64::from(self.at_once) - i64::try_from(expired.readings).unwrap_or(i64::MAX);
            let mut gone = delete.query(params![place.0, place.1, old, sent_through, too_old, left])?;
            while let Some(row) = gone.next()? {
                expired.readings += 1;
                expired.unsent += u64::from(row.get::<_, bool>(0)?);
            }
            if expired.readings >= u64::from(self.at_once) {
                break;
            }
        }
        self.expire_alarms(&transaction, before(self.retention.alarm_days))?;
        transaction.commit()?;
        Ok(expired)
    }

    /// Deletes what happened to alarms before a moment, the oldest first, but not what the historian has yet to get.
    fn expire_alarms(&self, transaction: &Transaction<'_>, before_ms: i64) -> rusqlite::Result<usize> {
        let sent_through = match &self.target {
            Some(target) => cursor(transaction, &alarm_target(target))?,
            None => i64::MAX,
        };
        transaction
            .prepare_cached(
                "DELETE FROM alarm_transition WHERE id IN (
                     SELECT id FROM (SELECT id, at_ms FROM alarm_transition ORDER BY id LIMIT ?3)
                     WHERE at_ms < ?1 AND id <= ?2)",
            )?
            .execute(params![before_ms, sent_through, self.at_once])
    }
}
