//! Tanks for the tests of the quantities.

use super::{Basis, Conditions, FloatingRoof, Insulation, Shell};
use crate::geometry::{Geometry, Shape};
use crate::site::{Limits, Product, ProductKind, Standard, Tank};
use crate::units::{Celsius, KilogramsPerCubicMetre, Metres, Millimetres};

pub(super) fn mm(number: f64) -> Millimetres {
    Millimetres::new(number)
}

/// A vertical tank of 23.7 m diameter and 12.53 m height, limits at 700 and 11 800 mm.
pub(super) fn tank(conditions: Conditions) -> Tank {
    let shape = Shape::vertical_cylinder(Metres::new(23.7), Metres::new(12.53)).unwrap();
    let height = shape.height();
    Tank {
        name: "T-01".parse().unwrap(),
        title: "Crude tank 1".to_owned(),
        product: "crude".parse().unwrap(),
        geometry: Geometry::Shape(shape),
        height,
        limits: Limits { low_low: Some(mm(700.0)), high_high: Some(mm(11_800.0)), ..Limits::default() },
        conditions,
        watch: crate::alarm::watch::WatchSettings::default(),
        alarms: crate::site::SaidOfAlarms::default(),
    }
}

/// Crude of 862 kg/m3 by the Chinese standard, with 0.4 % of sediment and water.
pub(super) fn crude() -> Product {
    Product {
        name: "crude".parse().unwrap(),
        kind: ProductKind::Crude,
        density_20c: KilogramsPerCubicMetre::new(862.0),
        standard: Standard::Gb1885_1998,
        s_and_w: 0.004,
    }
}

pub(super) fn bare_steel() -> Shell {
    Shell {
        insulation: Insulation::Bare { ambient: Celsius::new(-10.0) },
        expansion_per_c: Shell::CARBON_STEEL_PER_C,
        reference: Shell::REFERENCE,
    }
}

pub(super) fn floating_roof() -> FloatingRoof {
    FloatingRoof { mass_kg: 42_500.0, landed: mm(1600.0), afloat: mm(1800.0), table_density: None }
}

pub(super) fn basis(conditions: Conditions) -> Basis {
    Basis::new(&tank(conditions), &crude()).unwrap()
}
