//! The alarms of one edge.

use std::sync::Arc;
use std::time::Instant;

use super::guard::{Force, Guard, Outbox, Verdict};
use super::tank::Over;
use super::{Alarm, AlarmKind, Condition, Moment, Rule};
use crate::message::Presence;

/// The alarms of one edge.
#[derive(Debug, Clone)]
pub(super) struct EdgeAlarms {
    pub(super) guards: Vec<Guard>,
    /// Indices of the tanks that it reads.
    pub(super) tanks: Vec<usize>,
}

impl EdgeAlarms {
    pub(super) fn handle_presence(&mut self, now: Moment, presence: Presence, out: &mut Outbox) {
        let condition = if presence == Presence::Offline { Condition::Present } else { Condition::Absent };
        self.take(now, AlarmKind::EdgeOffline, Verdict::Known(condition, None, None), out);
    }

    /// Takes that readings are missing which will not come: that is told of, and over by itself.
    pub(super) fn handle_gap(&mut self, now: Moment, readings: f64, out: &mut Outbox) {
        let limit = self.guards.iter().find(|guard| guard.rule.kind == AlarmKind::Completeness);
        let limit = limit.and_then(|guard| guard.rule.limit);
        if limit.is_none_or(|limit| readings >= limit) {
            self.take(now, AlarmKind::Completeness, Verdict::Known(Condition::Present, Some(readings), limit), out);
            self.end_gap(now, out);
        }
    }

    /// Lets what was told of missing readings end in its time.
    pub(super) fn end_gap(&mut self, now: Moment, out: &mut Outbox) {
        self.take(now, AlarmKind::Completeness, Verdict::Known(Condition::Absent, None, None), out);
    }

    pub(super) fn handle_time(&mut self, now: Moment, out: &mut Outbox) {
        for guard in &mut self.guards {
            guard.handle_time(now, out);
        }
    }

    pub(super) fn next_deadline(&mut self, now: Moment) -> Option<Instant> {
        self.guards.iter_mut().filter_map(|guard| guard.next_deadline(now)).min()
    }

    /// Gives what it means to the alarms of its tanks.
    pub(super) fn over(&self) -> Over<'_> {
        match self.guards.iter().find(|guard| guard.rule.kind == AlarmKind::EdgeOffline) {
            Some(guard) if guard.is_present() => Over::Speaking(&guard.rule, &guard.alarm),
            Some(guard) if guard.is_coming() => Over::Coming(&guard.rule),
            _ => Over::Nothing,
        }
    }

    /// Takes the alarm of a rule that is not in force.
    pub(super) fn add_retired(&mut self, alarm: Alarm) {
        let rule = Arc::new(Rule::of(alarm.key().kind));
        self.guards.push(Guard::new(rule, Force::Retired, alarm));
    }

    fn take(&mut self, now: Moment, kind: AlarmKind, verdict: Verdict, out: &mut Outbox) {
        let in_force = |guard: &&mut Guard| guard.rule.kind == kind && guard.force == Force::InForce;
        if let Some(guard) = self.guards.iter_mut().find(in_force) {
            guard.take(now, now.unix, verdict, String::new, out);
        }
    }
}
