//! The impedance rod of the interface sensor: what it measures from point to point, and where it jumps.

use crate::plant::TankState;

/// Impedance in air, in counts of 0 to 65535.
const AIR: f64 = 62_000.0;
/// Share of its impedance that oil loses from no water to all water, as long as the oil is continuous.
///
/// Source: the published gauge is close to linear in water content within the oil-continuous layer.
const LOST_TO_WATER: f64 = 0.55;
/// Water cut above which water is continuous and impedance falls to that of water.
const INVERSION_CUT: f64 = 0.75;
/// How far a point of the rod sees up and down, in mm.
const SIGHT_MM: f64 = 4.0;
/// How far the jump moves up for each mm of deposit, which water climbs, in mm.
const CLIMB: f64 = 6.0;
/// How much wider the jump gets for each mm of deposit, in mm.
const SMEAR: f64 = 3.0;
/// Share of its impedance that oil loses for each mm of deposit.
const LOST_TO_DEPOSIT: f64 = 0.05;

/// The rod in a tank. Heights in mm above the tank bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rod<'t> {
    /// What it stands in.
    pub tank: &'t TankState,
    /// Thickness of the deposit on it in mm.
    pub build_up_mm: f64,
    /// What water and oil measure.
    pub liquids: Liquids,
}

/// The impedance in water and in dry oil, in counts of 0 to 65535: another salinity or another oil has another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Liquids {
    /// In water.
    pub water: f64,
    /// In oil without water, on a clean rod.
    pub dry_oil: f64,
}

impl Default for Liquids {
    fn default() -> Self {
        Self { water: 2500.0, dry_oil: 52_000.0 }
    }
}

impl Rod<'_> {
    /// Gives the height of the jump: the middle between the impedance of water and that of what stands on it.
    ///
    /// It is what the instrument shows for the interface. It knows both impedances: its reference adapts to the tank.
    #[must_use]
    pub fn jump_mm(&self) -> f64 {
        let climbs_mm = if self.tank.interface_mm > 0.0 { CLIMB * self.build_up_mm } else { 0.0 };
        (self.tank.interface_mm + climbs_mm).min(self.tank.level_mm)
    }

    /// Gives the impedance at a height, in counts: of what stands along the rod there, as a blurred eye sees it.
    ///
    /// Up to the jump that is water, above it emulsion whose water cut is greatest at its foot and falls steadily to its
    /// top, then dry oil, and above the level air.
    #[must_use]
    pub fn impedance_at(&self, height_mm: f64) -> f64 {
        let sight_mm = SIGHT_MM + SMEAR * self.build_up_mm;
        // 0 well below a boundary, 1 well above it.
        let above = |boundary_mm: f64| 1.0 / (1.0 + (-(height_mm - boundary_mm) / sight_mm).exp());
        // The height above a boundary, blurred likewise: the integral of that.
        let risen = |boundary_mm: f64| {
            let distance = (height_mm - boundary_mm) / sight_mm;
            sight_mm * if distance > 30.0 { distance } else { distance.exp().ln_1p() }
        };
        let film = 1.0 - (LOST_TO_DEPOSIT * self.build_up_mm).min(0.9);
        let (water, dry) = (self.liquids.water, self.liquids.dry_oil * film);
        let (jump_mm, lost) = (self.jump_mm(), dry * LOST_TO_WATER);
        let liquid = match self.emulsion_above(jump_mm) {
            None => water + (dry - water) * above(jump_mm),
            Some(Emulsion { foot_cut, rim_cut, top_mm }) => {
                let rise = lost * (foot_cut - rim_cut) / (top_mm - jump_mm);
                water
                    + (dry - lost * foot_cut - water) * above(jump_mm)
                    + rise * (risen(jump_mm) - risen(top_mm))
                    + lost * rim_cut * above(top_mm)
            }
        };
        liquid + (AIR - liquid) * above(self.tank.level_mm)
    }

    /// Gives the part of the emulsion that is above a height; none where it does not reach so high.
    fn emulsion_above(&self, height_mm: f64) -> Option<Emulsion> {
        let TankState { interface_mm, emulsion_mm, emulsion_water_cut: mean, .. } = *self.tank;
        let top_mm = interface_mm + emulsion_mm;
        if top_mm - height_mm < 1e-6 {
            return None;
        }
        let fall = mean.min(INVERSION_CUT - mean).max(0.0);
        let foot_cut = mean + fall * (1.0 - 2.0 * (height_mm - interface_mm) / emulsion_mm);
        Some(Emulsion { foot_cut, rim_cut: mean - fall, top_mm })
    }
}

/// Emulsion whose water cut falls steadily.
struct Emulsion {
    foot_cut: f64,
    rim_cut: f64,
    top_mm: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tank() -> TankState {
        TankState {
            level_mm: 9000.0,
            interface_mm: 3000.0,
            emulsion_mm: 400.0,
            emulsion_water_cut: 0.4,
            ..TankState::default()
        }
    }

    #[test]
    fn impedance_jumps_at_the_interface_and_nowhere_else_but_at_the_level() {
        let tank = tank();
        let rod = Rod { tank: &tank, build_up_mm: 0.0, liquids: Liquids::default() };
        let steepest = |from: u16, to: u16| {
            let step = |mm: u16| rod.impedance_at(f64::from(mm + 1)) - rod.impedance_at(f64::from(mm));
            (from..to).max_by(|a, b| step(*a).total_cmp(&step(*b))).unwrap()
        };
        assert!((2998..=3001).contains(&steepest(0, 8900)), "{}", steepest(0, 8900));
        assert!((8998..=9001).contains(&steepest(3500, 12_000)));
        assert!((rod.jump_mm() - 3000.0).abs() < 1e-9);
        let middle = f64::midpoint(rod.impedance_at(2900.0), rod.impedance_at(3050.0));
        assert!((rod.impedance_at(3000.0) - middle).abs() < 1500.0);
    }

    #[test]
    fn impedance_is_linear_in_the_water_cut_of_the_emulsion() {
        let tank = tank();
        let rod = Rod { tank: &tank, build_up_mm: 0.0, liquids: Liquids::default() };
        // The cut falls from 75 % to 5 % over 400 mm.
        for (height_mm, cut) in [(3100.0, 0.575), (3200.0, 0.4), (3300.0, 0.225), (3350.0, 0.1375), (5000.0, 0.0)] {
            let wanted = Liquids::default().dry_oil * (1.0 - LOST_TO_WATER * cut);
            assert!(
                (rod.impedance_at(height_mm) - wanted).abs() < 10.0,
                "{height_mm}: {}",
                rod.impedance_at(height_mm)
            );
        }
    }

    #[test]
    fn deposit_moves_the_jump_up() {
        let tank = tank();
        let (clean, dirty) = (
            Rod { tank: &tank, build_up_mm: 0.0, liquids: Liquids::default() },
            Rod { tank: &tank, build_up_mm: 2.0, liquids: Liquids::default() },
        );
        assert_eq!(dirty.jump_mm() - clean.jump_mm(), 12.0);
        assert!(dirty.impedance_at(6000.0) < clean.impedance_at(6000.0));
        let dry = TankState { interface_mm: 0.0, ..tank };
        assert_eq!(Rod { tank: &dry, build_up_mm: 2.0, liquids: Liquids::default() }.jump_mm(), 0.0);
    }
}
