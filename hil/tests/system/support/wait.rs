use std::fmt;
use std::time::Duration;

use tankline_runtime::clock;

/// Between two looks at what is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Waits until something is so.
///
/// # Panics
/// When it is not so by the deadline.
#[track_caller]
pub fn wait_until(what: &str, deadline: Duration, mut is_so: impl FnMut() -> bool) {
    wait_for(what, deadline, || is_so().then_some(()));
}

/// Waits for something and gives it.
///
/// # Panics
/// When it is not there by the deadline.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    wait_for_ok(what, deadline, || look().ok_or(""))
}

/// Waits for something and gives it.
///
/// # Panics
/// When it is not there by the deadline; then it shows what was there instead.
#[track_caller]
pub fn wait_for_ok<T, E: fmt::Display>(what: &str, deadline: Duration, mut look: impl FnMut() -> Result<T, E>) -> T {
    let until = clock::now() + deadline;
    loop {
        match look() {
            Ok(found) => return found,
            Err(instead) => {
                assert!(clock::now() < until, "waited {} s in vain: {what} {instead}", deadline.as_secs());
            }
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
