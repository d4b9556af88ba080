//! Tests of the corrections: published numbers, limits, and what must hold for every liquid.

use proptest::prelude::*;

use super::*;
use crate::vcf::density_of_api_gravity;

const API: Standard = Standard::Api11_1_2004;
const GB: Standard = Standard::Gb1885_1998;

fn kg(density: f64) -> KilogramsPerCubicMetre {
    KilogramsPerCubicMetre::new(density)
}

fn fahrenheit(degrees: f64) -> Celsius {
    Celsius::from_fahrenheit(degrees)
}

fn celsius(degrees: f64) -> Celsius {
    Celsius::new(degrees)
}

fn no_pressure() -> Kilopascals {
    Kilopascals::new(0.0)
}

fn read(density: f64, temperature: Celsius, taken: Taken) -> Observed {
    Observed { density: kg(density), temperature, pressure: no_pressure(), taken }
}

#[track_caller]
fn assert_agrees(name: &str, value: f64, published: f64) {
    let error = (value / published - 1.0).abs();
    assert!(error < 1e-9, "{name}: {value} is not {published}, relative error {error:e}");
}

/// Worked numbers of API MPMS 11.1-2004 with Addendum 2: base density, temperature, pressure -> CTL, CPL.
#[test]
fn published_base_densities_give_the_published_factors() {
    use Commodity::{Crude, FuelOil};
    let gravity = |api| density_of_api_gravity(api).get();
    let bar = Kilopascals::from_bar;
    let table = [
        ("cold heavy crude", Crude, Base::F60, gravity(17.785), fahrenheit(-27.7), bar(0.0), 1.033011591958, 1.0),
        ("light crude", Crude, Base::C15, 772.3, celsius(-32.8), bar(24.6), 1.048420095319, 1.001652488031),
        ("fuel oil", FuelOil, Base::C15, 865.6, celsius(87.32), bar(0.75), 0.940416747194, 1.000078931033),
        ("heavy fuel oil", FuelOil, Base::F60, gravity(19.4), fahrenheit(48.04), bar(0.0), 1.004858068990, 1.0),
    ];
    for (name, commodity, base, density, temperature, pressure, ctl, cpl) in table {
        let correction = Correction::of_base_density(API, commodity, base, kg(density)).unwrap();
        let factors = correction.at(temperature, pressure).unwrap();
        assert_agrees(name, factors.ctl, ctl);
        assert_agrees(name, factors.cpl, cpl);
        assert_agrees(name, factors.ctpl, ctl * cpl);
        assert_agrees(name, correction.base_density().get(), density);
        assert_eq!(factors.standard.edition(), "API MPMS 11.1-2004 Addendum 2");
    }
    let light = Correction::of_base_density(API, Crude, Base::C15, kg(772.3)).unwrap();
    assert_agrees("ctpl", light.at(celsius(-32.8), bar(24.6)).unwrap().ctpl, 1.050152596978);
    let heavy = Correction::of_base_density(API, Crude, Base::F60, density_of_api_gravity(17.785)).unwrap();
    let ctl = heavy.at(fahrenheit(-27.7), bar(0.0)).unwrap().ctl;
    assert_agrees("density", ctl * heavy.base_density().get(), 978.1780343640);
}

/// Worked numbers of the same: observed density and temperature -> base density, CTL.
#[test]
fn published_observed_densities_give_the_published_base_densities() {
    let table = [
        (Base::F60, fahrenheit(80.3), 832.048516184234, 0.989966310837),
        (Base::C15, celsius(26.8), 832.434018321149, 0.989507855128),
    ];
    for (base, temperature, density, ctl) in table {
        let observed = read(823.7, temperature, Taken::Densimeter);
        let correction = Correction::of_observed(API, Commodity::Crude, base, &observed).unwrap();
        assert_agrees("base density", correction.base_density().get(), density);
        assert_agrees("ctl", correction.at(temperature, no_pressure()).unwrap().ctl, ctl);
    }
}

/// Rows of the tables of GB/T 1885-1998. The density table has rows for quarters of a degree: 24.3 is read at 24.25.
#[test]
fn rows_of_the_chinese_tables_are_met() {
    let crude = Correction::of_base_density(GB, Commodity::Crude, Base::C20, kg(860.0)).unwrap();
    for (temperature, vcf) in [(0.0, "1.0165"), (30.0, "0.9917"), (40.0, "0.9833")] {
        let factors = crude.at(celsius(temperature), no_pressure()).unwrap();
        assert_eq!(format!("{:.4}", factors.ctpl), vcf);
        assert_eq!(factors.standard.edition(), "GB/T 1885-1998");
    }
    let gasoline = read(720.8, celsius(24.3), Taken::Hydrometer);
    let gasoline = Correction::of_observed(GB, Commodity::Gasoline, Base::C20, &gasoline).unwrap();
    assert_eq!(format!("{:.1}", gasoline.base_density().get()), "724.6");
    assert_eq!(format!("{:.4}", gasoline.at(celsius(24.0), no_pressure()).unwrap().ctl), "0.9949");
}

#[test]
fn what_is_outside_a_standard_is_refused_with_quantity_value_and_range() {
    let crude = Correction::of_base_density(API, Commodity::Crude, Base::F60, kg(850.0)).unwrap();
    let chinese = Correction::of_base_density(GB, Commodity::Crude, Base::C20, kg(850.0)).unwrap();
    let of = |standard, commodity, base, density| {
        Correction::of_base_density(standard, commodity, base, kg(density)).unwrap_err().to_string()
    };
    let observed = |standard, density, taken| {
        let observed = read(density, celsius(30.0), taken);
        Correction::of_observed(standard, Commodity::Crude, Base::C20, &observed).unwrap_err().to_string()
    };
    let at = |correction: &Correction, temperature, pressure| {
        correction.at(temperature, Kilopascals::new(pressure)).unwrap_err().to_string()
    };
    let api_temperatures = "is outside -50 degC (-58 degF) to 150 degC (302 degF) of API MPMS 11.1-2004 Addendum 2";
    for (said, expected) in [
        (at(&crude, fahrenheit(-58.05), 0.0), format!("temperature -50.0278 degC (-58.05 degF) {api_temperatures}")),
        (at(&crude, fahrenheit(302.05), 0.0), format!("temperature 150.028 degC (302.05 degF) {api_temperatures}")),
        (at(&crude, celsius(f64::NAN), 0.0), format!("temperature NaN degC (NaN degF) {api_temperatures}")),
        (
            at(&crude, celsius(20.0), 11_000.0),
            "pressure 11000 kPa (1595.42 psi) is outside 0 kPa (0 psi) to 10342.1 kPa (1500 psi) of \
             API MPMS 11.1-2004 Addendum 2"
                .to_owned(),
        ),
        (
            of(API, Commodity::Jet, Base::F60, 900.0),
            "density at 60 degF 900 kg/m3 is outside 787.519 to 838.313 kg/m3 of jet by API MPMS 11.1-2004 Addendum 2"
                .to_owned(),
        ),
        (
            of(GB, Commodity::Gasoline, Base::C20, 600.0),
            "density at 20 degC 600 kg/m3 is outside 648.143 to 766.05 kg/m3 of gasoline by GB/T 1885-1998".to_owned(),
        ),
        (
            observed(API, 1300.0, Taken::Densimeter),
            "observed density 1300 kg/m3 is outside 595.974 to 1155.86 kg/m3 of crude by API MPMS 11.1-2004 Addendum 2"
                .to_owned(),
        ),
        (
            at(&chinese, celsius(-18.5), 0.0),
            "temperature -18.5 degC (-1.3 degF) is outside -18 degC (-0.4 degF) to 150 degC (302 degF) of \
             GB/T 1885-1998"
                .to_owned(),
        ),
        (
            at(&chinese, celsius(20.0), 100.0),
            "pressure 100 kPa (14.5038 psi) is not corrected for by GB/T 1885-1998, which takes 0 kPa only".to_owned(),
        ),
        (
            of(GB, Commodity::Crude, Base::F60, 850.0),
            "base 60F is none of GB/T 1885-1998, which knows 15C and 20C".to_owned(),
        ),
        (
            observed(API, 850.0, Taken::Hydrometer),
            "hydrometer readings are not corrected by API MPMS 11.1-2004 Addendum 2; give the density itself"
                .to_owned(),
        ),
    ] {
        assert_eq!(said, expected);
    }
}

#[test]
fn the_ends_of_the_ranges_are_inside_in_every_unit() {
    let crude = Correction::of_base_density(API, Commodity::Crude, Base::F60, kg(850.0)).unwrap();
    for temperature in [fahrenheit(-58.0), fahrenheit(302.0), celsius(-50.0), celsius(150.0)] {
        assert!(crude.at(temperature, Kilopascals::from_psi(1500.0)).is_ok(), "{temperature}");
        assert!(crude.at(temperature, Kilopascals::from_bar(1500.0 * 0.068_947_57)).is_ok(), "{temperature}");
    }
    for commodity in Commodity::ALL {
        let Range { low, high } = api::density_60f(commodity);
        assert!(Correction::of_base_density(API, commodity, Base::F60, kg(low)).is_ok(), "{commodity}");
        assert!(Correction::of_base_density(API, commodity, Base::F60, kg(high)).is_ok(), "{commodity}");
    }
}

#[test]
fn a_vacuum_counts_as_no_pressure() {
    for standard in Standard::ALL {
        let crude = Correction::of_base_density(standard, Commodity::Crude, Base::C20, kg(850.0)).unwrap();
        assert_eq!(crude.at(celsius(40.0), Kilopascals::new(-5.0)).unwrap().cpl, 1.0);
    }
}

#[test]
fn words_are_read_back() {
    for standard in Standard::ALL {
        assert_eq!(standard.word().parse(), Ok(standard));
    }
    for commodity in Commodity::ALL {
        assert_eq!(commodity.word().parse(), Ok(commodity));
    }
    for base in Base::ALL {
        assert_eq!(base.word().parse(), Ok(base));
    }
    let wrong = "diesel".parse::<Commodity>().unwrap_err();
    assert_eq!(
        wrong,
        "\"diesel\" is no commodity: write one of crude, gasoline, transition, jet, fuel-oil, lubricating"
    );
}

/// A liquid that a standard takes, at a temperature and pressure that it takes.
fn any_liquid() -> impl Strategy<Value = (Standard, Commodity, Base, f64, Celsius, Kilopascals)> {
    let standard = prop::sample::select(Standard::ALL.to_vec());
    let commodity = prop::sample::select(Commodity::ALL.to_vec());
    let base = prop::sample::select(Base::ALL.to_vec());
    (standard, commodity, base, 0.0..=1.0f64, 0.0..=1.0f64, 0.0..=1.0f64).prop_map(
        |(standard, commodity, base, dense, hot, pressed)| {
            let between = |range: Range<f64>, part: f64| range.low + part * (range.high - range.low);
            match standard {
                Standard::Api11_1_2004 => {
                    let temperature = fahrenheit(between(api::TEMPERATURE_F, hot));
                    let pressure = Kilopascals::from_psi(between(api::PRESSURE_PSI, pressed));
                    (standard, commodity, base, between(api::density_60f(commodity), dense), temperature, pressure)
                }
                Standard::Gb1885_1998 => {
                    let temperature = celsius(between(gb::temperature_c(commodity), hot));
                    let base = if base == Base::F60 { Base::C20 } else { base };
                    (standard, commodity, base, between(gb::density_15c(commodity), dense), temperature, no_pressure())
                }
            }
        },
    )
}

fn of_reference_density(standard: Standard, commodity: Commodity, density: f64) -> Correction {
    let base = if standard == API { Base::F60 } else { Base::C15 };
    Correction::of_base_density(standard, commodity, base, kg(density)).expect("the strategy keeps within the range")
}

proptest! {
    #[test]
    fn observed_density_leads_back_to_the_base_density(
        (standard, commodity, base, density, temperature, pressure) in any_liquid(),
    ) {
        let liquid = of_reference_density(standard, commodity, density);
        let factors = liquid.at(temperature, pressure).unwrap();
        let observed = Observed {
            density: kg(liquid.base_density().get() * factors.ctpl), temperature, pressure, taken: Taken::Densimeter,
        };
        let found = Correction::of_observed(standard, commodity, liquid.base(), &observed).unwrap();
        prop_assert!((found.base_density().get() / density - 1.0).abs() < 1e-11);
        let elsewhere = Correction::of_observed(standard, commodity, base, &observed).unwrap();
        let back = elsewhere.base_density().get() * elsewhere.at(temperature, pressure).unwrap().ctpl;
        prop_assert!((back / observed.density.get() - 1.0).abs() < 1e-11);
    }

    #[test]
    fn base_density_leads_to_the_same_liquid_whatever_the_base(
        (standard, commodity, base, density, temperature, pressure) in any_liquid(),
    ) {
        let liquid = of_reference_density(standard, commodity, density);
        let at_base = kg(density * liquid.at(base.temperature(), no_pressure()).unwrap().ctl);
        let same = Correction::of_base_density(standard, commodity, base, at_base).unwrap();
        let density_there = |liquid: &Correction| {
            liquid.base_density().get() * liquid.at(temperature, pressure).unwrap().ctpl
        };
        prop_assert!((density_there(&same) / density_there(&liquid) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn hotter_liquid_is_less_dense_and_denser_liquid_stays_denser(
        (standard, commodity, _, density, temperature, pressure) in any_liquid(), by in 0.01..20.0f64,
    ) {
        let liquid = of_reference_density(standard, commodity, density);
        let here = liquid.at(temperature, pressure).unwrap();
        if let Ok(hotter) = liquid.at(celsius(temperature.get() + by), pressure) {
            prop_assert!(hotter.ctl < here.ctl);
        }
        let base = liquid.base();
        if let Ok(denser) = Correction::of_base_density(standard, commodity, base, kg(density + by)) {
            let there = denser.at(temperature, pressure).unwrap();
            prop_assert!((density + by) * there.ctpl > density * here.ctpl);
        }
    }

    #[test]
    fn both_standards_agree_for_crude(density in 820.0..920.0f64, temperature in 5.0..80.0f64) {
        let vcf = |standard| {
            let crude = Correction::of_base_density(standard, Commodity::Crude, Base::C20, kg(density)).unwrap();
            crude.at(celsius(temperature), no_pressure()).unwrap().ctl
        };
        prop_assert!((vcf(API) - vcf(GB)).abs() <= 3.0e-5, "{} and {}", vcf(API), vcf(GB));
    }
}
