//! A tank as operators see it. A stale or bad value never looks live.

use std::time::Duration;

use serde::Serialize;
use tankline_domain::layer::TransitionLayer;
use tankline_domain::message::Presence;
use tankline_domain::quantity::Basis;
use tankline_domain::units::UnixMillis;

use super::Seen;
use super::uncertainty::{Uncertainty, uncertainty};
use crate::stations::DescribedTank;
use crate::store::NewestOfTank;

/// A reading is never stale before this, however often its gauge is read.
const LEAST_STALE_AFTER: Duration = Duration::from_secs(5);

/// Readings that may be missing before the last one is stale.
const MISSED: u32 = 3;

/// Whether the values shown hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TankState {
    /// They do.
    Live,
    /// They do, but may be off; the quality says why.
    Uncertain,
    /// There are none; the quality says why.
    Bad,
    /// They held at the time said; what holds now is not known.
    Stale,
    /// There was never a reading.
    Never,
}

impl TankState {
    /// Gives it as a number, for databases that know only numbers: 0 live, 1 uncertain, 2 bad, 3 stale, 4 never.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Live => 0,
            Self::Uncertain => 1,
            Self::Bad => 2,
            Self::Stale => 3,
            Self::Never => 4,
        }
    }
}

/// A tank as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TankView {
    /// The site.
    pub site: String,
    /// The tank.
    pub tank: String,
    /// What people call it.
    pub title: String,
    /// What it holds.
    pub product: String,
    /// Whether the values hold now.
    pub state: TankState,
    /// Whether they are too old, or their edge is gone, or there are none at all.
    pub stale: bool,
    /// The values, with the time at which they held.
    #[serde(flatten)]
    pub shown: Shown,
    /// How old they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<f64>,
    /// The last good values, when the newest reading is bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Shown>,
}

/// Values and the time at which they held. What is not known is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Shown {
    /// Liquid level, mm above the tank bottom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_mm: Option<f64>,
    /// Interface level, mm above the tank bottom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_mm: Option<f64>,
    /// What the layer between water and oil is taken for; absent where the interface is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<TransitionKind>,
    /// Where the transition layer begins and the free water ends, mm above the tank bottom; absent where it is a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_bottom_mm: Option<f64>,
    /// Where the transition layer ends and the free oil begins, mm above the tank bottom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_top_mm: Option<f64>,
    /// Points of the transition layer: height in mm, water cut from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<TransitionLayer>,
    /// Temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f64>,
    /// Total observed volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tov_m3: Option<f64>,
    /// Free water.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fw_m3: Option<f64>,
    /// Oil, that in the transition layer too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oil_m3: Option<f64>,
    /// All that is in the transition layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulsion_m3: Option<f64>,
    /// Water in the transition layer; it is not part of the free water.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulsion_water_m3: Option<f64>,
    /// Gross observed volume of the oil: as it is in the tank, with shell and roof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gov_m3: Option<f64>,
    /// Gross standard volume of the oil, at 20 degC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsv_m3: Option<f64>,
    /// Net standard volume of the oil, at 20 degC, without sediment and water.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nsv_m3: Option<f64>,
    /// Mass of the oil in air.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass_t: Option<f64>,
    /// Room up to the safe fill height; below 0 beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ullage_m3: Option<f64>,
    /// Flow, m3/h, positive into the tank; of the net standard volume, or of the total where the tank holds water.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_m3h: Option<f64>,
    /// How well the volumes and the mass are known; given where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
    /// Quality of the reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// When it was measured, as a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// When it was measured, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
}

/// What the layer between water and oil is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TransitionKind {
    /// A step at the interface: the gauge shows no layer, or one that cannot be trusted now.
    Step,
    /// The layer that the gauge shows, by its water cut from height to height.
    Profile,
}

impl TankView {
    /// Gives the same with how well the volumes are known.
    #[must_use]
    pub fn with_uncertainty(mut self, basis: &Basis) -> Self {
        for shown in std::iter::once(&mut self.shown).chain(&mut self.last_good) {
            shown.uncertainty = uncertainty(basis, shown);
        }
        self
    }
}

/// Shows a tank.
#[must_use]
pub fn view(now: UnixMillis, tank: &DescribedTank, known: Option<&NewestOfTank>, edge: Option<Presence>) -> TankView {
    let newest = known.and_then(|known| known.newest.as_ref());
    let age_ms = newest.map(|seen| now.millis_since(seen.since()).max(0));
    let stale = edge == Some(Presence::Offline) || age_ms.is_none_or(|age| age > stale_after_ms(tank));
    let bad = newest.is_some_and(|seen| seen.quality.is_bad());
    let state = match newest {
        None => TankState::Never,
        Some(_) if stale => TankState::Stale,
        Some(_) if bad => TankState::Bad,
        Some(seen) if seen.quality.is_good() => TankState::Live,
        Some(_) => TankState::Uncertain,
    };
    let last_good = known.and_then(|known| known.last_good.as_ref()).filter(|_| bad);
    TankView {
        site: tank.site.to_string(),
        tank: tank.tank.name.to_string(),
        title: tank.tank.title.clone(),
        product: tank.tank.product.to_string(),
        state,
        stale,
        shown: newest.map(shown).unwrap_or_default(),
        age_s: age_ms.map(seconds),
        last_good: last_good.map(shown),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an age is far below 2^53 ms")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn stale_after_ms(tank: &DescribedTank) -> i64 {
    let silence = tank.longest_silence.unwrap_or_default().saturating_mul(MISSED);
    i64::try_from(silence.max(LEAST_STALE_AFTER).as_millis()).unwrap_or(i64::MAX)
}

fn shown(seen: &Seen) -> Shown {
    let is_layered = seen.derived.emulsion_m3.is_some();
    let layer = seen.layer.clone().filter(|_| is_layered);
    let kind = if is_layered { TransitionKind::Profile } else { TransitionKind::Step };
    Shown {
        level_mm: seen.level_mm,
        interface_mm: seen.interface_mm,
        transition: seen.derived.fw_m3.map(|_| kind),
        layer_bottom_mm: layer.as_ref().map(|layer| layer.bottom().get()),
        layer_top_mm: layer.as_ref().map(|layer| layer.top().get()),
        layer,
        temperature_c: seen.temperature_c,
        tov_m3: seen.derived.tov_m3,
        fw_m3: seen.derived.fw_m3,
        oil_m3: seen.derived.oil_m3,
        emulsion_m3: seen.derived.emulsion_m3,
        emulsion_water_m3: seen.derived.emulsion_water_m3,
        gov_m3: seen.derived.gov_m3,
        gsv_m3: seen.derived.gsv_m3,
        nsv_m3: seen.derived.nsv_m3,
        mass_t: seen.derived.mass_t,
        ullage_m3: seen.derived.ullage_m3,
        flow_m3h: seen.derived.flow_m3h,
        uncertainty: None,
        quality: Some(seen.quality.to_string()),
        at: Some(seen.at.to_string()),
        at_ms: Some(seen.at.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::Derived;
    use crate::testing;

    const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);

    fn seen(age_ms: i64, quality: &str) -> Seen {
        let at = UnixMillis::new(NOW.get() - age_ms);
        let level_mm = (!quality.starts_with("bad")).then_some(5000.0);
        let quality = quality.parse().unwrap();
        let derived = Derived::default();
        Seen { at, received: NOW, level_mm, interface_mm: None, temperature_c: None, layer: None, quality, derived }
    }

    #[test]
    fn only_a_young_reading_of_an_edge_that_is_there_looks_live() {
        let stations = testing::stations();
        let tank = stations.tanks().next().unwrap().1;
        let (online, offline) = (Some(Presence::Online), Some(Presence::Offline));
        for (age_ms, quality, edge, state, stale) in [
            (0, "good", online, TankState::Live, false),
            (5000, "good", online, TankState::Live, false),
            (5001, "good", online, TankState::Stale, true),
            (0, "good", None, TankState::Live, false),
            (0, "good", offline, TankState::Stale, true),
            (0, "uncertain:stuck", online, TankState::Uncertain, false),
            (0, "bad:crc", online, TankState::Bad, false),
            (6000, "bad:crc", online, TankState::Stale, true),
        ] {
            let last_good = Some(seen(60_000, "good"));
            let known = NewestOfTank { newest: Some(seen(age_ms, quality)), last_good };
            let view = view(NOW, tank, Some(&known), edge);
            assert_eq!((view.state, view.stale), (state, stale), "{age_ms} {quality} {edge:?}");
            assert_eq!(view.shown.at_ms, Some(NOW.get() - age_ms));
            let bad = quality.starts_with("bad");
            assert_eq!((view.shown.level_mm.is_none(), view.last_good.is_some()), (bad, bad));
        }
        let view = view(NOW, tank, None, online);
        assert_eq!((view.state, view.stale, view.age_s), (TankState::Never, true, None));
    }

    #[test]
    fn clock_of_an_edge_that_runs_ahead_makes_nothing_look_young() {
        let stations = testing::stations();
        let tank = stations.tanks().next().unwrap().1;
        let mut ahead = seen(-3_600_000, "good");
        ahead.received = UnixMillis::new(NOW.get() - 10_000);
        let view = view(NOW, tank, Some(&NewestOfTank { newest: Some(ahead), last_good: None }), None);
        assert_eq!((view.state, view.age_s), (TankState::Stale, Some(10.0)));
    }
}
