use std::time::Duration;

use super::{LineFault, Noise, Reach, Twin};

/// One kind of fault: its name, what stands behind it, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The name.
    pub name: &'static str,
    /// What may stand behind the name, such as `TIME`; empty when nothing may.
    pub parameter: &'static str,
    /// An example that can be parsed.
    pub example: &'static str,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// What the name alone stands for.
    pub(super) plain: LineFault,
}

impl CatalogueEntry {
    /// Gives where the fault can be had, as its name alone stands for it.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.plain.reach()
    }
}

const fn entry(
    name: &'static str,
    parameter: &'static str,
    example: &'static str,
    meaning: &'static str,
    plain: LineFault,
) -> CatalogueEntry {
    CatalogueEntry { name, parameter, example, meaning, plain }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// All faults.
pub const CATALOGUE: &[CatalogueEntry] = &[
    entry("silent", "", "silent", "no reply", LineFault::Silent),
    entry("late", "TIME", "late=120ms", "reply comes later by this time", LineFault::Late(ms(300))),
    entry("behind", "POLLS", "behind=1", "reply is that to an earlier poll", LineFault::Behind(1)),
    entry("other-unit", "UNIT", "other-unit=99", "reply of another unit", LineFault::OtherUnit(99)),
    entry("crc", "", "crc", "wrong CRC", LineFault::Crc),
    entry("short", "BYTES", "short=5", "reply ends after so many bytes, or anywhere", LineFault::Short(None)),
    entry("split", "TIME", "split=10ms", "pause inside the reply", LineFault::Split(ms(10))),
    entry("trailing", "BYTES", "trailing=3", "garbage after the reply", LineFault::Trailing(3)),
    entry("glitch", "BYTES", "glitch=1", "stray bytes before the reply", LineFault::Glitch(1)),
    entry("other-master", "UNIT", "other-master=99", "another master asks this unit", LineFault::OtherMaster(99)),
    entry("echo", "", "echo", "own request is heard", LineFault::Echo),
    entry("exception", "CODE", "exception=6", "exception reply", LineFault::Exception(4)),
    entry("count", "REGISTERS", "count=-1", "registers too many or too few", LineFault::Count(1)),
    entry("function", "CODE", "function=4", "reply of another function", LineFault::Function(4)),
    entry("stuck", "", "stuck", "values do not change any more", LineFault::Stuck),
    entry("zero", "", "zero", "all values 0, as after a restart", LineFault::Zero),
    entry("word", "WORD", "word=0x8000", "all registers hold this word", LineFault::Word(0x8000)),
    entry("shorted", "TIME", "shorted=300ms", "line held low: zeros", LineFault::Shorted(ms(300))),
    entry("babble", "TIME", "babble=300ms", "random bytes without end", LineFault::Babble(ms(300))),
    entry("noise", "bit|burst", "noise=30%", "bits flipped, bytes replaced", LineFault::Noise(Noise::Any)),
    entry("asleep", "POLLS", "asleep=5", "sleeps for so many polls", LineFault::Asleep(3)),
    entry("baud", "RATE", "baud=19200", "reply at another rate", LineFault::Baud(19_200)),
    entry(
        "twin",
        "collides|follows",
        "twin=follows",
        "second gauge with this address",
        LineFault::Twin(Twin::Collides),
    ),
    entry("repeat", "TIME", "repeat=30ms", "reply comes twice", LineFault::Repeat(ms(30))),
    entry("early", "", "early", "old reply comes before the request is over", LineFault::Early),
    entry("trickle", "TIME", "trickle=15ms", "one byte at a time", LineFault::Trickle(ms(15))),
    entry("transaction", "", "transaction", "reply to another transaction", LineFault::Transaction),
    entry("hang-up", "", "hang-up", "connection ends instead of a reply", LineFault::HangUp),
];

/// Gives the catalogue as a table for a person.
#[must_use]
pub fn catalogue_table() -> Vec<String> {
    let row = |name: &str, takes: &str, alone: &str, example: &str, meaning: &str, works: &str| {
        format!("{name:<13} {takes:<17} {alone:<16} {example:<17} {meaning:<44} {works}")
    };
    let head = row("fault", "takes", "alone means", "example", "what it is", "works");
    let rows = CATALOGUE.iter().map(|entry| {
        let alone = entry.plain.to_string();
        let alone = if alone == entry.name { "" } else { &alone };
        row(entry.name, entry.parameter, alone, entry.example, entry.meaning, &entry.reach().to_string())
    });
    let chance =
        "A chance may follow each: crc=20%, late=120ms@30%. Several stand side by side: crc@20% late=40ms@20%.";
    std::iter::once(head).chain(rows).chain([String::new(), chance.to_owned()]).collect()
}
