//! Decides when the journal is synced, and what happens while the disk refuses readings.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tankline_domain::message::JournalRanges;
use tankline_domain::names::TankName;
use tankline_domain::reading::{Quality, Reading};
use tankline_domain::units::UnixMillis;

use super::entry::Entry;
use super::error::JournalError;
use super::memory::Memory;
use super::store::{Journal, Recovery};
use super::writer::{Oldest, Report};
use crate::stamp::stamp_of;

/// Pause before the disk is tried again after it refused a reading; doubles each time.
const RETRY: Duration = Duration::from_secs(1);

/// Longest such pause.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// Readings that go from memory to the disk at a time, so that new ones are not kept waiting.
const RECOVERED_AT_A_TIME: usize = 4096;

/// Changes of quality make at most so many syncs in a sync interval.
const SYNCS_PER_INTERVAL: u32 = 10;

/// Keeps readings, one way or the other: nothing that is handed over waits for the disk to be well.
#[derive(Debug)]
pub(super) struct Keeper {
    journal: Journal,
    sync_interval: Duration,
    bands: HashMap<TankName, Band>,
    sync_due: Option<Instant>,
    last_sync: Option<Instant>,
    sync_failing: bool,
    recover_due: Option<Instant>,
    retry: Duration,
    commit_failing: bool,
    fetch_failing: bool,
}

/// How far a reading can be trusted, without the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Band {
    Good,
    Uncertain,
    Bad,
}

impl From<&Quality> for Band {
    fn from(quality: &Quality) -> Self {
        match quality {
            Quality::Good => Self::Good,
            Quality::Uncertain(_) => Self::Uncertain,
            Quality::Bad(_) => Self::Bad,
        }
    }
}

impl Keeper {
    pub(super) fn new(journal: Journal, sync_interval: Duration, now: Instant) -> Self {
        let recover_due = journal.is_holding().then(|| now + RETRY);
        Self {
            journal,
            sync_interval,
            bands: HashMap::new(),
            sync_due: None,
            last_sync: None,
            sync_failing: false,
            recover_due,
            retry: RETRY,
            commit_failing: false,
            fetch_failing: false,
        }
    }

    /// Gives when [`Keeper::handle_due`] is to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.sync_due.into_iter().chain(self.recover_due).min()
    }

    /// Does what is due.
    pub(super) fn handle_due(&mut self, now: Instant) {
        if self.recover_due.is_some_and(|due| due <= now) {
            self.recover(now);
        }
        if self.sync_due.is_some_and(|due| due <= now) {
            self.sync(now);
        }
    }

    /// Takes a reading; it has its number when this returns, and a kill of the process does not lose it unless the disk
    /// refuses readings.
    pub(super) fn take(&mut self, now: Instant, reading: &Reading) -> Entry {
        let has_changed = self.note_band(reading);
        if self.journal.is_holding() {
            return self.journal.hold(reading);
        }
        match self.journal.append(reading) {
            Ok(entry) => {
                self.plan_sync(now, has_changed);
                entry
            }
            Err(error) => {
                tracing::error!(error = chain(error), "the disk refuses readings; they are kept in memory");
                self.recover_due = Some(now + self.retry);
                self.journal.hold(reading)
            }
        }
    }

    /// Takes readings that were kept in memory while the disk hung.
    pub(super) fn adopt(&mut self, now: Instant, memory: Memory) {
        self.journal.adopt(memory);
        self.recover_due.get_or_insert(now);
    }

    /// Takes what the centre has committed.
    pub(super) fn commit(&mut self, committed: &JournalRanges) {
        match self.journal.commit(committed.journal, &committed.ranges) {
            Ok(()) => self.commit_failing = false,
            Err(error) => {
                if !self.commit_failing {
                    tracing::warn!(error = chain(error), "what is committed stays on the disk");
                }
                self.commit_failing = true;
            }
        }
    }

    /// Takes that the centre has no more what it had committed.
    pub(super) fn forget(&mut self, lost: &JournalRanges) {
        self.journal.forget(lost.journal, &lost.ranges);
    }

    /// Reads from the journal.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read now.
    pub(super) fn fetch(
        &mut self,
        journal: tankline_domain::message::JournalId,
        first: u64,
        last: u64,
        limit: usize,
    ) -> Option<Vec<Entry>> {
        match self.journal.fetch(journal, first, last, limit) {
            Ok(entries) => {
                self.fetch_failing = false;
                Some(entries)
            }
            Err(error) => {
                if !self.fetch_failing {
                    tracing::error!(error = chain(error), "the journal cannot be read; trying again");
                }
                self.fetch_failing = true;
                None
            }
        }
    }

    /// Says how the journal stands.
    pub(super) fn report(&mut self) -> Report {
        let oldest = self.journal.oldest_uncommitted().and_then(|entry| {
            let at = UnixMillis::new(stamp_of(&entry.json)?);
            Some(Oldest { journal: entry.journal, seq: entry.seq, at })
        });
        Report { oldest, ..Report::at_start(&self.journal) }
    }

    /// Brings everything to the disk and closes the journal.
    ///
    /// # Errors
    /// [`JournalError`] when readings are lost, or the next start cannot go on in this journal.
    pub(super) fn close(self) -> Result<(), JournalError> {
        self.journal.close()
    }

    fn note_band(&mut self, reading: &Reading) -> bool {
        let band = Band::from(&reading.quality);
        match self.bands.get_mut(&reading.tank) {
            Some(before) => std::mem::replace(before, band) != band,
            None => {
                self.bands.insert(reading.tank.clone(), band);
                false
            }
        }
    }

    fn plan_sync(&mut self, now: Instant, at_once: bool) {
        let due = if at_once {
            // A gauge that comes and goes must not wear the flash.
            let earliest = self.last_sync.map_or(now, |last| last + self.sync_interval / SYNCS_PER_INTERVAL);
            now.max(earliest)
        } else {
            now + self.sync_interval
        };
        self.sync_due = Some(self.sync_due.map_or(due, |before| before.min(due)));
    }

    fn sync(&mut self, now: Instant) {
        self.sync_due = None;
        match self.journal.sync() {
            Ok(()) => {
                self.last_sync = Some(now);
                if self.sync_failing {
                    tracing::info!("the journal is synced again");
                }
                self.sync_failing = false;
            }
            Err(error) => {
                if !self.sync_failing {
                    tracing::error!(error = chain(error), "the journal is not synced; a power cut loses readings");
                }
                self.sync_failing = true;
                self.sync_due = Some(now + self.sync_interval.max(RETRY));
            }
        }
    }

    fn recover(&mut self, now: Instant) {
        let held = self.journal.held();
        match self.journal.recover(RECOVERED_AT_A_TIME) {
            Ok(Recovery::Complete) => {
                tracing::info!(readings = held, "the disk takes readings again");
                (self.recover_due, self.retry) = (None, RETRY);
                self.plan_sync(now, true);
            }
            Ok(Recovery::Partial) => self.recover_due = Some(now),
            Err(error) => {
                tracing::debug!(error = chain(error), readings = held, "the disk refuses readings still");
                self.retry = (self.retry * 2).min(LONGEST_RETRY);
                self.recover_due = Some(now + self.retry);
            }
        }
    }
}

fn chain(error: JournalError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod fault_tests;

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
