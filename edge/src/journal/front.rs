//! Stands before the thread that writes: takes everything at once, and goes on in memory while the disk hangs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tankline_domain::message::{JournalId, JournalRanges};
use tankline_domain::reading::Reading;

use super::entry::Entry;
use super::handover::{Handover, Reply, Withdrawn};
use super::memory::Memory;
use super::writer::{DiskTrouble, Report, Request};

/// The disk hangs when one operation takes longer.
pub(super) const HANGS_AFTER: Duration = Duration::from_secs(10);

/// The disk hangs when more readings wait for it.
const MAX_WAITING: usize = 4096;

/// Takes readings and requests at once, whatever the disk does.
#[derive(Debug)]
pub(super) struct Front {
    handover: Arc<Handover>,
    ids: fastrand::Rng,
    /// What the thread was at, and when it was first seen at it.
    at_work: Option<(u64, Instant)>,
    /// Present while the thread hangs.
    hang: Option<Hang>,
    /// Readings that got their numbers here.
    numbered: Vec<(Reading, Entry)>,
}

/// What happens while the thread hangs.
#[derive(Debug)]
struct Hang {
    memory: Memory,
    /// How the journal stood before.
    before: Report,
    /// What the centre committed meanwhile.
    committed: BTreeMap<JournalId, JournalRanges>,
    /// What the centre lost meanwhile.
    forgotten: Vec<JournalRanges>,
}

impl Front {
    pub(super) fn new(handover: Arc<Handover>, ids: fastrand::Rng) -> Self {
        Self { handover, ids, at_work: None, hang: None, numbered: Vec::new() }
    }

    /// Takes a reading. The thread gives it its number, or this one does while that hangs.
    pub(super) fn take(&mut self, now: Instant, reading: Reading) {
        if let Some(hang) = &mut self.hang {
            let entry = hang.memory.append(&reading);
            self.numbered.push((reading, entry));
        } else {
            self.handover.push(reading);
            self.begin_watching(now);
        }
    }

    /// Gives the readings that got their numbers here since the last call.
    pub(super) fn numbered(&mut self) -> Vec<(Reading, Entry)> {
        std::mem::take(&mut self.numbered)
    }

    /// Takes a request.
    pub(super) fn ask(&mut self, now: Instant, request: Request) {
        if let Some(hang) = &mut self.hang {
            return hang.answer(request);
        }
        self.handover.ask(request);
        self.begin_watching(now);
    }

    /// Looks what the thread is at.
    pub(super) fn look(&mut self, now: Instant) {
        let progress = self.handover.progress();
        if let Some(hang) = self.hang.take() {
            if progress.is_busy {
                self.hang = Some(hang);
            } else {
                self.end(hang, now);
            }
            return;
        }
        let (begun, since) = match self.at_work {
            Some((begun, since)) if begun == progress.begun => (begun, since),
            _ => (progress.begun, now),
        };
        self.at_work = progress.is_busy.then_some((begun, since));
        let hangs = now.saturating_duration_since(since) >= HANGS_AFTER || progress.readings > MAX_WAITING;
        if progress.is_busy && hangs {
            self.begin();
        }
    }

    /// Gives when [`Front::look`] is to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.at_work.filter(|_| self.hang.is_none()).map(|(_, since)| since + HANGS_AFTER)
    }

    /// Tells whether the disk hangs.
    pub(super) const fn hangs(&self) -> bool {
        self.hang.is_some()
    }

    /// Says that nothing more comes. What is in memory goes to the disk if that goes on after all.
    pub(super) fn close(mut self) {
        if let Some(hang) = self.hang.take() {
            tracing::error!(
                readings = hang.memory.len(),
                "the disk hangs; readings in memory are lost unless it goes on now"
            );
            self.handover.resume(hang.memory);
        }
    }

    fn begin_watching(&mut self, now: Instant) {
        if self.at_work.is_none() {
            self.at_work = Some((self.handover.progress().begun, now));
        }
    }

    fn begin(&mut self) {
        let Withdrawn { memory, readings, requests, reply, report } = self.handover.withdraw();
        tracing::error!(readings = readings.len(), "the disk hangs; readings are kept in memory");
        let memory = memory.unwrap_or_else(|| Memory::new(JournalId::new(self.ids.u64(..))));
        let mut hang = Hang { memory, before: report, committed: BTreeMap::new(), forgotten: Vec::new() };
        for reading in readings {
            let entry = hang.memory.append(&reading);
            self.numbered.push((reading, entry));
        }
        if let Some(Reply::Report(reply)) = reply {
            hang.answer(Request::Report(reply));
        }
        requests.into_iter().for_each(|request| hang.answer(request));
        self.hang = Some(hang);
    }

    fn end(&mut self, hang: Hang, now: Instant) {
        tracing::info!(readings = hang.memory.len(), "the disk goes on; what was kept in memory goes there");
        self.handover.resume(hang.memory);
        for lost in hang.forgotten {
            self.handover.ask(Request::Forget(lost));
        }
        for committed in hang.committed.into_values() {
            self.handover.ask(Request::Commit(committed));
        }
        self.at_work = None;
        self.begin_watching(now);
    }
}

impl Drop for Front {
    /// The thread ends when nothing more comes.
    fn drop(&mut self) {
        self.handover.close();
    }
}

impl Hang {
    /// Answers from memory. What is on the disk cannot be read now; who asks for it tries again.
    fn answer(&mut self, request: Request) {
        match request {
            Request::Commit(committed) => {
                if committed.journal == self.memory.journal() {
                    self.memory.commit(&committed.ranges);
                }
                // Each time the centre says all that it has.
                self.committed.insert(committed.journal, committed);
            }
            // What was committed from memory is gone from there. The centre loses something when it is restored, so seldom.
            Request::Forget(lost) => self.forgotten.push(lost),
            Request::Fetch { journal, first, last, limit, reply } => {
                if journal == self.memory.journal() {
                    drop(reply.send(self.memory.fetch(first, last, limit).cloned().collect()));
                }
            }
            Request::Report(reply) => drop(reply.send(self.report())),
        }
    }

    fn report(&self) -> Report {
        let (journal, held) = (self.memory.journal(), self.memory.len());
        let mut report = self.before.clone();
        report.journal = journal;
        let in_memory = self.memory.numbers().map(|numbers| (journal, numbers));
        report.contents = report.contents.into_iter().chain(in_memory).collect();
        report.depth += held;
        report.held += held;
        let ranges = self.memory.dropped().clone();
        if !ranges.is_empty() {
            report.gaps.push(JournalRanges { journal, ranges });
        }
        report.trouble = Some(DiskTrouble::Hangs);
        report
    }
}

#[cfg(test)]
#[path = "front_tests.rs"]
mod tests;
