//! What a floating roof displaces.

use crate::units::{CubicMetres, KilogramsPerCubicMetre, Millimetres};

/// A roof that floats on the liquid, and rests on its legs when the tank is nearly empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatingRoof {
    /// Mass of the roof with what lies on it, kg.
    pub mass_kg: f64,
    /// Level up to which it rests on its legs: where the critical zone begins.
    pub landed: Millimetres,
    /// Level from which it floats: where the critical zone ends.
    pub afloat: Millimetres,
    /// Density for which the strapping table has the roof taken off already; absent when it has not.
    pub table_density: Option<KilogramsPerCubicMetre>,
}

/// Whether a roof floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoofState {
    /// It rests on its legs and displaces nothing.
    Landed,
    /// It is between resting and floating, where no volume is accurate; its displacement is taken in proportion.
    Critical,
    /// It floats.
    Afloat,
}

/// What a roof displaces.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Displaced {
    /// What has to be taken off; below 0 where the table has taken off too much.
    pub volume: CubicMetres,
    /// Whether it floats.
    pub state: RoofState,
}

impl FloatingRoof {
    /// Gives what the roof displaces at a level of a liquid of `density`, the density at the tank's temperature.
    ///
    /// `m / rho`, less `m / rho_table` where the table has that in it. Source: API MPMS 12.1.1, floating roof adjustment.
    #[must_use]
    pub fn displaced(&self, level: Millimetres, density: KilogramsPerCubicMetre) -> Displaced {
        let in_table = self.table_density.map_or(0.0, |table| self.mass_kg / table.get());
        let whole = self.mass_kg / density.get() - in_table;
        let (state, share) = if level <= self.landed {
            (RoofState::Landed, 0.0)
        } else if level < self.afloat {
            let above = level.get() - self.landed.get();
            (RoofState::Critical, above / (self.afloat.get() - self.landed.get()))
        } else {
            (RoofState::Afloat, 1.0)
        };
        Displaced { volume: CubicMetres::new(whole * share), state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roof_displaces_its_mass_when_it_floats_and_nothing_when_it_rests() {
        let mut roof = FloatingRoof {
            mass_kg: 42_500.0,
            landed: Millimetres::new(1600.0),
            afloat: Millimetres::new(1800.0),
            table_density: None,
        };
        let density = KilogramsPerCubicMetre::new(850.0);
        let at = |roof: &FloatingRoof, level| {
            let displaced = roof.displaced(Millimetres::new(level), density);
            (displaced.state, displaced.volume.get())
        };
        assert_eq!(at(&roof, 1600.0), (RoofState::Landed, 0.0));
        assert_eq!(at(&roof, 1700.0), (RoofState::Critical, 25.0));
        assert_eq!(at(&roof, 1800.0), (RoofState::Afloat, 50.0));
        roof.table_density = Some(KilogramsPerCubicMetre::new(1000.0));
        assert_eq!(at(&roof, 9000.0), (RoofState::Afloat, 7.5));
    }
}
