//! The alarms of a day, each from when it came to when it went.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::Day;

/// When something happened, and who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When.
    pub at: UnixMillis,
    /// Who; absent for what happens by itself.
    pub who: Option<String>,
}

/// An alarm from when it came to when it went; or something else that was done to an alarm, with its event.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The tank or edge.
    pub source: String,
    /// Name of the alarm.
    pub alarm: String,
    /// Name of its priority.
    pub priority: String,
    /// What happened: `raised`, `found-in-backlog`, `shelved` and so on.
    pub event: String,
    /// When.
    pub at: UnixMillis,
    /// Value at that time.
    pub value: Option<f64>,
    /// The limit that it was held against.
    pub limit: Option<f64>,
    /// Unit of both.
    pub unit: String,
    /// When it was acknowledged.
    pub acknowledged: Option<Happening>,
    /// When the condition was over.
    pub cleared: Option<UnixMillis>,
    /// Who did it, and why.
    pub remark: String,
}

const COLUMNS: &str = "source, alarm, event, at_ms, priority, value, limit_value, unit, who, note, id";

/// Gives the alarms that a site has on a day, in the order of time: those that stand since before it first.
pub(super) fn alarms(connection: &Connection, site: &SiteName, day: &Day) -> rusqlite::Result<Vec<Episode>> {
    let mut found = standing_before(connection, site, day)?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alarm_transition
         WHERE site = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms, id"
    ))?;
    let mut rows = statement.query(params![site.as_str(), day.from.get(), day.to.get()])?;
    while let Some(row) = rows.next()? {
        let (source, alarm, event): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (at, who) = (UnixMillis::new(row.get(3)?), row.get(8)?);
        if matches!(event.as_str(), "acknowledged" | "cleared") {
            let is_cleared = event == "cleared";
            let open = found.iter_mut().rev().find(|one| {
                let waits = if is_cleared { one.cleared.is_none() } else { one.acknowledged.is_none() };
                one.source == source && one.alarm == alarm && one.event == "raised" && waits
            });
            if let Some(open) = open {
                if is_cleared {
                    open.cleared = Some(at);
                } else {
                    open.acknowledged = Some(Happening { at, who });
                }
                continue;
            }
        }
        found.push(begun(row)?);
    }
    Ok(found)
}

/// Gives the alarms that were raised before the day and were not over when it began, with who acknowledged them until then.
fn standing_before(connection: &Connection, site: &SiteName, day: &Day) -> rusqlite::Result<Vec<Episode>> {
    // Of a group SQLite gives the columns of the row with the greatest id: what happened last.
    let mut last = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, max(id) FROM alarm_transition
         WHERE site = ?1 AND at_ms < ?2 AND event IN ('raised', 'cleared') GROUP BY source, alarm ORDER BY at_ms, id"
    ))?;
    let mut acknowledged = connection.prepare_cached(
        "SELECT at_ms, who FROM alarm_transition
         WHERE site = ?1 AND source = ?2 AND alarm = ?3 AND id > ?4 AND at_ms < ?5 AND event = 'acknowledged'
         ORDER BY id LIMIT 1",
    )?;
    let mut rows = last.query(params![site.as_str(), day.from.get()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (mut episode, id) = (begun(row)?, row.get::<_, i64>(10)?);
        if episode.event == "raised" {
            let of = params![site.as_str(), episode.source, episode.alarm, id, day.from.get()];
            let done = |row: &Row<'_>| Ok(Happening { at: UnixMillis::new(row.get(0)?), who: row.get(1)? });
            episode.acknowledged = acknowledged.query_row(of, done).optional()?;
            found.push(episode);
        }
    }
    Ok(found)
}

/// Reads something with which a line of the report begins.
fn begun(row: &Row<'_>) -> rusqlite::Result<Episode> {
    let (who, note): (Option<String>, Option<String>) = (row.get(8)?, row.get(9)?);
    Ok(Episode {
        source: row.get(0)?,
        alarm: row.get(1)?,
        event: row.get(2)?,
        at: UnixMillis::new(row.get(3)?),
        priority: row.get(4)?,
        value: row.get(5)?,
        limit: row.get(6)?,
        unit: row.get(7)?,
        acknowledged: None,
        cleared: None,
        remark: who.into_iter().chain(note).collect::<Vec<_>>().join(": "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ReportConfig;
    use crate::store;

    #[test]
    fn each_alarm_is_one_line_and_what_else_was_done_another() {
        let folder = tempfile::tempdir().unwrap();
        let connection = store::open(&folder.path().join("ops.db")).unwrap();
        let now: UnixMillis = "2026-11-23T06:00Z".parse().unwrap();
        let day = Day::of("2026-11-22".parse().unwrap(), &ReportConfig::default(), now).unwrap();
        for (hour, source, event, who) in [
            (-9, "T-03", "raised", None),
            (-8, "T-04", "raised", None),
            (-7, "T-03", "acknowledged", Some("Wang")),
            (-6, "T-04", "cleared", None),
            (-1, "T-01", "raised", None),
            (1, "T-01", "cleared", None),
            (2, "T-01", "shelved", Some("Li Wei")),
            (3, "T-01", "raised", None),
            (4, "T-02", "raised", None),
            (5, "T-01", "acknowledged", Some("Zhao")),
            (6, "T-01", "cleared", None),
            (25, "T-02", "cleared", None),
        ] {
            connection
                .execute(
                    "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, unit, who,
                                                   note, recorded_ms)
                     VALUES ('s', ?1, 'level-h', 'high', ?2, ?3, '', '', 'mm', ?4, NULL, 0)",
                    params![source, day.from.get() + hour * 3_600_000, event, who],
                )
                .unwrap();
        }
        let found = alarms(&connection, &"s".parse().unwrap(), &day).unwrap();
        let told: Vec<(&str, &str, bool, bool)> = found
            .iter()
            .map(|one| (one.source.as_str(), one.event.as_str(), one.acknowledged.is_some(), one.cleared.is_some()))
            .collect();
        let expected = [
            // Raised the day before, and still so in the morning.
            ("T-03", "raised", true, false),
            ("T-01", "raised", false, true),
            ("T-01", "shelved", false, false),
            ("T-01", "raised", true, true),
            ("T-02", "raised", false, false),
        ];
        assert_eq!(told, expected);
        assert_eq!(found[2].remark, "Li Wei");
        assert!(found[0].at < day.from && found[0].acknowledged.as_ref().unwrap().who.as_deref() == Some("Wang"));
        assert!(alarms(&connection, &"other".parse().unwrap(), &day).unwrap().is_empty());
    }
}
