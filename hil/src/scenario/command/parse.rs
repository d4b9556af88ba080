//! Commands from their text.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::{Act, ClockSetting, Command, DiskState, FaultCommand, Link, LinkState};
use crate::line::Fault;
use crate::plant;
use crate::scenario::story::parse_time;

/// A text is not a command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?}: {message}")]
pub struct ParseCommandError {
    text: String,
    message: String,
}

impl ParseCommandError {
    /// Gives what is wrong and what would be right, without the text itself.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The commands that are not the plant's, each with an example.
const EXAMPLES: [(&str, &str); 15] = [
    ("fault", "fault T-02 late=1200ms"),
    ("kill", "kill rtu-01 for 30 s"),
    ("stop", "stop ingest"),
    ("start", "start ingest"),
    ("restart", "restart broker"),
    ("twin", "twin rtu-01 for 5 min"),
    ("power-cut", "power-cut rtu-01 for 1 min"),
    ("cut", "cut rtu-01 for 30 s"),
    ("stall", "stall rtu-01 for 1 min"),
    ("slow", "slow rtu-01 delay=300ms rate=64kbit/s"),
    ("drop", "drop rtu-01"),
    ("mend", "mend rtu-01"),
    ("disk", "disk rtu-01 full for 2 min"),
    ("clock", "clock rtu-01 -3650 d"),
    ("refuse", "refuse influxdb 503 for 1 min"),
];

impl FromStr for Command {
    type Err = ParseCommandError;

    fn from_str(text: &str) -> Result<Self, ParseCommandError> {
        parse(text).map_err(|message| ParseCommandError { text: text.to_owned(), message })
    }
}

fn parse(text: &str) -> Result<Command, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let verb = *words.first().ok_or("is empty; write a command such as \"inflow T-01 400m3/h\"")?;
    let example = EXAMPLES.iter().find(|(name, _)| *name == verb).map(|(_, example)| *example);
    let example = match (example, verb) {
        (Some(example), _) => example,
        (None, "accept") => "accept influxdb",
        (None, _) => return plant(text, verb),
    };
    let (words, time) = without_time(&words)?;
    let wrong = || format!("write it such as \"{example}\"");
    let [target, rest @ ..] = &words[1..] else { return Err(wrong()) };
    if verb == "fault" {
        return Ok(Command::Fault(fault(target, rest)?, time));
    }
    let role = || target.parse();
    let link = || target.parse::<Link>();
    let edge = || target.parse().map_err(|error| format!("{error}"));
    let act = match (verb, rest) {
        ("kill", []) => Act::Kill(role()?),
        ("stop", []) => Act::Stop(role()?),
        ("start", []) => Act::Start(role()?),
        ("restart", []) => Act::Restart(role()?),
        ("twin", []) => Act::Twin(edge()?),
        ("power-cut", []) => Act::PowerCut(edge()?),
        ("cut", []) => Act::Link(link()?, LinkState::Cut),
        ("stall", []) => Act::Link(link()?, LinkState::Stalled),
        ("mend", []) => Act::Link(link()?, LinkState::Open),
        ("slow", [_, ..]) => Act::Link(link()?, slow(rest).ok_or_else(wrong)?),
        ("drop", []) => Act::Drop(link()?),
        ("disk", [state]) => Act::Disk(edge()?, disk(state)?),
        ("clock", [_, ..]) => Act::Clock(edge()?, clock(&rest.join(" "))?),
        ("refuse", [status]) if *target == "influxdb" => {
            let status = status.parse().ok().filter(|status| (400..600).contains(status));
            Act::Refuse(Some(status.ok_or("the status is an HTTP error from 400 to 599")?))
        }
        ("accept", []) if *target == "influxdb" => Act::Refuse(None),
        _ => return Err(wrong()),
    };
    if time.is_some() && act.end().is_none() {
        return Err(format!("{verb} is over at once; leave the time out"));
    }
    Ok(Command::Bench(act, time))
}

fn plant(text: &str, verb: &str) -> Result<Command, String> {
    text.parse().map(Command::Plant).map_err(|error| match error {
        plant::ParseCommandError::UnknownVerb { .. } => {
            let bench = EXAMPLES.iter().map(|(name, _)| *name);
            let verbs: Vec<_> = bench.chain(plant::FORMS.iter().map(|form| form.verb)).collect();
            format!("there is no command {verb:?}; there are {}", verbs.join(", "))
        }
        plant::ParseCommandError::Form { wrong, verb, takes, example, .. } => {
            format!("{wrong}; it is written {verb} {takes}, such as {example}")
        }
    })
}

/// Takes `for TIME` off the end.
fn without_time<'w>(words: &[&'w str]) -> Result<(Vec<&'w str>, Option<Duration>), String> {
    match words.iter().position(|word| *word == "for") {
        None => Ok((words.to_vec(), None)),
        Some(at) => Ok((words[..at].to_vec(), Some(parse_time(&words[at + 1..].join(" "))?))),
    }
}

fn fault(target: &str, rest: &[&str]) -> Result<FaultCommand, String> {
    if rest.is_empty() {
        return Err("name the fault, such as \"fault T-02 late=1200ms\", or none".to_owned());
    }
    let faults = Fault::parse_all(rest).map_err(|error| error.to_string())?;
    Ok(FaultCommand { on: target.to_owned(), faults })
}

fn slow(words: &[&str]) -> Option<LinkState> {
    let (mut delay, mut bytes_per_s) = (Duration::ZERO, None);
    for word in words {
        match word.split_once('=')? {
            ("delay", time) => delay = parse_time(time).ok()?,
            ("rate", rate) => {
                let kilobits: f64 = rate.strip_suffix("kbit/s")?.parse().ok()?;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
                let rate = (0.1..1e6).contains(&kilobits).then_some((kilobits * 125.0) as u32)?;
                bytes_per_s = Some(rate.max(1));
            }
            _ => return None,
        }
    }
    Some(LinkState::Slow { delay, bytes_per_s })
}

fn disk(word: &str) -> Result<DiskState, String> {
    match (word, word.strip_prefix("slow=")) {
        ("good", _) => Ok(DiskState::Good),
        ("full", _) => Ok(DiskState::Full),
        ("read-only", _) => Ok(DiskState::ReadOnly),
        ("lying", _) => Ok(DiskState::Lying),
        (_, Some(time)) => parse_time(time).map(DiskState::Slow),
        _ => Err("a disk is good, full, read-only, lying or slow=200ms".to_owned()),
    }
}

fn clock(text: &str) -> Result<ClockSetting, String> {
    let millis = |time: &str| {
        parse_time(time).and_then(|time| i64::try_from(time.as_millis()).map_err(|_| "is too long".to_owned()))
    };
    match (text, text.strip_prefix('+'), text.strip_prefix('-')) {
        ("right", ..) => Ok(ClockSetting::Right),
        ("unset", ..) => Ok(ClockSetting::Unset),
        (_, Some(time), _) => millis(time).map(ClockSetting::Off),
        (_, _, Some(time)) => millis(time).map(|millis| ClockSetting::Off(-millis)),
        _ => Err("a clock is right, unset, or off by a time such as -3650 d or +2 h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_from_their_text() {
        for text in EXAMPLES.iter().map(|(_, example)| *example).chain([
            "fault line-01 babble=300ms@30% crc",
            "fault T-02 none",
            "stall influxdb",
            "accept influxdb",
            "disk rtu-01 slow=200ms",
            "disk rtu-01 good",
            "disk rtu-01 lying",
            "clock rtu-01 unset",
            "clock rtu-01 +2 h for 5 min",
            "kill influxdb",
        ]) {
            let command: Command = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(command.to_string().parse(), Ok(command), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (text, told) in [
            ("", "is empty; write a command such as"),
            ("kill", "write it such as \"kill rtu-01 for 30 s\""),
            ("kill rtu-01 dead", "write it such as \"kill rtu-01 for 30 s\""),
            ("kill rtu 01", "write it such as"),
            ("kill r/1", "\"r/1\" is not a name"),
            ("kill rtu-01 for a while", "is not a time; write it such as"),
            ("drop rtu-01 for 1 s", "drop is over at once; leave the time out"),
            ("cut broker", "the broker has no connection of its own; name an edge, ingest or influxdb"),
            ("slow rtu-01 fast", "write it such as \"slow rtu-01 delay=300ms rate=64kbit/s\""),
            ("disk rtu-01 broken", "a disk is good, full, read-only, lying or slow=200ms"),
            ("clock rtu-01 5 s", "a clock is right, unset, or off by a time"),
            ("refuse influxdb 200", "an HTTP error from 400 to 599"),
            ("fault T-02", "name the fault"),
            ("fault T-02 lat=3ms", "there is no line fault \"lat\""),
            ("explode T-01", "there is no command \"explode\"; there are fault, kill, "),
        ] {
            let error = text.parse::<Command>().unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn what_lasts_has_an_end() {
        let end =
            |text: &str| text.parse::<Command>().unwrap().end().map(|(time, end)| (time.as_secs(), end.to_string()));
        let is = |seconds, text: &str| Some((seconds, text.to_owned()));
        assert_eq!(end("kill rtu-01 for 30 s"), is(30, "start rtu-01"));
        assert_eq!(end("fault T-02 crc for 1 min"), is(60, "fault T-02 none"));
        assert_eq!(end("cut rtu-01 for 30 s"), is(30, "mend rtu-01"));
        assert_eq!(end("cut rtu-01"), None);
        assert_eq!(end("clock rtu-01 -1 h for 1 min"), is(60, "clock rtu-01 right"));
    }
}
