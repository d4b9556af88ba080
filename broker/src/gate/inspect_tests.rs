use super::*;
use crate::gate::packet::Connect;
use crate::rights::Rights;

pub(super) const OWN: &str = "tankline/v1/lindong/rtu-01/readings";
pub(super) const OTHER: &str = "tankline/v1/lindong/rtu-02/readings";
pub(super) const COMMITTED: &str = "tankline/v1/lindong/rtu-01/committed";
const CENTRE: &str = "tankline/v1/lindong/centre/state";

pub(super) fn granted() -> Arc<Granted> {
    Arc::new(Rights::default().of(Some("lindong.rtu-01"), "lindong.rtu-01").unwrap())
}

fn inspector() -> Inspector {
    inspector_of(&granted())
}

pub(super) fn inspector_of(granted: &Arc<Granted>) -> Inspector {
    Inspector::new("client", Arc::clone(granted), names(100), names(100), 1000, 3)
}

fn names(limit: usize) -> Arc<Names> {
    Arc::new(Names::new("names", limit, limit))
}

pub(super) fn publish(topic: &str, qos: u8, payload: &[u8]) -> Vec<u8> {
    let id: &[u8] = if qos > 0 { &[0, 9] } else { &[] };
    let length = u16::try_from(topic.len()).unwrap().to_be_bytes();
    let body = [&length[..], topic.as_bytes(), id, payload].concat();
    let mut packet = vec![0x30 | (qos << 1)];
    if body.len() > 127 {
        packet.push(u8::try_from(body.len() % 128).unwrap() | 0x80);
    }
    packet.push(u8::try_from(if body.len() > 127 { body.len() / 128 } else { body.len() }).unwrap());
    packet.extend(body);
    packet
}

/// Sends packets in pieces of one size, as the shell does; gives what came through.
fn through(inspector: &mut Inspector, sent: &[u8], piece: usize) -> Result<Vec<u8>, Malformed> {
    let (mut buffer, mut passed) = (Vec::new(), Vec::new());
    for piece in sent.chunks(piece) {
        buffer.extend_from_slice(piece);
        let mut at = 0;
        loop {
            match inspector.inspect(&buffer[at..])? {
                Step::Pass(count) => {
                    passed.extend_from_slice(&buffer[at..at + count]);
                    at += count;
                }
                Step::Drop(count) => at += count,
                Step::Replace(count, instead) => {
                    passed.extend(instead);
                    at += count;
                }
                Step::More => break,
            }
        }
        buffer.drain(..at);
    }
    Ok(passed)
}

#[test]
fn own_messages_pass_and_others_go_nowhere_however_they_are_cut() {
    let sent = [
        publish(OWN, 1, &[7; 300]),
        publish(OTHER, 1, &[8; 300]),
        publish(OTHER, 0, &[9; 300]),
        publish(OTHER, 2, b""),
        vec![0xC0, 0],
        publish(OWN, 0, b"x"),
    ];
    let expected = [
        sent[0].clone(),
        refused_publish(1, Some(9)).unwrap(),
        refused_publish(2, Some(9)).unwrap(),
        sent[4].clone(),
        sent[5].clone(),
    ];
    for piece in [1, 2, 3, 7, 100, 10_000] {
        let mut inspector = inspector();
        assert_eq!(through(&mut inspector, &sent.concat(), piece).unwrap(), expected.concat(), "pieces of {piece}");
        let tally = inspector.take_tally();
        assert_eq!((tally.packets, tally.messages, tally.refused_messages), (6, 5, 3));
        assert_eq!(tally.first, Some(Refused::Publish(OTHER.to_owned())));
        assert!(!inspector.is_inside());
    }
}

#[test]
fn packet_has_ended_with_its_last_byte_and_not_before() {
    let mut inspector = inspector();
    let sent = [publish(OWN, 1, b"payload"), publish(OTHER, 1, b"payload"), vec![0xC0, 0], vec![0x40, 2, 0, 1]];
    for packet in &sent {
        for byte in 1..packet.len() {
            through(&mut inspector, &packet[..byte], packet.len()).unwrap();
            assert!(!inspector.take_has_ended_one(), "{byte} of {packet:x?}");
            inspector.rest = None;
        }
        through(&mut inspector, packet, 7).unwrap();
        assert!(inspector.take_has_ended_one() && !inspector.take_has_ended_one(), "{packet:x?}");
    }
}

#[test]
fn topic_that_follows_a_right_one_is_judged_for_itself() {
    let mut inspector = inspector();
    let longer = format!("{OWN}/more");
    let sent = [publish(OWN, 0, b"1"), publish(&longer, 0, b"2"), publish(&OWN[..OWN.len() - 1], 0, b"3")];
    assert_eq!(through(&mut inspector, &sent.concat(), 1000).unwrap(), sent[0]);
}

#[test]
fn subscriptions_pass_whole_in_part_or_not_at_all() {
    let mut inspector = inspector();
    let own = subscribe_packet(1, &[(COMMITTED, 1), (CENTRE, 1)]);
    assert_eq!(through(&mut inspector, &own, 5).unwrap(), own);
    assert_eq!(inspector.take_answers(), []);

    let mixed = subscribe_packet(2, &[("#", 0), (CENTRE, 1)]);
    assert_eq!(through(&mut inspector, &mixed, 5).unwrap(), subscribe_packet(2, &[(CENTRE, 1)]));
    assert_eq!(inspector.take_answers(), [Answer::WithRefusals { packet_id: 2, allowed: vec![false, true] }]);

    let others = subscribe_packet(3, &[("#", 0), ("$share/g/a", 1), (OTHER, 1)]);
    assert_eq!(through(&mut inspector, &others, 1000).unwrap(), b"");
    assert_eq!(inspector.take_answers(), [Answer::Now(suback(3, &[0x80; 3]))]);
    assert_eq!(inspector.take_tally().refused_filters, 4);
}

#[test]
fn subscriptions_end_with_the_limit_of_one_client_and_of_all() {
    let viewer = Rights::default().of(Some("viewer"), "viewer").unwrap();
    let filters = Arc::new(Names::new("filters", 5, 10));
    let viewer = || Inspector::new("client", Arc::new(viewer.clone()), filters.clone(), names(10), 1000, 3);
    let ask = |inspector: &mut Inspector, names: &[&str]| {
        let filters: Vec<_> = names.iter().map(|name| format!("tankline/v1/{name}")).collect();
        let filters: Vec<_> = filters.iter().map(|filter| (filter.as_str(), 0)).collect();
        through(inspector, &subscribe_packet(1, &filters), 1000).unwrap();
        inspector.take_tally().refused_filters
    };
    let mut first = viewer();
    assert_eq!(ask(&mut first, &["a", "b", "c", "d", "a"]), 1, "three of one client");
    through(&mut first, &unsubscribe_packet(2, "tankline/v1/a"), 1000).unwrap();
    assert_eq!(ask(&mut first, &["d"]), 0, "one has become free");
    assert_eq!(ask(&mut viewer(), &["e", "a"]), 1, "four of all");
}

#[test]
fn topics_end_with_the_limit_and_those_that_rights_say_do_not() {
    let anyone = Rights::default().of(None, "mqttx").unwrap();
    let topics = names(4);
    let mut inspector = Inspector::new("mqttx", Arc::new(anyone), names(1), Arc::clone(&topics), 1000, 3);
    let sent = ["a", "b", "c", "d", "a"].map(|topic| publish(topic, 0, b"x"));
    let expected = [&sent[0], &sent[1], &sent[2], &sent[4]].map(Clone::clone);
    assert_eq!(through(&mut inspector, &sent.concat(), 1000).unwrap(), expected.concat());
    assert_eq!(inspector.take_tally().refused_messages, 1);
    let mut edge = Inspector::new("edge", granted(), names(1), topics, 1000, 3);
    let sent = publish(OWN, 0, b"x");
    assert_eq!(through(&mut edge, &sent, 1000).unwrap(), sent);
}

#[test]
fn end_of_a_subscription_that_never_was_is_acknowledged() {
    let mut inspector = inspector();
    assert_eq!(through(&mut inspector, &unsubscribe_packet(4, COMMITTED), 1000).unwrap(), b"");
    assert_eq!(inspector.take_answers(), [Answer::Now(unsuback(4))]);
    through(&mut inspector, &subscribe_packet(1, &[(COMMITTED, 1), (CENTRE, 1)]), 1000).unwrap();
    let body = [&[0, 5, 0, 36][..], COMMITTED.as_bytes(), &[0, 32], CENTRE.as_bytes(), &[0, 1, b'x']].concat();
    let both = [&[0xA2, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let expected = [unsubscribe_packet(5, COMMITTED), unsubscribe_packet(5, CENTRE)].concat();
    assert_eq!(through(&mut inspector, &both, 1000).unwrap(), expected);
    assert_eq!(inspector.take_answers(), [Answer::OnceFor { packet_id: 5, count: 2 }]);
}

#[test]
fn what_no_client_may_send_ends_the_connection() {
    let connect =
        Connect { client_id: "a".to_owned(), is_clean: true, keep_alive_s: 0, will: None, login: None }.packet();
    let long_subscribe = [&[0x82, 0xFF, 0x7F][..], &[0; 100]].concat();
    let mut inspector_of_large = Inspector::new("client", Arc::default(), names(1), names(1), 100_000, 1);
    assert_eq!(inspector_of_large.inspect(&long_subscribe), Err(Malformed::TooLarge));
    for (packet, wrong) in [
        (&connect[..], Malformed::SecondConnect),
        (b"\xC0\x01x", Malformed::WrongSize),
        (b"\xE0\x01x", Malformed::WrongSize),
        (b"\x40\x03\0\x01x", Malformed::WrongSize),
        (b"\x40\x02\0\0", Malformed::PacketId),
        (b"\x30\xE9\x07", Malformed::TooLarge),
        (b"\x20\x02\0\0", Malformed::Kind),
        (b"\x32\x05\0\x01\xC3\0\x01", Malformed::Topic),
    ] {
        assert_eq!(inspector().inspect(packet), Err(wrong), "{packet:x?}");
    }
}
