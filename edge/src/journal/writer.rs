//! The one owner of the journal: takes readings from the lines and requests from the uplink.

use std::time::Duration;

use tankline_domain::message::{JournalId, JournalRanges};
use tankline_domain::reading::Reading;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::keeper::Keeper;
use super::{Contents, Earlier, Entry, Journal, JournalError};

/// Readings that are taken one after another before anything else has its turn.
const READINGS_IN_A_ROW: usize = 1024;

/// What the uplink asks of the journal. Readings that came before a request are in the journal when it is answered.
#[derive(Debug)]
pub enum Request {
    /// The centre has committed these.
    Commit(JournalRanges),
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
    /// How many of them are in memory only, because the disk refuses them.
    pub held: u64,
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
            oldest: None,
            earlier: journal.earlier(),
            gaps,
        }
    }
}

/// The channels of the writer.
#[derive(Debug)]
pub struct Channels {
    /// Readings from the lines.
    pub readings: mpsc::Receiver<Reading>,
    /// Requests from the uplink.
    pub requests: mpsc::Receiver<Request>,
    /// What was journalled, for the uplink. When it is full the uplink finds the rest in the journal.
    pub appended: mpsc::Sender<Entry>,
}

/// Runs the writer until told to stop; then everything that waits is written, synced, and the journal is closed.
///
/// Blocks on the disk: to be run on a thread that may block, inside a tokio runtime.
///
/// # Errors
/// [`JournalError`] when the journal cannot be closed in good order.
pub fn run(
    journal: Journal,
    sync_interval: Duration,
    channels: Channels,
    on_append: impl Fn(&Reading),
    stop: &CancellationToken,
) -> Result<(), JournalError> {
    let Channels { mut readings, mut requests, appended } = channels;
    let mut keeper = Keeper::new(journal, sync_interval, clock::now());
    let take = |keeper: &mut Keeper, reading: &Reading| {
        let entry = keeper.take(clock::now(), reading);
        on_append(reading);
        // The uplink finds in the journal what does not fit its queue.
        let _ = appended.try_send(entry);
    };
    let runtime = tokio::runtime::Handle::current();
    loop {
        let event = runtime.block_on(async {
            let due = keeper.poll_timeout().map(tokio::time::Instant::from_std);
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(reading) = readings.recv() => Event::Reading(reading),
                Some(request) = requests.recv() => Event::Request(request),
                () = timer => Event::Due,
                () = stop.cancelled() => Event::Stop,
            }
        });
        let stops = matches!(event, Event::Stop);
        let (first, request) = match event {
            Event::Reading(reading) => (Some(reading), None),
            Event::Request(request) => (None, Some(request)),
            Event::Due | Event::Stop => (None, None),
        };
        let in_a_row = if first.is_some() { READINGS_IN_A_ROW } else { usize::MAX };
        let waiting = std::iter::from_fn(|| readings.try_recv().ok());
        for reading in first.into_iter().chain(waiting).take(in_a_row) {
            take(&mut keeper, &reading);
        }
        if stops {
            return keeper.close();
        }
        if let Some(request) = request {
            serve(&mut keeper, request);
        }
        keeper.handle_due(clock::now());
    }
}

enum Event {
    Reading(Reading),
    Request(Request),
    Due,
    Stop,
}

// Who asked may be gone: then nothing was sent and nothing is lost.
fn serve(keeper: &mut Keeper, request: Request) {
    match request {
        Request::Commit(committed) => keeper.commit(&committed),
        Request::Fetch { journal, first, last, limit, reply } => {
            if let Some(entries) = keeper.fetch(journal, first, last, limit) {
                drop(reply.send(entries));
            }
        }
        Request::Report(reply) => drop(reply.send(keeper.report())),
    }
}
