//! Tanks and what they hold.

use super::SaidOfAlarms;
use crate::alarm::watch::WatchSettings;
use crate::geometry::Geometry;
use crate::names::{ProductName, TankName};
use crate::quantity::Conditions;
use crate::units::{KilogramsPerCubicMetre, Millimetres};
use crate::vcf::{Commodity, Standard};

/// A tank or vessel.
#[derive(Debug, Clone, PartialEq)]
pub struct Tank {
    /// Name of the tank.
    pub name: TankName,
    /// What people call it.
    pub title: String,
    /// The product that it holds.
    pub product: ProductName,
    /// From level to volume.
    pub geometry: Geometry,
    /// Height of the tank: the shape's, or the last row of the strapping table where there is no shape.
    pub height: Millimetres,
    /// Levels that an operator is told of.
    pub limits: Limits,
    /// What the quantity chain needs of it beside.
    pub conditions: Conditions,
    /// How it is watched for what thresholds do not see.
    pub watch: WatchSettings,
    /// What is laid down for its alarms.
    pub alarms: SaidOfAlarms,
}

/// Alarm limits of a level, mm above the tank bottom. LL < L < H < HH.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Low-low.
    pub low_low: Option<Millimetres>,
    /// Low.
    pub low: Option<Millimetres>,
    /// High.
    pub high: Option<Millimetres>,
    /// High-high.
    pub high_high: Option<Millimetres>,
}

/// What a tank holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Name of the product.
    pub name: ProductName,
    /// Kind, for the choice of correction factors.
    pub kind: ProductKind,
    /// Density at 20 degC.
    pub density_20c: KilogramsPerCubicMetre,
    /// Standard by which its volume is corrected.
    pub standard: Standard,
    /// Sediment and water in its oil, as a part of the volume, 0 to 1.
    pub s_and_w: f64,
}

/// Kind of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKind {
    /// Crude oil.
    Crude,
    /// Fuel oil.
    FuelOil,
    /// Jet fuel.
    Jet,
    /// Gasoline.
    Gasoline,
    /// Between gasoline and jet fuel.
    Transition,
    /// Lubricating oil.
    Lubricating,
    /// Produced water, sewage, clean water.
    Water,
}

impl ProductKind {
    /// Gives the group of liquids whose correction factors it has; none for water.
    #[must_use]
    pub const fn commodity(self) -> Option<Commodity> {
        match self {
            Self::Crude => Some(Commodity::Crude),
            Self::FuelOil => Some(Commodity::FuelOil),
            Self::Jet => Some(Commodity::Jet),
            Self::Gasoline => Some(Commodity::Gasoline),
            Self::Transition => Some(Commodity::Transition),
            Self::Lubricating => Some(Commodity::Lubricating),
            Self::Water => None,
        }
    }
}
