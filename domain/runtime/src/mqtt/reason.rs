//! Why a connection failed or ended, in words that a person can act on.

use std::io::{self, ErrorKind};

use rumqttc::{ConnectReturnCode, ConnectionError, MqttOptions, StateError, mqttbytes};

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
    match error {
        ConnectionError::Io(error) => of_io(error, options),
        ConnectionError::ConnectionRefused(code) => of_refusal(*code, options),
        ConnectionError::NetworkTimeout => "no answer from the broker in time".to_owned(),
        ConnectionError::FlushTimeout => "the broker takes nothing more".to_owned(),
        ConnectionError::NotConnAck(_) => "what answers there does not speak MQTT 3.1.1 as it should".to_owned(),
        ConnectionError::MqttState(error) => of_state(error, moment, options),
        other => other.to_string(),
    }
}

fn of_io(error: &io::Error, options: &MqttOptions) -> String {
    let (host, port) = options.broker_address();
    match error.kind() {
        ErrorKind::ConnectionRefused => format!("connection refused: nothing listens on port {port} of {host}"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => format!("no way to {host}: {error}"),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "the broker broke the connection off".to_owned(),
        _ if error.to_string().contains("lookup") => format!("the name {host} cannot be resolved: {error}"),
        _ => error.to_string(),
    }
}

fn of_refusal(code: ConnectReturnCode, options: &MqttOptions) -> String {
    match code {
        ConnectReturnCode::BadUserNamePassword => "the broker refused the user or password".to_owned(),
        ConnectReturnCode::NotAuthorized => "the broker does not authorise this client".to_owned(),
        ConnectReturnCode::BadClientId => format!("the broker refused the client id {:?}", options.client_id()),
        ConnectReturnCode::ServiceUnavailable => "the broker says that it is unavailable".to_owned(),
        ConnectReturnCode::RefusedProtocolVersion => "the broker does not speak MQTT 3.1.1".to_owned(),
        ConnectReturnCode::Success => "the broker contradicts itself".to_owned(),
    }
}

fn of_state(error: &StateError, moment: Moment, options: &MqttOptions) -> String {
    match error {
        StateError::ConnectionAborted if moment == Moment::Login => {
            "the broker closed the connection during the login; some do so when they refuse the user or password"
                .to_owned()
        }
        StateError::ConnectionAborted => "the broker closed the connection".to_owned(),
        StateError::AwaitPingResp => "the broker does not answer".to_owned(),
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => of_io(error, options),
        StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded(size)) => {
            format!("a packet of {size} bytes is larger than the {} allowed", options.max_packet_size())
        }
        StateError::Deserialization(mqttbytes::Error::OutgoingPacketTooLarge { pkt_size, max }) => {
            format!("a message of {pkt_size} bytes is larger than the {max} allowed")
        }
        other => other.to_string(),
    }
}
