use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an alarm tells of. Its text is its name in topics, tables and configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum AlarmKind {
    /// Level above the high-high limit.
    LevelHighHigh,
    /// Level above the high limit.
    LevelHigh,
    /// Level below the low limit.
    LevelLow,
    /// Level below the low-low limit.
    LevelLowLow,
    /// Interface above its limit.
    InterfaceHigh,
    /// Interface below its limit.
    InterfaceLow,
    /// Temperature above its limit.
    TemperatureHigh,
    /// Temperature below its limit.
    TemperatureLow,
    /// Level that moves faster than is allowed.
    RateOfChange,
    /// At the present flow the high limit, or high-high where there is none, is reached within the minutes allowed.
    OverfillSoon,
    /// At the present flow the low limit, or low-low where there is none, is reached within the minutes allowed.
    DrySoon,
    /// A tank that was declared idle moves.
    Movement,
    /// A tank at rest slowly loses.
    Leak,
    /// A tank that should fill empties, or the other way round.
    ReverseFlow,
    /// The gauge gives bad readings.
    GaugeBad,
    /// The gauge gives no readings.
    GaugeStale,
    /// The gauge gives the same value for ever.
    GaugeFrozen,
    /// The edge is not there.
    EdgeOffline,
    /// Readings of an edge are missing and will not come.
    Completeness,
}

/// Edition of API 2350 by whose words levels are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// The 4th, of 2012.
    #[default]
    Api2350Fourth,
    /// The 5th, of 2020.
    Api2350Fifth,
}

/// A text names no alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no alarm; known are {}", AlarmKind::ALL.map(AlarmKind::name).join(", "))]
pub struct UnknownAlarm {
    text: String,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::LevelHighHigh,
        Self::LevelHigh,
        Self::LevelLow,
        Self::LevelLowLow,
        Self::InterfaceHigh,
        Self::InterfaceLow,
        Self::TemperatureHigh,
        Self::TemperatureLow,
        Self::RateOfChange,
        Self::OverfillSoon,
        Self::DrySoon,
        Self::Movement,
        Self::Leak,
        Self::ReverseFlow,
        Self::GaugeBad,
        Self::GaugeStale,
        Self::GaugeFrozen,
        Self::EdgeOffline,
        Self::Completeness,
    ];

    /// Gives its name, such as `level-hh`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LevelHighHigh => "level-hh",
            Self::LevelHigh => "level-h",
            Self::LevelLow => "level-l",
            Self::LevelLowLow => "level-ll",
            Self::InterfaceHigh => "interface-h",
            Self::InterfaceLow => "interface-l",
            Self::TemperatureHigh => "temperature-h",
            Self::TemperatureLow => "temperature-l",
            Self::RateOfChange => "rate-of-change",
            Self::OverfillSoon => "overfill-soon",
            Self::DrySoon => "dry-soon",
            Self::Movement => "movement",
            Self::Leak => "leak",
            Self::ReverseFlow => "reverse-flow",
            Self::GaugeBad => "gauge-bad",
            Self::GaugeStale => "gauge-stale",
            Self::GaugeFrozen => "gauge-frozen",
            Self::EdgeOffline => "edge-offline",
            Self::Completeness => "completeness",
        }
    }

    /// Gives the unit of its value and its limit; empty where there is none.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::LevelHighHigh
            | Self::LevelHigh
            | Self::LevelLow
            | Self::LevelLowLow
            | Self::InterfaceHigh
            | Self::InterfaceLow => "mm",
            Self::TemperatureHigh | Self::TemperatureLow => "degC",
            Self::RateOfChange => "mm/min",
            Self::OverfillSoon | Self::DrySoon => "min",
            Self::Movement => "m3",
            Self::Leak => "L/h",
            Self::ReverseFlow => "m3/h",
            Self::GaugeStale | Self::GaugeFrozen => "s",
            Self::Completeness => "readings",
            Self::GaugeBad | Self::EdgeOffline => "",
        }
    }

    /// Gives what people call it, by the words of an edition of API 2350 where that has one.
    ///
    /// Both editions name levels: the 4th (2012) CH, HH and MW, the 5th (2020) OD, LAHH, LAH and NFL. CH or OD, from which on
    /// product runs out or the tank is damaged, is no alarm of a gauge: it is what the independent protection is there for.
    #[must_use]
    pub const fn title(self, edition: Edition) -> &'static str {
        match (self, edition) {
            (Self::LevelHighHigh, Edition::Api2350Fourth) => "Level high-high (HH)",
            (Self::LevelHighHigh, Edition::Api2350Fifth) => "Level high-high (LAHH)",
            (Self::LevelHigh, Edition::Api2350Fourth) => "Level high, above maximum working (MW)",
            (Self::LevelHigh, Edition::Api2350Fifth) => "Level high, above normal fill (LAH, NFL)",
            (Self::LevelLow, Edition::Api2350Fourth) => "Level low (L)",
            (Self::LevelLow, Edition::Api2350Fifth) => "Level low (LAL)",
            (Self::LevelLowLow, Edition::Api2350Fourth) => "Level low-low (LL)",
            (Self::LevelLowLow, Edition::Api2350Fifth) => "Level low-low (LALL)",
            (Self::InterfaceHigh, _) => "Interface high",
            (Self::InterfaceLow, _) => "Interface low",
            (Self::TemperatureHigh, _) => "Temperature high",
            (Self::TemperatureLow, _) => "Temperature low",
            (Self::RateOfChange, _) => "Level moves too fast",
            (Self::OverfillSoon, _) => "Full soon",
            (Self::DrySoon, _) => "Empty soon",
            (Self::Movement, _) => "Unexpected movement",
            (Self::Leak, _) => "Slow loss",
            (Self::ReverseFlow, _) => "Reverse flow",
            (Self::GaugeBad, _) => "Gauge bad",
            (Self::GaugeStale, _) => "Gauge silent",
            (Self::GaugeFrozen, _) => "Gauge frozen",
            (Self::EdgeOffline, _) => "Edge offline",
            (Self::Completeness, _) => "Readings missing",
        }
    }

    /// Tells whether it is an alarm of an edge; the others are of a tank.
    #[must_use]
    pub const fn is_of_edge(self) -> bool {
        matches!(self, Self::EdgeOffline | Self::Completeness)
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for AlarmKind {
    type Err = UnknownAlarm;

    fn from_str(text: &str) -> Result<Self, UnknownAlarm> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| UnknownAlarm { text: text.to_owned() })
    }
}

impl TryFrom<String> for AlarmKind {
    type Error = UnknownAlarm;

    fn try_from(text: String) -> Result<Self, UnknownAlarm> {
        text.parse()
    }
}

impl From<AlarmKind> for String {
    fn from(kind: AlarmKind) -> Self {
        kind.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_and_another_is_refused_with_the_known_ones() {
        for kind in AlarmKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let said = "level-hhh".parse::<AlarmKind>().unwrap_err().to_string();
        assert!(said.contains("\"level-hhh\"") && said.contains("level-hh,"), "{said}");
    }
}
