//! Listens to all that is said over MQTT: alarms, health, who is there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tankline_domain::message::{CentreState, EdgeHealth, Presence};
use tankline_domain::names::{EdgeName, SiteName, TankName};
use tankline_domain::topic::{PREFIX, Topic};
use tankline_runtime::clock;
use tankline_runtime::mqtt::{self, BrokerSettings, SessionEvent, SessionOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Events that wait to be noted.
const EVENTS_WAITING: usize = 1024;

/// The largest message that is heard.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// States of an alarm that do not stand. One that is put aside or spoken for by another does not.
const OVER: [&str; 6] =
    ["normal", "returned-unacknowledged", "latched-unacknowledged", "latched-acknowledged", "shelved", "suppressed"];

/// What was heard, each with the moment.
#[derive(Debug, Default)]
pub struct Heard {
    /// Alarms, and whether they stand.
    pub alarms: Vec<(Instant, TankName, String, bool)>,
    /// Health of edges, in the order in which it came.
    pub healths: Vec<(Instant, EdgeName, EdgeHealth)>,
    /// Whether the centre says that it is there.
    pub centre_is_online: bool,
    /// Whether a connection stands.
    pub is_connected: bool,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Witness {
    heard: Arc<Mutex<Heard>>,
    _tasks: JoinSet<()>,
}

impl Witness {
    /// Begins to listen to a site, also when there is no broker yet.
    #[must_use]
    pub fn start(broker: SocketAddr, site: &SiteName) -> Self {
        let options = SessionOptions {
            broker: BrokerSettings::new(broker.into()),
            // Not of the form of an edge's, which would hear nothing but its own.
            client_id: format!("witness-{}", fastrand::u32(..)),
            subscriptions: vec![format!("{PREFIX}/{site}/#")],
            will: None,
            max_packet_bytes: MAX_PACKET_BYTES,
        };
        let (_publisher, mut events, driver) = mqtt::session(options, EVENTS_WAITING);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (mut tasks, noted) = (JoinSet::new(), heard.clone());
        tasks.spawn(async move {
            let _ = driver.run(CancellationToken::new()).await;
        });
        tasks.spawn(async move {
            while let Some(event) = events.recv().await {
                note(&mut noted.lock().unwrap_or_else(PoisonError::into_inner), event);
            }
        });
        Self { heard, _tasks: tasks }
    }

    /// Looks at what was heard so far.
    pub fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn note(heard: &mut Heard, event: SessionEvent) {
    let (topic, payload) = match event {
        SessionEvent::Connected => {
            heard.is_connected = true;
            return;
        }
        SessionEvent::Disconnected { .. } => {
            (heard.is_connected, heard.centre_is_online) = (false, false);
            return;
        }
        SessionEvent::Message { topic, payload } => (topic, payload),
    };
    match topic.parse::<Topic>() {
        Ok(Topic::CentreState(_)) => {
            let state = serde_json::from_slice::<CentreState>(&payload);
            heard.centre_is_online = state.is_ok_and(|state| state.state == Presence::Online);
        }
        Ok(Topic::Health(_, edge)) => {
            if let Ok(health) = serde_json::from_slice::<EdgeHealth>(&payload) {
                heard.healths.push((clock::now(), edge, health));
            }
        }
        Ok(Topic::Alarm(_, tank, alarm)) => heard.alarms.push((clock::now(), tank, alarm, stands(&payload))),
        _ => {}
    }
}

/// Tells whether an alarm stands: it has a state, and none that is over.
fn stands(payload: &[u8]) -> bool {
    let Ok(Value::Object(alarm)) = serde_json::from_slice::<Value>(payload) else { return false };
    alarm.get("state").and_then(Value::as_str).is_some_and(|state| !OVER.contains(&state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_stands_until_it_is_said_to_be_over() {
        for (payload, expected) in [
            (r#"{"state":"active","priority":1}"#, true),
            (r#"{"state":"unacknowledged"}"#, true),
            (r#"{"state":"normal"}"#, false),
            (r#"{"state":"returned-unacknowledged"}"#, false),
            (r#"{"state":"shelved"}"#, false),
            ("", false),
            ("{}", false),
        ] {
            assert_eq!(stands(payload.as_bytes()), expected, "{payload}");
        }
    }

    #[test]
    fn what_is_said_is_noted() {
        let mut heard = Heard::default();
        let says = |topic: &str, payload: &'static str| SessionEvent::Message {
            topic: topic.to_owned(),
            payload: payload.as_bytes().into(),
        };
        note(&mut heard, SessionEvent::Connected);
        note(&mut heard, says("tankline/v1/s/centre/state", r#"{"state":"online","boot":"1"}"#));
        note(&mut heard, says("tankline/v1/s/alarms/T-01/level-h", r#"{"state":"active"}"#));
        note(
            &mut heard,
            says(
                "tankline/v1/s/rtu-01/health",
                r#"{"at":1,"gauges":[],"journal_depth":0,"gap_readings":0,"clock":"set"}"#,
            ),
        );
        note(&mut heard, says("tankline/v1/s/rtu-01/health", "nonsense"));
        assert!(heard.is_connected && heard.centre_is_online && heard.alarms[0].3);
        assert_eq!(heard.healths.len(), 1);
        note(&mut heard, SessionEvent::Disconnected { reason: "gone".to_owned() });
        assert!(!heard.is_connected && !heard.centre_is_online);
    }
}
