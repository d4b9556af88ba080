//! Why a connection failed or ended, in words that a person can act on.
//!
//! The same cause gives the same words each time: no ports of our own, no times of day.

use std::io::{self, ErrorKind};

use rumqttc::{ConnectReturnCode, ConnectionError, MqttOptions, StateError, TlsError, Transport, mqttbytes};

use super::distrust;

/// When it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the connection stood.
    Login,
    /// Afterwards.
    Session,
}

/// Says why in words.
pub(super) fn of(error: &ConnectionError, moment: Moment, options: &MqttOptions) -> String {
    let (host, port) = options.broker_address();
    match error {
        ConnectionError::Io(error) => of_io(error, moment, options),
        ConnectionError::Tls(TlsError::Io(error)) => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                format!("{host} closed the connection instead of encrypting it; does port {port} speak TLS?")
            }
            _ => of_io(error, moment, options),
        },
        ConnectionError::Tls(error) => format!("the connection to {host} cannot be encrypted: {error}"),
        ConnectionError::ConnectionRefused(code) => of_refusal(*code, options),
        ConnectionError::NetworkTimeout => format!(
            "no answer on port {port} of {host} in time; is a broker there, and does every firewall let this through?"
        ),
        ConnectionError::FlushTimeout => "the broker takes nothing more".to_owned(),
        ConnectionError::NotConnAck(_) => no_mqtt(options),
        ConnectionError::MqttState(error) => of_state(error, moment, options),
        other => other.to_string(),
    }
}

fn of_io(error: &io::Error, moment: Moment, options: &MqttOptions) -> String {
    let (host, port) = options.broker_address();
    if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        return distrust::of(error, &host, port);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => format!("connection refused: nothing listens on port {port} of {host}"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => format!("no way to {host}: {error}"),
        ErrorKind::TimedOut => format!("{host} does not answer any more: {error}"),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "the broker broke the connection off".to_owned(),
        ErrorKind::UnexpectedEof => closed(moment, options),
        _ if error.to_string().contains("lookup") => {
            format!(
                "the name {host} cannot be resolved: {error}; check the host in the url, and the DNS of this machine"
            )
        }
        _ => error.to_string(),
    }
}

fn of_refusal(code: ConnectReturnCode, options: &MqttOptions) -> String {
    match code {
        ConnectReturnCode::BadUserNamePassword => {
            "the broker refused the user or password; check user and password_file".to_owned()
        }
        ConnectReturnCode::NotAuthorized => {
            "the broker does not authorise this client; check its user, password and client id there".to_owned()
        }
        ConnectReturnCode::BadClientId => format!("the broker refused the client id {:?}", options.client_id()),
        ConnectReturnCode::ServiceUnavailable => "the broker says that it is unavailable".to_owned(),
        ConnectReturnCode::RefusedProtocolVersion => "the broker does not speak MQTT 3.1.1".to_owned(),
        ConnectReturnCode::Success => "the broker contradicts itself".to_owned(),
    }
}

fn of_state(error: &StateError, moment: Moment, options: &MqttOptions) -> String {
    match error {
        StateError::ConnectionAborted => closed(moment, options),
        StateError::AwaitPingResp => "the broker does not answer".to_owned(),
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => {
            of_io(error, moment, options)
        }
        StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded(size)) if moment == Moment::Session => {
            format!("a packet of {size} bytes is larger than the {} allowed", options.max_packet_size())
        }
        StateError::Deserialization(mqttbytes::Error::OutgoingPacketTooLarge { pkt_size, max }) => {
            format!("a message of {pkt_size} bytes is larger than the {max} allowed")
        }
        StateError::Deserialization(_) if moment == Moment::Login => no_mqtt(options),
        other => other.to_string(),
    }
}

fn closed(moment: Moment, options: &MqttOptions) -> String {
    match moment {
        Moment::Login => {
            let encryption = if is_plain(options) { ", or want encryption (mqtts://)" } else { "" };
            format!(
                "the broker closed the connection during the login; some do so when they refuse the user or \
                 password{encryption}"
            )
        }
        Moment::Session => {
            let id = options.client_id();
            format!("the broker closed the connection; it does so, too, when another client with the id {id:?} comes")
        }
    }
}

fn no_mqtt(options: &MqttOptions) -> String {
    let (host, port) = options.broker_address();
    let encryption = if is_plain(options) { "; if it wants encryption, write mqtts://" } else { "" };
    format!("what answers on port {port} of {host} does not speak MQTT 3.1.1 as it should{encryption}")
}

fn is_plain(options: &MqttOptions) -> bool {
    matches!(options.transport(), Transport::Tcp)
}
