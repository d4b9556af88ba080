use super::named::named;

named! {
    /// State of an alarm. Source: ISA-18.2-2016 and IEC 62682:2014, alarm state transition diagram.
    State, UnknownState = "state of an alarm" {
        /// Nothing is wrong, and nothing waits for anybody.
        Normal = "normal",
        /// It is wrong and nobody has acknowledged it.
        Unacknowledged = "unacknowledged",
        /// It is wrong and somebody has acknowledged it.
        Acknowledged = "acknowledged",
        /// It was wrong, is no longer, and nobody has acknowledged it.
        ReturnedUnacknowledged = "returned-unacknowledged",
        /// It was wrong, is no longer, nobody has acknowledged it, and it stays until it is reset.
        LatchedUnacknowledged = "latched-unacknowledged",
        /// It was wrong, is no longer, was acknowledged, and stays until it is reset.
        LatchedAcknowledged = "latched-acknowledged",
        /// Somebody has put it aside for a time.
        Shelved = "shelved",
        /// Another alarm speaks for it.
        SuppressedByDesign = "suppressed",
        /// It was taken out of service for work.
        OutOfService = "out-of-service",
    }
}

impl State {
    /// Gives it as a number, for databases that know only numbers: its place in [`State::ALL`], 0 for normal.
    ///
    /// 0 normal, 1 unacknowledged, 2 acknowledged, 3 returned-unacknowledged, 4 latched-unacknowledged,
    /// 5 latched-acknowledged, 6 shelved, 7 suppressed, 8 out-of-service.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Normal => 0,
            Self::Unacknowledged => 1,
            Self::Acknowledged => 2,
            Self::ReturnedUnacknowledged => 3,
            Self::LatchedUnacknowledged => 4,
            Self::LatchedAcknowledged => 5,
            Self::Shelved => 6,
            Self::SuppressedByDesign => 7,
            Self::OutOfService => 8,
        }
    }

    /// Tells whether it calls for somebody: it is shown among the alarms that stand or wait.
    #[must_use]
    pub const fn is_annunciated(self) -> bool {
        matches!(
            self,
            Self::Unacknowledged
                | Self::Acknowledged
                | Self::ReturnedUnacknowledged
                | Self::LatchedUnacknowledged
                | Self::LatchedAcknowledged
        )
    }
}

named! {
    /// How urgent an alarm is, the most urgent first.
    Priority, UnknownPriority = "priority" {
        /// Act at once.
        Critical = "critical",
        /// Act promptly.
        High = "high",
        /// Act when what is more urgent is done.
        Medium = "medium",
        /// To be known.
        Low = "low",
    }
}
