//! Asking again and again, one line an answer.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio_util::sync::CancellationToken;

use super::advice::{self, Unanswered};
use super::attempt::{Answer, Asker, AttemptError};
use super::report::{bare_celsius, bare_mm, ms};
use super::target::{Question, Target, Values};
use crate::line::reply_time::ReplyTimes;

/// Reply times that the median is taken of: the latest ones.
const MEDIAN_OF: usize = 10_000;

/// Asks each interval until `stop`, and counts at the end; gives what was wrong with the last answer.
///
/// An interval that an answer outlasted is skipped.
pub(super) async fn run(
    target: &Target,
    asker: &mut Asker<'_>,
    interval: Duration,
    out: &mut impl Write,
    stop: &CancellationToken,
) -> io::Result<Result<(), Unanswered>> {
    let mut tally = Tally::default();
    let mut last = Ok(());
    let mut due = clock::now();
    writeln!(out, "unit {} on {}, asked every {interval:?}; Ctrl-C ends it\n", target.unit, target.place())?;
    writeln!(out, "{}", header(target))?;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = tokio::time::sleep_until(due.into()) => {}
        }
        let outcome = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            outcome = asker.ask() => outcome,
        };
        let values = outcome.as_ref().ok().and_then(|answer| target.values(answer));
        tally.count(outcome.as_ref().map(Answer::took));
        writeln!(out, "{}", line(clock::unix_ms(), &outcome, values.as_ref()))?;
        out.flush()?;
        last = judge(target, &outcome, values.as_ref());
        due += interval;
        let now = clock::now();
        if due < now {
            due = now;
        }
    }
    writeln!(out, "\n{}", tally.in_words())?;
    Ok(last)
}

/// Says what is wrong with an outcome.
pub(super) fn judge(
    target: &Target,
    outcome: &Result<Answer, AttemptError>,
    values: Option<&Values>,
) -> Result<(), Unanswered> {
    match (outcome, values) {
        (Err(error), _) => Err(advice::of_attempt(target, error)),
        (Ok(_), Some(values)) if values.quality.is_bad() => Err(advice::of_values(target, values)),
        (Ok(_), _) => Ok(()),
    }
}

fn header(target: &Target) -> String {
    match &target.question {
        Question::Quantities { .. } => {
            format!(
                "{:<12}  {:>8}  {:>12}  {:>16}  {:>8}",
                "time (UTC)", "level mm", "interface mm", "temperature degC", "reply ms"
            )
        }
        Question::Registers(_) => format!("{:<12}  {:>8}  registers", "time (UTC)", "reply ms"),
    }
}

/// One outcome, compact.
fn line(at: UnixMillis, outcome: &Result<Answer, AttemptError>, values: Option<&Values>) -> String {
    let moment = at.to_string();
    let time = moment.split_once('T').map_or("", |(_, time)| time.trim_end_matches('Z'));
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => return format!("{time:<12}  {}", error.in_words()),
    };
    let took = ms(answer.took());
    let Some(values) = values else {
        let words = answer.exchanges.iter().flat_map(|(_, exchange)| &exchange.words);
        let words: Vec<_> = words.map(ToString::to_string).collect();
        return format!("{time:<12}  {took:>8}  {}", words.join(" "));
    };
    let length = |length: Option<_>| length.map_or_else(|| "none".to_owned(), bare_mm);
    let temperature = values.temperature.map_or_else(|| "none".to_owned(), bare_celsius);
    let quality = if values.quality.is_good() { String::new() } else { format!("  {}", values.quality) };
    let (level, interface) = (length(values.level), length(values.interface));
    format!("{time:<12}  {level:>8}  {interface:>12}  {temperature:>16}  {took:>8}{quality}")
}

/// Gives the time-out that an agent learns from a gauge whose slowest reply takes this long.
fn agent_waits(slowest: Duration) -> Duration {
    let mut times = ReplyTimes::new(Duration::MAX);
    times.handle_reply(slowest);
    times.timeout(Duration::ZERO, None)
}

/// What came of all the asking.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    answered: u64,
    latest: VecDeque<Duration>,
    shortest: Option<Duration>,
    longest: Option<Duration>,
}

impl Tally {
    fn count<E>(&mut self, outcome: Result<Duration, E>) {
        self.asked += 1;
        let Ok(took) = outcome else { return };
        self.answered += 1;
        self.shortest = Some(self.shortest.map_or(took, |shortest| shortest.min(took)));
        self.longest = Some(self.longest.map_or(took, |longest| longest.max(took)));
        if self.latest.len() == MEDIAN_OF {
            self.latest.pop_front();
        }
        self.latest.push_back(took);
    }

    fn in_words(&self) -> String {
        let failed = self.asked - self.answered;
        let counts = format!("asked {}, answered {}, failed {failed}", self.asked, self.answered);
        let mut sorted: Vec<_> = self.latest.iter().copied().collect();
        sorted.sort_unstable();
        match (self.shortest, sorted.get(sorted.len() / 2), self.longest) {
            (Some(shortest), Some(median), Some(longest)) => {
                let p99 = sorted[(sorted.len() * 99).div_ceil(100) - 1];
                let times = [shortest, *median, p99, longest].map(ms);
                format!(
                    "{counts}\nreply time min {}, median {}, 99 in 100 within {}, max {} ms; an agent would wait {:.0} ms",
                    times[0],
                    times[1],
                    times[2],
                    times[3],
                    agent_waits(longest).as_secs_f64() * 1e3
                )
            }
            _ => counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tally_counts_and_finds_the_middle() {
        let mut tally = Tally::default();
        assert_eq!(tally.in_words(), "asked 0, answered 0, failed 0");
        tally.count(Err(()));
        for millis in [30, 20, 25] {
            tally.count::<()>(Ok(Duration::from_millis(millis)));
        }
        let words = "asked 4, answered 3, failed 1\n\
            reply time min 20.0, median 25.0, 99 in 100 within 30.0, max 30.0 ms; an agent would wait 125 ms";
        assert_eq!(tally.in_words(), words);
    }

    #[test]
    fn memory_of_a_long_watch_is_bounded() {
        let mut tally = Tally::default();
        for micros in 0..20_000 {
            tally.count::<()>(Ok(Duration::from_micros(micros)));
        }
        assert_eq!((tally.latest.len(), tally.answered), (MEDIAN_OF, 20_000));
        assert_eq!(tally.shortest, Some(Duration::ZERO));
    }
}
