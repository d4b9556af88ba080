//! RTU frames: unit, function, data, CRC.

use tankline_domain::register::RegisterRead;

/// Shortest frame: unit, function, CRC.
pub const MIN_FRAME: usize = 4;

/// Length of a read request, CRC included.
pub const REQUEST_LENGTH: usize = 8;

/// Length of an exception reply, CRC included.
pub const EXCEPTION_LENGTH: usize = 5;

const EXCEPTION_BIT: u8 = 0x80;

/// Computes the CRC-16 of Modbus: polynomial 0xA001 reflected, initial value 0xFFFF; sent low byte first.
///
/// Source: Modbus over serial line V1.02, section 6.2.2.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| crc >> 8 ^ CRC_OF_BYTE[usize::from(crc.to_le_bytes()[0] ^ byte)])
}

/// What each byte does to the CRC.
const CRC_OF_BYTE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut crc, mut bit) = (byte as u16, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// Appends the CRC to the bytes of a frame.
#[must_use]
pub fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc16(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Tells whether the bytes are at least as long as a frame and end with their right CRC.
#[must_use]
pub fn has_good_crc(bytes: &[u8]) -> bool {
    bytes.len() >= MIN_FRAME && {
        let (body, crc) = bytes.split_at(bytes.len() - 2);
        crc16(body).to_le_bytes() == crc
    }
}

/// What tells the replies to different reads of one unit apart: a reply does not say which registers it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The function code.
    pub function: u8,
    /// Count of data bytes in the reply.
    pub data_bytes: u8,
}

impl Shape {
    /// Gives the shape of the reply to a request; `None` when it is no read.
    fn asked_by(request: &[u8]) -> Option<Self> {
        let &[_, function, _, _, high, low, ..] = request else { return None };
        let count = u16::from_be_bytes([high, low]);
        let bytes = match function {
            1 | 2 => count.div_ceil(8),
            3 | 4 => count.checked_mul(2)?,
            _ => return None,
        };
        Some(Self { function, data_bytes: u8::try_from(bytes).ok()? })
    }

    /// Gives the shape of the reply to a read.
    #[must_use]
    pub fn of(read: RegisterRead) -> Self {
        Self { function: read.kind.function(), data_bytes: u8::try_from(read.count * 2).unwrap_or(u8::MAX) }
    }
}

/// What a good frame on the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Registers or bits of a unit.
    Reply {
        /// The unit.
        unit: u8,
        /// Its shape.
        shape: Shape,
    },
    /// The refusal of a unit.
    Exception {
        /// The unit.
        unit: u8,
        /// The function that it refuses.
        function: u8,
    },
    /// A request to a unit; the answer to a write looks alike.
    Request {
        /// The unit.
        unit: u8,
        /// The shape of the reply, where it asks for one that holds data.
        shape: Option<Shape>,
    },
}

impl Heard {
    /// Finds a good frame at the beginning of the bytes, with its length.
    #[must_use]
    pub fn at(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[unit, function, third], _) = bytes.split_first_chunk::<3>()?;
        let good = |length: usize| bytes.get(..length).is_some_and(has_good_crc);
        let reply_length = usize::from(third) + 5;
        match function {
            1..=4 if good(reply_length) => {
                Some((Self::Reply { unit, shape: Shape { function, data_bytes: third } }, reply_length))
            }
            1..=6 | 15 | 16 if good(REQUEST_LENGTH) => {
                let shape = Shape::asked_by(bytes);
                Some((Self::Request { unit, shape }, REQUEST_LENGTH))
            }
            0x81..=0x90 if good(EXCEPTION_LENGTH) => {
                Some((Self::Exception { unit, function: function & !EXCEPTION_BIT }, EXCEPTION_LENGTH))
            }
            _ => None,
        }
    }
}

/// A read request that went out, as far as a reply must match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    frame: Vec<u8>,
}

/// A frame is not a read request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a read request: unit, function 03 or 04, address, count and CRC are expected")]
pub struct NotARequest;

impl Request {
    /// Makes the request for some registers of a unit.
    #[must_use]
    pub fn new(unit: u8, read: RegisterRead) -> Self {
        let mut bytes = vec![unit, read.kind.function()];
        bytes.extend(read.start.get().to_be_bytes());
        bytes.extend(read.count.to_be_bytes());
        Self { frame: with_crc(bytes) }
    }

    /// Takes the bytes of a request.
    ///
    /// # Errors
    /// [`NotARequest`] when they are none.
    pub fn from_frame(frame: &[u8]) -> Result<Self, NotARequest> {
        let right = frame.len() == REQUEST_LENGTH && has_good_crc(frame) && matches!(frame[1], 3 | 4);
        if right { Ok(Self { frame: frame.to_owned() }) } else { Err(NotARequest) }
    }

    /// Gives the whole frame with its CRC.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Gives the unit that is asked.
    #[must_use]
    pub fn unit(&self) -> u8 {
        self.frame[0]
    }

    /// Gives the function code.
    #[must_use]
    pub fn function(&self) -> u8 {
        self.frame[1]
    }

    /// Gives the shape of the reply.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let bytes = u16::from_be_bytes([self.frame[4], self.frame[5]]).saturating_mul(2);
        Shape { function: self.function(), data_bytes: u8::try_from(bytes).unwrap_or(u8::MAX) }
    }

    /// Gives the length of the reply, CRC included.
    #[must_use]
    pub fn reply_length(&self) -> usize {
        usize::from(self.shape().data_bytes) + 5
    }

    /// Gives the least length of the answer that begins with these bytes, CRC included; `None` when none does.
    ///
    /// Until the function is known it may be an exception.
    #[must_use]
    pub fn least_length(&self, bytes: &[u8]) -> Option<usize> {
        match *bytes {
            [unit] if unit == self.unit() => Some(EXCEPTION_LENGTH),
            [unit, function, ..] if unit == self.unit() && function == self.function() | EXCEPTION_BIT => {
                Some(EXCEPTION_LENGTH)
            }
            _ => self.may_begin(bytes).then(|| self.reply_length()),
        }
    }

    /// Tells whether the bytes may be the beginning of the reply, but are too few yet.
    #[must_use]
    pub fn may_begin(&self, bytes: &[u8]) -> bool {
        let head = [self.unit(), self.function(), self.shape().data_bytes];
        !bytes.is_empty()
            && bytes.len() < self.reply_length()
            && bytes.iter().zip(head).all(|(byte, head)| *byte == head)
    }
}

/// Writes bytes as people read them: `01 03 00 31`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tankline_domain::register::RegisterMap;

    use super::*;

    const GOLDEN_REQUEST: [u8; 8] = [0x01, 0x03, 0x00, 0x31, 0x00, 0x03, 0x54, 0x04];
    const GOLDEN_REPLY: [u8; 11] = [0x01, 0x03, 0x06, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45, 0x8D, 0x61];

    /// Source: the printed exchange of the published gauge protocol.
    #[test]
    fn golden_exchange_is_asked_and_answered() {
        let read = RegisterMap::published().reads(0)[0];
        let request = Request::new(1, read);
        assert_eq!(request.frame(), GOLDEN_REQUEST);
        assert_eq!(Request::from_frame(&GOLDEN_REQUEST), Ok(request.clone()));
        assert_eq!(request.shape(), Shape::of(read));
        assert_eq!(Heard::at(&GOLDEN_REPLY), Some((Heard::Reply { unit: 1, shape: Shape::of(read) }, 11)));
        assert_eq!(Heard::at(&GOLDEN_REQUEST), Some((Heard::Request { unit: 1, shape: Some(Shape::of(read)) }, 8)));
        assert_eq!(hex(&GOLDEN_REPLY[..4]), "01 03 06 25");
    }

    #[test]
    fn frames_are_told_apart() {
        let request = Request::from_frame(&GOLDEN_REQUEST).unwrap();
        assert_eq!(
            Heard::at(&with_crc(vec![1, 0x83, 2])),
            Some((Heard::Exception { unit: 1, function: 3 }, EXCEPTION_LENGTH))
        );
        let asked = |bytes: &[u8]| match Heard::at(&with_crc(bytes.to_vec())) {
            Some((Heard::Request { unit: 9, shape }, 8)) => shape,
            other => panic!("{other:?}"),
        };
        assert_eq!(asked(&[9, 1, 0, 0, 0, 9]), Some(Shape { function: 1, data_bytes: 2 }));
        assert_eq!(asked(&[9, 4, 0, 0, 0, 125]), Some(Shape { function: 4, data_bytes: 250 }));
        assert_eq!((asked(&[9, 3, 0, 0, 255, 255]), asked(&[9, 6, 0, 0, 0, 1])), (None, None));
        assert_eq!(Heard::at(&[0; 32]), None);
        for length in 0..11 {
            assert_eq!(Heard::at(&GOLDEN_REPLY[..length]), None);
            assert_eq!(request.may_begin(&GOLDEN_REPLY[..length]), length > 0);
            let least = [None, Some(5)].into_iter().chain(std::iter::repeat(Some(11))).nth(length).unwrap();
            assert_eq!(request.least_length(&GOLDEN_REPLY[..length]), least);
        }
        assert_eq!(request.least_length(&[1, 0x83, 2]), Some(5));
        for other in [&[2][..], &[1, 4], &[1, 3, 4], &[2, 3, 6]] {
            assert_eq!(request.least_length(other), None, "{other:?}");
        }
        assert!(!request.may_begin(&GOLDEN_REPLY));
        assert!(!request.may_begin(&[1, 3, 4]) && !request.may_begin(&[2]));
    }

    proptest! {
        #[test]
        fn any_change_of_one_or_two_bits_is_noticed(first in 0..88_usize, second in 0..88_usize) {
            let mut frame = GOLDEN_REPLY;
            frame[first / 8] ^= 1 << (first % 8);
            if second != first {
                frame[second / 8] ^= 1 << (second % 8);
            }
            prop_assert!(!has_good_crc(&frame));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let request = Request::from_frame(&GOLDEN_REQUEST).unwrap();
            let _ = (request.may_begin(&bytes), Request::from_frame(&bytes));
            if let Some((_, length)) = Heard::at(&bytes) {
                prop_assert!(has_good_crc(&bytes[..length]));
            }
        }
    }
}
