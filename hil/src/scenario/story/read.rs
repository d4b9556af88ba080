//! From the text of a scenario to a story that can be played; everything that is wrong is said at once.

use std::cell::RefCell;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use tankline_domain::names::LineName;
use tankline_domain::settings::{Problems, Reader, Section};
use tankline_domain::site::Site;

use super::expect::read_expectation;
use super::{Begins, DayOf, Event, Expectation, Overlays, Story, Time, TomlText, in_words, site};
use crate::line::Place;
use crate::plant::{Plant, PlantCommand, PlantDesign};
use crate::scenario::command::{Act, Command};

/// Slower and faster makes no sense: gauges and processes run in real time.
const SPEEDS: RangeInclusive<f64> = 0.01..=10_000.0;

/// Most events of one `every`.
const MOST_REPEATS: u32 = 10_000;

/// Reads and checks a scenario file.
///
/// # Errors
/// [`Problems`] with all that is wrong, each with file, line and key.
pub fn load(file: &Path) -> Result<Story, Problems> {
    let origin = file.display().to_string();
    let text =
        fs::read_to_string(file).map_err(|error| Problems::of_file(&origin, format!("cannot be read: {error}")))?;
    parse(file, &text)
}

/// Reads a scenario from its text; paths in it are sought beside `file`.
///
/// # Errors
/// [`Problems`] with all that is wrong, each with file, line and key.
pub fn parse(file: &Path, text: &str) -> Result<Story, Problems> {
    let text = TomlText::parse(&file.display().to_string(), text)?;
    let reader = Reader::new(&text.document);
    let root = reader.root();
    let folder = file.parent().unwrap_or(Path::new("."));
    let name = root.required::<String>("name");
    let protects = root.required::<String>("protects");
    let seed = root.or("seed", 1_u64);
    let speed = root.within("speed", SPEEDS, 1.0);
    let lasts = root.required::<Time>("lasts").map(|time| time.0);
    let begins = root.choice("begins", &[("warm", Begins::Warm), ("cold", Begins::Cold)]);
    let day = root.choice("day", &[("clock", DayOf::Clock), ("story", DayOf::Story)]);
    let site = site::read(&root, &text, folder);
    let described = site.as_ref().ok().and_then(Option::as_ref).map(|site| &site.site);
    let places = places(&root, described);
    let design = PlantDesign::read(&root);
    let plant = described.and_then(|site| equipped(&root, Plant::new(site, seed), &design));
    let start = start(&root, plant.as_ref());
    let lasts_or_ever = lasts.unwrap_or(Duration::MAX);
    let mut events: Vec<Event> = root
        .numbered("event")
        .into_iter()
        .flat_map(|section| events(section, described, plant.as_ref(), lasts_or_ever))
        .collect();
    events.sort_by_key(|event| event.at);
    let sets_clock = |event: &Event| matches!(event.command, Command::Bench(Act::Clock(..), _));
    if day == Some(DayOf::Story) && events.iter().any(sets_clock) {
        root.problem("day", "with the day of the story no clock can be set; leave it out");
    }
    let expectations: Vec<Expectation> = root
        .numbered("expect")
        .into_iter()
        .enumerate()
        .filter_map(|(index, section)| {
            let line = text.line_of(&format!("expect[{}]", index + 1));
            read_expectation(section, described, lasts_or_ever).map(|what| Expectation { line, what })
        })
        .collect();
    if !root.has("expect") {
        root.problem_here("expects nothing; write at least one [[expect]], such as nothing = [\"lost\"]");
    }
    let overlay = |key| overlay(&root, &text, key);
    let overlays = Overlays { edge: overlay("edge"), ingest: overlay("ingest"), broker: overlay("broker") };
    root.finish();
    let problems = reader.finish().err().map(|problems| text.located(&problems, ""));
    let (site, problems) = match (site, problems) {
        (Ok(site), None) => (site, None),
        (Ok(site), Some(problems)) => (site, Problems::found(problems)),
        (Err(wrong), problems) => {
            let own = problems.and_then(Problems::found);
            (None, Some(own.map_or(wrong.clone(), |own| own.and(wrong))))
        }
    };
    if let Some(problems) = problems {
        return Err(problems);
    }
    let missing = "what is missing is a problem";
    Ok(Story {
        name: name.expect(missing),
        protects: protects.expect(missing),
        file: file.to_owned(),
        seed,
        speed,
        lasts: lasts.expect(missing),
        site: site.expect(missing),
        places,
        design,
        start,
        begins: begins.expect(missing),
        day: day.expect(missing),
        events,
        expectations,
        overlays,
    })
}

fn overlay(root: &Section<'_>, text: &TomlText, key: &str) -> Map<String, Value> {
    let table = root.optional_section(key).and_then(|_| text.document.root.get(key)?.as_object().cloned());
    table.unwrap_or_default()
}

/// Reads `lines = { line-01 = "rtu+tcp" }`.
fn places(root: &Section<'_>, site: Option<&Site>) -> Vec<(LineName, Place)> {
    let Some(table) = root.optional_section("lines") else { return Vec::new() };
    let mut places = Vec::new();
    for line in site.into_iter().flat_map(Site::lines) {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let choices =
            [("pty", Place::Pty), ("rtu+tcp", Place::RtuOverTcp(anywhere)), ("tcp", Place::ModbusTcp(anywhere))];
        if table.has(line.name.as_str()) {
            places.extend(table.choice(line.name.as_str(), &choices).map(|place| (line.name.clone(), place)));
        }
    }
    if site.is_some() {
        table.finish();
    }
    places
}

/// Gives the plant its pumps and valves; it is there to try commands on.
fn equipped(root: &Section<'_>, plant: Plant, design: &PlantDesign) -> Option<RefCell<Plant>> {
    let key = if design.pumps.is_empty() { "valve" } else { "pump" };
    plant.with_equipment(design).map(RefCell::new).map_err(|error| root.problem(key, error.to_string())).ok()
}

/// Reads `start = ["set T-01 level_mm=9641"]`.
fn start(root: &Section<'_>, plant: Option<&RefCell<Plant>>) -> Vec<PlantCommand> {
    let commands = root.or("start", Vec::<String>::new());
    let command = |(index, text): (usize, &String)| {
        let wrong = |message: String| root.problem(&format!("start[{}]", index + 1), message);
        match text.parse::<Command>() {
            Ok(Command::Plant(command)) => {
                let tried = plant.map_or(Ok(()), |plant| plant.borrow_mut().command(&command));
                tried.map_err(|error| wrong(format!("{text:?}: {error}"))).ok()?;
                Some(command)
            }
            Ok(other) => {
                wrong(format!("\"{other}\" is none of the plant's; write it as an [[event]]"));
                None
            }
            Err(error) => {
                wrong(error.to_string());
                None
            }
        }
    };
    commands.iter().enumerate().filter_map(command).collect()
}

/// Reads an `[[event]]`: `at`, `do`, and `every` with `until` for what happens again and again.
fn events(section: Section<'_>, site: Option<&Site>, plant: Option<&RefCell<Plant>>, lasts: Duration) -> Vec<Event> {
    let at = section.required::<Time>("at").map(|time| time.0);
    let every = section.optional::<Time>("every").map(|time| time.0);
    let until = section.optional::<Time>("until").map(|time| time.0);
    let commands = commands(&section, site, plant);
    if at.is_some_and(|at| at > lasts) {
        section.problem("at", format!("is after the end of the story, which lasts {}", in_words(lasts)));
    }
    if until.is_some() && every.is_none() {
        section.problem("until", "says when `every` ends; there is none");
    }
    if every.is_some_and(|every| every.is_zero()) {
        section.problem("every", "must be longer than nothing");
    }
    section.finish();
    let Some(at) = at else { return Vec::new() };
    let until = until.unwrap_or(lasts).min(lasts);
    let repeats = every
        .filter(|every| !every.is_zero())
        .map_or(1, |every| (1..MOST_REPEATS).find(|count| at + every * *count > until).unwrap_or(MOST_REPEATS));
    let mut events = Vec::new();
    for repeat in 0..repeats {
        let at = at + every.unwrap_or_default() * repeat;
        for command in &commands {
            if let Some((time, end)) = command.end() {
                events.push(Event { at: at + time, command: end, is_end: true });
            }
            events.push(Event { at, command: command.clone(), is_end: false });
        }
    }
    // What ends after the story goes on to its end.
    events.retain(|event| event.at <= lasts);
    events
}

/// Reads `do`: one command or a list. What the plant would refuse, it refuses here, before anything runs.
fn commands(section: &Section<'_>, site: Option<&Site>, plant: Option<&RefCell<Plant>>) -> Vec<Command> {
    let texts = match section.text("do") {
        Some(text) => vec![text],
        None => section.required::<Vec<String>>("do").unwrap_or_default(),
    };
    let is_one = section.text("do").is_some();
    let command = |(index, text): (usize, &String)| {
        // One text stands with its key; of several it must be said which.
        let problem = |message: &str| match is_one {
            true => section.problem("do", message),
            false => section.problem(&format!("do[{}]", index + 1), format!("{text:?}: {message}")),
        };
        let command = text.parse::<Command>().map_err(|error| problem(error.message())).ok()?;
        let checked = match (&command, site, plant) {
            (Command::Fault(fault, _), Some(site), _) => fault.places(site).map(drop),
            (Command::Bench(act, _), Some(site), _) => act.check(site),
            (Command::Plant(command), _, Some(plant)) => {
                let tried = plant.borrow_mut().schedule(Duration::ZERO, command.clone());
                tried.map_err(|error| error.to_string())
            }
            _ => Ok(()),
        };
        checked.map_err(|wrong| problem(&wrong)).ok()?;
        Some(command)
    };
    texts.iter().enumerate().filter_map(command).collect()
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
