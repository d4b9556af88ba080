//! PUBLISH: where a message goes.

use super::header::{Header, Malformed};
use super::topic::{MAX_TOPIC_BYTES, topic};
use super::{framed, put_text, take_text, take_u16};

/// Where the inner broker is told to bring what is refused: nobody can subscribe to it, and it keeps nothing there.
const NOWHERE: &[u8] = b"$refused";

/// The head of a PUBLISH. MQTT 3.1.1, 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publish<'p> {
    pub(crate) topic: &'p str,
    /// Quality of service, 0 to 2.
    pub(crate) qos: u8,
    /// Absent when the quality of service is 0.
    pub(crate) packet_id: Option<u16>,
}

impl<'p> Publish<'p> {
    /// Reads the head from as much of the body as is there; `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`Malformed`] when no client may send that.
    pub(crate) fn read(header: &Header, there: &'p [u8]) -> Result<Option<Self>, Malformed> {
        let qos = (header.flags >> 1) & 3;
        if qos == 3 {
            return Err(Malformed::Qos);
        }
        let head = &there[..there.len().min(header.body_bytes)];
        let is_whole = head.len() == header.body_bytes;
        let unfinished = if is_whole { Err(Malformed::WrongSize) } else { Ok(None) };
        let mut rest = head;
        if take_u16(&mut rest).is_some_and(|length| usize::from(length) > MAX_TOPIC_BYTES) {
            return Err(Malformed::Topic);
        }
        let mut rest = head;
        let Some(text) = take_text(&mut rest) else { return unfinished };
        let packet_id = match qos {
            0 => None,
            _ => match take_u16(&mut rest) {
                Some(0) => return Err(Malformed::PacketId),
                Some(id) => Some(id),
                None => return unfinished,
            },
        };
        let topic = topic(text).ok_or(Malformed::Topic)?;
        Ok(Some(Self { topic, qos, packet_id }))
    }
}

/// Gives what the inner broker gets in the place of a PUBLISH that is refused, so that it acknowledges it in its turn;
/// `None` when there is nothing to acknowledge.
pub(crate) fn refused_publish(qos: u8, packet_id: Option<u16>) -> Option<Vec<u8>> {
    let id = packet_id?;
    let mut body = Vec::with_capacity(NOWHERE.len() + 4);
    put_text(&mut body, NOWHERE);
    body.extend_from_slice(&id.to_be_bytes());
    Some(framed(0x30 | (qos << 1), &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(packet: &[u8]) -> Result<Option<Publish<'_>>, Malformed> {
        let header = Header::read(packet).unwrap().unwrap();
        Publish::read(&header, &packet[header.header_bytes..])
    }

    #[test]
    fn head_is_read_as_soon_as_it_is_there() {
        let packet = b"\x32\x0A\0\x03a/b\0\x07xyz";
        for there in 2..9 {
            assert_eq!(read(&packet[..there]), Ok(None), "{there}");
        }
        let head = Publish { topic: "a/b", qos: 1, packet_id: Some(7) };
        assert_eq!((read(&packet[..9]), read(packet)), (Ok(Some(head)), Ok(Some(head))));
    }

    #[test]
    fn what_no_client_may_send_is_refused() {
        for (packet, wrong) in [
            (&b"\x36\x05\0\x01a\0\x01"[..], Malformed::Qos),
            (b"\x32\x05\0\x01a\0\0", Malformed::PacketId),
            (b"\x32\x03\0\x01a", Malformed::WrongSize),
            (b"\x30\x02\0\x01", Malformed::WrongSize),
            (b"\x30\x00", Malformed::WrongSize),
            (b"\x30\x02\0\0", Malformed::Topic),
            (b"\x30\x03\0\x01#", Malformed::Topic),
            (b"\x30\x7F\xFF\xFF", Malformed::Topic),
            (b"\x30\x04\0\x02\xC3\xA9", Malformed::Topic),
        ] {
            assert_eq!(read(packet), Err(wrong), "{packet:x?}");
        }
    }

    #[test]
    fn refused_message_goes_nowhere_and_keeps_its_number() {
        let packet = refused_publish(1, Some(7)).unwrap();
        let head = Publish { topic: "$refused", qos: 1, packet_id: Some(7) };
        assert_eq!(read(&packet), Ok(Some(head)));
        assert_eq!(refused_publish(0, None), None);
    }
}
