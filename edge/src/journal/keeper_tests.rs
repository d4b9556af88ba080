use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Bad;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::super::log::JournalConfig;
use super::super::simulated::{Fault, Lasting, Machine};
use super::*;

const INTERVAL: Duration = Duration::from_secs(1);

fn keeper(machine: &Machine, now: Instant) -> Keeper {
    let config = JournalConfig { dir: "/journal".into(), max_bytes: 1 << 20, segment_bytes: 1 << 16 };
    let (journal, _) = Journal::open_seeded(&machine.host(1), config, None, fastrand::u64(..)).unwrap();
    Keeper::new(journal, INTERVAL, now)
}

fn reading(tank: u32, quality: &str) -> Reading {
    let reading = Reading::failed(format!("T-{tank}").parse().unwrap(), UnixMillis::new(1), Bad::NoReply);
    Reading { quality: quality.parse().unwrap(), ..reading }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Lets time pass as a task with a timer does.
fn pass(keeper: &mut Keeper, from: Instant, to: Instant) {
    keeper.handle_due(from);
    while let Some(due) = keeper.poll_timeout().filter(|due| *due <= to) {
        keeper.handle_due(due.max(from));
    }
}

#[test]
fn readings_are_synced_once_an_interval_and_a_change_of_quality_at_once() {
    let (machine, start) = (Machine::new(), clock::now());
    let mut keeper = keeper(&machine, start);
    let opened = machine.syncs();
    let mut synced = Vec::new();
    for (at, quality) in [(0, "good"), (100, "good"), (1050, "good"), (1500, "bad:crc"), (1600, "bad:no-reply")] {
        let now = start + ms(at);
        keeper.take(now, &reading(1, quality));
        keeper.handle_due(now);
        synced.push(machine.syncs() - opened);
        pass(&mut keeper, now, now);
    }
    // At 1000 the timer would have fired; here the next reading brings it. One bad reason for another is no change.
    assert_eq!(synced, [0, 0, 1, 2, 2]);
    pass(&mut keeper, start + ms(1600), start + ms(60_000));
    assert_eq!(machine.syncs() - opened, 3);
    assert_eq!(keeper.poll_timeout(), None);
}

#[test]
fn gauges_that_come_and_go_do_not_wear_the_flash() {
    let (machine, start) = (Machine::new(), clock::now());
    let mut keeper = keeper(&machine, start);
    let opened = machine.syncs();
    // 28 gauges change their quality ten times a second each, for ten seconds.
    for step in 0..2800 {
        let now = start + ms(step * 1000 / 280);
        let quality = if step / 28 % 2 == 0 { "good" } else { "bad:no-reply" };
        pass(&mut keeper, now, now);
        keeper.take(now, &reading(u32::try_from(step % 28).unwrap(), quality));
        keeper.handle_due(now);
    }
    let syncs = machine.syncs() - opened;
    assert!((90..=110).contains(&syncs), "{syncs} syncs in 10 s");
}

#[test]
fn while_the_disk_refuses_readings_get_numbers_are_fetched_and_come_to_the_disk_later() {
    let (machine, start) = (Machine::new(), clock::now());
    let mut keeper = keeper(&machine, start);
    let first = keeper.take(start, &reading(1, "good"));
    machine.plan(0, Fault::Fails(100), Lasting::Changes);
    let mut held = Vec::new();
    for second in 0..100 {
        let now = start + ms(second * 1000);
        pass(&mut keeper, now, now);
        // The first one finds that the disk refuses; no other one waits for it.
        let operations = machine.operations();
        held.push(keeper.take(now, &reading(1, "good")));
        assert!(second == 0 || machine.operations() == operations);
    }
    let volatile = held[0].journal;
    assert_ne!(volatile, first.journal);
    assert!(held.iter().zip(1..).all(|(entry, seq)| (entry.journal, entry.seq) == (volatile, seq)));
    assert_eq!(keeper.fetch(volatile, 1, 500, 500).unwrap(), held);
    assert_eq!(keeper.fetch(first.journal, 1, 500, 500).unwrap(), std::slice::from_ref(&first));
    let mut ranges = RangeSet::new();
    ranges.insert(1, 40);
    keeper.commit(&JournalRanges { journal: volatile, ranges });
    assert_eq!((keeper.report().depth, keeper.report().held), (61, 60));
    machine.repair();
    let late = start + ms(100_000);
    // The pause between trials is bounded.
    pass(&mut keeper, late, late + LONGEST_RETRY);
    assert_eq!((keeper.report().depth, keeper.report().held), (61, 0));
    held.push(keeper.take(late + LONGEST_RETRY, &reading(1, "good")));
    assert_eq!((held[100].journal, held[100].seq), (volatile, 101));
    drop(keeper);
    let mut keeper = self::keeper(&machine, start);
    assert_eq!(keeper.fetch(volatile, 1, 500, 500).unwrap(), held[40..]);
    assert_eq!(keeper.take(start, &reading(1, "good")).seq, 102);
}

#[test]
fn a_refusing_disk_is_tried_ever_less_often() {
    let (machine, start) = (Machine::new(), clock::now());
    machine.plan(0, Fault::Fails(0), Lasting::Everything);
    let mut keeper = keeper(&machine, start);
    let mut trials = 0;
    while let Some(due) = keeper.poll_timeout().filter(|due| *due < start + ms(300_000)) {
        trials += 1;
        keeper.handle_due(due);
    }
    assert_eq!(trials, 4 + 9, "1, 2, 4, 8, 16, then each 30 s");
}

#[test]
fn a_bad_place_on_the_disk_does_not_stand_in_the_way_of_what_comes_after_it() {
    let (machine, start) = (Machine::new(), clock::now());
    let mut keeper = keeper(&machine, start);
    let journal = keeper.take(start, &reading(1, "good")).journal;
    for _ in 0..2000 {
        keeper.take(start, &reading(1, "good"));
    }
    let first = machine.files().into_keys().find(|path| path.extension().is_some()).unwrap();
    machine.spoil(Some(&first));
    let fetched = (0..4).find_map(|_| keeper.fetch(journal, 1, 5000, 5000)).unwrap();
    let begin = fetched[0].seq;
    assert!(begin > 500 && begin < 1500);
    assert_eq!(fetched.last().unwrap().seq, 2001);
    let gaps = keeper.report().gaps;
    assert_eq!((gaps[0].journal, gaps[0].ranges.ranges()), (journal, &[(1, begin - 1)][..]));
    assert!(keeper.fetch(JournalId::new(5), 1, 5000, 5000).unwrap().is_empty());
}
