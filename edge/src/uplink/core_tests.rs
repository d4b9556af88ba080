#![expect(clippy::disallowed_methods, reason = "any moment serves as the origin of a virtual clock")]

use tankline_domain::message::Committed;

use super::*;

const JOURNAL: JournalId = JournalId::new(7);

fn entry(seq: u64) -> Entry {
    Entry { journal: JOURNAL, seq, json: seq.to_string().into_bytes() }
}

fn committed(ranges: &[(u64, u64)]) -> JournalRanges {
    JournalRanges { journal: JOURNAL, ranges: ranges.to_vec().try_into().unwrap() }
}

fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn contents(first: u64, last: u64) -> Contents {
    Contents::from([(JOURNAL, first..=last)])
}

/// Takes outputs, serving fetches from a journal of `first..=last`, until there is none; gives what was published.
fn drain(uplink: &mut Uplink, now: Instant, journal: RangeInclusive<u64>) -> Vec<Vec<u64>> {
    let mut published = Vec::new();
    while let Some(output) = uplink.poll_output(now) {
        match output {
            Output::Publish { entries, .. } => published.push(seqs(&entries)),
            Output::Fetch { journal: id, first, last, limit } => {
                let entries = (first..=last).filter(|seq| journal.contains(seq)).take(limit).map(entry).collect();
                uplink.handle_fetched(id, first..=last, limit, entries);
            }
        }
    }
    published
}

#[test]
fn a_new_reading_goes_out_at_once_and_before_the_backlog() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 2000));
    uplink.handle_connected(now);
    uplink.handle_appended(entry(2001));
    assert_eq!(drain(&mut uplink, now, 1..=2001), [vec![2001]], "the centre has not yet said what it has");
    uplink.handle_committed(now, &committed(&[(1, 1200)]));
    uplink.handle_appended(entry(2002));
    let published = drain(&mut uplink, now, 1..=2002);
    assert_eq!(published[0], [2002]);
    let backlog = published[1..].concat();
    assert_eq!(backlog, (1201..1201 + backlog.len() as u64).collect::<Vec<_>>());
    assert!(backlog.len() > 16 && !uplink.is_drained());
    uplink.handle_committed(now, &committed(&[(1, 2002)]));
    assert!(uplink.is_drained());
    assert_eq!(drain(&mut uplink, now, 1..=2002), Vec::<Vec<u64>>::new());
}

#[test]
fn journals_that_come_to_light_later_are_sent_once_the_centre_has_said_what_it_has_of_them() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &Contents::default());
    uplink.handle_connected(now);
    uplink.handle_appended(Entry { journal: JournalId::new(9), ..entry(1) });
    assert_eq!(drain(&mut uplink, now, 0..=0), [vec![1]], "in memory");
    assert!(uplink.handle_contents(now, &contents(1, 10)));
    assert!(!uplink.handle_contents(now, &contents(1, 10)), "they are known now");
    assert!(drain(&mut uplink, now, 1..=10).is_empty());
    uplink.handle_committed(now, &committed(&[(1, 4)]));
    assert_eq!(drain(&mut uplink, now, 1..=10), [(5..=10).collect::<Vec<_>>()]);
    uplink.handle_committed(now, &committed(&[(1, 10)]));
    // What was appended before comes to light beneath it.
    uplink.handle_contents(now, &Contents::from([(JournalId::new(9), 1..=1)]));
    uplink.handle_committed(now, &Committed { journal: JournalId::new(9), ..committed(&[(1, 1)]) });
    assert!(uplink.is_drained());
}

#[test]
fn without_a_word_of_the_centre_the_backlog_goes_out_after_a_while() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    uplink.handle_connected(now);
    assert!(drain(&mut uplink, now, 1..=10).is_empty());
    let due = uplink.poll_timeout().unwrap();
    uplink.handle_timeout(due);
    assert_eq!(drain(&mut uplink, due, 1..=10), [(1..=10).collect::<Vec<_>>()]);
}

#[test]
fn the_window_is_kept_with_a_share_for_each_side() {
    let now = Instant::now();
    let config = UplinkConfig { window: 1000, reserve: 200, ..UplinkConfig::default() };
    let mut uplink = Uplink::new(config, &contents(1, 5000));
    uplink.handle_connected(now);
    uplink.handle_committed(now, &committed(&[]));
    let sent = widen(&mut uplink, now, 1..=5000);
    let backlog = uplink.outstanding_readings();
    assert!((700..=800).contains(&backlog) && sent < 5000, "the backlog leaves 200 to new readings: {backlog}");
    for seq in 5001..=7000 {
        uplink.handle_appended(entry(seq));
        let published = drain(&mut uplink, now, 1..=7000);
        assert!(seq > 5004 || published == [vec![seq]], "a new reading does not wait for the backlog");
        assert!(uplink.outstanding_readings() <= 1000);
    }
    uplink.handle_connected(now);
    uplink.handle_committed(now, &committed(&[]));
    drain(&mut uplink, now, 1..=7000);
    assert!(uplink.outstanding_readings() < 100, "another connection may be a slower one");
}

/// Acknowledges everything at once until the window does not grow any more; gives the last number that was sent.
fn widen(uplink: &mut Uplink, now: Instant, journal: RangeInclusive<u64>) -> u64 {
    let mut sent = 0;
    loop {
        let before = uplink.outstanding_readings();
        sent = drain(uplink, now, journal.clone()).concat().last().copied().unwrap_or(sent);
        if uplink.outstanding_readings() == before {
            return sent;
        }
        if uplink.outstanding_readings() < 700 {
            uplink.handle_committed(now, &committed(&[(1, sent)]));
        }
    }
}

#[test]
fn late_acknowledgements_mean_sending_again_ever_more_patiently() {
    let mut now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    uplink.handle_connected(now);
    uplink.handle_committed(now, &committed(&[]));
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert_eq!(drain(&mut uplink, now, 1..=10), [(1..=10).collect::<Vec<_>>()]);
        let due = uplink.poll_timeout().unwrap();
        waits.push(due.duration_since(now).as_secs());
        now = due;
        uplink.handle_timeout(now);
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    assert_eq!(uplink.resent(), 60);
    drain(&mut uplink, now, 1..=10);
    let mut patience = |seq| {
        uplink.handle_committed(now, &committed(&[(1, seq - 1)]));
        uplink.handle_appended(entry(seq));
        drain(&mut uplink, now, 1..=seq);
        uplink.poll_timeout().unwrap().duration_since(now).as_secs()
    };
    assert_eq!(patience(11), 60, "nobody knows which of the six was acknowledged");
    assert_eq!(patience(12), 5, "patience ends with an acknowledgement that was in time");
}

#[test]
fn single_readings_that_are_late_are_sent_again_together() {
    let start = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &Contents::default());
    uplink.handle_connected(start);
    for seq in 1..=7 {
        let now = start + Duration::from_millis(seq * 140);
        uplink.handle_timeout(now);
        uplink.handle_appended(entry(seq));
        drain(&mut uplink, now, 1..=7);
    }
    uplink.handle_timeout(start + Duration::from_secs(2));
    drain(&mut uplink, start + Duration::from_secs(2), 1..=7);
    assert_eq!(uplink.outstanding_readings(), 7);
    let due = uplink.poll_timeout().unwrap();
    uplink.handle_timeout(due);
    assert_eq!(drain(&mut uplink, due, 1..=7), [(1..=7).collect::<Vec<_>>()]);
}

#[test]
fn a_new_connection_or_a_new_boot_of_the_centre_sends_again_what_is_not_committed() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    for round in 0..2 {
        uplink.handle_connected(now);
        uplink.handle_committed(now, &committed(&[(1, 4)]));
        assert_eq!(drain(&mut uplink, now, 1..=10), [(5..=10).collect::<Vec<_>>()], "round {round}");
        uplink.handle_disconnected();
        assert_eq!(uplink.poll_output(now), None);
    }
    uplink.handle_connected(now);
    uplink.handle_centre(Presence::Online, Some("a".into()));
    uplink.handle_committed(now, &committed(&[(1, 4)]));
    assert_eq!(drain(&mut uplink, now, 1..=10).len(), 1);
    uplink.handle_centre(Presence::Online, Some("a".into()));
    assert!(drain(&mut uplink, now, 1..=10).is_empty(), "the same boot is no news");
    uplink.handle_centre(Presence::Online, Some("b".into()));
    assert_eq!(drain(&mut uplink, now, 1..=10), [(5..=10).collect::<Vec<_>>()]);
}

#[test]
fn a_centre_that_was_restored_from_a_backup_gets_again_what_it_lacks() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    uplink.handle_connected(now);
    uplink.handle_centre(Presence::Online, Some("a".into()));
    assert_eq!(uplink.handle_committed(now, &committed(&[(1, 10)])), RangeSet::new());
    // An older word of the same boot that comes late is no loss.
    assert_eq!(uplink.handle_committed(now, &committed(&[(1, 6)])), RangeSet::new());
    assert!(uplink.is_drained());

    uplink.handle_centre(Presence::Online, Some("b".into()));
    assert!(drain(&mut uplink, now, 1..=10).is_empty(), "the centre has not said yet what it has");
    assert_eq!(uplink.handle_committed(now, &committed(&[(1, 4)])), RangeSet::from_iter(5..=10));
    assert_eq!(drain(&mut uplink, now, 3..=10), [(5..=10).collect::<Vec<_>>()]);
    assert_eq!(uplink.handle_committed(now, &committed(&[(1, 10)])), RangeSet::new());
    assert!(uplink.is_drained());

    // A start without a loss sends nothing again.
    uplink.handle_centre(Presence::Online, Some("c".into()));
    assert_eq!(uplink.handle_committed(now, &committed(&[(1, 10)])), RangeSet::new());
    assert!(drain(&mut uplink, now, 1..=10).is_empty());
}

#[test]
fn while_the_centre_is_away_new_readings_go_out_but_count_for_nothing() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    uplink.handle_connected(now);
    uplink.handle_committed(now, &committed(&[(1, 10)]));
    uplink.handle_centre(Presence::Offline, None);
    uplink.handle_appended(entry(11));
    assert_eq!(drain(&mut uplink, now, 1..=11), [vec![11]]);
    assert_eq!(uplink.outstanding_readings(), 0);
    uplink.handle_centre(Presence::Online, Some("b".into()));
    assert_eq!(drain(&mut uplink, now, 1..=11), [vec![11]]);
}

#[test]
fn what_the_journal_has_not_any_more_is_not_asked_for_again() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 100));
    uplink.handle_connected(now);
    uplink.handle_committed(now, &committed(&[]));
    assert_eq!(drain(&mut uplink, now, 41..=50).concat(), (41..=50).collect::<Vec<_>>());
    uplink.handle_committed(now, &committed(&[(41, 50)]));
    assert!(uplink.is_drained());
}

#[test]
fn acknowledgements_that_come_one_after_another_are_not_late() {
    let start = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &Contents::default());
    uplink.handle_connected(start);
    for seq in 1..=4 {
        uplink.handle_appended(entry(seq));
        drain(&mut uplink, start, 1..=4);
    }
    // A slow link brings one every four seconds.
    for seq in 1..=4 {
        let now = start + Duration::from_secs(4 * seq);
        uplink.handle_timeout(now);
        assert!(drain(&mut uplink, now, 1..=4).is_empty(), "something is sent again before {seq} is acknowledged");
        uplink.handle_committed(now, &committed(&[(1, seq)]));
    }
    assert!(uplink.is_drained());
    assert_eq!(uplink.resent(), 0);
}

#[test]
fn what_was_lost_is_sent_again_however_much_comes_through_after_it() {
    let start = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &Contents::default());
    uplink.handle_connected(start);
    uplink.handle_appended(entry(1));
    drain(&mut uplink, start, 1..=1);
    for seq in 2..=60 {
        let now = start + Duration::from_millis(100 * seq);
        uplink.handle_timeout(now);
        uplink.handle_appended(entry(seq));
        let published = drain(&mut uplink, now, 1..=seq).concat();
        if published.contains(&1) {
            assert!((5000..5300).contains(&(100 * seq)), "after {} ms", 100 * seq);
            assert_eq!(uplink.resent(), 1);
            return;
        }
        uplink.handle_committed(now, &committed(&[(2, seq)]));
    }
    panic!("it is never sent again");
}

#[test]
fn new_readings_wait_for_each_other_while_the_link_is_busy() {
    let start = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &Contents::default());
    uplink.handle_connected(start);
    for seq in 1..=4 {
        uplink.handle_appended(entry(seq));
        assert_eq!(drain(&mut uplink, start, 1..=4), [vec![seq]]);
    }
    for seq in 5..=7 {
        uplink.handle_appended(entry(seq));
        assert!(drain(&mut uplink, start, 1..=7).is_empty());
    }
    let due = uplink.poll_timeout().unwrap();
    assert!(due - start <= Duration::from_millis(250));
    uplink.handle_timeout(due);
    assert_eq!(drain(&mut uplink, due, 1..=7), [vec![5, 6, 7]]);
    uplink.handle_committed(due, &committed(&[(1, 4)]));
    uplink.handle_appended(entry(8));
    assert_eq!(drain(&mut uplink, due, 1..=8), [vec![8]], "the link is free again");
}

#[test]
fn short_runs_of_the_backlog_go_out_together() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 400));
    uplink.handle_connected(now);
    let odd: Vec<_> = (1..=399).step_by(2).map(|seq| (seq, seq)).collect();
    uplink.handle_committed(now, &committed(&odd));
    let published = drain(&mut uplink, now, 1..=400);
    assert_eq!(published[0], (1..=16).map(|n| 2 * n).collect::<Vec<_>>());
    assert!(published.len() > 1 && published.iter().all(|message| message.len() >= 8), "{published:?}");
}

#[test]
fn the_backlog_of_the_older_journal_goes_first() {
    let now = Instant::now();
    let (old, older) = (JournalId::new(1), JournalId::new(9));
    let mut uplink = Uplink::new(UplinkConfig::default(), &Contents::from([(old, 1..=3), (JOURNAL, 1..=3)]));
    uplink.handle_connected(now);
    uplink.handle_contents(now, &Contents::from([(older, 1..=3), (old, 1..=3), (JOURNAL, 1..=3)]));
    for journal in [old, older, JOURNAL] {
        uplink.handle_committed(now, &JournalRanges { journal, ranges: RangeSet::new() });
    }
    let mut order = Vec::new();
    while let Some(output) = uplink.poll_output(now) {
        match output {
            Output::Publish { journal, .. } => order.push(journal),
            Output::Fetch { journal, first, last, limit } => {
                let entries = (1..=3).map(|seq| Entry { journal, ..entry(seq) }).collect();
                uplink.handle_fetched(journal, first..=last, limit, entries);
            }
        }
    }
    assert_eq!(order, [older, old, JOURNAL]);
}

#[test]
fn a_reading_that_the_journal_gave_before_its_line_told_of_it_is_sent_once() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    uplink.handle_connected(now);
    uplink.handle_committed(now, &committed(&[]));
    assert_eq!(drain(&mut uplink, now, 1..=10).concat(), (1..=10).collect::<Vec<_>>());
    uplink.handle_appended(entry(10));
    assert!(drain(&mut uplink, now, 1..=10).is_empty());
    uplink.handle_appended(entry(11));
    assert_eq!(drain(&mut uplink, now, 1..=11), [vec![11]]);
}

#[test]
fn the_first_word_of_the_centre_makes_nothing_be_sent_again() {
    let now = Instant::now();
    let mut uplink = Uplink::new(UplinkConfig::default(), &contents(1, 10));
    for (round, boot) in ["a", "b"].into_iter().enumerate() {
        let seq = 11 + round as u64;
        uplink.handle_connected(now);
        uplink.handle_appended(entry(seq));
        assert_eq!(drain(&mut uplink, now, 1..=seq), [vec![seq]]);
        uplink.handle_centre(Presence::Online, Some(boot.into()));
        uplink.handle_committed(now, &committed(&[(1, seq - 1)]));
        assert!(drain(&mut uplink, now, 1..=seq).is_empty(), "boot {boot}");
    }
}
