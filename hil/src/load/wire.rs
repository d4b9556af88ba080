//! MQTT 3.1.1 packets as bytes, in as little memory as there is to one edge among thousands.
//!
//! rumqttc's packets are used without its client, which has queues and buffers of its own for each connection.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, LastWill, Packet, PubAck, Publish, Subscribe, SubscribeFilter};
use rumqttc::mqttbytes::{self, QoS};

/// Largest packet that is taken from a broker.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// What came is no MQTT.
#[derive(Debug, thiserror::Error)]
#[error("what the broker sent is no MQTT 3.1.1")]
pub struct NotMqtt(#[from] mqttbytes::Error);

/// Bytes that wait to be written.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: BytesMut,
    last_id: u16,
}

/// Bytes of a packet that has not come whole.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: BytesMut,
}

impl Outbox {
    /// Says who is there, with what is said in its place when it is torn away.
    pub fn connect(
        &mut self,
        client_id: &str,
        keep_alive_s: u16,
        will: (String, Vec<u8>),
        login: Option<(&str, &str)>,
    ) {
        let mut connect = Connect::new(client_id);
        connect.keep_alive = keep_alive_s;
        connect.last_will = Some(LastWill::new(will.0, will.1, QoS::AtLeastOnce, true));
        if let Some((user, password)) = login {
            connect.set_login(user, password);
        }
        self.put(&Packet::Connect(connect));
    }

    /// Subscribes to topics with at least one delivery.
    pub fn subscribe(&mut self, topics: [String; 2]) {
        let filters = topics.map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = self.next_id();
        self.put(&Packet::Subscribe(subscribe));
    }

    /// Publishes with at least one delivery.
    pub fn publish(&mut self, topic: &str, payload: Vec<u8>, retain: bool) {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
        publish.pkid = self.next_id();
        publish.retain = retain;
        self.put(&Packet::Publish(publish));
    }

    /// Acknowledges what was published to us.
    pub fn acknowledge(&mut self, id: u16) {
        self.put(&Packet::PubAck(PubAck::new(id)));
    }

    /// Asks whether the broker is there.
    pub fn ping(&mut self) {
        self.put(&Packet::PingReq);
    }

    /// Takes leave, so that the will stays unsaid.
    pub fn disconnect(&mut self) {
        self.put(&Packet::Disconnect);
    }

    /// Gives what waits.
    pub fn waiting(&self) -> &[u8] {
        &self.bytes
    }

    /// So many bytes were written.
    pub fn written(&mut self, count: usize) {
        let _ = self.bytes.split_to(count);
        if self.bytes.is_empty() {
            // Room for a message is not kept: there are thousands of these.
            self.bytes = BytesMut::new();
        }
    }

    fn put(&mut self, packet: &Packet) {
        packet.write(&mut self.bytes, MAX_PACKET_BYTES).expect("packets of ours are small");
    }

    fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }
}

impl Inbox {
    /// Takes bytes, and gives the packets that are whole.
    ///
    /// # Errors
    /// The bytes are no MQTT; nothing more can be made of this connection.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Packet>, NotMqtt> {
        self.bytes.extend_from_slice(bytes);
        let mut packets = Vec::new();
        loop {
            match Packet::read(&mut self.bytes, MAX_PACKET_BYTES) {
                Ok(packet) => packets.push(packet),
                Err(mqttbytes::Error::InsufficientBytes(_)) => break,
                Err(error) => return Err(error.into()),
            }
        }
        // What is left is kept in no more room than it needs.
        self.bytes = BytesMut::from(&self.bytes[..]);
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_whole_however_they_are_torn() {
        let mut outbox = Outbox::default();
        outbox.connect("load.e-1", 60, ("t/state".to_owned(), b"{}".to_vec()), Some(("user", "secret")));
        outbox.subscribe(["t/committed".to_owned(), "t/centre".to_owned()]);
        outbox.publish("t/readings", b"payload".to_vec(), false);
        outbox.acknowledge(7);
        outbox.ping();
        outbox.disconnect();
        let mut inbox = Inbox::default();
        let packets: Vec<Packet> = outbox.waiting().chunks(3).flat_map(|bytes| inbox.take(bytes).unwrap()).collect();
        assert_eq!(packets.len(), 6);
        assert!(matches!(&packets[0], Packet::Connect(connect) if connect.client_id == "load.e-1"));
        assert!(matches!(&packets[1], Packet::Subscribe(subscribe) if subscribe.pkid == 1));
        assert!(matches!(&packets[2], Packet::Publish(publish) if publish.pkid == 2 && publish.payload == "payload"));
        assert_eq!(packets[5], Packet::Disconnect);
    }

    #[test]
    fn what_is_no_mqtt_is_refused() {
        assert!(Inbox::default().take(b"\xff\xff\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn ids_go_round_and_are_never_0() {
        let mut outbox = Outbox { last_id: u16::MAX, ..Outbox::default() };
        assert_eq!((outbox.next_id(), outbox.next_id()), (1, 2));
    }
}
