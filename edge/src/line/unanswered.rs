//! The requests of one unit that nobody answered yet, and what a late reply to one of them could be taken for.
//!
//! A Modbus RTU reply names its unit and function but not its request. Taken for the answer to the next request, a late
//! one would make every later value one poll old. A time-out cannot tell: the gauge may be as late as it likes. Two things
//! can. A reply tells how many registers it holds, so replies to reads of different counts are told apart; and a slave
//! answers one thing after the other, so once something is answered, what was asked before it will not be answered any
//! more.
//!
//! So a reply passes only while no earlier request of the same shape is unanswered. After a time-out a request of another
//! shape goes first, a probe: fewer registers where that is possible, else one more, which a gauge may refuse, and a refusal
//! is an answer too. Its answer proves that the late reply has come by or never will, and the read itself can go out.
//! A gauge that never answers in time, each reply a poll late, is therefore never believed, however long that lasts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tankline_domain::register::{RegisterRead, WireAddress};

use super::frame::Shape;

/// After this time a reply does not come any more.
///
/// It bounds how long a gauge stays unread that lost a reply and answers no probe. RS-485 has no memory; what comes later
/// than this was held back by a gateway.
const LATEST_REPLY: Duration = Duration::from_secs(30);

/// Requests that are remembered. Fewer go out to a silent unit in the time of the latest reply.
const MOST: usize = 64;

/// What a unit was asked and has not answered, in the order in which it was asked.
#[derive(Debug, Clone, Default)]
pub struct Unanswered {
    asked: VecDeque<Asked>,
    lateness: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    shape: Shape,
    at: Instant,
}

impl Unanswered {
    /// Tells whether a reply of this shape may be a late one.
    #[must_use]
    pub fn owes(&self, now: Instant, shape: Shape) -> bool {
        self.asked.iter().any(|asked| asked.shape == shape && !asked.is_over(now))
    }

    /// Tells whether any reply may still come late.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.asked.is_empty()
    }

    /// Remembers a request whose time is over.
    pub fn handle_silence(&mut self, shape: Shape, at: Instant) {
        if self.asked.len() == MOST {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { shape, at });
    }

    /// Takes the answer to the latest request: nothing that was asked before it will be answered any more.
    pub fn handle_answer(&mut self) {
        self.asked.clear();
    }

    /// Takes a reply that is no answer to the open request; whether it was owed.
    ///
    /// Where it could answer several, it answers the oldest: whoever believes less is wrong less often.
    pub fn handle_late_reply(&mut self, now: Instant, shape: Shape) -> bool {
        self.take_late(now, |asked| asked.shape == shape)
    }

    /// Takes an exception that need not be the answer to the open request; whether any was owed.
    pub fn handle_late_exception(&mut self, now: Instant, function: u8) -> bool {
        self.take_late(now, |asked| asked.shape.function == function)
    }

    fn take_late(&mut self, now: Instant, answers: impl Fn(&Asked) -> bool) -> bool {
        // How late it is, is another question: most likely the latest was answered.
        let likely = self.asked.iter().rev().find(|asked| answers(asked));
        self.lateness = likely.map(|asked| now.saturating_duration_since(asked.at)).or(self.lateness);
        let Some(place) = self.asked.iter().position(answers) else { return false };
        self.asked.drain(..=place);
        true
    }

    /// Takes that what was heard at a moment may have been a late reply, spoilt.
    pub fn handle_hint(&mut self, now: Instant) {
        let taken = self.asked.back().map(|asked| now.saturating_duration_since(asked.at));
        self.lateness = self.lateness.or(taken);
    }

    /// Takes how long the last reply took, as far as is known, that came late since the last time.
    pub fn take_lateness(&mut self) -> Option<Duration> {
        self.lateness.take()
    }

    /// Gives the read to send instead of one whose reply could be mistaken.
    ///
    /// Nothing is done with what it brings. It stays within the registers of the read where a shape is left for that.
    #[must_use]
    pub fn probe(&self, now: Instant, read: RegisterRead) -> RegisterRead {
        let with_count = |count| {
            // One register more may be beyond the last address; then one before the first.
            let overhang = (u32::from(read.start.get()) + u32::from(count)).saturating_sub(0x1_0000);
            let start = read.start.get().saturating_sub(u16::try_from(overhang).unwrap_or(u16::MAX));
            RegisterRead { start: WireAddress::new(start), count, ..read }
        };
        let counts = (1..read.count).chain([read.count + 1, read.count + 2]);
        let usual = if read.count > 1 { 1 } else { 2 };
        let free = counts.map(with_count).find(|probe| !self.owes(now, Shape::of(*probe)));
        free.unwrap_or_else(|| with_count(usual))
    }
}

impl Asked {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) > LATEST_REPLY
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tankline_domain::register::RegisterKind;

    use super::*;

    fn start() -> Instant {
        tankline_runtime::clock::now()
    }

    fn read(count: u16) -> RegisterRead {
        RegisterRead { kind: RegisterKind::Holding, start: WireAddress::new(49), count }
    }

    fn shape(count: u16) -> Shape {
        Shape::of(read(count))
    }

    #[test]
    fn probe_differs_from_all_that_is_owed() {
        let now = start();
        let mut unanswered = Unanswered::default();
        for (count, expected) in [(3, 1), (1, 2), (2, 4), (4, 5), (5, 1)] {
            unanswered.handle_silence(shape(count), now);
            assert_eq!(unanswered.probe(now, read(3)), read(expected), "after {count}");
        }
        let mut single = Unanswered::default();
        single.handle_silence(shape(1), now);
        assert_eq!(single.probe(now, read(1)), read(2));
        let last = RegisterRead { start: WireAddress::new(0xFFFF), ..read(1) };
        assert_eq!(single.probe(now, last), RegisterRead { start: WireAddress::new(0xFFFE), ..read(2) });
        assert_eq!(Unanswered::default().probe(now, read(125)).count, 1);
    }

    #[test]
    fn answer_to_what_was_asked_later_settles_what_was_asked_before() {
        let now = start();
        let later = now + Duration::from_millis(300);
        let mut unanswered = Unanswered::default();
        unanswered.handle_silence(shape(3), now);
        unanswered.handle_silence(shape(1), now);
        unanswered.handle_silence(shape(2), now);
        assert!(unanswered.owes(now, shape(3)));
        assert!(unanswered.handle_late_reply(later, shape(1)));
        assert!(!unanswered.owes(now, shape(3)) && unanswered.owes(now, shape(2)));
        assert_eq!(unanswered.take_lateness(), Some(Duration::from_millis(300)));
        assert_eq!(unanswered.take_lateness(), None);
        assert!(!unanswered.handle_late_reply(later, shape(3)), "nobody owes it any more");
        unanswered.handle_hint(now + Duration::from_millis(80));
        assert_eq!(unanswered.take_lateness(), Some(Duration::from_millis(80)));
        assert!(unanswered.handle_late_exception(later, 3));
        assert!(unanswered.is_settled());
    }

    #[test]
    fn unit_that_answers_no_probe_is_read_again_when_nothing_can_be_on_its_way() {
        let now = start();
        let mut unanswered = Unanswered::default();
        unanswered.handle_silence(shape(3), now);
        assert!(unanswered.owes(now + LATEST_REPLY, shape(3)));
        assert!(!unanswered.owes(now + LATEST_REPLY + Duration::from_millis(1), shape(3)));
        for _ in 0..1000 {
            unanswered.handle_silence(shape(1), now);
        }
        assert_eq!(unanswered.asked.len(), MOST);
    }

    /// What becomes of one request to a slave that answers in order.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Lost,
        /// Answered after so many further requests, or later when those before it are.
        After(usize),
        /// Answered with an exception after so many.
        Refused(usize),
    }

    fn any_fate() -> impl Strategy<Value = Fate> {
        prop_oneof![
            2 => Just(Fate::Lost),
            4 => Just(Fate::After(0)),
            4 => (0..5_usize).prop_map(Fate::After),
            1 => (0..3_usize).prop_map(Fate::Refused),
        ]
    }

    proptest! {
        /// Whatever a slave loses, refuses or answers late: what is taken for the answer to a read is the answer to it.
        #[test]
        fn no_late_reply_passes(fates in prop::collection::vec(any_fate(), 1..120), count in 1..5_u16, deaf in any::<bool>()) {
            let now = start();
            let mut unanswered = Unanswered::default();
            // Replies on their way: the request that they answer, its shape, whether refused, the slot in which they come.
            let mut on_way: VecDeque<(usize, Shape, bool, usize)> = VecDeque::new();
            for (slot, fate) in fates.into_iter().enumerate() {
                let wanted = read(count);
                let owed = unanswered.owes(now, Shape::of(wanted));
                let sent = if owed { unanswered.probe(now, wanted) } else { wanted };
                let open = Shape::of(sent);
                let not_before = on_way.back().map_or(slot, |(_, _, _, when)| slot.max(*when));
                match fate {
                    Fate::Lost => {}
                    Fate::After(later) => on_way.push_back((slot, open, false, not_before.max(slot + later))),
                    Fate::Refused(later) => on_way.push_back((slot, open, true, not_before.max(slot + later))),
                }
                let mut answered = false;
                while on_way.front().is_some_and(|(_, _, _, when)| *when <= slot) {
                    let Some((of, shape, refused, _)) = on_way.pop_front() else { break };
                    // What comes when nobody listens is not heard.
                    if deaf && of % 3 == 0 && of != slot {
                        continue;
                    }
                    if refused {
                        // Says nothing of values; the open request stays unanswered.
                        unanswered.handle_late_exception(now, shape.function);
                    } else if shape == open && !answered && !unanswered.owes(now, shape) {
                        prop_assert!(of == slot, "the reply to {} was taken for that to {}", of, slot);
                        unanswered.handle_answer();
                        answered = true;
                    } else {
                        unanswered.handle_late_reply(now, shape);
                    }
                }
                if !answered {
                    unanswered.handle_silence(open, now);
                }
            }
        }
    }
}
