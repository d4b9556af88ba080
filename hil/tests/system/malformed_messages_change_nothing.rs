//! Whatever is published beside the edges' own messages is put aside or refused, and changes nothing.

use std::fmt;
use std::time::Duration;

use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};
use tankline_runtime::clock;

use crate::support::{DEADLINE, EDGES, Plan, System, wait_until};

/// A journal that no edge has.
const JOURNAL: &str = "00000000000000aa";

/// A message of a stranger, and a part of the reason for which it is put aside.
struct Malformed {
    topic: String,
    payload: Vec<u8>,
    reason: &'static str,
}

impl Malformed {
    /// Tells whether a letter, of topic, payload and reason, was made of this message or of a reading in it.
    fn is_in(&self, (topic, payload, reason): &(String, Vec<u8>, String)) -> bool {
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        let is_reading = || {
            let (message, letter) = (json(&self.payload)?, json(payload)?);
            let same = |reading: &Value| reading["seq"] == letter["seq"] && reading["tank"] == letter["tank"];
            message["readings"].as_array().map(|readings| readings.iter().any(same))
        };
        let is_of_it = || self.payload.starts_with(payload) || is_reading().unwrap_or(false);
        *topic == self.topic && reason.contains(self.reason) && is_of_it()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(&self.payload[..self.payload.len().min(200)]);
        write!(f, "{start:?} on {} for {:?}", self.topic, self.reason)
    }
}

fn malformed(topic: &str, payload: impl Into<Vec<u8>>, reason: &'static str) -> Malformed {
    Malformed { topic: format!("tankline/v1/bench/{topic}"), payload: payload.into(), reason }
}

/// A message with one reading that is good but for what is different. Its number is its own: what was put aside under a
/// number is not put aside again.
fn reading(seq: u64, different: &[(&str, Value)], reason: &'static str) -> Malformed {
    let mut reading = json!({
        "seq": seq, "tank": "T-01", "at": clock::unix_ms().get(), "level_mm": 5000, "interface_mm": 1000,
        "temperature_c": 20.5, "quality": "good"
    });
    for (key, value) in different {
        reading[key] = value.clone();
    }
    let payload = json!({ "journal": JOURNAL, "readings": [reading] }).to_string();
    malformed("rtu-01/readings", payload, reason)
}

/// Messages that end as dead letters.
fn dead_letters() -> Vec<Malformed> {
    let topic = "rtu-01/readings";
    let now = clock::unix_ms().get();
    let sound = |seq: u64| json!({ "seq": seq, "tank": "T-01", "at": now, "level_mm": 5000, "quality": "good" });
    let too_many: Vec<_> = (1..=501).map(sound).collect();
    vec![
        malformed(topic, "level is high today", "is no readings message"),
        malformed(topic, "", "is no readings message"),
        malformed(topic, [0xFF, 0xFE, 0x00], "is no readings message"),
        malformed(topic, "[".repeat(100_000), "is no readings message"),
        malformed(topic, r#"{"a":"#.repeat(100_000), "is no readings message"),
        malformed(topic, format!(r#"{{"journal":"{JOURNAL}","readings":[]}}"#), "0 readings"),
        malformed(topic, json!({ "journal": JOURNAL, "readings": too_many }).to_string(), "501 readings"),
        malformed(topic, json!({ "journal": "7", "readings": [sound(502)] }).to_string(), "is no readings message"),
        malformed("rtu-02/readings", json!({ "journal": JOURNAL, "readings": [sound(503)] }).to_string(), "belongs to"),
        malformed("rtu-99/readings", json!({ "journal": JOURNAL, "readings": [sound(504)] }).to_string(), "rtu-99"),
        malformed("rtu-01/state", "tired", "is no state"),
        malformed("rtu-01/health", r#"{"at":"now"}"#, "is no health"),
        reading(601, &[("tank", json!("T-99"))], "T-99"),
        reading(602, &[("tank", json!("T 01'; DROP TABLE reading; --"))], "is no reading"),
        reading(603, &[("level_mm", json!(1e308))], "level_mm"),
        reading(604, &[("level_mm", json!(-5000))], "level_mm"),
        reading(605, &[("level_mm", json!("9641"))], "is no reading"),
        reading(606, &[("interface_mm", json!(65_535))], "interface_mm"),
        reading(607, &[("temperature_c", json!(3276.7))], "temperature_c"),
        reading(608, &[("seq", json!(-1))], "is no reading"),
        reading(609, &[("seq", json!(0))], "seq 0"),
        reading(610, &[("seq", json!(u64::MAX))], "seq 18446744073709551615"),
        reading(611, &[("at", json!(0))], "before 2020"),
        reading(612, &[("at", json!(now + 400 * 86_400_000))], "ahead"),
        reading(613, &[("quality", json!("splendid"))], "is no reading"),
        reading(614, &[("quality", json!("bad:no-reply"))], "bad"),
        reading(615, &[("level_mm", json!(null))], "level_mm"),
    ]
}

/// Messages that nobody at the centre listens to, and that edges do not believe.
fn unheard() -> Vec<Malformed> {
    vec![
        malformed("rtu-01/committed", "everything", ""),
        malformed("rtu-01/committed", r#"{"journal":"00000000000000aa","ranges":[[9,1]]}"#, ""),
        malformed("rtu-01/committed", r#"{"journal":"00000000000000aa","ranges":[[1,1000000]]}"#, ""),
        malformed("centre/state", "asleep", ""),
        Malformed { topic: "tankline/v1/other/rtu-01/readings".to_owned(), payload: b"{}".to_vec(), reason: "" },
    ]
}

struct Stranger {
    client: Client,
    connection: Connection,
}

impl Stranger {
    fn connect(system: &System, client_id: &str) -> Self {
        let mut options = MqttOptions::new(client_id, "127.0.0.1", system.broker_port);
        options.set_credentials("stranger", "secret").set_max_packet_size(64 << 20, 64 << 20);
        let (client, connection) = Client::new(options, 10);
        Self { client, connection }
    }

    /// Publishes, and tells whether the broker took it.
    fn publish(&mut self, topic: &str, payload: &[u8]) -> bool {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).unwrap();
        let until = clock::now() + DEADLINE;
        while clock::now() < until {
            match self.connection.recv_timeout(Duration::from_secs(1)) {
                Ok(Ok(Event::Incoming(Packet::PubAck(_)))) => return true,
                Ok(Err(_)) => return false,
                Ok(Ok(_)) | Err(_) => (),
            }
        }
        panic!("the broker neither took nor refused a message on {topic}");
    }
}

#[test]
fn malformed_messages_are_put_aside_and_readings_go_on() {
    let mut system = System::start(&Plan::default());
    let connected = EDGES.map(|edge| system.folder.log(edge).matches("connected to the broker").count());
    let mut stranger = Stranger::connect(&system, "stranger");
    let (malformed, unheard) = (dead_letters(), unheard());
    for message in malformed.iter().chain(&unheard) {
        assert!(stranger.publish(&message.topic, &message.payload), "{} was refused", message.topic);
    }
    let ten_mb = vec![b' '; 10_000_000];
    let mut coarse = Stranger::connect(&system, "coarse-stranger");
    assert!(!coarse.publish("tankline/v1/bench/rtu-01/readings", &ten_mb), "the broker took 10 MB");

    for message in &malformed {
        wait_until(&format!("{message} is put aside"), DEADLINE, || {
            system.database.dead_letters().iter().any(|letter| message.is_in(letter))
        });
    }
    let letters = system.database.dead_letters();
    assert_eq!(letters.len(), malformed.len(), "nothing else is put aside: {letters:#?}");
    let taken = format!("SELECT seq FROM reading WHERE journal = '{JOURNAL}'");
    let taken: Vec<i64> = system.database.query(&taken, |row| row.get(0));
    assert_eq!(taken, [0; 0], "something malformed is in the history");

    system.wait_until_live();
    for (edge, connected) in EDGES.into_iter().zip(connected) {
        let log = system.folder.log(edge);
        assert_eq!(log.matches("connected to the broker").count(), connected, "{edge} was disconnected:\n{log}");
    }
    system.settle().assert_whole();
}
