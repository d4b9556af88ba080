//! What of a database belongs to a site, table by table.
//!
//! In all statements `?1` is the site and `?2` the moment from which readings go along. `main` is the database of the
//! worker, `file` the one that travels; both have the same schema.

use rusqlite::Connection;
use tankline_domain::names::SiteName;

/// What makes a database a site on its way.
pub(super) const TRANSFER: &str = "
CREATE TABLE file.transfer (
    site TEXT NOT NULL,
    handovers INTEGER NOT NULL,
    made_ms INTEGER NOT NULL,
    -- The historian of the worker that hands over has what is up to these ids.
    sent_reading INTEGER NOT NULL,
    sent_transition INTEGER NOT NULL,
    taken_in_ms INTEGER
)";

/// Fills the travelling database.
pub(super) const PACK: &[&str] = &[
    "INSERT INTO file.reading SELECT * FROM main.reading WHERE site = ?1 AND at_ms >= ?2",
    "INSERT INTO file.superseded SELECT * FROM main.superseded WHERE ?1 = ?1 AND ?2 = ?2
         AND reading_id IN (SELECT id FROM file.reading)",
    "INSERT INTO file.basis SELECT * FROM main.basis WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.journal SELECT * FROM main.journal WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.journal_range SELECT * FROM main.journal_range WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.journal_gap SELECT * FROM main.journal_gap WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.dead_letter SELECT * FROM main.dead_letter WHERE ?2 = ?2
         AND substr(topic, 1, length('tankline/v1/' || ?1 || '/')) = 'tankline/v1/' || ?1 || '/'",
    "INSERT INTO file.alarm SELECT * FROM main.alarm WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.alarm_transition SELECT * FROM main.alarm_transition WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.tank_watch SELECT * FROM main.tank_watch WHERE site = ?1 AND ?2 = ?2",
    "INSERT INTO file.notification SELECT * FROM main.notification WHERE ?1 = ?1 AND ?2 = ?2
         AND transition_id IN (SELECT id FROM file.alarm_transition)",
    "INSERT INTO file.dip SELECT * FROM main.dip WHERE site = ?1 AND ?2 = ?2",
];

/// Takes out of a database what must be in one only: states that go on, and what has yet to be told.
const LET_GO: &[&str] = &[
    "DELETE FROM main.alarm WHERE site = ?1",
    "DELETE FROM main.tank_watch WHERE site = ?1",
    "DELETE FROM main.notification WHERE delivered_ms IS NULL AND given_up_ms IS NULL
         AND transition_id IN (SELECT id FROM main.alarm_transition WHERE site = ?1)",
];

/// Takes out of a database what it knew of a site that comes back. Readings that do not come along stay.
pub(super) const MAKE_ROOM: &[&str] = &[
    "DELETE FROM main.superseded WHERE reading_id IN (
         SELECT here.id FROM main.reading AS here JOIN file.reading AS there USING (site, edge, journal, seq)
         WHERE here.site = ?1)",
    "DELETE FROM main.reading WHERE id IN (
         SELECT here.id FROM main.reading AS here JOIN file.reading AS there USING (site, edge, journal, seq)
         WHERE here.site = ?1)",
    "DELETE FROM main.journal WHERE site = ?1",
    "DELETE FROM main.journal_range WHERE site = ?1",
    "DELETE FROM main.journal_gap WHERE site = ?1",
    "DELETE FROM main.dead_letter
         WHERE substr(topic, 1, length('tankline/v1/' || ?1 || '/')) = 'tankline/v1/' || ?1 || '/'",
    "DELETE FROM main.alarm WHERE site = ?1",
    "DELETE FROM main.notification WHERE transition_id IN (SELECT id FROM main.alarm_transition WHERE site = ?1)",
    "DELETE FROM main.alarm_transition WHERE site = ?1",
    "DELETE FROM main.tank_watch WHERE site = ?1",
    "DELETE FROM main.dip WHERE site = ?1",
];

/// Whether a database knows anything of a site.
pub(super) const KNOWS: &str = "
    SELECT EXISTS (SELECT 1 FROM main.journal_range WHERE site = ?1)
        OR EXISTS (SELECT 1 FROM main.reading WHERE site = ?1)
        OR EXISTS (SELECT 1 FROM main.alarm WHERE site = ?1)
        OR EXISTS (SELECT 1 FROM main.alarm_transition WHERE site = ?1)
        OR EXISTS (SELECT 1 FROM main.dip WHERE site = ?1)";

/// How the ids of one table become others: those up to `sent` lie below all that the historian will ever be given, those
/// above it after all that there is.
#[derive(Debug, Clone, Copy)]
struct Shift {
    sent: i64,
    below: i64,
    above: i64,
}

/// Takes out of a database what must be in one only, of a site that goes or has gone.
pub(in crate::upkeep) fn let_go(connection: &Connection, site: &SiteName) -> rusqlite::Result<()> {
    LET_GO.iter().try_for_each(|statement| connection.execute(statement, [site.as_str()]).map(drop))
}

/// Fills the database of the worker from the travelling one. `sent` are the ids up to which the historian is not given
/// readings and transitions. Gives how many dead letters stayed behind.
pub(super) fn unpack(connection: &Connection, sent: (i64, i64), max_dead_letters: u32) -> rusqlite::Result<u64> {
    // Ids below all others are given again when those that had them are gone, so nothing of these may be left.
    connection.execute(
        "DELETE FROM main.superseded WHERE reading_id < 1 AND reading_id NOT IN (SELECT id FROM main.reading)",
        [],
    )?;
    connection.execute(
        "DELETE FROM main.notification WHERE transition_id < 1
             AND transition_id NOT IN (SELECT id FROM main.alarm_transition)",
        [],
    )?;
    let readings = Shift::of(connection, "reading", sent.0)?;
    let transitions = Shift::of(connection, "alarm_transition", sent.1)?;
    let plain = ["journal", "journal_range", "journal_gap", "alarm", "tank_watch"];
    for table in plain {
        connection.execute(&format!("INSERT INTO main.{table} SELECT * FROM file.{table}"), [])?;
    }
    connection.execute("INSERT OR IGNORE INTO main.basis SELECT * FROM file.basis", [])?;
    insert(connection, "reading", &readings.of_column("id"), None)?;
    insert(connection, "superseded", "NULL", Some(("reading_id", readings)))?;
    insert(connection, "alarm_transition", &transitions.of_column("id"), None)?;
    insert(connection, "notification", "NULL", Some(("transition_id", transitions)))?;
    insert(connection, "dip", "NULL", None)?;
    letters(connection, max_dead_letters)
}

/// Takes in the newest dead letters, as many as there is room for without one of another site going; gives how many were
/// left.
fn letters(connection: &Connection, max_rows: u32) -> rusqlite::Result<u64> {
    // Letters go by the distance of their ids to the newest, so that is what takes room.
    let room: i64 = connection.query_row(
        "SELECT max(0, ?1 - ifnull((SELECT seq FROM main.sqlite_sequence WHERE name = 'dead_letter') + 1 - min(id), 0))
         FROM main.dead_letter",
        [max_rows],
        |row| row.get(0),
    )?;
    let taken = connection.execute(
        "INSERT INTO main.dead_letter (at_ms, topic, payload, reason)
         SELECT at_ms, topic, payload, reason FROM (SELECT * FROM file.dead_letter ORDER BY id DESC LIMIT ?1)
         ORDER BY id",
        [room],
    )?;
    let all: i64 = connection.query_row("SELECT count(*) FROM file.dead_letter", [], |row| row.get(0))?;
    Ok(all.unsigned_abs().saturating_sub(taken as u64))
}

/// Copies a table with other ids, and with other ids in a column that names those of another table.
fn insert(connection: &Connection, table: &str, id: &str, naming: Option<(&str, Shift)>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let value = |column: &String| match naming {
        _ if column == "id" => id.to_owned(),
        Some((named, shift)) if column == named => shift.of_column(column),
        _ => column.clone(),
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    let (columns, values) = (columns.join(", "), values.join(", "));
    connection.execute(
        &format!("INSERT INTO main.{table} ({columns}) SELECT {values} FROM file.{table} ORDER BY file.{table}.id"),
        [],
    )?;
    Ok(())
}

impl Shift {
    fn of(connection: &Connection, table: &str, sent: i64) -> rusqlite::Result<Self> {
        let sql = format!(
            "SELECT min(1, ifnull((SELECT min(id) FROM main.{table}), 1)),
                    max(ifnull((SELECT max(id) FROM main.{table}), 0),
                        ifnull((SELECT seq FROM main.sqlite_sequence WHERE name = '{table}'), 0)),
                    (SELECT max(id) FROM file.{table} WHERE id <= ?1),
                    (SELECT min(id) FROM file.{table} WHERE id > ?1)"
        );
        connection.query_row(&sql, [sent], |row| {
            let (lowest, highest): (i64, i64) = (row.get(0)?, row.get(1)?);
            let (last_sent, first_unsent): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
            let below = last_sent.map_or(0, |last| lowest - 1 - last);
            let above = first_unsent.map_or(0, |first| highest + 1 - first);
            Ok(Self { sent, below, above })
        })
    }

    /// Gives the expression of the new id.
    fn of_column(self, column: &str) -> String {
        let Self { sent, below, above } = self;
        format!("CASE WHEN {column} <= {sent} THEN {column} + ({below}) ELSE {column} + ({above}) END")
    }
}
