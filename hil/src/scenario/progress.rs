//! How scenarios go, for a person: a line for each that runs, then what came of it.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::outcome::{Failing, Judgement, Outcome, Verdict};
use super::play::Playing;
use super::story::{Story, in_words};

/// Tells how scenarios go.
#[derive(Debug)]
pub struct Progress {
    count: usize,
    is_live: bool,
    running: BTreeMap<usize, Running>,
    /// Lines on the screen that are written over.
    shown: usize,
}

#[derive(Debug)]
struct Running {
    name: String,
    lasts: String,
    playing: Playing,
    told: Option<String>,
}

impl Progress {
    /// Begins to tell of so many; shows what runs when there is a terminal.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { count, is_live: io::stdout().is_terminal(), running: BTreeMap::new(), shown: 0 }
    }

    /// Notes that a story begins.
    ///
    /// # Errors
    /// Nobody can be told.
    pub fn begin(&mut self, out: &mut dyn Write, index: usize, story: &Story, playing: Playing) -> io::Result<()> {
        let lasts = in_words(story.lasts);
        self.running.insert(index, Running { name: story.name.clone(), lasts, playing, told: None });
        self.show(out)
    }

    /// Shows how those that run go.
    ///
    /// # Errors
    /// Nobody can be told.
    pub fn show(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.is_live {
            // What somebody else has to do must be told all the same.
            for running in self.running.values_mut() {
                let (_, words) = running.playing.look();
                if words.contains('\n') && running.told.as_ref() != Some(&words) {
                    writeln!(out, "{}: {words}", running.name)?;
                    running.told = Some(words);
                }
            }
            return out.flush();
        }
        self.clear(out)?;
        for running in self.running.values() {
            let (time, words) = running.playing.look();
            let time = in_words(Duration::from_secs(time.as_secs()));
            let line = format!("...    {} [{time} of {}] {words}", running.name, running.lasts);
            writeln!(out, "{line}")?;
            self.shown += line.lines().count();
        }
        out.flush()
    }

    /// Tells what came of a story.
    ///
    /// # Errors
    /// Nobody can be told.
    pub fn end(&mut self, out: &mut dyn Write, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.clear(out)?;
        self.running.remove(&index);
        out.write_all(in_full(outcome).as_bytes())?;
        self.show(out)
    }

    /// Tells that a story is played again, and why.
    ///
    /// # Errors
    /// Nobody can be told.
    pub fn again(&mut self, out: &mut dyn Write, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.clear(out)?;
        self.running.remove(&index);
        writeln!(
            out,
            "again  {}: it failed while the machine held the bench up for {} ms ({})",
            outcome.name,
            outcome.stalled.as_millis(),
            counted(&outcome.verdicts)
        )?;
        self.show(out)
    }

    /// Tells what came of all.
    ///
    /// # Errors
    /// Nobody can be told.
    pub fn conclude(&mut self, out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
        self.clear(out)?;
        let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_passed()).collect();
        let not_played = self.count - outcomes.len();
        write!(out, "{} passed, {} failed", outcomes.len() - failed.len(), failed.len())?;
        if not_played > 0 {
            write!(out, ", {not_played} not played")?;
        }
        writeln!(out)?;
        failed.iter().try_for_each(|outcome| writeln!(out, "  {}", outcome.replay))?;
        out.flush()
    }

    fn clear(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.shown > 0 {
            // Up to the first of them, and away with all below.
            write!(out, "\x1b[{}F\x1b[J", self.shown)?;
            self.shown = 0;
        }
        Ok(())
    }
}

/// Says what came of a story: a line, and each expectation that failed.
fn in_full(outcome: &Outcome) -> String {
    let mut text = format!(
        "{} {} ({} in {:.1} s, {})\n",
        if outcome.is_passed() { "ok    " } else { "FAILED" },
        outcome.name,
        in_words(outcome.played),
        outcome.took.as_secs_f64(),
        counted(&outcome.verdicts),
    );
    let file = outcome.file.display();
    if let Some(trouble) = &outcome.trouble {
        text.push_str(&format!("       {}: could not be played: {}\n", file, trouble.replace('\n', "\n       ")));
    }
    for verdict in &outcome.verdicts {
        let Judgement::Failed(Failing { expected, seen, at }) = &verdict.judgement else { continue };
        let at = at.map_or_else(String::new, |at| format!("\n         at       {}", in_words(at)));
        text.push_str(&format!(
            "       {file}:{}: {}\n         expected {expected}\n         seen     {seen}{at}\n",
            verdict.line, verdict.expectation
        ));
    }
    if !outcome.is_passed() {
        text.push_str(&format!("         seed     {}\n         replay   {}\n", outcome.seed, outcome.replay));
    }
    text
}

fn counted(verdicts: &[Verdict]) -> String {
    let met = verdicts.iter().filter(|verdict| matches!(verdict.judgement, Judgement::Met { .. })).count();
    let noun = if verdicts.len() == 1 { "expectation" } else { "expectations" };
    format!("{met} of {} {noun} met", verdicts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(judgement: Judgement) -> Outcome {
        Outcome {
            name: "late replies".to_owned(),
            protects: String::new(),
            file: "late.toml".into(),
            seed: 7,
            speed: 60.0,
            played: Duration::from_secs(1200),
            took: Duration::from_secs(21),
            stalled: Duration::from_millis(3),
            verdicts: vec![Verdict { expectation: "T-01: good".to_owned(), line: 12, judgement }],
            trouble: None,
            replay: "tankline-hil run late.toml --seed 7".to_owned(),
            tanks: Vec::new(),
            marks: Vec::new(),
            figures: Vec::new(),
        }
    }

    #[test]
    fn a_failure_says_what_was_expected_seen_when_and_how_to_play_it_again() {
        let failing =
            Failing { expected: "good".to_owned(), seen: "bad".to_owned(), at: Some(Duration::from_secs(61)) };
        let text = in_full(&outcome(Judgement::Failed(failing)));
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "FAILED late replies (20 min in 21.0 s, 0 of 1 expectation met)",
                "late.toml:12: T-01: good",
                "expected good",
                "seen     bad",
                "at       1 min 1 s",
                "seed     7",
                "replay   tankline-hil run late.toml --seed 7",
            ]
        );
    }

    #[test]
    fn what_passed_is_a_line() {
        let text = in_full(&outcome(Judgement::Met { seen: "all".to_owned() }));
        assert_eq!(text, "ok     late replies (20 min in 21.0 s, 1 of 1 expectation met)\n");
    }
}
