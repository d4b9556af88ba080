//! Whether a reading can be true of its tank.

use tankline_domain::layer::LayerMisfit;
use tankline_domain::message::SequencedReading;
use tankline_domain::units::{Millimetres, UnixMillis};

/// 2020-01-01T00:00:00Z: nothing of ours is older.
const EARLIEST: UnixMillis = UnixMillis::new(1_577_836_800_000);

/// How far the clock of an edge may be ahead.
const AHEAD_MS: i64 = 24 * 60 * 60 * 1000;

/// How far a level may read outside the tank, mm.
const LEVEL_TOLERANCE_MM: f64 = 10.0;

/// Temperatures that a reading may have, degC.
const TEMPERATURE_RANGE_C: std::ops::RangeInclusive<f64> = -50.0..=150.0;

/// Highest sequence number that the store can hold.
const HIGHEST_SEQ: u64 = i64::MAX.unsigned_abs();

/// Says why a reading cannot be taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Implausible {
    #[error("seq {seq} is outside 1 to {HIGHEST_SEQ}")]
    Sequence { seq: u64 },
    #[error("at {} ({at}) is before 2020-01-01", .at.get())]
    TooEarly { at: UnixMillis },
    #[error("at {at} is more than a day ahead of {now}")]
    TooLate { at: UnixMillis, now: UnixMillis },
    #[error("{field} {value} is outside {low} to {high} of tank {tank}")]
    OutOfRange { field: &'static str, value: f64, low: f64, high: f64, tank: String },
    #[error("quality {quality} carries a {field}; a bad reading has no values")]
    ValueOfBad { quality: String, field: &'static str },
    #[error("quality {quality} without a level_mm; only a bad reading has none")]
    NoLevel { quality: String },
    #[error(transparent)]
    Layer(#[from] LayerMisfit),
}

/// Checks all that can be known of a reading from itself and the height of its tank.
pub(super) fn check(now: UnixMillis, item: &SequencedReading, height: Millimetres) -> Result<(), Implausible> {
    let SequencedReading { seq, reading } = item;
    if !(1..=HIGHEST_SEQ).contains(seq) {
        return Err(Implausible::Sequence { seq: *seq });
    }
    if reading.at < EARLIEST {
        return Err(Implausible::TooEarly { at: reading.at });
    }
    if reading.at.millis_since(now) > AHEAD_MS {
        return Err(Implausible::TooLate { at: reading.at, now });
    }
    let layer = reading.layer.as_ref();
    let values = [
        ("level_mm", reading.level.map(Millimetres::get)),
        ("interface_mm", reading.interface.map(Millimetres::get)),
        ("temperature_c", reading.temperature.map(|temperature| temperature.get())),
    ];
    let carried = values.iter().find(|(_, value)| value.is_some()).map(|(field, _)| *field);
    if reading.quality.is_bad()
        && let Some(field) = carried.or(layer.map(|_| "layer"))
    {
        return Err(Implausible::ValueOfBad { quality: reading.quality.to_string(), field });
    }
    if !reading.quality.is_bad() && reading.level.is_none() {
        return Err(Implausible::NoLevel { quality: reading.quality.to_string() });
    }
    let levels = -LEVEL_TOLERANCE_MM..=height.get() + LEVEL_TOLERANCE_MM;
    for ((field, value), range) in values.into_iter().zip([&levels, &levels, &TEMPERATURE_RANGE_C]) {
        // A value that is no number is in no range.
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            let (low, high, tank) = (*range.start(), *range.end(), reading.tank.to_string());
            return Err(Implausible::OutOfRange { field, value, low, high, tank });
        }
    }
    Ok(layer.map_or(Ok(()), |layer| layer.check(reading.level, reading.interface, height))?)
}
