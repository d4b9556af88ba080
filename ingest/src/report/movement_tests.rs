//! Tests of movements: a tank of 5000 m3 that is read each second in whole millimetres.

use proptest::prelude::*;

use super::*;
use crate::report::Balance;
use crate::report::minutes::Gatherer;

/// m3 a millimetre.
const STEP: f64 = 0.441;
const RULER: Ruler = Ruler { m3_mm: STEP };
const HOUR: i64 = 3600;

/// Plays flows of so many seconds in m3/h; gives the minutes and the truth at the end.
fn play(noise_mm: f64, flows: &[(i64, f64)]) -> (Vec<Minute>, f64, UnixMillis) {
    let (mut volume, mut second) = (2000.0, 0_i64);
    let mut chance = fastrand::Rng::with_seed(7);
    let mut gatherer = Gatherer::default();
    for &(seconds, flow) in flows {
        for _ in 0..seconds {
            let noise: f64 = (0..12).map(|_| chance.f64()).sum::<f64>() - 6.0;
            let read = (volume / STEP + noise_mm * noise).round() * STEP;
            let amounts = Amounts::new([Some(read), Some(100.0), Some(read), Some(read - 100.0), Some(0.8 * read)]);
            gatherer.push(second * 1000, amounts);
            volume += flow / 3600.0;
            second += 1;
        }
    }
    (gatherer.finish(), volume, UnixMillis::new(second * 1000))
}

fn found(noise_mm: f64, flows: &[(i64, f64)]) -> Vec<Movement> {
    let (minutes, _, end) = play(noise_mm, flows);
    movements(&minutes, RULER, (UnixMillis::new(0), end))
}

fn near(movement: &Movement, from_s: i64, to_s: i64, tov: f64, by: f64) {
    let within = |at: UnixMillis, second: i64| (at.get() / 1000 - second).abs() <= 120;
    assert!(within(movement.from, from_s) && within(movement.to, to_s), "{movement:?}");
    assert!((movement.amounts.of(Quantity::Tov).unwrap() - tov).abs() <= by, "{movement:?}");
}

#[test]
fn receipt_and_delivery_are_found_to_the_minute_and_the_cubic_metre() {
    for noise_mm in [0.0, 0.5, 2.0] {
        let found =
            found(noise_mm, &[(5 * HOUR, 0.0), (2 * HOUR, 400.0), (6 * HOUR, 0.0), (4 * HOUR, -150.0), (HOUR, 0.0)]);
        assert_eq!(found.len(), 2, "noise {noise_mm}: {found:?}");
        near(&found[0], 5 * HOUR, 7 * HOUR, 800.0, 1.0);
        near(&found[1], 13 * HOUR, 17 * HOUR, 600.0, 1.0);
        assert_eq!((found[0].direction, found[1].direction), (Direction::Receipt, Direction::Delivery));
        assert!((found[0].amounts.of(Quantity::Mass).unwrap() - 640.0).abs() < 3.0, "{found:?}");
        assert!((found[0].flow_m3h().unwrap() - 400.0).abs() < 8.0, "{found:?}");
        assert!(!found.iter().any(|one| one.goes_on_before || one.goes_on_after || one.unseen));
    }
}

#[test]
fn tank_at_rest_and_one_that_cools_have_no_movements() {
    for noise_mm in [0.0, 0.3, 1.0, 3.0] {
        assert_eq!(found(noise_mm, &[(24 * HOUR, 0.0)]), [], "noise {noise_mm}");
        // 20 m3 a day is what five degrees make of 5000 m3.
        assert_eq!(found(noise_mm, &[(24 * HOUR, -20.0 / 24.0)]), [], "noise {noise_mm}");
    }
}

#[test]
fn slow_delivery_of_a_whole_day_is_one_movement_from_end_to_end() {
    let found = found(1.0, &[(24 * HOUR, -25.0)]);
    assert_eq!(found.len(), 1, "{found:?}");
    near(&found[0], 0, 24 * HOUR, 600.0, 1.0);
    assert!(found[0].goes_on_before && found[0].goes_on_after);
}

#[test]
fn flow_that_changes_is_one_movement_and_one_that_turns_is_two() {
    let changing = found(0.5, &[(HOUR, 0.0), (HOUR, 100.0), (HOUR, 300.0), (HOUR, 50.0), (HOUR, 0.0)]);
    assert_eq!(changing.len(), 1, "{changing:?}");
    near(&changing[0], HOUR, 4 * HOUR, 450.0, 1.0);
    let turning = found(0.5, &[(HOUR, 0.0), (HOUR, 300.0), (HOUR, -300.0), (HOUR, 0.0)]);
    assert_eq!(turning.len(), 2, "{turning:?}");
    near(&turning[0], HOUR, 2 * HOUR, 300.0, 2.0);
    near(&turning[1], 2 * HOUR, 3 * HOUR, 300.0, 2.0);
    // The turn lies between two minutes, and is in the other quantities too.
    let nsv = turning[0].amounts.of(Quantity::Nsv).unwrap();
    assert!((nsv - 300.0).abs() < 1.0, "{nsv}");
}

#[test]
fn what_moved_while_nobody_looked_is_a_movement_and_said_so() {
    let (mut minutes, _, end) = play(0.5, &[(2 * HOUR, 0.0), (HOUR, 200.0), (2 * HOUR, 0.0)]);
    minutes.retain(|minute| !(100 * MINUTE_MS..200 * MINUTE_MS).contains(&minute.at_ms));
    let found = movements(&minutes, RULER, (UnixMillis::new(0), end));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].unseen, "{found:?}");
    assert!((found[0].amounts.of(Quantity::Tov).unwrap() - 200.0).abs() < 1.0, "{found:?}");
}

#[test]
fn lorries_are_told_apart() {
    let lorry = [(15 * 60, 100.0), (10 * 60, 0.0)];
    let flows: Vec<_> = [(HOUR, 0.0)].into_iter().chain(lorry.into_iter().cycle().take(10)).collect();
    let found = found(0.5, &flows);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found.iter().all(|one| (one.amounts.of(Quantity::Tov).unwrap() - 25.0).abs() < 1.0), "{found:?}");
}

#[test]
fn too_few_volumes_have_no_movements() {
    assert_eq!(stretches(&[], RULER), []);
    assert_eq!(stretches(&[(0, 1.0)], RULER), []);
    assert_eq!(stretches(&[(0, 1.0), (60_000, 1.0)], RULER), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever moves: the balance closes, no movement overlaps another, and what was moved is found but for what is
    /// too slow to be a movement.
    #[test]
    fn balance_always_closes(flows in proptest::collection::vec((600_i64..2 * HOUR, -300_i32..300), 1..6), noise in 0_u8..3) {
        let flows: Vec<_> = flows.into_iter().map(|(seconds, flow)| (seconds, f64::from(flow))).collect();
        let (minutes, end_m3, end) = play(f64::from(noise), &flows);
        let found = movements(&minutes, RULER, (UnixMillis::new(0), end));
        prop_assert!(found.windows(2).all(|two| two[0].to <= two[1].from), "{:?}", found);
        let tov = |amount: f64| Amounts::default().with(Quantity::Tov, Some(amount));
        let balance = Balance::of(tov(2000.0), &found, tov(end_m3));
        let of = |amounts: Amounts| amounts.of(Quantity::Tov).unwrap();
        let sum = of(balance.opening) + of(balance.receipts) - of(balance.deliveries) + of(balance.unaccounted);
        prop_assert!((sum - of(balance.closing)).abs() < 1e-9);
        let missed: f64 = flows.iter().filter(|one| one.1.abs() < 30.0).map(|one| one.1.abs() * one.0 as f64 / 3600.0).sum();
        prop_assert!(of(balance.unaccounted).abs() <= missed + 5.0 * flows.len() as f64, "{balance:?}");
    }
}
