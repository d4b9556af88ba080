//! The time of a reading, also while the RTU's clock is not set.
//!
//! An RTU without a battery wakes up in 1970. Until somebody sets its clock, readings are stamped with the time since its
//! start, which only runs forward; they wait in the journal. Once the clock is set, their true time is known: it is put in
//! before they are sent.

use tankline_domain::units::UnixMillis;

/// No clock that was ever set stands before this: 2024-01-01T00:00:00Z. No machine runs that long without a restart.
const SET_AFTER: UnixMillis = UnixMillis::new(1_704_067_200_000);

/// Two clocks, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// What the machine takes for the time.
    pub unix: UnixMillis,
    /// Milliseconds since the machine's start, sleep included.
    pub since_boot_ms: i64,
}

impl Clocks {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let since_boot_ms = boot.tv_sec * 1000 + boot.tv_nsec / 1_000_000;
        Self { unix: tankline_runtime::clock::unix_ms(), since_boot_ms }
    }

    /// Tells whether the machine's clock was ever set.
    #[must_use]
    pub fn are_set(&self) -> bool {
        self.unix > SET_AFTER
    }

    /// Gives the stamp of something that happens now: the time, or else the time since the machine's start.
    #[must_use]
    pub fn stamp(&self) -> UnixMillis {
        if self.are_set() { self.unix } else { UnixMillis::new(self.since_boot_ms) }
    }

    /// Puts the true time into a journalled reading that was stamped while the clock was not set; gives `None` when it
    /// has its time already, or when the clock is still not set.
    #[must_use]
    pub fn corrected(&self, json: &[u8]) -> Option<Vec<u8>> {
        let at = find_at(json).filter(|at| at.value <= SET_AFTER.get() && self.are_set())?;
        let true_at = self.unix.get() - self.since_boot_ms + at.value;
        let mut corrected = json[..at.start].to_vec();
        corrected.extend(true_at.to_string().as_bytes());
        corrected.extend(&json[at.end..]);
        Some(corrected)
    }
}

/// The number behind `"at":` and where it stands.
struct At {
    value: i64,
    start: usize,
    end: usize,
}

/// Finds the time in a journalled reading. Names and qualities hold no quotes, so that the key stands there once.
fn find_at(json: &[u8]) -> Option<At> {
    const KEY: &[u8] = b"\"at\":";
    let start = json.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let length = json[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let value = std::str::from_utf8(&json[start..start + length]).ok()?.parse().ok()?;
    Some(At { value, start, end: start + length })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNSET: Clocks = Clocks { unix: UnixMillis::new(95_000), since_boot_ms: 60_000 };
    const SET: Clocks = Clocks { unix: UnixMillis::new(1_795_400_000_000), since_boot_ms: 90_000 };

    #[test]
    fn what_was_stamped_since_the_start_gets_its_true_time_when_the_clock_is_set() {
        assert_eq!(UNSET.stamp(), UnixMillis::new(60_000));
        let json = br#"{"seq":7,"tank":"T-01","at":60000,"level_mm":9641,"quality":"uncertain:clock"}"#;
        assert_eq!(UNSET.corrected(json), None);
        let corrected = String::from_utf8(SET.corrected(json).unwrap()).unwrap();
        let expected = r#"{"seq":7,"tank":"T-01","at":1795399970000,"level_mm":9641,"quality":"uncertain:clock"}"#;
        assert_eq!(corrected, expected, "30 s before the moment at which both clocks were read");
        assert_eq!(SET.corrected(corrected.as_bytes()), None);
        assert_eq!(SET.stamp(), SET.unix);
    }

    #[test]
    fn the_real_clocks_of_this_machine_are_read() {
        let clocks = Clocks::read();
        assert!(clocks.are_set());
        assert!(clocks.since_boot_ms > 0);
    }

    #[test]
    fn nonsense_is_left_alone() {
        for json in [&b""[..], b"{}", b"\"at\":", b"\"at\":x", b"\"at\":99999999999999999999"] {
            assert_eq!(SET.corrected(json), None);
        }
    }
}
