//! The head of the page: what passed, what failed, and how to see it again.

use std::io::{self, Write};
use std::time::Duration;

use super::super::super::outcome::{Judgement, Outcome};
use super::super::text::{one_line, real_time, story_time};
use super::Text;
use super::story::standing;

/// Says in a sentence how many scenarios passed.
pub fn headline(outcomes: &[Outcome]) -> String {
    let all = outcomes.len();
    let plural = if all == 1 { "scenario" } else { "scenarios" };
    let count = |class| outcomes.iter().filter(|outcome| standing(outcome).0 == class).count();
    match (count("failed"), count("stopped")) {
        _ if all == 0 => "No scenario was played".to_owned(),
        (0, 0) if all == 1 => "The scenario passed".to_owned(),
        (0, 0) => format!("All {all} {plural} passed"),
        (failed, 0) => format!("{failed} of {all} {plural} failed"),
        (0, stopped) => format!("{stopped} of {all} {plural} could not be played to the end"),
        (failed, stopped) => format!("{failed} of {all} {plural} failed, {stopped} could not be played to the end"),
    }
}

/// Writes the head and the table of all scenarios in the order given, each with its number.
pub fn write(outcomes: &[Outcome], order: &[(usize, &Outcome)], out: &mut dyn Write) -> io::Result<()> {
    let passed = outcomes.iter().all(Outcome::is_passed);
    let class = if passed { "passed" } else { "failed" };
    let took: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    let expectations: usize = outcomes.iter().map(|outcome| outcome.verdicts.len()).sum();
    writeln!(
        out,
        "<header class=\"{class}\"><p>tankline scenarios</p><h1>{}</h1><p>{expectations} expectations, {} of playing</p>\
         </header>",
        Text(&headline(outcomes)),
        real_time(took)
    )?;
    if outcomes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ol class=\"summary\">")?;
    for (number, outcome) in order {
        let (class, word) = standing(outcome);
        write!(
            out,
            "<li class=\"{class}\"><em class=\"{class}\">{word}</em><div><a href=\"#s{number}\">{}</a>",
            Text(&outcome.name)
        )?;
        if let Some(trouble) = &outcome.trouble {
            write!(out, "<p>{}</p>", Text(&one_line(trouble.lines().next().unwrap_or_default())))?;
        }
        for verdict in &outcome.verdicts {
            if let Judgement::Failed(failing) = &verdict.judgement {
                write!(out, "<p>{}: {}</p>", Text(&verdict.expectation), Text(&failing.seen))?;
            }
        }
        writeln!(
            out,
            "</div><span>{} met of {}</span><span>story {}</span><span>took {}</span><span>seed {}</span>\
             <code>{}</code></li>",
            outcome.verdicts.iter().filter(|verdict| matches!(verdict.judgement, Judgement::Met { .. })).count(),
            outcome.verdicts.len(),
            story_time(outcome.played),
            real_time(outcome.took),
            outcome.seed,
            Text(&outcome.replay)
        )?;
    }
    writeln!(out, "</ol>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headline_of_nothing_claims_nothing() {
        assert_eq!(headline(&[]), "No scenario was played");
    }
}
