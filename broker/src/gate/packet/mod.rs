//! MQTT 3.1.1 on the wire, as far as the gate looks into it.
//!
//! Nothing here panics, whatever the bytes are, and nothing is copied but what is kept.

mod connect;
mod header;
mod publish;
mod subscribe;
pub(crate) mod topic;

pub(crate) use connect::{Connect, ConnectError, Login, Will};
pub(crate) use header::{Header, Kind, Malformed, length};
pub(crate) use publish::{Publish, refused_publish};
pub(crate) use subscribe::{Subscribe, Unsubscribe, suback, subscribe_packet, unsuback, unsubscribe_packet};

/// Takes a text with its length before it from the front; `None` when it is not whole.
fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::from(take_u16(bytes)?);
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

fn take_u16(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*number))
}

fn take_u8(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// Writes a text with its length before it. The text came from a packet or is one of ours, and is short enough.
fn put_text(packet: &mut Vec<u8>, text: &[u8]) {
    let length = u16::try_from(text.len()).expect("a text of a packet has at most 65535 bytes");
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(text);
}

/// Puts the fixed header before a body.
fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(body.len() + 5);
    packet.push(first);
    let mut rest = body.len();
    loop {
        let byte = u8::try_from(rest % 128).expect("less than 128");
        rest /= 128;
        packet.push(if rest > 0 { byte | 0x80 } else { byte });
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}
