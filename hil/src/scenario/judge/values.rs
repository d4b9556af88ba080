//! Readings against the plant's truth.

use std::time::Duration;

use tankline_domain::names::TankName;

use super::{failed, met};
use crate::scenario::outcome::{Arrival, Judgement, Sample};
use crate::scenario::record::{Arrived, Record, TankRecord};
use crate::scenario::story::{Quantity, Window};

/// A reading is stamped when the reply has come, and says what the gauge measured when it was asked: so much earlier at
/// most, in real time. It is compared with the nearest truth of that time.
const STAMPED_LATER: Duration = Duration::from_millis(500);

/// A good reading and how far it is from the truth.
struct Error<'r> {
    tank: &'r TankName,
    quantity: Quantity,
    reading: &'r Arrival,
    value: f64,
    truth: (f64, f64),
    error: f64,
}

pub(super) fn judge(record: &Record, tanks: &[TankName], within: &[(Quantity, f64)], window: Window) -> Judgement {
    let (mut worst, mut largest): (Option<Error<'_>>, Vec<f64>) = (None, vec![0.0; within.len()]);
    let mut count = 0_u64;
    for tank in tanks {
        let Some(seen) = record.tanks.get(tank) else { continue };
        let good = seen.readings.iter().filter(|reading| is_judged(reading, window));
        let mut of_tank = 0_u64;
        for reading in good {
            of_tank += 1;
            for (index, (quantity, bound)) in within.iter().enumerate() {
                let Some(error) = error(record, tank, seen, &reading.arrival, *quantity) else { continue };
                largest[index] = largest[index].max(error.error);
                if error.error > *bound && worst.as_ref().is_none_or(|worst| worst.error < error.error) {
                    worst = Some(error);
                }
            }
        }
        if of_tank == 0 {
            return failed(format!("good readings of {tank}, {window}"), "none", Some(window.from));
        }
        count += of_tank;
    }
    match worst {
        Some(worst) => {
            let unit = worst.quantity.unit();
            let bound =
                within.iter().find(|(quantity, _)| *quantity == worst.quantity).map_or(0.0, |(_, bound)| *bound);
            let truth = truth_in_words(worst.truth);
            let seen = format!(
                "{}: {} {:.1} {unit} where the truth was {truth} {unit}: {:.1} {unit} apart",
                worst.tank, worst.quantity, worst.value, worst.error
            );
            failed(format!("{} within {bound} {unit} of the truth", worst.quantity), seen, Some(worst.reading.at))
        }
        None => {
            let largest: Vec<_> = within
                .iter()
                .zip(&largest)
                .map(|((quantity, _), error)| format!("{quantity} {error:.1} {}", quantity.unit()))
                .collect();
            met(format!("largest error of {count} good readings: {}", largest.join(", ")))
        }
    }
}

fn is_judged(reading: &Arrived, window: Window) -> bool {
    reading.is_of_story && window.has(reading.arrival.at) && reading.arrival.quality.is_good()
}

fn error<'r>(
    record: &Record,
    tank: &'r TankName,
    seen: &TankRecord,
    reading: &'r Arrival,
    quantity: Quantity,
) -> Option<Error<'r>> {
    let (value, of): (Option<f64>, fn(&Sample) -> f64) = match quantity {
        Quantity::Level => (reading.level_mm, |sample| sample.level_mm),
        Quantity::Interface => (reading.interface_mm, |sample| sample.interface_mm),
        Quantity::Temperature => (reading.temperature_c, |sample| sample.temperature_c),
    };
    let value = value?;
    let truth = seen.truth_between(reading.at.saturating_sub(record.story(STAMPED_LATER)), reading.at, of)?;
    let error = (truth.0 - value).max(value - truth.1).max(0.0);
    Some(Error { tank, quantity, reading, value, truth, error })
}

fn truth_in_words((low, high): (f64, f64)) -> String {
    if high - low < 0.05 { format!("{low:.1}") } else { format!("{low:.1} to {high:.1}") }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{good, reading, record, seconds, tank};
    use super::*;

    const ALL: Window = Window { from: Duration::ZERO, until: Duration::from_secs(100) };

    fn judged(record: &Record, within_mm: f64) -> Judgement {
        judge(record, &[tank()], &[(Quantity::Level, within_mm)], ALL)
    }

    #[test]
    fn the_largest_error_is_told() {
        // The truth rises by 1 mm a second from 1000 mm; a reading may be half a second old.
        let record = record(vec![good(10, 1010.0), good(20, 1023.0), good(30, 1029.0)]);
        assert_eq!(judged(&record, 4.0), met("largest error of 3 good readings: level 3.0 mm"));
        let failing = judged(&record, 2.0);
        let seen = "T-01: level 1023.0 mm where the truth was 1019.0 to 1020.0 mm: 3.0 mm apart";
        assert_eq!(failing, failed("level within 2 mm of the truth", seen, Some(seconds(20))));
    }

    #[test]
    fn bad_readings_and_those_of_other_times_do_not_count() {
        let mut record = record(vec![good(10, 1010.0), reading(20, None, "bad:no-reply"), good(200, 0.0)]);
        assert!(matches!(judged(&record, 1.0), Judgement::Met { .. }));
        record.tanks.get_mut(&tank()).unwrap().readings.remove(0);
        let none = failed("good readings of T-01, from 0 ms to 1 min 40 s", "none", Some(Duration::ZERO));
        assert_eq!(judged(&record, 1.0), none);
    }
}
