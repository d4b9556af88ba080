//! A dip, and how far the gauge is from it.

use std::time::Duration;

use serde::Serialize;
use tankline_domain::names::{SiteName, TankName};
use tankline_domain::units::UnixMillis;

/// How far from a dip in time a reading of the gauge may be and still be set beside it.
pub const NEAR: Duration = Duration::from_secs(5 * 60);

/// Part of the dipped volume by which the gauge may differ.
///
/// Source: the stated accuracy of the gauge, by which its users judge it.
const AGREES: f64 = 0.002;

/// What is measured at a tank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measures {
    /// Liquid level above the tank bottom, mm.
    pub level_mm: f64,
    /// Interface above the tank bottom, mm.
    pub interface_mm: Option<f64>,
    /// Temperature of the liquid, degC.
    pub temperature_c: Option<f64>,
}

/// What was measured in one way, and what follows of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Side {
    /// When.
    pub at_ms: UnixMillis,
    /// What was measured.
    #[serde(flatten)]
    pub measures: Measures,
    /// Total observed volume, m3.
    pub tov_m3: Option<f64>,
    /// Net standard volume of the oil, m3 at 20 degC.
    pub nsv_m3: Option<f64>,
}

/// A recorded dip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dip {
    /// Its number.
    pub id: i64,
    /// The site.
    pub site: SiteName,
    /// The tank.
    pub tank: TankName,
    /// What was measured by hand. Volumes take interface and temperature of the gauge where they were not.
    pub hand: Side,
    /// The good reading nearest in time; absent when there is none within [`NEAR`].
    pub gauge: Option<Side>,
    /// Who measured.
    pub by: String,
    /// What else there is to say.
    pub note: Option<String>,
    /// When it was recorded.
    pub recorded_ms: UnixMillis,
    /// When it was revoked; it counts no more then.
    pub revoked_ms: Option<UnixMillis>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
}

/// By how much the gauge reads more than was measured by hand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Deviation {
    /// In the unit of the quantity.
    pub amount: f64,
    /// In per cent of what was measured by hand; absent where that is nothing.
    pub percent: Option<f64>,
}

impl Deviation {
    fn between(gauge: Option<f64>, hand: Option<f64>) -> Option<Self> {
        let (gauge, hand) = (gauge?, hand?);
        let amount = gauge - hand;
        let percent = (hand.abs() > 0.0).then(|| 100.0 * amount / hand.abs());
        Some(Self { amount, percent })
    }

    /// Tells whether it is within 0.2 %; absent where per cents mean nothing.
    #[must_use]
    pub fn agrees(&self) -> Option<bool> {
        self.percent.map(|percent| percent.abs() <= 100.0 * AGREES)
    }
}

impl Dip {
    /// Gives the difference of the levels, mm.
    #[must_use]
    pub fn level(&self) -> Option<Deviation> {
        Deviation::between(self.gauge.map(|gauge| gauge.measures.level_mm), Some(self.hand.measures.level_mm))
    }

    /// Gives the difference of the interfaces, mm.
    #[must_use]
    pub fn interface(&self) -> Option<Deviation> {
        Deviation::between(self.gauge.and_then(|gauge| gauge.measures.interface_mm), self.hand.measures.interface_mm)
    }

    /// Gives the difference of the temperatures, degC.
    #[must_use]
    pub fn temperature(&self) -> Option<Deviation> {
        Deviation::between(self.gauge.and_then(|gauge| gauge.measures.temperature_c), self.hand.measures.temperature_c)
    }

    /// Gives the difference of the total observed volumes, m3: by it the gauge is judged.
    #[must_use]
    pub fn tov(&self) -> Option<Deviation> {
        Deviation::between(self.gauge.and_then(|gauge| gauge.tov_m3), self.hand.tov_m3)
    }

    /// Gives the difference of the net standard volumes, m3.
    #[must_use]
    pub fn nsv(&self) -> Option<Deviation> {
        Deviation::between(self.gauge.and_then(|gauge| gauge.nsv_m3), self.hand.nsv_m3)
    }

    /// Gives by how many seconds the gauge was read after the dip.
    #[must_use]
    pub fn gauge_later_s(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        self.gauge.map(|gauge| gauge.at_ms.millis_since(self.hand.at_ms) as f64 / 1000.0)
    }
}
