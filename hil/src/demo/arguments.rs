//! What a person can ask of the demo.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tankline_runtime::mqtt::{BrokerUrl, BrokerUrlError, Protection};

use crate::control::ControlArgs;

/// What `tankline-hil demo` is asked to do.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Description of the site; without it the demo station with its 28 tanks.
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// Ends by itself after this time, such as 30s, 5m or 1h; without it Ctrl-C ends it.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    pub run_for: Option<Duration>,
    /// Writes what was measured to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Folder of the database, the journals and the log; the next run goes on where this one stops.
    #[arg(long, value_name = "DIR", default_value = "tankline-data")]
    pub data: PathBuf,
    /// Decides how the tanks move; the same seed gives the same station.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Uses this broker instead of one of its own.
    #[arg(long, value_name = "mqtt://HOST:PORT", value_parser = parse_broker)]
    pub broker: Option<BrokerUrl>,
    /// Where the centre answers HTTP; port 0 takes a free one and says which.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub http: SocketAddr,
    /// Writes a line every few seconds, also where it could show the live table.
    #[arg(long)]
    pub headless: bool,
    /// Where it is steered from.
    #[command(flatten)]
    pub control: ControlArgs,
    /// Where the readings are fed to.
    #[command(flatten)]
    pub influxdb: InfluxdbArgs,
}

/// An InfluxDB, or what takes its v2 writes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "InfluxDB")]
pub struct InfluxdbArgs {
    /// Feeds the readings to this InfluxDB, such as http://127.0.0.1:8086.
    #[arg(long = "influxdb-url", value_name = "URL", requires = "bucket")]
    pub url: Option<String>,
    /// Its organization; some servers want none.
    #[arg(long = "influxdb-org", value_name = "NAME", requires = "url", default_value = "")]
    pub org: String,
    /// Its bucket.
    #[arg(long = "influxdb-bucket", value_name = "NAME", requires = "url")]
    pub bucket: Option<String>,
    /// File whose first line is the token, where the server wants one.
    #[arg(long = "influxdb-token-file", value_name = "FILE", requires = "url")]
    pub token_file: Option<PathBuf>,
    /// Sends no texts, for servers that make 0 of them, such as VictoriaMetrics.
    #[arg(long = "influxdb-no-text", requires = "url")]
    pub no_text: bool,
}

/// Reads the address of a broker without encryption, which has no settings here.
pub fn parse_broker(text: &str) -> Result<BrokerUrl, String> {
    let url: BrokerUrl = text.parse().map_err(|error: BrokerUrlError| error.to_string())?;
    match url.protection() {
        Protection::None => Ok(url),
        Protection::Tls => Err("must be mqtt://HOST:PORT; no connection is encrypted here".to_owned()),
    }
}

/// Reads a time such as `30s`, `5m`, `1h` or `500ms`; a bare number counts seconds.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 30s, 5m, 1h or 500ms");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" | "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    // A hundred years and more is a slip of the finger.
    let millis = millis.filter(|&millis| millis < 100 * 366 * 86_400_000);
    match millis {
        Some(0) => Err("must be longer than nothing".to_owned()),
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        demo: DemoArgs,
    }

    fn parse(words: &[&str]) -> Result<DemoArgs, String> {
        let words = ["demo"].iter().chain(words);
        Cli::try_parse_from(words).map(|cli| cli.demo).map_err(|error| error.to_string())
    }

    #[test]
    fn times_are_read_with_their_units() {
        for (text, millis) in [("30s", 30_000), ("30", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("500ms", 500)] {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1.5s", "30 s", "30x", "0s", "99999999999999999999s", "9999999h"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_need_be_said() {
        let args = parse(&[]).unwrap();
        assert_eq!((args.data.to_str(), args.run_for, args.seed), (Some("tankline-data"), None, 1));
        assert!(args.http.ip().is_loopback() && args.influxdb.url.is_none() && !args.headless);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(parse(&["--influxdb-url", "http://127.0.0.1:8086", "--influxdb-bucket", "b"]).is_ok());
        for words in [
            &["--influxdb-url", "http://127.0.0.1:8086"][..],
            &["--influxdb-bucket", "b"],
            &["--influxdb-no-text"],
            &["--broker", "mqtts://broker"],
            &["--for", "soon"],
            &["--http", "8080"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
