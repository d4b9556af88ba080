//! An identity reaches its own topics and nothing else, whichever broker is there.

use std::collections::BTreeSet;

use rustix::process::Signal;

use crate::support::{CENTRE, Folder, Onlooker, Process, Secured, SecuredKind, Station, VIEWER, name_of, ours};

const EDGE: &str = "bench.rtu-01";
const OTHER: &str = "bench.rtu-02";

/// Whether it gets through.
const THROUGH: bool = true;
const REFUSED: bool = false;

/// What is published, by whom, below `tankline/v1`.
const PUBLISHED: [(&str, &str, bool); 20] = [
    (EDGE, "bench/rtu-01/readings", THROUGH),
    (EDGE, "bench/rtu-01/state", THROUGH),
    (EDGE, "bench/rtu-01/health", THROUGH),
    (EDGE, "bench/rtu-01/committed", REFUSED),
    (EDGE, "bench/rtu-01/readings/more", REFUSED),
    (EDGE, "bench/rtu-01", REFUSED),
    (EDGE, "bench/rtu-02/readings", REFUSED),
    (EDGE, "bench/rtu-02/state", REFUSED),
    (EDGE, "other/rtu-01/readings", REFUSED),
    (EDGE, "bench/centre/state", REFUSED),
    (EDGE, "bench/alarms/T-01/level-hh", REFUSED),
    (CENTRE, "bench/rtu-01/committed", THROUGH),
    (CENTRE, "bench/centre/state", THROUGH),
    (CENTRE, "bench/alarms/T-01/level-hh", THROUGH),
    (CENTRE, "bench/rtu-01/readings", REFUSED),
    (CENTRE, "bench/rtu-01/state", REFUSED),
    (CENTRE, "bench/rtu-01/health", REFUSED),
    (VIEWER, "bench/rtu-01/readings", REFUSED),
    (VIEWER, "bench/alarms/T-01/level-hh", REFUSED),
    (VIEWER, "bench/centre/state", REFUSED),
];

/// What is asked for by everybody: each topic by its name, since some brokers compare filters, and by wildcards.
const ASKED: [&str; 20] = [
    "#",
    "+/#",
    "tankline/v1/#",
    "tankline/v1/+/+/readings",
    "tankline/v1/+/+/state",
    "tankline/v1/+/+/health",
    "tankline/v1/+/+/committed",
    "tankline/v1/+/alarms/+/+",
    "tankline/v1/bench/+/readings",
    "tankline/v1/bench/rtu-01/+",
    "tankline/v1/bench/rtu-01/committed",
    "tankline/v1/bench/rtu-02/committed",
    "tankline/v1/bench/rtu-02/readings",
    "tankline/v1/bench/rtu-02/state",
    "tankline/v1/bench/rtu-02/health",
    "tankline/v1/bench/alarms/T-01/level-hh",
    "tankline/v1/bench/centre/state",
    "tankline/v1/other/centre/state",
    "$SYS/#",
    "$MQTT/sub/+",
];

/// What is said then, by those who may, and who of edge, centre and viewer may hear it.
const SAID: [(&str, &str, [bool; 3]); 8] = [
    (OTHER, "bench/rtu-02/readings", [REFUSED, THROUGH, THROUGH]),
    (OTHER, "bench/rtu-02/state", [REFUSED, THROUGH, THROUGH]),
    (OTHER, "bench/rtu-02/health", [REFUSED, THROUGH, THROUGH]),
    (CENTRE, "bench/rtu-02/committed", [REFUSED, REFUSED, THROUGH]),
    (CENTRE, "bench/alarms/T-01/level-hh", [REFUSED, THROUGH, THROUGH]),
    (CENTRE, "other/centre/state", [REFUSED, THROUGH, THROUGH]),
    (CENTRE, "bench/rtu-01/committed", [THROUGH, REFUSED, THROUGH]),
    // What all may hear comes last, so that what came before has come when this has.
    (CENTRE, "bench/centre/state", [THROUGH, THROUGH, THROUGH]),
];

#[test]
#[ignore = "needs the clients of mosquitto"]
fn gate_keeps_the_rights() {
    Place::new(SecuredKind::Own).keeps_the_rights();
}

#[test]
#[ignore = "needs mosquitto and its clients"]
fn mosquitto_keeps_the_rights() {
    let place = Place::new(SecuredKind::Mosquitto);
    place.keeps_the_rights();
    place.keeps_out_who_was_revoked();
}

#[test]
#[ignore = "needs nats-server and the clients of mosquitto"]
fn nats_keeps_the_rights() {
    let place = Place::new(SecuredKind::Nats);
    place.keeps_the_rights();
    place.keeps_out_who_was_revoked();
}

#[cfg(feature = "rmqtt-node")]
#[test]
#[ignore = "needs a node of deploy/rmqtt, named by TANKLINE_RMQTT_NODE, and the clients of mosquitto"]
fn rmqtt_keeps_the_rights() {
    Place::new(SecuredKind::Rmqtt).keeps_the_rights();
}

/// A broker with people who try things.
struct Place {
    broker: Process,
    secured: Secured,
    folder: Folder,
}

impl Place {
    fn new(kind: SecuredKind) -> Self {
        let folder = Folder::new();
        drop(Station::start(&folder, ""));
        let secured = Secured::prepare(&folder, kind);
        let broker = secured.start(&folder);
        let place = Self { broker, secured, folder };
        // mosquitto_pub gives up at once while nobody listens.
        crate::support::wait_until("the broker takes messages", crate::support::DEADLINE, || {
            place.publish(CENTRE, "bench/centre/state", "is there") && place.publish(OTHER, "bench/rtu-02/health", "x")
        });
        place
    }

    fn keeps_the_rights(&self) {
        self.publishing();
        self.subscribing();
        self.last_wills();
        self.names();
    }

    fn publishing(&self) {
        let viewer = Onlooker::viewer(&self.folder, &self.secured, "viewer");
        let through = |(number, (_, topic, through)): (usize, &(&str, &str, bool))| {
            through.then(|| (full(topic), format!("attempt {number}")))
        };
        let expected: BTreeSet<_> = PUBLISHED.iter().enumerate().filter_map(through).collect();
        for (number, (name, topic, _)) in PUBLISHED.iter().enumerate() {
            self.publish(name, topic, &format!("attempt {number}"));
        }
        self.publish(OTHER, "bench/rtu-02/state", "the end");
        viewer.wait_to_hear(&self.folder, 0, &full("bench/rtu-02/state"), "the end");
        let attempts = |onlooker: &Onlooker| -> BTreeSet<_> {
            let heard = onlooker.heard(&self.folder).into_iter().map(|heard| (heard.topic, heard.payload));
            heard.filter(|(_, payload)| payload.starts_with("attempt")).collect()
        };
        assert_eq!(attempts(&viewer), expected, "{:?}", self.secured.kind);

        // All of it was to be retained: nothing that was refused is, and what is taken away is gone.
        self.retract(CENTRE, "bench/alarms/T-01/level-hh");
        let late = Onlooker::viewer(&self.folder, &self.secured, "late-viewer");
        late.wait_to_hear(&self.folder, 0, &full("bench/rtu-02/state"), "the end");
        late.wait_to_hear(&self.folder, 0, &full("bench/rtu-01/health"), "attempt 2");
        let kept = attempts(&late);
        assert!(kept.is_subset(&expected), "{:?}: {kept:#?}", self.secured.kind);
        assert!(!kept.iter().any(|(topic, _)| topic.contains("alarms")), "{kept:#?}");
    }

    fn subscribing(&self) {
        let people = [(EDGE, EDGE), (CENTRE, "listening-centre"), (VIEWER, "listening-viewer")];
        let filters: Vec<_> = ASKED.iter().flat_map(|filter| ["-t", filter]).collect();
        let listen = |(name, id): (&str, &str)| Onlooker::start(&self.folder, &self.secured, name, id, &filters);
        let listeners = people.map(listen);
        for (name, topic, _) in SAID {
            assert!(self.publish(name, topic, "said"), "{name} {topic}");
        }
        let (_, last, _) = SAID[SAID.len() - 1];
        for (place, listener) in listeners.iter().enumerate() {
            listener.wait_to_hear(&self.folder, 0, &full(last), "said");
            let heard = listener.heard(&self.folder).into_iter().filter(|heard| heard.payload == "said");
            let heard: BTreeSet<_> = heard.map(|heard| heard.topic).collect();
            let expected: BTreeSet<_> =
                SAID.iter().filter(|(_, _, who)| who[place]).map(|(_, topic, _)| full(topic)).collect();
            assert_eq!(heard, expected, "{:?}, {}", self.secured.kind, people[place].0);
        }
    }

    fn last_wills(&self) {
        let viewer = Onlooker::viewer(&self.folder, &self.secured, "heir");
        // One's own comes last, so that what came before has come when this has.
        for topic in ["bench/rtu-02/state", "bench/alarms/T-01/level-hh", "bench/rtu-01/state"] {
            let will =
                ["--will-topic", &full(topic), "--will-payload", "dead", "--will-retain", "-t", &full(COMMITTED)];
            let mut dying = Onlooker::start(&self.folder, &self.secured, EDGE, EDGE, &will);
            if dying.process.is_running() {
                dying.process.kill();
            }
        }
        viewer.wait_to_hear(&self.folder, 0, &full("bench/rtu-01/state"), "dead");
        let dead = viewer.heard(&self.folder).into_iter().filter(|heard| heard.payload == "dead");
        let dead: Vec<_> = dead.map(|heard| heard.topic).collect();
        assert_eq!(dead, [full("bench/rtu-01/state")], "{:?}", self.secured.kind);
    }

    /// Under another's client id nobody gets the other's topics; at most he pushes it out.
    fn names(&self) {
        let other =
            Onlooker::start(&self.folder, &self.secured, OTHER, OTHER, &["-t", &full("bench/rtu-02/committed")]);
        let viewer = Onlooker::viewer(&self.folder, &self.secured, "witness");
        let mut thief = self.secured.client(&self.folder, "mosquitto_pub", EDGE, OTHER);
        thief.args(["-t", &full("bench/rtu-02/readings"), "-m", "stolen"]).output().unwrap();
        self.publish(EDGE, "bench/rtu-01/health", "after the theft");
        viewer.wait_to_hear(&self.folder, 0, &full("bench/rtu-01/health"), "after the theft");
        assert!(!viewer.heard(&self.folder).iter().any(|heard| heard.payload == "stolen"));
        self.publish(CENTRE, "bench/rtu-02/committed", "still there");
        // NATS lets anybody push out anybody; mosquitto's client comes back by itself.
        if self.secured.kind != SecuredKind::Nats {
            other.wait_to_hear(&self.folder, 0, &full("bench/rtu-02/committed"), "still there");
            assert_eq!(self.folder.log(OTHER).matches("received CONNACK").count(), 1, "it was pushed out");
        }
    }

    /// Revokes as the broker's README says; both read their files again when they are told to.
    fn keeps_out_who_was_revoked(self) {
        if self.secured.kind == SecuredKind::Nats {
            let users = std::fs::read_to_string(self.folder.join("users.conf")).unwrap();
            let others = users.split_inclusive("  } }\n").filter(|user| !user.contains(&format!("\"{OTHER}\"")));
            self.folder.write("users.conf", &others.collect::<String>());
        } else {
            ours(&self.folder, &["ca", "revoke", OTHER]);
        }
        self.broker.signal(Signal::HUP);
        crate::support::wait_until("who was revoked is refused", crate::support::DEADLINE, || {
            !self.publish(OTHER, "bench/rtu-02/health", "still here")
        });
        assert!(self.publish(EDGE, "bench/rtu-01/health", "here"), "others stay");
    }

    /// Publishes something that is to be retained; tells whether the broker took it, for what that is worth.
    fn publish(&self, name: &str, topic: &str, payload: &str) -> bool {
        // An edge may come under its own client id alone.
        let client_id = if name.contains('.') { name.to_owned() } else { format!("{name}-says") };
        let mut command = self.secured.client(&self.folder, "mosquitto_pub", name, &client_id);
        let output =
            command.args(["-r", "-t", &full(topic), "-m", payload]).output().expect("mosquitto_pub is installed");
        output.status.success()
    }

    fn retract(&self, name: &str, topic: &str) {
        let mut command = self.secured.client(&self.folder, "mosquitto_pub", name, "retracting");
        assert!(command.args(["-r", "-n", "-t", &full(topic)]).status().unwrap().success());
    }
}

const COMMITTED: &str = "bench/rtu-01/committed";

fn full(topic: &str) -> String {
    format!("tankline/v1/{topic}")
}

#[test]
fn people_are_called_as_their_edges_are() {
    assert_eq!([EDGE, OTHER], ["rtu-01", "rtu-02"].map(name_of));
}
