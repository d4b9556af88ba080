use std::time::Duration;

use tankline_domain::names::TankName;

use super::EquipmentName;

/// Something that is done to the plant or to a gauge.
///
/// It has one text form, in scenario files and on the command line: `inflow T-01 400m3/h water_cut=30%`.
/// `FORMS` of the text lists all of them. Levels in mm count from the tank bottom.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PlantCommand {
    /// The tank holds this from now on; what is not given stays as it is.
    Set {
        /// The tank.
        tank: TankName,
        /// What it holds.
        content: SetContent,
    },
    /// A stream flows in, or no more.
    Inflow {
        /// The tank.
        tank: TankName,
        /// The stream; `None` ends it.
        stream: Option<Inflow>,
    },
    /// Liquid flows out, or no more.
    Outflow {
        /// The tank.
        tank: TankName,
        /// The stream; `None` ends all that flow out.
        stream: Option<Outflow>,
    },
    /// Liquid flows from one tank to another, or no more.
    Transfer {
        /// Where it comes from.
        from: TankName,
        /// Where it goes.
        to: TankName,
        /// The stream; `None` ends it.
        stream: Option<Outflow>,
    },
    /// The bottom leaks, in litres an hour; 0 mends it.
    Leak {
        /// The tank.
        tank: TankName,
        /// How much.
        litres_h: f64,
    },
    /// The tank is heated, in kW; 0 ends it.
    Heater {
        /// The tank.
        tank: TankName,
        /// How much.
        kilowatts: f64,
    },
    /// The air around all tanks has this temperature in degC.
    Ambient {
        /// How warm it is.
        temperature_c: f64,
    },
    /// Foam of this thickness in mm stands on the liquid; 0 takes it away.
    Foam {
        /// The tank.
        tank: TankName,
        /// How thick.
        thickness_mm: f64,
    },
    /// The float of the gauge moves, or does not.
    Float {
        /// The tank.
        tank: TankName,
        /// Which.
        mobility: FloatMobility,
    },
    /// Deposit of this thickness in mm covers the rod of the interface sensor; 0 cleans it.
    BuildUp {
        /// The tank.
        tank: TankName,
        /// How thick.
        thickness_mm: f64,
    },
    /// Water or oil of another impedance is in the tank, as by another salinity or another oil; all of it at once.
    Liquids {
        /// The tank.
        tank: TankName,
        /// What the rod measures in the water, in counts of 1 to 65535; as before when absent.
        water: Option<f64>,
        /// What a clean rod measures in the oil without water, in counts of 1 to 65535; as before when absent.
        dry_oil: Option<f64>,
    },
    /// The gauge starts anew, and shows zeros for a time.
    Reboot {
        /// The tank.
        tank: TankName,
        /// How long.
        lasts: Duration,
    },
    /// Parameters of the gauge are changed.
    Gauge {
        /// The tank.
        tank: TankName,
        /// To what.
        parameters: GaugeParameters,
    },
    /// A pump starts or stops.
    Pump {
        /// The pump.
        pump: EquipmentName,
        /// Which.
        switch: Switch,
    },
    /// A valve travels to an opening in percent: 0 is shut.
    Valve {
        /// The valve.
        valve: EquipmentName,
        /// How far it is to be open.
        open_percent: f64,
    },
    /// All that flows into and out of the tank ends, the leak too.
    Hold {
        /// The tank.
        tank: TankName,
    },
    /// The gauge shows exactly this, whatever is in the tank.
    Freeze {
        /// The tank.
        tank: TankName,
        /// What it shows, counted from the tank bottom; what is not given is what it shows now.
        shown: SetContent,
    },
    /// The gauge of a frozen tank measures again, and the operator of the tank goes on with its routine.
    Release {
        /// The tank.
        tank: TankName,
    },
}

/// What a tank is set to. What is `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SetContent {
    /// Liquid level in mm above the tank bottom.
    pub level_mm: Option<f64>,
    /// Oil-water interface in mm above the tank bottom.
    pub interface_mm: Option<f64>,
    /// Temperature of all that is in the tank, in degC.
    pub temperature_c: Option<f64>,
    /// Thickness of the emulsion in mm.
    pub emulsion_mm: Option<f64>,
}

/// A stream into a tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inflow {
    /// How much, in m3/h.
    pub flow_m3h: f64,
    /// Share of water in percent by volume.
    pub water_cut_percent: f64,
    /// Temperature in degC; that of the tank when absent.
    pub temperature_c: Option<f64>,
}

/// A stream out of a tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outflow {
    /// How much, in m3/h; less when the tank has less.
    pub flow_m3h: f64,
    /// Where it leaves.
    pub nozzle: Nozzle,
}

/// Where a stream leaves a tank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nozzle {
    /// At the bottom: water first.
    Bottom,
    /// At a floating suction: oil first.
    Oil,
    /// At this height in mm above the tank bottom: what stands there.
    Height(f64),
}

/// Whether a float moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatMobility {
    /// It follows the liquid.
    Free,
    /// It stays where it is.
    Stuck,
}

/// Whether something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It starts.
    Start,
    /// It stops.
    Stop,
}

/// Parameters of a gauge. What is `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GaugeParameters {
    /// Height of the measuring origin above the tank bottom that the gauge believes in, in mm.
    pub offset_mm: Option<f64>,
    /// The float moves only when the level has moved by more than this, in mm.
    pub stiction_mm: Option<f64>,
    /// How much noise the values have: 1 is the usual, 0 none.
    pub noise: Option<f64>,
    /// What the level sensor makes of foam.
    pub foam: Option<FoamSight>,
}

/// What a level sensor makes of foam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FoamSight {
    /// It is blind to it, as a float is.
    #[default]
    Blind,
    /// It takes its top for the level, as a dip tape does.
    Seen,
}

impl PlantCommand {
    /// Gives the tanks that the command names.
    pub fn tanks(&self) -> impl Iterator<Item = &TankName> {
        let (first, second) = match self {
            Self::Transfer { from, to, .. } => (Some(from), Some(to)),
            Self::Set { tank, .. }
            | Self::Inflow { tank, .. }
            | Self::Outflow { tank, .. }
            | Self::Leak { tank, .. }
            | Self::Heater { tank, .. }
            | Self::Foam { tank, .. }
            | Self::Float { tank, .. }
            | Self::BuildUp { tank, .. }
            | Self::Liquids { tank, .. }
            | Self::Reboot { tank, .. }
            | Self::Gauge { tank, .. }
            | Self::Hold { tank }
            | Self::Freeze { tank, .. }
            | Self::Release { tank } => (Some(tank), None),
            Self::Ambient { .. } | Self::Pump { .. } | Self::Valve { .. } => (None, None),
        };
        first.into_iter().chain(second)
    }
}
