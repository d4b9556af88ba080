//! What became of the replies of a gauge: those that it gave away against those that are kept.

use std::time::Duration;

use tankline_domain::site::Gauge;
use tankline_domain::units::UnixMillis;

use super::record::{Account, Finding};
use crate::audit::{Answer, Discrepancy, Kept, TankAnswers, audit};

/// A reply that came so shortly before its edge ended may not have been journalled yet: when the edge does not believe it,
/// it waits for another one for up to a second, and only then tells that the request went unanswered.
const BEFORE_END: Duration = Duration::from_millis(1200);

/// A gauge that is held up answers an edge that has ended when the next one is already there.
const AFTER_END: Duration = Duration::from_millis(300);

/// Between a reply and the moment at which the edge gives up to wait for it.
const GIVEN_UP_WITHIN: Duration = Duration::from_millis(3000);

/// Replies that can be under way on a line when its edge ends.
const UNDER_WAY: usize = 2;

/// Registers that nobody asked for across which an edge joins two reads.
const JOIN_HOLE: u16 = 8;

/// Why a reply may be nowhere.
#[derive(Debug, Clone, Default)]
pub struct Excuses {
    /// Times in which no edge was there to hear.
    pub absences: Vec<Absence>,
    /// When the edge says that a request to this gauge went unanswered.
    pub unanswered: Vec<UnixMillis>,
}

/// A time in which no process of an edge ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// When it was told to end, or killed.
    pub from: UnixMillis,
    /// When it was started again.
    pub until: UnixMillis,
    /// What was journalled in this time before the end is lost with it, because it was not synced.
    pub unsynced: Duration,
}

/// Accounts for the replies of a gauge. `kept` is in the order of the polls; `story_time` gives story time for a time of day.
#[must_use]
pub fn account(
    gauge: &Gauge,
    answers: &TankAnswers,
    kept: &[Kept],
    excuses: &Excuses,
    story_time: &dyn Fn(UnixMillis) -> Duration,
) -> Account {
    // What is read in pieces never leaves a gauge as one answer.
    if gauge.registers.reads(JOIN_HOLE).len() != 1 {
        return Account::default();
    }
    let (mut unstored, mut lost, mut invented, mut belated) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let finding = |at, discrepancy: Discrepancy| Finding { at: story_time(at), words: discrepancy.to_string() };
    let failed = excuses.unanswered.len() as u64;
    let found = audit(gauge, answers, failed, kept, &mut |discrepancy| match discrepancy {
        Discrepancy::Unstored(answer) => unstored.push(answer),
        Discrepancy::Belated(answer, _) => belated.push(finding(answer.at, discrepancy)),
        Discrepancy::Extra(reading) => invented.push(finding(reading.at, discrepancy)),
        Discrepancy::Different(answer, _) => invented.push(finding(answer.at, discrepancy)),
    });
    // Each late reading needs a request before it that failed; those beyond that are taken for answers to others.
    let excused = belated.len().saturating_sub(usize::try_from(found.belated).unwrap_or(usize::MAX));
    invented.extend(belated.drain(excused.min(belated.len())..));
    let mut not_taken = 0;
    // What an edge reports by exception, it does not keep each time.
    if gauge.report.is_none() {
        let mut heard = Heard::new(excuses, gauge.poll_interval);
        for answer in unstored {
            if heard.excuses(answer) {
                not_taken += 1;
            } else {
                lost.push(finding(answer.at, Discrepancy::Unstored(answer)));
            }
        }
    }
    Account {
        served: found.answered,
        stored: found.stored,
        waiting: found.waiting,
        not_taken,
        lost,
        invented,
        twice: 0,
    }
}

/// Uses each excuse no more often than it holds.
struct Heard {
    absences: Vec<(Absence, usize)>,
    unanswered: Vec<UnixMillis>,
}

impl Heard {
    fn new(excuses: &Excuses, poll: Duration) -> Self {
        let polls = |time: Duration| usize::try_from(time.as_millis().div_ceil(poll.as_millis().max(1))).unwrap_or(0);
        let absences = excuses.absences.iter().map(|absence| (*absence, UNDER_WAY + polls(absence.unsynced)));
        let absences = absences.collect();
        Self { absences, unanswered: excuses.unanswered.clone() }
    }

    fn excuses(&mut self, answer: Answer) -> bool {
        let covers = |(absence, left): &&mut (Absence, usize)| *left > 0 && absence.covers(answer.at);
        if let Some((_, left)) = self.absences.iter_mut().find(covers) {
            *left -= 1;
            return true;
        }
        let given_up = |at: &UnixMillis| at.millis_since(answer.at).abs() < ms(GIVEN_UP_WITHIN);
        let request = self.unanswered.iter().position(given_up);
        request.map(|request| self.unanswered.remove(request)).is_some()
    }
}

impl Absence {
    fn covers(&self, at: UnixMillis) -> bool {
        at.millis_since(self.from) >= -ms(BEFORE_END + self.unsynced) && at.millis_since(self.until) <= ms(AFTER_END)
    }
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
