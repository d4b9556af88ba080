//! The transitions that figures are counted from, out of `ops.db`.

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, Row, params};
use tankline_domain::alarm::{AlarmKey, Event, Transition};
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::{History, Report, Span, Standing};
use crate::local_time::UtcOffset;

/// What is counted when nothing else is said, in milliseconds: 30 days.
const USUAL_MS: i64 = 30 * 86_400_000;

const COLUMNS: &str = "site, source, alarm, priority, at_ms, event, state_from, state_to";

/// Gives when the first transition was recorded that is in the database.
///
/// # Errors
/// What SQLite said.
pub fn first_transition(connection: &Connection, site: Option<&SiteName>) -> rusqlite::Result<Option<UnixMillis>> {
    let site = site.map(SiteName::as_str);
    let first: Option<i64> = connection.query_row(
        "SELECT min(at_ms) FROM alarm_transition WHERE ?1 IS NULL OR site = ?1",
        [site],
        |row| row.get(0),
    )?;
    Ok(first.map(UnixMillis::new))
}

/// Counts what happened to alarms of one site or of all, up to `to`: from `from`, or else for 30 days, or since the record
/// begins.
///
/// # Errors
/// What SQLite said.
pub fn report_of(
    connection: &Connection,
    site: Option<&SiteName>,
    from: Option<UnixMillis>,
    to: UnixMillis,
    offset: UtcOffset,
) -> rusqlite::Result<Report> {
    let from = match from {
        Some(from) => from,
        None => {
            let usual = UnixMillis::new(to.get().saturating_sub(USUAL_MS));
            let last = UnixMillis::new(to.get().saturating_sub(1));
            first_transition(connection, site)?.unwrap_or(usual).max(usual).min(last)
        }
    };
    let span = Span { from, to };
    Ok(Report::of(&history_of(connection, site, span)?, span, offset))
}

/// Reads what happened to alarms in a span, of one site or of all.
///
/// # Errors
/// What SQLite said, or a row that no program of this version wrote.
pub fn history_of(connection: &Connection, site: Option<&SiteName>, span: Span) -> rusqlite::Result<History> {
    let site = site.map(SiteName::as_str);
    let sql = format!(
        "SELECT {COLUMNS} FROM alarm_transition
         WHERE (?1 IS NULL OR site = ?1) AND at_ms >= ?2 AND at_ms < ?3 ORDER BY id"
    );
    let mut select = connection.prepare(&sql)?;
    let bound = params![site, span.from.get(), span.to.get()];
    let transitions = select.query_map(bound, transition)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(History::of(&standing(connection, site, span.from)?, &transitions))
}

/// Gives the alarms that called for somebody at a moment.
fn standing(connection: &Connection, site: Option<&str>, at: UnixMillis) -> rusqlite::Result<Vec<Standing>> {
    let sql = format!(
        "SELECT {COLUMNS}, id FROM alarm_transition WHERE id IN (
             SELECT max(id) FROM alarm_transition WHERE (?1 IS NULL OR site = ?1) AND at_ms < ?2
             GROUP BY site, source, alarm)"
    );
    let mut select = connection.prepare(&sql)?;
    let last = select
        .query_map(params![site, at.get()], |row| Ok((transition(row)?, row.get::<_, i64>(8)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut found = Vec::new();
    for (last, id) in last.into_iter().filter(|(last, _)| last.to.is_annunciated()) {
        found.push(since_when(connection, last.key, id)?);
    }
    Ok(found)
}

/// Goes back from a transition to where the alarm began to call for somebody.
fn since_when(connection: &Connection, key: AlarmKey, last: i64) -> rusqlite::Result<Standing> {
    let sql = format!(
        "SELECT {COLUMNS} FROM alarm_transition
         WHERE site = ?1 AND source = ?2 AND alarm = ?3 AND id <= ?4 ORDER BY id DESC"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let bound = params![key.site.as_str(), key.source.as_str(), key.kind.name(), last];
    let (mut since, mut annunciated, mut acknowledged) = (None, None, false);
    for earlier in select.query_map(bound, transition)? {
        let earlier = earlier?;
        since = Some(earlier.at);
        acknowledged |= annunciated.is_none() && earlier.event == Event::Acknowledged;
        if earlier.annunciates() {
            annunciated = annunciated.or(Some(earlier.at));
        }
        if !earlier.from.is_annunciated() {
            break;
        }
    }
    let unacknowledged = annunciated.filter(|_| !acknowledged);
    Ok(Standing { key, since: since.unwrap_or_default(), unacknowledged })
}

fn transition(row: &Row<'_>) -> rusqlite::Result<Transition> {
    Ok(Transition {
        key: AlarmKey { site: text(row, 0)?, source: text(row, 1)?, kind: text(row, 2)? },
        priority: text(row, 3)?,
        at: UnixMillis::new(row.get(4)?),
        event: text(row, 5)?,
        from: text(row, 6)?,
        to: text(row, 7)?,
        value: None,
        limit: None,
        unit: String::new(),
        who: None,
        note: None,
    })
}

fn text<T>(row: &Row<'_>, place: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(place)?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(place, Type::Text, Box::new(FromSqlError::other(error)))
    })
}
