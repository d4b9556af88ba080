//! Where the broker is.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use tankline_domain::settings::Setting;

/// The address of a broker: `mqtt://host[:port]`, or `mqtts://host[:port]` for an encrypted connection.
///
/// Unless said, the port is 1883, or 8883 when encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    protection: Protection,
    host: String,
    port: u16,
}

/// How a connection is protected on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not at all: `mqtt://`.
    None,
    /// TLS, the broker shown by its certificate: `mqtts://`.
    Tls,
}

/// Why a text is not the address of a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerUrlError {
    /// There is no scheme, or another one.
    #[error("must begin with mqtt:// or mqtts:// and read mqtt://host:port")]
    Scheme,
    /// Credentials stand in the address.
    #[error("must not hold a user or password; they have keys of their own")]
    Credentials,
    /// The host is missing, or something follows the port.
    #[error("must name a host, and nothing after the port: mqtt://host:port")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("must have a port from 1 to 65535 after the colon")]
    Port,
}

impl BrokerUrl {
    /// Makes the address of a broker without encryption from its parts; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// [`BrokerUrlError`] when the host or port cannot be one.
    pub fn new(host: &str, port: u16) -> Result<Self, BrokerUrlError> {
        let plain = |host: &str| !host.is_empty() && !host.contains([':', '[', ']']);
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let sound = bracketed.map_or_else(|| plain(host), |inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
        let clean = !host.contains(|c: char| c.is_whitespace() || "/?#@".contains(c));
        match (sound && clean, port) {
            (false, _) => Err(BrokerUrlError::Host),
            (true, 0) => Err(BrokerUrlError::Port),
            (true, _) => Ok(Self { protection: Protection::None, host: host.to_owned(), port }),
        }
    }

    /// Gives the same address with the connection protected in this way.
    #[must_use]
    pub fn protected(self, protection: Protection) -> Self {
        Self { protection, ..self }
    }

    /// Tells how the connection is protected.
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.protection
    }

    /// Gives the host, an IPv6 address with its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Gives the host, an IPv6 address without brackets.
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Gives the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let protections = [Protection::None, Protection::Tls].into_iter();
        let (protection, rest) = protections
            .filter_map(|protection| Some((protection, text.strip_prefix(protection.scheme())?)))
            .next()
            .ok_or(BrokerUrlError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(BrokerUrlError::Credentials);
        }
        let port_of = |digits: &str| digits.parse().map_err(|_| BrokerUrlError::Port);
        let url = match rest.rsplit_once(':') {
            Some((host, digits)) if !digits.contains(']') => Self::new(host, port_of(digits)?),
            _ => Self::new(rest, protection.default_port()),
        };
        Ok(url?.protected(protection))
    }
}

impl Protection {
    const fn scheme(self) -> &'static str {
        match self {
            Self::None => "mqtt://",
            Self::Tls => "mqtts://",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::None => 1883,
            Self::Tls => 8883,
        }
    }
}

impl From<std::net::SocketAddr> for BrokerUrl {
    fn from(address: std::net::SocketAddr) -> Self {
        let host = if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() };
        Self { protection: Protection::None, host, port: address.port() }
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:{}", self.protection.scheme(), self.host, self.port)
    }
}

impl Setting for BrokerUrl {
    fn read(value: &Value) -> Result<Self, String> {
        String::read(value)?.parse().map_err(|error: BrokerUrlError| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_host_and_port_with_its_default() {
        for (text, whole) in [
            ("mqtt://broker", "mqtt://broker:1883"),
            ("mqtt://broker/", "mqtt://broker:1883"),
            ("mqtt://10.0.0.7:2883", "mqtt://10.0.0.7:2883"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtt://[::1]:1884", "mqtt://[::1]:1884"),
            ("mqtts://broker", "mqtts://broker:8883"),
            ("mqtts://[::1]:1883", "mqtts://[::1]:1883"),
        ] {
            assert_eq!(text.parse::<BrokerUrl>().unwrap().to_string(), whole);
        }
        let local: std::net::SocketAddr = "[::1]:1884".parse().unwrap();
        assert_eq!(BrokerUrl::from(local).to_string(), "mqtt://[::1]:1884");
    }

    #[test]
    fn says_what_is_wrong_with_anything_else() {
        use BrokerUrlError::{Credentials, Host, Port, Scheme};
        for (text, error) in [
            ("ssl://broker", Scheme),
            ("mqtts://:8883", Host),
            ("broker:1883", Scheme),
            ("tcp://broker:1883", Scheme),
            ("mqtt://user:pass@broker", Credentials),
            ("mqtt://", Host),
            ("mqtt://:1883", Host),
            ("mqtt://bro ker", Host),
            ("mqtt://broker/path", Host),
            ("mqtt://::1:1883", Host),
            ("mqtt://broker:", Port),
            ("mqtt://broker:0", Port),
            ("mqtt://broker:65536", Port),
        ] {
            assert_eq!(text.parse::<BrokerUrl>(), Err(error), "{text}");
        }
    }
}
