//! The one owner of the journal: takes readings from the lines and requests from the uplink.

use std::sync::Arc;
use std::time::Duration;

use tankline_domain::message::{JournalId, JournalRanges};
use tankline_domain::reading::Reading;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::handover::{Handover, Work};
use super::keeper::Keeper;
use super::{Contents, Earlier, Entry, Journal, JournalError, Outlet};

/// What the uplink asks of the journal. Readings that came before a request are in the journal when it is answered.
#[derive(Debug)]
pub enum Request {
    /// The centre has committed these.
    Commit(JournalRanges),
    /// The centre had committed these and has them no more.
    Forget(JournalRanges),
    /// Readings are wanted.
    Fetch {
        /// The journal.
        journal: JournalId,
        /// First number.
        first: u64,
        /// Last number.
        last: u64,
        /// Most readings.
        limit: usize,
        /// Where they go; nothing goes there when the journal cannot be read.
        reply: oneshot::Sender<Vec<Entry>>,
    },
    /// How the journal stands.
    Report(oneshot::Sender<Report>),
}

/// How the journal stands.
#[derive(Debug, Clone)]
pub struct Report {
    /// The journal that new readings go to.
    pub journal: JournalId,
    /// The journals here and their numbers.
    pub contents: Contents,
    /// Readings that are not known to be committed.
    pub depth: u64,
    /// How many of them are in memory only.
    pub held: u64,
    /// Why that is so.
    pub trouble: Option<DiskTrouble>,
    /// The oldest of them.
    pub oldest: Option<Oldest>,
    /// What of it was journalled before this boot of the machine.
    pub earlier: Earlier,
    /// Readings that are lost uncommitted: the journal or memory was full, or they are damaged on the disk.
    pub gaps: Vec<JournalRanges>,
}

/// The oldest reading that is not known to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oldest {
    /// Its journal.
    pub journal: JournalId,
    /// Its number.
    pub seq: u64,
    /// Its stamp: a time of day, or the time since the machine's start.
    pub at: UnixMillis,
}

impl Report {
    /// Says what the journal has when it was just opened: nothing of it is known to be committed.
    #[must_use]
    pub fn at_start(journal: &Journal) -> Self {
        let gaps = journal.gaps().into_iter().map(|(journal, ranges)| JournalRanges { journal, ranges }).collect();
        Self {
            journal: journal.id(),
            contents: journal.contents(),
            depth: journal.depth(),
            held: journal.held(),
            trouble: journal.is_holding().then_some(DiskTrouble::Refuses),
            oldest: None,
            earlier: journal.earlier(),
            gaps,
        }
    }
}

/// What is wrong with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskTrouble {
    /// It refuses readings; they are kept in memory.
    Refuses,
    /// It neither takes nor refuses them; they are kept in memory.
    Hangs,
}

impl DiskTrouble {
    /// Names it in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuses => "refuses",
            Self::Hangs => "hangs",
        }
    }
}

/// The channels of the writer.
#[derive(Debug)]
pub struct Channels {
    /// Readings from the lines. They are taken at once, whatever the disk does.
    pub readings: mpsc::Receiver<Reading>,
    /// Requests from the uplink.
    pub requests: mpsc::Receiver<Request>,
    /// What was journalled, for the uplink. When it is full the uplink finds the rest in the journal.
    pub appended: Outlet,
}

/// Runs the writer until told to stop; then everything that waits is written, synced, and the journal is closed.
///
/// A disk that hangs holds up nobody: when it took nothing for ten seconds, readings are kept in memory, bounded, and given
/// to the uplink; when it goes on they come to the disk under the same numbers. Only the end waits for it, for as long as
/// whoever waits for this one does.
///
/// # Errors
/// [`JournalError`] when the journal cannot be closed in good order.
///
/// # Panics
/// When the thread that writes does.
pub async fn run(
    mut journal: Journal,
    sync_interval: Duration,
    channels: Channels,
    on_append: impl Fn(&Reading) + Clone + Send + 'static,
    stop: CancellationToken,
) -> Result<(), JournalError> {
    let Channels { mut readings, mut requests, appended } = channels;
    let handover = Arc::new(Handover::new(Report::at_start(&journal)));
    let mut front = Front::new(handover.clone(), journal.fork_ids());
    let (at_work, given, count) = (handover.clone(), appended.clone(), on_append.clone());
    let keep = move |keeper: &mut Keeper, reading: &Reading| {
        let entry = keeper.take(clock::now(), reading);
        count(reading);
        // The uplink finds in the journal what does not fit its queue.
        given.give(entry);
    };
    let mut writing = tokio::task::spawn_blocking(move || write(journal, sync_interval, &at_work, keep));
    while !stop.is_cancelled() {
        let due = front.poll_timeout().map(tokio::time::Instant::from_std);
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let request = tokio::select! {
            biased;
            ended = &mut writing => return ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())),
            Some(reading) = readings.recv() => {
                front.take(clock::now(), reading);
                None
            }
            Some(request) = requests.recv() => Some(request),
            () = timer => None,
            () = handover.rested(), if front.hangs() => None,
            () = stop.cancelled() => None,
        };
        while let Ok(reading) = readings.try_recv() {
            front.take(clock::now(), reading);
        }
        if let Some(request) = request {
            front.ask(clock::now(), request);
        }
        front.look(clock::now());
        for (reading, entry) in front.numbered() {
            on_append(&reading);
            appended.give(entry);
        }
    }
    while let Ok(reading) = readings.try_recv() {
        front.take(clock::now(), reading);
    }
    while let Ok(request) = requests.try_recv() {
        front.ask(clock::now(), request);
    }
    front.close();
    writing.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Writes until nothing more comes. Blocks on the disk.
fn write(
    journal: Journal,
    sync_interval: Duration,
    handover: &Handover,
    keep: impl Fn(&mut Keeper, &Reading),
) -> Result<(), JournalError> {
    let mut keeper = Keeper::new(journal, sync_interval, clock::now());
    loop {
        match handover.next(keeper.poll_timeout()) {
            Some(Work::Reading(reading)) => keep(&mut keeper, &reading),
            Some(Work::Memory(memory)) => keeper.adopt(clock::now(), memory),
            Some(Work::Commit(committed)) => keeper.commit(&committed),
            Some(Work::Forget(lost)) => keeper.forget(&lost),
            Some(Work::Fetch { journal, first, last, limit }) => {
                handover.answer_fetch(keeper.fetch(journal, first, last, limit));
            }
            Some(Work::Report) => handover.answer_report(keeper.report()),
            Some(Work::Close) => return keeper.close(),
            None => {}
        }
        keeper.handle_due(clock::now());
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
