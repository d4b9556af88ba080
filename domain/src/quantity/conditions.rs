//! What a site says of a tank beside its geometry, product and limits.

use super::{FloatingRoof, Shell, Uncertainties};
use crate::units::Millimetres;

/// What the quantity chain needs of a tank beside its geometry, product and limits.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Conditions {
    /// Sediment and water in the oil, as a part of its volume, 0 to 1. The product's where absent.
    pub s_and_w: Option<f64>,
    /// The steel; where absent its temperature is not corrected for.
    pub shell: Option<Shell>,
    /// The floating roof; absent where the roof is fixed.
    pub roof: Option<FloatingRoof>,
    /// Level up to which the tank may be filled. The limit HH where absent, or else the tank's height.
    pub safe_fill: Option<Millimetres>,
    /// Level down to which the tank may be drawn. The limit LL where absent, or else the tank's bottom.
    pub least_fill: Option<Millimetres>,
    /// How well the inputs are known.
    pub uncertainties: Uncertainties,
}
