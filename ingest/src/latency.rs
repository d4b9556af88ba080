//! How long readings take from the gauge to the database.

/// Widths of the buckets: 1 ms up to 2 s, then 100 ms up to 60 s, then one for all that is above.
const FINE: usize = 2000;
const COARSE: usize = 580;
const COARSE_MS: u64 = 100;

/// Upper bounds that Prometheus is told of, ms.
const BOUNDS_MS: [u64; 13] = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/// A histogram of latencies in milliseconds.
#[derive(Debug, Clone)]
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
    sum_ms: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; FINE + COARSE + 1], count: 0, sum_ms: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, millis: u64) {
        self.buckets[index(millis)] += 1;
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(millis);
    }

    /// Gives how many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Gives their sum.
    #[must_use]
    pub const fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// Gives the latency that a share of all, 0 to 1, does not exceed; absent when there are none.
    ///
    /// Exact to the millisecond up to 2 s, rounded up to 100 ms above; what is above 60 s counts as 60 s.
    #[must_use]
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    pub fn quantile_ms(&self, share: f64) -> Option<u64> {
        let wanted = ((share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= wanted
        })?;
        Some(upper_ms(found))
    }

    /// Gives how many do not exceed each of some bounds in milliseconds.
    #[must_use]
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        BOUNDS_MS.iter().map(|&bound| (bound, self.buckets[..=index(bound)].iter().sum())).collect()
    }
}

fn index(millis: u64) -> usize {
    let fine = usize::try_from(millis).unwrap_or(usize::MAX);
    if fine <= FINE {
        return fine.min(FINE);
    }
    let above = (millis - FINE as u64).div_ceil(COARSE_MS);
    FINE + usize::try_from(above).unwrap_or(usize::MAX).min(COARSE)
}

fn upper_ms(index: usize) -> u64 {
    match index.checked_sub(FINE) {
        None => index as u64,
        Some(above) => FINE as u64 + above as u64 * COARSE_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_the_millisecond_below_two_seconds() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile_ms(0.5), None);
        (1..=100).for_each(|millis| latencies.record(millis));
        let quantiles = [0.0, 0.5, 0.99, 1.0].map(|share| latencies.quantile_ms(share).unwrap());
        assert_eq!(quantiles, [1, 50, 99, 100]);
        assert_eq!((latencies.count(), latencies.sum_ms()), (100, 5050));
        assert!(latencies.cumulative().contains(&(50, 50)));
    }

    #[test]
    fn long_latencies_are_rounded_up_and_bounded() {
        for (millis, shown) in [(2000, 2000), (2001, 2100), (2100, 2100), (60_000, 60_000), (u64::MAX, 60_000)] {
            let mut latencies = Latencies::default();
            latencies.record(millis);
            assert_eq!(latencies.quantile_ms(0.5), Some(shown), "{millis}");
        }
    }
}
