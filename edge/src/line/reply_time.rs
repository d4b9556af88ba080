//! How long a gauge takes to reply, learned from its own replies.

use std::collections::VecDeque;
use std::time::Duration;

use tankline_domain::message::TimeoutBasis;

/// Replies that are remembered.
const WINDOW: usize = 64;

/// Added to the slowest remembered reply: what the machine itself may be late by.
const MARGIN: Duration = Duration::from_millis(80);

/// Time-out while nothing is known of any gauge of the line: nearly all answer within it, and one that does not is heard late.
const FIRST: Duration = Duration::from_millis(300);

/// Of so many requests in a row without an answer one is given more time.
const PATIENT_EVERY: u32 = 4;

/// The reply times of one gauge, from the last bit of a request to the last of its reply.
#[derive(Debug, Clone)]
pub struct ReplyTimes {
    window: VecDeque<Duration>,
    ceiling: Duration,
    unanswered_in_a_row: u32,
    /// How long the latest reply took that came too late.
    lateness: Option<Duration>,
}

/// More time for a request than is usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// When the reply should come, if the gauge is as slow as that.
    pub expected: Duration,
    /// The time-out.
    pub timeout: Duration,
}

impl ReplyTimes {
    /// Begins without knowledge; no time-out is longer than the ceiling.
    #[must_use]
    pub const fn new(ceiling: Duration) -> Self {
        Self { window: VecDeque::new(), ceiling, unanswered_in_a_row: 0, lateness: None }
    }

    /// Remembers the time of a reply.
    pub fn handle_reply(&mut self, took: Duration) {
        (self.unanswered_in_a_row, self.lateness) = (0, None);
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(took);
    }

    /// Remembers the time of a reply that came too late to be taken.
    pub fn handle_late_reply(&mut self, took: Duration) {
        self.lateness = Some(took);
    }

    /// Remembers that no reply came.
    pub fn handle_timeout(&mut self) {
        self.unanswered_in_a_row = self.unanswered_in_a_row.saturating_add(1);
    }

    /// Gives the time-out that the remembered replies make, counted from the last bit of a request: one and a half times
    /// the slowest and a margin, at least `floor` (the time of the reply on the wire) and the margin, at most the ceiling.
    #[must_use]
    pub fn learned(&self, floor: Duration) -> Option<Duration> {
        self.window.iter().max().map(|_| self.timeout(floor, None))
    }

    /// Gives the time-out for the next request: what is learned, else what is usual on this line.
    ///
    /// It does not grow while a gauge is silent, so that a dead one takes little of the line's time.
    #[must_use]
    pub fn timeout(&self, floor: Duration, usual: Option<Duration>) -> Duration {
        self.timeout_and_basis(floor, usual).0
    }

    /// Gives the same, and what it follows from.
    #[must_use]
    pub fn timeout_and_basis(&self, floor: Duration, usual: Option<Duration>) -> (Duration, TimeoutBasis) {
        let learned = self.window.iter().max().map(|slowest| (*slowest * 3 / 2 + MARGIN, TimeoutBasis::Replies));
        let usual = usual.map(|usual| (usual, TimeoutBasis::Line));
        let known = learned.or(usual).unwrap_or((FIRST, TimeoutBasis::Start));
        let on_wire = (floor + MARGIN, TimeoutBasis::Wire);
        let wanted = if known.0 < on_wire.0 { on_wire } else { known };
        if wanted.0 > self.ceiling { (self.ceiling, TimeoutBasis::Limit) } else { wanted }
    }

    /// Gives a longer time-out for the next request, if it is worth a try: a silent gauge may have become slower.
    ///
    /// It follows the late reply, if one was heard; else every try is more patient than the one before.
    #[must_use]
    pub fn patience(&self, floor: Duration, usual: Option<Duration>) -> Option<Patience> {
        let (tries, turn) = (self.unanswered_in_a_row / PATIENT_EVERY, self.unanswered_in_a_row % PATIENT_EVERY);
        let timeout = self.timeout(floor, usual);
        let longer = match self.lateness {
            Some(late) => Patience { expected: late, timeout: late * 3 / 2 + MARGIN },
            None if turn == 2 => {
                Patience { expected: timeout * (2 << (tries % 3)), timeout: timeout * (2 << (tries % 3)) }
            }
            None => return None,
        };
        let Patience { expected, timeout: longest } = longer;
        let possible = expected < self.ceiling && longest > timeout;
        possible.then_some(Patience { expected, timeout: longest.min(self.ceiling) })
    }

    /// Remembers that the next request is given more time, so that a late reply is followed once.
    pub fn handle_patience(&mut self) {
        self.lateness = None;
    }

    /// Gives the quantile (0 to 1) of the remembered replies.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.window.iter().copied().collect();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 63")]
        let index = (quantile.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn timeout_follows_the_gauge_between_floor_and_ceiling() {
        let mut times = ReplyTimes::new(MS(1000));
        let timeout = |times: &ReplyTimes| times.timeout(MS(20), None);
        assert_eq!(timeout(&times), MS(300), "nothing is known yet");
        assert_eq!(ReplyTimes::new(MS(200)).timeout(MS(20), None), MS(200));
        times.handle_reply(MS(4));
        assert_eq!(timeout(&times), MS(100), "never shorter than the reply on the wire");
        times.handle_reply(MS(60));
        assert_eq!(timeout(&times), MS(170));
        for _ in 0..64 {
            times.handle_reply(MS(20));
        }
        assert_eq!(timeout(&times), MS(110), "what was long ago is forgotten");
        assert_eq!(times.quantile(0.5), Some(MS(20)));
        assert_eq!(ReplyTimes::new(MS(1)).quantile(0.5), None);
    }

    /// What a silent gauge is given for request after request: in ms, and more where the line can bear it.
    fn given(times: &mut ReplyTimes, requests: u32) -> Vec<u128> {
        let give = |_| {
            let patience = times.patience(MS(20), Some(MS(110)));
            if patience.is_some() {
                times.handle_patience();
            }
            let timeout = patience.map_or(times.timeout(MS(20), Some(MS(110))), |patience| patience.timeout);
            times.handle_timeout();
            timeout.as_millis()
        };
        (0..requests).map(give).collect()
    }

    #[test]
    fn silent_gauge_is_given_more_time_now_and_then() {
        for is_known in [true, false] {
            let mut times = ReplyTimes::new(MS(900));
            if is_known {
                times.handle_reply(MS(20));
            }
            let expected = [110, 110, 220, 110, 110, 110, 440, 110, 110, 110, 880, 110, 110, 110, 220, 110];
            assert_eq!(given(&mut times, 16), expected);
        }
    }

    #[test]
    fn gauge_that_is_heard_late_is_given_the_time_that_it_took_once() {
        let mut times = ReplyTimes::new(MS(1000));
        times.handle_reply(MS(20));
        assert_eq!(given(&mut times, 1), [110]);
        times.handle_late_reply(MS(140));
        let patience = times.patience(MS(20), None);
        assert_eq!(patience, Some(Patience { expected: MS(140), timeout: MS(290) }));
        assert_eq!(given(&mut times, 5), [290, 220, 110, 110, 110]);
        times.handle_late_reply(MS(900));
        assert_eq!(given(&mut times, 3), [1000, 110, 110]);
        times.handle_late_reply(MS(1100));
        assert_eq!(given(&mut times, 1), [110], "that long nobody waits");
        times.handle_reply(MS(30));
        assert_eq!(given(&mut times, 3), [125, 125, 250]);
    }

    #[test]
    fn timeout_says_what_it_follows_from() {
        let mut times = ReplyTimes::new(MS(500));
        let basis = |times: &ReplyTimes, floor, usual| times.timeout_and_basis(MS(floor), usual).1;
        assert_eq!(basis(&times, 20, None), TimeoutBasis::Start);
        assert_eq!(basis(&times, 20, Some(MS(110))), TimeoutBasis::Line);
        times.handle_reply(MS(20));
        assert_eq!(times.timeout_and_basis(MS(20), None), (MS(110), TimeoutBasis::Replies));
        assert_eq!(times.timeout_and_basis(MS(40), None), (MS(120), TimeoutBasis::Wire));
        times.handle_reply(MS(300));
        assert_eq!(times.timeout_and_basis(MS(40), None), (MS(500), TimeoutBasis::Limit));
    }

    #[test]
    fn gauge_that_is_not_known_is_given_what_is_usual() {
        let times = ReplyTimes::new(MS(1000));
        assert_eq!(times.timeout(MS(20), Some(MS(110))), MS(110));
        assert_eq!(times.timeout(MS(200), Some(MS(110))), MS(280), "never shorter than its reply on the wire");
        assert_eq!(times.timeout(MS(20), Some(MS(3000))), MS(1000));
    }
}
