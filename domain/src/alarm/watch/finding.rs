use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known of one question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It cannot be told now. What was found before neither stands nor falls by it.
    NotTestable(WhyNot),
    /// It was tested and is not so.
    Clear,
    /// It was tested and is so.
    Found(Finding),
}

/// What was found, and the limit beyond which it counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The value: of a movement the volume in m3, of a leak L/h, of a reverse flow m3/h. Negative out of the tank, but
    /// for a leak, which is a loss and positive.
    pub value: f64,
    /// The limit, in the same unit, without sign.
    pub limit: f64,
}

/// Why something cannot be told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WhyNot {
    /// The duty of the tank does not ask for it.
    NotAsked,
    /// There are not enough readings yet.
    TooFewReadings,
    /// The tank moves, or has not been at rest for long enough.
    Moving,
    /// It rests, but heat and layers have not settled.
    Settling,
    /// The temperature, or what is water and what is oil, is not known.
    NoTemperature,
}

/// What is known of a tank. Movement in m3, leak in L/h, reverse flow in m3/h.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// A tank that is to be idle moves.
    pub movement: Verdict,
    /// A tank at rest slowly loses.
    pub leak: Verdict,
    /// A tank flows the way that its duty forbids.
    pub reverse_flow: Verdict,
}

impl Default for Findings {
    fn default() -> Self {
        let nothing = Verdict::NotTestable(WhyNot::TooFewReadings);
        Self { movement: nothing, leak: nothing, reverse_flow: nothing }
    }
}

impl Verdict {
    /// Gives what was found, if anything.
    #[must_use]
    pub const fn found(&self) -> Option<Finding> {
        match *self {
            Self::Found(finding) => Some(finding),
            Self::NotTestable(_) | Self::Clear => None,
        }
    }
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotAsked => "the duty of the tank does not ask for it",
            Self::TooFewReadings => "there are not enough readings yet",
            Self::Moving => "the tank moves or has not been at rest for long enough",
            Self::Settling => "heat and layers have not settled",
            Self::NoTemperature => "the temperature or the interface is not known",
        })
    }
}
