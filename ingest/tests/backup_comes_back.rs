//! The database is copied while readings arrive, comes back, and what it lacks is shown.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod station;

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use station::{Edge, Folder, Running, broker, now, reading, until};
use tankline_ingest::store::{self, OpenError};
use tankline_ingest::upkeep::{self, BackupError, Replace, RestoreError, Seal};
use tankline_ingest::{Ingest, StartError, status_of};
use tankline_runtime::clock;

const JOURNAL: &str = "9f31c2aa07d15e44";

fn count(path: &Path, sql: &str) -> i64 {
    let connection = store::open_any_version(path).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_made_while_readings_arrive_comes_back_whole_and_the_gap_is_shown() {
    let (folder, broker) = (Folder::new(), broker());
    let running = Running::start(folder.config(&broker, "")).await;
    let mut edge = Edge::connect(&broker, "rtu-01").await;
    edge.readings(JOURNAL, &(1..=400).map(|seq| reading(seq, "T-01", 2000.0)).collect::<Vec<_>>()).await;
    edge.committed(JOURNAL, json!([[1, 400]])).await;

    // Commits go on while the copy is made.
    let (database, file) = (folder.database(), folder.0.path().join("backup.db"));
    let making = {
        let (database, file) = (database.clone(), file.clone());
        tokio::task::spawn_blocking(move || upkeep::backup(&database, &file, Replace::No, clock::unix_ms()))
    };
    let mut seq = 400;
    while !making.is_finished() {
        seq += 1;
        edge.readings(JOURNAL, &[reading(seq, "T-01", 2000.0)]).await;
        edge.committed(JOURNAL, json!([[1, seq]])).await;
    }
    let made = making.await.unwrap().unwrap();
    let in_backup = count(&file, "SELECT count(*) FROM reading");
    assert_eq!(made.readings, in_backup.unsigned_abs());
    assert!((400..=i64::try_from(seq).unwrap()).contains(&in_backup), "{in_backup} of {seq}");
    assert_eq!(
        count(&file, "SELECT sum(last_seq - first_seq + 1) FROM journal_range"),
        in_backup,
        "ranges are those of it"
    );
    let again = upkeep::backup(&database, &file, Replace::No, now());
    assert!(matches!(again, Err(BackupError::Exists { .. })), "{again:?}");
    assert!(matches!(upkeep::backup(&database, &database, Replace::Yes, now()), Err(BackupError::Itself { .. })));

    edge.readings(JOURNAL, &(seq + 1..=seq + 50).map(|seq| reading(seq, "T-01", 2000.0)).collect::<Vec<_>>()).await;
    let last = seq + 50;
    edge.committed(JOURNAL, json!([[1, last]])).await;

    // Not while a worker runs, neither a restore nor another worker, and who it is is told.
    let refused = upkeep::restore(&file, &database, Seal::Wanted, now()).unwrap_err().to_string();
    let who = format!("in use by tankline-ingest run, process {}", std::process::id());
    assert!(refused.contains(&who), "{refused}");
    let second = Ingest::open(folder.config(&broker, "")).unwrap_err();
    assert!(matches!(second, StartError::Lock(_)), "{second}");
    running.kill().await;

    let restored = upkeep::restore(&file, &database, Seal::Wanted, now()).unwrap();
    assert_eq!((restored.readings, restored.made.is_some()), (in_backup.unsigned_abs(), true));
    let lacking = restored.lacking.unwrap();
    assert_eq!(lacking.iter().map(|lacking| lacking.ranges.count()).sum::<u64>(), last - restored.readings);
    assert_eq!(count(&restored.kept.unwrap(), "SELECT count(*) FROM reading"), i64::try_from(last).unwrap());

    // The edge has let go what was committed, but for the last ten.
    let running = Running::start(folder.config(&broker, "")).await;
    edge.readings(JOURNAL, &(last - 9..=last + 1).map(|seq| reading(seq, "T-01", 2000.0)).collect::<Vec<_>>()).await;
    edge.committed(JOURNAL, json!([[1, in_backup], [last - 9, last + 1]])).await;
    let status = status_of(&database).unwrap();
    let journal = &status.journals[0];
    assert_eq!((journal.readings, journal.missing), (restored.readings + 11, last - 10 - restored.readings));
    let words = tankline_ingest::status::in_words(&status, now());
    assert!(words.contains("restored from") && words.contains("on their way or lost"), "{words}");
    assert_eq!(folder.query::<i64>("SELECT count(*) - count(DISTINCT seq) FROM reading"), 0);
    running.stop().await;
}

#[test]
fn what_is_no_whole_backup_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (database, file) = (path("ops.db"), path("backup.db"));
    let fill = |path: &Path| {
        let connection = store::open(path).unwrap();
        for id in 0..2000 {
            connection
                .execute("INSERT INTO dead_letter (at_ms, topic, payload, reason) VALUES (?1, 't', 'p', 'r')", [id])
                .unwrap();
        }
    };
    fill(&database);
    upkeep::backup(&database, &file, Replace::No, now()).unwrap();
    let before = std::fs::read(&database).unwrap();
    let refused = |seal, words: &str| {
        let error = anyhow::Error::from(upkeep::restore(&file, &database, seal, now()).unwrap_err());
        assert!(format!("{error:#}").contains(words), "{error:#}");
        assert_eq!(std::fs::read(&database).unwrap(), before);
        assert!(!store::restoring(&database).exists());
    };

    // A bit that fell over on the way, found by the digest, and by the look through where there is none.
    let whole = std::fs::read(&file).unwrap();
    let mut torn = whole.clone();
    let middle = (torn.len() / 2) & !4095;
    torn[middle..middle + 2000].fill(0x5a);
    std::fs::write(&file, &torn).unwrap();
    refused(Seal::Wanted, "is not the file that was written");
    refused(Seal::Ignored, "");
    std::fs::write(&file, "no database at all").unwrap();
    refused(Seal::Ignored, "cannot open the database");
    std::fs::write(&file, &whole).unwrap();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refused(Seal::Ignored, "schema version 99");
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    refused(Seal::Ignored, "another program");
    assert!(matches!(upkeep::restore(&database, &database, Seal::Ignored, now()), Err(RestoreError::Itself { .. })));
}

#[test]
fn restore_that_was_cut_off_is_not_taken_for_an_empty_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("ops.db");
    let restoring = store::restoring(&database);
    drop(store::open(&restoring).unwrap());
    assert!(matches!(store::open(&database), Err(OpenError::Interrupted { .. })));
    assert!(!database.exists());
    // What is beside a database that is there is only a restore that never came to its end.
    drop(store::open(&folder.path().join("other.db")).unwrap());
    std::fs::rename(folder.path().join("other.db"), &database).unwrap();
    store::open(&database).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_of_an_empty_place_is_restored_where_nothing_is() {
    let (folder, broker) = (Folder::new(), broker());
    let running = Running::start(folder.config(&broker, "")).await;
    until("it is healthy", || running.observer.health().healthy).await;
    let file = folder.0.path().join("backup.db");
    upkeep::backup(&folder.database(), &file, Replace::No, now()).unwrap();
    running.stop().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let database = elsewhere.path().join("ops.db");
    let restored = upkeep::restore(&file, &database, Seal::Wanted, now()).unwrap();
    assert_eq!((restored.readings, restored.kept, restored.lacking), (0, None, None));
    store::open(&database).unwrap();
}
