//! How an emulsion separates: its water sinks to the free water, its oil rises to the free oil.

use super::content::Content;
use super::fluid::Fluids;

/// Drops of water in a crude that was treated with demulsifier, in m.
const DROP_M: f64 = 60e-6;
/// Acceleration of gravity in m/s2.
const GRAVITY_M_S2: f64 = 9.81;
/// Viscosity of the crude at 40 degC in Pa s, and the share by which it falls for each degC more.
const VISCOSITY_40C_PA_S: f64 = 0.020;
const VISCOSITY_FALL_A_C: f64 = 0.045;
/// A layer thinner than this, in m, separates more and more slowly: the last drops are the finest.
const THIN_M: f64 = 0.2;
/// An emulsion of less than this is none, in kg.
const LEAST_KG: f64 = 0.5;

/// Lets the emulsion separate for a time. `area_m2` is that of the layer.
///
/// The speed is that of Stokes, `v = (rho_w - rho_o) g d^2 / (18 mu)`; the layer loses that thickness, and keeps its water cut.
pub(super) fn settle(content: &mut Content, fluids: &Fluids, area_m2: f64, seconds: f64) {
    let emulsion = content.emulsion;
    if emulsion.mass_kg() <= 0.0 {
        return;
    }
    let share = match emulsion.temperature_c() {
        Some(temperature_c) if emulsion.mass_kg() >= LEAST_KG => {
            let thickness_m = emulsion.volume(fluids) / area_m2;
            speed_m_s(fluids, temperature_c) * seconds / thickness_m.max(THIN_M)
        }
        _ => 1.0,
    };
    let mut apart = content.emulsion.take(share);
    let heat_a_degree = apart.heat_capacity();
    // Water and oil part with the temperature that they have.
    let mut water = super::content::Parcel { oil_kg: 0.0, ..apart };
    water.heat_j = if heat_a_degree > 0.0 { apart.heat_j * (water.heat_capacity() / heat_a_degree) } else { 0.0 };
    apart -= water;
    content.water += water;
    content.oil += apart;
}

fn speed_m_s(fluids: &Fluids, temperature_c: f64) -> f64 {
    let heavier = fluids.water_density(temperature_c) - fluids.oil_density(temperature_c);
    let viscosity = VISCOSITY_40C_PA_S * (-VISCOSITY_FALL_A_C * (temperature_c - 40.0)).exp();
    (heavier * GRAVITY_M_S2 * DROP_M * DROP_M / (18.0 * viscosity)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::content::Parcel;
    use super::*;

    fn emulsion_after(hours: u32, temperature_c: f64) -> (Content, Fluids) {
        let fluids = Fluids::of(None);
        let mut content = Content { emulsion: Parcel::of(&fluids, 60.0, 40.0, temperature_c), ..Content::default() };
        for _ in 0..hours * 60 {
            settle(&mut content, &fluids, 100.0, 60.0);
        }
        (content, fluids)
    }

    #[test]
    fn a_metre_of_emulsion_thins_by_centimetres_an_hour_and_is_gone_in_days() {
        let thickness_m = |hours| {
            let (content, fluids) = emulsion_after(hours, 40.0);
            content.emulsion.volume(&fluids) / 100.0
        };
        assert!((thickness_m(1) - 0.96).abs() < 0.03, "{}", thickness_m(1));
        assert!(thickness_m(10) < 0.7 && thickness_m(10) > 0.4, "{}", thickness_m(10));
        assert!(thickness_m(100) < 0.001, "{}", thickness_m(100));
    }

    #[test]
    fn water_and_oil_of_the_emulsion_are_in_their_layers_at_the_end() {
        let (content, fluids) = emulsion_after(2000, 40.0);
        assert_eq!(content.emulsion, Parcel::default());
        let volumes = content.volumes(&fluids);
        assert!((volumes.water - 40.0).abs() < 1e-6 && (volumes.oil - 60.0).abs() < 1e-6, "{volumes:?}");
        assert!((content.water.temperature_c().unwrap() - 40.0).abs() < 1e-6);
    }

    #[test]
    fn cold_emulsion_separates_more_slowly() {
        let left = |temperature_c| emulsion_after(5, temperature_c).0.emulsion.mass_kg();
        assert!(left(10.0) > 1.1 * left(40.0) && left(40.0) > 1.1 * left(60.0));
    }
}
