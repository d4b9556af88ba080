use std::fmt;
use std::time::Instant;

use tankline_domain::profile::ProfileBlock;

use super::{GaugeValues, Profile, RegisterImage};
use crate::modbus::{self, Ask, Request};

/// Where a gauge gets what it holds at a moment.
pub type ReadValues = Box<dyn Fn(Instant) -> GaugeValues + Send>;

/// Where a gauge gets a scan of the impedance along its rod at a moment, as large as a block.
pub type ReadProfile = Box<dyn Fn(Instant, &ProfileBlock) -> Profile + Send>;

/// One gauge on a line: a unit number, registers, and something that they measure.
pub struct Gauge {
    unit: u8,
    image: RegisterImage,
    read: ReadValues,
    read_profile: Option<ReadProfile>,
}

/// A reply, whole and true; what a line makes of it is the line's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The whole frame with its CRC.
    pub frame: Vec<u8>,
    /// The values that the frame shows; `None` in an exception or when only some of them were asked for.
    pub shows: Option<GaugeValues>,
    /// Whether the frame is an exception.
    pub is_exception: bool,
}

impl Gauge {
    /// Makes a gauge that answers as `unit` and shows what it measures in the registers of `image`.
    #[must_use]
    pub fn new(unit: u8, image: RegisterImage, read: ReadValues) -> Self {
        Self { unit, image, read, read_profile: None }
    }

    /// Gives the gauge something to show in the profile block of its registers.
    #[must_use]
    pub fn with_profile(mut self, read: ReadProfile) -> Self {
        self.read_profile = Some(read);
        self
    }

    /// Gives the unit number that the gauge answers to.
    #[must_use]
    pub fn unit(&self) -> u8 {
        self.unit
    }

    /// Gives what the gauge holds at a moment.
    #[must_use]
    pub fn values(&self, now: Instant) -> GaugeValues {
        (self.read)(now)
    }

    /// Answers a request that is meant for this gauge; the values are those of `now`.
    #[must_use]
    pub fn answer(&self, now: Instant, request: &Request) -> Answer {
        self.answer_showing(now, self.values(now), request)
    }

    /// Answers a request as if the gauge held these values.
    #[must_use]
    pub fn answer_showing(&self, now: Instant, values: GaugeValues, request: &Request) -> Answer {
        let registers = match request.ask {
            Ask::Refuse(code) => Err(code),
            Ask::Read { table, address, count } => {
                let shows = self.image.shows_all(table, address, count).then_some(values);
                let block = self.image.profile_in(table, address, count);
                let profile = block.zip(self.read_profile.as_ref()).map(|(block, read)| read(now, &block));
                self.image.read(table, address, count, values, profile.as_ref()).map(|registers| (registers, shows))
            }
        };
        match registers {
            Ok((registers, shows)) => {
                Answer { frame: modbus::registers(self.unit, request.function, &registers), shows, is_exception: false }
            }
            Err(code) => {
                Answer { frame: modbus::exception(self.unit, request.function, code), shows: None, is_exception: true }
            }
        }
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge").field("unit", &self.unit).finish_non_exhaustive()
    }
}
