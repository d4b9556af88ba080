//! What one edge of a load has to say and has yet to hear of; without I/O.
//!
//! The rules are those of the edge agent in short: a new reading goes out at once; what the centre has not committed is sent
//! again when the connection or the centre is new, or when the acknowledgement is late; the backlog waits while the centre
//! is away. Readings are kept as numbers and times alone: their values can be made again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tankline_domain::message::{CentreState, MAX_READINGS_PER_MESSAGE, Presence};
use tankline_domain::ranges::RangeSet;
use tankline_domain::units::UnixMillis;

/// Most readings that are sent and not committed; new ones may go a little beyond.
const WINDOW: usize = 4000;
/// Part of it that new readings have for themselves.
const RESERVE: usize = 500;
/// How long a commit may take before its readings are sent again; doubled each time, up to the longest.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_ACK_TIMEOUT: Duration = Duration::from_secs(60);

/// The readings of an edge that are not known to be committed.
#[derive(Debug)]
pub struct Journalist {
    groups: VecDeque<Group>,
    next_seq: u64,
    /// Readings of groups that are under way.
    in_flight: usize,
    /// Groups that are not under way.
    unsent: usize,
    /// The youngest group was made on this connection and has not been sent.
    has_news: bool,
    connected: bool,
    centre: Option<Presence>,
    boot: Option<Box<str>>,
    ack_timeout: Duration,
}

/// Readings that were made together.
#[derive(Debug, Clone, Copy)]
struct Group {
    first: u64,
    count: u16,
    at: UnixMillis,
    /// When it was first sent.
    first_sent: Option<Instant>,
    /// When it was last sent on this connection.
    sent: Option<Instant>,
}

/// A reading, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number in the journal, from 1.
    pub seq: u64,
    /// When it was made.
    pub at: UnixMillis,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its readings, 1 to 500.
    pub items: Vec<Item>,
    /// How many of them were sent before.
    pub repeated: usize,
}

/// What came of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Readings that are committed and were not known to be.
    pub committed: u64,
    /// Whether the centre claims to have readings that were never made.
    pub is_wrong: bool,
}

impl Default for Journalist {
    fn default() -> Self {
        Self {
            groups: VecDeque::new(),
            next_seq: 1,
            in_flight: 0,
            unsent: 0,
            has_news: false,
            connected: false,
            centre: None,
            boot: None,
            ack_timeout: ACK_TIMEOUT,
        }
    }
}

impl Journalist {
    /// Makes so many readings.
    pub fn handle_readings(&mut self, count: u16, at: UnixMillis) {
        self.groups.push_back(Group { first: self.next_seq, count, at, first_sent: None, sent: None });
        self.next_seq += u64::from(count);
        self.unsent += 1;
        self.has_news = self.connected;
    }

    /// A connection stands and is subscribed.
    pub fn handle_connected(&mut self) {
        self.connected = true;
        // Whether the centre is there is said anew, retained.
        self.centre = None;
        self.send_all_again();
    }

    /// The connection is gone.
    pub fn handle_disconnected(&mut self) {
        self.connected = false;
        self.has_news = false;
    }

    /// The centre says whether it is there; a new boot may not know what the last one had not committed.
    pub fn handle_centre(&mut self, state: CentreState) {
        let boot = state.boot.map(String::into_boxed_str);
        if state.state == Presence::Online && self.boot.is_some() && boot != self.boot {
            self.send_all_again();
        }
        if boot.is_some() {
            self.boot = boot;
        }
        self.centre = Some(state.state);
    }

    /// The centre says what it has of this journal; `latency` is given the time since the first sending, for each group that
    /// is let go.
    pub fn handle_committed(
        &mut self,
        now: Instant,
        ranges: &RangeSet,
        mut latency: impl FnMut(u16, Duration),
    ) -> Heard {
        let mut heard = Heard { committed: 0, is_wrong: ranges.last().is_some_and(|last| last >= self.next_seq) };
        let (in_flight, unsent) = (&mut self.in_flight, &mut self.unsent);
        self.groups.retain(|group| {
            if !ranges.contains_range(group.first, group.last()) {
                return true;
            }
            heard.committed += u64::from(group.count);
            match group.sent {
                Some(_) => *in_flight -= usize::from(group.count),
                None => *unsent -= 1,
            }
            if let Some(sent) = group.first_sent {
                latency(group.count, now.saturating_duration_since(sent));
            }
            false
        });
        self.has_news &= self.unsent > 0;
        if heard.committed > 0 {
            self.ack_timeout = ACK_TIMEOUT;
        }
        heard
    }

    /// Gives the next message to be sent.
    pub fn poll_output(&mut self, now: Instant) -> Option<Batch> {
        if !self.connected {
            return None;
        }
        self.note_late(now);
        if std::mem::take(&mut self.has_news) && self.in_flight < WINDOW + RESERVE {
            let newest = self.groups.len().checked_sub(1)?;
            return self.send(now, newest..=newest);
        }
        if self.unsent == 0 || self.centre != Some(Presence::Online) || self.in_flight >= WINDOW {
            return None;
        }
        let first = self.groups.iter().position(|group| group.sent.is_none())?;
        let mut readings = 0;
        let fits = |group: &&Group| {
            readings += usize::from(group.count);
            group.sent.is_none() && readings <= MAX_READINGS_PER_MESSAGE
        };
        let count = self.groups.range(first..).take_while(fits).count();
        self.send(now, first..=first + count.max(1) - 1)
    }

    /// Gives when something is to be sent again for want of an acknowledgement.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.connected || self.in_flight == 0 {
            return None;
        }
        let oldest = self.groups.iter().find_map(|group| group.sent);
        oldest.map(|sent| sent + self.ack_timeout)
    }

    /// Counts the readings that were made.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.next_seq - 1
    }

    /// Counts the readings that are not known to be committed.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.count)).sum()
    }

    fn send_all_again(&mut self) {
        for group in &mut self.groups {
            group.sent = None;
        }
        (self.in_flight, self.unsent, self.has_news) = (0, self.groups.len(), false);
    }

    /// What was sent too long ago is to be sent again.
    fn note_late(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        for group in &mut self.groups {
            if group.sent.is_some_and(|sent| sent + self.ack_timeout <= now) {
                group.sent = None;
                self.in_flight -= usize::from(group.count);
                self.unsent += 1;
            }
        }
        self.ack_timeout = (self.ack_timeout * 2).min(LONGEST_ACK_TIMEOUT);
    }

    fn send(&mut self, now: Instant, groups: std::ops::RangeInclusive<usize>) -> Option<Batch> {
        let mut batch = Batch { items: Vec::new(), repeated: 0 };
        for group in self.groups.range_mut(groups) {
            let count = usize::from(group.count);
            batch.items.extend((group.first..=group.last()).map(|seq| Item { seq, at: group.at }));
            batch.repeated += if group.first_sent.is_some() { count } else { 0 };
            group.first_sent.get_or_insert(now);
            group.sent = Some(now);
            self.in_flight += count;
            self.unsent -= 1;
        }
        (!batch.items.is_empty()).then_some(batch)
    }
}

impl Group {
    const fn last(&self) -> u64 {
        self.first + self.count as u64 - 1
    }
}

#[cfg(test)]
mod tests {
    use tankline_runtime::clock;

    use super::*;

    const AT: UnixMillis = UnixMillis::new(1_795_400_000_000);

    fn centre(state: Presence, boot: &str) -> CentreState {
        CentreState { state, boot: Some(boot.to_owned()), trouble: None }
    }

    fn ready() -> Journalist {
        let mut edge = Journalist::default();
        edge.handle_connected();
        edge.handle_centre(centre(Presence::Online, "a"));
        edge
    }

    fn numbers(batch: Option<Batch>) -> Vec<u64> {
        batch.map_or_else(Vec::new, |batch| batch.items.into_iter().map(|item| item.seq).collect())
    }

    fn committed(edge: &mut Journalist, now: Instant, ranges: &[(u64, u64)]) -> (Heard, Vec<Duration>) {
        let mut latencies = Vec::new();
        let ranges = RangeSet::try_from(ranges.to_vec()).unwrap();
        let heard = edge.handle_committed(now, &ranges, |_, latency| latencies.push(latency));
        (heard, latencies)
    }

    #[test]
    fn new_reading_goes_out_at_once_and_is_kept_until_it_is_committed() {
        let (mut edge, now) = (ready(), clock::now());
        edge.handle_readings(2, AT);
        assert_eq!(numbers(edge.poll_output(now)), [1, 2]);
        assert_eq!(edge.poll_output(now), None);
        assert_eq!((edge.made(), edge.waiting()), (2, 2));
        let later = now + Duration::from_millis(70);
        let (heard, latencies) = committed(&mut edge, later, &[(1, 2)]);
        assert_eq!(heard, Heard { committed: 2, is_wrong: false });
        assert_eq!(latencies, [Duration::from_millis(70)]);
        assert_eq!((edge.waiting(), edge.poll_timeout()), (0, None));
        assert_eq!(committed(&mut edge, later, &[(1, 2)]).0.committed, 0, "what is known already counts once");
    }

    #[test]
    fn half_a_group_is_not_a_group() {
        let (mut edge, now) = (ready(), clock::now());
        edge.handle_readings(2, AT);
        edge.poll_output(now);
        assert_eq!(committed(&mut edge, now, &[(1, 1)]).0.committed, 0);
        assert_eq!(edge.waiting(), 2);
    }

    #[test]
    fn late_acknowledgement_has_its_readings_sent_again_ever_more_seldom() {
        let (mut edge, start) = (ready(), clock::now());
        edge.handle_readings(1, AT);
        edge.poll_output(start);
        let mut sent = start;
        for seconds in [5, 10, 20, 40, 60, 60] {
            let due = edge.poll_timeout().unwrap();
            assert_eq!(due, sent + Duration::from_secs(seconds));
            assert_eq!(edge.poll_output(due - Duration::from_millis(1)), None);
            let again = edge.poll_output(due).unwrap();
            assert_eq!((again.items.len(), again.repeated), (1, 1));
            sent = due;
        }
        let (_, latencies) = committed(&mut edge, sent, &[(1, 1)]);
        assert_eq!(latencies, [sent - start], "the time counts from the first sending");
    }

    #[test]
    fn one_lost_message_among_many_is_sent_again() {
        let (mut edge, start) = (ready(), clock::now());
        edge.handle_readings(1, AT);
        edge.poll_output(start);
        for second in 1..5 {
            let now = start + Duration::from_secs(second);
            edge.handle_readings(1, AT);
            edge.poll_output(now);
            committed(&mut edge, now, &[(2, second + 1)]);
        }
        assert_eq!(numbers(edge.poll_output(start + Duration::from_secs(5))), [1]);
    }

    #[test]
    fn new_connection_and_new_centre_get_everything_again() {
        let (mut edge, now) = (ready(), clock::now());
        edge.handle_readings(1, AT);
        edge.poll_output(now);
        edge.handle_disconnected();
        edge.handle_readings(1, AT);
        assert_eq!(edge.poll_output(now), None, "nothing is sent without a connection");
        edge.handle_connected();
        assert_eq!(edge.poll_output(now), None, "the backlog waits for the centre");
        edge.handle_centre(centre(Presence::Online, "a"));
        let again = edge.poll_output(now).unwrap();
        assert_eq!((again.items.len(), again.repeated), (2, 1));
        edge.handle_centre(centre(Presence::Online, "a"));
        assert_eq!(edge.poll_output(now), None, "the same boot knows what it was sent");
        edge.handle_centre(centre(Presence::Online, "b"));
        assert_eq!(numbers(edge.poll_output(now)), [1, 2]);
    }

    #[test]
    fn new_readings_go_out_while_the_centre_is_away_and_the_backlog_waits() {
        let (mut edge, now) = (ready(), clock::now());
        edge.handle_disconnected();
        edge.handle_readings(1, AT);
        edge.handle_connected();
        edge.handle_centre(centre(Presence::Offline, "a"));
        edge.handle_readings(1, AT);
        assert_eq!(numbers(edge.poll_output(now)), [2]);
        assert_eq!(edge.poll_output(now), None);
    }

    #[test]
    fn backlog_comes_in_messages_of_500_within_the_window() {
        let (mut edge, now) = (ready(), clock::now());
        edge.handle_disconnected();
        (0..3000).for_each(|_| edge.handle_readings(2, AT));
        edge.handle_connected();
        edge.handle_centre(centre(Presence::Online, "a"));
        let mut sizes = Vec::new();
        while let Some(batch) = edge.poll_output(now) {
            sizes.push(batch.items.len());
        }
        assert_eq!(sizes, [500; 8], "the window is 4000");
        edge.handle_readings(2, AT);
        assert_eq!(numbers(edge.poll_output(now)), [6001, 6002], "new readings have room of their own");
        committed(&mut edge, now, &[(1, 4000)]);
        assert_eq!(edge.poll_output(now).unwrap().items[0].seq, 4001);
    }

    #[test]
    fn centre_that_has_what_was_never_made_is_found_out() {
        let (mut edge, now) = (ready(), clock::now());
        edge.handle_readings(1, AT);
        assert!(!committed(&mut edge, now, &[(1, 1)]).0.is_wrong);
        assert!(committed(&mut edge, now, &[(1, 2)]).0.is_wrong);
    }
}
