//! Kills, cuts and damage at random: what is journalled comes to the centre, once, but for what the damage itself hit.
//!
//! A short run is part of every test run; `TANKLINE_ROUNDS=200` makes a long one, `TANKLINE_SEED` repeats one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use tankline_domain::message::{JournalId, SequencedReading};
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::Reading;
use tankline_edge::journal::{Journal, JournalConfig, Opened};
use tankline_runtime::clock;

use crate::support::{Agent, Kept, Number, Station};

const ROUNDS: u32 = 12;

/// What is done to the journal while no agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    Nothing,
    /// One to three bits in any files.
    Flips,
    /// The end of the last segment did not come to the disk: it is not there, or zeros. The machine boots anew.
    PowerCut,
    /// A segment before the last one lost its end.
    CutSegment,
    /// The mark is gone.
    NoMark,
}

/// A journal as it stands in its folder.
struct Found {
    readings: BTreeMap<Number, Reading>,
    gaps: BTreeMap<JournalId, RangeSet>,
    opened: Opened,
}

struct World {
    station: Station,
    random: Rng,
    /// Every reading that was ever in the journal.
    known: BTreeMap<Number, Reading>,
    /// What the centre must get.
    owed: BTreeSet<Number>,
    /// What the journal itself says that it lost.
    gaps: BTreeMap<JournalId, RangeSet>,
    figures: Figures,
}

#[derive(Debug, Default)]
struct Figures {
    rounds: u32,
    kills: u32,
    stops: u32,
    cuts: u32,
    damages: BTreeMap<Damage, u32>,
    /// Readings that the damage hit before the centre had them.
    hit: usize,
    /// Those of them that the edge counted as a gap; the rest stood at the end of a segment.
    counted: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            station: Station::new("segment_kb = 16\nsync_interval_ms = 50\n"),
            random: Rng::with_seed(seed),
            known: BTreeMap::new(),
            owed: BTreeSet::new(),
            gaps: BTreeMap::new(),
            figures: Figures::default(),
        }
    }

    fn round(&mut self) {
        self.figures.rounds += 1;
        self.station.centre.set_away(self.random.u8(..4) == 0);
        let agent = self.station.start();
        if self.random.bool() {
            self.station.centre.set_away(false);
            self.wait_for_all();
        }
        let replies = self.random.u64(1..300);
        self.live(replies);
        self.end(agent);
        self.look("after its end");
        self.damage();
    }

    /// Lets the agent take so many replies; meanwhile connections are cut, and the centre comes and goes.
    fn live(&mut self, replies: u64) {
        let end = self.station.gauges.replies() + replies;
        while self.station.gauges.replies() < end {
            self.station.gauges.wait_for(self.station.gauges.replies() + self.random.u64(1..60));
            match self.random.u8(..8) {
                0 | 1 => {
                    self.figures.cuts += 1;
                    self.station.centre.cut();
                }
                2 => {
                    self.figures.cuts += 1;
                    self.station.centre.set_away(true);
                }
                3 => self.station.centre.set_away(false),
                _ => {}
            }
        }
    }

    fn end(&mut self, agent: Agent) {
        if self.random.u8(..8) == 0 {
            self.figures.stops += 1;
            agent.stop();
        } else {
            self.figures.kills += 1;
            agent.kill();
        }
    }

    /// Waits until the centre has all that it is owed, and knows what it will never get.
    fn wait_for_all(&self) {
        let lacks = |kept: &Kept| self.owed.iter().filter(|number| !kept.readings.contains_key(number)).count();
        self.station.centre.wait("the backlog drains", |kept| lacks(kept) == 0);
        self.station.centre.wait("the gaps are told", |kept| {
            self.gaps.iter().all(|(journal, gap)| {
                let mut untold = gap.clone();
                untold.subtract(kept.gaps.get(journal).unwrap_or(&RangeSet::new()));
                untold.subtract(
                    &kept.readings.range((*journal, 0)..=(*journal, u64::MAX)).map(|(number, _)| number.1).collect(),
                );
                untold.is_empty()
            })
        });
    }

    /// Looks into the folder: all that is owed is there or at the centre, and no number was given twice.
    fn look(&mut self, when: &str) -> Found {
        let found = look_into_copy(&self.station.journal());
        for (number, reading) in &found.readings {
            let known = self.known.entry(*number).or_insert_with(|| reading.clone());
            assert_eq!(known, reading, "{number:?} was given twice");
        }
        let kept = self.station.centre.kept();
        for (number, reading) in &kept.readings {
            assert_eq!(self.known.get(number).unwrap_or(reading), reading, "{number:?} came otherwise than journalled");
        }
        let lost = |number: &&Number| !found.readings.contains_key(number) && !kept.readings.contains_key(number);
        let lost: Vec<&Number> = self.owed.iter().filter(lost).collect();
        assert!(lost.is_empty(), "lost {when}: {lost:?}");
        assert!(kept.twice.is_empty(), "{:?} came with two contents", kept.twice);
        self.owed.extend(found.readings.keys());
        drop(kept);
        found
    }

    /// Does damage and notes what it hit.
    fn damage(&mut self) {
        let damage = match self.random.u8(..12) {
            0..4 => Damage::Nothing,
            4..7 => Damage::Flips,
            7..9 => Damage::PowerCut,
            9..11 => Damage::CutSegment,
            _ => Damage::NoMark,
        };
        *self.figures.damages.entry(damage).or_default() += 1;
        damage.strike(&self.station.journal(), &mut self.random);
        let found = look_into_copy(&self.station.journal());
        let kept = self.station.centre.kept();
        let mut hit = Vec::new();
        self.owed.retain(|number| {
            let is_here = found.readings.contains_key(number) || kept.readings.contains_key(number);
            if !is_here {
                hit.push(*number);
            }
            is_here
        });
        assert!(damage != Damage::Nothing && damage != Damage::NoMark || hit.is_empty(), "{damage:?} hit {hit:?}");
        self.figures.hit += hit.len();
        let is_counted = |(journal, seq): &Number| found.gaps.get(journal).is_some_and(|gap| gap.contains(*seq));
        let (counted, uncounted): (Vec<Number>, Vec<Number>) = hit.into_iter().partition(is_counted);
        self.figures.counted += counted.len();
        for number in uncounted {
            // Nothing that comes after it tells that it was there; only bytes that are no record do, or not even those.
            let mut later = found.readings.range(number..=(number.0, u64::MAX));
            assert!(later.next().is_none() || found.opened.absent_numbers > 0, "{damage:?}: {number:?} is not counted");
        }
        self.gaps = found.gaps;
    }

    /// In the end all is at the centre, once.
    fn end_well(&mut self) {
        self.station.centre.set_away(false);
        let agent = self.station.start();
        self.live(1);
        self.wait_for_all();
        agent.stop();
        self.look("in the end");
        let _again = self.station.start();
        self.wait_for_all();
        let kept = self.station.centre.kept();
        let mut values = BTreeSet::new();
        for (number, reading) in &kept.readings {
            let (Some(level), Some(interface)) = (reading.level, reading.interface) else { continue };
            let value = (level.get() as u16, interface.get() as u16);
            assert!(values.insert(value), "{number:?} is there twice, under another number");
            assert!(self.station.gauges.gave(value), "{number:?} was given by no gauge");
        }
        println!("{}; {} readings at the centre", self.figures, kept.readings.len());
    }
}

impl Damage {
    fn strike(self, dir: &Path, random: &mut Rng) {
        let segments = segments(dir);
        match self {
            Self::Nothing => {}
            Self::Flips => {
                let mut files: Vec<PathBuf> =
                    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
                files.sort();
                for _ in 0..random.u8(1..=3) {
                    let path = &files[random.usize(..files.len())];
                    let mut bytes = std::fs::read(path).unwrap();
                    if !bytes.is_empty() {
                        let at = random.usize(..bytes.len());
                        bytes[at] ^= 1 << random.u8(..8);
                        std::fs::write(path, bytes).unwrap();
                    }
                }
            }
            Self::PowerCut => {
                if let Some(last) = segments.last() {
                    let mut bytes = std::fs::read(last).unwrap();
                    let lost = random.usize(..=bytes.len().min(2000));
                    let end = bytes.len() - lost;
                    if random.bool() {
                        bytes.truncate(end);
                    } else {
                        bytes[end..].fill(0);
                    }
                    std::fs::write(last, bytes).unwrap();
                }
                boot_anew(dir, random.u64(..));
            }
            Self::CutSegment => {
                if segments.len() > 1 {
                    let path = &segments[random.usize(..segments.len() - 1)];
                    let bytes = std::fs::read(path).unwrap();
                    std::fs::write(path, &bytes[..random.usize(..bytes.len())]).unwrap();
                }
            }
            Self::NoMark => drop(std::fs::remove_file(dir.join("mark"))),
        }
    }
}

/// Makes the mark one of another boot of the machine.
fn boot_anew(dir: &Path, boot: u64) {
    let Ok(mark) = std::fs::read_to_string(dir.join("mark")) else { return };
    let words: Vec<&str> = mark.split_whitespace().collect();
    let [journal, first_seq, _, closed_at, _] = words[..] else { return };
    let text = format!("{journal} {first_seq} {boot:016x} {closed_at}");
    std::fs::write(dir.join("mark"), format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()))).unwrap();
}

/// Gives the segments in the order in which they were written.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "seg")).collect();
    segments.sort();
    segments
}

/// Opens a copy of a folder, so that nothing changes in the folder itself.
fn look_into_copy(dir: &Path) -> Found {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let config = JournalConfig { dir: copy.path().to_owned(), max_bytes: 64 << 20, segment_bytes: 16 << 10 };
    let (mut journal, opened) = Journal::open(config).unwrap();
    let mut readings = BTreeMap::new();
    for (id, numbers) in journal.contents() {
        for entry in journal.fetch(id, *numbers.start(), *numbers.end(), usize::MAX).unwrap() {
            let sequenced: SequencedReading = serde_json::from_slice(&entry.json).unwrap();
            assert!(readings.insert((id, entry.seq), sequenced.reading).is_none());
        }
    }
    Found { readings, gaps: journal.gaps(), opened }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, kills, stops, cuts, damages, hit, counted } = self;
        write!(
            f,
            "{rounds} rounds: {kills} kills, {stops} orderly stops, {cuts} cuts, {damages:?}, \
             {hit} readings hit by damage ({counted} of them counted as a gap), none lost otherwise"
        )
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn kills_cuts_and_damage_cost_nothing_but_what_the_damage_hit() {
    let seed = number_from("TANKLINE_SEED").unwrap_or_else(|| fastrand::u64(..));
    let rounds = number_from("TANKLINE_ROUNDS").map_or(ROUNDS, |rounds| rounds.try_into().unwrap());
    println!("seed {seed}");
    let began = clock::now();
    let mut world = World::new(seed);
    for _ in 0..rounds {
        world.round();
    }
    world.end_well();
    println!("in {:.0?}", began.elapsed());
}
