//! Logs on standard error, for a person or for a collector.

use std::fmt;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;

use clap::{Args, ValueEnum};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, format};
use tracing_subscriber::registry::LookupSpan;

/// What speaks too much at `info`; a filter that names it overrides this.
const QUIETED: &str = "rumqttd=off";

/// The options about logging that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogArgs {
    /// How a log line looks.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or a filter such as "info,tankline_edge=debug".
    ///
    /// Without it the variable RUST_LOG holds, and without that "info".
    #[arg(long, global = true, value_name = "FILTER", value_parser = checked_filter)]
    pub log_level: Option<String>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for a person. Where systemd's journal keeps it, which has the time, it begins with its priority instead.
    #[default]
    Text,
    /// One JSON object a line for a collector.
    Json,
}

/// Begins to log to standard error. A second call changes nothing.
pub fn init(args: &LogArgs) {
    let (filter, complaint) = filter(args, std::env::var("RUST_LOG").ok());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let begun = match args.log_format {
        LogFormat::Text if goes_to_journal() => {
            builder.event_format(ForJournal(format().without_time().with_level(false).with_ansi(false))).try_init()
        }
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    if let (Ok(()), Some(error)) = (begun, complaint) {
        tracing::warn!(error, "RUST_LOG is not a log filter; logging at info");
    }
}

/// Tells whether standard error goes to systemd's journal.
///
/// Source: systemd.exec(5), `JOURNAL_STREAM`: device and inode of what the journal reads.
#[must_use]
pub fn goes_to_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let stderr = std::fs::metadata("/proc/self/fd/2");
    stderr.is_ok_and(|stderr| format!("{}:{}", stderr.dev(), stderr.ino()) == stream)
}

/// Gives an error message as it goes to standard error: for the journal, each line with the priority of an error.
#[must_use]
pub fn as_error(words: &str) -> String {
    if goes_to_journal() { prefixed(words, priority(Level::ERROR)) } else { words.to_owned() }
}

fn prefixed(words: &str, priority: u8) -> String {
    words.lines().map(|line| format!("<{priority}>{line}")).collect::<Vec<_>>().join("\n")
}

/// Puts its priority before a line, as the journal understands it.
struct ForJournal<F>(F);

impl<S, N, F> FormatEvent<S, N> for ForJournal<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(ctx, writer, event)
    }
}

/// Gives the priority of a line.
///
/// Source: sd-daemon(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// Chooses the filter; the option goes before the variable, and a variable that cannot be read is complained about.
fn filter(args: &LogArgs, variable: Option<String>) -> (EnvFilter, Option<String>) {
    let wanted = args.log_level.clone().or(variable.filter(|text| !text.trim().is_empty()));
    let wanted = wanted.unwrap_or_else(|| "info".to_owned());
    match EnvFilter::try_new(format!("{QUIETED},{wanted}")) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(format!("{QUIETED},info")), Some(error.to_string())),
    }
}

fn checked_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        log: LogArgs,
    }

    fn parse(words: &[&str]) -> Result<LogArgs, clap::Error> {
        Command::try_parse_from([&["command"], words].concat()).map(|command| command.log)
    }

    #[test]
    fn option_goes_before_variable_before_info() {
        let option = parse(&["--log-level", "debug"]).unwrap();
        let none = parse(&[]).unwrap();
        let warn = || Some("warn".to_owned());
        assert_eq!(filter(&option, warn()).0.to_string(), "rumqttd=off,debug");
        assert_eq!(filter(&none, warn()).0.to_string(), "rumqttd=off,warn");
        assert_eq!(filter(&none, None).0.to_string(), "rumqttd=off,info");
    }

    #[test]
    fn variable_that_is_no_filter_is_complained_about_and_not_followed() {
        let (filter, complaint) = filter(&parse(&[]).unwrap(), Some("tankline=loud".to_owned()));
        assert_eq!(filter.to_string(), "rumqttd=off,info");
        assert!(complaint.is_some());
    }

    #[test]
    fn option_that_is_no_filter_is_refused() {
        assert!(parse(&["--log-level", "tankline=loud"]).is_err());
        assert_eq!(parse(&["--log-format", "json"]).unwrap().log_format, LogFormat::Json);
    }

    #[test]
    fn every_line_of_an_error_has_its_priority() {
        assert_eq!(prefixed("wrong:\n  one\n  two", priority(Level::ERROR)), "<3>wrong:\n<3>  one\n<3>  two");
    }

    #[test]
    fn beginning_twice_does_no_harm() {
        init(&LogArgs::default());
        init(&LogArgs::default());
    }
}
