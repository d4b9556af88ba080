//! Logs on standard error, for a person or for a collector.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

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
    /// One line for a person.
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
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    if let (Ok(()), Some(error)) = (begun, complaint) {
        tracing::warn!(error, "RUST_LOG is not a log filter; logging at info");
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
    fn beginning_twice_does_no_harm() {
        init(&LogArgs::default());
        init(&LogArgs::default());
    }
}
