//! The alarms of one tank.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::guard::{Force, Guard, Outbox, Verdict};
use super::moment::later;
use super::rate::RateMeter;
use super::rule::LEAST_STALE_S;
use super::{Alarm, AlarmKind, Moment, Rule, Sample};
use crate::units::UnixMillis;

/// A reading older than one before it is late, unless nothing else came for so long: then a clock was set back.
///
/// For so long after such a step nothing new is known of the tank, and a delay that is under way goes on.
const OUT_OF_ORDER: Duration = Duration::from_secs(10);

/// What an edge means to the alarms of its tanks, or the centre to those of all.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over<'a> {
    /// It is there.
    Nothing,
    /// It may be gone: what it would speak for waits.
    Coming(&'a Rule),
    /// It is gone, and speaks for what its rule silences.
    Speaking(&'a Rule, &'a Alarm),
}

impl<'a> Over<'a> {
    /// Gives what an alarm of this kind among these means to others.
    pub(super) fn by(guards: &'a [Guard], kind: AlarmKind) -> Self {
        match guards.iter().find(|guard| guard.rule.kind == kind) {
            Some(guard) if guard.is_present() => Self::Speaking(&guard.rule, &guard.alarm),
            Some(guard) if guard.is_coming() => Self::Coming(&guard.rule),
            _ => Self::Nothing,
        }
    }

    /// Gives what is to be heeded where another one may be more.
    pub(super) const fn or(self, other: Self) -> Self {
        match self {
            Self::Nothing => other,
            found => found,
        }
    }

    pub(super) fn waits(self, kind: AlarmKind) -> bool {
        matches!(self, Self::Coming(rule) if rule.silences(kind))
    }
}

/// The alarms of one tank.
#[derive(Debug, Clone)]
pub(super) struct TankAlarms {
    pub(super) guards: Vec<Guard>,
    /// Index of the edge that reads it, where there is one.
    pub(super) edge: Option<usize>,
    /// When a live reading last came.
    heard: Instant,
    /// Time of the newest live reading.
    newest: Option<UnixMillis>,
    stale_after: Duration,
    is_stale: bool,
    longest_silence: Duration,
    /// How fast the level moves, where a rule asks for it.
    rate: Option<Box<RateMeter>>,
}

impl TankAlarms {
    pub(super) fn new(guards: Vec<Guard>, edge: Option<usize>, longest_silence: Duration, now: Moment) -> Self {
        let stale = guards.iter().find(|guard| guard.rule.kind == AlarmKind::GaugeStale);
        let limit_s = stale.and_then(|guard| guard.rule.limit).unwrap_or(LEAST_STALE_S);
        let stale_after = Duration::try_from_secs_f64(limit_s).unwrap_or(Duration::MAX);
        let asks_for_rate = guards.iter().any(|guard| guard.rule.kind == AlarmKind::RateOfChange);
        Self {
            guards,
            edge,
            heard: now.monotonic,
            newest: None,
            stale_after,
            is_stale: false,
            longest_silence,
            rate: asks_for_rate.then(Box::default),
        }
    }

    pub(super) fn handle_live(&mut self, now: Moment, sample: &Sample<'_>, over: Over<'_>, out: &mut Outbox) {
        let silence = now.monotonic.saturating_duration_since(self.heard);
        if self.newest.is_some_and(|newest| sample.at < newest) && silence < OUT_OF_ORDER {
            self.handle_backlog(sample, out);
            return;
        }
        (self.heard, self.newest, self.is_stale) = (now.monotonic, Some(sample.at), false);
        let good_level = sample.level_mm.filter(|_| sample.quality.vouches_for_level());
        let rate = match (&mut self.rate, good_level) {
            (Some(meter), Some(level_mm)) => meter.push(sample.at, level_mm),
            _ => None,
        };
        for index in 0..self.guards.len() {
            let guard = &mut self.guards[index];
            let kind = guard.rule.kind;
            let verdict = if guard.force == Force::Retired || over.waits(kind) {
                Verdict::Unknown
            } else {
                sample.judge(&guard.rule, guard.alarm.condition(), rate)
            };
            let note = || if kind == AlarmKind::GaugeBad { sample.quality.to_string() } else { String::new() };
            let changed = guard.take(now, sample.at, verdict, note, out);
            if changed && !guard.rule.silences.is_empty() {
                self.settle(now, over, out);
            }
        }
    }

    pub(super) fn handle_backlog(&mut self, sample: &Sample<'_>, out: &mut Outbox) {
        for guard in self.guards.iter_mut().filter(|guard| guard.force == Force::InForce) {
            let verdict = sample.against_limit(&guard.rule, super::Condition::Present);
            guard.take_late(sample.at, verdict, out);
        }
    }

    pub(super) fn handle_time(&mut self, now: Moment, over: Over<'_>, out: &mut Outbox) {
        let silence = now.monotonic.saturating_duration_since(self.heard);
        self.is_stale = silence >= self.stale_after;
        // First of all, so that nothing is told of that another alarm speaks for.
        self.settle(now, over, out);
        for index in 0..self.guards.len() {
            let guard = &mut self.guards[index];
            let kind = guard.rule.kind;
            let mut changed = false;
            if over.waits(kind) {
                guard.pause(now.monotonic);
            } else if self.is_stale && kind == AlarmKind::GaugeStale && guard.force == Force::InForce {
                let verdict = Verdict::when(true, Some(silence.as_secs_f64().round()), &guard.rule);
                changed = guard.take(now, now.unix, verdict, String::new, out);
            } else if self.is_stale {
                // What is not heard of does not count towards anything, until it is heard of again.
                guard.pause(now.monotonic);
            }
            changed |= guard.handle_time(now, out);
            if changed && !guard.rule.silences.is_empty() {
                self.settle(now, over, out);
            }
        }
    }

    pub(super) fn next_deadline(&mut self, now: Moment) -> Option<Instant> {
        let stale = (!self.is_stale).then(|| later(self.heard, self.stale_after));
        let guards = self.guards.iter_mut().filter_map(|guard| guard.next_deadline(now)).min();
        [stale, guards].into_iter().flatten().min()
    }

    /// Silences what another alarm speaks for, and gives back what none does.
    pub(super) fn settle(&mut self, now: Moment, over: Over<'_>, out: &mut Outbox) {
        for index in 0..self.guards.len() {
            let kind = self.guards[index].rule.kind;
            let speaks = |other: &&Guard| other.is_present() && other.rule.silences(kind);
            let own = self.guards.iter().find(speaks).map(|guard| (guard.alarm.clone(), guard.rule.release));
            let speaker = match over {
                Over::Speaking(rule, alarm) if rule.silences(kind) => Some((alarm, rule.release)),
                _ => own.as_ref().map(|(alarm, release)| (alarm, *release)),
            };
            let speaker = speaker.map(|(alarm, release)| (alarm, release.max(self.longest_silence)));
            self.guards[index].settle(now, speaker, out);
        }
    }

    /// Takes the alarm of a rule that is not in force.
    pub(super) fn add_retired(&mut self, alarm: Alarm) {
        let rule = Arc::new(Rule::of(alarm.key().kind));
        self.guards.push(Guard::new(rule, Force::Retired, alarm));
    }
}
