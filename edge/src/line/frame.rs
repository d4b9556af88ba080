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
    bytes.iter().fold(0xFFFF, |crc, byte| {
        let step = |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
        (0..8).fold(crc ^ u16::from(*byte), step)
    })
}

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

    /// Gives the count of data bytes in the reply.
    #[must_use]
    pub fn data_bytes(&self) -> usize {
        usize::from(u16::from_be_bytes([self.frame[4], self.frame[5]])) * 2
    }

    /// Gives the length of the reply, CRC included.
    #[must_use]
    pub fn reply_length(&self) -> usize {
        self.data_bytes() + 5
    }

    /// Finds the answer at the beginning of the bytes: the registers, or an exception.
    ///
    /// Unit, function, byte count and CRC must all be right.
    #[must_use]
    pub fn answer_length(&self, bytes: &[u8]) -> Option<usize> {
        let (&[unit, function, third], _) = bytes.split_first_chunk::<3>()?;
        if unit != self.unit() {
            return None;
        }
        let length = if function == self.function() && usize::from(third) == self.data_bytes() {
            self.reply_length()
        } else if function == self.function() | EXCEPTION_BIT {
            EXCEPTION_LENGTH
        } else {
            return None;
        };
        bytes.get(..length).filter(|frame| has_good_crc(frame)).map(<[u8]>::len)
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
        let request = Request::new(1, RegisterMap::published().reads(0)[0]);
        assert_eq!(request.frame(), GOLDEN_REQUEST);
        assert_eq!(Request::from_frame(&GOLDEN_REQUEST), Ok(request.clone()));
        assert_eq!(request.answer_length(&GOLDEN_REPLY), Some(11));
        assert_eq!(hex(&GOLDEN_REPLY[..4]), "01 03 06 25");
    }

    #[test]
    fn exceptions_answer_too() {
        let request = Request::from_frame(&GOLDEN_REQUEST).unwrap();
        assert_eq!(request.answer_length(&with_crc(vec![1, 0x83, 2])), Some(5));
        assert_eq!(request.answer_length(&with_crc(vec![1, 0x84, 2])), None);
        assert_eq!(request.answer_length(&with_crc(vec![2, 0x83, 2])), None);
    }

    proptest! {
        #[test]
        fn any_change_of_one_or_two_bits_is_noticed(first in 0..88_usize, second in 0..88_usize) {
            let request = Request::from_frame(&GOLDEN_REQUEST).unwrap();
            let mut frame = GOLDEN_REPLY;
            frame[first / 8] ^= 1 << (first % 8);
            if second != first {
                frame[second / 8] ^= 1 << (second % 8);
            }
            prop_assert_eq!(request.answer_length(&frame), None);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let request = Request::from_frame(&GOLDEN_REQUEST).unwrap();
            let _ = request.answer_length(&bytes);
            let _ = Request::from_frame(&bytes);
        }
    }
}
