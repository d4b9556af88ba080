//! The uplink over links of all kinds: what of them the backlog uses, how often readings are sent, and what new readings
//! wait. All on a virtual clock.

#![expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tankline_domain::message::{JournalId, JournalRanges, Presence};
use tankline_domain::ranges::RangeSet;

use super::{Output, Uplink, UplinkConfig};
use crate::journal::{Contents, Entry};

const JOURNAL: JournalId = JournalId::new(7);

/// Bytes of a reading, and of all that a message has beside readings: topic, journal, MQTT, TLS, TCP and IP.
const READING: usize = 120;
const MESSAGE: usize = 190;

/// The centre tells of commits at most this often.
const TELLS: Duration = Duration::from_millis(100);

/// A link that takes one message after another, and carries each for a while. The way back is as long, and wide.
#[derive(Clone, Copy)]
struct Link {
    bytes_per_s: f64,
    one_way: Duration,
    /// One message in so many is lost.
    loses: Option<u32>,
}

const SLOW: Link = Link { bytes_per_s: 8000.0, one_way: Duration::from_millis(300), loses: None };
const LOSSY: Link = Link { loses: Some(10), ..SLOW };
const LAN: Link = Link { bytes_per_s: 50e6, one_way: Duration::from_micros(500), loses: None };

/// What is under way.
enum Moves {
    ToCentre(Vec<u64>),
    CentreTells,
    ToEdge(RangeSet),
}

/// One run: a backlog, new readings beside it, and a centre behind the link.
struct Run {
    link: Link,
    random: fastrand::Rng,
    now: Instant,
    uplink: Uplink,
    moving: BTreeMap<(Instant, u64), Moves>,
    moved: u64,
    free_at: Instant,
    bytes: usize,
    messages: u64,
    sent: u64,
    last_seq: u64,
    appended_at: BTreeMap<u64, Instant>,
    centre: RangeSet,
    tells_at: Option<Instant>,
    told_at: Option<Instant>,
    /// How long new readings took to the centre.
    latencies: Vec<Duration>,
    most_outstanding: u64,
}

impl Run {
    fn new(link: Link, backlog: u64) -> Self {
        let now = Instant::now();
        let contents = if backlog > 0 { Contents::from([(JOURNAL, 1..=backlog)]) } else { Contents::default() };
        let mut uplink = Uplink::new(UplinkConfig::default(), &contents);
        uplink.handle_connected(now);
        uplink.handle_centre(Presence::Online, Some("a".into()));
        uplink.handle_committed(now, &JournalRanges { journal: JOURNAL, ranges: RangeSet::new() });
        Self {
            link,
            random: fastrand::Rng::with_seed(1),
            now,
            uplink,
            moving: BTreeMap::new(),
            moved: 0,
            free_at: now,
            bytes: 0,
            messages: 0,
            sent: 0,
            last_seq: backlog,
            appended_at: BTreeMap::new(),
            centre: RangeSet::new(),
            tells_at: None,
            told_at: None,
            latencies: Vec::new(),
            most_outstanding: 0,
        }
    }

    /// Runs for a while with so many new readings a second; stops early when the centre has the backlog, or all.
    fn go(&mut self, time: Duration, readings_per_s: u32) {
        let goes_on = |run: &Self| if readings_per_s > 0 { run.backlog_left() } else { !run.uplink.is_drained() };
        self.go_while(goes_on, time, readings_per_s);
    }

    fn go_while(&mut self, goes_on: impl Fn(&Self) -> bool, time: Duration, readings_per_s: u32) {
        let end = self.now + time;
        let mut next_reading = (readings_per_s > 0).then_some(self.now);
        while self.now < end && goes_on(self) {
            self.act();
            let moves = self.moving.keys().next().map(|(at, _)| *at);
            let next = [moves, next_reading, self.uplink.poll_timeout()].into_iter().flatten().min();
            self.now = next.unwrap_or(end).clamp(self.now, end);
            self.uplink.handle_timeout(self.now);
            if let Some(at) = next_reading
                && at <= self.now
            {
                next_reading = Some(at + Duration::from_secs(1) / readings_per_s);
                self.last_seq += 1;
                self.appended_at.insert(self.last_seq, self.now);
                self.uplink.handle_appended(entry(self.last_seq));
            }
            while let Some(first) = self.moving.first_entry()
                && first.key().0 <= self.now
            {
                let moves = first.remove();
                self.arrive(moves);
            }
        }
    }

    fn backlog_left(&self) -> bool {
        let first_new = self.appended_at.keys().next().copied().unwrap_or(self.last_seq + 1);
        first_new > 1 && !self.centre.contains_range(1, first_new - 1)
    }

    fn act(&mut self) {
        while let Some(output) = self.uplink.poll_output(self.now) {
            match output {
                Output::Fetch { journal, first, last, limit } => {
                    let entries = (first..=last).take(limit).map(entry).collect();
                    self.uplink.handle_fetched(journal, first..=last, limit, entries);
                }
                Output::Publish { entries, .. } => self.send(entries.iter().map(|entry| entry.seq).collect()),
            }
        }
        self.most_outstanding = self.most_outstanding.max(self.uplink.outstanding_readings());
    }

    fn send(&mut self, seqs: Vec<u64>) {
        let bytes = MESSAGE + READING * seqs.len();
        self.bytes += bytes;
        self.messages += 1;
        self.sent += seqs.len() as u64;
        self.free_at = self.free_at.max(self.now) + Duration::from_secs_f64(bytes as f64 / self.link.bytes_per_s);
        if self.link.loses.is_none_or(|of| self.random.u32(..of) > 0) {
            self.later(self.free_at + self.link.one_way, Moves::ToCentre(seqs));
        }
    }

    fn later(&mut self, at: Instant, moves: Moves) {
        self.moved += 1;
        self.moving.insert((at, self.moved), moves);
    }

    fn arrive(&mut self, moves: Moves) {
        match moves {
            Moves::ToCentre(seqs) => {
                for seq in seqs {
                    if let Some(at) = self.appended_at.get(&seq)
                        && !self.centre.contains(seq)
                    {
                        self.latencies.push(self.now - *at);
                    }
                    self.centre.insert(seq, seq);
                }
                if self.tells_at.is_none() {
                    let at = self.told_at.map_or(self.now, |told| self.now.max(told + TELLS));
                    self.tells_at = Some(at);
                    self.later(at, Moves::CentreTells);
                }
            }
            Moves::CentreTells => {
                (self.tells_at, self.told_at) = (None, Some(self.now));
                self.later(self.now + self.link.one_way, Moves::ToEdge(self.centre.clone()));
            }
            Moves::ToEdge(ranges) => {
                self.uplink.handle_committed(self.now, &JournalRanges { journal: JOURNAL, ranges });
            }
        }
    }

    fn latency(&mut self, part: f64) -> Duration {
        self.latencies.sort_unstable();
        self.latencies[((self.latencies.len() - 1) as f64 * part) as usize]
    }
}

fn entry(seq: u64) -> Entry {
    Entry { journal: JOURNAL, seq, json: vec![b'x'; READING] }
}

/// What a backlog and new readings beside it came to.
struct Figures {
    /// Part of the link that was used while the backlog went out.
    use_of_link: f64,
    /// How often a reading was sent, on average.
    sends: f64,
}

/// Sends a backlog beside new readings, then lets the rest go out.
fn drain(run: &mut Run, readings_per_s: u32) -> Figures {
    let start = run.now;
    run.go(Duration::from_secs(7200), readings_per_s);
    assert!(!run.backlog_left(), "it is not sent within two hours");
    let use_of_link = run.bytes as f64 / run.link.bytes_per_s / (run.now - start).as_secs_f64();
    run.go(Duration::from_secs(600), 0);
    assert!(run.uplink.is_drained() && run.centre.contains_range(1, run.last_seq));
    Figures { use_of_link, sends: run.sent as f64 / run.last_seq as f64 }
}

#[test]
fn a_link_of_64_kbit_is_filled_and_new_readings_pass_the_backlog() {
    for readings_per_s in [1, 28] {
        let mut run = Run::new(SLOW, 20_000);
        let figures = drain(&mut run, readings_per_s);
        let (median, longest) = (run.latency(0.5), run.latency(1.0));
        assert!(figures.use_of_link > 0.95, "{:.3} of the link is used", figures.use_of_link);
        assert!((figures.sends - 1.0).abs() < 1e-9, "each is sent {:.4} times", figures.sends);
        // Of these 0.3 s go by on the way, up to 0.25 s until a message goes out, and 0.25 s until it is on the wire.
        assert!(median < Duration::from_millis(1200), "half of the new readings take {median:?}");
        assert!(longest < Duration::from_millis(1800), "a new reading takes {longest:?}");
        assert!(run.most_outstanding < 150, "{} readings are under way", run.most_outstanding);
        // Each of some 20 bytes at most for what a message has beside readings, were they all of the backlog.
        let beside = run.messages * MESSAGE as u64 / run.sent;
        assert!(readings_per_s > 1 || beside < 20, "{beside} bytes of a reading are none of its own");
    }
}

#[test]
fn a_window_that_was_not_used_does_not_grow() {
    let mut run = Run::new(SLOW, 0);
    run.go_while(|_| true, Duration::from_secs(300), 10);
    for _ in 0..5000 {
        run.last_seq += 1;
        run.uplink.handle_appended(entry(run.last_seq));
    }
    run.go(Duration::from_secs(600), 0);
    assert!(run.uplink.is_drained());
    assert!(run.most_outstanding < 200, "{} readings are under way", run.most_outstanding);
}

#[test]
fn a_link_that_loses_a_tenth_is_filled_all_the_same() {
    for (readings_per_s, least_use) in [(1, 0.75), (28, 0.9)] {
        let mut run = Run::new(LOSSY, 20_000);
        let figures = drain(&mut run, readings_per_s);
        assert!(figures.use_of_link > least_use, "{:.3} of the link is used", figures.use_of_link);
        // Of what is lost a tenth is lost again, so that 1.11 is the least.
        assert!(figures.sends < 1.13, "each is sent {:.4} times", figures.sends);
        // A tenth of the new readings is lost too, and comes with the backlog.
        let most = run.latency(0.85);
        assert!(most < Duration::from_secs(2), "new readings take {most:?}");
    }
}

#[test]
fn a_link_that_cannot_carry_the_new_readings_carries_fresh_ones_and_not_ever_older_ones() {
    let mut run = Run::new(Link { bytes_per_s: 1200.0, ..SLOW }, 0);
    run.go_while(|_| true, Duration::from_secs(600), 28);
    run.latencies = run.latencies.split_off(run.latencies.len() / 2);
    let fresh = run.latency(0.5);
    assert!(fresh < Duration::from_secs(4), "after five minutes half of what comes is older than {fresh:?}");
}

#[test]
fn a_fast_link_is_left_at_what_the_window_allows() {
    let mut run = Run::new(LAN, 200_000);
    let start = run.now;
    let figures = drain(&mut run, 28);
    // A full backlog share of the window each time that the centre tells of commits.
    let seconds = (run.now - start).as_secs_f64();
    assert!(seconds < 1.15 * 200_000.0 / 3500.0 * TELLS.as_secs_f64(), "it takes {seconds} s");
    assert!((figures.sends - 1.0).abs() < 1e-9, "each is sent {:.4} times", figures.sends);
    let longest = run.latency(1.0);
    assert!(longest < Duration::from_millis(20), "a new reading takes {longest:?}");
    assert!(run.most_outstanding <= 4000);
}

#[test]
fn a_link_that_suddenly_crawls_gets_hardly_anything_twice() {
    let mut run = Run::new(LAN, 40_000);
    run.go(Duration::from_secs(1), 1);
    assert!(run.uplink.outstanding_readings() > 3000, "the window is wide");
    run.link = SLOW;
    let sent = run.sent;
    let figures = drain(&mut run, 1);
    assert!(run.sent - sent > 10_000);
    // One of the messages that are in the link then takes 7.5 s by itself.
    assert!(figures.sends < 1.01, "each is sent {:.4} times", figures.sends);
}

#[test]
fn a_link_that_stands_still_is_tried_with_little() {
    let mut run = Run::new(LAN, 100_000);
    run.go(Duration::from_millis(500), 1);
    // What is under way waits in the link, which takes nothing for a minute.
    run.free_at = run.now + Duration::from_secs(60);
    let figures = drain(&mut run, 1);
    assert!(figures.sends < 1.01, "each is sent {:.4} times", figures.sends);
}
