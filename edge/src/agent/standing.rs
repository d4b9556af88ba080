//! How an agent stands, for who asks from within its process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tankline_domain::message::GaugeHealth;
use tankline_runtime::clock;
use tokio::sync::{mpsc, oneshot};

use crate::journal::writer::{DiskTrouble, Report, Request};
use crate::line::board::HealthBoard;
use crate::stamp::Restamp;

/// A task that was to be heard of longer ago is stuck. A poll with all its time-outs takes less.
const LATE_AFTER: Duration = Duration::from_secs(60);

/// How an agent stands. Its text is a line for a person: `8 of 8 gauges live, journal 0 s behind`.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Gauges whose latest reading vouches for the level.
    pub live: usize,
    /// All gauges.
    pub gauges: usize,
    /// Readings that are not known to be committed.
    pub depth: u64,
    /// Age of the oldest of them, when it is known.
    pub behind: Option<Duration>,
    /// What is wrong with the disk.
    pub trouble: Option<DiskTrouble>,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} gauges live, journal ", self.live, self.gauges)?;
        match self.behind {
            Some(age) => write!(f, "{} s behind", age.as_secs())?,
            None if self.depth == 0 => f.write_str("0 s behind")?,
            None => write!(f, "{} readings behind", self.depth)?,
        }
        self.trouble.map_or(Ok(()), |trouble| write!(f, ", the disk {}", trouble.as_str()))
    }
}

type Reply = oneshot::Sender<Answer>;

/// What an agent answers at once; the journal's part follows.
pub(super) struct Answer {
    gauges: usize,
    board: HealthBoard,
    report: oneshot::Receiver<Report>,
}

/// The way to ask an agent, and the agent's end of it until that takes it.
#[derive(Debug, Clone)]
pub(super) struct Inquiries {
    asking: mpsc::Sender<Reply>,
    asked: Arc<Mutex<Option<mpsc::Receiver<Reply>>>>,
}

impl Default for Inquiries {
    fn default() -> Self {
        let (asking, asked) = mpsc::channel(1);
        Self { asking, asked: Arc::new(Mutex::new(Some(asked))) }
    }
}

impl Inquiries {
    /// Takes the agent's end. A second agent gets one that nobody asks through.
    pub(super) fn take(&self) -> mpsc::Receiver<Reply> {
        let taken = self.asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.unwrap_or_else(|| mpsc::channel(1).1)
    }

    pub(super) async fn ask(&self) -> Result<Standing, String> {
        let ended = "the agent has ended";
        let (reply, answer) = oneshot::channel();
        self.asking.send(reply).await.map_err(|_| ended)?;
        let Answer { gauges, board, report } = answer.await.map_err(|_| ended)?;
        let report = report.await.map_err(|_| "the journal does not answer")?;
        let late = board.pulses().late(clock::now(), LATE_AFTER);
        if !late.is_empty() {
            return Err(late.join(", "));
        }
        Ok(standing(gauges, &board, &report))
    }
}

/// Answers at once, and has the journal answer.
pub(super) fn answer(reply: Reply, gauges: usize, board: &HealthBoard, journal: &mpsc::Sender<Request>) {
    let (asked, report) = oneshot::channel();
    // With its queue full the journal does not answer, which is the truth.
    let _ = journal.try_send(Request::Report(asked));
    // Who asked may have given up.
    let _ = reply.send(Answer { gauges, board: board.clone(), report });
}

fn standing(gauges: usize, board: &HealthBoard, report: &Report) -> Standing {
    let vouches = |health: &GaugeHealth| health.quality.as_ref().is_some_and(|quality| quality.vouches_for_level());
    let live = board.snapshot().iter().filter(|health| vouches(health)).count();
    let restamp = Restamp { clocks: board.clock().read(), earlier: &report.earlier };
    let age = report.oldest.and_then(|oldest| restamp.age_ms(oldest.journal, oldest.seq, oldest.at.get()));
    let behind = age.map(|age_ms| Duration::from_millis(age_ms.max(0).unsigned_abs()));
    Standing { live, gauges, depth: report.depth, behind, trouble: report.trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_is_one_line_for_a_person() {
        let good = Standing { live: 8, gauges: 8, depth: 3, behind: Some(Duration::from_millis(900)), trouble: None };
        assert_eq!(good.to_string(), "8 of 8 gauges live, journal 0 s behind");
        let away = Standing { live: 7, depth: 4000, behind: None, trouble: Some(DiskTrouble::Refuses), ..good };
        assert_eq!(away.to_string(), "7 of 8 gauges live, journal 4000 readings behind, the disk refuses");
    }

    #[tokio::test]
    async fn line_that_is_not_heard_of_is_named_and_the_journal_must_answer() {
        let (inquiries, board) = (Inquiries::default(), HealthBoard::default());
        let (journal, mut requests) = mpsc::channel(1);
        let line = board.pulses().of("line line-01");
        line.expect(clock::now());
        let mut asked = inquiries.take();
        let agent = async {
            while let Some(reply) = asked.recv().await {
                answer(reply, 1, &board, &journal);
            }
        };
        let writer = async {
            while let Some(Request::Report(reply)) = requests.recv().await {
                reply.send(report()).unwrap();
            }
        };
        let asking = async {
            assert_eq!(inquiries.ask().await.unwrap().to_string(), "0 of 1 gauges live, journal 0 s behind");
            line.expect(clock::now().checked_sub(2 * LATE_AFTER).unwrap());
            assert_eq!(inquiries.ask().await.unwrap_err(), "line line-01");
        };
        tokio::select! {
            () = agent => panic!("it is asked as long as this test runs"),
            () = writer => panic!("it is asked as long as this test runs"),
            () = asking => {}
        }
    }

    fn report() -> Report {
        let folder = tempfile::tempdir().unwrap();
        let config =
            crate::journal::JournalConfig { dir: folder.path().to_owned(), max_bytes: 1 << 20, segment_bytes: 1 << 16 };
        Report::at_start(&crate::journal::Journal::open_on(&crate::journal::Host::default(), config, None).unwrap().0)
    }
}
