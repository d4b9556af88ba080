//! The two clocks of a machine, read at one moment.

use tankline_domain::units::UnixMillis;

/// No clock that was ever set stands before this: 2024-01-01T00:00:00Z. No machine runs that long without a restart.
pub const SET_AFTER: UnixMillis = UnixMillis::new(1_704_067_200_000);

/// Two clocks, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// What the machine takes for the time.
    pub unix: UnixMillis,
    /// Milliseconds since the machine's start, sleep included.
    pub since_boot_ms: i64,
    /// Whether what it takes for the time is believed.
    pub is_set: bool,
}

impl Clocks {
    /// Reads both clocks; the time is believed when it can be that of a clock that was ever set.
    #[must_use]
    pub fn read() -> Self {
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let since_boot_ms = boot.tv_sec * 1000 + boot.tv_nsec / 1_000_000;
        let unix = tankline_runtime::clock::unix_ms();
        Self { unix, since_boot_ms, is_set: unix > SET_AFTER }
    }

    /// Gives the stamp of something that happens now: the time, or else the time since the machine's start.
    #[must_use]
    pub fn stamp(&self) -> UnixMillis {
        if self.is_set { self.unix } else { UnixMillis::new(self.since_boot_ms) }
    }

    /// Gives when the machine was started, in ms since 1970, by what it takes for the time.
    #[must_use]
    pub const fn started_at_ms(&self) -> i64 {
        self.unix.get() - self.since_boot_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_clocks_of_this_machine_are_read() {
        let clocks = Clocks::read();
        assert!(clocks.is_set);
        assert!(clocks.since_boot_ms > 0);
        assert_eq!(clocks.stamp(), clocks.unix);
        assert_eq!(Clocks { is_set: false, ..clocks }.stamp().get(), clocks.since_boot_ms);
    }
}
