use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::{ControlArgs, socket};

/// A bench answers at once; who does not for this long is no bench.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a running bench.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
}

/// A bench cannot be told something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is none.
    #[error("no bench is running; start one with `tankline-hil gauges --site FILE` or `tankline-hil demo`")]
    None,
    /// There are several.
    #[error("several benches are running; choose one with --control PATH:{}", list(benches))]
    Several {
        /// The socket of each, and which it is.
        benches: Vec<(PathBuf, String)>,
    },
    /// None is where it was said to be.
    #[error("no bench is running at {}", path.display())]
    NotThere {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It went away.
    #[error("the bench went away")]
    Gone {
        /// What the system says.
        source: io::Error,
    },
    /// It does not carry out the order; nothing has changed.
    #[error("{0}")]
    Refused(String),
}

fn list(benches: &[(PathBuf, String)]) -> String {
    benches.iter().map(|(path, about)| format!("\n  {}   {about}", path.display())).collect()
}

impl Client {
    /// Connects to the bench at the given socket, or to the only one that this user runs.
    ///
    /// # Errors
    /// [`ClientError`] when there is none, or more than one.
    pub fn connect(args: &ControlArgs) -> Result<Self, ClientError> {
        if let Some(path) = &args.path {
            let stream = UnixStream::connect(path);
            return Self::over(stream.map_err(|source| ClientError::NotThere { path: path.clone(), source })?);
        }
        let mut running = socket::running();
        match running.pop() {
            None => Err(ClientError::None),
            Some((_, stream)) if running.is_empty() => Self::over(stream),
            Some(last) => {
                let about = |(path, stream)| {
                    let told = Self::over(stream).and_then(|mut client| client.order("about"));
                    (path, told.map_or_else(|error| error.to_string(), |lines| lines.join(" ")))
                };
                Err(ClientError::Several { benches: running.into_iter().chain([last]).map(about).collect() })
            }
        }
    }

    fn over(stream: UnixStream) -> Result<Self, ClientError> {
        let set = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        set.map_err(|source| ClientError::Gone { source })?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Gives an order; gives the lines of the answer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when it is not carried out, or another when the bench went away.
    pub fn order(&mut self, order: &str) -> Result<Vec<String>, ClientError> {
        let gone = |source| ClientError::Gone { source };
        // An order is one line.
        let order = order.replace(['\n', '\r'], " ");
        self.reader.get_mut().write_all(format!("{order}\n").as_bytes()).map_err(gone)?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).map_err(gone)? == 0 {
                return Err(gone(io::ErrorKind::UnexpectedEof.into()));
            }
            let line = line.trim_end_matches('\n');
            if line == "ok" {
                return Ok(lines);
            }
            if let Some(refusal) = line.strip_prefix("error: ") {
                return Err(ClientError::Refused(refusal.to_owned()));
            }
            lines.push(line.to_owned());
        }
    }
}
