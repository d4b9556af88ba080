//! What has yet to be told, in the table `notification`.

use rusqlite::{Connection, Transaction, params};
use tankline_domain::alarm::Transition;
use tankline_domain::units::UnixMillis;

use super::{Message, Selection, Words};

/// Somebody to be told, as far as the queue has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The name of the target in the configuration.
    pub name: String,
    /// What it is told of.
    pub selection: Selection,
}

/// Puts down who is to be told of a transition, in the transaction that records it; gives how many are.
///
/// `transition_id` is the row of `alarm_transition`. After the commit the targets are to be woken.
///
/// # Errors
/// What SQLite said; the whole transaction is to be undone then.
pub fn enqueue(
    transaction: &Transaction<'_>,
    transition_id: i64,
    transition: &Transition,
    words: Words<'_>,
    addressees: &[Addressee],
    now: UnixMillis,
) -> rusqlite::Result<usize> {
    let mut body = None;
    let mut told = 0;
    for addressee in addressees.iter().filter(|addressee| addressee.selection.wants(transition)) {
        let body = body.get_or_insert_with(|| {
            let message = Message::new(transition_id, transition, words);
            serde_json::to_string(&message).expect("a message has only texts as keys")
        });
        transaction
            .prepare_cached(
                "INSERT INTO notification (target, transition_id, body, created_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![addressee.name, transition_id, *body, now.get()])?;
        told += 1;
    }
    Ok(told)
}

/// A message that waits, and how often it was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its row.
    pub row: i64,
    /// What is to be told.
    pub message: Message,
    /// The same as it is stored: what a webhook sends.
    pub body: String,
    /// When it was put down.
    pub created: UnixMillis,
    /// How often it was tried in vain.
    pub attempts: u32,
}

/// Why something was not told for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GivenUp {
    /// It waited for too long.
    TooOld,
    /// Too many came after it.
    TooMany,
    /// The receiver does not accept it.
    Refused,
    /// Its target is no longer configured.
    NoTarget,
    /// It cannot be read.
    Unreadable,
}

impl GivenUp {
    /// Says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooOld => "it waited for too long",
            Self::TooMany => "too many came after it",
            Self::Refused => "the receiver does not accept it",
            Self::NoTarget => "its target is no longer configured",
            Self::Unreadable => "it cannot be read",
        }
    }
}

/// Gives what waits for a target, the oldest first, and the rows that cannot be read.
///
/// # Errors
/// What SQLite said.
pub fn waiting(connection: &Connection, target: &str, limit: usize) -> rusqlite::Result<(Vec<Waiting>, Vec<i64>)> {
    let mut select = connection.prepare_cached(
        "SELECT id, body, created_ms, attempts FROM notification
         WHERE target = ?1 AND delivered_ms IS NULL AND given_up_ms IS NULL ORDER BY id LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![target, limit])?;
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (id, body): (i64, String) = (row.get(0)?, row.get(1)?);
        match serde_json::from_str(&body) {
            Ok(message) => {
                let (created, attempts) = (UnixMillis::new(row.get(2)?), row.get(3)?);
                found.push(Waiting { row: id, message, body, created, attempts });
            }
            Err(_) => unreadable.push(id),
        }
    }
    Ok((found, unreadable))
}

/// Counts what waits for a target.
///
/// # Errors
/// What SQLite said.
pub fn count_waiting(connection: &Connection, target: &str) -> rusqlite::Result<u64> {
    let count: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM notification
             WHERE target = ?1 AND delivered_ms IS NULL AND given_up_ms IS NULL",
        )?
        .query_row([target], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Notes that some rows were told.
///
/// # Errors
/// What SQLite said; none is noted then.
pub fn note_delivered(connection: &mut Connection, rows: &[i64], now: UnixMillis) -> rusqlite::Result<()> {
    each(connection, rows, |transaction, row| {
        transaction
            .prepare_cached(
                "UPDATE notification SET delivered_ms = ?2, tried_ms = ?2, attempts = attempts + 1, trouble = NULL
                 WHERE id = ?1",
            )?
            .execute(params![row, now.get()])
    })
}

/// Notes that some rows were tried in vain.
///
/// # Errors
/// What SQLite said; none is noted then.
pub fn note_failed(connection: &mut Connection, rows: &[i64], words: &str, now: UnixMillis) -> rusqlite::Result<()> {
    each(connection, rows, |transaction, row| {
        transaction
            .prepare_cached(
                "UPDATE notification SET tried_ms = ?2, attempts = attempts + 1, trouble = ?3 WHERE id = ?1",
            )?
            .execute(params![row, now.get(), words])
    })
}

/// Notes that some rows will not be told.
///
/// # Errors
/// What SQLite said; none is noted then.
pub fn give_up(connection: &mut Connection, rows: &[i64], why: GivenUp, now: UnixMillis) -> rusqlite::Result<()> {
    each(connection, rows, |transaction, row| {
        transaction
            .prepare_cached(
                "UPDATE notification SET given_up_ms = ?2, trouble = ?3 || ifnull(': ' || trouble, '') WHERE id = ?1",
            )?
            .execute(params![row, now.get(), why.words()])
    })
}

/// Gives the oldest rows of a target that are more than it may keep waiting.
///
/// # Errors
/// What SQLite said.
pub fn beyond(connection: &Connection, target: &str, max_rows: u32) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT id FROM notification WHERE target = ?1 AND delivered_ms IS NULL AND given_up_ms IS NULL
             ORDER BY id DESC LIMIT -1 OFFSET ?2",
        )?
        .query_map(params![target, max_rows], |row| row.get(0))?
        .collect()
}

/// Gives what waits for targets that are not among these, and its target.
///
/// # Errors
/// What SQLite said.
pub fn orphans(connection: &Connection, targets: &[&str]) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select =
        connection.prepare("SELECT id, target FROM notification WHERE delivered_ms IS NULL AND given_up_ms IS NULL")?;
    let rows: rusqlite::Result<Vec<(i64, String)>> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect();
    Ok(rows?.into_iter().filter(|(_, target)| !targets.contains(&target.as_str())).collect())
}

/// Deletes what was told or given up before `before`.
///
/// # Errors
/// What SQLite said.
pub fn forget(connection: &Connection, before: UnixMillis) -> rusqlite::Result<usize> {
    connection.execute(
        "DELETE FROM notification WHERE id IN (SELECT id FROM notification
             WHERE ifnull(delivered_ms, given_up_ms) < ?1 LIMIT 1000)",
        [before.get()],
    )
}

fn each(
    connection: &mut Connection,
    rows: &[i64],
    write: impl Fn(&Transaction<'_>, i64) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for row in rows {
        write(&transaction, *row)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::fixtures::{WORDS, database, transition};

    fn addressee(name: &str) -> Addressee {
        Addressee { name: name.to_owned(), selection: Selection::default() }
    }

    fn put(connection: &mut Connection, id: i64, targets: &[&str]) {
        let addressees: Vec<_> = targets.iter().map(|name| addressee(name)).collect();
        let transaction = connection.transaction().unwrap();
        enqueue(&transaction, id, &transition(id), WORDS, &addressees, UnixMillis::new(id)).unwrap();
        transaction.commit().unwrap();
    }

    fn rows(connection: &Connection, target: &str) -> Vec<i64> {
        waiting(connection, target, 100).unwrap().0.iter().map(|waiting| waiting.row).collect()
    }

    #[test]
    fn each_target_has_its_own_queue_in_the_order_of_the_transitions() {
        let (_folder, mut connection) = database();
        for id in 1..=3 {
            put(&mut connection, id, &["a", "b"]);
        }
        let (found, unreadable) = waiting(&connection, "a", 100).unwrap();
        assert_eq!(unreadable, Vec::<i64>::new());
        let ids: Vec<_> = found.iter().map(|one| one.message.id.as_str()).collect();
        assert_eq!(ids, ["1-1000", "2-2000", "3-3000"]);
        let first = [found[0].row];
        note_failed(&mut connection, &first, "connection refused", UnixMillis::new(50)).unwrap();
        assert_eq!(waiting(&connection, "a", 1).unwrap().0[0].attempts, 1);
        note_delivered(&mut connection, &first, UnixMillis::new(60)).unwrap();
        assert_eq!(rows(&connection, "a").len(), 2);
        assert_eq!((count_waiting(&connection, "a").unwrap(), count_waiting(&connection, "b").unwrap()), (2, 3));
    }

    #[test]
    fn a_transition_that_is_undone_tells_nobody() {
        let (_folder, mut connection) = database();
        let transaction = connection.transaction().unwrap();
        let told = enqueue(&transaction, 1, &transition(1), WORDS, &[addressee("a")], UnixMillis::new(1)).unwrap();
        assert_eq!(told, 1);
        transaction.rollback().unwrap();
        assert!(rows(&connection, "a").is_empty());
    }

    #[test]
    fn what_is_too_much_or_has_no_target_or_cannot_be_read_is_found_and_given_up() {
        let (_folder, mut connection) = database();
        for id in 1..=5 {
            put(&mut connection, id, &["a"]);
        }
        put(&mut connection, 6, &["gone"]);
        let mut oldest = beyond(&connection, "a", 3).unwrap();
        oldest.sort_unstable();
        assert_eq!(oldest, [1, 2]);
        give_up(&mut connection, &oldest, GivenUp::TooMany, UnixMillis::new(9)).unwrap();
        assert_eq!(rows(&connection, "a"), [3, 4, 5]);
        assert_eq!(orphans(&connection, &["a"]).unwrap(), [(6, "gone".to_owned())]);
        connection.execute("UPDATE notification SET body = '{}' WHERE id = 3", []).unwrap();
        assert_eq!(waiting(&connection, "a", 100).unwrap().1, [3]);
        assert_eq!(forget(&connection, UnixMillis::new(9)).unwrap(), 0);
        assert_eq!(forget(&connection, UnixMillis::new(10)).unwrap(), 2);
    }
}
