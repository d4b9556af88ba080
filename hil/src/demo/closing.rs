//! The last words of a run, for a person.

use std::fmt::Write;
use std::path::Path;

use super::snapshot::millis;
use super::summary::{AuditSummary, Summary};

/// Says what was measured, and where to look next.
#[must_use]
pub fn words(summary: &Summary, data: &Path) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").expect("writing to a text does not fail");
    let Summary { gauges, gauges_live, polls, replies, timeouts, crc_errors, late, foreign, .. } = summary;
    let Summary { readings_journalled, readings_committed, duplicates_refused, dead_letters, .. } = summary;
    let lines = summary.bus_use.lines.len();
    let bus_use = summary.bus_use.overall * 100.0;
    let plural = if lines == 1 { "line" } else { "lines" };
    say(format!("tankline demo: {}, {:.1} s", summary.site, summary.seconds));
    say(format!(
        "  gauges    {gauges_live} of {gauges} live on {lines} {plural}, {bus_use:.0} % of the time on the wire"
    ));
    say(format!("  polls     {polls} asked, {replies} answered"));
    say(format!("            {timeouts} timed out, {crc_errors} damaged, {late} late, {foreign} foreign"));
    say(format!("  readings  {readings_journalled} journalled, {readings_committed} committed"));
    say(format!("            {duplicates_refused} came twice and were refused, {dead_letters} dead letters"));
    let latency = summary.latency_ms;
    say(format!(
        "  latency   from gauge to database p50 {}, p99 {}, at most {}",
        millis(latency.p50),
        millis(latency.p99),
        millis(latency.max)
    ));
    say(format!("  audit     {}", verdict(&summary.audit)));
    for (tank, found) in &summary.audit.tanks {
        say(format!(
            "            {tank}: {} missing, {} extra, {} different, {} belated, {} twice",
            found.missing, found.extra, found.different, found.belated, found.duplicates
        ));
    }
    for example in &summary.audit.examples {
        say(format!("            {example}"));
    }
    if summary.journal_depth_at_end > 0 {
        let depth = summary.journal_depth_at_end;
        say(format!("  journals  {depth} readings wait there; the next run brings them to the database"));
    }
    if let Some(lag) = summary.historian_lag {
        say(match lag {
            0 => "  historian has all of it".to_owned(),
            lag => format!("  historian {lag} readings are yet to be sent; the next run sends them"),
        });
    }
    let database = data.join("ops.db");
    say(format!(
        "\nLook at it:\n  sqlite3 -box {} \\\n    \"SELECT datetime(at_ms / 1000, 'unixepoch') AS at, tank, level_mm, \\\n     \
         oil_m3, fw_m3, quality FROM reading ORDER BY id DESC LIMIT 28\"",
        database.display()
    ));
    say(format!("  tankline-ingest status --db {}", database.display()));
    say("The next run on this data goes on where this one stopped.".to_owned());
    text
}

/// Says in one sentence what the audit found.
#[must_use]
pub fn verdict(audit: &AuditSummary) -> String {
    let found = &audit.findings;
    let mut text = if audit.clean && found.answered == found.stored {
        format!("all {} answers of the gauges are in the database once, as given", found.answered)
    } else {
        format!("of {} answers of the gauges {} are in the database as given", found.answered, found.stored)
    };
    for (count, what) in [
        (found.waiting, "wait in journals"),
        (found.answered_not_accepted, "came late or torn on a busy machine and were not taken"),
        (found.answered_not_compared, "are too long ago to be compared"),
        (found.missing, "are MISSING"),
        (found.different, "are DIFFERENT from what was given"),
        (found.extra, "were given by NOBODY"),
        (found.belated, "were taken so LATE that they look like answers to other requests"),
        (found.duplicates, "are there TWICE"),
        (audit.unaccounted, "journalled readings are NOWHERE"),
    ] {
        if count > 0 {
            write!(text, ", {count} {what}").expect("writing to a text does not fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::audit::Findings;

    fn audit(findings: Findings) -> AuditSummary {
        let clean = findings.is_clean();
        AuditSummary {
            clean,
            findings,
            unaccounted: 0,
            gauges_not_audited: 0,
            tanks: BTreeMap::new(),
            examples: Vec::new(),
        }
    }

    #[test]
    fn verdict_says_what_is_wrong_and_only_that() {
        let clean = Findings { answered: 840, stored: 840, ..Findings::default() };
        let said = verdict(&audit(clean));
        assert_eq!(said, "all 840 answers of the gauges are in the database once, as given");
        let late = Findings { answered: 841, answered_not_accepted: 1, ..clean };
        assert!(
            verdict(&audit(late)).ends_with(
                "840 are in the database as given, 1 came late or torn on a busy machine and were not taken"
            )
        );
        let wrong = Findings { answered: 841, missing: 1, duplicates: 2, ..clean };
        assert!(verdict(&audit(wrong)).ends_with("1 are MISSING, 2 are there TWICE"));
    }
}
