//! The one owner of the journal: takes readings from the lines and requests from the uplink.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use tankline_domain::message::{JournalId, JournalRanges, SequencedReading};
use tankline_domain::names::TankName;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Entry, Journal, JournalError};

/// Pause before the disk is tried again after it refused a reading.
const RETRY: Duration = Duration::from_secs(1);

/// Readings that are kept in memory while the disk refuses them; then the oldest go.
const HELD_MAX: usize = 100_000;

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
    /// The journals here and their numbers.
    pub contents: BTreeMap<JournalId, RangeInclusive<u64>>,
    /// Readings that are not known to be committed.
    pub depth: u64,
    /// When the oldest of them was taken.
    pub oldest: Option<UnixMillis>,
    /// Readings that were dropped uncommitted, because the journal was full.
    pub gaps: Vec<JournalRanges>,
    /// Readings that were dropped before they were in the journal, because the disk refused them for too long.
    pub dropped: u64,
}

impl Report {
    /// Says what the journal has when it was just opened: nothing of it is known to be committed.
    #[must_use]
    pub fn at_start(journal: &Journal) -> Self {
        Self { contents: journal.contents(), depth: journal.depth(), oldest: None, gaps: Vec::new(), dropped: 0 }
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
    let mut writer = Writer::new(journal, sync_interval, appended, on_append);
    let runtime = tokio::runtime::Handle::current();
    loop {
        let event = runtime.block_on(async {
            let due = writer.due().map(tokio::time::Instant::from_std);
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
        if let Event::Reading(reading) = event {
            writer.take(reading);
            continue;
        }
        while let Ok(reading) = readings.try_recv() {
            writer.take(reading);
        }
        match event {
            Event::Request(request) => writer.serve(request),
            Event::Stop => break,
            Event::Due | Event::Reading(_) => {}
        }
        writer.handle_due(clock::now());
    }
    writer.retry_held();
    if !writer.held.is_empty() {
        tracing::error!(readings = writer.held.len(), "the disk refused readings to the end; they are lost");
    }
    writer.journal.close()
}

enum Event {
    Reading(Reading),
    Request(Request),
    Due,
    Stop,
}

struct Writer<F> {
    journal: Journal,
    sync_interval: Duration,
    appended: mpsc::Sender<Entry>,
    on_append: F,
    sync_due: Option<Instant>,
    bands: HashMap<TankName, u8>,
    held: VecDeque<Reading>,
    retry_due: Option<Instant>,
    dropped: u64,
    sync_failing: bool,
}

impl<F: Fn(&Reading)> Writer<F> {
    fn new(journal: Journal, sync_interval: Duration, appended: mpsc::Sender<Entry>, on_append: F) -> Self {
        let (bands, held) = (HashMap::new(), VecDeque::new());
        let (sync_due, retry_due, dropped, sync_failing) = (None, None, 0, false);
        Self { journal, sync_interval, appended, on_append, sync_due, bands, held, retry_due, dropped, sync_failing }
    }

    fn due(&self) -> Option<Instant> {
        self.sync_due.into_iter().chain(self.retry_due).min()
    }

    fn handle_due(&mut self, now: Instant) {
        if self.retry_due.is_some_and(|due| due <= now) {
            self.retry_held();
        }
        if self.sync_due.is_some_and(|due| due <= now) {
            self.sync();
        }
    }

    fn take(&mut self, reading: Reading) {
        if !self.held.is_empty() {
            self.hold(reading);
            return;
        }
        if let Err(error) = self.append(&reading) {
            let error = anyhow::Error::from(error);
            tracing::error!(error = format!("{error:#}"), "the disk refuses readings; they are kept in memory");
            self.hold(reading);
            self.retry_due = Some(clock::now() + RETRY);
        }
    }

    fn append(&mut self, reading: &Reading) -> Result<(), JournalError> {
        let entry = self.journal.append(reading)?;
        (self.on_append)(reading);
        // The uplink finds in the journal what does not fit its queue.
        let _ = self.appended.try_send(entry);
        let band = reading.quality.code();
        let changed = self.bands.insert(reading.tank.clone(), band).is_some_and(|before| before != band);
        let due = clock::now() + if changed { Duration::ZERO } else { self.sync_interval };
        self.sync_due = Some(self.sync_due.map_or(due, |before| before.min(due)));
        if changed {
            self.sync();
        }
        Ok(())
    }

    fn hold(&mut self, reading: Reading) {
        if self.held.len() == HELD_MAX {
            self.held.pop_front();
            self.dropped += 1;
        }
        self.held.push_back(reading);
    }

    fn retry_held(&mut self) {
        self.retry_due = None;
        while let Some(reading) = self.held.pop_front() {
            if self.append(&reading).is_err() {
                self.held.push_front(reading);
                self.retry_due = Some(clock::now() + RETRY);
                return;
            }
            if self.held.is_empty() {
                tracing::info!("the disk takes readings again");
            }
        }
    }

    fn sync(&mut self) {
        self.sync_due = None;
        match self.journal.sync() {
            Ok(()) => self.sync_failing = false,
            Err(error) => {
                if !self.sync_failing {
                    let error = anyhow::Error::from(error);
                    tracing::error!(
                        error = format!("{error:#}"),
                        "the journal is not synced; a power cut loses readings"
                    );
                }
                self.sync_failing = true;
                self.sync_due = Some(clock::now() + self.sync_interval.max(RETRY));
            }
        }
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Commit(committed) => {
                if let Err(error) = self.journal.commit(committed.journal, &committed.ranges) {
                    let error = anyhow::Error::from(error);
                    tracing::warn!(error = format!("{error:#}"), "a committed segment stays");
                }
            }
            Request::Fetch { journal, first, last, limit, reply } => {
                match self.journal.fetch(journal, first, last, limit) {
                    // Who asked may be gone: then nothing was sent and nothing is lost.
                    Ok(entries) => drop(reply.send(entries)),
                    Err(error) => {
                        let error = anyhow::Error::from(error);
                        tracing::error!(error = format!("{error:#}"), "the journal cannot be read");
                    }
                }
            }
            Request::Report(reply) => {
                let report = self.report();
                drop(reply.send(report));
            }
        }
    }

    fn report(&mut self) -> Report {
        let oldest = self.journal.oldest_uncommitted().and_then(|entry| {
            serde_json::from_slice::<SequencedReading>(&entry.json).ok().map(|sequenced| sequenced.reading.at)
        });
        let gap =
            |(journal, ranges): (&JournalId, &RangeSet)| JournalRanges { journal: *journal, ranges: ranges.clone() };
        Report {
            contents: self.journal.contents(),
            depth: self.journal.depth() + self.held.len() as u64,
            oldest,
            gaps: self.journal.gaps().iter().map(gap).collect(),
            dropped: self.dropped,
        }
    }
}
