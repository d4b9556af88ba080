//! Topics of the MQTT contract, version 1.

use std::fmt;
use std::str::FromStr;

use crate::names::{EdgeName, NameError, SiteName, TankName};

/// What stands before every topic.
pub const PREFIX: &str = "tankline/v1";

/// Name that no edge can have, because its place in the topics is the centre's.
pub const CENTRE: &str = "centre";

/// Name that no edge can have, because its place in the topics is that of the alarms.
pub const ALARMS: &str = "alarms";

/// A topic of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Readings of an edge.
    Readings(SiteName, EdgeName),
    /// State of an edge, retained; also its last will.
    State(SiteName, EdgeName),
    /// Health of an edge.
    Health(SiteName, EdgeName),
    /// What the centre has committed of an edge's journal.
    Committed(SiteName, EdgeName),
    /// State of the centre, retained; also its last will.
    CentreState(SiteName),
    /// State of an alarm, retained.
    Alarm(SiteName, TankName, String),
}

/// A text is not a topic of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// A level that holds a name holds something else.
    #[error("topic {topic:?} holds a wrong name")]
    Name {
        /// The topic.
        topic: String,
        /// What is wrong with the name.
        #[source]
        source: NameError,
    },
    /// The text has another form.
    #[error("topic {topic:?} is none of the contract: tankline/v1/<site>/<edge>/readings and its siblings are")]
    Unknown {
        /// The topic.
        topic: String,
    },
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Readings(site, edge) => write!(f, "{PREFIX}/{site}/{edge}/readings"),
            Self::State(site, edge) => write!(f, "{PREFIX}/{site}/{edge}/state"),
            Self::Health(site, edge) => write!(f, "{PREFIX}/{site}/{edge}/health"),
            Self::Committed(site, edge) => write!(f, "{PREFIX}/{site}/{edge}/committed"),
            Self::CentreState(site) => write!(f, "{PREFIX}/{site}/{CENTRE}/state"),
            Self::Alarm(site, tank, alarm) => write!(f, "{PREFIX}/{site}/{ALARMS}/{tank}/{alarm}"),
        }
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        let named = |source| TopicError::Name { topic: topic.to_owned(), source };
        let unknown = || TopicError::Unknown { topic: topic.chars().take(200).collect() };
        let rest = topic.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/')).ok_or_else(unknown)?;
        let levels: Vec<&str> = rest.split('/').collect();
        match levels[..] {
            [site, CENTRE, "state"] => Ok(Self::CentreState(site.parse().map_err(named)?)),
            [site, ALARMS, tank, alarm] => {
                let tank = tank.parse().map_err(named)?;
                alarm.parse::<TankName>().map_err(named)?;
                Ok(Self::Alarm(site.parse().map_err(named)?, tank, alarm.to_owned()))
            }
            [_, CENTRE | ALARMS, _] => Err(unknown()),
            [site, edge, leaf] => {
                let make = match leaf {
                    "readings" => Self::Readings,
                    "state" => Self::State,
                    "health" => Self::Health,
                    "committed" => Self::Committed,
                    _ => return Err(unknown()),
                };
                Ok(make(site.parse().map_err(named)?, edge.parse().map_err(named)?))
            }
            _ => Err(unknown()),
        }
    }
}

/// Gives the filters that the centre subscribes to for a site: readings, states and health of every edge.
#[must_use]
pub fn centre_filters(site: &SiteName) -> [String; 3] {
    ["readings", "state", "health"].map(|leaf| format!("{PREFIX}/{site}/+/{leaf}"))
}

/// Gives the filter of all alarms of a site.
#[must_use]
pub fn alarm_filter(site: &SiteName) -> String {
    format!("{PREFIX}/{site}/{ALARMS}/+/+")
}

/// Gives the client id of an edge: `{site}.{edge}`.
#[must_use]
pub fn client_id(site: &SiteName, edge: &EdgeName) -> String {
    format!("{site}.{edge}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_come_back_from_their_text() {
        for text in [
            "tankline/v1/lindong/rtu-01/readings",
            "tankline/v1/lindong/rtu-01/state",
            "tankline/v1/lindong/rtu-01/health",
            "tankline/v1/lindong/rtu-01/committed",
            "tankline/v1/lindong/centre/state",
            "tankline/v1/lindong/alarms/T-01/level-hh",
        ] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "tankline/v1",
            "tankline/v2/lindong/rtu-01/readings",
            "tankline/v1/lindong/rtu-01/writings",
            "tankline/v1/lindong/rtu.01/readings",
            "tankline/v1//rtu-01/readings",
            "tankline/v1/lindong/centre/readings",
            "tankline/v1/lindong/alarms/readings",
            "tankline/v1/lindong/rtu-01/readings/more",
            "tankline/v1x/lindong/rtu-01/readings",
        ] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
    }
}
