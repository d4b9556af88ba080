//! The one place that asks the operating system for the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tankline_domain::units::UnixMillis;

/// How far the time of day is put off, in milliseconds. Always 0 but on a test bench.
static PUT_OFF_MS: AtomicI64 = AtomicI64::new(0);

/// Gives the monotonic time: for time-outs, ages and rates.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Gives the time of day in milliseconds since 1970, as the system believes it to be.
///
/// A clock that stands before 1970 gives 0.
#[must_use]
pub fn unix_ms() -> UnixMillis {
    UnixMillis::new(system_ms().saturating_add(PUT_OFF_MS.load(Ordering::Relaxed)).max(0))
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
