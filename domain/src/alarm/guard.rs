//! One rule, its alarm, and the delays between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::moment::{later, time_between};
use super::timer::Timer;
use super::{Alarm, AlarmKey, Condition, Evidence, Moment, Rule, Transition};
use crate::units::UnixMillis;

/// What an input says of a condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Nothing: the condition stays what it is, and delays wait.
    Unknown,
    /// It is so, by this value, held against this limit.
    Known(Condition, Option<f64>, Option<f64>),
}

impl Verdict {
    /// Gives a verdict by a value against the limit of a rule.
    pub(super) const fn when(is_so: bool, value: Option<f64>, rule: &Rule) -> Self {
        Self::Known(if is_so { Condition::Present } else { Condition::Absent }, value, rule.limit)
    }
}

/// What came of inputs, until somebody takes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox {
    pub(super) transitions: Vec<Transition>,
    pub(super) changed: Vec<AlarmKey>,
}

impl Outbox {
    pub(super) fn push(&mut self, transition: Transition) {
        self.note(&transition.key);
        self.transitions.push(transition);
    }

    /// Notes that an alarm has to be kept anew.
    pub(super) fn note(&mut self, key: &AlarmKey) {
        if !self.changed.contains(key) {
            self.changed.push(key.clone());
        }
    }
}

/// Whether a rule is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    InForce,
    /// It is no longer described; its alarm is kept until nobody needs to know of it.
    Retired,
}

/// What a condition counts by, as [`Evidence`] has it.
#[derive(Debug, Clone, Default)]
struct Pending {
    value: Option<f64>,
    limit: Option<f64>,
    note: String,
}

/// One rule, its alarm, and the delays between them.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    pub(super) rule: Arc<Rule>,
    pub(super) force: Force,
    pub(super) alarm: Alarm,
    /// Counts towards the other condition.
    timer: Timer,
    /// What began to count.
    pending: Pending,
    /// When a suppression ends of which the cause is gone.
    release: Option<Instant>,
    release_after: Duration,
    /// Since when late readings have been beyond the limit.
    late_since: Option<UnixMillis>,
}

impl Guard {
    pub(super) fn new(rule: Arc<Rule>, force: Force, alarm: Alarm) -> Self {
        let release_after = rule.release;
        Self {
            rule,
            force,
            alarm,
            timer: Timer::default(),
            pending: Pending::default(),
            release: None,
            release_after,
            late_since: None,
        }
    }

    pub(super) fn is_present(&self) -> bool {
        self.alarm.condition() == Condition::Present
    }

    /// Tells whether a condition that is not there yet counts towards being there.
    pub(super) fn is_coming(&self) -> bool {
        !self.is_present() && self.timer.due(Duration::ZERO).is_some()
    }

    /// Takes a verdict; `at` is when what it is from was measured. Tells whether the condition changed.
    pub(super) fn take(
        &mut self,
        now: Moment,
        at: UnixMillis,
        verdict: Verdict,
        note: impl FnOnce() -> String,
        out: &mut Outbox,
    ) -> bool {
        let Verdict::Known(condition, value, limit) = verdict else {
            self.timer.pause(now.monotonic);
            return false;
        };
        if condition == self.alarm.condition() {
            self.timer.reset();
            return false;
        }
        if self.timer.due(Duration::ZERO).is_none() {
            self.pending.note = note();
        }
        (self.pending.value, self.pending.limit) = (value, limit);
        self.timer.run(now.monotonic, self.delay()) && self.turn(at, out)
    }

    /// Stops counting until the next verdict.
    pub(super) fn pause(&mut self, now: Instant) {
        self.timer.pause(now);
    }

    /// Ends what is over by now: a delay, a shelf. Tells whether the condition changed.
    pub(super) fn handle_time(&mut self, now: Moment, out: &mut Outbox) -> bool {
        let terms = self.rule.terms();
        if let Some(back) = self.alarm.handle_time(terms, now) {
            out.push(back);
        }
        let is_due = self.timer.due(self.delay()).is_some_and(|due| due <= now.monotonic);
        is_due && self.turn(now.unix, out)
    }

    /// Gives when it next has something to do by itself.
    pub(super) fn next_deadline(&mut self, now: Moment) -> Option<Instant> {
        let shelf = self.alarm.shelf_ends(now);
        [self.timer.due(self.delay()), self.release, shelf].into_iter().flatten().min()
    }

    /// Another alarm speaks for it, or none does.
    pub(super) fn settle(&mut self, now: Moment, speaker: Option<(&Alarm, Duration)>, out: &mut Outbox) {
        let terms = self.rule.terms();
        if let Some((speaker, release)) = speaker {
            (self.release, self.release_after) = (None, release);
            if self.alarm.suppressed_by().is_none()
                && let Some(silenced) = self.alarm.suppress(terms, now.unix, &speaker.key().to_string())
            {
                out.push(silenced);
            }
        } else if self.alarm.suppressed_by().is_some() {
            let release = *self.release.get_or_insert_with(|| later(now.monotonic, self.release_after));
            if release <= now.monotonic {
                self.release = None;
                out.transitions.extend(self.alarm.unsuppress(terms, now.unix));
                out.note(self.alarm.key());
            }
        }
    }

    /// Takes what a reading says that came late: it raises nothing, but what it shows is recorded once.
    pub(super) fn take_late(&mut self, at: UnixMillis, verdict: Verdict, out: &mut Outbox) {
        let Verdict::Known(condition, value, limit) = verdict else { return };
        if condition == Condition::Absent {
            self.late_since = None;
            if self.alarm.end_backlog() {
                out.note(self.alarm.key());
            }
            return;
        }
        let since = *self.late_since.get_or_insert(at);
        if time_between(since, at) >= self.rule.on_delay {
            let evidence = Evidence { value, limit, note: "" };
            if let Some(found) = self.alarm.find_in_backlog(self.rule.terms(), at, evidence) {
                out.push(found);
            }
        }
    }

    /// Ends the condition because its rule is in force no longer.
    pub(super) fn retire(&mut self, now: Moment, out: &mut Outbox) {
        let evidence = Evidence { note: "the rule is no longer described", ..Evidence::default() };
        let over = self.alarm.handle_condition(self.rule.terms(), now.unix, Condition::Absent, evidence);
        if let Some(over) = over {
            out.push(over);
        }
    }

    fn delay(&self) -> Duration {
        if self.is_present() { self.rule.off_delay } else { self.rule.on_delay }
    }

    /// Turns the condition into the other one.
    fn turn(&mut self, at: UnixMillis, out: &mut Outbox) -> bool {
        self.timer.reset();
        let condition = if self.is_present() { Condition::Absent } else { Condition::Present };
        let Pending { value, limit, note } = std::mem::take(&mut self.pending);
        let evidence = Evidence { value, limit, note: &note };
        let turned = self.alarm.handle_condition(self.rule.terms(), at, condition, evidence);
        turned.map(|turned| out.push(turned)).is_some()
    }
}
