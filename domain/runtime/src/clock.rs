//! The one place that asks the operating system for the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tankline_domain::units::UnixMillis;

/// Gives the monotonic time: for time-outs, ages and rates.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Gives the time of day in milliseconds since 1970, as the system believes it to be.
///
/// A clock that stands before 1970 gives 0.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
#[must_use]
pub fn unix_ms() -> UnixMillis {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}
