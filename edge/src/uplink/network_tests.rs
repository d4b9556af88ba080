//! The uplink over a network that loses, repeats, delays and reorders, with connections that drop, a centre that boots
//! and journals that come and go. All on a virtual clock, from a seed.

#![expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use tankline_domain::message::{JournalId, JournalRanges, Presence};
use tankline_domain::ranges::RangeSet;

use super::{Output, Uplink, UplinkConfig};
use crate::journal::{Contents, Entry};

const WINDOW: u64 = 120;

/// What a fetch waits for before it is answered.
struct Asked {
    journal: JournalId,
    first: u64,
    last: u64,
    limit: usize,
    answered_at: Instant,
}

struct World {
    seed: u64,
    random: fastrand::Rng,
    now: Instant,
    uplink: Uplink,
    connected: bool,
    boot: u64,
    /// What the folder has, oldest journal first.
    journals: Vec<(JournalId, RangeSet)>,
    /// An older journal whose folder cannot be used yet.
    hidden: Option<(JournalId, RangeSet)>,
    asked: Option<Asked>,
    /// What is journalled and not yet told to the uplink.
    appended: VecDeque<Entry>,
    to_centre: Vec<(Instant, JournalId, Vec<u64>)>,
    centre: BTreeMap<JournalId, RangeSet>,
    to_edge: Vec<(Instant, JournalRanges)>,
    /// What the edge was told to be committed.
    heard: BTreeMap<JournalId, RangeSet>,
    /// What came from the journal and not from a line.
    fetched: BTreeMap<JournalId, RangeSet>,
    sent: BTreeMap<JournalId, RangeSet>,
    last_new: BTreeMap<JournalId, u64>,
    last_of_backlog: BTreeMap<JournalId, u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut journal = |last: u64| (JournalId::new(random.u64(..)), range(1, last));
        let (hidden, journals) = (journal(40), vec![journal(70), journal(200)]);
        let config = UplinkConfig { window: WINDOW, reserve: 20, ..UplinkConfig::default() };
        Self {
            seed,
            now: Instant::now(),
            uplink: Uplink::new(config, &contents(&journals)),
            connected: false,
            boot: 0,
            journals,
            hidden: Some(hidden),
            asked: None,
            appended: VecDeque::new(),
            to_centre: Vec::new(),
            centre: BTreeMap::new(),
            to_edge: Vec::new(),
            heard: BTreeMap::new(),
            fetched: BTreeMap::new(),
            sent: BTreeMap::new(),
            last_new: BTreeMap::new(),
            last_of_backlog: BTreeMap::new(),
            random,
        }
    }

    /// Lets everything happen for ten minutes, then lets the network be good until the centre has everything.
    fn run(mut self) {
        let calm_from = self.now + Duration::from_secs(600);
        let mut was_calm = false;
        while self.now < calm_from + Duration::from_secs(60) || !(self.uplink.is_drained() && self.connected) {
            let is_calm = self.now >= calm_from;
            let late = calm_from + Duration::from_secs(3600);
            assert!(self.now < late, "seed {}: it is never drained", self.seed);
            self.now += Duration::from_millis(self.random.u64(1..400));
            self.uplink.handle_timeout(self.now);
            if !is_calm {
                self.read();
                self.disturb();
            } else if !std::mem::replace(&mut was_calm, true) {
                self.read_one();
            }
            let told = if is_calm { self.appended.len() } else { self.random.usize(..=self.appended.len()) };
            self.appended.drain(..told).for_each(|entry| self.uplink.handle_appended(entry));
            if self.chance(60) {
                self.uplink.handle_contents(self.now, &contents(&self.journals));
            }
            self.connect(is_calm);
            self.answer(is_calm);
            // The connection may take nothing for a while.
            if self.connected && (is_calm || !self.chance(5)) {
                self.act(is_calm);
            }
            self.arrive(is_calm);
            let outstanding = self.uplink.outstanding_readings();
            assert!(outstanding <= WINDOW, "seed {}: {outstanding} readings are under way", self.seed);
        }
        for (journal, has) in &self.journals {
            let committed = self.centre.get(journal).cloned().unwrap_or_default();
            let missing =
                has.ranges().iter().flat_map(|&(first, last)| committed.missing(first, last).ranges().to_vec());
            assert_eq!(missing.collect::<Vec<_>>(), [], "seed {}: the centre misses these of {journal}", self.seed);
        }
    }

    /// Gauges give readings; now and then a new journal is begun, or an old folder can be used again.
    fn read(&mut self) {
        if self.chance(300) {
            self.journals.push((JournalId::new(self.random.u64(..)), RangeSet::new()));
        }
        if self.chance(500)
            && let Some(hidden) = self.hidden.take()
        {
            self.journals.insert(0, hidden);
            self.uplink.handle_contents(self.now, &contents(&self.journals));
            self.tell_all();
        }
        for _ in 0..self.random.u32(..4) {
            self.read_one();
        }
        // Some are not told of: the queue was full. The uplink finds them in the journal when it hears of a later one.
        if self.chance(20) {
            self.appended.pop_front();
        }
    }

    fn read_one(&mut self) {
        let (journal, has) = self.journals.last_mut().expect("there is always one");
        let seq = has.last().unwrap_or(0) + 1;
        has.insert(seq, seq);
        self.appended.push_back(entry(*journal, seq));
    }

    /// Connections drop, the centre goes and comes, and a full journal drops what is oldest.
    fn disturb(&mut self) {
        if self.connected && self.chance(40) {
            self.connected = false;
            // Of a connection that was cut and stands again it may only be heard that it stands.
            if self.random.bool() {
                self.uplink.handle_disconnected();
                assert_eq!(self.uplink.outstanding_readings(), 0, "seed {}", self.seed);
                assert_eq!(self.uplink.poll_output(self.now), None, "seed {}", self.seed);
            }
            self.to_edge.clear();
            // What the broker has may still arrive.
            if self.random.bool() {
                self.to_centre.clear();
            }
        }
        if self.chance(100) {
            self.boot += 1;
            self.to_centre.clear();
            if self.connected && self.random.bool() {
                self.uplink.handle_centre(Presence::Offline, None);
            }
            if self.connected {
                // Nothing of the centre before is heard after the first word of the new one: a broker keeps the order.
                self.to_edge.clear();
                self.uplink.handle_centre(Presence::Online, Some(self.boot.to_string()));
                self.tell_all();
            }
        }
        if self.chance(200) {
            let (_, has) = &mut self.journals[0];
            if let Some(first) = has.first() {
                has.remove(first, first + 5);
            }
        }
    }

    fn connect(&mut self, is_calm: bool) {
        if !self.connected && (is_calm || self.chance(8)) {
            self.connected = true;
            self.uplink.handle_connected(self.now);
            self.uplink.handle_centre(Presence::Online, Some(self.boot.to_string()));
            self.tell_all();
        }
    }

    /// Tells the edge what the centre has of each journal, once or twice, sooner or later.
    fn tell_all(&mut self) {
        let journals: Vec<_> = self.journals.iter().map(|(journal, _)| *journal).collect();
        journals.into_iter().for_each(|journal| self.tell(journal));
    }

    fn tell(&mut self, journal: JournalId) {
        let ranges = self.centre.get(&journal).cloned().unwrap_or_default();
        for _ in 0..self.random.u32(1..3) {
            let at = self.now + Duration::from_millis(self.random.u64(1..3000));
            self.to_edge.push((at, JournalRanges { journal, ranges: ranges.clone() }));
        }
    }

    /// The journal answers, or cannot be read.
    fn answer(&mut self, is_calm: bool) {
        let Some(asked) = self.asked.take_if(|asked| asked.answered_at <= self.now) else { return };
        if !is_calm && self.chance(10) {
            self.uplink.handle_fetch_failed(self.now);
            return;
        }
        let Asked { journal, first, last, limit, .. } = asked;
        let has = self.journals.iter().find(|(id, _)| *id == journal).map(|(_, has)| has.clone()).unwrap_or_default();
        let entries: Vec<_> = (first..=last.min(has.last().unwrap_or(0)))
            .filter(|seq| has.contains(*seq))
            .take(limit)
            .map(|seq| entry(journal, seq))
            .collect();
        let fetched = self.fetched.entry(journal).or_default();
        entries.iter().for_each(|entry| fetched.insert(entry.seq, entry.seq));
        self.uplink.handle_fetched(journal, first..=last, limit, entries);
    }

    fn act(&mut self, is_calm: bool) {
        while let Some(output) = self.uplink.poll_output(self.now) {
            match output {
                Output::Fetch { journal, first, last, limit } => {
                    assert!(self.asked.is_none(), "seed {}: the journal is asked twice", self.seed);
                    let answered_at = self.now + Duration::from_millis(self.random.u64(..500));
                    self.asked = Some(Asked { journal, first, last, limit, answered_at });
                }
                Output::Publish { journal, entries } => {
                    let seqs: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
                    self.check(journal, &seqs);
                    let is_lost = !is_calm && self.chance(10);
                    for _ in 0..if is_lost { 0 } else { self.random.u32(1..3) } {
                        let at = self.now + Duration::from_millis(self.random.u64(1..7000));
                        self.to_centre.push((at, journal, seqs.clone()));
                    }
                }
            }
        }
    }

    /// Holds what must be true of whatever is sent.
    fn check(&mut self, journal: JournalId, seqs: &[u64]) {
        let seed = self.seed;
        assert!((1..=500).contains(&seqs.len()), "seed {seed}: a message has {} readings", seqs.len());
        assert!(seqs.is_sorted_by(|a, b| a < b), "seed {seed}: the order in a message is {seqs:?}");
        let heard = self.heard.entry(journal).or_default();
        let committed: Vec<_> = seqs.iter().filter(|seq| heard.contains(**seq)).collect();
        assert!(committed.is_empty(), "seed {seed}: {committed:?} are known to be committed and sent again");
        let (fetched, sent) = (self.fetched.entry(journal).or_default(), self.sent.entry(journal).or_default());
        let is_new = !seqs.iter().any(|seq| fetched.contains(*seq));
        // The numbers of a tank are in the order of its readings.
        for seq in seqs {
            if is_new {
                assert!(!sent.contains(*seq), "seed {seed}: {seq} goes out as new for the second time");
                let last = self.last_new.insert(journal, *seq);
                assert!(last.is_none_or(|last| last < *seq), "seed {seed}: new {seq} after {last:?}");
            } else if !sent.contains(*seq) {
                let last = self.last_of_backlog.insert(journal, *seq);
                assert!(last.is_none_or(|last| last < *seq), "seed {seed}: backlog {seq} after {last:?}");
            }
            sent.insert(*seq, *seq);
        }
    }

    fn arrive(&mut self, is_calm: bool) {
        let now = self.now;
        let (due, rest): (Vec<_>, Vec<_>) = self.to_centre.drain(..).partition(|(at, ..)| *at <= now);
        self.to_centre = rest;
        let mut touched = BTreeSet::new();
        for (_, journal, seqs) in due {
            let committed = self.centre.entry(journal).or_default();
            seqs.into_iter().for_each(|seq| committed.insert(seq, seq));
            touched.insert(journal);
        }
        for journal in touched {
            if self.connected && (is_calm || self.random.u32(..4) > 0) {
                self.tell(journal);
            }
        }
        let (due, rest): (Vec<_>, Vec<_>) = self.to_edge.drain(..).partition(|(at, _)| *at <= now);
        self.to_edge = rest;
        for (_, committed) in due {
            self.heard.entry(committed.journal).or_default().extend(&committed.ranges);
            self.uplink.handle_committed(now, &committed);
        }
    }

    fn chance(&mut self, of: u32) -> bool {
        self.random.u32(..of) == 0
    }
}

fn contents(journals: &[(JournalId, RangeSet)]) -> Contents {
    journals.iter().filter_map(|(journal, has)| Some((*journal, has.first()?..=has.last()?))).collect()
}

fn entry(journal: JournalId, seq: u64) -> Entry {
    Entry { journal, seq, json: seq.to_string().into_bytes() }
}

fn range(first: u64, last: u64) -> RangeSet {
    (first..=last).collect()
}

#[test]
fn a_network_that_loses_repeats_and_delays_loses_no_reading() {
    for seed in 0..48 {
        World::new(seed).run();
    }
}
