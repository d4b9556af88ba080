//! Tests of the steps.

use super::super::testing::{bare_steel, basis, floating_roof, mm};
use super::super::{Conditions, Quantities};
use super::*;
use crate::geometry::WaterCutProfile;
use crate::units::Celsius;

fn told(conditions: Conditions, measured: &Measured<'_>) -> (Vec<Step>, Quantities) {
    let basis = basis(conditions);
    let found = basis.quantities(measured).unwrap();
    let expanded = basis.uncertainty(measured).unwrap();
    (steps(&basis, measured, &found, &expanded), found)
}

fn read() -> Measured<'static> {
    Measured { level: mm(9641.0), water: Water::Interface(mm(6367.0)), temperature: Some(Celsius::new(32.5)) }
}

fn symbols(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.symbol).collect()
}

#[test]
fn every_step_is_told_with_its_numbers() {
    let conditions = Conditions { shell: Some(bare_steel()), roof: Some(floating_roof()), ..Conditions::default() };
    let (steps, found) = told(conditions, &read());
    let expected = [
        "TOV", "FW", "UV", "AV", "WC", "TSh", "CTSh", "FR", "GOV", "rho15", "alpha15", "VCF", "GSV", "S&W", "NSV", "M",
    ];
    assert_eq!(symbols(&steps), expected);
    let of = |symbol| steps.iter().find(|step| step.symbol == symbol).unwrap();
    assert_eq!(of("TOV").formula, "vertical-cylinder diameter_m=23.7 height_m=12.53 at 9641 mm");
    assert_eq!(of("TSh").formula, "(7 x 32.5 + -10) / 8");
    assert_eq!(of("GOV").formula, "(TOV - FW) x CTSh - FR = (4253.129988 - 2808.803924) x 1.000161006 - 49.819142");
    assert_eq!(of("GSV").formula, "GOV x VCF = 1394.739468 x 0.989658637");
    assert_eq!(of("GSV").note, "GB/T 1885-1998");
    assert_eq!(of("NSV").formula, "GSV x (1 - S&W) = 1380.31596 x (1 - 0.004)");
    assert_eq!(of("M").formula, "NSV x (rho20 - 1.1) / 1000 = 1374.794696 x (862 - 1.1) / 1000");
    assert_eq!(of("M").value, found.net.unwrap().mass.get());
    for symbol in ["TOV", "FW", "UV", "GOV", "GSV", "NSV", "M"] {
        assert!(of(symbol).uncertainty.is_some_and(|uncertainty| uncertainty > 0.0), "{symbol}");
    }
    assert_eq!(ends(&found), None);
}

#[test]
fn a_step_and_a_profile_are_told_apart() {
    let (steps, _) = told(Conditions::default(), &read());
    let fw = steps.iter().find(|step| step.symbol == "FW").unwrap();
    assert_eq!(fw.note, "the transition layer is taken for a step at the interface");
    let profile = WaterCutProfile::new(vec![(mm(6000.0), 1.0), (mm(7000.0), 0.0)]).unwrap();
    let (steps, _) = told(Conditions::default(), &Measured { water: Water::Profile(&profile), ..read() });
    assert_eq!(symbols(&steps)[..4], ["TOV", "FW", "VT", "WT"]);
    let told = "integral of w(h) dV(h) from 6000 to 7000 mm, w = 1 at 6000 mm, w = 0 at 7000 mm";
    assert_eq!(
        (steps[3].formula.as_str(), steps[3].note.as_str()),
        (told, "mean water cut 0.5000; U is that of all water")
    );
    let gov = steps.iter().find(|step| step.symbol == "GOV").unwrap();
    assert!(gov.formula.starts_with("TOV - FW - WT = "), "{}", gov.formula);
}

#[test]
fn chain_that_ends_early_says_where_and_why() {
    let (steps, found) = told(Conditions::default(), &Measured { temperature: None, ..read() });
    assert_eq!(symbols(&steps).last(), Some(&"GOV"));
    assert_eq!(ends(&found), Some(("GSV", Missing::Temperature)));
    let (steps, found) = told(Conditions::default(), &Measured { water: Water::Unknown, ..read() });
    assert_eq!(symbols(&steps), ["TOV", "UV", "AV", "WC"]);
    assert_eq!(ends(&found), Some(("GOV", Missing::Interface)));
}
