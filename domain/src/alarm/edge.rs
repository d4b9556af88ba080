//! The alarms of one edge.

use std::sync::Arc;
use std::time::Instant;

use super::guard::{Force, Guard, Outbox, Verdict};
use super::tank::Over;
use super::{Alarm, AlarmKind, Condition, Moment, Rule};
use crate::message::Presence;

/// What an edge shows of its clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockShown {
    /// By so many seconds it is behind that of the centre; negative when ahead.
    Behind(f64),
    /// It was never set.
    Unset,
}

/// The alarms of one edge.
#[derive(Debug, Clone)]
pub(super) struct EdgeAlarms {
    pub(super) guards: Vec<Guard>,
    /// Indices of the tanks that it reads.
    pub(super) tanks: Vec<usize>,
    /// Whether it is there; not known since the start until it is told.
    presence: Option<Presence>,
    /// Whether its clock is ahead: then its readings are as fresh as ever.
    is_ahead: bool,
}

impl EdgeAlarms {
    pub(super) const fn new(guards: Vec<Guard>) -> Self {
        Self { guards, tanks: Vec::new(), presence: None, is_ahead: false }
    }

    pub(super) fn handle_presence(&mut self, now: Moment, presence: Presence, over: Over<'_>, out: &mut Outbox) {
        self.presence = Some(presence);
        self.judge_presence(now, over, out);
    }

    /// Takes what it shows of its clock. Readings with a wrong time raise no alarm: they are uncertain, or look late.
    pub(super) fn handle_clock(&mut self, now: Moment, clock: ClockShown, out: &mut Outbox) {
        self.is_ahead = matches!(clock, ClockShown::Behind(seconds) if seconds < 0.0);
        let Some(limit) = self.limit(AlarmKind::ClockWrong) else { return };
        let (is_wrong, behind_s) = match clock {
            ClockShown::Behind(seconds) => (seconds.abs() > limit, Some(seconds.round())),
            ClockShown::Unset => (true, None),
        };
        let condition = if is_wrong { Condition::Present } else { Condition::Absent };
        let note = if clock == ClockShown::Unset { "the clock is not set" } else { "" };
        let verdict = Verdict::Known(condition, behind_s, Some(limit));
        self.take(now, AlarmKind::ClockWrong, verdict, note, out);
    }

    /// Takes that readings are missing which will not come: that is told of, and over by itself.
    pub(super) fn handle_gap(&mut self, now: Moment, readings: f64, out: &mut Outbox) {
        let limit = self.limit(AlarmKind::Completeness);
        if limit.is_none_or(|limit| readings >= limit) {
            self.take(now, AlarmKind::Completeness, Verdict::Known(Condition::Present, Some(readings), limit), "", out);
            self.end_gap(now, out);
        }
    }

    /// Lets what was told of missing readings end in its time.
    pub(super) fn end_gap(&mut self, now: Moment, out: &mut Outbox) {
        self.take(now, AlarmKind::Completeness, Verdict::Known(Condition::Absent, None, None), "", out);
    }

    pub(super) fn handle_time(&mut self, now: Moment, over: Over<'_>, out: &mut Outbox) {
        // First of all, so that nothing is told of that another alarm speaks for.
        self.settle(now, over, out);
        self.judge_presence(now, over, out);
        for guard in &mut self.guards {
            guard.handle_time(now, out);
        }
    }

    pub(super) fn next_deadline(&mut self, now: Moment) -> Option<Instant> {
        self.guards.iter_mut().filter_map(|guard| guard.next_deadline(now)).min()
    }

    /// Gives what it means to the alarms of its tanks. A clock that is ahead silences no gauge.
    pub(super) fn over(&self) -> Over<'_> {
        let clock = if self.is_ahead { Over::Nothing } else { Over::by(&self.guards, AlarmKind::ClockWrong) };
        Over::by(&self.guards, AlarmKind::EdgeOffline).or(clock)
    }

    /// Silences what the centre's alarm speaks for, and gives it back in time when that is over.
    pub(super) fn settle(&mut self, now: Moment, over: Over<'_>, out: &mut Outbox) {
        for guard in &mut self.guards {
            let speaker = match over {
                Over::Speaking(rule, alarm) if rule.silences(guard.rule.kind) => {
                    Some((alarm, rule.release.max(guard.rule.off_delay)))
                }
                _ => None,
            };
            guard.settle(now, speaker, out);
        }
    }

    /// Takes the alarm of a rule that is not in force.
    pub(super) fn add_retired(&mut self, alarm: Alarm) {
        let rule = Arc::new(Rule::of(alarm.key().kind));
        self.guards.push(Guard::new(rule, Force::Retired, alarm));
    }

    /// Judges by what is known of its presence. While the centre may be cut off, that says nothing.
    fn judge_presence(&mut self, now: Moment, over: Over<'_>, out: &mut Outbox) {
        let verdict = match self.presence {
            _ if over.waits(AlarmKind::EdgeOffline) => Verdict::Unknown,
            Some(Presence::Offline) => Verdict::Known(Condition::Present, None, None),
            Some(Presence::Online) => Verdict::Known(Condition::Absent, None, None),
            None => return,
        };
        self.take(now, AlarmKind::EdgeOffline, verdict, "", out);
    }

    fn limit(&self, kind: AlarmKind) -> Option<f64> {
        self.guards.iter().find(|guard| guard.rule.kind == kind).and_then(|guard| guard.rule.limit)
    }

    fn take(&mut self, now: Moment, kind: AlarmKind, verdict: Verdict, note: &str, out: &mut Outbox) {
        let in_force = |guard: &&mut Guard| guard.rule.kind == kind && guard.force == Force::InForce;
        if let Some(guard) = self.guards.iter_mut().find(in_force) {
            guard.take(now, now.unix, verdict, || note.to_owned(), out);
        }
    }
}
