//! What is in a tank, in three layers: free water, emulsion on it, free oil on top.

use std::ops::{AddAssign, SubAssign};

use super::fluid::{Fluids, heat_capacity};

/// A layer below this mass is as good as none, and has the temperature of its neighbours.
const LEAST_KG: f64 = 1e-6;

/// Some oil and water with the heat that is in them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Parcel {
    /// Oil in kg.
    pub(super) oil_kg: f64,
    /// Water in kg.
    pub(super) water_kg: f64,
    /// Heat above 0 degC in J.
    pub(super) heat_j: f64,
}

/// The three layers. A parcel that flows is three layers too.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Content {
    /// Free water, at the bottom.
    pub(super) water: Parcel,
    /// Emulsion of water in oil, in the middle.
    pub(super) emulsion: Parcel,
    /// Free oil, on top.
    pub(super) oil: Parcel,
}

/// Volumes of the three layers in m3, at the temperatures that they have.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct LayerVolumes {
    pub(super) water: f64,
    pub(super) emulsion: f64,
    pub(super) oil: f64,
}

/// Where a stream leaves a tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outlet {
    /// At the bottom: water first, then emulsion, then oil.
    Bottom,
    /// At the surface: oil first, then emulsion, then water.
    Surface,
    /// At the height below which the tank holds this volume in m3: what stands there, and nothing when the tank is lower.
    Above(f64),
}

impl Parcel {
    /// Makes a parcel from volumes in m3 at a temperature in degC.
    pub(super) fn of(fluids: &Fluids, oil_m3: f64, water_m3: f64, temperature_c: f64) -> Self {
        let oil_kg = oil_m3 * fluids.oil_density(temperature_c);
        let water_kg = water_m3 * fluids.water_density(temperature_c);
        Self { oil_kg, water_kg, heat_j: temperature_c * heat_capacity(oil_kg, water_kg) }
    }

    pub(super) fn mass_kg(&self) -> f64 {
        self.oil_kg + self.water_kg
    }

    pub(super) fn heat_capacity(&self) -> f64 {
        heat_capacity(self.oil_kg, self.water_kg)
    }

    /// Gives the temperature in degC; `None` when there is as good as nothing.
    pub(super) fn temperature_c(&self) -> Option<f64> {
        (self.mass_kg() > LEAST_KG).then(|| self.heat_j / self.heat_capacity())
    }

    /// Gives the volumes of oil and of water in m3.
    pub(super) fn volumes(&self, fluids: &Fluids) -> (f64, f64) {
        let temperature_c = self.temperature_c().unwrap_or(20.0);
        let part = |kg: f64, density: f64| if kg > 0.0 { kg / density } else { 0.0 };
        (part(self.oil_kg, fluids.oil_density(temperature_c)), part(self.water_kg, fluids.water_density(temperature_c)))
    }

    pub(super) fn volume(&self, fluids: &Fluids) -> f64 {
        let (oil, water) = self.volumes(fluids);
        oil + water
    }

    /// Takes a share of it out, from 0 to 1; the whole leaves nothing behind, not even a rounding error.
    pub(super) fn take(&mut self, share: f64) -> Self {
        if share >= 1.0 {
            return std::mem::take(self);
        }
        let share = share.max(0.0);
        let part = Self { oil_kg: self.oil_kg * share, water_kg: self.water_kg * share, heat_j: self.heat_j * share };
        *self -= part;
        part
    }
}

impl AddAssign for Parcel {
    fn add_assign(&mut self, other: Self) {
        self.oil_kg += other.oil_kg;
        self.water_kg += other.water_kg;
        self.heat_j += other.heat_j;
    }
}

impl SubAssign for Parcel {
    fn sub_assign(&mut self, other: Self) {
        self.oil_kg -= other.oil_kg;
        self.water_kg -= other.water_kg;
        self.heat_j -= other.heat_j;
    }
}

impl LayerVolumes {
    pub(super) fn total(&self) -> f64 {
        self.water + self.emulsion + self.oil
    }
}

impl Content {
    /// Gives oil, water and heat of all layers together.
    pub(super) fn total(&self) -> Parcel {
        let mut sum = self.water;
        sum += self.emulsion;
        sum += self.oil;
        sum
    }

    pub(super) fn volumes(&self, fluids: &Fluids) -> LayerVolumes {
        LayerVolumes {
            water: self.water.volume(fluids),
            emulsion: self.emulsion.volume(fluids),
            oil: self.oil.volume(fluids),
        }
    }

    /// Takes up to `m3` out at an outlet; less when there is less.
    pub(super) fn take(&mut self, m3: f64, outlet: Outlet, fluids: &Fluids) -> Self {
        let volumes = self.volumes(fluids);
        let mut out = Self::default();
        let mut left = m3.max(0.0);
        match outlet {
            Outlet::Bottom => {
                out.water += take_volume(&mut self.water, volumes.water, &mut left);
                out.emulsion += take_volume(&mut self.emulsion, volumes.emulsion, &mut left);
                out.oil += take_volume(&mut self.oil, volumes.oil, &mut left);
            }
            Outlet::Surface => {
                out.oil += take_volume(&mut self.oil, volumes.oil, &mut left);
                out.emulsion += take_volume(&mut self.emulsion, volumes.emulsion, &mut left);
                out.water += take_volume(&mut self.water, volumes.water, &mut left);
            }
            Outlet::Above(below_m3) => {
                left = left.min((volumes.total() - below_m3).max(0.0));
                if volumes.water > below_m3 {
                    out.water += take_volume(&mut self.water, volumes.water, &mut left);
                } else if volumes.water + volumes.emulsion > below_m3 {
                    out.emulsion += take_volume(&mut self.emulsion, volumes.emulsion, &mut left);
                } else {
                    out.oil += take_volume(&mut self.oil, volumes.oil, &mut left);
                }
            }
        }
        out
    }
}

impl AddAssign for Content {
    fn add_assign(&mut self, other: Self) {
        self.water += other.water;
        self.emulsion += other.emulsion;
        self.oil += other.oil;
    }
}

fn take_volume(layer: &mut Parcel, volume: f64, left: &mut f64) -> Parcel {
    if *left <= 0.0 || layer.mass_kg() <= 0.0 {
        return Parcel::default();
    }
    if volume <= *left {
        *left -= volume;
        return layer.take(1.0);
    }
    let share = *left / volume;
    *left = 0.0;
    layer.take(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_layers(fluids: &Fluids) -> Content {
        Content {
            water: Parcel::of(fluids, 0.0, 30.0, 40.0),
            emulsion: Parcel::of(fluids, 6.0, 4.0, 45.0),
            oil: Parcel::of(fluids, 60.0, 0.0, 50.0),
        }
    }

    #[test]
    fn outlets_take_what_stands_there() {
        let fluids = Fluids::of(None);
        for (m3, outlet, water, emulsion, oil) in [
            (20.0, Outlet::Bottom, 20.0, 0.0, 0.0),
            (35.0, Outlet::Bottom, 30.0, 5.0, 0.0),
            (45.0, Outlet::Bottom, 30.0, 10.0, 5.0),
            (20.0, Outlet::Surface, 0.0, 0.0, 20.0),
            (75.0, Outlet::Surface, 5.0, 10.0, 60.0),
            (5.0, Outlet::Above(20.0), 5.0, 0.0, 0.0),
            (5.0, Outlet::Above(35.0), 0.0, 5.0, 0.0),
            (5.0, Outlet::Above(50.0), 0.0, 0.0, 5.0),
            (5.0, Outlet::Above(100.5), 0.0, 0.0, 0.0),
            (500.0, Outlet::Bottom, 30.0, 10.0, 60.0),
        ] {
            let mut content = three_layers(&fluids);
            let (before, out) = (content.total(), content.take(m3, outlet, &fluids));
            let found = out.volumes(&fluids);
            for (found, wanted) in [(found.water, water), (found.emulsion, emulsion), (found.oil, oil)] {
                assert!((found - wanted).abs() < 1e-9, "{m3} {outlet:?}: {found} is not {wanted}");
            }
            let mut after = content.total();
            after += out.total();
            assert!((after.mass_kg() - before.mass_kg()).abs() < 1e-9 * before.mass_kg());
            assert!((after.heat_j - before.heat_j).abs() < 1e-9 * before.heat_j);
        }
    }

    #[test]
    fn an_empty_tank_gives_nothing_and_stays_empty() {
        let (fluids, mut content) = (Fluids::of(None), Content::default());
        for outlet in [Outlet::Bottom, Outlet::Surface, Outlet::Above(0.0)] {
            assert_eq!(content.take(10.0, outlet, &fluids), Content::default());
        }
        assert_eq!(content, Content::default());
        assert_eq!(content.volumes(&fluids).total(), 0.0);
    }
}
