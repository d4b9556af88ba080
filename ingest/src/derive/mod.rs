//! Volumes from levels, by the geometry of the tank.

use tankline_domain::geometry::{Geometry, Layers, volumes};
use tankline_domain::reading::Reading;
use tankline_domain::units::Millimetres;

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
    /// Oil, m3.
    pub oil_m3: Option<f64>,
}

/// Derives the volumes that a reading tells of; none from a bad one.
///
/// An interface above the level, or one where the tank's volumes are not known, leaves the total alone.
#[must_use]
pub fn derive(geometry: &Geometry, reading: &Reading) -> Derived {
    let Some(level) = reading.level.filter(|_| !reading.quality.is_bad()) else {
        return Derived::default();
    };
    let level = within(geometry, level);
    let interface = reading.interface.map(|interface| within(geometry, interface));
    let found = volumes(geometry, level, interface).or_else(|_| volumes(geometry, level, None));
    found.map_or_else(
        |_| Derived::default(),
        |found| {
            let layer = |volume: fn(Layers) -> f64| found.layers.map(volume);
            Derived {
                tov_m3: Some(found.total.get()),
                fw_m3: layer(|layers| layers.water.get()),
                oil_m3: layer(|layers| layers.oil.get()),
            }
        },
    )
}

/// Takes a height that is out of reach by no more than noise for the nearest one in reach.
fn within(geometry: &Geometry, height: Millimetres) -> Millimetres {
    let (bottom, top) = (geometry.bottom().get(), geometry.height().get());
    let near = (bottom - NOISE_MM..=top + NOISE_MM).contains(&height.get());
    if near { Millimetres::new(height.get().clamp(bottom, top)) } else { height }
}

#[cfg(test)]
mod tests {
    use tankline_domain::geometry::{Shape, StrappingTable};
    use tankline_domain::units::{Metres, UnixMillis};

    use super::*;

    fn one_square_metre() -> Geometry {
        let one = Metres::new(1.0);
        Geometry::Shape(Shape::rectangular_box(one, one, Metres::new(10.0)).unwrap())
    }

    fn reading(level: Option<f64>, interface: Option<f64>, quality: &str) -> Reading {
        Reading {
            tank: "T-01".parse().unwrap(),
            at: UnixMillis::new(1),
            level: level.map(Millimetres::new),
            interface: interface.map(Millimetres::new),
            temperature: None,
            quality: quality.parse().unwrap(),
        }
    }

    #[test]
    fn what_cannot_be_known_is_absent() {
        let tank = one_square_metre();
        for (level, interface, quality, tov, fw, oil) in [
            (Some(5000.0), Some(2000.0), "good", Some(5.0), Some(2.0), Some(3.0)),
            (Some(5000.0), None, "good", Some(5.0), None, None),
            (Some(5000.0), Some(0.0), "uncertain:blind-zone", Some(5.0), Some(0.0), Some(5.0)),
            (Some(5000.0), Some(5001.0), "uncertain:interface-above-level", Some(5.0), None, None),
            (Some(-4.0), Some(-4.0), "uncertain:blind-zone", Some(0.0), Some(0.0), Some(0.0)),
            (Some(10_009.0), None, "uncertain:blind-zone", Some(10.0), None, None),
            (Some(10_011.0), None, "good", None, None, None),
            (None, None, "bad:no-reply", None, None, None),
            (Some(5000.0), Some(2000.0), "bad:crc", None, None, None),
        ] {
            let derived = derive(&tank, &reading(level, interface, quality));
            assert_eq!(derived, Derived { tov_m3: tov, fw_m3: fw, oil_m3: oil }, "{level:?} {interface:?} {quality}");
        }
    }

    #[test]
    fn table_is_never_extrapolated_below_its_first_row() {
        let table = Geometry::Table(StrappingTable::from_csv("100,1\n1000,10\n").unwrap());
        let at = |level| derive(&table, &reading(Some(level), None, "good")).tov_m3;
        assert_eq!((at(50.0), at(95.0), at(1000.0)), (None, Some(1.0), Some(10.0)));
    }
}
