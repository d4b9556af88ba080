//! A scenario: what it protects, what was found, what happened.

use std::io::{self, Write};
use std::time::Duration;

use super::super::super::outcome::{Judgement, Outcome, TankTrace, Verdict};
use super::super::text::{real_time, story_time};
use super::scale::TimeAxis;
use super::{Text, lanes, tank};

/// Rows that the list of what happened has at most.
const MOST_MARKS: usize = 300;
const LEGEND: &str = "<p class=\"legend\"><span class=\"k truth\">plant's truth</span>\
    <span class=\"k level\">level, good</span><span class=\"k interface\">interface, good</span>\
    <span class=\"k uncertain\">uncertain</span><span class=\"k bad\">bad, no value</span>\
    <span class=\"k beyond\">beyond the scale</span><span class=\"k limit\">limit</span></p>\n";

/// Writes the scenario of this number, opened or closed.
pub fn write(number: usize, outcome: &Outcome, open: bool, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let (class, word) = standing(outcome);
    let open = if open { " open=\"open\"" } else { "" };
    write!(
        out,
        "<details class=\"story {class}\" id=\"s{number}\"{open}><summary><h2>{}</h2><em class=\"{class}\">{word}</em>\
         </summary>\n<p class=\"protects\">{}</p>\n",
        Text(&outcome.name),
        Text(&outcome.protects)
    )?;
    if let Some(trouble) = &outcome.trouble {
        writeln!(
            out,
            "<div class=\"trouble\"><b>Could not be played to its end: stopped at {}</b><pre>{}</pre></div>",
            story_time(outcome.played),
            Text(trouble)
        )?;
    }
    verdicts(outcome, out)?;
    figures(outcome, out)?;
    happened(outcome, out)?;
    if !outcome.tanks.is_empty() {
        let time = TimeAxis::new(length(outcome), columns);
        write!(out, "<h3>Tanks</h3>\n{LEGEND}")?;
        for trace in in_question_first(outcome) {
            tank::write(trace, &outcome.marks, &time, out)?;
        }
    }
    writeln!(out, "</details>")
}

/// Gives how a scenario stands: its class in the style sheet and a word.
pub fn standing(outcome: &Outcome) -> (&'static str, &'static str) {
    match (&outcome.trouble, outcome.is_passed()) {
        (Some(_), _) => ("stopped", "\u{26a0} stopped"),
        (None, true) => ("passed", "\u{2713} passed"),
        (None, false) => ("failed", "\u{2717} failed"),
    }
}

fn length(outcome: &Outcome) -> Duration {
    let of_tanks = outcome
        .tanks
        .iter()
        .flat_map(|trace| [trace.truth.last().map(|sample| sample.at), trace.arrived.last().map(|arrival| arrival.at)]);
    of_tanks.flatten().chain([outcome.played]).max().unwrap_or_default()
}

/// Tanks that a failed expectation names come first; the others keep their order.
fn in_question_first(outcome: &Outcome) -> Vec<&TankTrace> {
    let failed = |verdict: &&Verdict| matches!(verdict.judgement, Judgement::Failed(_));
    let names = |text: &str, tank: &str| {
        text.split(|character: char| !character.is_ascii_alphanumeric() && !matches!(character, '-' | '_'))
            .any(|word| word == tank)
    };
    let in_question = |trace: &&TankTrace| {
        let mut failures = outcome.verdicts.iter().filter(failed);
        failures.any(|verdict| match &verdict.judgement {
            Judgement::Failed(failing) => {
                [&verdict.expectation, &failing.expected, &failing.seen].iter().any(|t| names(t, trace.tank.as_str()))
            }
            Judgement::Met { .. } => false,
        })
    };
    let mut tanks: Vec<&TankTrace> = outcome.tanks.iter().collect();
    tanks.sort_by_key(|trace| !in_question(trace));
    tanks
}

fn verdicts(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    if outcome.verdicts.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ul class=\"verdicts\">")?;
    let mut verdicts: Vec<&Verdict> = outcome.verdicts.iter().collect();
    verdicts.sort_by_key(|verdict| matches!(verdict.judgement, Judgement::Met { .. }));
    for verdict in verdicts {
        match &verdict.judgement {
            Judgement::Met { seen } => writeln!(
                out,
                "<li class=\"passed\"><b>{}</b> <small>line {}</small><p>{}</p></li>",
                Text(&verdict.expectation),
                verdict.line,
                Text(seen)
            )?,
            Judgement::Failed(failing) => {
                let at = failing.at.map(|at| format!("<dt>at</dt><dd>{}</dd>", story_time(at))).unwrap_or_default();
                writeln!(
                    out,
                    "<li class=\"failed\"><b>{}</b> <small>line {}</small>\
                     <dl><dt>expected</dt><dd>{}</dd><dt>seen</dt><dd>{}</dd>{at}</dl></li>",
                    Text(&verdict.expectation),
                    verdict.line,
                    Text(&failing.expected),
                    Text(&failing.seen)
                )?;
            }
        }
    }
    writeln!(out, "</ul>")
}

fn figures(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<dl class=\"figures\">")?;
    let own = [
        ("story", story_time(outcome.played)),
        ("took", real_time(outcome.took)),
        ("speed", format!("\u{d7} {}", outcome.speed)),
        ("seed", outcome.seed.to_string()),
    ];
    let own = own.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in own.chain(outcome.figures.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
        write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Text(name), Text(value))?;
    }
    let file = outcome.file.to_string_lossy();
    write!(
        out,
        "</dl>\n<dl class=\"again\"><dt>file</dt><dd>{}</dd><dt>play it again</dt><dd><code>{}</code></dd></dl>\n",
        Text(&file),
        Text(&outcome.replay)
    )
}

fn happened(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    if outcome.marks.is_empty() {
        return Ok(());
    }
    write!(out, "<h3>What happened</h3>\n<table class=\"marks\">\n")?;
    for (number, mark) in (1..).zip(&outcome.marks).take(MOST_MARKS) {
        let until = mark.until.map(|until| format!(" \u{2013} {}", story_time(until))).unwrap_or_default();
        writeln!(
            out,
            "<tr><td>{number}</td><td>{}{until}</td><td><span class=\"chip {}\">{}</span></td><td>{}</td></tr>",
            story_time(mark.at),
            lanes::class(mark.kind),
            lanes::word(mark.kind),
            Text(&mark.text)
        )?;
    }
    writeln!(out, "</table>")?;
    match outcome.marks.len().saturating_sub(MOST_MARKS) {
        0 => Ok(()),
        more => writeln!(out, "<p>and {more} more, which the plots show</p>"),
    }
}
