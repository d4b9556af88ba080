//! The names that the inner broker knows clients by.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::lock::hold;

/// How long a name rests: the inner broker needs a few milliseconds to forget who had it, and breaks when it has not.
const REST: Duration = Duration::from_secs(5);

/// Names that are used again and again. The inner broker keeps something of every name that it ever heard, so it hears few,
/// however many client ids there are.
#[derive(Default)]
pub(super) struct Slots(Mutex<State>);

#[derive(Default)]
struct State {
    /// Names that rest, with the moment at which they were given back.
    resting: VecDeque<(Instant, u32)>,
    made: u32,
}

impl Slots {
    /// Gives a name that nobody has.
    pub(super) fn take(&self, now: Instant) -> u32 {
        let mut state = self.hold();
        match state.resting.front() {
            Some((since, _)) if now.saturating_duration_since(*since) >= REST => {
                state.resting.pop_front().map_or(0, |(_, slot)| slot)
            }
            _ => {
                state.made += 1;
                state.made
            }
        }
    }

    /// Takes a name back.
    pub(super) fn give_back(&self, slot: u32, now: Instant) {
        self.hold().resting.push_back((now, slot));
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        hold(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use tankline_runtime::clock;

    use super::*;

    #[test]
    fn names_come_again_when_they_have_rested() {
        let (slots, start) = (Slots::default(), clock::now());
        assert_eq!((slots.take(start), slots.take(start)), (1, 2));
        slots.give_back(1, start);
        assert_eq!(slots.take(start + REST / 2), 3);
        assert_eq!(slots.take(start + REST), 1);
        assert_eq!(slots.take(start + REST), 4);
    }
}
