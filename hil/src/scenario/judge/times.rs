//! How long readings take, and how old the newest one is.

use std::time::Duration;

use tankline_domain::names::TankName;

use super::{failed, met};
use crate::scenario::outcome::Judgement;
use crate::scenario::record::{Arrived, Record, TankRecord};
use crate::scenario::story::{Percentile, Window};

/// Judges the time from gauge to database.
pub(super) fn latency(record: &Record, tanks: &[TankName], bounds: &[(Percentile, f64)], window: Window) -> Judgement {
    let readings = tanks.iter().filter_map(|tank| record.tanks.get(tank)).flat_map(|seen| &seen.readings);
    let readings = readings.filter(|reading| reading.is_of_story && window.has(reading.arrival.at));
    let mut readings: Vec<&Arrived> = readings.collect();
    readings.sort_by_key(|reading| reading.latency);
    if readings.is_empty() {
        return failed(format!("readings {window}"), "none", Some(window.from));
    }
    let mut seen = Vec::new();
    for (share, bound_ms) in bounds {
        let rank = (readings.len() * usize::from(share.0)).div_ceil(1000).clamp(1, readings.len());
        let reading = readings[rank - 1];
        let ms = reading.latency.as_secs_f64() * 1000.0;
        if ms > *bound_ms {
            let expected = format!("{share} at most {bound_ms} ms from gauge to database");
            return failed(expected, format!("{ms:.0} ms of {} readings", readings.len()), Some(reading.arrival.at));
        }
        seen.push(format!("{share} {ms:.0} ms"));
    }
    met(format!("{} of {} readings", seen.join(", "), readings.len()))
}

/// Judges that the newest committed reading of each tank is never older than so many polls.
pub(super) fn fresh(record: &Record, tanks: &[TankName], polls: u32, window: Window) -> Judgement {
    let mut oldest: Option<(Duration, &TankName, Duration)> = None;
    for tank in tanks {
        let Some(seen) = record.tanks.get(tank) else { continue };
        let bound = record.story(seen.poll * polls);
        let (age, at) = oldest_age(seen, window);
        if age > bound {
            let real = age.div_f64(record.speed);
            let expected = format!(
                "{tank}: newest reading never older than {polls} polls, which is {} ms",
                (seen.poll * polls).as_millis()
            );
            return failed(expected, format!("{} ms", real.as_millis()), Some(at));
        }
        if oldest.is_none_or(|(other, ..)| other < age) {
            oldest = Some((age, tank, at));
        }
    }
    match oldest {
        None => failed("tanks with a gauge", "none", None),
        Some((age, tank, _)) => met(format!("at most {} ms old ({tank})", age.div_f64(record.speed).as_millis())),
    }
}

/// Gives the greatest age that the newest committed reading reaches in a time, and when.
fn oldest_age(seen: &TankRecord, window: Window) -> (Duration, Duration) {
    let mut arrivals: Vec<_> =
        seen.readings.iter().map(|reading| (reading.arrival.committed_at, reading.arrival.at)).collect();
    arrivals.sort_unstable();
    // Before the first one, what is there is as old as the story.
    let (mut newest, mut worst) = (Duration::ZERO, (Duration::ZERO, window.from));
    let look = |newest: Duration, moment: Duration, worst: &mut (Duration, Duration)| {
        let age = moment.saturating_sub(newest);
        if window.has(moment) && age > worst.0 {
            *worst = (age, moment);
        }
    };
    for (committed, at) in arrivals {
        look(newest, committed.min(window.until), &mut worst);
        newest = newest.max(at);
    }
    look(newest, window.until, &mut worst);
    worst
}

#[cfg(test)]
mod tests {
    use super::super::testing::{good, record, seconds, tank};
    use super::*;

    const ALL: Window = Window { from: Duration::ZERO, until: Duration::from_secs(100) };

    #[test]
    fn latency_is_judged_by_its_share() {
        let mut readings: Vec<_> = (1..=100).map(|at| good(at, 1.0)).collect();
        readings[49].latency = Duration::from_millis(900);
        let record = record(readings);
        let judged = |share, ms| latency(&record, &[tank()], &[(Percentile(share), ms)], ALL);
        assert_eq!(judged(990, 200.0), met("p99 200 ms of 100 readings"));
        let expected = "the longest at most 500 ms from gauge to database";
        assert_eq!(judged(1000, 500.0), failed(expected, "900 ms of 100 readings", Some(seconds(50))));
        let later = Window { from: seconds(200), until: seconds(300) };
        assert!(matches!(latency(&record, &[tank()], &[], later), Judgement::Failed(_)));
    }

    #[test]
    fn a_pause_in_what_arrives_is_seen() {
        let steady = record((1..=100).map(|at| good(at, 1.0)).collect());
        assert_eq!(fresh(&steady, &[tank()], 2, ALL), met("at most 1200 ms old (T-01)"));
        let paused = record((1..=100).filter(|at| !(40..45).contains(at)).map(|at| good(at, 1.0)).collect());
        let Judgement::Failed(failing) = fresh(&paused, &[tank()], 2, ALL) else { panic!("fresh") };
        assert_eq!((failing.seen.as_str(), failing.at), ("6200 ms", Some(Duration::from_millis(45_200))));
        let before = Window { from: Duration::ZERO, until: seconds(40) };
        assert!(matches!(fresh(&paused, &[tank()], 2, before), Judgement::Met { .. }));
        let ends_early = record((1..=50).map(|at| good(at, 1.0)).collect());
        assert!(matches!(fresh(&ends_early, &[tank()], 2, ALL), Judgement::Failed(_)));
    }

    #[test]
    fn what_arrives_late_is_as_old_as_it_is() {
        let mut readings: Vec<_> = (1..=100).map(|at| good(at, 1.0)).collect();
        for reading in &mut readings[39..45] {
            reading.arrival.committed_at = seconds(46);
        }
        assert!(matches!(fresh(&record(readings), &[tank()], 2, ALL), Judgement::Failed(_)));
    }
}
