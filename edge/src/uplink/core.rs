//! Decides what is sent when; without I/O.
//!
//! A new reading goes out at once. What the centre does not have, because nobody was connected or an acknowledgement is
//! late, is fetched from the journal and sent beside it. Nothing counts as sent before the centre has committed it: an
//! acknowledgement of the broker is worth nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use tankline_domain::message::{JournalId, JournalRanges, MAX_READINGS_PER_MESSAGE, Presence};
use tankline_domain::ranges::RangeSet;

use super::flight::{Flight, Sent, Share, Turn};
use super::pace::Pace;
use super::stream::{Fetch, Stream};
use crate::journal::{Contents, Entry};

/// While so many messages of new readings are under way, the next ones wait for each other, so that a link that crawls
/// does not carry a message for each.
const NEW_MESSAGES: u64 = 4;

/// A message of the backlog has room for so many readings at least, however slow the link is.
const LEAST_MESSAGE: u64 = 16;

/// So long they wait for each other at most.
const GATHER: Duration = Duration::from_millis(250);

/// Bounds and times of the uplink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UplinkConfig {
    /// Most readings that are sent and not acknowledged. A link that crawls gets less.
    pub window: u64,
    /// The part of the window that is kept for new readings, and the part that is kept for the backlog.
    pub reserve: u64,
    /// How long an acknowledgement may take at least before its readings are sent again; more where acknowledgements
    /// usually take longer, and doubled each time that nothing comes through.
    pub ack_timeout: Duration,
    /// Upper bound of that time.
    pub longest_ack_timeout: Duration,
    /// How long after a connection the centre may take to say what it has, before the backlog is sent.
    pub settle: Duration,
}

impl Default for UplinkConfig {
    fn default() -> Self {
        Self {
            window: 4000,
            reserve: 500,
            ack_timeout: Duration::from_secs(5),
            longest_ack_timeout: Duration::from_secs(60),
            settle: Duration::from_secs(2),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Publish these readings, 1 to 500 of one journal, in one message.
    Publish {
        /// The journal.
        journal: JournalId,
        /// The readings in the order of their numbers.
        entries: Vec<Entry>,
    },
    /// Fetch readings from the journal and hand them to [`Uplink::handle_fetched`].
    Fetch {
        /// The journal.
        journal: JournalId,
        /// First number.
        first: u64,
        /// Last number.
        last: u64,
        /// Most readings.
        limit: usize,
    },
}

/// The state of the uplink.
#[derive(Debug)]
pub struct Uplink {
    config: UplinkConfig,
    streams: BTreeMap<JournalId, Stream>,
    /// The journals; the backlog is sent in this order.
    oldest_first: Vec<JournalId>,
    live: VecDeque<Entry>,
    /// Until when the new readings that wait are to wait for more of them.
    gather_until: Option<Instant>,
    fetched: Option<(JournalId, Vec<Entry>)>,
    /// How many readings of the journal's answer will be sent; 0 when it was not asked.
    fetching: usize,
    flight: Flight,
    pace: Pace,
    connected: bool,
    /// Whether everything waits, because the clock is not set.
    held: bool,
    centre: Option<Presence>,
    boot: Option<String>,
    /// Journals of which the centre has not yet said what it has, and until when that is waited for.
    unsettled: BTreeSet<JournalId>,
    settled_by: Option<Instant>,
    /// Until when the journal is left alone after it could not be read.
    fetch_after: Option<Instant>,
    resent: u64,
}

impl Uplink {
    /// Begins with what the journal has.
    #[must_use]
    pub fn new(config: UplinkConfig, contents: &Contents) -> Self {
        let streams = contents.into_iter().map(|(journal, numbers)| (*journal, Stream::of(numbers.clone())));
        Self {
            config,
            streams: streams.collect(),
            oldest_first: contents.journals().collect(),
            live: VecDeque::new(),
            gather_until: None,
            fetched: None,
            fetching: 0,
            flight: Flight::default(),
            pace: Pace::new(config),
            connected: false,
            held: false,
            centre: None,
            boot: None,
            unsettled: BTreeSet::new(),
            settled_by: None,
            fetch_after: None,
            resent: 0,
        }
    }

    /// Takes what the journal has by now; tells whether journals are among it that were not known.
    ///
    /// A folder that could not be used at the start may be usable now, with readings of earlier runs in it.
    pub fn handle_contents(&mut self, now: Instant, contents: &Contents) -> bool {
        let mut is_new = false;
        let newest = contents.journals().last();
        for (journal, has) in contents {
            let stream = self.streams.entry(*journal).or_default();
            match &mut stream.numbers {
                // The end of the newest is told by the readings that are appended, which are not to wait behind the backlog.
                Some(numbers) if Some(*journal) == newest => {
                    *numbers = *numbers.start().min(has.start())..=*numbers.end();
                }
                Some(numbers) => *numbers = *numbers.start().min(has.start())..=*numbers.end().max(has.end()),
                None => {
                    stream.numbers = Some(has.clone());
                    is_new = true;
                    if self.connected {
                        self.unsettled.insert(*journal);
                        self.settled_by.get_or_insert(now + self.config.settle);
                    }
                }
            }
        }
        let known: Vec<_> = self.oldest_first.drain(..).filter(|journal| !contents.contains_key(journal)).collect();
        self.oldest_first = contents.journals().chain(known).collect();
        is_new
    }

    /// Takes a new connection: whatever was under way on the old one is lost.
    pub fn handle_connected(&mut self, now: Instant) {
        self.connected = true;
        self.centre = None;
        self.give_back_all();
        self.pace.begin();
        self.unsettled = self.streams.keys().copied().collect();
        self.settled_by = Some(now + self.config.settle);
    }

    /// Takes the loss of the connection.
    pub fn handle_disconnected(&mut self) {
        self.connected = false;
        self.give_back_all();
    }

    /// Takes whether readings may be sent now; they may not while nobody knows their time.
    pub const fn set_held(&mut self, held: bool) {
        self.held = held;
    }

    /// Takes what the centre says of itself; a new boot has forgotten what it had not committed.
    pub fn handle_centre(&mut self, presence: Presence, boot: Option<String>) {
        let is_new = presence == Presence::Online && boot != self.boot;
        if is_new {
            self.boot = boot;
            self.pace.forget_lateness();
            self.streams.values_mut().for_each(Stream::doubt);
        }
        // What went out on this connection before the first word of the centre went to this boot of it.
        if is_new && self.centre.is_some() || presence == Presence::Offline {
            self.give_back_all();
        }
        self.centre = Some(presence);
    }

    /// Takes what the centre has committed; gives what it had committed before it was started anew, and has no more: it was
    /// restored from a backup. What of that is still in the journal goes out again.
    pub fn handle_committed(&mut self, now: Instant, committed: &JournalRanges) -> RangeSet {
        self.unsettled.remove(&committed.journal);
        if self.unsettled.is_empty() {
            self.settled_by = None;
        }
        let Some(stream) = self.streams.get_mut(&committed.journal) else { return RangeSet::new() };
        let lost = stream.commit(&committed.ranges);
        if let Some((_, entries)) = self.fetched.as_mut().filter(|(journal, _)| *journal == committed.journal) {
            entries.retain(|entry| !committed.ranges.contains(entry.seq));
        }
        self.fetched.take_if(|(_, entries)| entries.is_empty());
        let under_way = self.flight.readings();
        let acknowledged = self.flight.handle_committed(now, committed, self.pace.ack_timeout());
        if let Some((delay, readings)) = acknowledged.and_then(|it| Some((it.delay?, it.readings))) {
            self.pace.handle_acknowledged(now, delay, readings, under_way);
        }
        lost
    }

    /// Takes a reading that was just journalled.
    pub fn handle_appended(&mut self, entry: Entry) {
        if !self.oldest_first.contains(&entry.journal) {
            self.oldest_first.push(entry.journal);
        }
        let new = self.flight.held(Share::New).readings + self.live.len() as u64;
        let backlog = self.flight.held(Share::Backlog).readings + self.on_its_way_from_the_journal();
        let stream = self.streams.entry(entry.journal).or_default();
        stream.reach(entry.seq);
        if self.connected && !stream.is_covered(entry.seq) && self.pace.takes_new(new, backlog) {
            stream.cover(&RangeSet::from_iter([entry.seq]));
            self.live.push_back(entry);
        }
    }

    /// Takes what the journal has of the numbers that were asked for; those that it has not are gone for good.
    pub fn handle_fetched(
        &mut self,
        journal: JournalId,
        asked: RangeInclusive<u64>,
        limit: usize,
        entries: Vec<Entry>,
    ) {
        let most = std::mem::take(&mut self.fetching);
        let Some(stream) = self.streams.get_mut(&journal) else { return };
        let complete_to = match entries.last() {
            Some(last) if entries.len() == limit => last.seq,
            _ => *asked.end(),
        };
        let had: RangeSet = entries.iter().map(|entry| entry.seq).collect();
        stream.cover(&had.missing(*asked.start(), complete_to));
        let wanted = |entry: &Entry| !stream.is_covered(entry.seq);
        let wanted: Vec<Entry> = entries.into_iter().filter(wanted).take(most).collect();
        stream.cover(&numbers_of(&wanted));
        self.fetched = Some((journal, wanted)).filter(|(_, wanted)| !wanted.is_empty());
    }

    /// Takes that the journal could not be read; it is tried again later.
    pub fn handle_fetch_failed(&mut self, now: Instant) {
        self.fetching = 0;
        self.fetch_after = Some(now + self.config.settle);
    }

    /// Takes the passing of time: what is not acknowledged in time goes back to the backlog.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.settled_by.is_some_and(|due| due <= now) {
            self.settled_by = None;
            self.unsettled.clear();
        }
        if self.fetch_after.is_some_and(|due| due <= now) {
            self.fetch_after = None;
        }
        let late = self.flight.take_late(now);
        if late.is_stalled {
            self.pace.handle_late();
        }
        for sent in late.messages {
            self.give_back(&sent);
        }
    }

    /// Gives when [`Uplink::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dues = [self.flight.due(), self.settled_by, self.fetch_after, self.gather_until];
        dues.into_iter().flatten().min()
    }

    /// Gives what is to be done next; new readings before the backlog.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        if !self.connected || self.held {
            return None;
        }
        if let Some((journal, entries)) = self.next_new(now) {
            return Some(self.publish(now, Share::New, journal, entries));
        }
        if let Some((journal, entries)) = self.fetched.take() {
            return Some(self.publish(now, Share::Backlog, journal, entries));
        }
        self.next_fetch(now)
    }

    /// Counts the readings that are sent and not acknowledged.
    #[must_use]
    pub const fn outstanding_readings(&self) -> u64 {
        self.flight.readings()
    }

    /// Counts the readings that are to be sent again: their acknowledgement was late, their connection ended, or their
    /// centre was not there.
    #[must_use]
    pub const fn resent(&self) -> u64 {
        self.resent
    }

    /// Tells whether the centre has all that the journal has.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        // Covered, but neither under way nor waiting, is committed or gone.
        self.streams.values().all(Stream::is_all_covered)
            && self.live.is_empty()
            && self.fetched.is_none()
            && self.flight.is_empty()
    }

    /// Takes the new readings that are to go out now.
    fn next_new(&mut self, now: Instant) -> Option<(JournalId, Vec<Entry>)> {
        let journal = self.live.front()?.journal;
        let of_journal = self.live.iter().take_while(|entry| entry.journal == journal).count();
        let is_whole = of_journal >= MAX_READINGS_PER_MESSAGE || of_journal < self.live.len();
        if !is_whole && self.flight.held(Share::New).messages >= NEW_MESSAGES {
            let until = *self.gather_until.get_or_insert(now + GATHER);
            if now < until {
                return None;
            }
        }
        self.gather_until = None;
        Some((journal, self.live.drain(..of_journal.min(MAX_READINGS_PER_MESSAGE)).collect()))
    }

    fn publish(&mut self, now: Instant, share: Share, journal: JournalId, entries: Vec<Entry>) -> Output {
        let numbers = numbers_of(&entries);
        let is_repeated = |stream: &Stream| entries.iter().any(|entry| stream.is_repeated(entry.seq));
        let turn = if self.streams.get(&journal).is_some_and(is_repeated) { Turn::Again } else { Turn::First };
        let sent = Sent { share, journal, numbers, turn, at: now, due: now + self.pace.ack_timeout() };
        if self.centre == Some(Presence::Offline) {
            // Others may listen, but the centre does not: to it this was never sent.
            self.uncover(&sent);
        } else {
            self.flight.add(sent);
        }
        Output::Publish { journal, entries }
    }

    fn next_fetch(&mut self, now: Instant) -> Option<Output> {
        let paused = self.fetching > 0
            || self.fetch_after.is_some()
            || !self.unsettled.is_empty()
            || self.centre == Some(Presence::Offline);
        if paused {
            return None;
        }
        let (new, backlog) = (self.flight.held(Share::New), self.flight.held(Share::Backlog));
        let room = self.pace.room_for_backlog(now, new.readings + self.live.len() as u64, backlog.readings);
        // A few large messages and not many small ones; yet not so large that new readings wait long behind one.
        let most = (self.pace.window() / 4).clamp(LEAST_MESSAGE, MAX_READINGS_PER_MESSAGE as u64);
        if room == 0 || room < most / 2 && backlog.messages > 0 {
            return None;
        }
        let most = room.min(most);
        let fetch = |journal: &JournalId| Some((*journal, self.streams.get(journal)?.next_fetch(most)?));
        let (journal, fetch) = self.oldest_first.iter().find_map(fetch)?;
        self.fetching = usize::try_from(most).expect("bounded by the readings of a message");
        let Fetch { first, last, limit } = fetch;
        Some(Output::Fetch { journal, first, last, limit })
    }

    /// Counts the readings of the backlog that will go out next; while the journal is asked, as many as it may give.
    fn on_its_way_from_the_journal(&self) -> u64 {
        self.fetched.as_ref().map_or(self.fetching, |(_, entries)| entries.len()) as u64
    }

    /// Makes readings that were sent part of the backlog again.
    fn give_back(&mut self, sent: &Sent) {
        if let Some(stream) = self.streams.get_mut(&sent.journal) {
            stream.note_repeated(&sent.numbers);
        }
        self.uncover(sent);
    }

    /// Makes readings part of the backlog.
    fn uncover(&mut self, sent: &Sent) {
        self.resent += sent.numbers.count();
        if let Some(stream) = self.streams.get_mut(&sent.journal) {
            stream.uncover(&sent.numbers);
        }
    }

    fn give_back_all(&mut self) {
        for sent in self.flight.take_all() {
            self.give_back(&sent);
        }
        self.gather_until = None;
        let waiting = self.live.drain(..).chain(self.fetched.take().into_iter().flat_map(|(_, entries)| entries));
        for entry in waiting {
            if let Some(stream) = self.streams.get_mut(&entry.journal) {
                stream.uncover(&RangeSet::from_iter([entry.seq]));
            }
        }
    }
}

fn numbers_of(entries: &[Entry]) -> RangeSet {
    entries.iter().map(|entry| entry.seq).collect()
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
