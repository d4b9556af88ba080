use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Celsius, CubicMetresPerHour, Millimetres};

/// What a tank is for at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// It may fill and be drawn from.
    #[default]
    Any,
    /// It may fill only.
    FillOnly,
    /// It may be drawn from only.
    DrawOnly,
    /// Nothing may move in it.
    Idle,
}

/// A text is no duty of a tank.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duty of a tank; write any, fill-only, draw-only or idle")]
pub struct UnknownDuty {
    text: String,
}

/// What the detectors know of a tank and its gauge beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WatchSettings {
    /// What the tank is for.
    pub duty: Duty,
    /// By how much the level may move before the float of the gauge does.
    ///
    /// 0.5 mm where nothing else is known. It decides what can be found: a gauge without it finds smaller losses.
    pub stiction: Millimetres,
    /// Step in which the gauge shows the level. 1 mm for the published gauge.
    pub level_step: Millimetres,
    /// Step in which the gauge shows the temperature. 0.1 degC for the published gauge.
    pub temperature_step: Celsius,
    /// How long a tank rests before it is tested for a leak.
    pub settling: Duration,
    /// A loss faster than this in a tank that is not idle is a movement and no leak.
    pub most_leak: CubicMetresPerHour,
    /// A flow slower than this is never told of as reverse.
    pub least_reverse: CubicMetresPerHour,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            duty: Duty::Any,
            stiction: Millimetres::new(0.5),
            level_step: Millimetres::new(1.0),
            temperature_step: Celsius::new(0.1),
            settling: Duration::from_secs(6 * 3600),
            most_leak: CubicMetresPerHour::new(1.0),
            least_reverse: CubicMetresPerHour::new(1.0),
        }
    }
}

impl Duty {
    /// Gives its word in a site description.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::FillOnly => "fill-only",
            Self::DrawOnly => "draw-only",
            Self::Idle => "idle",
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Duty {
    type Err = UnknownDuty;

    fn from_str(text: &str) -> Result<Self, UnknownDuty> {
        let all = [Self::Any, Self::FillOnly, Self::DrawOnly, Self::Idle];
        all.into_iter().find(|duty| duty.word() == text).ok_or_else(|| UnknownDuty { text: text.to_owned() })
    }
}
