//! What one exchange with a gauge brings, or why it brings nothing.

use std::io;
use std::time::Duration;

use tankline_domain::reading::Bad;

use super::gate::Silence;

/// What an exchange brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The registers, in order.
    pub words: Vec<u16>,
    /// The request frame.
    pub request: Vec<u8>,
    /// The reply frame.
    pub reply: Vec<u8>,
    /// From the last bit of the request to the last of the reply.
    pub took: Duration,
}

/// Why an exchange brought nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Nothing answered in time.
    #[error("no answer within {} ms", waited.as_millis())]
    Silent {
        /// How long was waited.
        waited: Duration,
        /// What came instead.
        silence: Silence,
    },
    /// The gauge answered with an exception.
    #[error("the gauge answers with exception {code} ({meaning})")]
    Exception {
        /// The exception code.
        code: u8,
        /// What the standard says that it means.
        meaning: &'static str,
        /// The reply frame.
        reply: Vec<u8>,
    },
    /// The line never fell silent, so nothing could be asked.
    #[error("the line is never silent: another master talks on it, or A and B are shorted or swapped")]
    Babble,
    /// The port failed; it has to be opened again.
    #[error("the port failed")]
    Port(#[source] io::Error),
}

impl ExchangeError {
    /// Makes the error of an exception reply.
    #[must_use]
    pub fn exception(code: u8, reply: Vec<u8>) -> Self {
        Self::Exception { code, meaning: meaning(code), reply }
    }

    /// Gives the reason that a reading of this poll carries.
    #[must_use]
    pub const fn reason(&self) -> Bad {
        match self {
            Self::Silent { silence: Silence::Nothing, .. } => Bad::NoReply,
            Self::Silent { silence: Silence::Damaged, .. } | Self::Babble => Bad::Crc,
            Self::Silent { silence: Silence::Wrong, .. } => Bad::WrongReply,
            Self::Exception { code, .. } => Bad::Exception(*code),
            Self::Port(_) => Bad::Line,
        }
    }
}

/// Says what an exception code means.
///
/// Source: Modbus Application Protocol V1.1b3, section 7.
const fn meaning(code: u8) -> &'static str {
    match code {
        1 => "it does not know the function",
        2 => "it has no such register",
        3 => "it does not accept the count",
        4 => "it failed",
        5 => "it needs more time",
        6 => "it is busy",
        8 => "its memory has a parity error",
        10 => "the gateway has no path to it",
        11 => "the gateway got no answer from it",
        _ => "not in the standard",
    }
}
