//! The journal as a whole: on the disk, and in memory while the disk refuses it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tankline_domain::message::JournalId;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;

use super::contents::Contents;
use super::earlier::Earlier;
use super::entry::Entry;
use super::error::JournalError;
use super::host::{Boot, Host};
use super::log::{JournalConfig, Log, Marking};
use super::memory::{MAX_BYTES, Memory};
use super::opening::Opened;
use super::owner::Owner;
use super::storage::Storage;

/// Every reading until the centre has committed it.
///
/// A process that is killed loses nothing that was appended: the system has it. A machine that loses its power loses at
/// most what came after the last [`Journal::sync`]; their sequence numbers may be known to the centre, so they are never
/// given again: a new journal is begun instead.
///
/// While the disk refuses readings, [`Journal::hold`] keeps them in memory under numbers of a journal of their own, and
/// [`Journal::recover`] brings them to the disk under the same numbers when it takes them again.
#[derive(Debug)]
pub struct Journal {
    config: JournalConfig,
    storage: Arc<dyn Storage>,
    owner: Option<Owner>,
    boot: Boot,
    ids: fastrand::Rng,
    /// Absent as long as the folder cannot be used at all.
    log: Option<Log>,
    /// What is in memory; while there is any, new readings go to the last of them.
    memories: VecDeque<Memory>,
    /// Readings that went from memory uncommitted.
    dropped: BTreeMap<JournalId, RangeSet>,
}

/// Whether all readings are on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Some are in memory only.
    Partial,
    /// All are; new ones go there too.
    Complete,
}

impl Journal {
    /// Opens the journal of a folder on this machine, or makes it, whoever's readings it has.
    ///
    /// # Errors
    /// Those of [`Journal::open_on`].
    pub fn open(config: JournalConfig) -> Result<(Self, Opened), JournalError> {
        Self::open_on(&Host::default(), config, None)
    }

    /// Opens the journal of a folder on a machine, or makes it. A folder that is nobody's becomes the owner's.
    ///
    /// Damage to its content is no error: what is good is kept. A disk that cannot be used is none either: then the
    /// journal is in memory, and [`Opened::in_memory`] says so.
    ///
    /// # Errors
    /// [`JournalError`] when another process has the folder, it has the readings of another edge, a newer version wrote
    /// it, or there are no random numbers.
    pub fn open_on(host: &Host, config: JournalConfig, owner: Option<Owner>) -> Result<(Self, Opened), JournalError> {
        let seed = getrandom::u64().map_err(|error| JournalError::Random(error.to_string()))?;
        Self::open_seeded(host, config, owner, seed)
    }

    /// Opens the journal of a folder as [`Journal::open_on`] does, but not in memory.
    ///
    /// # Errors
    /// Those of [`Journal::open_on`], and why the disk cannot be used.
    pub fn open_on_disk(
        host: &Host,
        config: JournalConfig,
        owner: Option<Owner>,
    ) -> Result<(Self, Opened), JournalError> {
        let seed = getrandom::u64().map_err(|error| JournalError::Random(error.to_string()))?;
        match Self::begin(host, config, owner, seed)? {
            (journal, opened, None) => Ok((journal, opened)),
            (.., Some(error)) => Err(error),
        }
    }

    /// Opens it with random numbers from a seed.
    pub(super) fn open_seeded(
        host: &Host,
        config: JournalConfig,
        owner: Option<Owner>,
        seed: u64,
    ) -> Result<(Self, Opened), JournalError> {
        let (mut journal, mut opened, refused) = Self::begin(host, config, owner, seed)?;
        if let Some(error) = refused {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(error, "the disk refuses the journal; readings are kept in memory");
            journal.memory();
            (opened.in_memory, opened.new_journal) = (true, true);
        }
        Ok((journal, opened))
    }

    /// Opens it as far as the disk lets it, and gives why it does not.
    fn begin(
        host: &Host,
        config: JournalConfig,
        owner: Option<Owner>,
        seed: u64,
    ) -> Result<(Self, Opened, Option<JournalError>), JournalError> {
        let Host { storage, boot } = host.clone();
        let ids = fastrand::Rng::with_seed(seed);
        let (log, memories, dropped) = (None, VecDeque::new(), BTreeMap::new());
        let mut journal = Self { config, storage, owner, boot, ids, log, memories, dropped };
        match journal.open_log() {
            Ok((opened, begun)) => Ok((journal, opened, begun.err())),
            Err(error) if error.is_of_the_disk() => {
                Ok((journal, Opened { new_journal: true, ..Opened::default() }, Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Gives random numbers for identities of journals, other ones than those that come from here.
    pub(super) fn fork_ids(&mut self) -> fastrand::Rng {
        self.ids.fork()
    }

    /// Gives the identity of the journal that new readings go to.
    #[must_use]
    pub fn id(&self) -> JournalId {
        match (self.memories.back(), &self.log) {
            (Some(memory), _) => memory.journal(),
            (None, Some(log)) => log.journal,
            (None, None) => unreachable!("without a log there is memory"),
        }
    }

    /// Gives the journals that have readings here, oldest first, and the lowest and highest number of each.
    #[must_use]
    pub fn contents(&self) -> Contents {
        let segments =
            self.log.iter().flat_map(|log| &log.segments).filter_map(|segment| {
                Some((segment.header.journal, segment.numbers.first()?..=segment.numbers.last()?))
            });
        let held = self.memories.iter().filter_map(|memory| Some((memory.journal(), memory.numbers()?)));
        segments.chain(held).collect()
    }

    /// Gives the readings that are lost uncommitted, since the journal was opened: it was full, or they are damaged.
    #[must_use]
    pub fn gaps(&self) -> BTreeMap<JournalId, RangeSet> {
        let mut gaps = self.dropped.clone();
        for (journal, lost) in self.log.iter().flat_map(|log| &log.gaps) {
            gaps.entry(*journal).or_default().extend(lost);
        }
        gaps
    }

    /// Says what of it was journalled before this boot of the machine.
    #[must_use]
    pub fn earlier(&self) -> Earlier {
        self.log.as_ref().map_or_else(Earlier::default, |log| log.border.earlier(&log.segments))
    }

    /// Gives the bytes of all files in the folder.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::bytes)
    }

    /// Counts the readings that are in memory only.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.memories.iter().map(Memory::len).sum()
    }

    /// Gives the first number that is in memory.
    #[cfg(test)]
    pub(super) fn first_held(&self) -> Option<u64> {
        Some(*self.memories.front()?.numbers()?.start())
    }

    /// Tells whether new readings go to memory.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.memories.is_empty()
    }

    /// Appends a reading under the next sequence number. When this returns, a kill of the process does not lose it.
    ///
    /// # Errors
    /// [`JournalError`] when the disk does not take it, or not all that is in memory before it.
    pub fn append(&mut self, reading: &Reading) -> Result<Entry, JournalError> {
        while self.recover(usize::MAX)? == Recovery::Partial {}
        match &mut self.log {
            Some(log) => log.append(reading),
            None => unreachable!("what has recovered has a log"),
        }
    }

    /// Takes a reading that the disk does not take, under a sequence number of a journal in memory.
    ///
    /// When memory is full the oldest go, counted as a gap.
    pub fn hold(&mut self, reading: &Reading) -> Entry {
        let entry = self.memory().append(reading);
        self.bound_memory();
        entry
    }

    /// Takes readings that somebody else kept in memory while this one could not be asked.
    ///
    /// New readings get their numbers after those.
    pub(super) fn adopt(&mut self, memory: Memory) {
        self.memories.push_back(memory);
        self.bound_memory();
    }

    /// Lets the oldest readings in memory go while there are too many.
    fn bound_memory(&mut self) {
        while self.memories.iter().map(Memory::bytes).sum::<usize>() > MAX_BYTES
            && self.memories.iter_mut().any(Memory::drop_oldest)
        {}
        for memory in &mut self.memories {
            let dropped = memory.take_dropped();
            if !dropped.is_empty() {
                self.dropped.entry(memory.journal()).or_default().extend(&dropped);
            }
        }
    }

    /// Brings readings from memory to the disk, up to `limit` of them.
    ///
    /// # Errors
    /// [`JournalError`] when the disk refuses them still; they stay in memory.
    pub fn recover(&mut self, limit: usize) -> Result<Recovery, JournalError> {
        if self.memories.is_empty() {
            return Ok(Recovery::Complete);
        }
        if self.log.is_none() {
            self.open_log()?.1?;
        }
        let is_last = self.memories.len() == 1;
        let (Some(memory), Some(log)) = (self.memories.front_mut(), &mut self.log) else {
            unreachable!("both are there");
        };
        log.enter(memory.journal())?;
        for _ in 0..limit {
            let Some(entry) = memory.front() else { break };
            log.write(entry, Marking::Left)?;
            memory.pop_front();
        }
        if memory.front().is_some() {
            return Ok(Recovery::Partial);
        }
        if is_last {
            log.take_over(memory.next_seq())?;
        }
        // Of one that is not the last, nobody gives numbers any more.
        self.memories.pop_front();
        Ok(if is_last { Recovery::Complete } else { Recovery::Partial })
    }

    /// Brings everything appended to the disk; after this a power cut does not lose it.
    ///
    /// # Errors
    /// [`JournalError`] when the disk fails.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.log.as_mut().map_or(Ok(()), Log::sync)
    }

    /// Tells whether something was appended since the last sync.
    #[must_use]
    pub fn is_unsynced(&self) -> bool {
        self.log.as_ref().is_some_and(Log::is_unsynced)
    }

    /// Takes what the centre has committed; segments that are committed whole go.
    ///
    /// # Errors
    /// [`JournalError`] when a file cannot be removed.
    pub fn commit(&mut self, journal: JournalId, ranges: &RangeSet) -> Result<(), JournalError> {
        for memory in self.memories.iter_mut().filter(|memory| memory.journal() == journal) {
            memory.commit(ranges);
        }
        if let Some(dropped) = self.dropped.get_mut(&journal) {
            dropped.subtract(ranges);
        }
        self.dropped.retain(|_, dropped| !dropped.is_empty());
        self.log.as_mut().map_or(Ok(()), |log| log.commit(journal, ranges))
    }

    /// Takes that the centre has no more what it had committed.
    pub fn forget(&mut self, journal: JournalId, lost: &RangeSet) {
        if let Some(log) = self.log.as_mut() {
            log.forget(journal, lost);
        }
    }

    /// Counts the readings here that are not known to be committed.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::depth) + self.held()
    }

    /// Reads up to `limit` readings of a journal, from the first wanted one on, none after `last`.
    ///
    /// # Errors
    /// [`JournalError`] when a segment cannot be read. One that cannot be read again and again is passed over.
    pub fn fetch(
        &mut self,
        journal: JournalId,
        first: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, JournalError> {
        let mut entries = match &mut self.log {
            Some(log) => log.fetch(journal, first, last, limit)?,
            None => Vec::new(),
        };
        if let Some(memory) = self.memories.iter().find(|memory| memory.journal() == journal) {
            let first = entries.last().map_or(first, |entry| entry.seq + 1);
            entries.extend(memory.fetch(first, last, limit - entries.len()).cloned());
        }
        Ok(entries)
    }

    /// Gives the oldest reading that is not known to be committed, as far as it can be read.
    pub fn oldest_uncommitted(&mut self) -> Option<Entry> {
        let on_disk = self.log.as_mut().and_then(Log::oldest_uncommitted);
        on_disk.or_else(|| self.memories.iter().find_map(Memory::front).cloned())
    }

    /// Brings everything to disk and marks that nothing is missing, so that the next start goes on in this journal.
    ///
    /// # Errors
    /// [`JournalError`] when the disk fails; the next start is then like one after a power cut.
    pub fn close(mut self) -> Result<(), JournalError> {
        let recovered = loop {
            match self.recover(usize::MAX) {
                Ok(Recovery::Partial) => {}
                recovered => break recovered,
            }
        };
        match recovered {
            Ok(_) => self.log.map_or(Ok(()), Log::close),
            Err(error) => {
                let readings = self.held();
                if readings > 0 {
                    tracing::error!(readings, "the disk refused readings to the end; they are lost");
                }
                // What was appended before is brought to the disk as far as it goes.
                self.sync()?;
                if readings > 0 { Err(error) } else { Ok(()) }
            }
        }
    }

    fn open_log(&mut self) -> Result<(Opened, Result<(), JournalError>), JournalError> {
        let fresh = JournalId::new(self.ids.u64(..));
        let (log, opened, begun) =
            Log::open(self.storage.clone(), self.config.clone(), self.owner.as_ref(), self.boot, fresh)?;
        if opened.torn_bytes > 0 || opened.damaged_segments > 0 {
            let Opened { torn_bytes, damaged_readings, damaged_segments, readings, .. } = opened;
            tracing::warn!(torn_bytes, damaged_readings, damaged_segments, readings, "the journal was damaged");
        }
        self.log = Some(log);
        Ok((opened, begun))
    }

    fn memory(&mut self) -> &mut Memory {
        if self.memories.is_empty() {
            self.memories.push_back(Memory::new(JournalId::new(self.ids.u64(..))));
        }
        self.memories.back_mut().expect("there is one")
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "damage_tests.rs"]
mod damage_tests;
