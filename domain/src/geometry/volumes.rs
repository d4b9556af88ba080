//! What a level and an interface make of a tank: total, water and oil.

use thiserror::Error;

use super::{OutsideTank, Shape, StrappingTable};
use crate::units::{CubicMetres, Millimetres};

/// Where a tank's volumes come from. A strapping table, where there is one, wins over a shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Geometry {
    /// A formula.
    Shape(Shape),
    /// The tank's calibration.
    Table(StrappingTable),
}

impl Geometry {
    /// Gives the volume below `level`.
    ///
    /// # Errors
    /// [`OutsideTank`] when the tank, or its table, does not reach to `level`.
    pub fn volume_at(&self, level: Millimetres) -> Result<CubicMetres, OutsideTank> {
        match self {
            Self::Shape(shape) => shape.volume_at(level),
            Self::Table(table) => table.volume_at(level),
        }
    }

    /// Gives the volume of the whole tank.
    #[must_use]
    pub fn capacity(&self) -> CubicMetres {
        match self {
            Self::Shape(shape) => shape.capacity(),
            Self::Table(table) => table.capacity(),
        }
    }

    /// Gives the greatest level with a known volume.
    #[must_use]
    pub fn height(&self) -> Millimetres {
        match self {
            Self::Shape(shape) => shape.height(),
            Self::Table(table) => table.height(),
        }
    }

    /// Gives the lowest level with a known volume: 0 for a shape, the first row of a table.
    #[must_use]
    pub fn bottom(&self) -> Millimetres {
        match self {
            Self::Shape(shape) => shape.reach().bottom,
            Self::Table(table) => table.reach().bottom,
        }
    }

    /// Gives 16 hexadecimal digits that name the shape or table, so that a volume can say what it was computed from.
    #[must_use]
    pub fn digest(&self) -> &str {
        match self {
            Self::Shape(shape) => shape.digest(),
            Self::Table(table) => table.digest(),
        }
    }
}

/// What is in a tank, at the temperature it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volumes {
    /// Total observed volume (TOV): all that is below the level.
    pub total: CubicMetres,
    /// How it divides into water and oil. Absent when the interface is not known: then neither is known, and neither is 0.
    pub layers: Option<Layers>,
}

/// The water and the oil in a tank; together they are the total.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Layers {
    /// Free water (FW): all that is below the interface.
    pub water: CubicMetres,
    /// All that is between the interface and the level.
    pub oil: CubicMetres,
    /// What was taken for the emulsion between the two.
    pub transition: Transition,
}

/// What is taken for the transition layer between water and oil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transition {
    /// A step at the interface: all water below it, all oil above it. Nothing else can be said from one interface reading.
    Step,
}

/// Says why there are no volumes for a level and an interface.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The tank does not reach to the level.
    #[error("liquid {0}")]
    LevelOutside(OutsideTank),
    /// The tank does not reach to the interface.
    #[error("interface {0}")]
    InterfaceOutside(OutsideTank),
    /// The interface is above the liquid that it is an interface in.
    #[error("interface {interface} is above the level {level}, but must be at or below it")]
    InterfaceAboveLevel {
        /// The interface, above the tank bottom.
        interface: Millimetres,
        /// The level, above the tank bottom.
        level: Millimetres,
    },
}

/// Computes what is in a tank from its level and, where there is one, its interface.
///
/// Both are measured from the tank bottom. With only an interface the transition layer is a step ([`Transition::Step`]).
/// Without one, water and oil are absent.
///
/// # Errors
/// [`VolumeError`] when level or interface is outside the tank or the interface is above the level.
pub fn volumes(
    geometry: &Geometry,
    level: Millimetres,
    interface: Option<Millimetres>,
) -> Result<Volumes, VolumeError> {
    let total = geometry.volume_at(level).map_err(VolumeError::LevelOutside)?;
    let layers = interface.map(|interface| layers(geometry, level, interface, total)).transpose()?;
    Ok(Volumes { total, layers })
}

fn layers(
    geometry: &Geometry,
    level: Millimetres,
    interface: Millimetres,
    total: CubicMetres,
) -> Result<Layers, VolumeError> {
    let water = geometry.volume_at(interface).map_err(VolumeError::InterfaceOutside)?;
    if interface > level {
        return Err(VolumeError::InterfaceAboveLevel { interface, level });
    }
    // Where the tank is as good as empty, rounding can leave the water above the total by less than a drop.
    let water = CubicMetres::new(water.get().min(total.get()));
    Ok(Layers { water, oil: CubicMetres::new(total.get() - water.get()), transition: Transition::Step })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Heads;
    use crate::units::Metres;

    fn mm(number: f64) -> Millimetres {
        Millimetres::new(number)
    }

    fn box_of_one_square_metre() -> Geometry {
        let (side, height) = (Metres::new(1.0), Metres::new(10.0));
        Geometry::Shape(Shape::rectangular_box(side, side, height).unwrap())
    }

    #[test]
    fn interface_divides_the_total_into_water_and_oil_by_a_step() {
        let found = volumes(&box_of_one_square_metre(), mm(9641.0), Some(mm(6367.0))).unwrap();
        let layers = found.layers.unwrap();
        assert!((found.total.get() - 9.641).abs() < 1e-12);
        assert!((layers.water.get() - 6.367).abs() < 1e-12);
        assert!((layers.oil.get() - 3.274).abs() < 1e-12);
        assert_eq!(layers.transition, Transition::Step);
    }

    #[test]
    fn without_an_interface_water_and_oil_are_absent_and_not_nothing() {
        let found = volumes(&box_of_one_square_metre(), mm(5000.0), None).unwrap();
        assert_eq!(found.total, CubicMetres::new(5.0));
        assert_eq!(found.layers, None);
    }

    #[test]
    fn interface_at_the_level_is_all_water_and_at_the_bottom_all_oil() {
        let tank = box_of_one_square_metre();
        let at = |interface| volumes(&tank, mm(5000.0), Some(mm(interface))).unwrap().layers.unwrap();
        assert_eq!((at(5000.0).water.get(), at(5000.0).oil.get()), (5.0, 0.0));
        assert_eq!((at(0.0).water.get(), at(0.0).oil.get()), (0.0, 5.0));
    }

    #[test]
    fn level_and_interface_that_cannot_be_are_refused_by_name_and_value() {
        let refused = [
            (
                10_001.0,
                Some(5.0),
                "liquid level 10001 mm is outside the tank, whose volumes are known from 0 mm to 10000 mm",
            ),
            (
                5000.0,
                Some(-1.0),
                "interface level -1 mm is outside the tank, whose volumes are known from 0 mm to 10000 mm",
            ),
            (5000.0, Some(6000.0), "interface 6000 mm is above the level 5000 mm, but must be at or below it"),
        ];
        for (level, interface, message) in refused {
            let error = volumes(&box_of_one_square_metre(), mm(level), interface.map(mm)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert!(volumes(&box_of_one_square_metre(), mm(5000.0), Some(mm(f64::NAN))).is_err());
        assert!(volumes(&box_of_one_square_metre(), mm(f64::NAN), None).is_err());
    }

    #[test]
    fn geometry_of_a_table_begins_at_its_first_row() {
        let table = StrappingTable::from_csv("100,1\n1000,10\n").unwrap();
        let digest = table.digest().to_owned();
        let geometry = Geometry::Table(table);
        assert_eq!((geometry.bottom(), geometry.height()), (mm(100.0), mm(1000.0)));
        assert_eq!(geometry.capacity(), CubicMetres::new(10.0));
        assert_eq!(geometry.digest(), digest);
        assert!(volumes(&geometry, mm(500.0), Some(mm(50.0))).is_err());
    }

    fn any_geometry() -> impl Strategy<Value = Geometry> {
        let dimension = || (0.1..100.0f64).prop_map(Metres::new);
        let shape = (dimension(), dimension(), dimension()).prop_map(|(diameter, length, depth)| {
            Shape::horizontal_cylinder(diameter, length, Heads::Conical { depth }).expect("dimensions are a tank's")
        });
        let table = (1.0..900.0f64, 0.0..500.0f64, 500.0..1000.0f64).prop_map(|(level, middle, top)| {
            StrappingTable::from_csv(&format!("0,0\n{level},{middle}\n1000,{top}\n")).expect("rows increase")
        });
        prop_oneof![shape.prop_map(Geometry::Shape), table.prop_map(Geometry::Table)]
    }

    proptest! {
        #[test]
        fn oil_and_water_are_the_total(geometry in any_geometry(), one in 0.0..=1.0f64, other in 0.0..=1.0f64) {
            let level = mm(one.max(other) * geometry.height().get());
            let interface = mm(one.min(other) * geometry.height().get());
            let found = volumes(&geometry, level, Some(interface)).unwrap();
            let layers = found.layers.unwrap();
            prop_assert!(layers.water.get() >= 0.0 && layers.oil.get() >= 0.0);
            let sum = layers.water.get() + layers.oil.get();
            prop_assert!((sum - found.total.get()).abs() <= 1e-12 * geometry.capacity().get());
        }
    }
}
