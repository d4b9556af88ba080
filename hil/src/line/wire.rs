use std::time::Duration;

use tankline_domain::site::{Framing, Parity};

/// How fast bytes go over a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    baud: u32,
    bits_per_byte: u32,
}

impl Wire {
    /// The setting of the published gauge: 9600 bit/s, 8 data bits, no parity, 1 stop bit.
    pub const PUBLISHED: Self = Self { baud: 9600, bits_per_byte: 10 };

    /// No wire at all: bytes take no time that counts.
    pub const NONE: Self = Self { baud: 1_000_000_000, bits_per_byte: 1 };

    /// Takes a rate in bit/s and the bits of one byte: start, data, parity and stop bits together.
    ///
    /// # Panics
    /// When one of them is 0.
    #[must_use]
    pub fn new(baud: u32, bits_per_byte: u32) -> Self {
        assert!(baud > 0 && bits_per_byte > 0, "a line has a rate and its bytes have bits");
        Self { baud, bits_per_byte }
    }

    /// Gives the rate in bit/s.
    #[must_use]
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// Gives the time that `bytes` bytes in a row are on the wire, rounded up to a nanosecond.
    #[must_use]
    pub fn time(&self, bytes: u64) -> Duration {
        let bits = u128::from(bytes) * u128::from(self.bits_per_byte);
        let nanos = (bits * 1_000_000_000).div_ceil(u128::from(self.baud));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Gives the silence that ends a frame: 3.5 characters, and 1.75 ms above 19200 bit/s.
    ///
    /// Source: MODBUS over Serial Line V1.02, 2.5.1.1.
    #[must_use]
    pub fn silence(&self) -> Duration {
        const FIXED_ABOVE_BAUD: u32 = 19_200;
        if self.baud > FIXED_ABOVE_BAUD { Duration::from_micros(1750) } else { self.time(7).div_f64(2.0) }
    }
}

impl From<Framing> for Wire {
    fn from(framing: Framing) -> Self {
        let parity_bits = u32::from(framing.parity != Parity::None);
        Self::new(framing.baud, 1 + u32::from(framing.data_bits) + parity_bits + u32::from(framing.stop_bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_byte_follow_from_the_framing() {
        assert_eq!(Wire::from(Framing::default()), Wire::PUBLISHED);
        let even = Framing { parity: Parity::Even, stop_bits: 2, data_bits: 7, baud: 1200, direction: None };
        assert_eq!(Wire::from(even), Wire::new(1200, 11));
    }

    #[test]
    fn times_follow_from_bits_and_rate() {
        // (baud, bits per byte, bytes, time in ns)
        let table = [
            (9600, 10, 1, 1_041_667),
            (9600, 10, 8, 8_333_334),
            (9600, 10, 11, 11_458_334),
            (9600, 11, 8, 9_166_667),
            (1200, 10, 1, 8_333_334),
            (115_200, 10, 11, 954_862),
        ];
        for (baud, bits, bytes, nanos) in table {
            assert_eq!(Wire::new(baud, bits).time(bytes), Duration::from_nanos(nanos), "{baud} {bits} {bytes}");
        }
    }

    #[test]
    fn silence_is_three_and_a_half_characters_up_to_19200() {
        assert_eq!(Wire::PUBLISHED.silence().as_micros(), 3645);
        assert_eq!(Wire::new(19_200, 11).silence().as_micros(), 2005);
        assert_eq!(Wire::new(38_400, 10).silence().as_micros(), 1750);
        assert_eq!(Wire::new(115_200, 10).silence().as_micros(), 1750);
    }
}
