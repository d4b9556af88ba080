//! The payloads of messages that are on their way to subscribers.
//!
//! rumqttd keeps a log for each filter and lets no log go. So it gets a token in the place of each payload, and the payloads
//! stand here, in one queue for all filters together with one bound. What a subscriber is too slow for is found out when the
//! token comes and its payload is gone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// What rumqttd counts of a message beside topic and payload.
const ENTRY_BYTES: usize = 4;
const TOKEN_BYTES: usize = 8;
/// Topics that may have a retained message.
const MAX_RETAINED: usize = 100_000;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of all payloads, and once more of those that are retained.
    pub(super) payload_bytes: usize,
    /// Bytes of topics and tokens, as rumqttd counts them in its logs.
    pub(super) log_bytes: usize,
}

/// The payloads of messages that are on their way.
#[derive(Debug)]
pub(super) struct Store {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the oldest message that is on its way.
    first: u64,
    under_way: VecDeque<Message>,
    payload_bytes: usize,
    log_bytes: usize,
    /// The number of the message that is retained of each topic.
    topics: HashMap<Bytes, u64>,
    retained: HashMap<u64, Bytes>,
    retained_bytes: usize,
}

#[derive(Debug)]
struct Message {
    payload: Bytes,
    log_bytes: usize,
}

/// What rumqttd gets of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Stands for the payload. Empty when the message takes a retained one away.
    pub(super) token: Bytes,
    /// Whether the message is retained: there may have been no room.
    pub(super) is_retained: bool,
}

impl Store {
    /// Begins empty.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default() }
    }

    /// Keeps the payload of a message, and lets the oldest go that have no room.
    pub(super) fn keep(&self, topic: &Bytes, payload: Bytes, is_retained: bool) -> Kept {
        let mut state = self.hold();
        let state = &mut *state;
        let number = state.first + state.under_way.len() as u64;
        let takes_away = is_retained && payload.is_empty();
        let is_retained = is_retained && state.retain(topic, number, &payload, self.bounds.payload_bytes);
        let log_bytes = ENTRY_BYTES + topic.len() + TOKEN_BYTES;
        state.payload_bytes += payload.len();
        state.log_bytes += log_bytes;
        state.under_way.push_back(Message { payload, log_bytes });
        while state.under_way.len() > 1
            && (state.payload_bytes > self.bounds.payload_bytes || state.log_bytes > self.bounds.log_bytes)
        {
            state.drop_oldest();
        }
        let token = if takes_away { Bytes::new() } else { Bytes::copy_from_slice(&number.to_be_bytes()) };
        Kept { token, is_retained }
    }

    /// Gives the payload that a token stands for; `None` when it has been let go.
    pub(super) fn find(&self, token: &[u8]) -> Option<Bytes> {
        if token.is_empty() {
            return Some(Bytes::new());
        }
        let number = u64::from_be_bytes(token.try_into().ok()?);
        let state = self.hold();
        let place = number.checked_sub(state.first).and_then(|place| usize::try_from(place).ok());
        let under_way = place.and_then(|place| state.under_way.get(place)).map(|message| &message.payload);
        under_way.or_else(|| state.retained.get(&number)).cloned()
    }

    /// Gives the payload that is retained of a topic now; empty where there is none.
    pub(super) fn retained(&self, topic: &[u8]) -> Bytes {
        let state = self.hold();
        state.topics.get(topic).and_then(|number| state.retained.get(number)).cloned().unwrap_or_default()
    }

    /// Gives the bytes of all payloads that are kept.
    pub(super) fn bytes(&self) -> usize {
        let state = self.hold();
        state.payload_bytes + state.retained_bytes
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Puts a message in the place of the one that was retained; tells whether there was room for it.
    fn retain(&mut self, topic: &Bytes, number: u64, payload: &Bytes, room: usize) -> bool {
        if let Some(before) = self.topics.remove(topic).and_then(|before| self.retained.remove(&before)) {
            self.retained_bytes -= before.len() + topic.len();
        }
        if payload.is_empty() {
            return true;
        }
        let bytes = payload.len() + topic.len();
        if self.topics.len() >= MAX_RETAINED || self.retained_bytes + bytes > room {
            return false;
        }
        self.topics.insert(topic.clone(), number);
        self.retained.insert(number, payload.clone());
        self.retained_bytes += bytes;
        true
    }

    fn drop_oldest(&mut self) {
        if let Some(message) = self.under_way.pop_front() {
            self.first += 1;
            self.payload_bytes -= message.payload.len();
            self.log_bytes -= message.log_bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Bytes = Bytes::from_static(b"a");

    fn store(payload_bytes: usize, messages: usize) -> Store {
        Store::new(Bounds { payload_bytes, log_bytes: messages * (ENTRY_BYTES + TOPIC.len() + TOKEN_BYTES) })
    }

    fn keep(store: &Store, payload: &'static str, is_retained: bool) -> Kept {
        store.keep(&TOPIC, Bytes::from_static(payload.as_bytes()), is_retained)
    }

    #[test]
    fn oldest_payloads_go_when_there_is_no_room() {
        for store in [store(10, 100), store(1000, 2)] {
            let tokens = ["one--", "two--", "three"].map(|payload| keep(&store, payload, false).token);
            let found = tokens.map(|token| store.find(&token));
            assert_eq!(found, [None, Some("two--".into()), Some("three".into())]);
            assert_eq!(store.bytes(), 10);
        }
        let store = store(3, 100);
        let large = keep(&store, "larger than all", false);
        assert_eq!(store.find(&large.token).unwrap(), "larger than all", "one is always kept");
    }

    #[test]
    fn retained_payload_stays_until_another_takes_its_place() {
        let store = store(20, 1);
        let first = keep(&store, "online", true);
        keep(&store, "x", false);
        assert_eq!(store.find(&first.token).unwrap(), "online");
        let second = keep(&store, "offline", true);
        keep(&store, "x", false);
        assert_eq!((store.find(&first.token), store.find(&second.token)), (None, Some("offline".into())));
        assert_eq!((store.retained(&TOPIC), store.retained(b"b")), ("offline".into(), Bytes::new()));
        let none = keep(&store, "", true);
        assert!(none.token.is_empty() && none.is_retained);
        assert_eq!((store.find(&none.token), store.find(&second.token)), (Some(Bytes::new()), None));
        assert_eq!(store.bytes(), 0);
    }

    #[test]
    fn empty_message_that_is_not_retained_takes_nothing_away() {
        let store = store(100, 10);
        let retained = keep(&store, "online", true);
        let empty = keep(&store, "", false);
        assert!(!empty.token.is_empty());
        assert_eq!(store.find(&empty.token).unwrap(), "");
        assert_eq!(store.find(&retained.token).unwrap(), "online");
    }

    #[test]
    fn what_has_no_room_is_not_retained_and_goes_on() {
        let store = store(8, 10);
        assert!(keep(&store, "fits", true).is_retained);
        let other = store.keep(&Bytes::from_static(b"b"), Bytes::from_static(b"more"), true);
        assert!(!other.is_retained);
        assert_eq!(store.find(&other.token).unwrap(), "more");
    }
}
