//! The one thread that writes to the database.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tankline_runtime::backoff::Backoff;
use tankline_runtime::clock;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::commit::{Committed, Group, commit};
use super::feed::Progress;
use super::gaps::GapNote;
use super::retention::{Expired, Expiry};
use crate::intake::Batch;
use crate::shared::Shared;

/// Readings that one transaction carries at most, give or take a message.
const READINGS_AT_ONCE: usize = 5000;

/// Pieces of work that one transaction carries at most.
const PIECES_AT_ONCE: usize = 1000;

/// Something to be written.
#[derive(Debug)]
pub enum Work {
    /// What came in a message.
    Batch(Batch),
    /// What an edge told of its gaps.
    Gap(GapNote),
    /// How far the historian has got.
    Progress(Progress),
    /// Old readings are to go; tells how many went.
    Expire(Expiry, oneshot::Sender<Expired>),
}

/// Why the writer ended before its work was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError {
    /// It was told to stop while the database failed.
    #[error("the database still failed at the stop; {readings} readings are not in it and stay at the edges")]
    GaveUp {
        /// Readings in the transaction that failed.
        readings: usize,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// Commits what comes through its queue, as much at once as waits there.
#[derive(Debug)]
pub struct Writer {
    /// The database.
    pub connection: Connection,
    /// What has to know of commits.
    pub shared: Arc<Shared>,
    /// The queue. The writer ends when all its senders are gone.
    pub work: mpsc::Receiver<Work>,
    /// How many dead letters are kept.
    pub dead_letter_max_rows: u32,
    /// Cancelled when a failing database is to be waited for no longer.
    pub stop: CancellationToken,
    /// To wait on.
    pub runtime: Handle,
}

impl Writer {
    /// Works until the queue is closed and empty. To be called on a thread of its own.
    ///
    /// # Errors
    /// [`WriterError`] when it had to stop while the database failed.
    pub fn run(mut self) -> Result<(), WriterError> {
        while let Some(first) = self.work.blocking_recv() {
            let (group, expiries) = self.gather(first);
            self.commit(group)?;
            for (expiry, reply) in expiries {
                self.expire(&expiry, reply);
            }
        }
        Ok(())
    }

    /// Takes what waits, without waiting for more.
    fn gather(&mut self, first: Work) -> (Group, Vec<(Expiry, oneshot::Sender<Expired>)>) {
        let (mut batches, mut expiries, mut group) = (Vec::new(), Vec::new(), Group::default());
        let (mut readings, mut next, mut pieces) = (0, Some(first), 0);
        while let Some(work) = next {
            match work {
                Work::Batch(batch) => {
                    readings += batch.readings.len();
                    batches.push(batch);
                }
                Work::Gap(note) => group.gaps.push(note),
                Work::Progress(progress) => group.progress.push(progress),
                Work::Expire(expiry, reply) => expiries.push((expiry, reply)),
            }
            pieces += 1;
            let more = readings < READINGS_AT_ONCE && pieces < PIECES_AT_ONCE;
            next = if more { self.work.try_recv().ok() } else { None };
        }
        group.sorted = self.shared.ledger().sort(batches);
        (group, expiries)
    }

    /// Commits a group, however long the database fails; nothing of it is acknowledged before.
    fn commit(&mut self, group: Group) -> Result<(), WriterError> {
        let done = if is_empty(&group) { Committed::default() } else { self.commit_at_last(&group)? };
        self.shared.note_committed(clock::unix_ms(), group, done);
        Ok(())
    }

    fn commit_at_last(&mut self, group: &Group) -> Result<Committed, WriterError> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        loop {
            let now = clock::unix_ms();
            match commit(&mut self.connection, &self.shared.stations, group, now, self.dead_letter_max_rows) {
                Ok(done) => {
                    self.shared.note_store_works();
                    return Ok(done);
                }
                Err(error) => {
                    self.shared.note_store_fails(&error);
                    let readings = group.sorted.batches.iter().map(|batch| batch.readings.len()).sum();
                    let wait = backoff.next();
                    // The sleep has to be made inside the runtime.
                    let wait = async { self.stop.run_until_cancelled(tokio::time::sleep(wait)).await };
                    if self.runtime.block_on(wait).is_none() {
                        return Err(WriterError::GaveUp { readings, source: error });
                    }
                }
            }
        }
    }

    fn expire(&mut self, expiry: &Expiry, reply: oneshot::Sender<Expired>) {
        match expiry.expire(&mut self.connection, clock::unix_ms()) {
            Ok(expired) => {
                self.shared.note_expired(expired);
                // Who asked may have stopped.
                let _ = reply.send(expired);
            }
            Err(error) => tracing::warn!(%error, "old readings cannot be deleted; trying again later"),
        }
    }
}

/// Tells whether there is nothing to write, as when all was duplicates.
fn is_empty(group: &Group) -> bool {
    let nothing = |batch: &Batch| batch.readings.is_empty() && batch.refused.is_empty();
    group.sorted.batches.iter().all(nothing) && group.gaps.is_empty() && group.progress.is_empty()
}
