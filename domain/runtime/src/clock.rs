//! The one place that asks the operating system for the time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tankline_domain::units::UnixMillis;

/// How far the time of day is put off, in milliseconds. Always 0 but on a test bench.
static PUT_OFF_MS: AtomicI64 = AtomicI64::new(0);

/// A day that runs at another pace than the clock. Never there but on a test bench.
static DAY: OnceLock<Day> = OnceLock::new();

/// A day that runs at another pace than the clock, from a moment on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// From when on, in ms since 1970.
    pub from: UnixMillis,
    /// Milliseconds of the day in one of the clock.
    pub pace: f64,
}

impl Day {
    /// Gives the time of day when the clock says `clock`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a time since 1970 is below 2^53 ms"
    )]
    pub fn at(&self, clock: UnixMillis) -> UnixMillis {
        let passed = clock.millis_since(self.from).max(0);
        UnixMillis::new(clock.get() - passed + (passed as f64 * self.pace) as i64)
    }

    /// Gives what the clock says at a time of day.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a time since 1970 is below 2^53 ms"
    )]
    pub fn clock_at(&self, of_day: UnixMillis) -> UnixMillis {
        let passed = of_day.millis_since(self.from).max(0);
        UnixMillis::new(of_day.get() - passed + (passed as f64 / self.pace) as i64)
    }
}

/// Gives the monotonic time: for time-outs, ages and rates.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Gives the processor time that the calling thread has used: for what a piece of work costs, not for what it takes.
#[must_use]
pub fn thread_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// Gives the time of day in milliseconds since 1970, as the system believes it to be.
///
/// A clock that stands before 1970 gives 0.
#[must_use]
pub fn unix_ms() -> UnixMillis {
    let clock = UnixMillis::new(system_ms().saturating_add(PUT_OFF_MS.load(Ordering::Relaxed)).max(0));
    DAY.get().map_or(clock, |day| day.at(clock))
}

/// Gives by how many milliseconds the time of day moves on while so many pass: the same number, but on a test bench whose
/// day runs at another pace.
///
/// For what is laid down in real time and measured by the time of day, as how long a message may be under way.
#[must_use]
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a bound is far below 2^53 ms")]
pub fn of_day_ms(millis: i64) -> i64 {
    DAY.get().map_or(millis, |day| (millis as f64 * day.pace) as i64)
}

/// Lets the day of this process run at another pace; the first word holds.
///
/// For a test bench that plays a night in a minute. Nothing else calls this, and no configuration can.
pub fn run_day(day: Day) {
    DAY.get_or_init(|| day);
}

/// Puts the time of day of this process off by so many milliseconds, ahead when positive, as if somebody had set the
/// clock of the machine.
///
/// For a test bench, which must not set the clock of the machine that it runs on. Nothing else calls this.
pub fn put_off(millis: i64) {
    PUT_OFF_MS.store(millis, Ordering::Relaxed);
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
fn system_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_of_a_bench_runs_from_a_moment_on_and_can_be_told_back() {
        let day = Day { from: UnixMillis::new(1_795_400_000_000), pace: 900.0 };
        for (clock, of_day) in [(-5000, -5000), (0, 0), (1, 900), (40_000, 36_000_000)] {
            let (clock, of_day) = (UnixMillis::new(day.from.get() + clock), UnixMillis::new(day.from.get() + of_day));
            assert_eq!((day.at(clock), day.clock_at(of_day)), (of_day, clock));
        }
    }

    #[test]
    fn day_runs_with_the_clock_where_no_bench_says_otherwise() {
        assert_eq!(of_day_ms(10_000), 10_000);
        let (before, now, after) = (system_ms(), unix_ms().get(), system_ms());
        assert!((before..=after).contains(&now));
    }
}
