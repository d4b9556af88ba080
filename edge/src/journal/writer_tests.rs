use tankline_domain::reading::Bad;

use super::super::front::HANGS_AFTER;
use super::super::memory::Memory;
use super::super::simulated::{Fault, Lasting, Machine};
use super::super::{JournalConfig, Opened};
use super::*;

fn open(machine: &Machine) -> (Journal, Opened) {
    let config = JournalConfig { dir: "/journal".into(), max_bytes: 1 << 20, segment_bytes: 1 << 16 };
    Journal::open_seeded(&machine.host(1), config, None, fastrand::u64(..)).unwrap()
}

fn reading(at: i64) -> Reading {
    Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at), Bad::NoReply)
}

fn stamps(journal: &mut Journal) -> Vec<i64> {
    let mut stamps = Vec::new();
    for (id, numbers) in journal.contents() {
        for entry in journal.fetch(id, *numbers.start(), *numbers.end(), usize::MAX).unwrap() {
            stamps.push(crate::stamp::stamp_of(&entry.json).unwrap());
        }
    }
    stamps.sort_unstable();
    stamps
}

#[tokio::test]
async fn disk_that_hangs_holds_up_nobody_and_has_everything_in_the_end() {
    let machine = Machine::new();
    let (mut journal, _) = open(&machine);
    let handover = Arc::new(Handover::new(Report::at_start(&journal)));
    let mut front = Front::new(handover.clone(), journal.fork_ids());
    let given = Outlet::default();
    let mut appended = given.listen(100);
    let at_work = handover.clone();
    let keep = move |keeper: &mut Keeper, reading: &Reading| {
        given.give(keeper.take(clock::now(), reading));
    };
    let writing = tokio::task::spawn_blocking(move || write(journal, Duration::from_secs(1), &at_work, keep));
    let mut now = clock::now();
    front.take(now, reading(0));
    assert_eq!(appended.recv().await.unwrap().seq, 1);
    for hang in 1..=3 {
        machine.gate().shut();
        front.take(now, reading(hang * 100));
        machine.gate().wait_until_one_hangs();
        front.look(now);
        // Whoever polls is not held up, and the uplink gets its answers.
        let (reply, answer) = oneshot::channel();
        front.ask(now, Request::Report(reply));
        for at in 1..50 {
            front.take(now, reading(hang * 100 + at));
        }
        now += HANGS_AFTER;
        front.look(now);
        assert_eq!(front.numbered().len(), 49);
        assert_eq!(answer.await.unwrap().held, 49);
        machine.gate().open();
        handover.rested().await;
        front.look(now);
        assert!(!front.hangs());
        // It comes to the disk under its numbers.
        let report = loop {
            let (reply, answer) = oneshot::channel();
            front.ask(now, Request::Report(reply));
            let report = answer.await.unwrap();
            if report.held == 0 {
                break report;
            }
        };
        assert_eq!(report.trouble, None);
        assert_eq!(report.depth, 1 + 50 * hang.unsigned_abs());
    }
    front.close();
    writing.await.unwrap().unwrap();
    let expected: Vec<i64> = [0].into_iter().chain((1..=3).flat_map(|hang| hang * 100..hang * 100 + 50)).collect();
    let (mut again, opened) = open(&machine);
    assert!(!opened.new_journal);
    assert_eq!(stamps(&mut again), expected);
}

#[tokio::test]
async fn disk_that_hangs_and_then_refuses_gets_all_of_both_when_it_is_well() {
    let machine = Machine::new();
    let (mut journal, _) = open(&machine);
    let first = journal.append(&reading(0)).unwrap();
    // The operation that hung fails; the reading in its hands goes to a memory of its own.
    machine.plan(0, Fault::Fails(0), Lasting::Changes);
    let mut keeper = Keeper::new(journal, Duration::from_secs(1), clock::now());
    let refused = keeper.take(clock::now(), &reading(1));
    let mut memory = Memory::new(JournalId::new(77));
    for at in 2..5 {
        memory.append(&reading(at));
    }
    keeper.adopt(clock::now(), memory);
    let next = keeper.take(clock::now(), &reading(5));
    assert_eq!((next.journal, next.seq), (JournalId::new(77), 4));
    let report = keeper.report();
    assert_eq!((report.held, report.contents.len(), report.journal), (5, 3, JournalId::new(77)));
    assert_eq!(keeper.fetch(refused.journal, 1, 9, 9).unwrap(), [refused]);
    machine.repair();
    keeper.close().unwrap();
    let (mut again, opened) = open(&machine);
    assert!(!opened.new_journal);
    assert_eq!(stamps(&mut again), (0..6).collect::<Vec<_>>());
    let went_on = again.append(&reading(6)).unwrap();
    assert_eq!((went_on.journal, went_on.seq), (JournalId::new(77), 5));
    assert_ne!(first.journal, went_on.journal);
}
