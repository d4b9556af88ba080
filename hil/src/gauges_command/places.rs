//! Where each line is to answer, as it is said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use tankline_domain::names::LineName;
use thiserror::Error;

use crate::line::Place;

/// Where the lines are to answer; a line of which nothing is said gets a pseudo-terminal.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where gauges answer (a pseudo-terminal when nothing is said)")]
pub struct PlaceArgs {
    /// On this serial port, such as an RS-485 adapter: /dev/ttyUSB0, or line-01=/dev/ttyUSB0 where there are several lines.
    #[arg(long = "port", value_name = "[LINE=]PATH")]
    pub ports: Vec<At<PathBuf>>,
    /// RTU frames over TCP, as behind a serial device server: 127.0.0.1:5021; port 0 takes a free one and says which.
    #[arg(long = "rtu-tcp", value_name = "[LINE=]ADDRESS:PORT")]
    pub rtu_tcp: Vec<At<SocketAddr>>,
    /// Modbus TCP: 127.0.0.1:5020; port 0 takes a free one and says which.
    #[arg(long = "tcp", value_name = "[LINE=]ADDRESS:PORT")]
    pub tcp: Vec<At<SocketAddr>>,
}

/// A place, and the line that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The line; the only one when absent.
    pub line: Option<LineName>,
    /// The place.
    pub place: T,
}

impl<T: FromStr<Err: ToString>> FromStr for At<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (line, place) = match text.split_once('=') {
            Some((line, place)) => (Some(line.parse().map_err(|error| format!("{error}"))?), place),
            None => (None, text),
        };
        Ok(Self { line, place: place.parse().map_err(|error: T::Err| format!("{place:?}: {}", error.to_string()))? })
    }
}

/// What is said of the places does not fit the lines.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It is not said for which line a place is.
    #[error(
        "{place} is for one line, and there are {}; choose one with --line {first}, or put {first}= before the place",
        names.join(", "),
        first = names.first().map_or("", String::as_str)
    )]
    WhichLine {
        /// The place.
        place: String,
        /// The lines.
        names: Vec<String>,
    },
    /// A place is for a line that does not run here.
    #[error("{place} is for line {line}, which is not among those that run: {}", names.join(", "))]
    UnknownLine {
        /// The place.
        place: String,
        /// The line.
        line: LineName,
        /// The lines.
        names: Vec<String>,
    },
    /// A line has two places.
    #[error("line {line} cannot answer at {first} and at {second}; give it one place")]
    Twice {
        /// The line.
        line: LineName,
        /// One place.
        first: String,
        /// The other.
        second: String,
    },
}

impl PlaceArgs {
    /// Gives the place of each of these lines.
    ///
    /// # Errors
    /// [`PlaceError`] when a place is for no line, or a line has two.
    pub fn resolve(&self, lines: &[&LineName]) -> Result<Vec<Place>, PlaceError> {
        let ports = self.ports.iter().map(|at| (&at.line, Place::Port(at.place.clone())));
        let rtu_tcp = self.rtu_tcp.iter().map(|at| (&at.line, Place::RtuOverTcp(at.place)));
        let tcp = self.tcp.iter().map(|at| (&at.line, Place::ModbusTcp(at.place)));
        let names = || lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut places = vec![None; lines.len()];
        for (line, place) in ports.chain(rtu_tcp).chain(tcp) {
            let index =
                match line {
                    Some(line) => lines.iter().position(|known| *known == line).ok_or_else(|| {
                        PlaceError::UnknownLine { place: place.to_string(), line: line.clone(), names: names() }
                    })?,
                    None if lines.len() == 1 => 0,
                    None => return Err(PlaceError::WhichLine { place: place.to_string(), names: names() }),
                };
            if let Some(first) = places[index].replace(place.clone()) {
                let (line, first) = (lines[index].clone(), first.to_string());
                return Err(PlaceError::Twice { line, first, second: place.to_string() });
            }
        }
        Ok(places.into_iter().map(Option::unwrap_or_default).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(args: &PlaceArgs, lines: &[&str]) -> Result<Vec<String>, String> {
        let lines: Vec<LineName> = lines.iter().map(|line| line.parse().unwrap()).collect();
        let places = args.resolve(&lines.iter().collect::<Vec<_>>());
        places.map(|places| places.iter().map(Place::to_string).collect()).map_err(|error| error.to_string())
    }

    fn port(text: &str) -> PlaceArgs {
        PlaceArgs { ports: vec![text.parse().unwrap()], ..PlaceArgs::default() }
    }

    #[test]
    fn lines_have_the_place_that_is_theirs_and_a_pseudo_terminal_otherwise() {
        assert_eq!(resolve(&PlaceArgs::default(), &["a", "b"]), Ok(vec!["pty".into(), "pty".into()]));
        assert_eq!(resolve(&port("/dev/ttyUSB0"), &["a"]), Ok(vec!["/dev/ttyUSB0".into()]));
        let tcp = vec!["b=127.0.0.1:5020".parse().unwrap()];
        let both = PlaceArgs { tcp, ..port("a=/dev/ttyUSB0") };
        assert_eq!(resolve(&both, &["a", "b"]), Ok(vec!["/dev/ttyUSB0".into(), "tcp://127.0.0.1:5020".into()]));
    }

    #[test]
    fn what_does_not_fit_the_lines_is_refused_with_what_would() {
        let said = resolve(&port("/dev/ttyUSB0"), &["a", "b"]).unwrap_err();
        assert!(said.contains("--line") && said.contains("put a= before"), "{said}");
        assert!(resolve(&port("c=/dev/ttyUSB0"), &["a"]).unwrap_err().contains("those that run: a"));
        let twice = PlaceArgs { rtu_tcp: vec!["127.0.0.1:0".parse().unwrap()], ..port("/dev/ttyUSB0") };
        assert!(resolve(&twice, &["a"]).unwrap_err().contains("/dev/ttyUSB0 and at rtu+tcp://127.0.0.1:0"));
        for bad in ["localhost", "127.0.0.1", "x y=127.0.0.1:1", "a=b=127.0.0.1:1"] {
            assert!(bad.parse::<At<SocketAddr>>().is_err(), "{bad}");
        }
    }
}
