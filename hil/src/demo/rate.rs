//! How fast something is going now.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is looked back upon.
const WINDOW: Duration = Duration::from_secs(10);

/// The rate of a counter over the last ten seconds.
#[derive(Debug, Default)]
pub struct Rate {
    seen: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// Notes where the counter stands; gives by how much it grows a second, absent as long as too little was seen.
    #[expect(clippy::cast_precision_loss, reason = "a count of readings is far below 2^53")]
    pub fn note(&mut self, now: Instant, count: u64) -> Option<f64> {
        while self.seen.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW) {
            self.seen.pop_front();
        }
        self.seen.push_back((now, count));
        let (since, before) = self.seen.front()?;
        let elapsed = now.saturating_duration_since(*since);
        (elapsed >= Duration::from_secs(1)).then(|| count.saturating_sub(*before) as f64 / elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use tankline_runtime::clock;

    use super::*;

    #[test]
    fn rate_is_that_of_the_last_ten_seconds() {
        let (mut rate, start) = (Rate::default(), clock::now());
        assert_eq!(rate.note(start, 100), None);
        let mut last = None;
        for second in 1..=60 {
            let count = if second <= 30 { 100 + 28 * second } else { 100 + 28 * 30 };
            last = rate.note(start + Duration::from_secs(second), count);
            if second <= 30 {
                assert_eq!(last, Some(28.0), "{second}");
            }
        }
        assert_eq!(last, Some(0.0));
        assert!(rate.seen.len() <= 12);
    }
}
