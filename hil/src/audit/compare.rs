//! The audit: every answer of a gauge is stored exactly once, as it was given.
//!
//! Answers and stored readings of a tank are laid side by side in their order. They belong together when the reading was
//! stamped about when the answer left the gauge and says the same.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tankline_domain::register::{Point, RegisterMap};
use tankline_domain::site::Gauge;
use tankline_domain::units::UnixMillis;

use super::answers::{Answer, TankAnswers};

/// Most that the stamps of an answer and of its reading may be apart: the answer is stamped when its last byte is out, the
/// reading when the edge has taken it, and either may wait for a busy processor in between. It is never more than half of
/// the time between two polls, so that the answer to one poll is not taken for that to the next.
const APART: Duration = Duration::from_secs(1);

/// How much later a reading may be stamped when the request before it failed: a reply to that one could still come then, so
/// the edge takes an answer only at the end of its time slot, which is at most this long. More readings stamped so late
/// than there were failed requests are answers that were taken for those to other requests.
const SLOT_MS: i64 = 1000;

/// A reading that is kept somewhere, with values or judged out of range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// Its number in the journal.
    pub seq: u64,
    /// Its stamp.
    pub at: UnixMillis,
    /// Liquid level above the tank bottom, mm.
    pub level_mm: Option<f64>,
    /// Interface above the tank bottom, mm.
    pub interface_mm: Option<f64>,
    /// Temperature, degC.
    pub temperature_c: Option<f64>,
    /// Whether the edge judged that the tank cannot have these values; they are not kept then.
    pub is_out_of_range: bool,
    /// Where it is kept.
    pub place: Place,
}

/// Where a reading is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the database.
    Database,
    /// In the journal of its edge, and not in the database yet.
    Journal,
}

/// What the audit found, in one tank or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Findings {
    /// Answers that left a gauge whole.
    pub answered: u64,
    /// Of these, those that the edge could not take: late or torn on a busy machine, and counted by it as such.
    pub answered_not_accepted: u64,
    /// Of these, those from so long ago that they were not kept to be compared.
    pub answered_not_compared: u64,
    /// Answers that are in the database, with the same values.
    pub stored: u64,
    /// Answers that wait in the journal of their edge, with the same values.
    pub waiting: u64,
    /// Answers that the edge accepted and that are nowhere.
    pub missing: u64,
    /// Readings with values that no gauge gave.
    pub extra: u64,
    /// Readings whose values are not those that the gauge gave.
    pub different: u64,
    /// Readings that came so late after their answers that they look like answers to other requests.
    pub belated: u64,
    /// Readings that are in the database twice.
    pub duplicates: u64,
}

impl Findings {
    /// Tells whether everything is as it must be.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.different == 0 && self.belated == 0 && self.duplicates == 0
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.answered_not_accepted += other.answered_not_accepted;
        self.answered_not_compared += other.answered_not_compared;
        self.stored += other.stored;
        self.waiting += other.waiting;
        self.missing += other.missing;
        self.extra += other.extra;
        self.different += other.different;
        self.belated += other.belated;
        self.duplicates += other.duplicates;
    }
}

/// Something that is not as it must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Discrepancy {
    /// An answer without a reading.
    Unstored(Answer),
    /// A reading without an answer.
    Extra(Kept),
    /// An answer and its reading, which says something else.
    Different(Answer, Kept),
    /// An answer and its reading, which is stamped late.
    Belated(Answer, Kept),
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstored(Answer { at, values }) => write!(f, "the answer {values} of {at} has no reading"),
            Self::Extra(kept) => write!(f, "the reading {kept} has no answer"),
            Self::Different(Answer { at, values }, kept) => {
                write!(f, "the answer {values} of {at} became the reading {kept}")
            }
            Self::Belated(Answer { at, values }, kept) => {
                write!(f, "the answer {values} of {at} is stamped late, as the reading {kept}")
            }
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let values = [self.level_mm, self.interface_mm, self.temperature_c].map(number).join("/");
        write!(f, "{values} of {}", self.at)
    }
}

/// Audits one tank. `kept` is in the order of the polls; `failed` counts the requests to which the edge found no answer: each
/// of them may be one that the gauge did answer, late or torn. What is not as it must be goes to `tell`.
#[must_use]
pub fn audit(
    gauge: &Gauge,
    answers: &TankAnswers,
    failed: u64,
    kept: &[Kept],
    tell: &mut dyn FnMut(Discrepancy),
) -> Findings {
    let mut found = Findings {
        answered: answers.kept.len() as u64 + answers.dropped,
        answered_not_compared: answers.dropped,
        ..Findings::default()
    };
    let expectation = Expectation::of(gauge);
    let is_compared = |kept: &&Kept| match answers.kept.front() {
        Some(first) if answers.dropped > 0 => kept.at.millis_since(first.at) > expectation.apart_ms,
        _ => true,
    };
    let kept: Vec<Kept> = kept.iter().filter(is_compared).copied().collect();
    let Walk { unstored, belated } = lay_side_by_side(&expectation, &answers.kept, &kept, &mut found, tell);
    found.answered_not_accepted = unstored.min(failed);
    found.missing = unstored - found.answered_not_accepted;
    found.belated = belated.saturating_sub(failed);
    found
}

/// What a walk along answers and readings counted.
#[derive(Debug, Default)]
struct Walk {
    /// Answers without a reading.
    unstored: u64,
    /// Readings stamped late, for whatever reason.
    belated: u64,
}

fn lay_side_by_side(
    expectation: &Expectation,
    answers: &VecDeque<Answer>,
    kept: &[Kept],
    found: &mut Findings,
    tell: &mut dyn FnMut(Discrepancy),
) -> Walk {
    let (mut i, mut j, mut walk) = (0, 0, Walk::default());
    let (near, late) = (expectation.apart_ms, expectation.apart_ms + SLOT_MS);
    while let (Some(answer), Some(reading)) = (answers.get(i), kept.get(j)) {
        let apart = reading.at.millis_since(answer.at);
        let is_met = expectation.is_met(answer, reading);
        // Whether a later answer is the one of this reading, when it may be stamped so much later.
        let has_later_answer = |latest: i64| {
            let apart = |later: &Answer| reading.at.millis_since(later.at);
            let mut later = answers.iter().skip(i + 1).take_while(|later| apart(later) >= -near);
            later.any(|later| apart(later) <= latest && expectation.is_met(later, reading))
        };
        let has_later_reading = || {
            let mut later = kept[j + 1..].iter().take_while(|later| later.at.millis_since(answer.at) <= near);
            later.any(|later| expectation.is_met(answer, later))
        };
        let is_near = (-near..=near).contains(&apart);
        let is_belated = !is_near && is_met && (near..=late).contains(&apart);
        if is_met && is_near || is_belated && !has_later_answer(near) {
            match reading.place {
                Place::Database => found.stored += 1,
                Place::Journal => found.waiting += 1,
            }
            // The failed request before the last reading of a run may not have been counted any more.
            if is_belated && j + 1 < kept.len() {
                tell(Discrepancy::Belated(*answer, *reading));
                walk.belated += 1;
            }
            (i, j) = (i + 1, j + 1);
        } else if apart > near || has_later_answer(late) {
            tell(Discrepancy::Unstored(*answer));
            walk.unstored += 1;
            i += 1;
        } else if apart < -near || has_later_reading() {
            tell(Discrepancy::Extra(*reading));
            found.extra += 1;
            j += 1;
        } else {
            tell(Discrepancy::Different(*answer, *reading));
            found.different += 1;
            (i, j) = (i + 1, j + 1);
        }
    }
    kept[j..].iter().for_each(|reading| tell(Discrepancy::Extra(*reading)));
    answers.iter().skip(i).for_each(|answer| tell(Discrepancy::Unstored(*answer)));
    found.extra += (kept.len() - j) as u64;
    walk.unstored += (answers.len() - i) as u64;
    walk
}

/// What the readings of a gauge must say, given its answers.
struct Expectation {
    apart_ms: i64,
    offset_mm: f64,
    level_step: f64,
    interface_step: Option<f64>,
    temperature_step: Option<f64>,
    /// Its interface is that of the rod's profile, which is not what its register says.
    has_profile: bool,
}

impl Expectation {
    fn of(gauge: &Gauge) -> Self {
        let RegisterMap { level, interface, temperature, profile } = &gauge.registers;
        let step = |point: &Point| point.scale.abs();
        let interval = gauge.alarm_poll_interval.map_or(gauge.poll_interval, |alarm| alarm.min(gauge.poll_interval));
        let apart = (interval / 2).min(APART);
        Self {
            apart_ms: i64::try_from(apart.as_millis()).unwrap_or(i64::MAX),
            offset_mm: gauge.mounting.offset.get(),
            level_step: step(level),
            interface_step: interface.as_ref().map(step),
            temperature_step: temperature.as_ref().map(step),
            has_profile: profile.is_some(),
        }
    }

    fn is_met(&self, answer: &Answer, kept: &Kept) -> bool {
        if kept.is_out_of_range {
            return true;
        }
        let values = answer.values;
        let (level, interface) = (f64::from(values.level_mm), f64::from(values.interface_mm));
        is_same(kept.level_mm, level + self.offset_mm, Some(self.level_step))
            && (self.has_profile || is_same(kept.interface_mm, interface + self.offset_mm, self.interface_step))
            && is_same(kept.temperature_c, values.temperature_c(), self.temperature_step)
    }
}

/// Tells whether a value is what was given, as exactly as the gauge's register shows it. A gauge that has no such register
/// gives no value.
fn is_same(kept: Option<f64>, given: f64, step: Option<f64>) -> bool {
    match (kept, step) {
        (Some(kept), Some(step)) => (kept - given).abs() <= 0.5 * step + 1e-3,
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
