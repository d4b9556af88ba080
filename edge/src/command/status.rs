//! `tankline-edge status`: how the agent that runs here gets on with its gauges.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tankline_domain::message::{GaugeHealth, TimeoutBasis};
use tankline_runtime::exit::Failure;

use crate::config::EdgeConfig;
use crate::status::{JournalStatus, Status, ask};

/// What `tankline-edge status` is asked to do.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Columns:
  polls      requests that went out, the second attempts too
  replies    answers; silent: requests that nothing answered; damaged: bytes with a wrong CRC, or no frame
  late       answers that came too late, or that nobody had asked for
  foreign    frames of others; refused: exceptions; left out: polls for which the line had no time
  reply ms   time from the request to the end of the answer: half of the last 64 took less, 99 in 100, the longest
  time-out   how long the next answer is waited for, and what that follows from

The agent goes on polling meanwhile. What one gauge says at this moment shows `tankline-edge read`, with the agent stopped.")]
pub struct StatusArgs {
    /// Configuration of the agent.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Writes all that is known as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Shows on `out` what the running agent knows of its gauges.
///
/// # Errors
/// [`Failure::Misconfigured`] when the configuration cannot be used; [`Failure::Failed`] when no agent runs with it.
pub async fn run(args: &StatusArgs, out: &mut impl Write) -> Result<(), Failure> {
    let config = EdgeConfig::load(&args.config)?;
    let status = ask(&config).await.map_err(|error| Failure::Failed(error.into()))?;
    let text = if args.json {
        serde_json::to_string_pretty(&status).expect("a status is plain data") + "\n"
    } else {
        shown(&status)
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output")?;
    Ok(())
}

fn shown(status: &Status) -> String {
    let mut gauges: Vec<&GaugeHealth> = status.gauges.iter().collect();
    gauges.sort_by(|one, other| (&one.line, one.unit).cmp(&(&other.line, other.unit)));
    let mut lines: Vec<_> = gauges.iter().map(|gauge| &gauge.line).collect();
    lines.dedup();
    let running = u64::try_from(status.at.get() - status.started_at.get()).unwrap_or(0);
    let mut text = format!(
        "edge {} of site {}, {}, for {}: {} on {}\n",
        status.edge,
        status.site,
        status.version,
        in_words(Duration::from_millis(running)),
        count(gauges.len(), "gauge"),
        count(lines.len(), "line"),
    );
    put(&mut text, format_args!("{}", journal_in_words(status.journal.as_ref())));
    let tank_width = gauges.iter().map(|gauge| gauge.tank.as_str().len()).chain([4]).max().unwrap_or(4);
    let quality_width = gauges.iter().map(|gauge| quality(gauge).len()).chain([7]).max().unwrap_or(7);
    for line in lines {
        let of_line = || gauges.iter().filter(|gauge| gauge.line == *line);
        put(&mut text, format_args!("\n{line}"));
        put(
            &mut text,
            format_args!(
                "  unit  {:<tank_width$}  {:<quality_width$}  {:>8} {:>8} {:>7} {:>7} {:>6} {:>7} {:>7} {:>8}  {:>17}  time-out",
                "tank",
                "quality",
                "polls",
                "replies",
                "silent",
                "damaged",
                "late",
                "foreign",
                "refused",
                "left out",
                "reply ms 50/99/max",
            ),
        );
        for gauge in of_line() {
            let GaugeHealth { unit, tank, counters, .. } = gauge;
            let of = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
            let reply = [gauge.reply_ms_p50, gauge.reply_ms_p99, gauge.reply_ms_max].map(of).join("/");
            let row = format!(
                "  {unit:>4}  {:<tank_width$}  {:<quality_width$}  {:>8} {:>8} {:>7} {:>7} {:>6} {:>7} {:>7} {:>8}  {reply:>18}  {}",
                tank.as_str(),
                quality(gauge),
                counters.polls,
                counters.replies,
                counters.timeouts,
                counters.crc_errors,
                counters.late,
                counters.foreign,
                counters.exceptions,
                counters.skipped,
                timeout_in_words(gauge),
            );
            put(&mut text, format_args!("{}", row.trim_end()));
        }
    }
    text
}

/// Says how the journal stands, and whether it does harm to restart the agent or its machine.
fn journal_in_words(journal: Option<&JournalStatus>) -> String {
    let Some(JournalStatus { depth, held, disk }) = journal else {
        return "journal: not known, it does not answer; do not restart before it is known what it holds".to_owned();
    };
    let mut text = match depth {
        0 => "journal: all readings are at the centre".to_owned(),
        1 => "journal: 1 reading is not yet at the centre".to_owned(),
        _ => format!("journal: {depth} readings are not yet at the centre"),
    };
    let disk = disk.as_ref().map(|does| format!("the disk {does}"));
    match (held, disk) {
        (0, None) => (),
        (0, Some(disk)) => {
            text += &format!("\n  {disk}: new readings stay in memory only until they are at the centre")
        }
        (held, disk) => {
            let readings = if *held == 1 { "1 reading is" } else { &format!("{held} readings are") };
            let why = disk.map(|disk| format!(", because {disk}")).unwrap_or_default();
            text += &format!("\n  DO NOT RESTART: {readings} in memory only{why}; a restart loses them");
        }
    }
    text
}

fn quality(gauge: &GaugeHealth) -> String {
    gauge.quality.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn timeout_in_words(gauge: &GaugeHealth) -> String {
    let Some(timeout) = gauge.timeout_ms else { return "line is not open".to_owned() };
    let basis = match gauge.timeout_basis {
        Some(TimeoutBasis::Replies) => ": 1.5 x its slowest reply + 80 ms",
        Some(TimeoutBasis::Line) => ": as usual on this line",
        Some(TimeoutBasis::Start) => ": nobody has answered yet",
        Some(TimeoutBasis::Wire) => ": its reply on the wire + 80 ms",
        Some(TimeoutBasis::Limit) => ": reply_timeout_ms, the longest allowed",
        Some(TimeoutBasis::Other) | None => "",
    };
    format!("{timeout:.0} ms{basis}")
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Says a time in its two largest units.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use tankline_domain::message::GaugeCounters;
    use tankline_domain::units::UnixMillis;

    use super::*;

    #[test]
    fn each_gauge_is_shown_with_its_time_out_and_what_it_follows_from() {
        let gauge = |unit, tank: &str| GaugeHealth {
            line: "line-01".parse().unwrap(),
            tank: tank.parse().unwrap(),
            unit,
            counters: GaugeCounters { polls: 1204, replies: 1200, timeouts: 3, crc_errors: 1, ..Default::default() },
            reply_ms_p50: Some(22.71),
            reply_ms_p99: Some(23.4),
            reply_ms_max: Some(24.02),
            timeout_ms: Some(116.03),
            timeout_basis: Some(TimeoutBasis::Replies),
            quality: Some("good".parse().unwrap()),
        };
        let dead = GaugeHealth {
            reply_ms_p50: None,
            reply_ms_p99: None,
            reply_ms_max: None,
            timeout_ms: None,
            quality: Some("bad:line".parse().unwrap()),
            ..gauge(3, "SEP-01")
        };
        let status = Status {
            site: "demo".parse().unwrap(),
            edge: "rtu-01".parse().unwrap(),
            version: "0.1.0".to_owned(),
            started_at: UnixMillis::new(1_000),
            at: UnixMillis::new(3_723_000),
            gauges: vec![dead, gauge(1, "T-01")],
            journal: Some(JournalStatus { depth: 3, held: 0, disk: None }),
        };
        let expected = "\
edge rtu-01 of site demo, 0.1.0, for 1 h 2 min: 2 gauges on 1 line
journal: 3 readings are not yet at the centre

line-01
  unit  tank    quality      polls  replies  silent damaged   late foreign refused left out  reply ms 50/99/max  time-out
     1  T-01    good          1204     1200       3       1      0       0       0        0      22.7/23.4/24.0  116 ms: 1.5 x its slowest reply + 80 ms
     3  SEP-01  bad:line      1204     1200       3       1      0       0       0        0               -/-/-  line is not open
";
        assert_eq!(shown(&status), expected);
    }

    #[test]
    fn whether_a_restart_loses_readings_is_said_in_words() {
        let said = |depth, held, disk: Option<&str>| {
            journal_in_words(Some(&JournalStatus { depth, held, disk: disk.map(str::to_owned) }))
        };
        assert_eq!(said(0, 0, None), "journal: all readings are at the centre");
        assert_eq!(
            said(400, 312, Some("refuses")),
            "journal: 400 readings are not yet at the centre\n  \
             DO NOT RESTART: 312 readings are in memory only, because the disk refuses; a restart loses them"
        );
        assert!(said(1, 1, None).ends_with("DO NOT RESTART: 1 reading is in memory only; a restart loses them"));
        assert!(
            said(0, 0, Some("hangs"))
                .ends_with("the disk hangs: new readings stay in memory only until they are at the centre")
        );
        assert!(journal_in_words(None).contains("do not restart"));
    }
}
