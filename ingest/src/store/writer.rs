//! The one thread that writes to the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tankline_domain::alarm::watch::Findings;
use tankline_domain::alarm::{ClockShown, Moment, Reach};
use tankline_domain::message::Presence;
use tankline_domain::names::SiteName;
use tankline_runtime::backoff::Backoff;
use tankline_runtime::clock;
use tankline_runtime::cost::Lap;
use tankline_runtime::pulses::Pulse;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::commit::{Committed, Group, commit};
use super::feed::{Progress, Rewind};
use super::gaps::GapNote;
use super::retention::{Expired, Expiry};
use crate::alarms::{Engine, Order, Ordered};
use crate::intake::Batch;
use crate::shared::Shared;
use crate::stages::Stage;
use crate::stations::EdgeId;

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
    /// The historian gets readings again.
    Rewind(Rewind),
    /// Old readings are to go; tells how many went.
    Expire(Expiry, oneshot::Sender<Expired>),
    /// An edge came or went.
    Presence(EdgeId, Presence),
    /// What an edge shows of its clock.
    Clock(EdgeId, ClockShown),
    /// The broker of a site came or went.
    Reach(SiteName, Reach),
    /// Time has come for an alarm.
    Time,
    /// A person has something done with an alarm; told what became of it when that is committed.
    Order(Order, oneshot::Sender<Ordered>),
}

/// Something that alarms may follow from, in the order in which it came.
#[derive(Debug)]
enum Step {
    /// A batch, by its place in the group.
    Batch(usize),
    Presence(EdgeId, Presence),
    Clock(EdgeId, ClockShown),
    Reach(SiteName, Reach),
    Time,
    Order(Order, oneshot::Sender<Ordered>),
}

/// What was taken from the queue at once.
#[derive(Debug, Default)]
struct Gathered {
    group: Group,
    steps: Vec<Step>,
    expiries: Vec<(Expiry, oneshot::Sender<Expired>)>,
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
    /// The alarms.
    pub engine: Engine,
    /// Told when time comes for an alarm next.
    pub due: watch::Sender<Option<Instant>>,
}

impl Writer {
    /// Works until the queue is closed and empty. To be called on a thread of its own.
    ///
    /// # Errors
    /// [`WriterError`] when it had to stop while the database failed.
    pub fn run(mut self) -> Result<(), WriterError> {
        let pulse = self.shared.pulses.of("store");
        self.note_due();
        let shared = Arc::clone(&self.shared);
        let (times, mut lap) = (&shared.stage_times, Lap::begin());
        while let Some(first) = self.work.blocking_recv() {
            pulse.expect(clock::now());
            lap.end(times.of(Stage::AwaitWork));
            let Gathered { mut group, steps, expiries } = self.gather(first);
            lap.end(times.of(Stage::Sort));
            let found = self.engine.watch(&group.sorted.batches);
            lap.end(times.of(Stage::Watch));
            let replies = self.evaluate(&mut group, steps, found);
            lap.end(times.of(Stage::Alarms));
            let done = self.commit(&group, &pulse)?;
            lap.end(times.of(Stage::Commit));
            self.shared.note_committed(clock::unix_ms(), group, done);
            for (reply, ordered) in replies {
                // Who asked may have gone.
                let _ = reply.send(ordered);
            }
            self.note_due();
            lap.end(times.of(Stage::Note));
            for (expiry, reply) in expiries {
                pulse.expect(clock::now());
                self.expire(&expiry, reply);
            }
            lap.end(times.of(Stage::Expire));
            pulse.rest();
        }
        Ok(())
    }

    /// Takes what waits, without waiting for more.
    fn gather(&mut self, first: Work) -> Gathered {
        let (mut batches, mut gathered) = (Vec::new(), Gathered::default());
        let (mut readings, mut next, mut pieces) = (0, Some(first), 0);
        while let Some(work) = next {
            match work {
                Work::Batch(batch) => {
                    readings += batch.readings.len();
                    gathered.steps.push(Step::Batch(batches.len()));
                    batches.push(batch);
                }
                Work::Gap(note) => gathered.group.gaps.push(note),
                Work::Progress(progress) => gathered.group.progress.push(progress),
                Work::Rewind(rewind) => gathered.group.rewinds.push(rewind),
                Work::Expire(expiry, reply) => gathered.expiries.push((expiry, reply)),
                Work::Presence(edge, presence) => gathered.steps.push(Step::Presence(edge, presence)),
                Work::Clock(edge, clock) => gathered.steps.push(Step::Clock(edge, clock)),
                Work::Reach(site, reach) => gathered.steps.push(Step::Reach(site, reach)),
                Work::Time => gathered.steps.push(Step::Time),
                Work::Order(order, reply) => gathered.steps.push(Step::Order(order, reply)),
            }
            pieces += 1;
            let more = readings < READINGS_AT_ONCE && pieces < PIECES_AT_ONCE;
            next = if more { self.work.try_recv().ok() } else { None };
        }
        // The batches keep their places, whatever is sorted out of them.
        gathered.group.sorted = self.shared.ledger().sort(batches);
        gathered
    }

    /// Finds what follows for alarms, once for each group, however often its transaction has to be tried. Gives what is to
    /// be answered when it is committed.
    fn evaluate(
        &mut self,
        group: &mut Group,
        steps: Vec<Step>,
        found: Vec<Option<Findings>>,
    ) -> Vec<(oneshot::Sender<Ordered>, Ordered)> {
        let (mut replies, mut found) = (Vec::new(), found.into_iter());
        let now = Moment { monotonic: clock::now(), unix: clock::unix_ms() };
        group.gaps.iter().for_each(|gap| self.engine.handle_gap(now, gap));
        for step in steps {
            match step {
                Step::Batch(place) => self.engine.handle_batch(now, &group.sorted.batches[place], &mut found),
                Step::Presence(edge, presence) => self.engine.handle_presence(now, edge, presence),
                Step::Clock(edge, clock) => self.engine.handle_clock(now, edge, clock),
                Step::Reach(site, reach) => self.engine.handle_reach(now, &site, reach),
                Step::Time => (),
                Step::Order(order, reply) => replies.push((reply, self.engine.handle_order(now, &order))),
            }
        }
        self.engine.handle_time(now);
        group.alarms = self.engine.take_changes();
        replies
    }

    fn note_due(&mut self) {
        let due = self.engine.poll_timeout();
        self.due.send_if_modified(|known| std::mem::replace(known, due) != due);
    }

    /// Commits a group, however long the database fails; nothing of it is acknowledged before.
    fn commit(&mut self, group: &Group, pulse: &Pulse) -> Result<Committed, WriterError> {
        if is_empty(group) { Ok(Committed::default()) } else { self.commit_at_last(group, pulse) }
    }

    fn commit_at_last(&mut self, group: &Group, pulse: &Pulse) -> Result<Committed, WriterError> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        loop {
            let now = clock::unix_ms();
            let outcome = commit(
                &mut self.connection,
                &self.shared.stations,
                &self.shared.notifier,
                group,
                now,
                self.dead_letter_max_rows,
            );
            match outcome {
                Ok(done) => {
                    self.shared.note_store_works();
                    return Ok(done);
                }
                Err(error) => {
                    self.shared.note_store_fails(&error);
                    let readings = group.sorted.batches.iter().map(|batch| batch.readings.len()).sum();
                    let wait = backoff.next();
                    // A database that fails is told of; only one that neither takes nor refuses is stuck.
                    pulse.expect(clock::now() + wait);
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
    group.sorted.batches.iter().all(nothing)
        && group.gaps.is_empty()
        && group.progress.is_empty()
        && group.rewinds.is_empty()
        && group.alarms.is_empty()
}
