//! How long to wait before the next attempt.

use std::time::Duration;

/// Doubling waits up to a cap, each shortened at random so that many clients do not come back at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    next: Duration,
}

impl Backoff {
    /// Makes a back-off whose first wait is at most `first` and whose longest is at most `cap`.
    #[must_use]
    pub fn new(first: Duration, cap: Duration) -> Self {
        let first = first.min(cap);
        Self { first, cap, next: first }
    }

    /// Gives the next wait: 50 to 100 % of the current step, which then doubles up to the cap.
    #[expect(clippy::should_implement_trait, reason = "waits are asked for one by one, never iterated over")]
    pub fn next(&mut self) -> Duration {
        let step = self.next;
        self.next = step.saturating_mul(2).min(self.cap);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Begins again at the first step; to be called when an attempt has succeeded.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_within_half(wait: Duration, step: Duration) {
        assert!(wait >= step / 2 && wait <= step, "{wait:?} is not 50 to 100 % of {step:?}");
    }

    #[test]
    fn waits_double_up_to_the_cap_and_start_again_after_a_success() {
        let seconds = Duration::from_secs;
        for _ in 0..100 {
            let mut backoff = Backoff::new(seconds(1), seconds(5));
            for step in [1, 2, 4, 5, 5] {
                assert_within_half(backoff.next(), seconds(step));
            }
            backoff.reset();
            assert_within_half(backoff.next(), seconds(1));
        }
    }

    #[test]
    fn first_step_never_exceeds_the_cap() {
        let mut backoff = Backoff::new(Duration::from_secs(60), Duration::from_secs(2));
        assert_within_half(backoff.next(), Duration::from_secs(2));
    }

    #[test]
    fn waits_of_two_clients_differ() {
        let mut waits: Vec<_> =
            (0..50).map(|_| Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).next()).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 1);
    }
}
