//! The alarms of a site as a whole: whether the centre can hear of it at all.

use std::sync::Arc;
use std::time::Instant;

use super::guard::{Force, Guard, Outbox, Verdict};
use super::tank::Over;
use super::{Alarm, AlarmKind, Condition, Moment, Rule};

/// Whether the centre has a connection to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It has one.
    Connected,
    /// It has none, so that it hears of no edge.
    CutOff,
}

/// The alarms of a site as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct CentreAlarms {
    pub(super) guards: Vec<Guard>,
}

impl CentreAlarms {
    pub(super) fn handle_reach(&mut self, now: Moment, reach: Reach, out: &mut Outbox) {
        let condition = if reach == Reach::CutOff { Condition::Present } else { Condition::Absent };
        let in_force = |guard: &&mut Guard| guard.force == Force::InForce;
        if let Some(guard) = self.guards.iter_mut().find(in_force) {
            guard.take(now, now.unix, Verdict::Known(condition, None, None), String::new, out);
        }
    }

    pub(super) fn handle_time(&mut self, now: Moment, out: &mut Outbox) {
        for guard in &mut self.guards {
            guard.handle_time(now, out);
        }
    }

    pub(super) fn next_deadline(&mut self, now: Moment) -> Option<Instant> {
        self.guards.iter_mut().filter_map(|guard| guard.next_deadline(now)).min()
    }

    /// Gives what it means to the alarms of edges and tanks.
    pub(super) fn over(&self) -> Over<'_> {
        Over::by(&self.guards, AlarmKind::BrokerLost)
    }

    /// Takes the alarm of a rule that is not in force.
    pub(super) fn add_retired(&mut self, alarm: Alarm) {
        let rule = Arc::new(Rule::of(alarm.key().kind));
        self.guards.push(Guard::new(rule, Force::Retired, alarm));
    }
}
