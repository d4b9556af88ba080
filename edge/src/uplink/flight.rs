//! What was sent and is not acknowledged.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tankline_domain::message::{JournalId, JournalRanges};
use tankline_domain::ranges::RangeSet;

/// Messages whose acknowledgements are late within this time are sent again together.
const COALESCE: Duration = Duration::from_secs(1);

/// The part of the window that readings are sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    New,
    Backlog,
}

/// Whether readings of a message were sent before, so that nobody knows which of the two an acknowledgement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Again,
}

/// A message that is not wholly acknowledged.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) share: Share,
    pub(super) journal: JournalId,
    pub(super) numbers: RangeSet,
    pub(super) turn: Turn,
    pub(super) at: Instant,
    pub(super) due: Instant,
}

/// Messages in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Flight {
    messages: VecDeque<(u64, Sent)>,
    next: u64,
    /// The latest message that was acknowledged.
    acknowledged: Option<u64>,
    new: Held,
    backlog: Held,
}

/// How much is under way in one share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) messages: u64,
    pub(super) readings: u64,
}

/// What an acknowledgement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// How long ago the latest of the messages was sent; absent when it was not sent for the first time.
    pub(super) delay: Option<Duration>,
    /// How many readings of messages that were sent for the first time.
    pub(super) readings: u64,
}

/// What is late.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) messages: Vec<Sent>,
    /// Whether nothing comes through. When messages that were sent later were acknowledged, these ones are just lost.
    pub(super) is_stalled: bool,
}

impl Flight {
    /// Adds a message that was just sent.
    pub(super) fn add(&mut self, sent: Sent) {
        let held = self.held_mut(sent.share);
        held.messages += 1;
        held.readings += sent.numbers.count();
        self.messages.push_back((self.next, sent));
        self.next += 1;
    }

    /// Takes what is committed out. Whatever was sent after it has `ack_timeout` from now at least: the link takes one
    /// message after another.
    pub(super) fn handle_committed(
        &mut self,
        now: Instant,
        committed: &JournalRanges,
        ack_timeout: Duration,
    ) -> Option<Acknowledged> {
        let mut latest: Option<(u64, Option<Duration>)> = None;
        let mut readings = 0;
        for index in 0..self.messages.len() {
            let (order, sent) = &mut self.messages[index];
            if sent.journal != committed.journal {
                continue;
            }
            let before = sent.numbers.count();
            sent.numbers.subtract(&committed.ranges);
            let gone = before - sent.numbers.count();
            if gone == 0 {
                continue;
            }
            let is_first = sent.turn == Turn::First;
            latest = Some((*order, is_first.then(|| now.saturating_duration_since(sent.at))));
            readings += if is_first { gone } else { 0 };
            let share = sent.share;
            self.held_mut(share).readings -= gone;
        }
        let (order, delay) = latest?;
        self.acknowledged = self.acknowledged.max(Some(order));
        self.take(|_, sent| sent.numbers.is_empty());
        for (_, sent) in self.messages.iter_mut().filter(|(later, _)| *later > order) {
            sent.due = sent.due.max(now + ack_timeout);
        }
        Some(Acknowledged { delay, readings })
    }

    /// Takes out what is late; what is due a moment later comes with it, so that it is sent again in few messages.
    pub(super) fn take_late(&mut self, now: Instant) -> Late {
        let acknowledged = self.acknowledged;
        let is_overtaken = |order: u64| acknowledged.is_some_and(|latest| order < latest);
        let is_late = self.messages.iter().any(|(_, sent)| sent.due <= now);
        let is_stalled = self.messages.iter().any(|(order, sent)| sent.due <= now && !is_overtaken(*order));
        if !is_late {
            return Late { messages: Vec::new(), is_stalled };
        }
        let goes_with_it = |order, sent: &Sent| sent.due <= now + COALESCE && (is_stalled || is_overtaken(order));
        let messages = self.take(|order, sent| sent.due <= now || goes_with_it(order, sent));
        Late { messages, is_stalled }
    }

    /// Takes all out.
    pub(super) fn take_all(&mut self) -> Vec<Sent> {
        self.take(|_, _| true)
    }

    /// Gives when the first message is late.
    pub(super) fn due(&self) -> Option<Instant> {
        self.messages.iter().map(|(_, sent)| sent.due).min()
    }

    /// Gives how much is under way in one share.
    pub(super) const fn held(&self, share: Share) -> Held {
        match share {
            Share::New => self.new,
            Share::Backlog => self.backlog,
        }
    }

    /// Counts the readings under way.
    pub(super) const fn readings(&self) -> u64 {
        self.new.readings + self.backlog.readings
    }

    /// Tells whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    const fn held_mut(&mut self, share: Share) -> &mut Held {
        match share {
            Share::New => &mut self.new,
            Share::Backlog => &mut self.backlog,
        }
    }

    fn take(&mut self, goes: impl Fn(u64, &Sent) -> bool) -> Vec<Sent> {
        let all = std::mem::take(&mut self.messages);
        let (gone, stays): (Vec<_>, Vec<_>) = all.into_iter().partition(|(order, sent)| goes(*order, sent));
        self.messages = stays.into();
        for (_, sent) in &gone {
            let readings = sent.numbers.count();
            let held = self.held_mut(sent.share);
            held.messages -= 1;
            held.readings -= readings;
        }
        gone.into_iter().map(|(_, sent)| sent).collect()
    }
}
