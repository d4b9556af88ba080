//! An RTU as the bench keeps it: its boot, its disk, its clock.

use std::time::Duration;

use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;

use crate::role::{Told, unset_offset_ms};
use crate::scenario::account::Absence;
use crate::scenario::command::{ClockSetting, DiskState};

/// A stamp may be this far outside of the time in which a clock was set so.
const SLACK_MS: i64 = 3000;

/// An RTU.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Which boot this is.
    pub boot: u64,
    disk: DiskState,
    /// How far the clock was off, each from a moment on.
    clock: Vec<(UnixMillis, i64)>,
    /// When no process of the edge ran; the end of the last one may be open.
    absences: Vec<(UnixMillis, Option<UnixMillis>, Duration)>,
}

impl Machine {
    /// Makes an RTU that is in order.
    #[must_use]
    pub fn new() -> Self {
        Self {
            boot: fastrand::u64(..),
            disk: DiskState::Good,
            clock: vec![(clock::unix_ms(), 0)],
            absences: Vec::new(),
        }
    }

    /// Gives the disk another state, and says how the process is told.
    pub fn set_disk(&mut self, state: DiskState) -> Told {
        self.disk = state;
        Told::Disk(state)
    }

    /// Sets the clock, and says how the process is told.
    pub fn set_clock(&mut self, setting: ClockSetting) -> Told {
        let offset = match setting {
            ClockSetting::Right => 0,
            ClockSetting::Unset => unset_offset_ms(),
            ClockSetting::Off(millis) => millis,
        };
        self.clock.push((clock::unix_ms(), offset));
        Told::Clock(offset)
    }

    /// Gives what a new process is told before it begins.
    #[must_use]
    pub fn told(&self) -> [Told; 2] {
        [Told::Disk(self.disk), Told::Clock(self.clock.last().map_or(0, |(_, offset)| *offset))]
    }

    /// Notes that the edge's process ends now, and what of its last readings is lost with it.
    pub fn ends(&mut self, unsynced: Duration) {
        self.absences.push((clock::unix_ms(), None, unsynced));
    }

    /// Notes that the edge's process begins now.
    pub fn begins(&mut self) {
        if let Some((_, until, _)) = self.absences.last_mut() {
            until.get_or_insert(clock::unix_ms());
        }
    }

    /// Gives when no process of the edge ran.
    #[must_use]
    pub fn absences(&self) -> Vec<Absence> {
        let open = UnixMillis::new(i64::MAX);
        let absence = |(from, until, unsynced): &(UnixMillis, Option<UnixMillis>, Duration)| Absence {
            from: *from,
            until: until.unwrap_or(open),
            unsynced: *unsynced,
        };
        self.absences.iter().map(absence).collect()
    }

    /// Gives the right time of a stamp that this machine's clock gave, or that was corrected since.
    #[must_use]
    pub fn right_time(&self, stamp: UnixMillis, boot_ms: i64) -> UnixMillis {
        let now = clock::unix_ms().get();
        let fits = |(index, (from, offset)): (usize, &(UnixMillis, i64))| {
            let until = self.clock.get(index + 1).map_or(now, |(next, _)| next.get());
            let mut candidates = vec![stamp.get() - offset];
            if *offset != 0 {
                // A clock that is not set stamps with the time since the start of the machine.
                candidates.push(stamp.get() + boot_ms);
            }
            candidates.into_iter().find(|at| (from.get() - SLACK_MS..=until + SLACK_MS).contains(at))
        };
        self.clock.iter().enumerate().find_map(fits).map_or(stamp, UnixMillis::new)
    }
}

/// Gives when the real machine was started, in ms since 1970.
#[must_use]
pub fn boot_ms() -> i64 {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    clock::unix_ms().get() - up.tv_sec * 1000 - up.tv_nsec / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_a_wrong_clock_are_put_right() {
        let now = clock::unix_ms().get();
        let at = |before: i64| UnixMillis::new(now - before);
        let mut machine = Machine::new();
        machine.clock = vec![(at(100_000), 0), (at(60_000), -3_600_000), (at(30_000), 0)];
        let right = |stamp: i64| machine.right_time(UnixMillis::new(stamp), now - 10_000_000).get() - now;
        assert_eq!(right(now - 70_000), -70_000, "before");
        assert_eq!(right(now - 3_600_000 - 50_000), -50_000, "while it was an hour behind");
        assert_eq!(right(now - 10_000), -10_000, "since it is right again");
        assert_eq!(right(10_000_000 - 40_000), -40_000, "stamped with the time since the machine's start");
    }

    #[test]
    fn an_edge_is_absent_from_its_end_to_its_beginning() {
        let mut machine = Machine::new();
        machine.begins();
        assert!(machine.absences().is_empty());
        machine.ends(Duration::ZERO);
        assert_eq!(machine.absences()[0].until.get(), i64::MAX);
        machine.begins();
        assert!(machine.absences()[0].until.get() < i64::MAX);
    }
}
