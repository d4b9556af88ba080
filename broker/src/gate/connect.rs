//! The first packet of a client, and what is asked of it.

use bytes::BytesMut;
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::{Connect, Error, Login, Packet, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Users;

/// More than any CONNECT of ours; the will is in it.
const MAX_CONNECT_BYTES: usize = 64 * 1024;
/// The first byte of a CONNECT. MQTT 3.1.1, 3.1.1.
const CONNECT: u8 = 0x10;
/// Fixed header (2 to 5 bytes), then protocol name (6), level (1), flags (1), keep-alive (2). MQTT 3.1.1, 3.1.2.
const KEEP_ALIVE_FROM_VARIABLE_HEADER: usize = 8;

/// A client that may come in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Its name for itself; empty when the broker is to give it one.
    pub(crate) client_id: String,
    /// The user it logged in as.
    pub(crate) user: Option<String>,
    /// What it has sent so far: the CONNECT, and what may have followed.
    pub(crate) bytes: BytesMut,
}

/// Why a client may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it does not speak MQTT 3.1.1")]
    Protocol,
    #[error("its client id is empty without a clean session, or holds one of + # $ /")]
    ClientId,
    #[error("the broker cannot take it in now")]
    Unavailable,
    #[error("wrong user or password")]
    Credentials,
    #[error("it did not begin with a CONNECT")]
    NoConnect,
    #[error("it broke off")]
    BrokeOff,
}

impl Refusal {
    /// Gives the packet that says so: CONNACK with the return code of MQTT 3.1.1, 3.2.2.3.
    pub(crate) const fn connack(self) -> [u8; 4] {
        let code = match self {
            Self::Protocol => 1,
            Self::ClientId => 2,
            Self::Unavailable | Self::NoConnect | Self::BrokeOff => 3,
            Self::Credentials => 4,
        };
        [0x20, 2, 0, code]
    }

    /// Tells whether there is a client that would understand the answer.
    pub(crate) const fn is_worth_an_answer(self) -> bool {
        !matches!(self, Self::NoConnect | Self::BrokeOff)
    }
}

/// Reads the CONNECT and judges it.
pub(crate) async fn admit(client: &mut (impl AsyncRead + Unpin), users: Option<&Users>) -> Result<Admitted, Refusal> {
    let mut bytes = BytesMut::with_capacity(1024);
    loop {
        // Who speaks another language may never send as much as its first bytes seem to promise.
        if bytes.first().is_some_and(|first| *first != CONNECT) {
            return Err(Refusal::NoConnect);
        }
        // Parsing takes the bytes away, and they are still to be passed on.
        match V4.read_mut(&mut bytes.clone(), MAX_CONNECT_BYTES) {
            Ok(Packet::Connect(connect, _, _, _, login)) => {
                judge(&connect, login.as_ref(), users)?;
                if connect.keep_alive == 0 {
                    allow_silence(&mut bytes);
                }
                let user = login.map(|login| login.username);
                return Ok(Admitted { client_id: connect.client_id, user, bytes });
            }
            Err(Error::InsufficientBytes(_)) => (),
            Err(Error::InvalidProtocol | Error::InvalidProtocolLevel(_)) => return Err(Refusal::Protocol),
            Ok(_) | Err(_) => return Err(Refusal::NoConnect),
        }
        match client.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Refusal::BrokeOff),
            Ok(_) => (),
        }
    }
}

fn judge(connect: &Connect, login: Option<&Login>, users: Option<&Users>) -> Result<(), Refusal> {
    // The inner broker would break on the second client with such an id.
    if connect.client_id.contains(['+', '#', '$', '/']) || (connect.client_id.is_empty() && !connect.clean_session) {
        return Err(Refusal::ClientId);
    }
    match (users, login) {
        (None, _) => Ok(()),
        (Some(users), Some(login)) if users.admit(&login.username, &login.password) => Ok(()),
        (Some(_), _) => Err(Refusal::Credentials),
    }
}

/// Writes the longest keep-alive in the place of none, which the inner broker would refuse without a word.
fn allow_silence(bytes: &mut BytesMut) {
    let length_bytes = bytes.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let keep_alive = 1 + length_bytes + KEEP_ALIVE_FROM_VARIABLE_HEADER;
    if let Some(place) = bytes.get_mut(keep_alive..keep_alive + 2) {
        place.copy_from_slice(&u16::MAX.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A CONNECT of level 4 with clean session, keep-alive 0 and, where given, user and password.
    fn connect_packet(level: u8, client_id: &str, login: Option<(&str, &str)>) -> Vec<u8> {
        let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
        let flags = if login.is_some() { 0xC2 } else { 0x02 };
        let mut body = [text("MQTT"), vec![level, flags, 0, 0], text(client_id)].concat();
        if let Some((user, password)) = login {
            body.extend([text(user), text(password)].concat());
        }
        [vec![0x10, u8::try_from(body.len()).unwrap()], body].concat()
    }

    async fn judged(packet: &[u8], users: Option<&Users>) -> Result<Admitted, Refusal> {
        admit(&mut &packet[..], users).await
    }

    #[tokio::test]
    async fn client_with_its_password_is_admitted_with_all_that_it_sent() {
        let users: Users = [("edge", "secret")].into_iter().collect();
        let mut sent = connect_packet(4, "lindong.rtu-01", Some(("edge", "secret")));
        sent.extend([0xC0, 0]);
        let admitted = judged(&sent, Some(&users)).await.unwrap();
        assert_eq!((admitted.client_id.as_str(), admitted.user.as_deref()), ("lindong.rtu-01", Some("edge")));
        assert_eq!(admitted.bytes.len(), sent.len());
        assert_eq!(admitted.bytes[10..12], [0xFF, 0xFF], "keep-alive is allowed to be long");
    }

    #[tokio::test]
    async fn others_are_refused_with_the_reason() {
        let users: Users = [("edge", "secret")].into_iter().collect();
        for (packet, refusal) in [
            (connect_packet(4, "a", None), Refusal::Credentials),
            (connect_packet(4, "a", Some(("edge", "wrong"))), Refusal::Credentials),
            (connect_packet(4, "a/b", Some(("edge", "secret"))), Refusal::ClientId),
            (connect_packet(5, "a", Some(("edge", "secret"))), Refusal::Protocol),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), Refusal::NoConnect),
            (vec![0x10, 0x20], Refusal::BrokeOff),
            (vec![0xC0, 0], Refusal::NoConnect),
            (vec![0x10, 0xFF, 0xFF, 0xFF, 0x7F], Refusal::NoConnect),
        ] {
            assert_eq!(judged(&packet, Some(&users)).await.unwrap_err(), refusal, "{packet:x?}");
        }
    }
}
