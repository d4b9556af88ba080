//! What was journalled before this boot of the machine.
//!
//! A time since the machine's start means something only together with that start. So the journal remembers, from the
//! first opening in a boot on, up to where it went then: in a file beside the segments, which outlives the process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tankline_domain::message::JournalId;

use super::error::JournalError;
use super::host::Boot;
use super::scan::{Found, Segment};
use super::storage::Storage;

/// Name of its file.
pub(super) const BOOT: &str = "boot";

/// Length of its file at most.
pub(super) const BOOT_LENGTH: u64 = 112;

/// What was journalled before this boot of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// The last number of each journal that was given before.
    pub through: BTreeMap<JournalId, u64>,
    /// The latest stamp of them that is a time since a start of the machine, in ms; 0 when there is none.
    pub latest_unset_ms: i64,
}

impl Earlier {
    /// Tells whether a reading was journalled before this boot.
    #[must_use]
    pub fn has(&self, journal: JournalId, seq: u64) -> bool {
        self.through.get(&journal).is_some_and(|through| seq <= *through)
    }

    /// Takes what came to light since.
    pub fn extend(&mut self, other: &Self) {
        self.through.extend(&other.through);
        self.latest_unset_ms = self.latest_unset_ms.max(other.latest_unset_ms);
    }
}

/// How far the journals of a folder went when they were first opened in this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Border {
    boot: Boot,
    generation: u64,
    journal: JournalId,
    /// The next number of that journal.
    next_seq: u64,
    latest_unset_ms: i64,
}

impl Border {
    /// Gives the border of this boot; at its first opening that is where the journals end.
    pub(super) fn of(storage: &dyn Storage, dir: &Path, boot: Boot, found: &Found) -> Self {
        if let Some(border) = Self::read(storage, dir).filter(|border| border.boot == boot) {
            return border;
        }
        let newest = found.segments.last();
        let border = Self {
            boot,
            generation: newest.map_or(0, |newest| newest.header.generation),
            journal: newest.map_or(JournalId::new(0), |newest| newest.header.journal),
            next_seq: newest.map_or(1, Segment::next_seq),
            latest_unset_ms: found.latest_unset_ms,
        };
        if let Err(error) = border.write(storage, dir) {
            let error = anyhow::Error::from(error);
            tracing::warn!(
                error = format!("{error:#}"),
                "the journal cannot write down where this boot begins; what is stamped before the clock is set may lose its time at a restart"
            );
        }
        border
    }

    /// Gives what the segments that are here have from before.
    pub(super) fn earlier(&self, segments: &[Segment]) -> Earlier {
        let mut through: BTreeMap<JournalId, u64> = BTreeMap::new();
        for header in segments.iter().map(|segment| segment.header) {
            if header.journal == self.journal {
                through.insert(header.journal, self.next_seq - 1);
            } else if header.generation <= self.generation {
                through.insert(header.journal, u64::MAX);
            }
        }
        Earlier { through, latest_unset_ms: self.latest_unset_ms }
    }

    /// Gives the place of its file in a journal's folder.
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join(BOOT)
    }

    fn read(storage: &dyn Storage, dir: &Path) -> Option<Self> {
        let bytes = storage.read(&Self::path(dir), 0, BOOT_LENGTH as usize).ok()?;
        Self::decode(str::from_utf8(&bytes).ok()?)
    }

    /// Writes it so that the process may be killed; when the machine's power is cut, another boot comes anyway.
    fn write(&self, storage: &dyn Storage, dir: &Path) -> Result<(), JournalError> {
        let path = Self::path(dir);
        let write = || storage.create(&path)?.write_at(0, self.encode().as_bytes());
        write().map_err(JournalError::io("write", &path))
    }

    fn encode(&self) -> String {
        let Self { boot, generation, journal, next_seq, latest_unset_ms } = self;
        let text = format!("{:016x} {generation} {journal} {next_seq} {latest_unset_ms}", boot.get());
        let crc = crc32fast::hash(text.as_bytes());
        format!("{text} {crc:08x}\n")
    }

    fn decode(text: &str) -> Option<Self> {
        let (text, crc) = text.strip_suffix('\n')?.rsplit_once(' ')?;
        if crc != format!("{:08x}", crc32fast::hash(text.as_bytes())) {
            return None;
        }
        let mut words = text.split(' ');
        let boot = Boot::new(u64::from_str_radix(words.next()?, 16).ok()?);
        let (generation, journal) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (next_seq, latest_unset_ms) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (next_seq > 0).then_some(Self { boot, generation, journal, next_seq, latest_unset_ms })
    }
}

#[cfg(test)]
mod tests {
    use tankline_domain::reading::{Bad, Reading};
    use tankline_domain::units::UnixMillis;

    use super::super::log::JournalConfig;
    use super::super::simulated::{Fault, Lasting, Leftover, Machine};
    use super::super::store::Journal;
    use super::*;

    fn open(machine: &Machine, boot: u64) -> Journal {
        let config = JournalConfig { dir: "/journal".into(), max_bytes: 1 << 20, segment_bytes: 1 << 10 };
        Journal::open_seeded(&machine.host(boot), config, None, fastrand::u64(..)).unwrap().0
    }

    fn append(journal: &mut Journal, stamps: impl IntoIterator<Item = i64>) {
        for at in stamps {
            journal.append(&Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at), Bad::NoReply)).unwrap();
        }
    }

    #[test]
    fn borders_come_back_whole_or_not_at_all() {
        let border = Border {
            boot: Boot::new(u64::MAX),
            generation: u64::MAX,
            journal: JournalId::new(u64::MAX),
            next_seq: u64::MAX,
            latest_unset_ms: i64::MIN,
        };
        let text = border.encode();
        assert!(text.len() as u64 <= BOOT_LENGTH, "{}", text.len());
        assert_eq!(Border::decode(&text), Some(border));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(str::from_utf8(&bytes).ok().and_then(Border::decode), None, "bit {bit}");
        }
    }

    #[test]
    fn what_was_journalled_in_this_boot_is_known_from_what_came_before_across_kills() {
        let machine = Machine::new();
        let mut journal = open(&machine, 1);
        let old = journal.id();
        append(&mut journal, [5000, 9000, 1_795_400_000_000, 7000]);
        assert_eq!(journal.earlier(), Earlier::default());
        journal.close().unwrap();
        // The machine boots anew and the journal goes on; then the process is killed, twice.
        for kill in 0..3_u64 {
            let mut journal = open(&machine, 2);
            assert_eq!(journal.id(), old);
            let earlier = journal.earlier();
            assert_eq!(earlier, Earlier { through: BTreeMap::from([(old, 4)]), latest_unset_ms: 9000 });
            assert!(earlier.has(old, 4) && !earlier.has(old, 5));
            append(&mut journal, (0..20).map(|at| 20_000 + at));
            assert_eq!(journal.earlier(), earlier);
            assert_eq!(journal.depth(), 4 + 20 * (kill + 1));
        }
        // The power goes: a new journal is begun, and all of the old one is from before.
        machine.turn_on(Leftover::Everything);
        let mut journal = open(&machine, 3);
        let new = journal.id();
        assert_ne!(new, old);
        append(&mut journal, [100]);
        let earlier = journal.earlier();
        assert!(earlier.has(old, 64) && !earlier.has(new, 1));
        assert_eq!(earlier.latest_unset_ms, 20_019);
    }

    #[test]
    fn readings_in_memory_are_of_this_boot_and_stay_so_on_the_disk() {
        let machine = Machine::new();
        let mut journal = open(&machine, 1);
        let old = journal.id();
        append(&mut journal, [1, 2]);
        journal.close().unwrap();
        machine.plan(0, Fault::Fails(0), Lasting::Everything);
        let mut journal = open(&machine, 2);
        assert_eq!(journal.earlier(), Earlier::default());
        let held = journal.hold(&Reading::failed("T-01".parse().unwrap(), UnixMillis::new(3), Bad::NoReply));
        machine.repair();
        append(&mut journal, [4]);
        for _ in 0..2 {
            let earlier = journal.earlier();
            assert!(earlier.has(old, 2) && !earlier.has(held.journal, 1) && !earlier.has(held.journal, 2));
            drop(journal);
            journal = open(&machine, 2);
        }
    }
}
