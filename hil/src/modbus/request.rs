use super::{ExceptionCode, crc16};
use thiserror::Error;

/// Longest RTU frame in bytes, address and CRC included.
///
/// Source: MODBUS over Serial Line V1.02, 2.5.1.
pub const MAX_FRAME_BYTES: usize = 256;

/// Most registers that one read may ask for.
///
/// Source: MODBUS Application Protocol V1.1b3, 6.3 and 6.4.
pub const MAX_READ_COUNT: u16 = 125;

const READ_HOLDING: u8 = 3;
const READ_INPUT: u8 = 4;

/// The two tables of 16-bit registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Holding registers, function 03.
    Holding,
    /// Input registers, function 04.
    Input,
}

/// What a request wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Read `count` registers from the wire address `address`, which counts from 0.
    Read {
        /// Which table.
        table: Table,
        /// First register, counted from 0 as in the frame.
        address: u16,
        /// How many registers, 1..=125.
        count: u16,
    },
    /// A frame that is sound but cannot be done; the unit that it is for answers so.
    Refuse(ExceptionCode),
}

/// A request whose CRC was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The unit that is asked; 0 is a broadcast.
    pub unit: u8,
    /// The function as it stood in the frame.
    pub function: u8,
    /// What is wanted.
    pub ask: Ask,
}

/// Why bytes between two silences are not a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Too few bytes for unit, function and CRC.
    #[error("frame of {bytes} bytes is too short, at least 4 are needed")]
    TooShort {
        /// How many there were.
        bytes: usize,
    },
    /// More bytes than a frame may have.
    #[error("frame of {bytes} bytes is too long, at most {MAX_FRAME_BYTES} are allowed")]
    TooLong {
        /// How many there were.
        bytes: usize,
    },
    /// The CRC does not fit the bytes.
    #[error("crc is {found:#06x}, the bytes make {calculated:#06x}")]
    Crc {
        /// As it stood in the frame.
        found: u16,
        /// As the bytes before it make it.
        calculated: u16,
    },
}

impl Request {
    /// Parses the bytes that came between two silences.
    ///
    /// # Errors
    /// [`FrameError`] when it is no whole frame with a right CRC. A slave then keeps silent.
    pub fn parse(frame: &[u8]) -> Result<Self, FrameError> {
        let bytes = frame.len();
        if bytes > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong { bytes });
        }
        let Some((body, &[low, high])) = frame.split_last_chunk::<2>() else {
            return Err(FrameError::TooShort { bytes });
        };
        let &[unit, function, ref payload @ ..] = body else {
            return Err(FrameError::TooShort { bytes });
        };
        let (found, calculated) = (u16::from_le_bytes([low, high]), crc16(body));
        if found != calculated {
            return Err(FrameError::Crc { found, calculated });
        }
        Ok(Self { unit, function, ask: Ask::parse(function, payload) })
    }

    /// Whether the request goes to every unit at once, which none may answer.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        self.unit == 0
    }
}

impl Ask {
    fn parse(function: u8, payload: &[u8]) -> Self {
        let table = match function {
            READ_HOLDING => Table::Holding,
            READ_INPUT => Table::Input,
            _ => return Self::Refuse(ExceptionCode::IllegalFunction),
        };
        let &[address_high, address_low, count_high, count_low] = payload else {
            return Self::Refuse(ExceptionCode::IllegalDataValue);
        };
        let count = u16::from_be_bytes([count_high, count_low]);
        if !(1..=MAX_READ_COUNT).contains(&count) {
            return Self::Refuse(ExceptionCode::IllegalDataValue);
        }
        Self::Read { table, address: u16::from_be_bytes([address_high, address_low]), count }
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parses_the_published_request() {
        // Source: the published exchange: unit 1, three registers from register 50, which is 49 on the wire.
        let request = Request::parse(&[0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04]);
        let ask = Ask::Read { table: Table::Holding, address: 49, count: 3 };
        assert_eq!(request, Ok(Request { unit: 1, function: 3, ask }));
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_code() {
        let refused = |bytes: &[u8]| Request::parse(&seal(bytes.to_vec())).map(|r| r.ask);
        let table: &[(&str, &[u8], ExceptionCode)] = &[
            ("write single register", &[1, 6, 0, 49, 0, 1], ExceptionCode::IllegalFunction),
            ("no such function", &[1, 99], ExceptionCode::IllegalFunction),
            ("count of none", &[1, 3, 0, 49, 0, 0], ExceptionCode::IllegalDataValue),
            ("count over 125", &[1, 4, 0, 0, 0, 126], ExceptionCode::IllegalDataValue),
            ("one byte missing", &[1, 3, 0, 49, 0], ExceptionCode::IllegalDataValue),
            ("one byte too many", &[1, 3, 0, 49, 0, 3, 9], ExceptionCode::IllegalDataValue),
        ];
        for (what, bytes, code) in table {
            assert_eq!(refused(bytes), Ok(Ask::Refuse(*code)), "{what}");
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bytes in 0..4 {
            assert_eq!(Request::parse(&vec![0; bytes]), Err(FrameError::TooShort { bytes }));
        }
        assert_eq!(Request::parse(&[1; 257]), Err(FrameError::TooLong { bytes: 257 }));
        assert!(matches!(
            Request::parse(&[0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x05]),
            Err(FrameError::Crc { found: 0x0554, .. })
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_fail_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), sealed: bool) {
            let frame = if sealed { seal(bytes) } else { bytes };
            match Request::parse(&frame) {
                Ok(request) => {
                    prop_assert_eq!(crc16(&frame), 0);
                    if let Ask::Read { count, .. } = request.ask {
                        prop_assert!((1..=MAX_READ_COUNT).contains(&count));
                        prop_assert_eq!(frame.len(), 8);
                    }
                }
                Err(_) => prop_assert!(!sealed || !(4..=MAX_FRAME_BYTES).contains(&frame.len())),
            }
        }

        #[test]
        fn one_flipped_bit_is_never_taken_for_a_request(payload in prop::collection::vec(any::<u8>(), 2..20), bit in 0usize..160) {
            let mut frame = seal(payload);
            let bit = bit % (frame.len() * 8);
            frame[bit / 8] ^= 1 << (bit % 8);
            let is_crc_error = matches!(Request::parse(&frame), Err(FrameError::Crc { .. }));
            prop_assert!(is_crc_error);
        }
    }
}
