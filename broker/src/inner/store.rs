//! The payloads of messages that are on their way to subscribers.
//!
//! rumqttd keeps a log for each filter and lets no log go. So it gets a token in the place of each payload, and the payloads
//! stand here, in one queue for all filters together with one bound. What a subscriber is too slow for is found out when the
//! token comes and its payload is gone.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use super::book::Message;
use super::retained::Retained;
use crate::lock::hold;

/// What rumqttd counts of a message beside topic and payload.
const ENTRY_BYTES: usize = 4;
const TOKEN_BYTES: usize = 8;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of all payloads, and once more of those that are retained.
    pub(super) payload_bytes: usize,
    /// Bytes of topics and tokens, as rumqttd counts them in its logs.
    pub(super) log_bytes: usize,
}

/// The payloads of messages that are on their way, and retained messages.
#[derive(Debug)]
pub(super) struct Store {
    bounds: Bounds,
    state: Mutex<State>,
    retained: Mutex<Retained>,
    /// Held by who keeps a retained message and gives it to rumqttd, so that both get those of a topic in the same order, and
    /// the last that subscribers hear is the one that stays.
    pub(super) turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the oldest message that is on its way.
    first: u64,
    under_way: VecDeque<UnderWay>,
    payload_bytes: usize,
    log_bytes: usize,
}

#[derive(Debug)]
struct UnderWay {
    payload: Bytes,
    quality: u8,
    log_bytes: usize,
}

impl Store {
    /// Begins empty.
    pub(super) fn new(bounds: Bounds) -> Self {
        let retained = Mutex::new(Retained::new(bounds.payload_bytes));
        Self { bounds, state: Mutex::default(), retained, turn: tokio::sync::Mutex::default() }
    }

    /// Keeps the payload of a message, and lets the oldest go that have no room; gives what stands for it with rumqttd, which is
    /// never empty.
    pub(super) fn keep(&self, message: &Message) -> Bytes {
        if message.is_retained {
            self.retained().put(message);
        }
        let Message { topic, payload, quality, .. } = message;
        let mut state = self.hold();
        let number = state.first + state.under_way.len() as u64;
        let log_bytes = ENTRY_BYTES + topic.len() + TOKEN_BYTES;
        state.payload_bytes += payload.len();
        state.log_bytes += log_bytes;
        state.under_way.push_back(UnderWay { payload: payload.clone(), quality: *quality, log_bytes });
        while state.under_way.len() > 1
            && (state.payload_bytes > self.bounds.payload_bytes || state.log_bytes > self.bounds.log_bytes)
        {
            state.drop_oldest();
        }
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    /// Gives the payload that a token stands for, and the quality it came with; `None` when it has been let go.
    pub(super) fn find(&self, token: &[u8]) -> Option<(Bytes, u8)> {
        let number = u64::from_be_bytes(token.try_into().ok()?);
        let state = self.hold();
        let place = number.checked_sub(state.first).and_then(|place| usize::try_from(place).ok())?;
        state.under_way.get(place).map(|message| (message.payload.clone(), message.quality))
    }

    /// Gives the retained messages.
    pub(super) fn retained(&self) -> MutexGuard<'_, Retained> {
        hold(&self.retained)
    }

    /// Gives the bytes of all payloads that are kept.
    pub(super) fn bytes(&self) -> usize {
        let under_way = self.hold().payload_bytes;
        under_way + self.retained().bytes()
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        hold(&self.state)
    }
}

impl State {
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

    fn keep(store: &Store, payload: &'static str, is_retained: bool) -> Bytes {
        store.keep(&Message { topic: TOPIC, payload: payload.into(), quality: 1, is_retained })
    }

    #[test]
    fn oldest_payloads_go_when_there_is_no_room() {
        for store in [store(10, 100), store(1000, 2)] {
            let tokens = ["one--", "two--", "three"].map(|payload| keep(&store, payload, false));
            let found = tokens.map(|token| store.find(&token));
            assert_eq!(found, [None, Some(("two--".into(), 1)), Some(("three".into(), 1))]);
            assert_eq!(store.bytes(), 10);
        }
        let store = store(3, 100);
        let large = keep(&store, "larger than all", false);
        assert_eq!(store.find(&large).unwrap().0, "larger than all", "one is always kept");
    }

    #[test]
    fn retained_message_is_on_its_way_as_well_and_an_empty_one_takes_it_away() {
        let store = store(100, 2);
        let first = keep(&store, "online", true);
        keep(&store, "x", false);
        assert_eq!((store.find(&first), store.bytes()), (Some(("online".into(), 1)), 6 + 1 + 7));
        keep(&store, "", false);
        assert_eq!((store.find(&first), store.retained().bytes()), (None, 7));
        let empty = keep(&store, "", true);
        assert_eq!((store.find(&empty), store.retained().bytes()), (Some((Bytes::new(), 1)), 0));
    }
}
