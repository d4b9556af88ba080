//! What a person at the tank can check, for each way in which a gauge does not answer.

use std::fmt;

use tankline_domain::message::GaugeCounters;
use tankline_domain::reading::{Bad, Quality, Uncertain};
use tankline_domain::register::RegisterRead;
use tankline_domain::site::{Framing, Port};

use super::arguments::{Place, framing_in_words};
use super::attempt::AttemptError;
use super::report;
use super::target::{Question, Target, Values};
use crate::line::frame::{Request, hex};
use crate::line::gate::Silence;
use crate::line::master::ExchangeError;
use crate::line::port::OpenError;

/// Nobody gave a reading that can be used: what failed, what was seen, and what to check.
///
/// It is told over several lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unanswered {
    headline: String,
    seen: Vec<String>,
    checks: Vec<String>,
}

impl Unanswered {
    pub(super) fn new(headline: String, seen: Vec<String>, checks: Vec<String>) -> Self {
        Self { headline, seen, checks }
    }

    /// Gives the first line: what failed.
    #[must_use]
    pub fn headline(&self) -> &str {
        &self.headline
    }

    /// Gives what to check, the likeliest first.
    #[must_use]
    pub fn checks(&self) -> &[String] {
        &self.checks
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)?;
        for line in &self.seen {
            write!(f, "\n  {line}")?;
        }
        if !self.checks.is_empty() {
            f.write_str("\n\n  What to check:")?;
        }
        for check in &self.checks {
            write!(f, "\n  - {check}")?;
        }
        Ok(())
    }
}

/// Says why a gauge gave no answer.
pub(super) fn of_attempt(target: &Target, error: &AttemptError) -> Unanswered {
    let headline = match error {
        AttemptError::Open(_) => error.in_words(),
        AttemptError::Exchange { .. } => {
            format!("unit {} on {} gave no reading: {}", target.unit, target.place(), error.in_words())
        }
    };
    match error {
        AttemptError::Open(error) => Unanswered::new(headline, Vec::new(), of_open(error)),
        AttemptError::Exchange { read, error, heard } => {
            Unanswered::new(headline, seen(target.unit, *read, error, heard), of_exchange(target, error, heard))
        }
    }
}

/// Says why a port cannot be opened.
pub(super) fn of_open_port(error: &OpenError) -> Unanswered {
    let source = std::error::Error::source(error);
    let headline = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    Unanswered::new(headline, Vec::new(), of_open(error))
}

/// Says why a line ended a scan on which nobody had answered.
pub(super) fn of_line(port: &Port, framing: &Framing, error: &ExchangeError, asked: usize, units: usize) -> Unanswered {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    let headline = format!("{}: {error}{source}", Place(port, framing));
    let seen = vec![format!("nobody had answered until then, {asked} of {units} units asked")];
    Unanswered::new(headline, seen, of_broken_line(port, error))
}

/// Says why values that came cannot be true.
pub(super) fn of_values(target: &Target, values: &Values) -> Unanswered {
    let place = target.place();
    let headline = format!("unit {} on {place} answered, but its values cannot be true", target.unit);
    let mut checks = Vec::new();
    if let Question::Quantities { tank: Some(tank), .. } = &target.question {
        let height = report::mm(tank.mounting.tank_height);
        checks.push(format!("tank {} is {height} high: is unit {} the gauge on it?", tank.name, target.unit));
        checks.push(format!(
            "its offset is {}: is that where its measuring origin is?",
            report::mm(tank.mounting.offset)
        ));
    }
    if values.level.is_none() {
        checks.push("the level is not a number: does the register map have the right type and word order?".into());
    }
    checks.push("the register map: registers, types and scales as the gauge's manual has them".into());
    checks.push("the gauge's own display: does it show the same, or a sensor failure?".into());
    Unanswered::new(headline, Vec::new(), checks)
}

/// Says in words what a quality means; `None` when it is good.
pub(super) fn quality_in_words(quality: &Quality) -> Option<&'static str> {
    Some(match quality {
        Quality::Good => return None,
        Quality::Uncertain(Uncertain::BlindZone) => "the level stands in a blind zone of the gauge",
        Quality::Uncertain(Uncertain::InterfaceAboveLevel) => "the interface reads above the level",
        Quality::Bad(Bad::OutOfRange) => "a value is outside what the tank or the sensor can have",
        Quality::Uncertain(_) => "the values may be off",
        Quality::Bad(_) => "the values cannot be used",
    })
}

/// What was sent and what was heard.
fn seen(unit: u8, read: RegisterRead, error: &ExchangeError, heard: &GaugeCounters) -> Vec<String> {
    let mut seen = Vec::new();
    if !matches!(error, ExchangeError::Babble) {
        let request = hex(Request::new(unit, read).frame());
        seen.push(format!("request  {request}   {}", report::registers_in_words(read)));
    }
    match error {
        ExchangeError::Exception { reply, .. } => seen.push(format!("reply    {}", hex(reply))),
        ExchangeError::Silent { silence, .. } => seen.push(format!("reply    {}", heard_in_words(*silence, heard))),
        ExchangeError::Babble | ExchangeError::Port(_) => {}
    }
    seen
}

fn heard_in_words(silence: Silence, heard: &GaugeCounters) -> String {
    let what = match silence {
        Silence::Nothing => "nothing that answers it",
        Silence::Damaged => "damaged",
        Silence::Wrong => "a good frame, but no answer to this request",
    };
    let counts = [
        (heard.echoes, "own request heard back"),
        (heard.foreign, "frames for or from others"),
        (heard.late, "frames outside their time"),
        (heard.crc_errors, "damaged frames"),
    ];
    let heard: Vec<_> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} x {what}")).collect();
    match (silence, heard.is_empty()) {
        (Silence::Nothing, true) => "nothing at all was heard".into(),
        (_, true) => what.into(),
        (_, false) => format!("{what} ({})", heard.join(", ")),
    }
}

fn of_open(error: &OpenError) -> Vec<String> {
    match error {
        // Its text holds what to check.
        OpenError::Serial { .. } => Vec::new(),
        OpenError::Tcp { address, .. } => {
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            vec![
                format!("the gateway has power and network: `ping {host}`"),
                "host and TCP port: as the gateway's own configuration page shows them".into(),
                "most gateways serve few connections at once: does another program hold one?".into(),
            ]
        }
    }
}

fn of_exchange(target: &Target, error: &ExchangeError, heard: &GaugeCounters) -> Vec<String> {
    let Target { port, framing, .. } = target;
    match error {
        ExchangeError::Silent { silence: Silence::Nothing, .. } => {
            let mut checks = Vec::new();
            if heard.late > 0 {
                checks.push("something answered too late: try --timeout 3s".into());
            }
            if heard.foreign > 0 {
                checks.push("others were heard on the line: is another master on it, a PLC or a running agent?".into());
            }
            if heard.echoes > 0 {
                checks.push("the adapter hears its own request, so it does send: look between it and the gauge".into());
            }
            checks.extend(of_silence(port, framing));
            checks.push(format!(
                "the unit address: is it {} in the gauge? `{}` shows who is there",
                target.unit,
                scan(port)
            ));
            checks
        }
        ExchangeError::Silent { silence: Silence::Damaged, .. } => of_damage(port, framing),
        ExchangeError::Silent { silence: Silence::Wrong, .. } => vec![
            "another master on the line, whose answers are heard: a PLC, a running agent, a second program".into(),
            "the device of this address: is it the gauge? Another function or register count came back".into(),
            format!("two devices with address {}: take one off and ask again", target.unit),
        ],
        ExchangeError::Exception { code, .. } => of_exception(*code),
        ExchangeError::Babble | ExchangeError::Port(_) => of_broken_line(port, error),
    }
}

/// What to check when the line or its port fails, whoever is asked.
fn of_broken_line(port: &Port, error: &ExchangeError) -> Vec<String> {
    if matches!(error, ExchangeError::Babble) {
        return vec![
            "another master on the line, a PLC or a running agent: stop it while you ask".into(),
            "A+ and B-: swapped or shorted they look like one endless byte".into(),
            "termination (120 ohm at both ends) and bias: an open line picks up noise".into(),
        ];
    }
    match port {
        Port::Serial(_) => vec![
            "the adapter: was it unplugged? `dmesg | tail` tells".into(),
            "its USB cable and hub: long cables and pumps starting nearby make adapters drop out".into(),
        ],
        Port::RtuOverTcp(_) => vec![
            "the gateway closed the connection: does it allow another client?".into(),
            "its mode: rtu+tcp:// wants it transparent (raw TCP); for Modbus TCP write tcp://".into(),
        ],
        Port::ModbusTcp(_) => vec![
            "the gateway closed the connection: does it allow another client?".into(),
            "its mode: tcp:// wants Modbus TCP; for a transparent (raw TCP) gateway write rtu+tcp://".into(),
        ],
    }
}

/// What to check when a port is open and nobody answers.
///
/// Supply, terminals and framing are those of the published gauge.
pub(super) fn of_silence(port: &Port, framing: &Framing) -> Vec<String> {
    let mut checks = vec![
        "the gauge's supply: 24 V between +24 and GND, measured at its terminals (9 to 25 V will do)".to_owned(),
        "the wiring: A+ to A+ and B- to B-; when in doubt swap A and B, it harms nothing".to_owned(),
    ];
    match port {
        Port::Serial(_) => checks.push(format!(
            "baud rate and parity: asked at {}; the published gauge has 9600 8N1",
            framing_in_words(framing)
        )),
        Port::RtuOverTcp(_) => {
            checks.push("the gateway's serial side: 9600 8N1 for the published gauge".to_owned());
            checks.push("the gateway's mode: transparent (raw TCP); if it speaks Modbus TCP write tcp://".to_owned());
        }
        Port::ModbusTcp(_) => {
            checks.push("the gateway's serial side: 9600 8N1 for the published gauge, RTU".to_owned());
            checks.push("the gateway's mode: Modbus TCP; if it is transparent (raw TCP) write rtu+tcp://".to_owned());
        }
    }
    checks.push("termination: 120 ohm at both ends of the line and nowhere else; the line at most 1 km".to_owned());
    checks.push("another master on the line, a PLC or a running agent: stop it while you ask".to_owned());
    checks
}

/// What to check when answers come damaged.
pub(super) fn of_damage(port: &Port, framing: &Framing) -> Vec<String> {
    let asked = match port {
        Port::Serial(_) => format!("asked at {}", framing_in_words(framing)),
        Port::RtuOverTcp(_) | Port::ModbusTcp(_) => "on the gateway's serial side".to_owned(),
    };
    vec![
        "two gauges with this address answer at once: take one off the line and ask again".to_owned(),
        format!("baud rate, parity and stop bits: {asked}; the published gauge has 9600 8N1"),
        "termination: 120 ohm at both ends of the line and nowhere else".to_owned(),
        "noise: shield earthed at one end only, GND connected, cable away from pump motors and their drives".to_owned(),
        "another master on the line that talks into the answer".to_owned(),
    ]
}

/// What to check for an exception code.
///
/// Source: Modbus Application Protocol V1.1b3, section 7.
fn of_exception(code: u8) -> Vec<String> {
    let answers = "the gauge is wired, powered and set right: it answers".to_owned();
    let check = match code {
        1 => "the kind of register: try --register N --kind input, or --kind holding",
        2 => {
            "the register map: is it this gauge's? Registers count from 1, as manuals print them; some manuals count from 0"
        }
        3 => "the register map: the gauge does not take so many registers in one request",
        4 => "the gauge's display: it reports a failure of its own",
        5 | 6 => "wait a minute and ask again: it is busy, perhaps starting up",
        8 => "the gauge itself: its memory fails; switch it off and on, then have it repaired",
        10 => return vec!["the gateway's table of units: it has no way to this one".to_owned()],
        11 => {
            return vec![
                "the gateway got no answer from the gauge: its supply, A+ and B-, its unit address".to_owned(),
                "the gateway's serial side: 9600 8N1 for the published gauge".to_owned(),
            ];
        }
        _ => "the gauge's manual: this code is the maker's own",
    };
    vec![answers, check.to_owned()]
}

fn scan(port: &Port) -> String {
    format!("tankline-edge scan --port {port}")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use tankline_domain::register::{RegisterKind, WireAddress};

    use super::*;

    fn told(port: &str, error: ExchangeError, heard: GaugeCounters) -> String {
        let read = RegisterRead { kind: RegisterKind::Holding, start: WireAddress::new(49), count: 3 };
        let question = Question::Registers(read);
        let target = Target { port: port.parse().unwrap(), framing: Framing::default(), unit: 7, question };
        of_attempt(&target, &AttemptError::Exchange { read, error, heard }).to_string()
    }

    #[test]
    fn each_failure_has_advice_of_its_own() {
        let none = GaugeCounters::default();
        let silent = |silence| ExchangeError::Silent { waited: Duration::from_millis(1000), silence };
        let exception = |code| ExchangeError::Exception { code, meaning: "it is so", reply: vec![7, 0x83, code] };
        let broken = || ExchangeError::Port(io::ErrorKind::UnexpectedEof.into());
        let table = [
            ("/dev/ttyS1", silent(Silence::Nothing), "24 V between +24 and GND"),
            ("/dev/ttyS1", silent(Silence::Nothing), "asked at 9600 8N1"),
            ("/dev/ttyS1", silent(Silence::Nothing), "is it 7 in the gauge? `tankline-edge scan --port /dev/ttyS1`"),
            ("rtu+tcp://gw:4001", silent(Silence::Nothing), "if it speaks Modbus TCP write tcp://"),
            ("tcp://gw:502", silent(Silence::Nothing), "if it is transparent (raw TCP) write rtu+tcp://"),
            ("/dev/ttyS1", silent(Silence::Damaged), "two gauges with this address"),
            ("/dev/ttyS1", silent(Silence::Wrong), "another master"),
            ("/dev/ttyS1", exception(2), "Registers count from 1"),
            ("/dev/ttyS1", exception(2), "reply    07 83 02"),
            ("tcp://gw:502", exception(11), "the gateway got no answer"),
            ("/dev/ttyS1", ExchangeError::Babble, "endless byte"),
            ("/dev/ttyS1", broken(), "was it unplugged?"),
            ("tcp://gw:502", broken(), "does it allow another client?"),
        ];
        for (port, error, wanted) in table {
            let text = told(port, error, none);
            assert!(text.contains(wanted), "{wanted:?} is not in {text}");
        }
    }

    #[test]
    fn what_was_heard_is_told_and_used() {
        let silent = ExchangeError::Silent { waited: Duration::from_millis(1000), silence: Silence::Nothing };
        let text = told("/dev/ttyS1", silent, GaugeCounters { echoes: 1, late: 2, ..GaugeCounters::default() });
        assert!(text.contains("1 x own request heard back, 2 x frames outside their time"), "{text}");
        assert!(text.contains("try --timeout 3s"), "{text}");
        assert!(text.contains("hears its own request"), "{text}");
    }
}
