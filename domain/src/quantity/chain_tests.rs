//! Tests of the chain.

use proptest::prelude::*;

use super::super::testing::{bare_steel, basis, crude, floating_roof, mm, tank};
use super::super::{Conditions, RoofState};
use super::*;
use crate::geometry::{Geometry, StrappingTable, Transition};
use crate::site::{Product, ProductKind};

fn read(level: f64, interface: Option<f64>, temperature: Option<f64>) -> Measured<'static> {
    let water = interface.map_or(Water::Unknown, |interface| Water::Interface(mm(interface)));
    Measured { level: mm(level), water, temperature: temperature.map(Celsius::new) }
}

#[track_caller]
fn assert_near(value: f64, expected: f64) {
    assert!((value / expected - 1.0).abs() < 1e-12, "{value} is not {expected}");
}

/// Computed beside, by hand and calculator, from the formulas of the standards.
#[test]
fn worked_example_is_met_at_every_step() {
    let conditions = Conditions { shell: Some(bare_steel()), ..Conditions::default() };
    let found = basis(conditions).quantities(&read(9641.0, Some(6367.0), Some(32.5))).unwrap();
    let (gross, net) = (found.gross.unwrap(), found.net.unwrap());
    let layers = found.layers.unwrap();
    assert_near(found.tov.get(), 4253.129988297989);
    assert_near(layers.free_water().get(), 2808.8039244366037);
    assert_eq!(layers.transition, Transition::Step);
    assert_eq!(gross.shell_temperature, Some(Celsius::new(27.1875)));
    assert_near(gross.ctsh, 1.00016100648025);
    assert_near(gross.gov.get(), 1444.558609717261);
    assert_near(net.factors.ctpl, 0.989658636751579);
    assert_near(net.gsv.get(), 1429.619904400541);
    assert_near(net.nsv.get(), 1423.9014247829386);
    assert_near(net.mass.get(), 1225.836736595632);
    assert_eq!(net.factors.standard.edition(), "GB/T 1885-1998");
}

#[test]
fn floating_roof_is_taken_off_at_the_density_that_the_oil_has() {
    let conditions = Conditions { shell: Some(bare_steel()), roof: Some(floating_roof()), ..Conditions::default() };
    let basis = basis(conditions);
    let found = basis.quantities(&read(9641.0, Some(6367.0), Some(32.5))).unwrap();
    let gross = found.gross.unwrap();
    assert_near(gross.roof.unwrap().volume.get(), 49.8191421613606);
    assert_near(gross.gov.get(), 1394.7394675559005);
    assert_near(found.net.unwrap().mass.get(), 1183.560753997024);
    let landed = basis.quantities(&read(1500.0, Some(100.0), Some(32.5))).unwrap().gross.unwrap().roof.unwrap();
    assert_eq!((landed.state, landed.volume.get()), (RoofState::Landed, 0.0));
    let film = basis.quantities(&read(9641.0, Some(9600.0), Some(32.5))).unwrap().gross.unwrap_err();
    assert!(matches!(film, Missing::OilUnderRoof { .. }));
    assert!(film.to_string().starts_with("the roof displaces 49.8"), "{film}");
}

/// The digest stands in stored history, so it must stay what it is from release to release.
#[test]
fn digest_changes_with_whatever_changes_a_quantity() {
    let plain = basis(Conditions::default());
    assert_eq!(
        plain.description(),
        "geometry=3ea294782c06f200 kind=crude density_20c_kg_m3=862 standard=gb-1885-1998 s_and_w=0.004 \
         safe_fill_mm=11800 least_fill_mm=700"
    );
    let others = [
        Conditions { shell: Some(bare_steel()), ..Conditions::default() },
        Conditions { roof: Some(floating_roof()), ..Conditions::default() },
        Conditions { s_and_w: Some(0.01), ..Conditions::default() },
        Conditions { safe_fill: Some(mm(9000.0)), ..Conditions::default() },
    ];
    let mut digests: Vec<String> = others.map(|conditions| basis(conditions).digest().to_owned()).to_vec();
    digests.push(plain.digest().to_owned());
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 5);
}

#[test]
fn ullage_and_what_can_be_drawn_end_at_the_limits_or_where_the_site_says() {
    let found = basis(Conditions::default()).quantities(&read(9641.0, None, None)).unwrap();
    let area = 4253.129988297989 / 9.641;
    assert_near(found.ullage.get(), area * (11.8 - 9.641));
    assert_near(found.available.get(), area * (9.641 - 0.7));
    let said = Conditions { safe_fill: Some(mm(9000.0)), least_fill: Some(mm(1000.0)), ..Conditions::default() };
    let basis = basis(said);
    let found = basis.quantities(&read(9641.0, None, None)).unwrap();
    assert_near(found.ullage.get(), -area * 0.641);
    assert_near(basis.working_capacity().get(), area * 8.0);
    assert_near(basis.volume_per_mm(mm(5000.0)).unwrap(), area / 1000.0);
    assert_near(basis.volume_per_mm(mm(12_530.0)).unwrap(), area / 1000.0);
}

#[test]
fn each_stage_says_what_it_lacks_and_the_ones_before_stand() {
    let plain = basis(Conditions::default());
    let steel = basis(Conditions { shell: Some(bare_steel()), ..Conditions::default() });
    let sewage = Product { kind: ProductKind::Water, density_20c: KilogramsPerCubicMetre::new(1002.5), ..crude() };
    let sewage = Basis::new(&tank(Conditions::default()), &sewage).unwrap();
    let at = |basis: &Basis, measured| basis.quantities(&measured).unwrap();
    let no_interface = at(&plain, read(5000.0, None, Some(20.0)));
    assert_eq!((no_interface.gross, no_interface.net), (Err(Missing::Interface), Err(Missing::Interface)));
    let no_temperature = at(&plain, read(5000.0, Some(0.0), None));
    assert!(no_temperature.gross.is_ok());
    assert_eq!(no_temperature.net, Err(Missing::Temperature));
    assert_eq!(at(&steel, read(5000.0, Some(0.0), None)).gross, Err(Missing::Temperature));
    let water = at(&sewage, read(5000.0, Some(4000.0), Some(30.0)));
    assert!(water.gross.is_ok());
    assert_eq!(water.net, Err(Missing::Standard));
    let hot = at(&plain, read(5000.0, Some(0.0), Some(160.0)));
    assert!(hot.gross.is_ok());
    assert!(matches!(hot.net, Err(Missing::Factor(CorrectionError::Temperature { .. }))));
    assert!(plain.quantities(&read(13_000.0, None, None)).is_err());
    assert!(plain.quantities(&read(5000.0, Some(6000.0), None)).is_err());
}

#[test]
fn load_on_the_shell_is_part_of_the_total_and_the_oil() {
    let table = "0,0,0\n10000,4000,2\n";
    let mut tank = tank(Conditions::default());
    tank.geometry = Geometry::Table(StrappingTable::from_csv(table).unwrap());
    let basis = Basis::new(&tank, &crude()).unwrap();
    let found = basis.quantities(&read(5000.0, Some(2500.0), Some(20.0))).unwrap();
    // Half water of 1000 and half oil of 862 kg/m3 on a table that says 1 m3 under water.
    assert_near(found.hydrostatic.get(), 0.931);
    assert_near(found.tov.get(), 2000.931);
    assert_near(found.gross.unwrap().gov.get(), 1000.931);
}

#[test]
fn water_in_the_transition_layer_is_taken_off_too() {
    let profile = WaterCutProfile::new(vec![(mm(4000.0), 0.9), (mm(5000.0), 0.3)]).unwrap();
    let measured =
        Measured { level: mm(9000.0), water: Water::Profile(&profile), temperature: Some(Celsius::new(20.0)) };
    let found = basis(Conditions::default()).quantities(&measured).unwrap();
    let area = 4253.129988297989 / 9.641;
    assert_near(found.layers.unwrap().free_water().get(), area * 4.0);
    assert_near(found.gross.unwrap().gov.get(), area * 4.4);
}

proptest! {
    #[test]
    fn chain_never_gives_more_oil_than_there_is(
        level in 0.0..12_530.0f64, part in 0.0..=1.0f64, temperature in -18.0..80.0f64,
    ) {
        let found = basis(Conditions::default()).quantities(&read(level, Some(part * level), Some(temperature))).unwrap();
        let (gross, net) = (found.gross.unwrap(), found.net.unwrap());
        prop_assert!(gross.gov.get() <= found.tov.get() && gross.gov.get() >= 0.0);
        prop_assert!(net.nsv.get() <= net.gsv.get());
        // Hot oil is less of it at 20 degC, cold oil more.
        prop_assert!((net.gsv.get() - gross.gov.get()) * (20.0 - temperature) >= 0.0);
        prop_assert!(net.mass.get() <= net.nsv.get() * 0.862);
    }

    #[test]
    fn more_liquid_is_more_of_everything(
        level in 1000.0..12_000.0f64, by in 0.001..500.0f64, temperature in -18.0..80.0f64,
    ) {
        let basis = basis(Conditions::default());
        let at = |level: f64| basis.quantities(&read(level, Some(900.0), Some(temperature))).unwrap();
        let (less, more) = (at(level), at(level + by));
        prop_assert!(more.tov.get() > less.tov.get() && more.ullage.get() < less.ullage.get());
        prop_assert!(more.net.unwrap().mass.get() > less.net.unwrap().mass.get());
    }
}
