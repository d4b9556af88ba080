//! What a person can ask of a load.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgGroup, Args};
use tankline_domain::message::MAX_READINGS_PER_MESSAGE;
use tankline_runtime::mqtt::BrokerUrl;

use crate::demo::{parse_broker, parse_time};

/// What `tankline-hil load` is asked to do.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("where").required(true).args(["broker", "own", "write_site"]))]
pub struct LoadArgs {
    /// Loads this broker; a centre behind it must know the edges (see --write-site).
    #[arg(long, value_name = "mqtt://HOST:PORT", value_parser = parse_broker)]
    pub broker: Option<BrokerUrl>,
    /// Loads a broker and a centre of its own, in this process, with a database in a temporary folder.
    #[arg(long)]
    pub own: bool,
    /// Writes the description of the site that the centre needs, and ends: name the file in its `sites = [...]`.
    #[arg(long, value_name = "FILE")]
    pub write_site: Option<PathBuf>,
    /// How many edges there are.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub edges: u32,
    /// How many gauges an edge has.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub gauges: u32,
    /// Loads the edges of this site instead, with its tanks.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["edges", "gauges", "write_site"])]
    pub site_file: Option<PathBuf>,
    /// How many readings a gauge gives in a second.
    #[arg(long, value_name = "HZ", default_value_t = 1.0, value_parser = rate)]
    pub rate: f64,
    /// How many new readings go into one message.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = batch)]
    pub batch: usize,
    /// How long readings are made, such as 60s, 5m or 1h.
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub run_for: Duration,
    /// Over how long the edges connect, one after another, and come back after an outage.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub ramp: Duration,
    /// Cuts all edges off at a time after the start, for a time, such as 20s,10s; can be given more than once.
    #[arg(long, value_name = "AT,FOR")]
    pub outage: Vec<Outage>,
    /// How long the last readings may take to be committed before they count as lost.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub patience: Duration,
    /// User that all edges log in as.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub user: Option<String>,
    /// File whose first line is the password of that user.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// Writes what was measured to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

/// A time in which no edge has a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins, after the start of the load.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

impl Outage {
    /// Gives when it ends, after the start of the load.
    #[must_use]
    pub fn ends(&self) -> Duration {
        self.at + self.lasts
    }
}

impl FromStr for Outage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (at, lasts) = text.split_once(',').ok_or("must be AT,FOR, such as 20s,10s")?;
        Ok(Self { at: parse_time(at.trim())?, lasts: parse_time(lasts.trim())? })
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=100.0).contains(rate));
    rate.ok_or_else(|| "must be 0.001 to 100".to_owned())
}

fn batch(text: &str) -> Result<usize, String> {
    let batch = text.parse().ok().filter(|batch| (1..=MAX_READINGS_PER_MESSAGE).contains(batch));
    batch.ok_or_else(|| format!("must be 1 to {MAX_READINGS_PER_MESSAGE}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        load: LoadArgs,
    }

    fn parse(words: &str) -> Result<LoadArgs, String> {
        let words = ["load"].into_iter().chain(words.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.load).map_err(|error| error.to_string())
    }

    #[test]
    fn outages_have_a_beginning_and_a_length() {
        let args = parse("--own --outage 20s,500ms --outage 1m,10s").unwrap();
        let seconds = Duration::from_secs;
        assert_eq!(args.outage[0], Outage { at: seconds(20), lasts: Duration::from_millis(500) });
        assert_eq!(args.outage[1].ends(), seconds(70));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "",
            "--own --broker mqtt://127.0.0.1:1883",
            "--own --rate 0",
            "--own --rate nan",
            "--own --batch 501",
            "--own --edges 0",
            "--own --outage 20s",
            "--own --outage soon,10s",
            "--own --user me",
            "--broker mqtts://127.0.0.1",
            "--own --site-file a.toml --edges 7",
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
