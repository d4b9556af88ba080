use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use rusqlite::Connection;
use tankline_domain::names::SiteName;
use tankline_domain::units::UnixMillis;

use super::restore::exchange;
use super::{
    BackupError, Feeding, Files, ImportError, Moved, Replace, RestoreError, Seal, TakenIn, Taker, backup, export,
    import, restore,
};
use crate::store::{self, MakingLock, beside};

const NOW: UnixMillis = UnixMillis::new(1_795_400_000_000);
const ALL: UnixMillis = UnixMillis::new(i64::MIN);
/// A user who is none.
const STRANGER: u32 = 54_321;

/// A database with an alarm of each of two sites, of which somebody has yet to be told.
fn filled(path: &Path) {
    let connection = store::open(path).unwrap();
    for site in ["north", "south"] {
        for sql in [
            "INSERT INTO alarm (site, source, alarm, state, body, updated_ms)
             VALUES (?1, 'T-01', 'level-hh', 'unacknowledged', '{}', 0)",
            "INSERT INTO alarm_transition (site, source, alarm, priority, at_ms, event, state_from, state_to, unit, recorded_ms)
             VALUES (?1, 'T-01', 'level-hh', 'critical', 1, 'raised', 'normal', 'unacknowledged', 'mm', 0)",
            "INSERT INTO notification (target, transition_id, body, created_ms)
             SELECT 'webhook', id, '{}', 0 FROM alarm_transition WHERE site = ?1",
        ] {
            connection.execute(sql, [site]).unwrap();
        }
    }
}

fn texts(database: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(database).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn site_that_was_handed_over_after_the_backup_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (database, file, site) = (path("ops.db"), path("backup.db"), path("north.site"));
    let north: SiteName = "north".parse().unwrap();
    filled(&database);
    backup(&database, &file, Replace::No, NOW).unwrap();
    export(&database, &north, &site, Replace::No, ALL, None, NOW).unwrap();

    let restored = restore(&file, &database, Seal::Wanted, NOW).unwrap();
    assert_eq!(restored.moved, Some(Moved { handed_over: vec![north.clone()], taken_in: vec![] }));
    assert_eq!((restored.alarms, restored.notifications), (1, 1), "those of south");
    let custody = store::custody(&store::open(&database).unwrap(), &north).unwrap().unwrap();
    assert_eq!((custody.handovers, custody.is_here), (1, false));
    assert_eq!(texts(&database, "SELECT site FROM alarm"), ["south"]);
    let waiting = "SELECT site FROM notification JOIN alarm_transition AS t ON t.id = transition_id";
    assert_eq!(texts(&database, waiting), ["south"]);

    // It came back, and that is in the backup: what the database knew before does not undo it.
    let taker = Taker { database: &database, historian: None, max_dead_letters: 100, files: Files::Fresh };
    import(taker, &site, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    backup(&database, &file, Replace::Yes, NOW).unwrap();
    let older = restored.kept.unwrap();
    let restored = restore(&file, &older, Seal::Wanted, NOW).unwrap();
    assert_eq!((restored.moved, restored.alarms), (Some(Moved::default()), 2));

    // Where nothing was it cannot be known.
    assert_eq!(restore(&file, &path("new.db"), Seal::Wanted, NOW).unwrap().moved, None);
}

/// Adds a reading of a site.
fn add_reading(database: &Path, site: &str, seq: i64) {
    let connection = Connection::open(database).unwrap();
    for sql in [
        "INSERT INTO reading (site, tank, edge, at_ms, journal, seq, quality, quality_code, committed_ms)
         VALUES (?1, 'T-01', 'rtu-01', ?2, 'j', ?2, 'good', 192, 0)",
        "INSERT INTO journal_range (site, edge, journal, first_seq, last_seq) VALUES (?1, 'rtu-01', 'j', ?2, ?2)",
    ] {
        connection.execute(sql, (site, seq)).unwrap();
    }
}

/// Gives the sites of the readings, whether the site is served from here, and the sites of the alarms.
fn known(database: &Path, site: &SiteName) -> (Vec<String>, bool, Vec<String>) {
    let custody = store::custody(&store::open(database).unwrap(), site).unwrap();
    (
        texts(database, "SELECT site || seq FROM reading ORDER BY site, seq"),
        custody.is_some_and(|custody| custody.is_here),
        texts(database, "SELECT site FROM alarm ORDER BY site"),
    )
}

#[test]
fn site_that_was_taken_in_after_the_backup_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (from, database, file, site) = (path("from.db"), path("ops.db"), path("backup.db"), path("north.site"));
    let north: SiteName = "north".parse().unwrap();
    filled(&from);
    add_reading(&from, "north", 1);
    drop(store::open(&database).unwrap());
    add_reading(&database, "east", 1);
    backup(&database, &file, Replace::No, NOW).unwrap();
    export(&from, &north, &site, Replace::No, ALL, None, NOW).unwrap();
    let taker = Taker { database: &database, historian: None, max_dead_letters: 100, files: Files::Fresh };
    import(taker, &site, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    add_reading(&database, "north", 2);

    // The backup knows nothing of it.
    let restored = restore(&file, &database, Seal::Wanted, NOW).unwrap();
    let brought = |count| {
        Some(Moved { handed_over: vec![], taken_in: vec![TakenIn { site: north.clone(), brought: Ok(count) }] })
    };
    assert_eq!((restored.moved, restored.lacking.unwrap()), (brought(2), vec![]));
    let all = (["east1", "north1", "north2"].map(String::from).to_vec(), true, vec!["north".to_owned()]);
    assert_eq!(known(&database, &north), all);
    assert_eq!(texts(&database, "SELECT body FROM notification").len(), 1, "what has yet to be told comes along, too");
    assert!(
        !fs::read_dir(folder.path())
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().contains(".restoring") })
    );

    // The backup says that it is gone.
    export(&database, &north, &path("again.site"), Replace::No, ALL, None, NOW).unwrap();
    backup(&database, &file, Replace::Yes, NOW).unwrap();
    import(taker, &path("again.site"), Seal::Wanted, Feeding::Rest, NOW).unwrap();
    add_reading(&database, "north", 3);
    let restored = restore(&file, &database, Seal::Wanted, UnixMillis::new(NOW.get() + 1)).unwrap();
    assert_eq!(restored.moved, brought(3));
    let (readings, is_here, alarms) = known(&database, &north);
    assert_eq!((readings.len(), is_here, alarms), (4, true, vec!["north".to_owned()]));

    // It is in one place: what was restored hands it over as ever, and the older file is refused.
    assert!(import(taker, &path("again.site"), Seal::Wanted, Feeding::Rest, NOW).is_err());
    export(&database, &north, &path("third.site"), Replace::No, ALL, None, NOW).unwrap();
}

#[test]
fn site_that_cannot_be_brought_along_is_told_and_the_rest_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (from, database, file, site) = (path("from.db"), path("ops.db"), path("backup.db"), path("north.site"));
    let north: SiteName = "north".parse().unwrap();
    filled(&from);
    drop(store::open(&database).unwrap());
    backup(&database, &file, Replace::No, NOW).unwrap();
    export(&from, &north, &site, Replace::No, ALL, None, NOW).unwrap();
    let taker = Taker { database: &database, historian: None, max_dead_letters: 100, files: Files::Fresh };
    import(taker, &site, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    Connection::open(&database).unwrap().execute_batch("DROP TABLE dip").unwrap();
    let moved = restore(&file, &database, Seal::Wanted, NOW).unwrap().moved.unwrap();
    let trouble = moved.taken_in[0].brought.clone().unwrap_err();
    assert!(trouble.contains("no such table"), "{trouble}");
    assert_eq!(known(&database, &north), (vec![], false, vec![]));
    // Its file is taken in once more when that is asked for, and only then.
    let refused = import(taker, &site, Seal::Wanted, Feeding::Rest, NOW);
    assert!(matches!(refused, Err(ImportError::TakenIn { .. })), "{refused:?}");
    let again = Taker { files: Files::Any, ..taker };
    import(again, &site, Seal::Wanted, Feeding::Rest, NOW).unwrap();
    assert_eq!(known(&database, &north), (vec![], true, vec!["north".to_owned()]));
}

#[test]
fn restored_database_is_whose_the_replaced_one_was_and_copies_are_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (database, file, site) = (path("ops.db"), path("backup.db"), path("north.site"));
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    filled(&database);
    fs::set_permissions(&database, Permissions::from_mode(0o640)).unwrap();
    backup(&database, &file, Replace::No, NOW).unwrap();
    export(&database, &"north".parse().unwrap(), &site, Replace::No, ALL, None, NOW).unwrap();
    restore(&file, &path("new.db"), Seal::Wanted, NOW).unwrap();
    assert_eq!([&file, &site, &path("new.db")].map(|path| mode(path)), [0o600; 3]);
    restore(&file, &database, Seal::Wanted, NOW).unwrap();
    assert_eq!(mode(&database), 0o640);

    let owner = |path: &Path| fs::metadata(path).map(|metadata| (metadata.uid(), metadata.gid())).unwrap();
    if chown(&database, Some(STRANGER), Some(STRANGER)).is_err() {
        // Only root can restore for another user.
        return;
    }
    restore(&file, &database, Seal::Wanted, NOW).unwrap();
    assert_eq!([&database, &beside(&database, ".lock")].map(|path| owner(path)), [(STRANGER, STRANGER); 2]);
    // Where nothing is, it is for whom the folder is.
    let elsewhere = path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    chown(&elsewhere, Some(STRANGER), Some(STRANGER)).unwrap();
    let database = elsewhere.join("ops.db");
    restore(&file, &database, Seal::Wanted, NOW).unwrap();
    assert_eq!([&database, &beside(&database, ".lock")].map(|path| owner(path)), [(STRANGER, STRANGER); 2]);
}

#[test]
fn replaced_database_is_all_in_one_file_also_when_its_worker_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (lives, database, file) = (path("lives.db"), path("ops.db"), path("backup.db"));
    filled(&lives);
    backup(&lives, &file, Replace::No, NOW).unwrap();
    // What was committed last is in the write-ahead log only.
    let worker = store::open(&lives).unwrap();
    worker.execute("UPDATE alarm SET state = 'shelved'", []).unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(beside(&lives, suffix), beside(&database, suffix)).unwrap();
    }
    drop(worker);
    let kept = restore(&file, &database, Seal::Wanted, NOW).unwrap().kept.unwrap();
    fs::copy(&kept, path("alone.db")).unwrap();
    assert_eq!(texts(&path("alone.db"), "SELECT DISTINCT state FROM alarm"), ["shelved"]);
}

#[test]
fn database_is_in_its_place_until_the_restored_one_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let database = path("ops.db");
    filled(&database);
    // As if it were cut off before the last step.
    exchange(&path("nothing"), &database, NOW).unwrap_err();
    assert_eq!(texts(&database, "SELECT site FROM alarm ORDER BY site"), ["north", "south"]);
}

#[test]
fn what_a_link_leads_to_is_not_replaced_where_it_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (secret, link, file) = (path("secret"), path("link.db"), path("backup.db"));
    filled(&path("ops.db"));
    backup(&path("ops.db"), &file, Replace::No, NOW).unwrap();
    fs::write(&secret, "root's").unwrap();
    std::os::unix::fs::symlink(&secret, &link).unwrap();
    let refused = restore(&file, &link, Seal::Wanted, NOW);
    assert!(matches!(refused, Err(RestoreError::Link { .. })), "{refused:?}");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "root's");
}

#[test]
fn backup_is_made_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    filled(&path("ops.db"));
    let other = MakingLock::take(&path("backup.db"), "tankline-ingest backup").unwrap();
    let refused = backup(&path("ops.db"), &path("backup.db"), Replace::No, NOW);
    assert!(matches!(refused, Err(BackupError::Lock(_))), "{refused:?}");
    drop(other);
    backup(&path("ops.db"), &path("backup.db"), Replace::No, NOW).unwrap();
}
