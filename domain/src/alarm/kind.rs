use super::named::named;

named! {
    /// What an alarm tells of. Its text is its name in topics, tables and configurations.
    AlarmKind, UnknownAlarm = "alarm" {
        /// Level above the high-high limit.
        LevelHighHigh = "level-hh",
        /// Level above the high limit.
        LevelHigh = "level-h",
        /// Level below the low limit.
        LevelLow = "level-l",
        /// Level below the low-low limit.
        LevelLowLow = "level-ll",
        /// Interface above its limit.
        InterfaceHigh = "interface-h",
        /// Interface below its limit.
        InterfaceLow = "interface-l",
        /// Temperature above its limit.
        TemperatureHigh = "temperature-h",
        /// Temperature below its limit.
        TemperatureLow = "temperature-l",
        /// Level that moves faster than is allowed.
        RateOfChange = "rate-of-change",
        /// At the present flow the high limit, or high-high where there is none, is reached within the minutes allowed.
        OverfillSoon = "overfill-soon",
        /// At the present flow the low limit, or low-low where there is none, is reached within the minutes allowed.
        DrySoon = "dry-soon",
        /// A tank that was declared idle moves.
        Movement = "movement",
        /// A tank at rest slowly loses.
        Leak = "leak",
        /// A tank that should fill empties, or the other way round.
        ReverseFlow = "reverse-flow",
        /// The gauge gives bad readings.
        GaugeBad = "gauge-bad",
        /// The gauge gives no readings.
        GaugeStale = "gauge-stale",
        /// The gauge gives the same value for ever.
        GaugeFrozen = "gauge-frozen",
        /// The edge is not there.
        EdgeOffline = "edge-offline",
        /// Readings of an edge are missing and will not come.
        Completeness = "completeness",
        /// The clock of the edge is not set, or far from that of the centre.
        ClockWrong = "clock-wrong",
        /// The centre has no connection to the broker.
        BrokerLost = "broker-lost",
    }
}

/// What an alarm is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A tank.
    Tank,
    /// An edge; its name is the source.
    Edge,
    /// The site as a whole; its name is the source.
    Site,
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

impl AlarmKind {
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
            Self::GaugeStale | Self::GaugeFrozen | Self::ClockWrong => "s",
            Self::Completeness => "readings",
            Self::GaugeBad | Self::EdgeOffline | Self::BrokerLost => "",
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
            (Self::ClockWrong, _) => "Edge clock wrong",
            (Self::BrokerLost, _) => "Centre cut off from broker",
        }
    }

    /// Gives what it is an alarm of.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::EdgeOffline | Self::Completeness | Self::ClockWrong => Scope::Edge,
            Self::BrokerLost => Scope::Site,
            _ => Scope::Tank,
        }
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
