//! PUBLISH as the line to a client writes and reads it.

use bytes::{BufMut, BytesMut};
use rumqttd::protocol::Packet;
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Error, Protocol};

use crate::gate::packet::length;

/// What stands before topic and payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Quality of service, 0 to 2.
    pub(super) quality: u8,
    /// Not written with quality 0.
    pub(super) packet_id: u16,
    pub(super) is_retained: bool,
}

/// Appends a PUBLISH. MQTT 3.1.1, 3.3.
pub(super) fn put_message(packets: &mut BytesMut, head: Head, topic: &[u8], payload: &[u8]) {
    let id_bytes = if head.quality > 0 { 2 } else { 0 };
    let mut rest = 2 + topic.len() + id_bytes + payload.len();
    packets.reserve(5 + rest);
    packets.put_u8(0x30 | (head.quality << 1) | u8::from(head.is_retained));
    while rest > 0x7F {
        packets.put_u8((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    packets.put_u8(rest as u8);
    packets.put_u16(topic.len() as u16);
    packets.put_slice(topic);
    if head.quality > 0 {
        packets.put_u16(head.packet_id);
    }
    packets.put_slice(payload);
}

/// Gives quality of service and packet id of a message of rumqttd, which shows them to nobody but in writing. It is best given
/// without topic and payload; `scratch` is written over.
pub(super) fn numbers(message: Packet, scratch: &mut BytesMut) -> Result<(u8, u16), Error> {
    scratch.clear();
    V4.write(message, scratch)?;
    quality(scratch).ok_or(Error::MalformedPacket)
}

/// Gives quality of service and packet id of a PUBLISH; `None` when it is not there as far as that.
pub(super) fn quality(packet: &[u8]) -> Option<(u8, u16)> {
    let quality = (packet.first()? >> 1) & 3;
    if quality == 0 {
        return Some((0, 0));
    }
    let (header_bytes, _) = length(packet).ok()??;
    let (topic_bytes, rest) = packet.get(header_bytes..)?.split_first_chunk()?;
    let (packet_id, _) = rest.get(usize::from(u16::from_be_bytes(*topic_bytes))..)?.split_first_chunk()?;
    Some((quality, u16::from_be_bytes(*packet_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_written_as_rumqttd_reads_it() {
        for (quality, packet_id) in [(0, 0), (1, 0x8001), (2, 7)] {
            for payload_bytes in [0, 1, 117, 118, 119, 120, 121, 122, 123, 124, 16_374, 16_380, 2_097_152] {
                let payload = vec![b'p'; payload_bytes];
                let mut packets = BytesMut::new();
                put_message(&mut packets, Head { quality, packet_id, is_retained: true }, b"a/b", &payload);
                assert_eq!(quality_of(&packets), (quality, packet_id));
                let Packet::Publish(read, _) = V4.read_mut(&mut packets, usize::MAX).unwrap() else { panic!() };
                assert_eq!((&read.topic[..], read.payload.len(), read.retain), (&b"a/b"[..], payload_bytes, true));
                assert!(packets.is_empty());
                assert_eq!(numbers(Packet::Publish(read, None), &mut BytesMut::new()).unwrap(), (quality, packet_id));
            }
        }
    }

    fn quality_of(packet: &[u8]) -> (u8, u16) {
        quality(packet).unwrap()
    }
}
