/// What is in a tank at one moment: the truth that gauges measure. Levels count from the tank bottom.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TankState {
    /// Liquid level in mm, without foam.
    pub level_mm: f64,
    /// Oil-water interface in mm: the top of the free water; never above the level.
    pub interface_mm: f64,
    /// Temperature at the gauge's fixed point in degC.
    pub temperature_c: f64,
    /// Free oil in m3.
    pub oil_m3: f64,
    /// Emulsion in m3, between free water and free oil.
    pub emulsion_m3: f64,
    /// Free water in m3.
    pub water_m3: f64,
    /// Thickness of the emulsion in mm.
    pub emulsion_mm: f64,
    /// Share of water in the emulsion by volume, 0 to 1; 0 where there is none.
    pub emulsion_water_cut: f64,
    /// Share of water in the whole tank by volume, 0 to 1; 0 where it is empty.
    pub water_cut: f64,
    /// Mass of all liquid in kg.
    pub mass_kg: f64,
    /// Thickness of the foam on the liquid in mm. A dip tape takes it for liquid; a float does not.
    pub foam_mm: f64,
    /// What has run over the rim since the start, in m3.
    pub spilled_m3: f64,
}

impl TankState {
    /// Gives the whole volume of liquid in m3.
    #[must_use]
    pub fn total_m3(&self) -> f64 {
        self.oil_m3 + self.emulsion_m3 + self.water_m3
    }

    /// Gives what a dip tape shows: the top of the foam, in mm above the tank bottom.
    #[must_use]
    pub fn dip_mm(&self) -> f64 {
        self.level_mm + self.foam_mm
    }
}
