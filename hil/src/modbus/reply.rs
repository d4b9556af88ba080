use super::{ExceptionCode, MAX_READ_COUNT, seal};

/// Builds the whole reply to a register read, CRC and all.
///
/// # Panics
/// When there are more than [`MAX_READ_COUNT`] values: no request asks for more.
#[must_use]
pub fn registers(unit: u8, function: u8, values: &[u16]) -> Vec<u8> {
    assert!(values.len() <= usize::from(MAX_READ_COUNT), "a reply holds at most {MAX_READ_COUNT} registers");
    let byte_count = u8::try_from(values.len() * 2).expect("250 bytes at most, asserted above");
    let mut frame = Vec::with_capacity(5 + values.len() * 2);
    frame.extend_from_slice(&[unit, function, byte_count]);
    for value in values {
        frame.extend_from_slice(&value.to_be_bytes());
    }
    seal(frame)
}

/// Builds the whole exception reply, CRC and all.
#[must_use]
pub fn exception(unit: u8, function: u8, code: ExceptionCode) -> Vec<u8> {
    seal(vec![unit, function | 0x80, code.code()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_the_published_reply() {
        // Source: the published exchange: level 9641 mm, interface 6367 mm, 32.5 degC.
        assert_eq!(
            registers(1, 3, &[9641, 6367, 325]),
            [0x01, 0x03, 0x06, 0x25, 0xA9, 0x18, 0xDF, 0x01, 0x45, 0x8D, 0x61]
        );
    }

    #[test]
    fn exception_carries_the_function_with_its_high_bit() {
        let frame = exception(7, 3, ExceptionCode::IllegalDataAddress);
        assert_eq!(frame[..3], [7, 0x83, 2]);
        assert_eq!(super::super::crc16(&frame), 0);
    }
}
