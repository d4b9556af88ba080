//! Clients that send what no honest client sends.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use super::DEADLINE;

/// A CONNECT with this client id and keep-alive.
pub fn connect_packet(client_id: &str, keep_alive_s: u16) -> Vec<u8> {
    let [high, low] = keep_alive_s.to_be_bytes();
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, high, low];
    body.extend(text(client_id));
    packet(0x10, &body)
}

/// A CONNECT of a user with this client id.
pub fn login_packet(client_id: &str, user: &str, password: &str) -> Vec<u8> {
    let head = [0, 4, b'M', b'Q', b'T', b'T', 4, 0xC2, 0, 60];
    packet(0x10, &[&head[..], &text(client_id), &text(user), &text(password)].concat())
}

/// A PUBLISH of quality 1 with packet id 1, or of quality 0.
pub fn publish_packet(topic: &str, qos: u8, payload: &[u8]) -> Vec<u8> {
    let id: &[u8] = if qos > 0 { &[0, 1] } else { &[] };
    packet(0x30 | (qos << 1), &[&text(topic)[..], id, payload].concat())
}

/// A SUBSCRIBE of one filter with packet id 1.
pub fn subscribe_packet(filter: &str, qos: u8) -> Vec<u8> {
    packet(0x82, &[&[0, 1][..], &text(filter), &[qos]].concat())
}

/// Puts a fixed header before a body.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut rest = body.len();
    loop {
        let byte = u8::try_from(rest % 128).unwrap();
        rest /= 128;
        packet.push(if rest > 0 { byte | 0x80 } else { byte });
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

/// A bare connection.
pub fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// A bare connection from another address of this machine.
pub async fn dial_from(last: u8, address: SocketAddr) -> tokio::net::TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0).into()).unwrap();
    socket.connect(address).await.unwrap()
}

/// A connection that was admitted.
pub fn admitted(address: SocketAddr, client_id: &str, keep_alive_s: u16) -> TcpStream {
    let mut stream = dial(address);
    stream.write_all(&connect_packet(client_id, keep_alive_s)).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0x20, 2, 0, 0]);
    stream
}

/// Reads until the broker ends the connection; gives what it said.
pub fn until_cut_off(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => said,
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => said,
        Err(error) => panic!("the broker did not end the connection: {error}"),
    }
}
