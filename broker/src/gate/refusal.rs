//! Why a client may not come in.

use super::handshake::TlsFault;

/// Why a client may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it does not speak MQTT 3.1.1")]
    Protocol,
    #[error("its client id is empty without a clean session, longer than 256 bytes, or holds one of + # $ /")]
    ClientId,
    #[error("it comes under a client id that is not its own")]
    Stranger,
    #[error("its last will goes to a topic that is not its own")]
    Will,
    #[error("it stands on the deny list")]
    Denied,
    #[error(transparent)]
    Tls(TlsFault),
    #[error("its certificate names no edge, not the centre, and nobody of the rights file")]
    Nobody,
    #[error("its certificate has ended, was revoked, or is of an authority that is trusted no more")]
    Certificate,
    #[error("the broker cannot take it in now")]
    Unavailable,
    #[error("wrong user or password")]
    Credentials,
    #[error("it did not begin with a CONNECT")]
    NoConnect,
    #[error("it sent no CONNECT in time")]
    Late,
    #[error("it begins encryption, and there is none here")]
    Encrypted,
    #[error("it broke off")]
    BrokeOff,
    #[error("it came and left without a byte")]
    Probe,
}

impl Refusal {
    /// Gives the packet that says so: CONNACK with the return code of MQTT 3.1.1, 3.2.2.3.
    pub(crate) const fn connack(self) -> [u8; 4] {
        let code = match self {
            Self::Protocol => 1,
            Self::ClientId | Self::Stranger => 2,
            Self::Unavailable
            | Self::NoConnect
            | Self::Late
            | Self::BrokeOff
            | Self::Tls(_)
            | Self::Encrypted
            | Self::Probe => 3,
            Self::Credentials => 4,
            Self::Will | Self::Denied | Self::Nobody | Self::Certificate => 5,
        };
        [0x20, 2, 0, code]
    }

    /// Tells whether there is a client that would understand the answer.
    pub(crate) const fn is_worth_an_answer(self) -> bool {
        !matches!(self, Self::NoConnect | Self::Late | Self::BrokeOff | Self::Tls(_) | Self::Encrypted | Self::Probe)
    }

    /// Gives the word for it in the metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::ClientId | Self::Stranger => "client_id",
            Self::Will => "will",
            Self::Unavailable => "unavailable",
            Self::Credentials => "credentials",
            Self::NoConnect | Self::BrokeOff | Self::Encrypted => "no_connect",
            Self::Late => "late",
            Self::Denied => "denied",
            Self::Tls(_) => "tls",
            Self::Probe => "probe",
            Self::Nobody => "nobody",
            Self::Certificate => "certificate",
        }
    }
}
