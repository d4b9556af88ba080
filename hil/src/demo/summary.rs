//! What was measured in a run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::audit::Findings;
use crate::line::LineCounters;

/// What was measured in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Version of the program.
    pub version: &'static str,
    /// The site.
    pub site: String,
    /// How long gauges were polled.
    pub seconds: f64,
    /// Gauges of the site.
    pub gauges: usize,
    /// Gauges that were live at the end.
    pub gauges_live: usize,
    /// Requests of the edges, retries among them.
    pub polls: u64,
    /// Replies that answered a request.
    pub replies: u64,
    /// Requests that nothing answered in time.
    pub timeouts: u64,
    /// Damaged frames.
    pub crc_errors: u64,
    /// Frames that came outside the time slot of a request.
    pub late: u64,
    /// Frames that answered no request of ours.
    pub foreign: u64,
    /// Exception replies.
    pub exceptions: u64,
    /// Readings that went into the journals, failed polls among them.
    pub readings_journalled: u64,
    /// Readings that went into the database, those among them that were left over from the run before.
    pub readings_committed: u64,
    /// Readings that came again and were not stored again.
    pub duplicates_refused: u64,
    /// Messages and readings that could not be taken.
    pub dead_letters: u64,
    /// From gauge to database.
    pub latency_ms: Latency,
    /// The share of the time in which the wire was taken.
    pub bus_use: BusUse,
    /// Readings that were left in the journals.
    pub journal_depth_at_end: u64,
    /// Readings that the historian has not got; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub historian_lag: Option<u64>,
    /// Whether every answer is stored once, as it was given.
    pub audit: AuditSummary,
}

/// Time from gauge to database, in milliseconds; absent when nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// That half of the readings did not exceed.
    pub p50: Option<u64>,
    /// That 99 of 100 readings did not exceed.
    pub p99: Option<u64>,
    /// The longest.
    pub max: Option<u64>,
}

/// The share of the time in which the wire was taken, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BusUse {
    /// The mean of all lines.
    pub overall: f64,
    /// Each line.
    pub lines: BTreeMap<String, f64>,
}

/// What the audit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// Whether everything is as it must be.
    pub clean: bool,
    /// What was found in all tanks together.
    #[serde(flatten)]
    pub findings: Findings,
    /// Journalled readings, failed polls among them, that are neither in the database nor in a journal.
    pub unaccounted: u64,
    /// Gauges whose answers cannot be compared one by one: read in pieces, or reported by exception.
    pub gauges_not_audited: u64,
    /// What was found in tanks where something is wrong.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tanks: BTreeMap<String, Findings>,
    /// The first things that are wrong there, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

impl BusUse {
    /// Reckons it from what the lines counted in a time.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of lines")]
    pub fn of<'l>(lines: impl IntoIterator<Item = (&'l str, LineCounters)>, time: Duration) -> Self {
        let seconds = time.as_secs_f64().max(1e-3);
        let share = |counters: LineCounters| rounded(counters.busy.as_secs_f64() / seconds);
        let lines: BTreeMap<_, _> =
            lines.into_iter().map(|(name, counters)| (name.to_owned(), share(counters))).collect();
        let overall = rounded(lines.values().sum::<f64>() / lines.len().max(1) as f64);
        Self { overall, lines }
    }
}

impl Summary {
    /// Writes it as JSON; the file is there whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        write_json(self, file)
    }
}

/// Writes something as JSON; the file is there whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write_json(content: &impl Serialize, file: &Path) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(content)?;
    text.push(b'\n');
    let name = file.file_name().ok_or_else(|| io::Error::other("it names no file"))?.to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = File::create(&beside).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    let placed = written.and_then(|()| fs::rename(&beside, file));
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    placed
}

/// Leaves out digits that say nothing.
#[must_use]
pub fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.json");
        for text in ["one", "two"] {
            write_json(&text, &file).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), format!("\"{text}\"\n"));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_json(&"x", &folder.path().join("none/s.json")).is_err());
        assert!(write_json(&"x", folder.path()).is_err());
    }

    #[test]
    fn bus_use_is_a_share_of_the_time() {
        let busy = |seconds| LineCounters { busy: Duration::from_secs(seconds), ..LineCounters::default() };
        let share = BusUse::of([("line-01", busy(2)), ("line-02", busy(4))], Duration::from_secs(10));
        assert_eq!((share.overall, share.lines["line-01"], share.lines["line-02"]), (0.3, 0.2, 0.4));
        assert_eq!(BusUse::of([], Duration::ZERO).overall, 0.0);
    }
}
