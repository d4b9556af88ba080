//! One tank: what it is, what is in it now, and what a step of time makes of it.

use tankline_domain::names::TankName;
use tankline_domain::site::{ProductKind, Site, Tank};

use super::chance::seed_of;
use super::command::SetContent;
use super::content::{Content, LayerVolumes, Outlet, Parcel};
use super::fluid::Fluids;
use super::ledger::Ledger;
use super::routine::{Plan, Routine};
use super::streams::{EMULSION_CUT, Feed, Streams};
use super::vessel::Vessel;
use super::{TankState, settling};
use crate::gauge::{Instrument, InstrumentState, Surroundings};

/// Heat that goes through a square metre of shell for each degC, in W/(m2 K): a tank with 80 mm of mineral wool.
const HEAT_LOSS_W_M2_K: f64 = 0.5;
/// Height of the gauge's thermometer, as a share of the tank's.
const THERMOMETER_SHARE: f64 = 0.1;
/// Time in which the layers come to one temperature, in s.
const MIXING_S: f64 = 2.0 * 3600.0;
/// The thermostat of the heater opens above this, in degC.
const HOTTEST_C: f64 = 95.0;

/// What does not change of a tank.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TankDesign {
    pub(super) name: TankName,
    pub(super) vessel: Vessel,
    pub(super) fluids: Fluids,
    pub(super) routine: Routine,
    pub(super) instrument: Instrument,
    /// Whether its oil is a film on water, which follows the level.
    holds_water: bool,
    heat_loss_w_k: f64,
    /// What the tank holds below the gauge's thermometer.
    below_thermometer_m3: f64,
}

/// What is in a tank at a moment, and what goes on with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TankNow {
    pub(super) content: Content,
    pub(super) streams: Streams,
    pub(super) has_operator: bool,
    /// Whether it ever had one, who takes it back when it is released.
    pub(super) was_operated: bool,
    pub(super) foam_mm: f64,
    pub(super) frozen: Option<Frozen>,
    pub(super) gauge: InstrumentState,
    pub(super) ledger: Ledger,
}

/// What a frozen gauge shows, counted from the tank bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frozen {
    pub(super) level_mm: f64,
    pub(super) interface_mm: f64,
    pub(super) temperature_c: f64,
}

impl TankDesign {
    pub(super) fn new(site: &Site, tank: &Tank, seed: u64) -> Self {
        let product = site.products().iter().find(|product| product.name == tank.product);
        let vessel = Vessel::of(tank);
        let mounting = site.gauges().iter().find(|gauge| gauge.tank == tank.name).map(|gauge| gauge.mounting);
        let fluids = Fluids::of(product);
        let holds_water = product.is_some_and(|product| product.kind == ProductKind::Water);
        // The float is adjusted in the workshop, for what it is to lie in at 20 degC.
        let float_density = fluids.oil_density_20c();
        // A cube of the same volume has about the surface of a tank.
        let surface_m2 = 6.0 * vessel.capacity_m3().powf(2.0 / 3.0);
        Self {
            name: tank.name.clone(),
            routine: Routine::new(site, tank, seed),
            instrument: Instrument::new(mounting, vessel.height_mm(), float_density, seed_of(seed, tank.name.as_str())),
            fluids,
            holds_water,
            heat_loss_w_k: HEAT_LOSS_W_M2_K * surface_m2,
            below_thermometer_m3: vessel.volume_at(THERMOMETER_SHARE * vessel.height_mm()),
            vessel,
        }
    }

    /// Fills the tank as planned.
    pub(super) fn filled(&self, plan: &Plan) -> TankNow {
        let content = self.layers(plan.level_mm, plan.interface_mm, plan.emulsion_mm, plan.temperature_c);
        TankNow {
            content,
            streams: Streams::default(),
            has_operator: false,
            was_operated: false,
            foam_mm: 0.0,
            frozen: None,
            gauge: self.instrument.at_rest(&self.feels(&content, &content.volumes(&self.fluids))),
            ledger: Ledger::beginning_with(content.total()),
        }
    }

    /// Gives what the gauge feels of a content with these volumes.
    fn feels(&self, content: &Content, volumes: &LayerVolumes) -> Surroundings {
        let parcel_density = |parcel: &Parcel, m3: f64| if m3 > 0.0 { parcel.mass_kg() / m3 } else { 0.0 };
        let float_in = if volumes.oil > 0.0 {
            (&content.oil, volumes.oil)
        } else if volumes.emulsion > 0.0 {
            (&content.emulsion, volumes.emulsion)
        } else {
            (&content.water, volumes.water)
        };
        Surroundings {
            level_mm: self.vessel.rough_level_at(volumes.total()),
            density: parcel_density(float_in.0, float_in.1),
            temperature_c: self.temperature_of(content, volumes),
        }
    }

    /// Gives the temperature at the gauge's thermometer; above the liquid that of its surface.
    fn temperature_of(&self, content: &Content, volumes: &LayerVolumes) -> f64 {
        let (Content { water, emulsion, oil }, below_m3) = (content, self.below_thermometer_m3);
        let order = if volumes.water > below_m3 {
            [water, emulsion, oil]
        } else if volumes.water + volumes.emulsion > below_m3 {
            [emulsion, water, oil]
        } else {
            [oil, emulsion, water]
        };
        order.iter().find_map(|layer| layer.temperature_c()).unwrap_or(20.0)
    }

    fn layers(&self, level_mm: f64, interface_mm: f64, emulsion_mm: f64, temperature_c: f64) -> Content {
        let total = self.vessel.volume_at(level_mm);
        let water = self.vessel.volume_at(interface_mm.min(level_mm));
        let emulsion = self.vessel.volume_at((interface_mm + emulsion_mm).min(level_mm)) - water;
        let oil = (total - water - emulsion).max(0.0);
        let of = |oil_m3, water_m3| Parcel::of(&self.fluids, oil_m3, water_m3, temperature_c);
        Content {
            water: of(0.0, water),
            emulsion: of(emulsion * (1.0 - EMULSION_CUT), emulsion * EMULSION_CUT),
            oil: of(oil, 0.0),
        }
    }
}

impl TankNow {
    /// Sets what is in the tank; what is not given stays.
    pub(super) fn set(&mut self, design: &TankDesign, wanted: &SetContent) {
        let state = self.state(design);
        let level_mm = wanted.level_mm.unwrap_or(state.level_mm.max(wanted.interface_mm.unwrap_or(0.0)));
        // Where oil is but a film, it floats up and down with the water.
        let film = if design.holds_water { level_mm - state.level_mm } else { 0.0 };
        let interface_mm = wanted.interface_mm.unwrap_or(state.interface_mm + film).clamp(0.0, level_mm);
        let emulsion_mm = wanted.emulsion_mm.unwrap_or(state.emulsion_mm);
        let temperature_c = wanted.temperature_c.or(self.content.total().temperature_c()).unwrap_or(20.0);
        let before = self.content.total();
        self.content = design.layers(level_mm, interface_mm, emulsion_mm, temperature_c);
        self.ledger.note_set(before, self.content.total());
        let volumes = self.content.volumes(&design.fluids);
        design.instrument.settle(&mut self.gauge, &design.feels(&self.content, &volumes));
    }

    /// Lets streams flow for a time.
    pub(super) fn flow(&mut self, design: &TankDesign, seconds: f64) {
        let (streams, hours) = (self.streams, seconds / 3600.0);
        if let Some(feed) = streams.feed {
            self.feed(design, &feed, hours);
        }
        let side = streams.side.map(|(below, m3h)| (m3h, Outlet::Above(below)));
        let out = [
            (streams.drain_m3h + streams.leak_m3h, Outlet::Bottom),
            (streams.draw_m3h, Outlet::Surface),
            side.unwrap_or((0.0, Outlet::Surface)),
        ];
        for (m3h, outlet) in out {
            if m3h > 0.0 {
                self.release(design, m3h * hours, outlet);
            }
        }
    }

    /// Takes in a stream from outside.
    pub(super) fn feed(&mut self, design: &TankDesign, feed: &Feed, hours: f64) {
        let temperature_c = feed.temperature_c.or_else(|| self.content.total().temperature_c()).unwrap_or(20.0);
        let of = |oil_m3h: f64, water_m3h: f64| {
            if oil_m3h + water_m3h > 0.0 {
                Parcel::of(&design.fluids, oil_m3h * hours, water_m3h * hours, temperature_c)
            } else {
                Parcel::default()
            }
        };
        let stream = Content {
            water: of(0.0, feed.water_m3h),
            emulsion: of(feed.emulsion_m3h * (1.0 - feed.emulsion_cut), feed.emulsion_m3h * feed.emulsion_cut),
            oil: of(feed.oil_m3h, 0.0),
        };
        self.admit(&stream);
    }

    /// Takes in what comes from elsewhere.
    pub(super) fn admit(&mut self, stream: &Content) {
        self.ledger.entered += stream.total();
        self.content += *stream;
    }

    /// Gives away up to `m3`; less when there is less.
    pub(super) fn release(&mut self, design: &TankDesign, m3: f64, outlet: Outlet) -> Content {
        let out = self.content.take(m3, outlet, &design.fluids);
        self.ledger.left += out.total();
        out
    }

    /// Lets what is in the tank settle, heat up or cool down, run over, and be measured.
    pub(super) fn rest(&mut self, design: &TankDesign, seconds: f64, ambient_c: f64) {
        settling::settle(&mut self.content, &design.fluids, design.vessel.mean_area_m2(), seconds);
        self.exchange_heat(design, seconds, ambient_c);
        let volumes = self.run_over(design);
        design.instrument.advance(&mut self.gauge, &design.feels(&self.content, &volumes), seconds);
    }

    fn exchange_heat(&mut self, design: &TankDesign, seconds: f64, ambient_c: f64) {
        let whole = self.content.total();
        let Some(mean_c) = whole.temperature_c() else { return };
        let capacity = whole.heat_capacity();
        // The part of the shell that is wet, as far as a mass tells.
        let wet = (whole.mass_kg() / (design.fluids.oil_density_20c() * design.vessel.capacity_m3())).min(1.0);
        let lost_j = design.heat_loss_w_k * wet * (mean_c - ambient_c) * seconds;
        let wanted_j = self.streams.heater_w * seconds;
        let heated_j = if mean_c < HOTTEST_C { wanted_j } else { wanted_j.min(0.0) };
        self.ledger.lost_j += lost_j;
        self.ledger.heated_j += heated_j;
        let (mixed, warmed_c) = ((seconds / MIXING_S).min(1.0), (heated_j - lost_j) / capacity);
        for layer in [&mut self.content.water, &mut self.content.emulsion, &mut self.content.oil] {
            let capacity = layer.heat_capacity();
            layer.heat_j += capacity * mean_c * mixed - layer.heat_j * mixed + capacity * warmed_c;
        }
    }

    /// Lets run over what the tank cannot hold; gives the volumes of what stays.
    fn run_over(&mut self, design: &TankDesign) -> LayerVolumes {
        let volumes = self.content.volumes(&design.fluids);
        let too_much = volumes.total() - design.vessel.capacity_m3();
        if too_much <= 0.0 {
            return volumes;
        }
        let out = self.content.take(too_much, Outlet::Surface, &design.fluids);
        self.ledger.spilled += out.total();
        self.ledger.spilled_m3 += out.volumes(&design.fluids).total();
        self.content.volumes(&design.fluids)
    }

    /// Gives the truth.
    pub(super) fn state(&self, design: &TankDesign) -> TankState {
        let volumes = self.content.volumes(&design.fluids);
        let whole = self.content.total();
        let level_mm = design.vessel.level_at(volumes.total());
        let interface_mm = design.vessel.level_at(volumes.water).min(level_mm);
        let emulsion_mm = if volumes.emulsion > 0.0 {
            (design.vessel.level_at(volumes.water + volumes.emulsion) - interface_mm).max(0.0)
        } else {
            0.0
        };
        let cut = |parcel: &Parcel| {
            let (oil, water) = parcel.volumes(&design.fluids);
            if oil + water > 0.0 { water / (oil + water) } else { 0.0 }
        };
        let emulsion_water_cut = cut(&self.content.emulsion);
        let total = volumes.total();
        let water_cut = if total > 0.0 { (volumes.water + volumes.emulsion * emulsion_water_cut) / total } else { 0.0 };
        TankState {
            level_mm,
            interface_mm,
            temperature_c: design.temperature_of(&self.content, &volumes),
            oil_m3: volumes.oil,
            emulsion_m3: volumes.emulsion,
            water_m3: volumes.water,
            emulsion_mm,
            emulsion_water_cut,
            water_cut,
            mass_kg: whole.mass_kg(),
            foam_mm: self.foam_mm,
            spilled_m3: self.ledger.spilled_m3,
        }
    }
}

impl Frozen {
    /// Gives the tank in which a gauge shows this.
    pub(super) fn state(&self, design: &TankDesign) -> TankState {
        let Self { level_mm, interface_mm, temperature_c } = *self;
        let content = design.layers(level_mm, interface_mm, 0.0, temperature_c);
        let volumes = content.volumes(&design.fluids);
        TankState {
            level_mm,
            interface_mm,
            temperature_c,
            oil_m3: volumes.oil,
            water_m3: volumes.water,
            water_cut: if volumes.total() > 0.0 { volumes.water / volumes.total() } else { 0.0 },
            mass_kg: content.total().mass_kg(),
            ..TankState::default()
        }
    }
}
