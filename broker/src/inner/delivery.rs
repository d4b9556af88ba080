//! Retained messages on their way to one client that has subscribed.
//!
//! Each SUBSCRIBE brings them anew (MQTT 3.1.1, 3.8.4), behind its SUBACK. They are read one by one as the client takes them, so
//! that their number costs no memory, and what is read is what is retained then: a live message of the topic that is still on
//! its way is either the same or followed by the same.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::book::Stage;
use super::retained::{Kept, Retained, Search};

/// Messages on their way before one is acknowledged.
const WINDOW: usize = 100;
/// rumqttd's packet ids are below.
const FIRST_ID: u16 = 0x8000;
/// Bytes of filters whose SUBACK is awaited, with what they take beside their text.
const MAX_ASKED_BYTES: usize = 1024 * 1024;
const ASKED_BYTES: usize = 64;

/// What one client is to get of retained messages.
#[derive(Debug)]
pub(super) struct Delivery {
    /// SUBSCRIBEs that rumqttd has not answered.
    asked: VecDeque<Vec<(String, u8)>>,
    asked_bytes: usize,
    searches: VecDeque<Wanted>,
    under_way: HashMap<u16, Stage>,
    last_id: u16,
}

/// What a filter is to bring.
#[derive(Debug)]
struct Wanted {
    filter: String,
    quality: u8,
    /// As far as it was looked.
    behind: Option<Bytes>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This message.
    Message {
        topic: Bytes,
        payload: Bytes,
        quality: u8,
        /// 0 with quality 0.
        packet_id: u16,
    },
    /// Nothing before the client acknowledges something.
    Full,
    /// More topics are to be looked at, a little later.
    Looking,
    /// Nothing before another SUBSCRIBE.
    Nothing,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            asked: VecDeque::new(),
            asked_bytes: 0,
            searches: VecDeque::new(),
            under_way: HashMap::new(),
            last_id: FIRST_ID,
        }
    }
}

impl Delivery {
    /// Tells whether a packet id is of a retained message.
    pub(super) const fn is_own(packet_id: u16) -> bool {
        packet_id >= FIRST_ID
    }

    /// Notes a SUBSCRIBE on its way to rumqttd; tells whether there was room.
    pub(super) fn ask(&mut self, filters: Vec<(String, u8)>) -> bool {
        self.asked_bytes += bytes(&filters);
        self.asked.push_back(filters);
        self.asked_bytes <= MAX_ASKED_BYTES
    }

    /// Begins with what a SUBSCRIBE brings: rumqttd has answered it. It answers each, in their order.
    pub(super) fn begin(&mut self) {
        let filters = self.asked.pop_front().unwrap_or_default();
        self.asked_bytes = self.asked_bytes.saturating_sub(bytes(&filters));
        for (filter, quality) in filters {
            // One that has not begun brings all to both.
            let same = |wanted: &&mut Wanted| wanted.filter == filter && wanted.behind.is_none();
            match self.searches.iter_mut().find(same) {
                Some(wanted) => wanted.quality = quality,
                None => self.searches.push_back(Wanted { filter, quality, behind: None }),
            }
        }
    }

    /// Ends what a filter was to bring.
    pub(super) fn end(&mut self, filter: &str) {
        self.searches.retain(|wanted| wanted.filter != filter);
        for asked in &mut self.asked {
            asked.retain(|(asked, _)| asked != filter);
        }
        self.asked_bytes = self.asked.iter().map(|asked| bytes(asked)).sum();
    }

    /// Gives what comes next, and counts the topics that it looks at from `looks`.
    pub(super) fn next(&mut self, retained: &Retained, looks: &mut usize) -> Next {
        while let Some(wanted) = self.searches.front_mut() {
            if wanted.quality > 0 && self.under_way.len() >= WINDOW {
                return Next::Full;
            }
            if *looks == 0 {
                return Next::Looking;
            }
            match retained.next(&wanted.filter, wanted.behind.as_ref(), looks) {
                Search::Found(topic, Kept { payload, quality }) => {
                    wanted.behind = Some(topic.clone());
                    let quality = quality.min(wanted.quality);
                    let packet_id = if quality == 0 { 0 } else { self.number(quality) };
                    return Next::Message { topic, payload, quality, packet_id };
                }
                Search::Paused(topic) => wanted.behind = Some(topic),
                Search::Ended => drop(self.searches.pop_front()),
            }
        }
        Next::Nothing
    }

    /// Brings a message on from one stage to the next; tells whether it was there.
    pub(super) fn step(&mut self, packet_id: u16, from: Stage, to: Stage) -> bool {
        match self.under_way.get_mut(&packet_id) {
            Some(stage) if *stage == from => *stage = to,
            _ => return false,
        }
        if to == Stage::Whole {
            self.under_way.remove(&packet_id);
        }
        true
    }

    /// Tells whether a message was recorded by the client and is not complete.
    pub(super) fn is_released(&self, packet_id: u16) -> bool {
        self.under_way.get(&packet_id) == Some(&Stage::Released)
    }

    /// Gives a packet id that no message has, of which there are many more than messages.
    fn number(&mut self, quality: u8) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(FIRST_ID);
            if !self.under_way.contains_key(&self.last_id) {
                self.under_way.insert(self.last_id, Stage::of(quality));
                return self.last_id;
            }
        }
    }
}

fn bytes(filters: &[(String, u8)]) -> usize {
    ASKED_BYTES + filters.iter().map(|(filter, _)| filter.len() + ASKED_BYTES).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inner::book::Message;

    fn retained(count: usize, quality: u8) -> Retained {
        let mut retained = Retained::new(1 << 20);
        for number in 0..count {
            let topic = format!("t/{number:04}").into();
            retained.put(&Message { topic, payload: "x".into(), quality, is_retained: true });
        }
        retained
    }

    fn subscribed(filters: &[(&str, u8)]) -> Delivery {
        let mut delivery = Delivery::default();
        subscribe(&mut delivery, filters);
        delivery
    }

    fn subscribe(delivery: &mut Delivery, filters: &[(&str, u8)]) {
        assert!(delivery.ask(filters.iter().map(|(filter, quality)| ((*filter).to_owned(), *quality)).collect()));
        delivery.begin();
    }

    /// Takes all that comes before something else is to happen; gives packet ids and qualities, and what is waited for.
    fn take(delivery: &mut Delivery, retained: &Retained) -> (Vec<(u16, u8)>, Next) {
        let (mut taken, mut looks) = (Vec::new(), 1000);
        loop {
            match delivery.next(retained, &mut looks) {
                Next::Message { packet_id, quality, .. } => taken.push((packet_id, quality)),
                other => return (taken, other),
            }
        }
    }

    #[test]
    fn nothing_comes_before_the_subscription_is_acknowledged() {
        let (mut delivery, retained) = (Delivery::default(), retained(1, 1));
        assert!(delivery.ask(vec![("#".to_owned(), 0)]));
        assert_eq!(take(&mut delivery, &retained), (vec![], Next::Nothing));
        delivery.begin();
        assert_eq!(take(&mut delivery, &retained), (vec![(0, 0)], Next::Nothing));
    }

    #[test]
    fn messages_come_as_others_are_acknowledged_in_any_order() {
        let (mut delivery, retained) = (subscribed(&[("t/#", 2)]), retained(250, 1));
        let (first, state) = take(&mut delivery, &retained);
        assert_eq!((first.len(), state), (100, Next::Full));
        assert!(first.iter().all(|(id, quality)| Delivery::is_own(*id) && *quality == 1), "{first:?}");
        let acknowledge = |delivery: &mut Delivery, id| delivery.step(id, Stage::Once, Stage::Whole);
        for (id, _) in first.iter().rev().take(70) {
            assert!(acknowledge(&mut delivery, *id) && !acknowledge(&mut delivery, *id));
        }
        let (second, state) = take(&mut delivery, &retained);
        assert_eq!((second.len(), state), (70, Next::Full));
        for (id, _) in first.iter().take(30).chain(&second) {
            assert!(acknowledge(&mut delivery, *id));
        }
        let (third, state) = take(&mut delivery, &retained);
        assert_eq!((third.len(), state), (80, Next::Nothing));
    }

    #[test]
    fn message_of_quality_2_is_under_way_until_it_is_complete() {
        let (mut delivery, retained) = (subscribed(&[("t/#", 2)]), retained(1, 2));
        let (taken, _) = take(&mut delivery, &retained);
        let (id, _) = taken[0];
        assert!(!delivery.step(id, Stage::Once, Stage::Whole), "PUBACK");
        assert!(delivery.step(id, Stage::Begun, Stage::Released) && delivery.is_released(id));
        assert!(delivery.step(id, Stage::Released, Stage::Whole) && delivery.under_way.is_empty());
    }

    #[test]
    fn packet_ids_stay_above_those_of_rumqttd_for_ever() {
        let (mut delivery, retained) = (Delivery::default(), retained(100, 1));
        for _ in 0..700 {
            subscribe(&mut delivery, &[("#", 1)]);
            for (id, _) in take(&mut delivery, &retained).0 {
                assert!(Delivery::is_own(id) && delivery.step(id, Stage::Once, Stage::Whole), "{id}");
            }
        }
    }

    #[test]
    fn each_subscribe_brings_all_anew_and_an_end_ends_it() {
        let (mut delivery, retained) = (subscribed(&[("t/#", 1)]), retained(150, 1));
        assert_eq!(take(&mut delivery, &retained).0.len(), 100);
        // The second has begun no more than the third, so both are one.
        (0..2).for_each(|_| subscribe(&mut delivery, &[("t/#", 0)]));
        for id in FIRST_ID + 1..=FIRST_ID + 100 {
            delivery.step(id, Stage::Once, Stage::Whole);
        }
        assert_eq!(take(&mut delivery, &retained).0.len(), 50 + 150);

        subscribe(&mut delivery, &[("t/#", 1), ("t/0001", 0)]);
        assert!(delivery.ask(vec![("t/#".to_owned(), 1)]));
        delivery.end("t/#");
        delivery.begin();
        assert_eq!(take(&mut delivery, &retained), (vec![(0, 0)], Next::Nothing));
    }

    #[test]
    fn client_that_never_hears_of_its_subscriptions_asks_for_no_end_of_them() {
        let mut delivery = Delivery::default();
        let asked = (0..u16::MAX).take_while(|_| delivery.ask(vec![("f".repeat(1000), 0); 8])).count();
        assert!((100..200).contains(&asked), "{asked}");
    }

    #[test]
    fn many_topics_are_looked_at_in_pieces() {
        let (mut delivery, retained) = (subscribed(&[("+/+/none", 0), ("t/0000", 0)]), retained(50, 0));
        let (mut pieces, mut found) = (0, 0);
        loop {
            let mut looks = 20;
            match delivery.next(&retained, &mut looks) {
                Next::Looking => pieces += 1,
                Next::Message { .. } => found += 1,
                Next::Full | Next::Nothing => break,
            }
        }
        assert_eq!((pieces, found), (2, 1));
    }
}
