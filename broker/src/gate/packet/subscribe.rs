//! SUBSCRIBE and UNSUBSCRIBE, and the answers to them.

use super::header::Malformed;
use super::topic::filter;
use super::{framed, put_text, take_text, take_u8, take_u16};

/// A SUBSCRIBE. MQTT 3.1.1, 3.8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribe<'p> {
    pub(crate) packet_id: u16,
    /// At least one; each with the quality of service that is asked for, 0 to 2.
    pub(crate) filters: Vec<(&'p str, u8)>,
}

/// An UNSUBSCRIBE. MQTT 3.1.1, 3.10.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsubscribe<'p> {
    pub(crate) packet_id: u16,
    /// At least one.
    pub(crate) filters: Vec<&'p str>,
}

impl<'p> Subscribe<'p> {
    /// Reads the whole body.
    ///
    /// # Errors
    /// [`Malformed`] when no client may send that.
    pub(crate) fn read(mut body: &'p [u8]) -> Result<Self, Malformed> {
        let packet_id = packet_id(&mut body)?;
        let mut filters = Vec::new();
        while !body.is_empty() {
            let text = take_text(&mut body).ok_or(Malformed::WrongSize)?;
            let qos = take_u8(&mut body).ok_or(Malformed::WrongSize)?;
            if qos > 2 {
                return Err(Malformed::Qos);
            }
            filters.push((filter(text).ok_or(Malformed::Filter)?, qos));
        }
        if filters.is_empty() { Err(Malformed::WrongSize) } else { Ok(Self { packet_id, filters }) }
    }
}

impl<'p> Unsubscribe<'p> {
    /// Reads the whole body.
    ///
    /// # Errors
    /// [`Malformed`] when no client may send that.
    pub(crate) fn read(mut body: &'p [u8]) -> Result<Self, Malformed> {
        let packet_id = packet_id(&mut body)?;
        let mut filters = Vec::new();
        while !body.is_empty() {
            let text = take_text(&mut body).ok_or(Malformed::WrongSize)?;
            filters.push(filter(text).ok_or(Malformed::Filter)?);
        }
        if filters.is_empty() { Err(Malformed::WrongSize) } else { Ok(Self { packet_id, filters }) }
    }
}

fn packet_id(body: &mut &[u8]) -> Result<u16, Malformed> {
    match take_u16(body) {
        Some(0) => Err(Malformed::PacketId),
        Some(id) => Ok(id),
        None => Err(Malformed::WrongSize),
    }
}

/// Makes a SUBSCRIBE.
pub(crate) fn subscribe_packet(packet_id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    for (filter, qos) in filters {
        put_text(&mut body, filter.as_bytes());
        body.push(*qos);
    }
    framed(0x82, &body)
}

/// Makes an UNSUBSCRIBE of one filter.
pub(crate) fn unsubscribe_packet(packet_id: u16, filter: &str) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    put_text(&mut body, filter.as_bytes());
    framed(0xA2, &body)
}

/// Makes a SUBACK with these return codes. MQTT 3.1.1, 3.9.
pub(crate) fn suback(packet_id: u16, codes: &[u8]) -> Vec<u8> {
    framed(0x90, &[&packet_id.to_be_bytes(), codes].concat())
}

/// Makes an UNSUBACK. MQTT 3.1.1, 3.11.
pub(crate) fn unsuback(packet_id: u16) -> Vec<u8> {
    framed(0xB0, &packet_id.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_come_back_from_their_packet() {
        let packet = subscribe_packet(7, &[("a/+", 1), ("b/#", 0)]);
        let read = Subscribe::read(&packet[2..]).unwrap();
        assert_eq!(read, Subscribe { packet_id: 7, filters: vec![("a/+", 1), ("b/#", 0)] });
        let packet = unsubscribe_packet(8, "a/+");
        assert_eq!(Unsubscribe::read(&packet[2..]).unwrap(), Unsubscribe { packet_id: 8, filters: vec!["a/+"] });
    }

    #[test]
    fn what_no_client_may_send_is_refused() {
        for (body, wrong) in [
            (&b"\0\x01"[..], Malformed::WrongSize),
            (b"\0", Malformed::WrongSize),
            (b"\0\0\0\x01a\0", Malformed::PacketId),
            (b"\0\x01\0\x01a", Malformed::WrongSize),
            (b"\0\x01\0\x01a\x03", Malformed::Qos),
            (b"\0\x01\0\x02a#\0", Malformed::Filter),
            (b"\0\x01\0\x09a\0", Malformed::WrongSize),
        ] {
            assert_eq!(Subscribe::read(body), Err(wrong), "{body:x?}");
        }
        assert_eq!(Unsubscribe::read(b"\0\x01"), Err(Malformed::WrongSize));
        assert_eq!(Unsubscribe::read(b"\0\x01\0\x02a#"), Err(Malformed::Filter));
    }
}
