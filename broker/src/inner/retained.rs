//! The retained message of each topic.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::book::Message;
use crate::gate::packet::topic;

/// Topics that may have a retained message.
const MAX_TOPICS: usize = 100_000;

/// The retained messages, by topic.
#[derive(Debug)]
pub(super) struct Retained {
    topics: BTreeMap<Bytes, Kept>,
    bytes: usize,
    max_bytes: usize,
    /// Messages that found no room.
    left_out: u64,
    is_told: bool,
}

/// A message that is retained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) payload: Bytes,
    /// The quality of service that it was sent with.
    pub(super) quality: u8,
}

/// What a search has come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// The next message, of this topic.
    Found(Bytes, Kept),
    /// As many topics were looked at as may be at once, up to this one.
    Paused(Bytes),
    /// There is none any more.
    Ended,
}

impl Retained {
    /// Begins empty, with room for so many bytes of payloads and topics.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { topics: BTreeMap::new(), bytes: 0, max_bytes, left_out: 0, is_told: false }
    }

    /// Puts a message into the place of the one before; an empty one takes that away, and so does one that finds no room, as
    /// what has been replaced is to be told nobody.
    pub(super) fn put(&mut self, message: &Message) {
        let Message { topic, payload, quality, .. } = message;
        if let Some(before) = self.topics.remove(topic) {
            self.bytes -= before.payload.len() + topic.len();
        }
        if payload.is_empty() {
            return;
        }
        let bytes = payload.len() + topic.len();
        if self.topics.len() >= MAX_TOPICS || self.bytes + bytes > self.max_bytes {
            self.left_out += 1;
            if !std::mem::replace(&mut self.is_told, true) {
                let topic = String::from_utf8_lossy(topic);
                tracing::warn!(%topic, "no room to retain a message: who subscribes later gets none; see queue_mib");
            }
            return;
        }
        self.topics.insert(topic.clone(), Kept { payload: payload.clone(), quality: *quality });
        self.bytes += bytes;
        if self.is_told && self.bytes < self.max_bytes / 2 && self.topics.len() < MAX_TOPICS / 2 {
            self.is_told = false;
            tracing::info!("there is room to retain messages again");
        }
    }

    /// Seeks the next message that a filter takes in, behind a topic, and counts the topics that it looks at from `looks`.
    pub(super) fn next(&self, filter: &str, behind: Option<&Bytes>, looks: &mut usize) -> Search {
        // Also where there is nothing to look at: there may be many such filters.
        *looks = looks.saturating_sub(1);
        let Some(wildcard) = filter.find(['+', '#']) else {
            let kept = self.topics.get_key_value(filter.as_bytes()).filter(|_| behind.is_none());
            return kept.map_or(Search::Ended, |(topic, kept)| Search::Found(topic.clone(), kept.clone()));
        };
        // `a/#` takes in `a`, too.
        let prefix = &filter.as_bytes()[..wildcard];
        let prefix =
            if filter[wildcard..].starts_with('#') { prefix.strip_suffix(b"/").unwrap_or(prefix) } else { prefix };
        let from = behind.map_or(Bound::Included(prefix), |behind| Bound::Excluded(&behind[..]));
        for (topic, kept) in self.topics.range::<[u8], _>((from, Bound::Unbounded)) {
            if !topic.starts_with(prefix) {
                break;
            }
            if std::str::from_utf8(topic).is_ok_and(|topic| topic::covers(filter, topic)) {
                return Search::Found(topic.clone(), kept.clone());
            }
            *looks = looks.saturating_sub(1);
            if *looks == 0 {
                return Search::Paused(topic.clone());
            }
        }
        Search::Ended
    }

    /// Gives the bytes of all payloads and topics.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives how many messages found no room.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        let (topic, payload) = (Bytes::copy_from_slice(topic.as_bytes()), Bytes::copy_from_slice(payload.as_bytes()));
        Message { topic, payload, quality: 1, is_retained: true }
    }

    fn of(topics: &[&str]) -> Retained {
        let mut retained = Retained::new(10_000);
        topics.iter().for_each(|topic| retained.put(&message(topic, "x")));
        retained
    }

    /// Seeks all that a filter takes in, with so many looks at once.
    fn all(retained: &Retained, filter: &str, at_once: usize) -> Vec<Bytes> {
        let (mut found, mut behind) = (Vec::new(), None);
        loop {
            let mut looks = at_once;
            behind = match retained.next(filter, behind.as_ref(), &mut looks) {
                Search::Found(topic, _) => {
                    found.push(topic.clone());
                    Some(topic)
                }
                Search::Paused(topic) => Some(topic),
                Search::Ended => return found,
            };
        }
    }

    #[test]
    fn each_filter_finds_what_it_takes_in_however_few_are_looked_at_at_once() {
        let topics = ["", "a", "b", "/", "a/", "a/b", "a/bc", "a/b/c", "a/b/c/d", "a-b", "a/é/c", "b/b/c", "ab/b/c"];
        let retained = of(&topics);
        for filter in ["#", "+", "a", "a/#", "a/b/#", "a/+", "a/+/c", "+/b/#", "+/+", "/+", "a/b", "c/#", "a/b/+/+"] {
            let mut expected: Vec<_> = topics.into_iter().filter(|topic| topic::covers(filter, topic)).collect();
            expected.sort_unstable();
            for at_once in [1, 3, 1000] {
                assert_eq!(all(&retained, filter, at_once), expected, "{filter}");
            }
        }
    }

    #[test]
    fn topics_that_no_filter_could_mean_are_not_looked_at() {
        let retained = of(&["a/1", "a/2", "b/1", "b/2", "c/1"]);
        let mut looks = 3;
        assert_eq!(retained.next("b/3/#", None, &mut looks), Search::Ended);
        assert_eq!(looks, 2);
        assert_eq!(retained.next("+/+/+", None, &mut looks), Search::Paused("a/1".into()));
    }

    #[test]
    fn message_without_room_leaves_none_of_before_in_its_place() {
        let mut retained = Retained::new(10);
        retained.put(&message("a", "old"));
        retained.put(&message("b", "1234"));
        assert_eq!((retained.bytes(), retained.left_out()), (9, 0));
        retained.put(&message("a", "newer"));
        assert_eq!((retained.bytes(), retained.left_out()), (5, 1));
        assert_eq!(all(&retained, "#", 10), ["b"]);
        retained.put(&message("b", ""));
        assert_eq!((retained.bytes(), retained.left_out()), (0, 1));
        retained.put(&message("a", "newer"));
        assert_eq!(all(&retained, "#", 10), ["a"]);
        assert!(!retained.is_told || retained.bytes() >= 5, "it is told again when it is full again");
    }
}
