use std::time::Duration;

use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Bad;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::oneshot;

use super::super::handover::Work;
use super::super::simulated::Machine;
use super::super::{Journal, JournalConfig};
use super::*;

const JUST_BEFORE: Duration = HANGS_AFTER.saturating_sub(Duration::from_millis(1));

/// A front, and the other end of it, which the test plays.
fn ends() -> (Front, Arc<Handover>, Instant) {
    let config = JournalConfig { dir: "/journal".into(), max_bytes: 1 << 20, segment_bytes: 1 << 16 };
    let (mut journal, _) = Journal::open_seeded(&Machine::new().host(1), config, None, 7).unwrap();
    let handover = Arc::new(Handover::new(Report::at_start(&journal)));
    (Front::new(handover.clone(), journal.fork_ids()), handover, clock::now())
}

fn reading(at: i64) -> Reading {
    Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at), Bad::NoReply)
}

fn numbers(front: &mut Front) -> Vec<u64> {
    front.numbered().iter().map(|(_, entry)| entry.seq).collect()
}

/// Does what comes next, which is to be at hand.
fn work(handover: &Handover) -> Work {
    handover.next(Some(clock::now())).unwrap()
}

fn report(front: &mut Front, now: Instant) -> Report {
    let (reply, mut answer) = oneshot::channel();
    front.ask(now, Request::Report(reply));
    answer.try_recv().unwrap()
}

#[test]
fn disk_that_works_on_never_hangs_however_long_all_takes() {
    let (mut front, handover, start) = ends();
    let mut now = start;
    for at in 0..100 {
        front.take(now, reading(at));
        front.look(now);
        assert!(matches!(work(&handover), Work::Reading(taken) if taken == reading(at)));
        now += JUST_BEFORE;
        front.look(now);
        assert!(!front.hangs());
        // The next one is there before it rests.
    }
    // Nothing waits: nobody asks how long it rests.
    let (mut idle, _, start) = ends();
    idle.look(start + 100 * HANGS_AFTER);
    idle.take(start + 100 * HANGS_AFTER, reading(1));
    idle.look(start + 100 * HANGS_AFTER + JUST_BEFORE);
    assert!(!idle.hangs());
    assert_eq!(idle.poll_timeout(), Some(start + 101 * HANGS_AFTER));
}

#[test]
fn while_the_disk_hangs_readings_get_numbers_and_answers_come_from_memory() {
    let (mut front, handover, start) = ends();
    front.take(start, reading(0));
    assert!(matches!(work(&handover), Work::Reading(_)));
    for at in 1..=3 {
        front.take(start, reading(at));
    }
    let (reply, mut unread) = oneshot::channel();
    front.ask(start, Request::Fetch { journal: JournalId::new(1), first: 1, last: 9, limit: 9, reply });
    front.look(start + JUST_BEFORE);
    assert_eq!((front.hangs(), numbers(&mut front)), (false, vec![]));
    let now = front.poll_timeout().unwrap();
    front.look(now);
    assert_eq!((front.hangs(), numbers(&mut front)), (true, vec![1, 2, 3]), "what waited gets its numbers");
    assert!(unread.try_recv().is_err(), "what is on the disk cannot be read now");
    front.take(now, reading(4));
    assert_eq!(numbers(&mut front), [4]);
    let told = report(&mut front, now);
    assert_eq!((told.held, told.depth, told.trouble), (4, 4, Some(DiskTrouble::Hangs)));
    assert_eq!(told.contents[&told.journal], 1..=4);

    let (reply, mut fetched) = oneshot::channel();
    front.ask(now, Request::Fetch { journal: told.journal, first: 2, last: 9, limit: 2, reply });
    assert_eq!(fetched.try_recv().unwrap().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3]);
    let mut ranges = RangeSet::new();
    ranges.insert(1, 2);
    front.ask(now, Request::Commit(JournalRanges { journal: told.journal, ranges }));
    assert_eq!(report(&mut front, now).held, 2);

    front.look(now + 1000 * HANGS_AFTER);
    assert!(front.hangs(), "it is at work still");
}

#[test]
fn when_the_disk_goes_on_it_gets_what_was_in_memory_before_all_else() {
    let (mut front, handover, start) = ends();
    front.take(start, reading(0));
    drop(work(&handover));
    front.take(start, reading(1));
    front.look(start);
    front.look(start + HANGS_AFTER);
    let journal = front.numbered()[0].1.journal;
    let ranges = RangeSet::new();
    front.ask(start, Request::Commit(JournalRanges { journal, ranges }));
    // The thread comes back and rests.
    std::thread::scope(|scope| {
        let thread =
            scope.spawn(|| [handover.next(None).unwrap(), handover.next(None).unwrap(), handover.next(None).unwrap()]);
        while front.hangs() {
            front.look(start + HANGS_AFTER);
        }
        front.take(start, reading(2));
        let [memory, second, third] = thread.join().unwrap();
        assert!(matches!(memory, Work::Memory(memory) if (memory.journal(), memory.len()) == (journal, 1)));
        let is_commit = |work: &Work| matches!(work, Work::Commit(_));
        let is_reading = |work: &Work| matches!(work, Work::Reading(_));
        assert!(is_commit(&second) && is_reading(&third) || is_reading(&second) && is_commit(&third));
    });
}

#[test]
fn disk_that_does_not_keep_up_hangs_too_and_memory_is_bounded() {
    let (mut front, handover, now) = ends();
    front.take(now, reading(0));
    drop(work(&handover));
    for at in 0..=MAX_WAITING {
        front.look(now);
        assert!(!front.hangs());
        front.take(now, reading(at.try_into().unwrap()));
    }
    front.look(now);
    assert!(front.hangs());
    assert_eq!(handover.progress().readings, 0);
    for at in 0..200_000 {
        front.take(now, reading(at));
        drop(front.numbered());
    }
    let told = report(&mut front, now);
    let lost: u64 = told.gaps.iter().map(|gap| gap.ranges.count()).sum();
    assert!(told.held < 200_000 && lost > 0);
    assert_eq!(told.held + lost, 200_001 + MAX_WAITING as u64, "what is not in memory is counted");
}

#[test]
fn hang_before_memory_was_taken_over_goes_on_in_the_same_memory() {
    let (mut front, handover, start) = ends();
    front.take(start, reading(0));
    drop(work(&handover));
    front.take(start, reading(1));
    front.look(start);
    front.look(start + HANGS_AFTER);
    let first = report(&mut front, start).journal;
    let Withdrawn { memory, .. } = handover.withdraw();
    assert!(memory.is_none(), "it is with the front");
    let hang = front.hang.take().unwrap();
    front.end(hang, start);
    front.take(start, reading(2));
    front.look(start + HANGS_AFTER);
    assert!(front.hangs());
    let told = report(&mut front, start);
    assert_eq!((told.journal, told.held), (first, 2));
}
