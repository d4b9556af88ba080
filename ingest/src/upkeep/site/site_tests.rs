use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::super::{Replace, RestoreError, Seal, restore};
use super::{ExportError, Exported, Feeding, Files, ImportError, Taker, export, import};
use crate::store;

const HISTORIAN: &str = "http://influx:8086 o/b";
const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);
const ALL: UnixMillis = UnixMillis::new(i64::MIN);

fn north() -> SiteName {
    "north".parse().unwrap()
}

/// A database with ten readings and transitions, by turns of two sites, of which its historian has the first six.
fn filled(folder: &Path, name: &str, sites: [&str; 2]) -> PathBuf {
    let path = folder.join(name);
    let connection = store::open(&path).unwrap();
    for number in 1..=10 {
        let site = sites[number as usize % 2];
        for sql in [
            "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, quality, quality_code, committed_ms)
             VALUES (?1, 'T-01', 'rtu-01', ?2, 'j', ?2, 'good', 192, 0)",
            "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, unit, recorded_ms)
             VALUES (?1, 'T-01', 'level-hh', 'critical', ?2, 'raised', 'normal', 'unacknowledged', 'mm', 0)",
            "INSERT INTO superseded (reading_id, replaced_ms, basis) SELECT id, 0, seq FROM reading
             WHERE site = ?1 AND seq = ?2",
            "INSERT INTO notification (target, transition_id, body, created_ms, delivered_ms)
             SELECT 'webhook', id, at_ms, 0, CASE WHEN at_ms < 9 THEN 1 END FROM alarm_transition
             WHERE site = ?1 AND at_ms = ?2",
            "INSERT INTO dip (site, tank, at_ms, taken_by, recorded_ms, basis) VALUES (?1, 'T-01', ?2, 'Li Wei', 0, 'd')",
            "INSERT INTO dead_letter (topic, at_ms, payload, reason) VALUES ('tankline/v1/' || ?1 || '/rtu-01/readings', ?2, '', 'r')",
        ] {
            connection.execute(sql, (site, number)).unwrap();
        }
    }
    let cursor = "INSERT INTO historian_cursor VALUES (?1, 6, 0)";
    connection.execute(cursor, [HISTORIAN]).unwrap();
    connection.execute(cursor, [store::alarm_target(HISTORIAN)]).unwrap();
    path
}

fn numbers(database: &Path, sql: &str) -> Vec<i64> {
    let connection = Connection::open(database).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn taker(database: &Path) -> Taker<'_> {
    Taker { database, historian: Some(HISTORIAN), max_dead_letters: 100, files: Files::Fresh }
}

fn export_all(database: &Path, to: &Path) -> Result<Exported, ExportError> {
    export(database, &north(), to, Replace::No, ALL, Some(HISTORIAN), NOW)
}

#[test]
fn what_the_historian_has_is_not_given_to_it_again_and_what_belongs_together_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    // North has the even numbers.
    let from = filled(folder.path(), "from.db", ["north", "south"]);
    let to = filled(folder.path(), "to.db", ["east", "west"]);
    let file = folder.path().join("north.site");
    let exported = export_all(&from, &file).unwrap();
    assert_eq!((exported.readings, exported.notifications), (5, 1));
    let waiting = "SELECT body FROM notification WHERE delivered_ms IS NULL ORDER BY id";
    let texts = |path: &Path| numbers(path, &waiting.replace("body", "CAST(body AS INTEGER)"));
    assert_eq!(texts(&from), [9], "the other site's is still to be told from here");

    let imported = import(taker(&to), &file, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    assert_eq!((imported.readings, imported.targets, imported.is_marked), (5, vec![("webhook".to_owned(), 1)], true));
    assert_eq!(texts(&to), [9, 10, 10], "two were its own");
    for (table, number) in [("reading", "seq"), ("alarm_transition", "at_ms")] {
        let of = |which| format!("SELECT {number} FROM {table} WHERE site = 'north' AND id {which} ORDER BY id");
        assert_eq!(numbers(&to, &of("<= 0")), [2, 4, 6], "the historian has these: {table}");
        assert_eq!(numbers(&to, &of("> 10")), [8, 10], "and these come after all that was there: {table}");
    }
    let wrong = "SELECT count(*) FROM superseded LEFT JOIN reading ON reading.id = reading_id WHERE seq IS NOT superseded.basis + 0";
    assert_eq!(numbers(&to, wrong), [0]);
    let wrong = "SELECT count(*) FROM notification LEFT JOIN alarm_transition AS t ON t.id = transition_id
                 WHERE at_ms IS NOT body + 0";
    assert_eq!(numbers(&to, wrong), [0]);
    for table in ["superseded", "notification", "dip", "dead_letter"] {
        assert_eq!(numbers(&to, &format!("SELECT count(*) FROM {table}")), [15], "{table}");
    }
    // The next reading gets an id that none has.
    let next = "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, quality, quality_code, committed_ms)
                VALUES ('north', 'T-01', 'rtu-01', 11, 'j', 11, 'good', 192, 0)";
    Connection::open(&to).unwrap().execute(next, []).unwrap();
    assert_eq!(numbers(&to, "SELECT seq FROM reading ORDER BY id DESC LIMIT 2"), [11, 10]);
}

/// Gives the numbers of the readings of a site that a historian has yet to get.
fn waiting(database: &Path, historian: &str) -> Vec<i64> {
    let through = store::cursor(&Connection::open(database).unwrap(), historian).unwrap();
    numbers(database, &format!("SELECT seq FROM reading WHERE site = 'north' AND id > {through} ORDER BY seq"))
}

#[test]
fn historian_that_has_nothing_of_the_site_can_be_given_all_also_after_a_second_move() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (from, second, third) =
        (filled(folder.path(), "from.db", ["north", "south"]), path("second.db"), path("third.db"));
    let move_on = |from: &Path, to: &Path, file: &Path, feeding| {
        export_all(from, file).unwrap();
        drop(store::open(to).unwrap());
        import(taker(to), file, Seal::Wanted, feeding, NOW).unwrap();
    };
    move_on(&from, &second, &path("first.site"), Feeding::Rest);
    assert_eq!(waiting(&second, HISTORIAN), [8, 10], "the first six were sent");
    // Another historian has none of them.
    assert_eq!(waiting(&second, "http://other:8086 o/b"), [2, 4, 6, 8, 10]);
    move_on(&second, &third, &path("second.site"), Feeding::All);
    assert_eq!(waiting(&third, HISTORIAN), [2, 4, 6, 8, 10]);
}

#[test]
fn worker_without_a_historian_has_sent_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let from = filled(folder.path(), "from.db", ["north", "south"]);
    let (to, file) = (folder.path().join("to.db"), folder.path().join("north.site"));
    export(&from, &north(), &file, Replace::No, UnixMillis::new(4), None, NOW).unwrap();
    drop(store::open(&to).unwrap());
    import(taker(&to), &file, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    assert_eq!(waiting(&to, HISTORIAN), [4, 6, 8, 10]);
}

#[test]
fn dead_letters_of_the_site_push_out_none_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let from = filled(folder.path(), "from.db", ["north", "south"]);
    let to = filled(folder.path(), "to.db", ["east", "west"]);
    let file = folder.path().join("north.site");
    export_all(&from, &file).unwrap();
    let taker = Taker { max_dead_letters: 12, ..taker(&to) };
    let imported = import(taker, &file, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    assert_eq!(imported.letters_left, 3);
    assert_eq!(numbers(&to, "SELECT at_ms FROM dead_letter ORDER BY id"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 10]);
}

#[test]
fn site_is_in_one_place_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let from = filled(folder.path(), "from.db", ["north", "south"]);
    let (first, second) = (path("first.site"), path("second.site"));

    let other = export(&from, &"east".parse().unwrap(), &first, Replace::No, ALL, None, NOW);
    assert!(matches!(other, Err(ExportError::Unknown { .. })), "{other:?}");
    export_all(&from, &first).unwrap();
    std::fs::copy(&first, path("copy.site")).unwrap();
    assert!(matches!(export_all(&from, &first), Err(ExportError::Exists { .. })));
    assert!(matches!(export_all(&from, &second), Err(ExportError::Gone { .. })));

    // Nobody took it: it may come back, and go again.
    import(taker(&from), &first, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    assert_eq!(numbers(&from, "SELECT count(*) FROM reading"), [10]);
    let again = |file: &Path, seal| import(taker(&from), file, seal, Feeding::Rest, NOW);
    assert!(matches!(again(&first, Seal::Wanted), Err(ImportError::TakenIn { .. })));
    assert!(matches!(again(&path("copy.site"), Seal::Wanted), Err(ImportError::Seal(_))), "it has no digest");
    assert!(matches!(again(&path("copy.site"), Seal::Ignored), Err(ImportError::Exists { .. })));
    export_all(&from, &second).unwrap();
    assert!(matches!(again(&path("copy.site"), Seal::Ignored), Err(ImportError::Older { found: 1, known: 2, .. })));

    // Who has the site does not take it, nor who has readings of another site of that name.
    let other = filled(folder.path(), "other.db", ["north", "west"]);
    let refused = import(taker(&other), &second, Seal::Wanted, Feeding::Rest, NOW);
    assert!(matches!(refused, Err(ImportError::Exists { .. })), "{refused:?}");
    assert_eq!(numbers(&other, "SELECT count(*) FROM reading"), [10]);

    // A backup is no site, and a site is no backup.
    let refused = import(taker(&path("new.db")), &other, Seal::Ignored, Feeding::Rest, NOW);
    assert!(matches!(refused, Err(ImportError::NoSite { .. })), "{refused:?}");
    let refused = restore(&second, &path("new.db"), Seal::Wanted, NOW);
    assert!(matches!(refused, Err(RestoreError::Site { .. })), "{refused:?}");
}

#[test]
fn export_that_was_cut_off_is_finished_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (from, file) = (filled(folder.path(), "from.db", ["north", "south"]), path("north.site"));
    let is_here =
        || store::custody(&store::open(&from).unwrap(), &north()).unwrap().is_none_or(|custody| custody.is_here);
    // Something stands where the file is to be: the site is gone by then, and nothing that could be imported has the name.
    std::fs::create_dir(&file).unwrap();
    let replacing = || export(&from, &north(), &file, Replace::Yes, ALL, Some(HISTORIAN), NOW);
    let failed = replacing();
    assert!(matches!(failed, Err(ExportError::NotNamed { .. })) && !is_here(), "{failed:?}");
    std::fs::remove_dir(&file).unwrap();
    // A part of another site is not taken for it.
    let other = export(&from, &"south".parse().unwrap(), &path("south.site"), Replace::No, ALL, None, NOW);
    std::fs::rename(path("south.site"), path("other.site.part")).unwrap();
    assert!(other.is_ok() && matches!(export_all(&from, &path("other.site")), Err(ExportError::Gone { .. })));

    let exported = export_all(&from, &file).unwrap();
    assert_eq!((exported.readings, exported.notifications), (5, 1));
    assert!(matches!(export_all(&from, &path("second.site")), Err(ExportError::Gone { .. })));
    let to = path("to.db");
    drop(store::open(&to).unwrap());
    import(taker(&to), &file, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().starts_with("north.site.") && name != "north.site.sha256"),
        "{left:?}"
    );
}

#[test]
fn site_stays_when_its_file_cannot_be_made_whole() {
    let folder = tempfile::tempdir().unwrap();
    let from = filled(folder.path(), "from.db", ["north", "south"]);
    let file = folder.path().join("north.site");
    // There is no room for its digest, say.
    std::fs::create_dir(folder.path().join("north.site.sha256.part")).unwrap();
    export_all(&from, &file).unwrap_err();
    assert!(store::custody(&store::open(&from).unwrap(), &north()).unwrap().is_none() && !file.exists());
    assert!(!folder.path().join("north.site.part").exists());
}

#[test]
fn id_that_is_given_again_finds_nothing_of_who_had_it() {
    let folder = tempfile::tempdir().unwrap();
    let from = filled(folder.path(), "from.db", ["north", "south"]);
    let to = filled(folder.path(), "to.db", ["east", "west"]);
    let connection = Connection::open(&to).unwrap();
    // They were of readings and transitions that came with another site and have expired since.
    for sql in [
        "INSERT INTO superseded (reading_id, replaced_ms, basis) VALUES (0, 0, 'another'), (-1, 0, 'another')",
        "INSERT INTO notification (target, transition_id, body, created_ms, delivered_ms) VALUES ('w', 0, 'another', 0, 1)",
    ] {
        connection.execute(sql, []).unwrap();
    }
    let file = folder.path().join("north.site");
    export_all(&from, &file).unwrap();
    import(taker(&to), &file, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    assert_eq!(numbers(&to, "SELECT count(*) FROM reading WHERE id < 1"), [3]);
    assert_eq!(numbers(&to, "SELECT count(*) FROM superseded WHERE basis = 'another'"), [0]);
    assert_eq!(numbers(&to, "SELECT count(*) FROM notification WHERE body = 'another'"), [0]);
}
