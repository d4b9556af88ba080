//! One question to one gauge, and what became of it.

use std::time::Duration;

use tankline_domain::message::GaugeCounters;
use tankline_domain::register::RegisterRead;
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use super::target::Target;
use crate::line::master::{Exchange, ExchangeError, Master};
use crate::line::port::{self, OpenError};

/// What a gauge answered: one exchange for each request of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub at: UnixMillis,
    pub exchanges: Vec<(RegisterRead, Exchange)>,
}

impl Answer {
    /// Gives the registers of each request.
    pub fn words(&self) -> Vec<(RegisterRead, Vec<u16>)> {
        self.exchanges.iter().map(|(read, exchange)| (*read, exchange.words.clone())).collect()
    }

    /// Gives the time that the gauge took, over all requests.
    pub fn took(&self) -> Duration {
        self.exchanges.iter().map(|(_, exchange)| exchange.took).sum()
    }
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// The port could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A request was not answered.
    #[error("{error}")]
    Exchange {
        /// The request.
        read: RegisterRead,
        /// Why not.
        error: ExchangeError,
        /// What was heard on the line meanwhile.
        heard: GaugeCounters,
    },
}

impl AttemptError {
    /// Says what failed, on one line, with what the system said.
    pub fn in_words(&self) -> String {
        let (error, source): (&dyn std::error::Error, _) = match self {
            Self::Open(error) => (error, std::error::Error::source(error)),
            Self::Exchange { error, .. } => (error, std::error::Error::source(error)),
        };
        source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
    }
}

/// Asks one gauge; opens the port when it is asked first and when it was lost.
#[derive(Debug)]
pub(super) struct Asker<'t> {
    target: &'t Target,
    timeout: Duration,
    master: Option<Master>,
}

impl<'t> Asker<'t> {
    pub const fn new(target: &'t Target, timeout: Duration) -> Self {
        Self { target, timeout, master: None }
    }

    /// Asks once. There is no retry: who looks for a fault wants to see it.
    ///
    /// # Errors
    /// [`AttemptError`]; a port that failed is opened again the next time.
    pub async fn ask(&mut self) -> Result<Answer, AttemptError> {
        let Target { port, framing, unit, .. } = self.target;
        let master = match &mut self.master {
            Some(master) => master,
            none => none.insert(Master::new(port::open(port, framing).await?, *framing)),
        };
        let mut exchanges = Vec::new();
        for read in self.target.reads() {
            match master.read(*unit, read, self.timeout).await {
                Ok(exchange) => exchanges.push((read, exchange)),
                Err(error) => {
                    let heard = master.take_counters(*unit);
                    if matches!(error, ExchangeError::Port(_)) {
                        self.master = None;
                    }
                    return Err(AttemptError::Exchange { read, error, heard });
                }
            }
        }
        master.take_counters(*unit);
        Ok(Answer { at: clock::unix_ms(), exchanges })
    }
}
