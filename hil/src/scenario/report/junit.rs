//! JUnit XML, as Jenkins, GitLab and GitHub read it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::super::outcome::{Failing, Judgement, Outcome, Verdict};
use super::text::{one_line, place, printable, story_time};

/// The case that every scenario has: whether its story could be played at all.
const PLAYED: &str = "played to its end";

/// Writes JUnit XML: a suite for each scenario, in it a case for each expectation, and one for the story itself, which
/// carries the time that was taken.
///
/// An expectation that was not met is a failure, a story that could not be played to its end is an error. The form is
/// what Jenkins' `junit-10.xsd` allows, which GitLab and the test reporters of GitHub read too.
///
/// # Errors
/// What `out` gives.
pub fn junit(outcomes: &[Outcome], out: &mut impl Write) -> io::Result<()> {
    let mut writer = Writer::new_with_indent(&mut *out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let sum = |count: fn(&Outcome) -> usize| outcomes.iter().map(count).sum::<usize>().to_string();
    let took = seconds(outcomes.iter().map(|outcome| outcome.took).sum());
    writer
        .create_element("testsuites")
        .with_attributes([
            ("name", "tankline-hil"),
            ("tests", &sum(tests)),
            ("failures", &sum(failures)),
            ("errors", &sum(errors)),
            ("time", &took),
        ])
        .write_inner_content(|writer| outcomes.iter().try_for_each(|outcome| suite(outcome, writer)))?;
    writeln!(out)
}

fn tests(outcome: &Outcome) -> usize {
    outcome.verdicts.len() + 1
}

fn failures(outcome: &Outcome) -> usize {
    outcome.verdicts.iter().filter(|verdict| matches!(verdict.judgement, Judgement::Failed(_))).count()
}

fn errors(outcome: &Outcome) -> usize {
    usize::from(outcome.trouble.is_some())
}

fn suite<W: Write>(outcome: &Outcome, writer: &mut Writer<W>) -> io::Result<()> {
    let name = attribute(&outcome.name);
    let class = class_name(&outcome.file);
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", name.as_str()),
            ("tests", &tests(outcome).to_string()),
            ("failures", &failures(outcome).to_string()),
            ("errors", &errors(outcome).to_string()),
            ("skipped", "0"),
            ("time", &seconds(outcome.took)),
            ("file", &attribute(&outcome.file.to_string_lossy())),
        ])
        .write_inner_content(|writer| {
            properties(outcome, writer)?;
            story(outcome, &class, writer)?;
            for (verdict, name) in outcome.verdicts.iter().zip(case_names(&outcome.verdicts)) {
                case(outcome, verdict, &class, &name, writer)?;
            }
            let figures: String = outcome.figures.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            if !figures.is_empty() {
                element("system-out", &figures, writer)?;
            }
            Ok(())
        })?;
    Ok(())
}

fn properties<W: Write>(outcome: &Outcome, writer: &mut Writer<W>) -> io::Result<()> {
    let properties = [
        ("protects", outcome.protects.clone()),
        ("seed", outcome.seed.to_string()),
        ("speed", outcome.speed.to_string()),
        ("played", story_time(outcome.played)),
        ("replay", outcome.replay.clone()),
    ];
    writer.create_element("properties").write_inner_content(|writer| {
        for (name, value) in &properties {
            let value = attribute(value);
            writer
                .create_element("property")
                .with_attributes([("name", *name), ("value", value.as_str())])
                .write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn story<W: Write>(outcome: &Outcome, class: &str, writer: &mut Writer<W>) -> io::Result<()> {
    let took = seconds(outcome.took);
    let case = writer.create_element("testcase").with_attributes([
        ("classname", class),
        ("name", PLAYED),
        ("time", took.as_str()),
    ]);
    let Some(trouble) = &outcome.trouble else {
        case.write_empty()?;
        return Ok(());
    };
    let first = trouble.lines().next().unwrap_or_default();
    let body = format!("{trouble}\n\nat: {} of the story\n{}", story_time(outcome.played), again(outcome));
    case.write_inner_content(|writer| complaint("error", "trouble", first, &body, writer))?;
    Ok(())
}

fn case<W: Write>(
    outcome: &Outcome,
    verdict: &Verdict,
    class: &str,
    name: &str,
    writer: &mut Writer<W>,
) -> io::Result<()> {
    // The story is played once for all expectations: its time stands with the story, so that the sum is right.
    let case =
        writer.create_element("testcase").with_attributes([("classname", class), ("name", name), ("time", "0.000")]);
    match &verdict.judgement {
        Judgement::Met { seen } => case.write_inner_content(|writer| element("system-out", seen, writer))?,
        Judgement::Failed(failing) => {
            let Failing { expected, seen, at } = failing;
            let when = at.map(|at| format!(" at {} of the story", story_time(at))).unwrap_or_default();
            let message = format!("expected {expected}, seen {seen}{when} ({})", place(outcome, verdict));
            let body = [
                format!("expectation: {}\nexpected: {expected}\nseen: {seen}\n", verdict.expectation),
                at.map(|at| format!("at: {} of the story\n", story_time(at))).unwrap_or_default(),
                format!("stands in: {}\n{}", place(outcome, verdict), again(outcome)),
            ]
            .concat();
            case.write_inner_content(|writer| complaint("failure", "expectation", &message, &body, writer))?
        }
    };
    Ok(())
}

fn again(outcome: &Outcome) -> String {
    format!("seed: {}\nplay it again: {}\n", outcome.seed, outcome.replay)
}

fn complaint<W: Write>(element: &str, kind: &str, message: &str, body: &str, writer: &mut Writer<W>) -> io::Result<()> {
    let (message, body) = (attribute(message), printable(body));
    writer
        .create_element(element)
        .with_attributes([("type", kind), ("message", message.as_str())])
        .write_text_content(BytesText::new(&body))?;
    Ok(())
}

fn element<W: Write>(name: &str, text: &str, writer: &mut Writer<W>) -> io::Result<()> {
    let text = printable(text);
    writer.create_element(name).write_text_content(BytesText::new(&text))?;
    Ok(())
}

/// An attribute stands on one line: readers turn line ends in it to spaces anyhow (XML 1.0 section 3.3.3).
fn attribute(text: &str) -> String {
    printable(&one_line(text))
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Jenkins takes what stands before the last dot for a package, so there is one dot and no other.
fn class_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    format!("scenarios.{}", attribute(&stem).replace('.', "_"))
}

/// Gives each expectation a name of its own, because a build server knows a case from one build to the next by its name:
/// the second of two alike is called `(2)`.
fn case_names(verdicts: &[Verdict]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::from([(PLAYED.to_owned(), 1)]);
    let name = |verdict: &Verdict| {
        let name = attribute(&verdict.expectation);
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name} ({count})") }
    };
    verdicts.iter().map(name).collect()
}
