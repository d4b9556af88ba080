//! How a process ends: its exit code, and what it tells the person who started it.

use std::process::ExitCode;

use tankline_domain::settings::Problems;

use crate::logging;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong; nothing was begun. Exit code 2.
    Misconfigured(Problems),
    /// What was asked for cannot be. Exit code 2.
    Misused(anyhow::Error),
    /// Something failed. Exit code 1.
    Failed(anyhow::Error),
}

impl Failure {
    /// Gives the exit code: 1 when something failed, 2 when the configuration or what was asked for is wrong.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Misconfigured(_) | Self::Misused(_) => 2,
        }
    }

    /// Says it in words: the whole chain of causes, or every problem on a line of its own.
    #[must_use]
    pub fn in_words(&self, role: &str) -> String {
        match self {
            Self::Failed(error) | Self::Misused(error) => format!("{role}: {error:#}"),
            Self::Misconfigured(problems) => {
                let lines: Vec<_> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
                format!("{role}: the configuration cannot be used:{}", lines.concat())
            }
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Misconfigured(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Ends a command: says on standard error why it failed, and gives the exit code 0, 1 or 2.
#[must_use]
pub fn conclude(role: &str, outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", logging::as_error(&failure.in_words(role)));
            ExitCode::from(failure.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn failure_is_told_with_all_its_causes() {
        let cause = Err::<(), _>(std::io::Error::other("address in use")).context("cannot listen on port 1883");
        let failure = Failure::from(cause.unwrap_err());
        assert_eq!(failure.in_words("tankline-broker"), "tankline-broker: cannot listen on port 1883: address in use");
        assert_eq!(failure.code(), 1);
    }

    #[test]
    fn every_problem_of_a_configuration_has_its_line() {
        let failure = Failure::from(Problems::of_file("a.toml", "is wrong").and(Problems::of_file("b.toml", "too")));
        let words = failure.in_words("tankline-edge");
        assert_eq!(words.lines().skip(1).collect::<Vec<_>>(), ["  a.toml: is wrong", "  b.toml: too"]);
        assert_eq!(failure.code(), 2);
    }
}
