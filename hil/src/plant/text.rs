//! The one text form of a [`PlantCommand`].

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::command::{
    FloatMobility, FoamSight, GaugeParameters, Inflow, Nozzle, Outflow, PlantCommand, SetContent, Switch,
};

/// How a command is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandForm {
    /// The first word.
    pub verb: &'static str,
    /// What follows it.
    pub takes: &'static str,
    /// An example.
    pub example: &'static str,
    /// What it does, in a few words.
    pub does: &'static str,
}

/// All commands, in the order in which a person looks for them.
pub const FORMS: &[CommandForm] = &[
    form(
        "set",
        "TANK [level_mm=N] [interface_mm=N] [temperature_c=N] [emulsion_mm=N]",
        "set T-01 level_mm=11800 interface_mm=300",
        "the tank holds this from now on",
    ),
    form(
        "inflow",
        "TANK FLOW|off [water_cut=PERCENT] [temperature=TEMPERATURE]",
        "inflow T-01 400m3/h water_cut=30% temperature=45C",
        "a stream flows in",
    ),
    form("outflow", "TANK FLOW|off [from=bottom|oil|HEIGHT]", "outflow T-01 200m3/h from=bottom", "liquid flows out"),
    form(
        "transfer",
        "TANK TANK FLOW|off [from=bottom|oil|HEIGHT]",
        "transfer T-01 T-02 150m3/h",
        "liquid flows from one tank to another",
    ),
    form("leak", "TANK LITRES|off", "leak T-01 20L/h", "the bottom leaks"),
    form("heater", "TANK POWER|off", "heater T-01 50kW", "the tank is heated"),
    form("ambient", "TEMPERATURE", "ambient -10C", "the air around all tanks"),
    form("foam", "TANK THICKNESS|off", "foam T-01 300mm", "foam stands on the liquid"),
    form("float", "TANK stuck|free", "float T-01 stuck", "the float of the gauge stays where it is"),
    form("build-up", "TANK THICKNESS|off", "build-up T-01 2mm", "deposit covers the rod of the interface sensor"),
    form(
        "liquids",
        "TANK [water=COUNTS] [oil=COUNTS]",
        "liquids T-01 water=1800 oil=45000",
        "another salinity or oil: what the rod measures in water and in dry oil",
    ),
    form("reboot", "TANK TIME", "reboot T-01 5s", "the gauge starts anew and shows zeros meanwhile"),
    form(
        "gauge",
        "TANK [offset_mm=N] [stiction_mm=N] [noise=N] [foam=blind|seen]",
        "gauge T-01 offset_mm=20",
        "parameters of the gauge are changed",
    ),
    form("pump", "PUMP start|stop", "pump P-01 start", "a pump runs"),
    form("valve", "VALVE open=PERCENT", "valve V-01 open=50%", "a valve travels to an opening"),
    form("hold", "TANK", "hold T-01", "all that flows into and out of the tank ends"),
    form(
        "freeze",
        "TANK [level_mm=N] [interface_mm=N] [temperature_c=N]",
        "freeze T-01 level_mm=9641 interface_mm=6367 temperature_c=32.5",
        "the gauge shows exactly this, whatever is in the tank",
    ),
    form("release", "TANK", "release T-01", "ends freeze, and hands the tank back to its routine"),
];

const fn form(verb: &'static str, takes: &'static str, example: &'static str, does: &'static str) -> CommandForm {
    CommandForm { verb, takes, example, does }
}

/// A text is not a command to the plant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseCommandError {
    /// There is no such command.
    #[error("there is no plant command {verb:?}; there are {}", verbs())]
    UnknownVerb {
        /// The first word.
        verb: String,
    },
    /// What follows the verb is not what it takes.
    #[error("plant command {text:?}: {wrong}; it is written {verb} {takes}, such as {example}")]
    Form {
        /// The whole text.
        text: String,
        /// What is wrong.
        wrong: String,
        /// The command.
        verb: &'static str,
        /// What it takes.
        takes: &'static str,
        /// An example.
        example: &'static str,
    },
}

fn verbs() -> String {
    FORMS.iter().map(|form| form.verb).collect::<Vec<_>>().join(", ")
}

impl FromStr for PlantCommand {
    type Err = ParseCommandError;

    fn from_str(text: &str) -> Result<Self, ParseCommandError> {
        let mut words = text.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let Some(form) = FORMS.iter().find(|form| form.verb == verb) else {
            return Err(ParseCommandError::UnknownVerb { verb: verb.to_owned() });
        };
        let mut arguments = Arguments { words: words.collect() };
        let parsed = parse(verb, &mut arguments).and_then(|command| arguments.finish().map(|()| command));
        parsed.map_err(|wrong| ParseCommandError::Form {
            text: text.to_owned(),
            wrong,
            verb: form.verb,
            takes: form.takes,
            example: form.example,
        })
    }
}

fn parse(verb: &str, arguments: &mut Arguments<'_>) -> Result<PlantCommand, String> {
    Ok(match verb {
        "set" => PlantCommand::Set { tank: arguments.name("a tank")?, content: content(arguments, true)? },
        "inflow" => PlantCommand::Inflow {
            tank: arguments.name("a tank")?,
            stream: match arguments.or_off(&FLOW)? {
                None => None,
                Some(flow_m3h) => Some(Inflow {
                    flow_m3h,
                    water_cut_percent: arguments.option("water_cut", |text| PERCENT.read(text))?.unwrap_or(0.0),
                    temperature_c: arguments.option("temperature", |text| TEMPERATURE.read(text))?,
                }),
            },
        },
        "outflow" => {
            let tank = arguments.name("a tank")?;
            PlantCommand::Outflow { tank, stream: outflow(arguments, Nozzle::Oil)? }
        }
        "transfer" => {
            let (from, to) = (arguments.name("a tank")?, arguments.name("a second tank")?);
            PlantCommand::Transfer { from, to, stream: outflow(arguments, Nozzle::Oil)? }
        }
        "leak" => PlantCommand::Leak { tank: arguments.name("a tank")?, litres_h: amount(arguments, &LEAK)? },
        "heater" => PlantCommand::Heater { tank: arguments.name("a tank")?, kilowatts: amount(arguments, &POWER)? },
        "ambient" => PlantCommand::Ambient { temperature_c: arguments.quantity(&AMBIENT)? },
        "foam" => PlantCommand::Foam { tank: arguments.name("a tank")?, thickness_mm: amount(arguments, &FOAM)? },
        "build-up" => {
            PlantCommand::BuildUp { tank: arguments.name("a tank")?, thickness_mm: amount(arguments, &BUILD_UP)? }
        }
        "liquids" => {
            let tank = arguments.name("a tank")?;
            let water = arguments.option("water", |text| COUNTS.read(text))?;
            let dry_oil = arguments.option("oil", |text| COUNTS.read(text))?;
            arguments.finish()?;
            if (water, dry_oil) == (None, None) {
                return Err("it changes nothing".to_owned());
            }
            PlantCommand::Liquids { tank, water, dry_oil }
        }
        "float" => PlantCommand::Float {
            tank: arguments.name("a tank")?,
            mobility: arguments.choice(&[("stuck", FloatMobility::Stuck), ("free", FloatMobility::Free)])?,
        },
        "reboot" => PlantCommand::Reboot { tank: arguments.name("a tank")?, lasts: arguments.time()? },
        "gauge" => PlantCommand::Gauge { tank: arguments.name("a tank")?, parameters: parameters(arguments)? },
        "pump" => PlantCommand::Pump {
            pump: arguments.name("a pump")?,
            switch: arguments.choice(&[("start", Switch::Start), ("stop", Switch::Stop)])?,
        },
        "valve" => PlantCommand::Valve {
            valve: arguments.name("a valve")?,
            open_percent: arguments
                .option("open", |text| PERCENT.read(text))?
                .ok_or_else(|| "open=PERCENT is missing".to_owned())?,
        },
        "hold" => PlantCommand::Hold { tank: arguments.name("a tank")? },
        "freeze" => PlantCommand::Freeze { tank: arguments.name("a tank")?, shown: content(arguments, false)? },
        "release" => PlantCommand::Release { tank: arguments.name("a tank")? },
        _ => return Err("it is not known how to read it".to_owned()),
    })
}

fn content(arguments: &mut Arguments<'_>, has_emulsion: bool) -> Result<SetContent, String> {
    let mut content = SetContent {
        level_mm: arguments.option("level_mm", |text| LEVEL.read(text))?,
        interface_mm: arguments.option("interface_mm", |text| LEVEL.read(text))?,
        temperature_c: arguments.option("temperature_c", |text| PLAIN_TEMPERATURE.read(text))?,
        emulsion_mm: None,
    };
    if has_emulsion {
        content.emulsion_mm = arguments.option("emulsion_mm", |text| LEVEL.read(text))?;
    }
    arguments.finish()?;
    if content == SetContent::default() { Err("it says nothing to be set".to_owned()) } else { Ok(content) }
}

fn parameters(arguments: &mut Arguments<'_>) -> Result<GaugeParameters, String> {
    let parameters = GaugeParameters {
        offset_mm: arguments.option("offset_mm", |text| OFFSET.read(text))?,
        stiction_mm: arguments.option("stiction_mm", |text| LEVEL.read(text))?,
        noise: arguments.option("noise", |text| NOISE.read(text))?,
        foam: arguments.option("foam", |text| match text {
            "blind" => Ok(FoamSight::Blind),
            "seen" => Ok(FoamSight::Seen),
            _ => Err(format!("{text:?} is not blind or seen")),
        })?,
    };
    arguments.finish()?;
    if parameters == GaugeParameters::default() { Err("it changes nothing".to_owned()) } else { Ok(parameters) }
}

fn outflow(arguments: &mut Arguments<'_>, default: Nozzle) -> Result<Option<Outflow>, String> {
    let Some(flow_m3h) = arguments.or_off(&FLOW)? else { return Ok(None) };
    let nozzle = arguments.option("from", str::parse)?;
    Ok(Some(Outflow { flow_m3h, nozzle: nozzle.unwrap_or(default) }))
}

impl FromStr for Nozzle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bottom" => Ok(Self::Bottom),
            "oil" => Ok(Self::Oil),
            _ => HEIGHT
                .read(text)
                .map(Self::Height)
                .map_err(|_| format!("{text:?} is not bottom, oil or a height in mm")),
        }
    }
}

fn amount(arguments: &mut Arguments<'_>, quantity: &Quantity) -> Result<f64, String> {
    Ok(arguments.or_off(quantity)?.unwrap_or(0.0))
}

/// A number with its unit.
struct Quantity {
    what: &'static str,
    unit: &'static str,
    range: RangeInclusive<f64>,
}

const fn quantity(what: &'static str, unit: &'static str, from: f64, to: f64) -> Quantity {
    Quantity { what, unit, range: from..=to }
}

const FLOW: Quantity = quantity("a flow", "m3/h", 0.001, 100_000.0);
const LEAK: Quantity = quantity("a leak", "L/h", 0.001, 1_000_000.0);
const POWER: Quantity = quantity("a power", "kW", 0.001, 100_000.0);
const TEMPERATURE: Quantity = quantity("a temperature", "C", -50.0, 150.0);
const PLAIN_TEMPERATURE: Quantity = quantity("a temperature in degC", "", -50.0, 150.0);
const AMBIENT: Quantity = quantity("an ambient temperature", "C", -60.0, 60.0);
const PERCENT: Quantity = quantity("a percentage", "%", 0.0, 100.0);
const FOAM: Quantity = quantity("a thickness", "mm", 0.001, 10_000.0);
const BUILD_UP: Quantity = quantity("a thickness", "mm", 0.001, 50.0);
const COUNTS: Quantity = quantity("an impedance in counts", "", 1.0, 65_535.0);
const HEIGHT: Quantity = quantity("a height", "mm", 0.0, 100_000.0);
const LEVEL: Quantity = quantity("a number of mm", "", 0.0, 100_000.0);
const OFFSET: Quantity = quantity("a number of mm", "", -10_000.0, 10_000.0);
const NOISE: Quantity = quantity("a factor", "", 0.0, 100.0);

impl Quantity {
    fn read(&self, text: &str) -> Result<f64, String> {
        let number = text.strip_suffix(self.unit).and_then(|number| number.parse::<f64>().ok());
        match number {
            // Adding 0 turns -0 into 0.
            Some(number) if self.range.contains(&number) => Ok(number + 0.0),
            _ => {
                let Self { what, unit, range } = self;
                let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
                Err(format!("{text:?} is not {what}{unit} from {} to {}", range.start(), range.end()))
            }
        }
    }
}

/// What follows the verb, word by word.
struct Arguments<'t> {
    words: Vec<&'t str>,
}

impl<'t> Arguments<'t> {
    /// Takes the next word that is not an option.
    fn word(&mut self, what: &str) -> Result<&'t str, String> {
        match self.words.first() {
            Some(word) if !word.contains('=') => Ok(self.words.remove(0)),
            _ => Err(format!("{what} is missing")),
        }
    }

    fn name<T: FromStr<Err: fmt::Display>>(&mut self, what: &str) -> Result<T, String> {
        self.word(what)?.parse().map_err(|error: T::Err| error.to_string())
    }

    fn quantity(&mut self, quantity: &Quantity) -> Result<f64, String> {
        let word = self.word(quantity.what)?;
        quantity.read(word)
    }

    fn or_off(&mut self, quantity: &Quantity) -> Result<Option<f64>, String> {
        match self.word(&format!("{} or off", quantity.what))? {
            "off" => Ok(None),
            word => quantity.read(word).map(Some).map_err(|wrong| format!("{wrong}, or off")),
        }
    }

    fn choice<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<T, String> {
        let names = choices.iter().map(|choice| choice.0).collect::<Vec<_>>().join(" or ");
        let word = self.word(&names)?;
        let chosen = choices.iter().find(|choice| choice.0 == word);
        chosen.map(|choice| choice.1).ok_or_else(|| format!("{word:?} is not {names}"))
    }

    /// Takes a time: `500ms`, `5s`, `2min`, `1h`; from 1 ms to a day.
    fn time(&mut self) -> Result<Duration, String> {
        const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000)];
        let word = self.word("a time")?;
        let (number, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len()));
        let factor = UNITS.iter().find(|known| known.0 == unit).map(|known| known.1);
        let millis = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
        let millis = millis.filter(|millis| (1..=86_400_000).contains(millis));
        millis.map(Duration::from_millis).ok_or_else(|| format!("{word:?} is not a time from 1ms to 24h"))
    }

    /// Takes `key=value` out, wherever it stands.
    fn option<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
        let found = self.words.iter().position(|word| word.split_once('=').is_some_and(|(name, _)| name == key));
        let Some(index) = found else { return Ok(None) };
        let word = self.words.remove(index);
        let value = word.split_once('=').map_or("", |(_, value)| value);
        read(value).map(Some).map_err(|wrong| format!("{key}: {wrong}"))
    }

    fn finish(&self) -> Result<(), String> {
        self.words.first().map_or(Ok(()), |word| Err(format!("it does not take {word:?}")))
    }
}

impl fmt::Display for PlantCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_off = |number: f64, unit: &str| if number > 0.0 { format!("{number}{unit}") } else { "off".to_owned() };
        match self {
            Self::Set { tank, content } => write!(f, "set {tank}{content}"),
            Self::Inflow { tank, stream } => match stream {
                None => write!(f, "inflow {tank} off"),
                Some(Inflow { flow_m3h, water_cut_percent, temperature_c }) => {
                    write!(f, "inflow {tank} {flow_m3h}m3/h water_cut={water_cut_percent}%")?;
                    temperature_c.map_or(Ok(()), |temperature_c| write!(f, " temperature={temperature_c}C"))
                }
            },
            Self::Outflow { tank, stream } => write!(f, "outflow {tank} {}", StreamText(*stream)),
            Self::Transfer { from, to, stream } => write!(f, "transfer {from} {to} {}", StreamText(*stream)),
            Self::Leak { tank, litres_h } => write!(f, "leak {tank} {}", or_off(*litres_h, "L/h")),
            Self::Heater { tank, kilowatts } => write!(f, "heater {tank} {}", or_off(*kilowatts, "kW")),
            Self::Ambient { temperature_c } => write!(f, "ambient {temperature_c}C"),
            Self::Foam { tank, thickness_mm } => write!(f, "foam {tank} {}", or_off(*thickness_mm, "mm")),
            Self::Float { tank, mobility: FloatMobility::Stuck } => write!(f, "float {tank} stuck"),
            Self::Float { tank, mobility: FloatMobility::Free } => write!(f, "float {tank} free"),
            Self::BuildUp { tank, thickness_mm } => write!(f, "build-up {tank} {}", or_off(*thickness_mm, "mm")),
            Self::Liquids { tank, water, dry_oil } => {
                write!(f, "liquids {tank}")?;
                let keys = [("water", water), ("oil", dry_oil)];
                keys.iter().try_for_each(|(key, value)| value.map_or(Ok(()), |value| write!(f, " {key}={value}")))
            }
            Self::Reboot { tank, lasts } => write!(f, "reboot {tank} {}ms", lasts.as_millis()),
            Self::Gauge { tank, parameters } => write!(f, "gauge {tank}{parameters}"),
            Self::Pump { pump, switch: Switch::Start } => write!(f, "pump {pump} start"),
            Self::Pump { pump, switch: Switch::Stop } => write!(f, "pump {pump} stop"),
            Self::Valve { valve, open_percent } => write!(f, "valve {valve} open={open_percent}%"),
            Self::Hold { tank } => write!(f, "hold {tank}"),
            Self::Freeze { tank, shown } => write!(f, "freeze {tank}{shown}"),
            Self::Release { tank } => write!(f, "release {tank}"),
        }
    }
}

struct StreamText(Option<Outflow>);

impl fmt::Display for StreamText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Outflow { flow_m3h, nozzle }) = self.0 else { return f.write_str("off") };
        write!(f, "{flow_m3h}m3/h from=")?;
        match nozzle {
            Nozzle::Bottom => f.write_str("bottom"),
            Nozzle::Oil => f.write_str("oil"),
            Nozzle::Height(mm) => write!(f, "{mm}mm"),
        }
    }
}

/// Each key with a blank before it.
impl fmt::Display for SetContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level_mm, interface_mm, temperature_c, emulsion_mm } = self;
        let keys = [
            ("level_mm", level_mm),
            ("interface_mm", interface_mm),
            ("temperature_c", temperature_c),
            ("emulsion_mm", emulsion_mm),
        ];
        keys.iter().try_for_each(|(key, value)| value.map_or(Ok(()), |value| write!(f, " {key}={value}")))
    }
}

/// Each key with a blank before it.
impl fmt::Display for GaugeParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = [("offset_mm", self.offset_mm), ("stiction_mm", self.stiction_mm), ("noise", self.noise)];
        keys.iter().try_for_each(|(key, value)| value.map_or(Ok(()), |value| write!(f, " {key}={value}")))?;
        match self.foam {
            None => Ok(()),
            Some(FoamSight::Blind) => f.write_str(" foam=blind"),
            Some(FoamSight::Seen) => f.write_str(" foam=seen"),
        }
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
