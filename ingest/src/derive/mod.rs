//! Quantities from readings, by what is described of the tank.

use tankline_domain::alarm::watch::Seen;
use tankline_domain::flow::{Flow, FlowMeter};
use tankline_domain::geometry::{Geometry, Layers, Transition};
use tankline_domain::layer::TransitionLayer;
use tankline_domain::quantity::{Basis, Measured, Quantities, Water};
use tankline_domain::reading::Reading;
use tankline_domain::units::{Celsius, CubicMetres, Millimetres, UnixMillis};

/// By how much a level may read below the lowest or above the greatest known height and still be taken for it: the
/// noise that a reading of an empty or full tank may have.
const NOISE_MM: f64 = 10.0;

/// What is derived from one reading. What cannot be known is absent, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Derived {
    /// Total observed volume, m3.
    pub tov_m3: Option<f64>,
    /// Free water, m3.
    pub fw_m3: Option<f64>,
    /// Oil as it is in the tank, m3: the total less all water.
    pub oil_m3: Option<f64>,
    /// All that is in the transition layer, m3; absent where it is taken for a step at the interface.
    pub emulsion_m3: Option<f64>,
    /// Water in the transition layer, m3; it is not part of the free water.
    pub emulsion_water_m3: Option<f64>,
    /// Gross observed volume of the oil, m3: with shell and roof.
    pub gov_m3: Option<f64>,
    /// Gross standard volume of the oil, m3 at 20 degC.
    pub gsv_m3: Option<f64>,
    /// Net standard volume of the oil, m3 at 20 degC.
    pub nsv_m3: Option<f64>,
    /// Mass of the oil in air, t.
    pub mass_t: Option<f64>,
    /// Room up to the safe fill height, m3.
    pub ullage_m3: Option<f64>,
    /// Flow, m3/h, positive into the tank: of NSV, or of TOV where the tank holds water.
    pub flow_m3h: Option<f64>,
    /// Flow of the total observed volume, m3/h: known also while the net volume is not. It is not stored.
    pub tov_flow_m3h: Option<f64>,
    /// Expanded uncertainty (k = 2) of the flow of the total, m3/h.
    pub tov_flow_uncertainty_m3h: Option<f64>,
    /// The flow of the total with all that is known of it.
    pub tov_flow: Option<Flow>,
    /// What the reading tells of the volume to who watches it; absent unless it is good. It is not stored.
    pub seen: Option<Seen>,
}

/// Derives the quantities of one tank, reading by reading.
#[derive(Debug, Clone, Default)]
pub struct Deriver {
    total: FlowMeter,
    net: FlowMeter,
    /// Whether the newest net volume was by a transition layer, and when that was.
    by_layer: Option<(UnixMillis, bool)>,
}

/// Gives what a reading lets be computed, from the most that it tells to the least: water and oil by the transition layer,
/// by a step at the interface, and the total alone.
///
/// What is not known, or cannot be, is passed over by asking for one after the other.
pub fn divisions<'l>(
    basis: &Basis,
    level: Millimetres,
    interface: Option<Millimetres>,
    layer: Option<&'l TransitionLayer>,
    temperature: Option<Celsius>,
) -> impl Iterator<Item = Measured<'l>> {
    let (level, step) = (within(basis.geometry(), level), interface.map(|at| within(basis.geometry(), at)));
    let by_layer = layer.map(|layer| Water::Profile(layer.profile()));
    let waters = [by_layer, step.map(Water::Interface), Some(Water::Unknown)];
    waters.into_iter().flatten().map(move |water| Measured { level, water, temperature })
}

impl Deriver {
    /// Derives what a reading tells of; nothing from a bad one.
    ///
    /// A layer of which the reading's quality does not vouch is taken for a step at the interface. An interface above the
    /// level, or one where the tank's volumes are not known, leaves the total alone. A reading that is older than one
    /// before, as those of a backlog are, has no flow.
    pub fn derive(&mut self, basis: &Basis, reading: &Reading) -> Derived {
        let Some(level) = reading.level.filter(|_| !reading.quality.is_bad()) else {
            return Derived::default();
        };
        let layer = reading.layer.as_ref().filter(|_| reading.quality.vouches_for_layer());
        let mut told = divisions(basis, level, reading.interface, layer, reading.temperature);
        let Some(found) = told.find_map(|measured| basis.quantities(&measured).ok()) else {
            return Derived::default();
        };
        let per_mm = basis.volume_per_mm(within(basis.geometry(), level)).ok().map(CubicMetres::new);
        let (flow, tov_flow) = per_mm.map_or((None, None), |per_mm| self.flows(basis, reading.at, per_mm, &found));
        let layer = |volume: fn(Layers) -> CubicMetres| found.layers.map(|layers| volume(layers).get());
        let emulsion = found.layers.and_then(emulsion);
        let net = found.net.as_ref().ok();
        Derived {
            tov_m3: Some(found.tov.get()),
            fw_m3: layer(|layers| layers.free_water()),
            oil_m3: layer(|layers| layers.oil),
            emulsion_m3: emulsion.map(|(all, _)| all),
            emulsion_water_m3: emulsion.map(|(_, water)| water),
            gov_m3: found.gross.as_ref().ok().map(|gross| gross.gov.get()),
            gsv_m3: net.map(|net| net.gsv.get()),
            nsv_m3: net.map(|net| net.nsv.get()),
            mass_t: net.map(|net| net.mass.get()),
            ullage_m3: Some(found.ullage.get()),
            flow_m3h: flow.map(|flow| flow.flow.get()),
            tov_flow_m3h: tov_flow.map(|flow| flow.flow.get()),
            tov_flow_uncertainty_m3h: tov_flow.map(|flow| flow.uncertainty.get()),
            tov_flow,
            seen: per_mm
                .filter(|_| reading.quality.is_good())
                .map(|per_mm| Seen::new(reading.at, &found, reading.temperature, per_mm)),
        }
    }

    /// Gives the flow of the tank's quantity, and that of its total.
    fn flows(
        &mut self,
        basis: &Basis,
        at: UnixMillis,
        step: CubicMetres,
        found: &Quantities,
    ) -> (Option<Flow>, Option<Flow>) {
        let total = self.total.push(at, found.tov, step);
        // Water and oil by a layer and by a step are not the same: from the one to the other nothing flowed.
        let by_layer = found.layers.and_then(emulsion).is_some();
        let is_newest = self.by_layer.is_none_or(|(newest, _)| at > newest);
        if is_newest && found.net.is_ok() {
            if self.by_layer.is_some_and(|(_, before)| before != by_layer) {
                self.net = FlowMeter::default();
            }
            self.by_layer = Some((at, by_layer));
        }
        let flow = match (basis.edition(), &found.net) {
            (None, _) => total,
            (Some(_), Ok(net)) => self.net.push(at, net.nsv, step),
            // One volume now and another then is no flow.
            (Some(_), Err(_)) => None,
        };
        (flow, total)
    }
}

/// Gives what is in the transition layer, and the water of it, m3; nothing where it is taken for a step.
fn emulsion(layers: Layers) -> Option<(f64, f64)> {
    match layers.transition {
        Transition::Profile { water, oil, .. } => Some((water.get() + oil.get(), water.get())),
        _ => None,
    }
}

/// Takes a height that is out of reach by no more than noise for the nearest one in reach.
fn within(geometry: &Geometry, height: Millimetres) -> Millimetres {
    let (bottom, top) = (geometry.bottom().get(), geometry.height().get());
    let near = (bottom - NOISE_MM..=top + NOISE_MM).contains(&height.get());
    if near { Millimetres::new(height.get().clamp(bottom, top)) } else { height }
}

#[cfg(test)]
#[path = "derive_tests.rs"]
mod tests;
