//! A disk that refuses the journal holds up nobody: readings get their numbers, are given out, and come to the disk later.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::time::Duration;

use tankline_domain::message::JournalRanges;
use tankline_domain::ranges::RangeSet;
use tankline_domain::reading::{Bad, Reading};
use tankline_domain::units::UnixMillis;
use tankline_edge::journal::writer::{self, Channels, Report, Request};
use tankline_edge::journal::{Entry, Journal, JournalConfig, JournalError, Outlet};
use tankline_runtime::clock;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(60);

struct Running {
    readings: mpsc::Sender<Reading>,
    requests: mpsc::Sender<Request>,
    appended: mpsc::Receiver<Entry>,
    stop: CancellationToken,
    writer: JoinSet<Result<(), JournalError>>,
}

fn config(dir: &Path) -> JournalConfig {
    JournalConfig { dir: dir.to_owned(), max_bytes: 1 << 20, segment_bytes: 16 << 10 }
}

fn start(dir: &Path) -> Running {
    let (journal, _) = Journal::open(config(dir)).unwrap();
    let ((readings, read), (requests, asked), given) = (mpsc::channel(100), mpsc::channel(10), Outlet::default());
    let appended = given.listen(100);
    let channels = Channels { readings: read, requests: asked, appended: given };
    let stop = CancellationToken::new();
    let writer = writer::run(journal, Duration::from_millis(100), channels, |_| {}, stop.clone());
    let writer = JoinSet::from_iter([writer]);
    Running { readings, requests, appended, stop, writer }
}

impl Running {
    async fn take(&mut self, at: i64) -> Entry {
        let reading = Reading::failed("T-01".parse().unwrap(), UnixMillis::new(at), Bad::NoReply);
        self.readings.send(reading).await.unwrap();
        tokio::time::timeout(DEADLINE, self.appended.recv()).await.unwrap().unwrap()
    }

    async fn report(&self) -> Report {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Report(reply)).await.unwrap();
        answer.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_without_a_disk_gives_its_readings_out_and_brings_them_to_the_disk_when_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    std::fs::write(&dir, "stands where the folder should be").unwrap();
    let mut running = start(&dir);
    let mut given = Vec::new();
    for at in 0..20 {
        given.push(running.take(at).await);
    }
    let journal = given[0].journal;
    assert!(given.iter().zip(1..).all(|(entry, seq)| (entry.journal, entry.seq) == (journal, seq)));
    let report = running.report().await;
    assert_eq!((report.held, report.depth, report.contents[&journal].clone()), (20, 20, 1..=20));

    let mut ranges = RangeSet::new();
    ranges.insert(1, 5);
    running.requests.send(Request::Commit(JournalRanges { journal, ranges })).await.unwrap();
    let (reply, fetched) = oneshot::channel();
    running.requests.send(Request::Fetch { journal, first: 1, last: 20, limit: 500, reply }).await.unwrap();
    assert_eq!(fetched.await.unwrap(), given[5..]);

    std::fs::remove_file(&dir).unwrap();
    let deadline = clock::now() + DEADLINE;
    while running.report().await.held > 0 {
        assert!(clock::now() < deadline, "the disk is there, and readings are in memory still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    given.push(running.take(20).await);
    assert_eq!((given[20].journal, given[20].seq), (journal, 21));
    running.stop.cancel();
    running.writer.join_next().await.unwrap().unwrap().unwrap();

    let (mut again, opened) = Journal::open(config(&dir)).unwrap();
    assert!(!opened.new_journal);
    assert_eq!(again.fetch(journal, 1, 100, 100).unwrap(), given[5..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_a_disk_says_that_readings_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    std::fs::write(&dir, "stands where the folder should be").unwrap();
    let mut running = start(&dir);
    running.take(1).await;
    running.stop.cancel();
    let said = running.writer.join_next().await.unwrap().unwrap().unwrap_err().to_string();
    assert!(said.starts_with("journal: cannot "), "{said}");
}
