//! The machine that a journal is on.

use std::fs;
use std::sync::Arc;

use super::storage::{Disk, Storage};

/// The machine that a journal is on: its file system, and which boot of it this is.
#[derive(Debug, Clone)]
pub struct Host {
    /// The file system.
    pub storage: Arc<dyn Storage>,
    /// The boot.
    pub boot: Boot,
}

impl Default for Host {
    /// The machine that this process runs on.
    fn default() -> Self {
        Self { storage: Arc::new(Disk), boot: Boot::of_this_machine() }
    }
}

/// Differs from one boot of a machine to the next: what was not synced in an earlier one may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot(u64);

impl Boot {
    /// Takes a number that no other boot has.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Gives the boot of the machine that this process runs on.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        if id.is_empty() {
            // Without a boot id every start counts as one after a power cut, which is safe.
            return Self(getrandom::u64().unwrap_or(0));
        }
        Self(u64::from(crc32fast::hash(id.as_bytes())) | 1 << 32)
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}
