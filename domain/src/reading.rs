//! Readings and their quality.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::layer::TransitionLayer;
use crate::names::TankName;
use crate::register::Measurement;
use crate::units::{Celsius, Millimetres, UnixMillis};

/// What one poll of one gauge gave: values and how far to trust them.
///
/// Levels are in mm above the tank bottom. What was not measured is absent, never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The tank that the gauge stands on.
    pub tank: TankName,
    /// When the reply came, or the poll was given up.
    pub at: UnixMillis,
    /// Liquid level.
    #[serde(rename = "level_mm", default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Millimetres>,
    /// Oil-water interface level.
    #[serde(rename = "interface_mm", default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Millimetres>,
    /// Temperature at a fixed point.
    #[serde(rename = "temperature_c", default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Celsius>,
    /// The layer between water and oil, where the gauge shows one; without it the interface is taken for a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<TransitionLayer>,
    /// How far the values can be trusted.
    pub quality: Quality,
}

/// How far a reading can be trusted.
///
/// On the wire `good`, `uncertain:<reason>` or `bad:<reason>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Quality {
    /// The values are what the gauge measures.
    Good,
    /// The values may be off; the reason says why.
    Uncertain(Uncertain),
    /// There is no value that can be used; the reason says why.
    Bad(Bad),
}

/// Why a value may be off.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Uncertain {
    /// The level stands in a blind zone of the gauge.
    BlindZone,
    /// The interface reads above the level.
    InterfaceAboveLevel,
    /// The interface is what the gauge's register says, and the profile of its rod does not confirm it: it was not scanned
    /// yet, or not of late. Level and temperature are good.
    InterfaceUnconfirmed,
    /// A value stands at the end of the sensor's range.
    SensorLimit,
    /// The value did not change for too long.
    Stuck,
    /// The value changed faster than the tank can.
    Jump,
    /// The RTU's clock was not set when the reading was stamped.
    Clock,
    /// It was stamped while the RTU's clock was not set, and the RTU was started anew before it was: the value is what the
    /// gauge measured, the time is the latest that it can have.
    TimeUnknown,
    /// A reason of a newer version.
    Other(Reason),
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bad {
    /// Nothing came in time.
    NoReply,
    /// What came was damaged.
    Crc,
    /// What came did not answer the request.
    WrongReply,
    /// The gauge answered with this exception code.
    Exception(u8),
    /// A value is outside what the tank or the sensor can have.
    OutOfRange,
    /// The line itself could not be opened or failed.
    Line,
    /// There is none, and when that was is not known either: see [`Uncertain::TimeUnknown`].
    TimeUnknown,
    /// A reason of a newer version.
    Other(Reason),
}

/// A reason that this version does not know: 1 to 32 of `[a-z0-9-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason(Box<str>);

/// A text is not a quality.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a quality: it is good, uncertain:<reason> or bad:<reason>")]
pub struct QualityError {
    text: String,
}

impl Quality {
    /// Tells whether this is [`Quality::Good`].
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Good)
    }

    /// Tells whether level and temperature are what the gauge measures, be the interface unconfirmed or not.
    #[must_use]
    pub const fn vouches_for_level(&self) -> bool {
        matches!(self, Self::Good | Self::Uncertain(Uncertain::InterfaceUnconfirmed))
    }

    /// Tells whether interface and transition layer are what the gauge measures, whatever may be off with the level's top
    /// end or the time. Where they are not, water and oil are divided by a step.
    #[must_use]
    pub const fn vouches_for_layer(&self) -> bool {
        use Uncertain::{BlindZone, Clock, SensorLimit, TimeUnknown};
        matches!(self, Self::Good | Self::Uncertain(BlindZone | Clock | SensorLimit | TimeUnknown))
    }

    /// Tells whether this is [`Quality::Bad`].
    #[must_use]
    pub const fn is_bad(&self) -> bool {
        matches!(self, Self::Bad(_))
    }

    /// Gives the quality as a number: 192 good, 64 to 127 uncertain, 0 to 63 bad.
    ///
    /// The bands are those of OPC DA 3.0 section 6.8; within a band the number tells the reason, 0 an unknown one.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Good => 192,
            Self::Uncertain(reason) => {
                64 + match reason {
                    Uncertain::Other(_) => 0,
                    Uncertain::BlindZone => 1,
                    Uncertain::InterfaceAboveLevel => 2,
                    Uncertain::SensorLimit => 3,
                    Uncertain::Stuck => 4,
                    Uncertain::Jump => 5,
                    Uncertain::Clock => 6,
                    Uncertain::TimeUnknown => 7,
                    Uncertain::InterfaceUnconfirmed => 8,
                }
            }
            Self::Bad(reason) => match reason {
                Bad::Other(_) => 0,
                Bad::NoReply => 1,
                Bad::Crc => 2,
                Bad::WrongReply => 3,
                Bad::Exception(_) => 4,
                Bad::OutOfRange => 5,
                Bad::Line => 6,
                Bad::TimeUnknown => 7,
            },
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.pad("good"),
            Self::Uncertain(reason) => {
                let reason = match reason {
                    Uncertain::BlindZone => "blind-zone",
                    Uncertain::InterfaceAboveLevel => "interface-above-level",
                    Uncertain::SensorLimit => "sensor-limit",
                    Uncertain::Stuck => "stuck",
                    Uncertain::Jump => "jump",
                    Uncertain::Clock => "clock",
                    Uncertain::TimeUnknown => "time-unknown",
                    Uncertain::InterfaceUnconfirmed => "interface-unconfirmed",
                    Uncertain::Other(other) => &other.0,
                };
                f.pad(&format!("uncertain:{reason}"))
            }
            Self::Bad(reason) => {
                let reason = match reason {
                    Bad::NoReply => "no-reply",
                    Bad::Crc => "crc",
                    Bad::WrongReply => "wrong-reply",
                    Bad::Exception(code) => return f.pad(&format!("bad:exception-{code}")),
                    Bad::OutOfRange => "out-of-range",
                    Bad::Line => "line",
                    Bad::TimeUnknown => "time-unknown",
                    Bad::Other(other) => &other.0,
                };
                f.pad(&format!("bad:{reason}"))
            }
        }
    }
}

impl FromStr for Quality {
    type Err = QualityError;

    fn from_str(text: &str) -> Result<Self, QualityError> {
        let wrong = || QualityError { text: text.chars().take(80).collect() };
        if text == "good" {
            return Ok(Self::Good);
        }
        let (band, reason) = text.split_once(':').ok_or_else(wrong)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if reason.is_empty() || reason.len() > 32 || !reason.bytes().all(plain) {
            return Err(wrong());
        }
        let other = || Reason(reason.into());
        match band {
            "uncertain" => Ok(Self::Uncertain(match reason {
                "blind-zone" => Uncertain::BlindZone,
                "interface-above-level" => Uncertain::InterfaceAboveLevel,
                "sensor-limit" => Uncertain::SensorLimit,
                "stuck" => Uncertain::Stuck,
                "jump" => Uncertain::Jump,
                "clock" => Uncertain::Clock,
                "time-unknown" => Uncertain::TimeUnknown,
                "interface-unconfirmed" => Uncertain::InterfaceUnconfirmed,
                _ => Uncertain::Other(other()),
            })),
            "bad" => Ok(Self::Bad(match reason {
                "no-reply" => Bad::NoReply,
                "crc" => Bad::Crc,
                "wrong-reply" => Bad::WrongReply,
                "out-of-range" => Bad::OutOfRange,
                "line" => Bad::Line,
                "time-unknown" => Bad::TimeUnknown,
                _ => match reason.strip_prefix("exception-").map(str::parse) {
                    Some(Ok(code)) => Bad::Exception(code),
                    _ => Bad::Other(other()),
                },
            })),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Quality {
    type Error = QualityError;

    fn try_from(text: String) -> Result<Self, QualityError> {
        text.parse()
    }
}

impl From<Quality> for String {
    fn from(quality: Quality) -> Self {
        quality.to_string()
    }
}

/// What is known of a gauge's installation, to judge what it says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mounting {
    /// Height of the tank.
    pub tank_height: Millimetres,
    /// Added to level and interface: measuring origin above the tank bottom.
    pub offset: Millimetres,
    /// Zone at the bottom, above the tank bottom, in which the gauge does not see the level.
    pub bottom_blind_zone: Millimetres,
    /// Zone below the tank's height in which the gauge does not see the level.
    pub top_blind_zone: Millimetres,
    /// Lowest and highest level that the sensor can show, above the measuring origin; at an end it shows no more.
    pub sensor_range: Option<(Millimetres, Millimetres)>,
}

/// Lowest and highest temperature that a gauge in crude oil can truly show, in degC.
///
/// The range over which the volume correction of crude oil is defined (API MPMS 11.1-2004: -58 to 302 degF), rounded out.
const TEMPERATURE_RANGE_C: std::ops::RangeInclusive<f64> = -50.0..=150.0;

/// Sensor noise by which a level may read above the tank's height or below its bottom, in mm.
const LEVEL_TOLERANCE_MM: f64 = 10.0;

impl Reading {
    /// Judges what a gauge said.
    ///
    /// A level that the tank cannot have, or a missing one, makes the reading bad; it then carries no value at all.
    #[must_use]
    pub fn judge(tank: TankName, at: UnixMillis, measured: Measurement, mounting: &Mounting) -> Self {
        let above_bottom = |length: Millimetres| Millimetres::new(length.get() + mounting.offset.get());
        let level = measured.level.map(above_bottom);
        let interface = measured.interface.map(above_bottom);
        let quality = judge_values(level, interface, measured.temperature, mounting);
        if quality.is_bad() {
            return Self { tank, at, level: None, interface: None, temperature: None, layer: None, quality };
        }
        Self { tank, at, level, interface, temperature: measured.temperature, layer: None, quality }
    }

    /// Makes the reading of a poll that gave nothing: silence is data.
    #[must_use]
    pub const fn failed(tank: TankName, at: UnixMillis, reason: Bad) -> Self {
        let quality = Quality::Bad(reason);
        Self { tank, at, level: None, interface: None, temperature: None, layer: None, quality }
    }

    /// Takes the transition layer that the gauge shows; one that cannot be is left out.
    pub fn take_layer(&mut self, layer: Option<TransitionLayer>, mounting: &Mounting) {
        let can_be = |layer: &TransitionLayer| layer.check(self.level, self.interface, mounting.tank_height).is_ok();
        self.layer = layer.filter(can_be);
    }
}

fn judge_values(
    level: Option<Millimetres>,
    interface: Option<Millimetres>,
    temperature: Option<Celsius>,
    mounting: &Mounting,
) -> Quality {
    let height = mounting.tank_height.get();
    let possible = -LEVEL_TOLERANCE_MM..=height + LEVEL_TOLERANCE_MM;
    let Some(level) = level.map(Millimetres::get).filter(|level| possible.contains(level)) else {
        return Quality::Bad(Bad::OutOfRange);
    };
    let impossible = interface.is_some_and(|interface| !possible.contains(&interface.get()))
        || temperature.is_some_and(|temperature| !TEMPERATURE_RANGE_C.contains(&temperature.get()));
    if impossible {
        return Quality::Bad(Bad::OutOfRange);
    }
    if interface.is_some_and(|interface| interface.get() > level) {
        return Quality::Uncertain(Uncertain::InterfaceAboveLevel);
    }
    let shown = level - mounting.offset.get();
    if mounting.sensor_range.is_some_and(|(lowest, highest)| shown <= lowest.get() || shown >= highest.get()) {
        return Quality::Uncertain(Uncertain::SensorLimit);
    }
    let seen = mounting.bottom_blind_zone.get()..=height - mounting.top_blind_zone.get();
    if !seen.contains(&level) {
        return Quality::Uncertain(Uncertain::BlindZone);
    }
    Quality::Good
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOUNTING: Mounting = Mounting {
        tank_height: Millimetres::new(12_000.0),
        offset: Millimetres::new(50.0),
        bottom_blind_zone: Millimetres::new(100.0),
        top_blind_zone: Millimetres::new(200.0),
        sensor_range: Some((Millimetres::new(80.0), Millimetres::new(11_600.0))),
    };

    fn judged(level: Option<f64>, interface: Option<f64>, temperature: Option<f64>) -> Reading {
        let measured = Measurement {
            level: level.map(Millimetres::new),
            interface: interface.map(Millimetres::new),
            temperature: temperature.map(Celsius::new),
        };
        Reading::judge("T-01".parse().unwrap(), UnixMillis::new(1), measured, &MOUNTING)
    }

    #[test]
    fn values_are_judged_against_the_tank() {
        for (level, interface, temperature, quality) in [
            (Some(9591.0), Some(6317.0), Some(32.5), "good"),
            (Some(9591.0), None, None, "good"),
            (Some(20.0), Some(0.0), Some(5.0), "uncertain:sensor-limit"),
            (Some(80.0), Some(0.0), Some(5.0), "uncertain:sensor-limit"),
            (Some(81.0), Some(0.0), Some(5.0), "good"),
            (Some(11_600.0), Some(0.0), Some(5.0), "uncertain:sensor-limit"),
            (Some(11_800.0), Some(0.0), Some(5.0), "uncertain:sensor-limit"),
            (Some(5000.0), Some(5001.0), Some(5.0), "uncertain:interface-above-level"),
            (Some(12_000.0), Some(5001.0), Some(5.0), "bad:out-of-range"),
            (Some(65_535.0), Some(5001.0), Some(5.0), "bad:out-of-range"),
            (Some(9000.0), Some(5001.0), Some(-3276.8), "bad:out-of-range"),
            (Some(9000.0), Some(65_535.0), Some(5.0), "bad:out-of-range"),
            (None, Some(5001.0), Some(5.0), "bad:out-of-range"),
        ] {
            let reading = judged(level, interface, temperature);
            assert_eq!(reading.quality.to_string(), quality, "{level:?} {interface:?} {temperature:?}");
            assert_eq!(reading.level.is_none(), reading.quality.is_bad());
        }
        assert_eq!(judged(Some(9591.0), Some(6317.0), None).level, Some(Millimetres::new(9641.0)));
    }

    #[test]
    fn qualities_of_newer_versions_are_kept_and_nonsense_is_refused() {
        for text in ["good", "uncertain:jump", "bad:exception-2", "bad:crc", "uncertain:moon-phase", "bad:exception-x"]
        {
            assert_eq!(text.parse::<Quality>().unwrap().to_string(), text);
        }
        for text in
            ["", "Good", "good:", "bad", "bad:", "bad:A", "ugly:x", "bad:x y", &format!("bad:{}", "x".repeat(33))]
        {
            assert!(text.parse::<Quality>().is_err(), "{text}");
        }
    }

    #[test]
    fn layer_that_cannot_be_is_left_out() {
        let mut reading = judged(Some(8950.0), Some(2950.0), None);
        for (text, is_taken) in
            [("[[3000,0.6],[3200,0]]", true), ("[[3300,0.6],[3400,0]]", false), ("[[3000,0.6],[9100,0]]", false)]
        {
            reading.take_layer(Some(serde_json::from_str(text).unwrap()), &MOUNTING);
            assert_eq!(reading.layer.is_some(), is_taken, "{text}");
        }
        reading.take_layer(None, &MOUNTING);
        assert_eq!(reading.layer, None);
    }

    #[test]
    fn absent_values_are_absent_on_the_wire() {
        let reading = Reading::failed("T-01".parse().unwrap(), UnixMillis::new(7), Bad::NoReply);
        let json = serde_json::to_string(&reading).unwrap();
        assert_eq!(json, r#"{"tank":"T-01","at":7,"quality":"bad:no-reply"}"#);
        assert_eq!(serde_json::from_str::<Reading>(&json).unwrap(), reading);
    }

    proptest! {
        #[test]
        fn every_quality_comes_back_from_its_text(text in "(good|uncertain:[a-z0-9-]{1,32}|bad:[a-z0-9-]{1,32})") {
            let quality: Quality = text.parse().unwrap();
            let band = match quality.code() { 192 => "good", 64..=127 => "uncertain", _ => "bad" };
            prop_assert!(text.starts_with(band));
            prop_assert_eq!(quality.to_string().parse::<Quality>().unwrap(), quality);
        }
    }
}
