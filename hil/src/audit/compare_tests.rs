use proptest::prelude::*;

use super::*;
use crate::audit::testing;
use crate::gauge::GaugeValues;

const OFFSET_MM: f64 = 50.0;

fn gauge() -> Gauge {
    testing::gauge(OFFSET_MM)
}

fn answer(at: i64, level_mm: u16) -> Answer {
    let values = GaugeValues { level_mm, interface_mm: 700, temperature_tenths: -105 };
    Answer { at: UnixMillis::new(at), values }
}

/// Audits when the edge has accepted some answers, and each of the others was a request that failed.
fn audit(gauge: &Gauge, answers: &TankAnswers, accepted: u64, kept: &[Kept]) -> Findings {
    let failed = answers.kept.len() as u64 + answers.dropped - accepted;
    let (mut told, mut belated) = (0, 0);
    let found = super::audit(gauge, answers, failed, kept, &mut |discrepancy| {
        if matches!(discrepancy, Discrepancy::Belated(..)) { belated += 1 } else { told += 1 }
    });
    assert_eq!(told, found.missing + found.answered_not_accepted + found.extra + found.different, "all of it is told");
    assert!(belated >= found.belated);
    found
}

/// The reading that an edge makes of an answer, a little later.
fn reading(answer: &Answer) -> Kept {
    Kept {
        seq: 1,
        at: UnixMillis::new(answer.at.get() + 7),
        level_mm: Some(f64::from(answer.values.level_mm) + OFFSET_MM),
        interface_mm: Some(750.0),
        temperature_c: Some(-10.5),
        is_out_of_range: false,
        place: Place::Database,
    }
}

fn run(levels: &[u16]) -> (TankAnswers, Vec<Kept>) {
    let answers: VecDeque<_> = (0..).zip(levels).map(|(index, level)| answer(index * 1000, *level)).collect();
    let kept = answers.iter().map(reading).collect();
    (TankAnswers { kept: answers, dropped: 0 }, kept)
}

#[test]
fn what_was_stored_as_it_was_answered_is_clean() {
    let (answers, kept) = run(&[9641, 9642, 9642, 9640]);
    let found = audit(&gauge(), &answers, 4, &kept);
    assert_eq!(found, Findings { answered: 4, stored: 4, ..Findings::default() });
    assert!(found.is_clean());
}

#[test]
fn answer_that_is_nowhere_is_missing_unless_the_edge_never_accepted_it() {
    let (answers, mut kept) = run(&[9641, 9642, 9642, 9640]);
    kept.remove(1);
    let found = audit(&gauge(), &answers, 4, &kept);
    assert_eq!((found.stored, found.missing, found.answered_not_accepted), (3, 1, 0));
    assert!(!found.is_clean());
    let found = audit(&gauge(), &answers, 3, &kept);
    assert_eq!((found.stored, found.missing, found.answered_not_accepted), (3, 0, 1));
    assert!(found.is_clean());
}

#[test]
fn reading_that_nobody_gave_is_extra() {
    let (answers, kept) = run(&[9641, 9642, 9642, 9640]);
    for place in 0..=kept.len() {
        let mut kept = kept.clone();
        let stranger = Kept { level_mm: Some(1.0), ..kept[place.min(kept.len() - 1)] };
        kept.insert(place, stranger);
        let found = audit(&gauge(), &answers, 4, &kept);
        assert_eq!((found.stored, found.extra, found.missing, found.different), (4, 1, 0, 0), "{place}");
    }
}

#[test]
fn value_that_changed_on_its_way_is_different() {
    let (answers, kept) = run(&[9641, 9642, 9642, 9640]);
    let changes: [fn(&mut Kept); 5] = [
        |kept| kept.level_mm = kept.level_mm.map(|level| level + 1.0),
        |kept| kept.interface_mm = Some(749.0),
        |kept| kept.interface_mm = None,
        |kept| kept.temperature_c = Some(10.5),
        |kept| kept.temperature_c = kept.temperature_c.map(|celsius| celsius + 0.1),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut kept = kept.clone();
        change(&mut kept[3]);
        let found = audit(&gauge(), &answers, 4, &kept);
        assert_eq!((found.stored, found.different, found.missing, found.extra), (3, 1, 0, 0), "change {index}");
        assert!(!found.is_clean());
    }
}

#[test]
fn readings_of_the_polls_before_do_not_answer_for_later_ones() {
    // Every reading one poll behind: what a late reply does to a client that does not notice.
    let (answers, kept) = run(&[9641, 9642, 9643, 9644]);
    let behind: Vec<_> = (1..4).map(|poll| Kept { at: kept[poll].at, ..kept[poll - 1] }).collect();
    for accepted in [4, 3] {
        let found = audit(&gauge(), &answers, accepted, &behind);
        assert!(!found.is_clean(), "{found:?}");
    }
}

#[test]
fn answer_to_a_second_request_is_taken_at_the_end_of_its_slot() {
    let (answers, mut kept) = run(&[9641, 9642, 9643, 9644]);
    kept.remove(0);
    kept[0].at = UnixMillis::new(1990);
    let found = audit(&gauge(), &answers, 3, &kept);
    assert_eq!((found.stored, found.answered_not_accepted), (3, 1));
    assert!(found.is_clean(), "{found:?}");
    // Without a first request that failed there is no reason to be so late.
    let (answers, mut kept) = run(&[9641, 9642, 9643, 9644]);
    kept[1].at = UnixMillis::new(1990);
    assert!(!audit(&gauge(), &answers, 4, &kept).is_clean());
}

#[test]
fn reading_that_waits_in_a_journal_is_not_missing() {
    let (answers, mut kept) = run(&[9641, 9642]);
    kept[1].place = Place::Journal;
    let found = audit(&gauge(), &answers, 2, &kept);
    assert_eq!(found, Findings { answered: 2, stored: 1, waiting: 1, ..Findings::default() });
}

#[test]
fn readings_older_than_the_answers_that_were_kept_are_left_alone() {
    let (mut answers, kept) = run(&[1, 2, 3, 4, 5, 6, 7, 8]);
    answers.kept.drain(..3);
    answers.dropped = 3;
    let found = audit(&gauge(), &answers, 8, &kept);
    assert!(found.extra == 0 && found.different == 0, "{found:?}");
    assert_eq!((found.answered, found.answered_not_compared), (8, 3));
}

proptest! {
    #[test]
    fn what_is_taken_away_is_missing_and_what_is_put_in_is_extra(
        levels in prop::collection::vec(1000u16..1010, 1..60),
        gone in prop::collection::hash_set(0usize..60, 0..10),
    ) {
        let (answers, kept) = run(&levels);
        let left: Vec<_> = kept.iter().enumerate().filter(|(index, _)| !gone.contains(index)).map(|(_, kept)| *kept).collect();
        let accepted = levels.len() as u64;
        let found = audit(&gauge(), &answers, accepted, &left);
        prop_assert_eq!(found.missing, (kept.len() - left.len()) as u64);
        prop_assert_eq!((found.stored, found.extra, found.different), (left.len() as u64, 0, 0));

        let fewer = TankAnswers {
            kept: answers.kept.iter().enumerate().filter(|(index, _)| !gone.contains(index)).map(|(_, kept)| *kept).collect(),
            dropped: 0,
        };
        let found = audit(&gauge(), &fewer, fewer.kept.len() as u64, &kept);
        prop_assert_eq!(found.extra, (kept.len() - left.len()) as u64);
        prop_assert_eq!((found.stored, found.missing, found.different), (left.len() as u64, 0, 0));
    }
}
