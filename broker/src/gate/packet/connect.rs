//! CONNECT: who a client says that it is.

use super::topic::topic;
#[cfg(test)]
use super::{framed, put_text};
use super::{take_text, take_u8, take_u16};

/// MQTT 3.1.1, 3.1.2.2.
const PROTOCOL_LEVEL: u8 = 4;
const PROTOCOL_NAME: &[u8] = b"MQTT";

/// A CONNECT. MQTT 3.1.1, 3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connect {
    pub(crate) client_id: String,
    pub(crate) is_clean: bool,
    /// Seconds; 0 is for ever.
    pub(crate) keep_alive_s: u16,
    pub(crate) will: Option<Will>,
    pub(crate) login: Option<Login>,
}

/// What is published when the client is gone without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) message: Vec<u8>,
    /// Quality of service, 0 to 2.
    pub(crate) qos: u8,
    pub(crate) is_retained: bool,
}

/// A user and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Vec<u8>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A body that is no CONNECT of MQTT 3.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("another protocol or another version of it")]
    Protocol,
    #[error("not a CONNECT as the standard has it")]
    Malformed,
}

impl Connect {
    /// Reads the whole body.
    ///
    /// # Errors
    /// [`ConnectError`] when it is none.
    pub(crate) fn read(mut body: &[u8]) -> Result<Self, ConnectError> {
        let name = take_text(&mut body).ok_or(ConnectError::Malformed)?;
        let level = take_u8(&mut body).ok_or(ConnectError::Malformed)?;
        // Version 3.1 called itself by another name.
        if (name, level) != (PROTOCOL_NAME, PROTOCOL_LEVEL) {
            let is_mqtt = name == PROTOCOL_NAME || name == b"MQIsdp";
            return Err(if is_mqtt { ConnectError::Protocol } else { ConnectError::Malformed });
        }
        Self::read_rest(body).ok_or(ConnectError::Malformed)
    }

    fn read_rest(mut body: &[u8]) -> Option<Self> {
        let flags = take_u8(&mut body)?;
        let has = |bit: u8| flags & bit != 0;
        let will_qos = (flags >> 3) & 3;
        let has_will = has(0x04);
        let (has_user, has_password) = (has(0x80), has(0x40));
        let is_sound =
            !has(0x01) && will_qos < 3 && (has_will || (will_qos == 0 && !has(0x20))) && (has_user || !has_password);
        if !is_sound {
            return None;
        }
        let keep_alive_s = take_u16(&mut body)?;
        let client_id = text(&mut body)?;
        let will = match has_will {
            true => Some(Will {
                topic: topic(take_text(&mut body)?)?.to_owned(),
                message: take_text(&mut body)?.to_vec(),
                qos: will_qos,
                is_retained: has(0x20),
            }),
            false => None,
        };
        let user = if has_user { Some(text(&mut body)?) } else { None };
        let password = if has_password { take_text(&mut body)? } else { b"" };
        let login = user.map(|user| Login { user, password: password.to_vec() });
        body.is_empty().then_some(Self { client_id, is_clean: has(0x02), keep_alive_s, will, login })
    }

    /// Makes the packet.
    #[cfg(test)]
    pub(crate) fn packet(&self) -> Vec<u8> {
        let mut flags = u8::from(self.is_clean) << 1;
        if let Some(will) = &self.will {
            flags |= 0x04 | (will.qos << 3) | (u8::from(will.is_retained) << 5);
        }
        if self.login.is_some() {
            flags |= 0xC0;
        }
        let mut body = Vec::with_capacity(128);
        put_text(&mut body, PROTOCOL_NAME);
        body.extend_from_slice(&[PROTOCOL_LEVEL, flags]);
        body.extend_from_slice(&self.keep_alive_s.to_be_bytes());
        put_text(&mut body, self.client_id.as_bytes());
        if let Some(will) = &self.will {
            put_text(&mut body, will.topic.as_bytes());
            put_text(&mut body, &will.message);
        }
        if let Some(login) = &self.login {
            put_text(&mut body, login.user.as_bytes());
            put_text(&mut body, &login.password);
        }
        framed(0x10, &body)
    }
}

fn text(body: &mut &[u8]) -> Option<String> {
    let bytes = take_text(body)?;
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect() -> Connect {
        Connect {
            client_id: "lindong.rtu-01".to_owned(),
            is_clean: true,
            keep_alive_s: 30,
            will: Some(Will { topic: "a/b".to_owned(), message: b"gone".to_vec(), qos: 1, is_retained: true }),
            login: Some(Login { user: "edge".to_owned(), password: b"secret".to_vec() }),
        }
    }

    #[test]
    fn connect_comes_back_from_its_packet() {
        let plain = Connect { will: None, login: None, is_clean: false, ..connect() };
        for connect in [connect(), plain] {
            assert_eq!(Connect::read(&connect.packet()[2..]), Ok(connect));
        }
    }

    #[test]
    fn body_that_is_cut_off_or_goes_on_is_refused() {
        let packet = connect().packet();
        let body = &packet[2..];
        for end in 0..body.len() {
            assert!(Connect::read(&body[..end]).is_err(), "{end}");
        }
        assert!(Connect::read(&[body, b"x"].concat()).is_err());
    }

    #[test]
    fn other_protocols_are_told_from_nonsense() {
        assert_eq!(Connect::read(b"\0\x04MQTT\x05\x02\0\0\0\0\x01a"), Err(ConnectError::Protocol));
        assert_eq!(Connect::read(b"\0\x06MQIsdp\x03\x02\0\0\0\x01a"), Err(ConnectError::Protocol));
        assert_eq!(Connect::read(b"\0\x04HTTP\x04\x02\0\0\0\x01a"), Err(ConnectError::Malformed));
        // A reserved flag; a will of quality 3; a password without a user; a retained will that is not there.
        for flags in [0x03, 0x1E, 0x42, 0x22] {
            let body = [b"\0\x04MQTT\x04", &[flags][..], b"\0\0\0\x01a\0\x01t\0\x01m\0\x01p"].concat();
            assert_eq!(Connect::read(&body), Err(ConnectError::Malformed), "{flags:x}");
        }
    }

    #[test]
    fn password_is_not_shown() {
        assert!(!format!("{:?}", connect()).contains("secret"));
    }
}
