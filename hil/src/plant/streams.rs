//! What flows into and out of a tank, and what heats it.

use super::command::Inflow;

/// Share of water in a fresh emulsion, by volume.
pub(super) const EMULSION_CUT: f64 = 0.4;
/// Share of the water of a mixed stream that comes as emulsion; the rest falls out at once.
const BOUND_WATER: f64 = 0.4;

/// All streams of one tank. Those that are 0 or `None` do not flow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Streams {
    /// What flows in.
    pub(super) feed: Option<Feed>,
    /// What flows out at the bottom, in m3/h.
    pub(super) drain_m3h: f64,
    /// What flows out at the floating suction, in m3/h.
    pub(super) draw_m3h: f64,
    /// What flows out at a height: the volume in m3 below it, and m3/h.
    pub(super) side: Option<(f64, f64)>,
    /// What leaks out at the bottom, in m3/h.
    pub(super) leak_m3h: f64,
    /// Heat, in W.
    pub(super) heater_w: f64,
}

/// A stream into a tank, as it divides there. Flows in m3/h.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Feed {
    pub(super) oil_m3h: f64,
    pub(super) emulsion_m3h: f64,
    pub(super) water_m3h: f64,
    /// Share of water in the emulsion, by volume.
    pub(super) emulsion_cut: f64,
    /// Temperature in degC; that of the tank when absent.
    pub(super) temperature_c: Option<f64>,
}

impl From<Inflow> for Feed {
    /// Divides a mixed stream: part of its water is bound in an emulsion, the rest and the rest of the oil are free.
    fn from(inflow: Inflow) -> Self {
        let water = inflow.flow_m3h * inflow.water_cut_percent / 100.0;
        let oil = inflow.flow_m3h - water;
        let oil_a_water = (1.0 - EMULSION_CUT) / EMULSION_CUT;
        let bound = (BOUND_WATER * water).min(oil / oil_a_water);
        let emulsion_m3h = bound * (1.0 + oil_a_water);
        Self {
            oil_m3h: (oil - bound * oil_a_water).max(0.0),
            emulsion_m3h,
            water_m3h: water - bound,
            emulsion_cut: EMULSION_CUT,
            temperature_c: inflow.temperature_c,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_stream_divides_without_loss() {
        for water_cut_percent in [0.0, 1.0, 30.0, 60.0, 95.0, 100.0] {
            let feed = Feed::from(Inflow { flow_m3h: 400.0, water_cut_percent, temperature_c: None });
            let water = feed.water_m3h + feed.emulsion_m3h * feed.emulsion_cut;
            let oil = feed.oil_m3h + feed.emulsion_m3h * (1.0 - feed.emulsion_cut);
            assert!((water - 4.0 * water_cut_percent).abs() < 1e-9, "{feed:?}");
            assert!((oil - (400.0 - 4.0 * water_cut_percent)).abs() < 1e-9, "{feed:?}");
            assert!(feed.water_m3h >= 0.0 && feed.oil_m3h >= 0.0 && feed.emulsion_m3h >= 0.0, "{feed:?}");
        }
    }
}
