//! The fixed header: what kind of packet follows, and how long it is.

/// The kind of a packet that a client may send. MQTT 3.1.1, table 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Publish,
    /// PUBACK, PUBREC, PUBREL and PUBCOMP.
    Acknowledgement,
    Subscribe,
    Unsubscribe,
    Ping,
    Disconnect,
}

/// The first two to five bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// The lower four bits of the first byte.
    pub(crate) flags: u8,
    /// How long the header itself is.
    pub(crate) header_bytes: usize,
    /// How long all that follows it is.
    pub(crate) body_bytes: usize,
}

/// Bytes that no client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("a packet of a kind that no client sends")]
    Kind,
    #[error("wrong flags in the first byte")]
    Flags,
    #[error("a length of more than four bytes")]
    Length,
    #[error("a packet longer than max_packet_bytes")]
    TooLarge,
    #[error("a packet with a length that its kind does not have")]
    WrongSize,
    #[error("a topic that is none: empty, over 1024 bytes, not UTF-8, with a wildcard or a zero")]
    Topic,
    #[error("a filter that is none: empty, over 1024 bytes, not UTF-8, with a wildcard or a zero out of place")]
    Filter,
    #[error("quality of service 3")]
    Qos,
    #[error("more messages of quality 2 than it may begin before it releases one")]
    Unreleased,
    #[error("packet id 0")]
    PacketId,
    #[error("a second CONNECT")]
    SecondConnect,
}

impl Header {
    /// Reads the fixed header; `None` when more bytes are needed for it.
    ///
    /// # Errors
    /// [`Malformed`] when no client may send that.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let flags = first & 0x0F;
        let (kind, right_flags) = match first >> 4 {
            1 => (Kind::Connect, Some(0)),
            3 => (Kind::Publish, None),
            4 | 5 | 7 => (Kind::Acknowledgement, Some(0)),
            6 => (Kind::Acknowledgement, Some(2)),
            8 => (Kind::Subscribe, Some(2)),
            10 => (Kind::Unsubscribe, Some(2)),
            12 => (Kind::Ping, Some(0)),
            14 => (Kind::Disconnect, Some(0)),
            _ => return Err(Malformed::Kind),
        };
        if right_flags.is_some_and(|right| right != flags) {
            return Err(Malformed::Flags);
        }
        Ok(length(bytes)?.map(|(header_bytes, body_bytes)| Self { kind, flags, header_bytes, body_bytes }))
    }
}

/// Reads the length of a packet of either side: bytes of the header, bytes after it. MQTT 3.1.1, 2.2.3.
pub(crate) fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut body_bytes = 0;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        body_bytes |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((index + 2, body_bytes)));
        }
    }
    if bytes.len() > 4 { Err(Malformed::Length) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_the_standard_are_read() {
        // MQTT 3.1.1, table 2.4.
        for (bytes, expected) in [
            (&[0x30, 0x00][..], Some((2, 0))),
            (&[0x30, 0x7F], Some((2, 127))),
            (&[0x30, 0x80, 0x01], Some((3, 128))),
            (&[0x30, 0xFF, 0xFF, 0x7F], Some((4, 2_097_151))),
            (&[0x30, 0xFF, 0xFF, 0xFF, 0x7F], Some((5, 268_435_455))),
            (&[0x30], None),
            (&[0x30, 0x80, 0x80, 0x80], None),
        ] {
            assert_eq!(length(bytes).unwrap(), expected, "{bytes:x?}");
        }
        assert_eq!(length(&[0x30, 0x80, 0x80, 0x80, 0x80]), Err(Malformed::Length));
    }

    #[test]
    fn first_bytes_that_no_client_sends_are_refused() {
        for (first, wrong) in [
            (0x00, Malformed::Kind),
            (0x20, Malformed::Kind),
            (0x90, Malformed::Kind),
            (0xD0, Malformed::Kind),
            (0xF0, Malformed::Kind),
            (0x11, Malformed::Flags),
            (0x60, Malformed::Flags),
            (0x80, Malformed::Flags),
            (0xA0, Malformed::Flags),
            (0xC1, Malformed::Flags),
        ] {
            assert_eq!(Header::read(&[first, 0]), Err(wrong), "{first:x}");
        }
    }
}
