//! The first packet of a client, and what is asked of it.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::claim::Claim;
use super::packet::{Connect, ConnectError, Header, Kind};
use super::refusal::Refusal;

/// More than any CONNECT of ours; the will is in it.
const MAX_CONNECT_BYTES: usize = 64 * 1024;
const MAX_CLIENT_ID_BYTES: usize = 256;

/// Reads the CONNECT; gives what came after it, too. Who it says that it is is noted also when it is refused.
///
/// # Errors
/// [`Refusal`] when it is none, or none that can be used.
pub(super) async fn receive(
    client: &mut (impl AsyncRead + Unpin),
    max_packet_bytes: usize,
    claim: &mut Claim,
) -> Result<(Connect, Vec<u8>), Refusal> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        // Who speaks another language may never send as much as its first bytes seem to promise.
        if let Some(header) = Header::read(&bytes).map_err(|_| Refusal::NoConnect)? {
            if header.kind != Kind::Connect || header.body_bytes > MAX_CONNECT_BYTES.min(max_packet_bytes) {
                return Err(Refusal::NoConnect);
            }
            let whole = header.header_bytes + header.body_bytes;
            if let Some(body) = bytes.get(header.header_bytes..whole) {
                let connect = Connect::read(body).map_err(|error| match error {
                    ConnectError::Protocol => Refusal::Protocol,
                    ConnectError::Malformed => Refusal::NoConnect,
                })?;
                claim.note(&connect);
                check_client_id(&connect)?;
                return Ok((connect, bytes.split_off(whole)));
            }
        }
        match client.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Refusal::BrokeOff),
            Ok(_) => (),
        }
    }
}

fn check_client_id(connect: &Connect) -> Result<(), Refusal> {
    let id = &connect.client_id;
    let is_one = !id.contains(['+', '#', '$', '/']) && id.len() <= MAX_CLIENT_ID_BYTES;
    if is_one && (connect.is_clean || !id.is_empty()) { Ok(()) } else { Err(Refusal::ClientId) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::packet::Login;

    fn packet(client_id: &str) -> Vec<u8> {
        let login = Some(Login { user: "edge".to_owned(), password: b"secret".to_vec() });
        Connect { client_id: client_id.to_owned(), is_clean: true, keep_alive_s: 0, will: None, login }.packet()
    }

    async fn received(bytes: &[u8]) -> Result<(Connect, Vec<u8>), Refusal> {
        receive(&mut &bytes[..], 1 << 20, &mut Claim::default()).await
    }

    #[tokio::test]
    async fn connect_is_received_with_all_that_follows() {
        let bytes = [&packet("lindong.rtu-01")[..], &[0xC0, 0]].concat();
        let (connect, rest) = received(&bytes).await.unwrap();
        assert_eq!((connect.client_id.as_str(), &rest[..]), ("lindong.rtu-01", &[0xC0, 0][..]));
    }

    #[tokio::test]
    async fn others_are_refused_with_the_reason() {
        let mut of_mqtt_5 = packet("a");
        of_mqtt_5[8] = 5;
        for (packet, refusal) in [
            (packet("a/b"), Refusal::ClientId),
            (packet(&"x".repeat(257)), Refusal::ClientId),
            (of_mqtt_5, Refusal::Protocol),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), Refusal::NoConnect),
            (vec![0x10, 0x20], Refusal::BrokeOff),
            (vec![0x10], Refusal::BrokeOff),
            (vec![0xC0, 0], Refusal::NoConnect),
            (vec![0x10, 0xFF, 0xFF, 0xFF, 0x7F], Refusal::NoConnect),
        ] {
            assert_eq!(received(&packet).await.unwrap_err(), refusal, "{packet:x?}");
        }
    }
}
