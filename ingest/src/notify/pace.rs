//! When a target is told next, and of how much at once. Without I/O.

use std::time::{Duration, Instant};

use tankline_runtime::backoff::Backoff;

/// The first wait after a failure, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// What waits for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// How many messages.
    pub count: usize,
    /// Whether one of them tells of a critical alarm.
    pub critical: bool,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing, until something waits.
    Idle,
    /// Nothing, until then.
    Wait(Instant),
    /// So many of the oldest are to be told.
    Tell(usize),
}

/// When a target is told next. One message goes at a time, or many in one e-mail.
#[derive(Debug)]
pub struct Pace {
    gather: Duration,
    spacing: Duration,
    at_once: usize,
    /// Since when something has been waiting.
    since: Option<Instant>,
    /// When it was told last.
    told: Option<Instant>,
    /// Not before, because the last attempt failed.
    held: Option<Instant>,
    backoff: Backoff,
}

impl Pace {
    /// Each message by itself and at once.
    #[must_use]
    pub fn one_by_one() -> Self {
        Self::gathered(Duration::ZERO, Duration::ZERO, 1)
    }

    /// What comes within `gather` goes together, and then nothing for `spacing` unless it is critical; so many at once.
    #[must_use]
    pub fn gathered(gather: Duration, spacing: Duration, at_once: usize) -> Self {
        let backoff = Backoff::new(WAITS.0, WAITS.1);
        Self { gather, spacing, at_once, since: None, told: None, held: None, backoff }
    }

    /// Tells what is to be done with what waits.
    pub fn handle_waiting(&mut self, now: Instant, crowd: Crowd) -> Turn {
        if crowd.count == 0 {
            self.since = None;
            return Turn::Idle;
        }
        let gathered = *self.since.get_or_insert(now) + self.gather;
        let spaced = self.told.filter(|_| !crowd.critical).map(|told| told + self.spacing);
        match [Some(gathered), spaced, self.held].into_iter().flatten().max() {
            Some(due) if due > now => Turn::Wait(due),
            _ => Turn::Tell(crowd.count.min(self.at_once)),
        }
    }

    /// It was told.
    pub fn handle_told(&mut self, now: Instant) {
        (self.since, self.told, self.held) = (None, Some(now), None);
        self.backoff.reset();
    }

    /// It could not be told.
    pub fn handle_failed(&mut self, now: Instant) {
        self.held = Some(now + self.backoff.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::instant;

    const fn crowd(count: usize, critical: bool) -> Crowd {
        Crowd { count, critical }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn messages_go_one_by_one_and_at_once() {
        let (start, mut pace) = (instant(), Pace::one_by_one());
        assert_eq!(pace.handle_waiting(start, crowd(0, false)), Turn::Idle);
        for left in [3, 2, 1] {
            assert_eq!(pace.handle_waiting(start, crowd(left, false)), Turn::Tell(1));
            pace.handle_told(start);
        }
    }

    #[test]
    fn a_thousand_alarms_in_ten_minutes_are_eleven_mails_and_none_is_left_over() {
        let start = instant();
        let mut pace = Pace::gathered(seconds(5), seconds(60), 500);
        let (mut waiting, mut mails, mut told) = (0, 0, 0);
        for second in 0..660 {
            waiting += if second < 600 { if second % 3 == 0 { 1 } else { 2 } } else { 0 };
            if let Turn::Tell(count) = pace.handle_waiting(start + seconds(second), crowd(waiting, false)) {
                (waiting, mails, told) = (waiting - count, mails + 1, told + count);
                pace.handle_told(start + seconds(second));
            }
        }
        assert_eq!((waiting, mails, told), (0, 11, 1000));
    }

    #[test]
    fn a_critical_alarm_waits_for_no_more_than_the_gathering() {
        let start = instant();
        let mut pace = Pace::gathered(seconds(5), seconds(60), 500);
        pace.handle_told(start);
        assert_eq!(pace.handle_waiting(start + seconds(1), crowd(1, false)), Turn::Wait(start + seconds(60)));
        assert_eq!(pace.handle_waiting(start + seconds(2), crowd(2, true)), Turn::Wait(start + seconds(6)));
        assert_eq!(pace.handle_waiting(start + seconds(6), crowd(2, true)), Turn::Tell(2));
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_waits_until_it_works() {
        let (mut now, mut pace) = (instant(), Pace::one_by_one());
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert_eq!(pace.handle_waiting(now, crowd(9, true)), Turn::Tell(1));
            pace.handle_failed(now);
            let Turn::Wait(due) = pace.handle_waiting(now, crowd(9, true)) else { panic!("no wait") };
            waits.push(due - now);
            now = due;
        }
        assert!(waits[0] <= seconds(1) && waits[11] >= seconds(150) && waits[11] <= seconds(300), "{waits:?}");
        pace.handle_told(now);
        assert_eq!(pace.handle_waiting(now, crowd(8, true)), Turn::Tell(1));
        pace.handle_failed(now);
        let Turn::Wait(due) = pace.handle_waiting(now, crowd(8, true)) else { panic!("no wait") };
        assert!(due - now <= seconds(1), "{:?}", due - now);
    }
}
