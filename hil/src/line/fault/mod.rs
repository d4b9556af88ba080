//! What can be wrong on a line, by name: the catalogue of faults, their parameters and their chance.

mod catalogue;
mod shape;
mod text;
mod uart;

pub use catalogue::{CATALOGUE, CatalogueEntry, catalogue_table};
pub(super) use shape::{Exchange, Memory, Reply, Scene, another_master, continuous};
pub use text::ParseFaultError;

use std::time::Duration;

use super::Reach;

/// What is wrong with one unit, or with the whole line, as a master sees it.
///
/// Written as in the [`CATALOGUE`]: `crc`, `late=120ms`, `exception=6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// The unit hears but does not answer.
    Silent,
    /// The unit answers this much later than it would; answers keep their order.
    Late(Duration),
    /// The unit answers in time, but each time what it was asked so many polls before.
    Behind(u32),
    /// The reply carries the address of this other unit.
    OtherUnit(u8),
    /// The CRC of the reply is wrong.
    Crc,
    /// The reply ends after so many bytes; anywhere when absent.
    Short(Option<u8>),
    /// The reply pauses this long somewhere in its middle.
    Split(Duration),
    /// So many bytes of garbage follow the reply.
    Trailing(u8),
    /// So many stray bytes come right before the reply.
    Glitch(u8),
    /// Another master asks this unit, and is answered, near the reply.
    OtherMaster(u8),
    /// The master hears its own request.
    Echo,
    /// The unit answers with this exception code.
    Exception(u8),
    /// The reply holds so many registers more than were asked for, or fewer.
    Count(i8),
    /// The reply carries this function code.
    Function(u8),
    /// The values are those of the moment when the fault began.
    Stuck,
    /// All values are 0, as after a restart of the gauge.
    Zero,
    /// Every register of the reply holds this word.
    Word(u16),
    /// The line is held low this long instead of the reply: bytes of 0.
    Shorted(Duration),
    /// Random bytes come for this long instead of the reply.
    Babble(Duration),
    /// The reply is hit by noise.
    Noise(Noise),
    /// The unit sleeps for so many polls, counted from when the fault was set; then it answers.
    Asleep(u32),
    /// The reply is sent at this rate in bit/s, and heard at the line's.
    Baud(u32),
    /// A second gauge has the same address and answers too.
    Twin(Twin),
    /// The reply comes again after this pause.
    Repeat(Duration),
    /// The previous reply comes once more while the request is still on the wire; then the unit answers.
    Early,
    /// The reply comes one byte at a time, so far apart.
    Trickle(Duration),
    /// The reply carries the number of another transaction.
    Transaction,
    /// The connection is ended instead of a reply.
    HangUp,
}

impl LineFault {
    /// Gives where the fault can be had: what needs bits on a wire cannot be had where there are none.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self {
            Self::Transaction | Self::HangUp => Reach::ModbusTcp,
            Self::Echo | Self::Early => Reach::EmulatedWire,
            Self::Crc
            | Self::Trailing(_)
            | Self::Glitch(_)
            | Self::OtherMaster(_)
            | Self::Shorted(_)
            | Self::Babble(_)
            | Self::Noise(_)
            | Self::Baud(_)
            | Self::Twin(Twin::Collides) => Reach::Rtu,
            _ => Reach::Everywhere,
        }
    }
}

/// What noise does to a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// One bit is flipped.
    Bit,
    /// One to four bytes in a row are others.
    Burst,
    /// One of these, or a lost byte, or one too many.
    Any,
}

/// How two gauges with one address answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// Both at once: the master hears neither.
    Collides,
    /// One right after the other.
    Follows,
}

/// How often a fault strikes, in millionths of the occasions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    const MILLION: u32 = 1_000_000;

    /// On every occasion.
    pub const ALWAYS: Self = Self(Self::MILLION);

    /// Takes a percentage; `None` unless it is above 0 and at most 100.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked before")]
    pub fn percent(percent: f64) -> Option<Self> {
        (percent > 0.0 && percent <= 100.0).then(|| Self(((percent * 10_000.0).round() as u32).max(1)))
    }

    /// Gives the percentage.
    #[must_use]
    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    pub(super) fn strikes(self, random: &mut fastrand::Rng) -> bool {
        self == Self::ALWAYS || random.u32(..Self::MILLION) < self.0
    }
}

/// A fault and how often it strikes. Written `crc`, `crc=30%`, `late=120ms@30%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What it is.
    pub what: LineFault,
    /// How often it strikes.
    pub chance: Chance,
}

impl From<LineFault> for Fault {
    fn from(what: LineFault) -> Self {
        Self { what, chance: Chance::ALWAYS }
    }
}

/// Who has a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultTarget {
    /// One unit.
    Unit(u8),
    /// The line: every unit, and what comes without any request.
    Line,
}
