//! What is laid down for an alarm, and what it is where nothing is.

use std::sync::Arc;
use std::time::Duration;

use super::{AlarmKind, Latch, Priority, Terms};

/// What is laid down for one alarm of one tank or edge.
///
/// Limit and deadband are in the unit of the kind: see [`AlarmKind::unit`].
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The alarm.
    pub kind: AlarmKind,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether it stays until it is reset.
    pub latch: Latch,
    /// What is too much, or too little; absent where the condition is no number.
    pub limit: Option<f64>,
    /// What the tank holds at the limit of its level that a flow must not reach, m3: of alarms that come before that.
    pub target_m3: Option<f64>,
    /// How far back from the limit a value must be for the condition to be over.
    pub deadband: f64,
    /// How long the condition must be there before it counts.
    pub on_delay: Duration,
    /// How long it must be away before that counts.
    pub off_delay: Duration,
    /// What the operator is to do.
    pub guidance: Arc<str>,
    /// Alarms of the same source, and for an edge of its tanks, that it speaks for while its condition is there.
    pub silences: Vec<AlarmKind>,
    /// How long it goes on speaking for them afterwards, so that they have time to recover.
    pub release: Duration,
}

/// Deadband of a level, mm, and of an interface, which is noisier.
///
/// ISA-18.2 (table of annex) and EEMUA 191 begin with 5 % of the range and 60 s for a level. That is meant for process vessels
/// with a range of a metre or two; of a tank of 12 m it would be 600 mm, more than lies between H and HH. A gauge with
/// a noise of a few millimetres and a tank with waves of a centimetre need no more than this.
const LEVEL_DEADBAND_MM: f64 = 20.0;
const INTERFACE_DEADBAND_MM: f64 = 40.0;
const TEMPERATURE_DEADBAND_C: f64 = 1.0;

/// Minutes left at the present flow from which on it is told of.
///
/// Time to find out, to decide and to close a valve. API 2350 leaves the response time to the owner, and where nobody has
/// worked it out asks for 15 to 45 minutes by the category of the tank.
const SOON_MIN: f64 = 15.0;

/// Silence of a gauge after which it is stale, however often it is read, s.
///
/// A broker gives an edge up after one and a half keep-alive intervals of 30 s: then the edge is what is missing, and not
/// seven gauges.
pub const LEAST_STALE_S: f64 = 60.0;

/// How far the clock of an edge may be off, s: what is stamped so long ago is not live, and raises no alarm.
const CLOCK_OFF_S: f64 = 10.0;

impl Rule {
    /// Gives what holds for a kind where nothing else is said; a limit comes from the tank.
    #[must_use]
    pub fn of(kind: AlarmKind) -> Self {
        use AlarmKind as K;
        let (priority, on_s, off_s, deadband) = match kind {
            K::LevelHighHigh | K::LevelLowLow => (Priority::Critical, 2, 10, LEVEL_DEADBAND_MM),
            K::LevelHigh | K::LevelLow => (Priority::High, 5, 10, LEVEL_DEADBAND_MM),
            K::InterfaceHigh | K::InterfaceLow => (Priority::Medium, 60, 60, INTERFACE_DEADBAND_MM),
            K::TemperatureHigh | K::TemperatureLow => (Priority::Medium, 60, 60, TEMPERATURE_DEADBAND_C),
            K::RateOfChange => (Priority::Medium, 10, 60, 0.0),
            K::OverfillSoon => (Priority::High, 10, 60, 5.0),
            K::DrySoon => (Priority::Medium, 10, 60, 5.0),
            K::Movement | K::Leak | K::ReverseFlow => (Priority::High, 0, 60, 0.0),
            K::GaugeBad => (Priority::Medium, 10, 10, 0.0),
            K::GaugeStale => (Priority::Medium, 0, 5, 0.0),
            K::GaugeFrozen => (Priority::Medium, 0, 60, 0.0),
            K::EdgeOffline => (Priority::High, 10, 30, 0.0),
            K::Completeness => (Priority::Low, 0, 60, 0.0),
            K::ClockWrong => (Priority::High, 45, 45, 0.0),
            K::BrokerLost => (Priority::Critical, 10, 10, 0.0),
        };
        let silences: &[AlarmKind] = match kind {
            K::EdgeOffline => &[K::GaugeBad, K::GaugeStale, K::GaugeFrozen],
            K::GaugeBad => &[K::GaugeStale, K::GaugeFrozen],
            // What comes with a wrong time looks late, or is held back until the time is known.
            K::ClockWrong => &[K::GaugeStale],
            K::BrokerLost => &[K::EdgeOffline, K::GaugeBad, K::GaugeStale, K::GaugeFrozen],
            _ => &[],
        };
        Self {
            kind,
            priority,
            latch: Latch::None,
            limit: match kind {
                K::OverfillSoon | K::DrySoon => Some(SOON_MIN),
                K::ClockWrong => Some(CLOCK_OFF_S),
                _ => None,
            },
            target_m3: None,
            deadband,
            on_delay: Duration::from_secs(on_s),
            off_delay: Duration::from_secs(off_s),
            guidance: guidance(kind).into(),
            silences: silences.to_vec(),
            // An edge that waits for the broker tries each 30 s, and is back for 30 s before that counts.
            release: Duration::from_secs(if matches!(kind, K::BrokerLost) { 65 } else { 30 }),
        }
    }

    /// Gives what goes into the transitions of its alarm.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms { priority: self.priority, latch: self.latch, unit: self.kind.unit() }
    }

    /// Tells whether it speaks for another alarm.
    pub(super) fn silences(&self, kind: AlarmKind) -> bool {
        self.silences.contains(&kind)
    }
}

const fn guidance(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::LevelHighHigh => "Stop filling now. Close the inlet, stop the pump, check the level at the tank.",
        AlarmKind::LevelHigh => "Slow the filling down and switch to another tank.",
        AlarmKind::LevelLow => "Slow the drawing down and switch to another tank.",
        AlarmKind::LevelLowLow => "Stop drawing now. Stop the pump before it runs dry.",
        AlarmKind::InterfaceHigh => "Draw water off before it reaches the outlet.",
        AlarmKind::InterfaceLow => "Stop drawing water off before oil goes with it.",
        AlarmKind::TemperatureHigh => "Turn the heating down and check the thermometer.",
        AlarmKind::TemperatureLow => "Turn the heating up and check the thermometer.",
        AlarmKind::RateOfChange => "Check which pumps and valves move this tank, and whether it should move so fast.",
        AlarmKind::OverfillSoon => "Get another tank ready and stop filling in time.",
        AlarmKind::DrySoon => "Get another tank ready and stop drawing in time.",
        AlarmKind::Movement => "This tank should rest. Check its valves, and look for a leak or a wrong line-up.",
        AlarmKind::Leak => "Dip the tank. Check its drain, its valves and the ground around it.",
        AlarmKind::ReverseFlow => "Check the line-up: this tank moves the wrong way.",
        AlarmKind::GaugeBad => "The level is not known. Dip the tank; check the gauge, its supply and its line.",
        AlarmKind::GaugeStale => "The level is not known. Dip the tank; check the gauge and the edge that reads it.",
        AlarmKind::GaugeFrozen => "The level may be wrong. Dip the tank; check whether the float is stuck.",
        AlarmKind::EdgeOffline => "No level of this edge is known. Check its power and its network; dip what moves.",
        AlarmKind::ClockWrong => {
            "Level alarms of this edge are blind: its readings have a wrong time. Set its clock; watch its tanks meanwhile."
        }
        AlarmKind::BrokerLost => {
            "No level of this site is known. Check the broker and the network to it; watch the tanks on site."
        }
        AlarmKind::Completeness => "History has a hole. Check the edge's disk and how long it was cut off.",
    }
}
