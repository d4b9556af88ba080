//! Whatever operation fails, tears or is the last before the power goes: what was promised is kept.

use std::collections::{BTreeMap, BTreeSet};

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Bad;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::super::log::JournalConfig;
use super::super::opening::Opened;
use super::super::owner::Owner;
use super::super::simulated::{Fault, Lasting, Leftover, Machine};
use super::*;

const INTERVAL: Duration = Duration::from_secs(1);
const SEGMENT_BYTES: u64 = 1 << 10;
const SMALLEST_RECORD: u64 = 50;

type Number = (JournalId, u64);

/// What is going to go wrong.
#[derive(Debug, Clone, Copy)]
struct Plan {
    operation: u64,
    fault: Fault,
    lasting: Lasting,
    leftover: Leftover,
}

/// An edge's journal, the machine under it, and what was promised.
struct World {
    machine: Machine,
    max_bytes: u64,
    boot: u64,
    leftover: Leftover,
    now: Instant,
    at: u64,
    keeper: Option<Keeper>,
    opened: Opened,
    /// Segments that could not be read at a start; they come again at the next one.
    unreadable: u64,
    given: BTreeMap<Number, Vec<u8>>,
    numbers: BTreeMap<UnixMillis, Number>,
    /// Readings that must not be lost, and those of them that may not be on the disk.
    kept: BTreeSet<Number>,
    unsynced: Vec<Number>,
    /// What a process left behind unsynced; the next one cannot know whether a sync of it failed.
    doubtful: Vec<Number>,
    committed: BTreeMap<JournalId, RangeSet>,
}

impl World {
    fn new(max_bytes: u64) -> Self {
        Self {
            machine: Machine::new(),
            max_bytes,
            boot: 1,
            leftover: Leftover::Nothing,
            now: clock::now(),
            at: 0,
            keeper: None,
            opened: Opened::default(),
            unreadable: 0,
            given: BTreeMap::new(),
            numbers: BTreeMap::new(),
            kept: BTreeSet::new(),
            unsynced: Vec::new(),
            doubtful: Vec::new(),
            committed: BTreeMap::new(),
        }
    }

    fn open(&mut self) {
        let config = JournalConfig { dir: "/journal".into(), max_bytes: self.max_bytes, segment_bytes: SEGMENT_BYTES };
        let owner = Owner { site: "s".parse().unwrap(), edge: "e".parse().unwrap() };
        let (journal, opened) =
            Journal::open_seeded(&self.machine.host(self.boot), config, Some(owner), fastrand::u64(..)).unwrap();
        self.keeper = Some(Keeper::new(journal, INTERVAL, self.now));
        self.unreadable += opened.unreadable_segments;
        self.opened = opened;
        self.look();
    }

    fn forget_unsynced(&mut self) {
        self.doubtful.append(&mut self.unsynced);
    }

    /// Ends the process at once; what was in memory only is lost.
    fn kill(&mut self) {
        let keeper = self.keeper.take().unwrap();
        let held = keeper.journal.is_holding().then(|| (keeper.journal.id(), keeper.journal.first_held()));
        if let Some((journal, Some(first))) = held {
            self.kept.retain(|number| number.0 != journal || number.1 < first);
            self.unsynced.retain(|number| number.0 != journal || number.1 < first);
        }
        self.forget_unsynced();
    }

    fn close(&mut self) {
        let keeper = self.keeper.take().unwrap();
        let (id, first) = (keeper.journal.id(), keeper.journal.first_held());
        let closed = keeper.close();
        if self.machine.is_off() {
            return self.cut_power();
        }
        match closed {
            Ok(()) => self.unsynced.clear(),
            // What could not be brought to the disk is lost, and that was said.
            Err(_) => {
                let lost = |number: &Number| number.0 == id && first.is_some_and(|first| number.1 >= first);
                self.kept.retain(|number| !lost(number));
                self.unsynced.retain(|number| !lost(number));
                self.forget_unsynced();
            }
        }
    }

    /// Takes what the power left, and begins anew.
    fn cut_power(&mut self) {
        self.keeper = None;
        self.machine.turn_on(self.leftover);
        self.boot += 1;
        for number in self.unsynced.drain(..).chain(self.doubtful.drain(..)) {
            self.kept.remove(&number);
        }
        self.open();
        self.check();
    }

    fn step(&mut self, what: impl FnOnce(&mut Keeper, Instant)) {
        self.now += Duration::from_millis(150);
        if self.keeper.is_none() {
            self.open();
        }
        what(self.keeper.as_mut().unwrap(), self.now);
        self.look();
    }

    fn take(&mut self, count: u64) {
        for _ in 0..count {
            self.at += 1;
            let at = UnixMillis::new(self.at.cast_signed());
            let bad = if self.at % 17 < 2 { Bad::Crc } else { Bad::NoReply };
            let mut reading = Reading::failed(format!("T-{}", self.at % 3).parse().unwrap(), at, bad);
            if self.at % 23 < 2 {
                reading.quality = Quality::Good;
            }
            let mut entry = None;
            self.step(|keeper, now| entry = Some(keeper.take(now, &reading)));
            // A machine that went off gave nobody a number.
            if !self.machine.is_off()
                && let Some(Entry { journal, seq, json }) = entry
            {
                let number = (journal, seq);
                assert_eq!(self.given.insert(number, json), None, "{number:?} was given twice");
                self.numbers.insert(at, number);
                self.kept.insert(number);
                self.unsynced.push(number);
            } else {
                self.cut_power();
            }
            self.step(|keeper, now| keeper.handle_due(now));
            if self.machine.is_off() {
                self.cut_power();
            }
        }
    }

    /// Lets the centre commit all numbers that were given, but for the newest ones of each journal.
    fn commit(&mut self, but: u64) {
        let mut highest: BTreeMap<JournalId, u64> = BTreeMap::new();
        for (journal, seq) in self.given.keys() {
            highest.entry(*journal).and_modify(|highest| *highest = *seq.max(highest)).or_insert(*seq);
        }
        for (journal, highest) in highest {
            let mut ranges = RangeSet::new();
            ranges.insert(1, highest.saturating_sub(but));
            let committed = JournalRanges { journal, ranges };
            let mut done = false;
            self.step(|keeper, _| {
                keeper.commit(&committed);
                // What is not open cannot be told.
                done = !keeper.commit_failing && keeper.journal.bytes() > 0;
            });
            self.kept.retain(|number| number.0 != journal || !committed.ranges.contains(number.1));
            if self.machine.is_off() {
                self.cut_power();
            } else if done {
                self.committed.entry(journal).or_default().extend(&committed.ranges);
            }
        }
    }

    fn fetch(&mut self) {
        let journals: Vec<JournalId> = self.committed.keys().copied().collect();
        for journal in journals {
            self.step(|keeper, _| drop(keeper.fetch(journal, 1, u64::MAX, 7)));
        }
        self.step(|keeper, _| drop(keeper.report()));
        if self.machine.is_off() {
            self.cut_power();
        }
    }

    /// Notes what the journal says of itself.
    fn look(&mut self) {
        let Some(keeper) = &self.keeper else { return };
        if self.machine.is_off() {
            return;
        }
        for (journal, gap) in keeper.journal.gaps() {
            let before = self.kept.len();
            self.kept.retain(|number| number.0 != journal || !gap.contains(number.1));
            let is_full = self.max_bytes < 1 << 16;
            assert!(is_full || before == self.kept.len(), "readings were dropped though there was room");
        }
        if !keeper.journal.is_unsynced() && keeper.journal.held() == 0 {
            self.unsynced.clear();
        }
    }

    /// Everything that can be fetched.
    fn present(&mut self) -> BTreeMap<Number, Vec<u8>> {
        let keeper = self.keeper.as_mut().unwrap();
        let mut present = BTreeMap::new();
        for (journal, numbers) in keeper.journal.contents() {
            let entries = keeper.journal.fetch(journal, *numbers.start(), *numbers.end(), usize::MAX).unwrap();
            assert!(entries.windows(2).all(|pair| pair[0].seq < pair[1].seq));
            present.extend(entries.into_iter().map(|entry| ((entry.journal, entry.seq), entry.json)));
        }
        present
    }

    fn check(&mut self) {
        let present = self.present();
        for (number, json) in &present {
            assert_eq!(self.given.get(number), Some(json), "{number:?} is not what was given");
        }
        let lost: Vec<&Number> = self.kept.iter().filter(|number| !present.contains_key(number)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        for (journal, committed) in &self.committed {
            let again = present.keys().filter(|number| number.0 == *journal && committed.contains(number.1)).count();
            let segments = 1 + self.unreadable;
            assert!(
                again as u64 <= segments * SEGMENT_BYTES / SMALLEST_RECORD,
                "{again} committed readings come again"
            );
        }
        assert!(self.machine.largest() <= self.max_bytes, "{} bytes", self.machine.largest());
    }

    fn run(&mut self) {
        self.open();
        self.take(14);
        self.fetch();
        self.take(10);
        self.commit(5);
        self.take(8);
        self.close();
        self.take(12);
        if self.keeper.is_some() {
            self.kill();
        }
        self.take(16);
        self.fetch();
        self.commit(3);
        self.take(25);
    }

    /// After the trouble is over all is well, and stays so.
    fn end_well(&mut self) {
        self.machine.repair();
        if self.machine.is_off() {
            self.cut_power();
        }
        self.take(1);
        for _ in 0..10 {
            self.now += Duration::from_secs(31);
            self.step(|keeper, now| keeper.handle_due(now));
        }
        let keeper = self.keeper.as_ref().unwrap();
        assert!(keeper.journal.held() == 0 && !keeper.journal.is_unsynced(), "all is on the disk");
        // What was passed over while it could not be read is there after a start.
        self.kill();
        self.open();
        self.check();
        self.take(3);
        self.commit(2);
        self.kill();
        self.open();
        self.check();
        assert!(!self.opened.new_journal, "a kill goes on: {:?}", self.opened);
        self.take(12);
        self.close();
        self.boot += 1;
        self.open();
        self.check();
        assert!(!self.opened.new_journal, "an orderly end goes on: {:?}", self.opened);
        self.take(2);
        self.step(|keeper, now| keeper.sync(now));
        self.leftover = Leftover::Nothing;
        self.cut_power();
        assert!(!self.opened.in_memory);
    }
}

fn run(max_bytes: u64, plan: Plan) {
    let mut world = World::new(max_bytes);
    world.leftover = plan.leftover;
    world.machine.plan(plan.operation, plan.fault, plan.lasting);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.run();
        world.end_well();
    }));
    if let Err(panic) = outcome {
        eprintln!("bound {max_bytes}, {plan:?}");
        std::panic::resume_unwind(panic);
    }
}

/// Runs the scenario once for every operation in it, with the fault there.
fn at_every_operation(plan: impl Fn(u64) -> Plan) {
    for max_bytes in [1 << 20, 5 << 10] {
        let mut world = World::new(max_bytes);
        world.run();
        let operations = world.machine.operations();
        assert!(operations > 150, "{operations}");
        world.end_well();
        for operation in 0..operations {
            run(max_bytes, plan(operation));
        }
    }
}

#[test]
fn an_operation_that_fails_costs_nothing() {
    for fault in [Fault::Fails(0), Fault::Fails(128), Fault::Fails(255), Fault::FailsWhenDone] {
        at_every_operation(|operation| Plan { operation, fault, lasting: Lasting::Once, leftover: Leftover::Nothing });
    }
}

#[test]
fn a_disk_that_refuses_from_any_operation_on_costs_what_was_in_memory_at_the_end_only() {
    for lasting in [Lasting::Changes, Lasting::Everything] {
        let fault = Fault::Fails(200);
        at_every_operation(|operation| Plan { operation, fault, lasting, leftover: Leftover::Nothing });
    }
}

#[test]
fn a_power_cut_costs_what_was_not_synced_only() {
    for leftover in [Leftover::Nothing, Leftover::Everything, Leftover::Beginning, Leftover::End] {
        let fault = Fault::PowerGoes(200);
        at_every_operation(|operation| Plan { operation, fault, lasting: Lasting::Once, leftover });
    }
}

#[test]
fn a_power_cut_that_leaves_anything_behind_costs_what_was_not_synced_only() {
    at_every_operation(|operation| {
        let mut random = fastrand::Rng::with_seed(operation);
        let (fault, leftover) = (Fault::PowerGoes(random.u8(..)), Leftover::Some(random.u64(..)));
        Plan { operation, fault, lasting: Lasting::Once, leftover }
    });
}

#[test]
fn a_full_disk_costs_nothing() {
    for capacity in (0..6000).step_by(37) {
        let mut world = World::new(1 << 20);
        world.machine.set_capacity(capacity);
        world.open();
        world.take(60);
        world.machine.repair();
        world.end_well();
    }
}
