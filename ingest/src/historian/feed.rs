//! The feed itself: reads what was committed, keeps several batches under way, moves the cursor.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rusqlite::Connection;
use tankline_domain::units::UnixMillis;
use tankline_runtime::backoff::Backoff;
use tankline_runtime::clock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Delivery, Lines, Outcome, Sink, Stream, Verdict, Window};
use crate::config::HistorianConfig;
use crate::intake::DeadLetter;
use crate::shared::{Help, Shared};
use crate::store::{Progress, Rewind, Work, asked_again};

/// How long readings are gathered for one write while they trickle in.
const LINGER: Duration = Duration::from_millis(500);

/// How often it is looked whether readings are to be sent again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Single lines that a server may refuse at first before it takes one; doubled each time that it takes none.
const FIRST_PATIENCE: usize = 32;

/// Everything that the feed works with.
#[derive(Debug)]
pub struct Feed<S> {
    /// What is fed.
    pub stream: Stream,
    /// The server.
    pub sink: Arc<S>,
    /// What is to be sent, and how.
    pub config: HistorianConfig,
    /// What the tasks share.
    pub shared: Arc<Shared>,
    /// A connection to the database, to read.
    pub reader: Arc<Mutex<Connection>>,
    /// To the writer of the database.
    pub work: mpsc::Sender<Work>,
    /// How far the server has got.
    pub cursor: i64,
}

/// A batch that was read.
struct Batch {
    lines: Lines,
    rows: usize,
    through_id: i64,
}

/// A batch that has ended.
struct Ended {
    through_id: i64,
    outcome: Outcome,
    lines: Lines,
}

/// Feeds the historian until stopped. What is under way then is sent again after the next start.
///
/// # Errors
/// The writer of the database is gone, or the database cannot be read.
pub async fn feed<S: Sink>(feed: Feed<S>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut window = Window::new(feed.cursor);
    feed.note_through(window.cursor());
    let fed = feed.run(&mut window);
    stop.run_until_cancelled(fed).await.unwrap_or(Ok(()))
}

impl<S: Sink> Feed<S> {
    async fn run(&self, window: &mut Window) -> anyhow::Result<()> {
        let mut newest = self.stream.newest(&self.shared);
        let mut under_way: JoinSet<Ended> = JoinSet::new();
        let mut patience = FIRST_PATIENCE;
        let mut backoff = refused_backoff();
        let mut looking = tokio::time::interval(LOOK_AGAIN);
        looking.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let has_room = |window: &Window| window.len() < self.config.in_flight;
            while *newest.borrow_and_update() > window.sent_through() && has_room(window) {
                if !self.send_more(window, &mut under_way, patience).await? {
                    break;
                }
            }
            let room = has_room(window);
            tokio::select! {
                Some(ended) = under_way.join_next() => {
                    let ended = ended.context("a write to the historian broke down")?;
                    if let Outcome::AllRefused(words) = &ended.outcome {
                        under_way.shutdown().await;
                        window.handle_given_up();
                        self.shared.note_historian_fails(Help::Person, &format!("every line is refused: {words}"));
                        sleep(backoff.next()).await;
                        patience = patience.saturating_mul(2).min(self.config.batch_lines + 1);
                    } else {
                        (patience, backoff) = (FIRST_PATIENCE, refused_backoff());
                        self.settle(window, ended).await?;
                    }
                }
                _ = looking.tick(), if self.stream == Stream::Readings => {
                    if let Some(through_id) = self.asked_again().await {
                        under_way.shutdown().await;
                        self.go_back(window, through_id).await?;
                    }
                }
                changed = newest.changed(), if room => changed.context("the worker is gone")?,
            }
        }
    }

    /// Reads and sends one batch; tells whether there was one.
    async fn send_more(
        &self,
        window: &mut Window,
        under_way: &mut JoinSet<Ended>,
        patience: usize,
    ) -> anyhow::Result<bool> {
        let gathered = Instant::from_std(clock::now()) + LINGER;
        loop {
            let after = window.sent_through();
            let batch = self.read(after).await?;
            if batch.rows == 0 {
                // What was committed is too old already and gone.
                return Ok(false);
            }
            let full = batch.rows == self.config.batch_lines;
            if full || gathered <= Instant::from_std(clock::now()) {
                window.handle_sent(batch.through_id);
                under_way.spawn(deliver(Arc::clone(&self.sink), Arc::clone(&self.shared), batch, patience));
                return Ok(true);
            }
            sleep_until(gathered).await;
        }
    }

    /// Gives the id after which all is to be sent again; absent when nobody asked for that. What cannot be read now is read
    /// the next time.
    async fn asked_again(&self) -> Option<i64> {
        let (reader, target) = (Arc::clone(&self.reader), self.stream.target(&self.config.target()));
        let read = tokio::task::spawn_blocking(move || {
            asked_again(&reader.lock().unwrap_or_else(PoisonError::into_inner), &target)
        });
        read.await.ok()?.ok().flatten()
    }

    /// Goes back to an id, as somebody asked, and has that noted.
    async fn go_back(&self, window: &mut Window, through_id: i64) -> anyhow::Result<()> {
        tracing::info!(after = through_id, "the historian gets readings again, as was asked");
        *window = Window::new(window.cursor().min(through_id));
        let rewind = Rewind { target: self.stream.target(&self.config.target()), through_id };
        self.work.send(Work::Rewind(rewind)).await.ok().context("the writer of the database is gone")?;
        self.note_through(window.cursor());
        Ok(())
    }

    async fn read(&self, after: i64) -> anyhow::Result<Batch> {
        let (reader, limit) = (Arc::clone(&self.reader), self.config.batch_lines);
        let (stream, text_fields) = (self.stream, self.config.text_fields);
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        loop {
            let reader = Arc::clone(&reader);
            let read = tokio::task::spawn_blocking(move || {
                let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                stream.read(&reader, after, limit, text_fields, clock::unix_ms())
            });
            match read.await.context("reading the database broke down")? {
                Ok((lines, rows, through_id)) => return Ok(Batch { lines, rows, through_id }),
                Err(error) => {
                    self.shared.note_historian_fails(Help::Time, &format!("the database cannot be read: {error}"));
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Moves the cursor as far as it goes.
    async fn settle(&self, window: &mut Window, ended: Ended) -> anyhow::Result<()> {
        let now = clock::unix_ms();
        let letters = self.letters(now, ended.outcome, ended.lines);
        if let Some((through_id, letters)) = window.handle_arrived(ended.through_id, letters) {
            let progress = Progress { target: self.stream.target(&self.config.target()), through_id, at: now, letters };
            self.work.send(Work::Progress(progress)).await.ok().context("the writer of the database is gone")?;
            self.note_through(through_id);
        }
        Ok(())
    }

    fn note_through(&self, id: i64) {
        if self.stream == Stream::Readings {
            self.shared.counters.historian_through.store(u64::try_from(id).unwrap_or(0), Ordering::Relaxed);
        }
    }

    fn letters(&self, now: UnixMillis, outcome: Outcome, lines: Lines) -> Vec<DeadLetter> {
        let Outcome::Delivered { taken, poison } = outcome else { return Vec::new() };
        self.shared.counters.historian_lines.fetch_add(taken as u64, Ordering::Relaxed);
        let letters = lines.letters(now, &poison);
        if let Some(letter) = letters.first() {
            tracing::error!(count = letters.len(), reason = letter.reason, "the historian refuses some lines for good");
            self.shared.counters.historian_poison.fetch_add(letters.len() as u64, Ordering::Relaxed);
        }
        letters
    }
}

/// For a server that refuses every line.
fn refused_backoff() -> Backoff {
    Backoff::new(Duration::from_secs(1), Duration::from_secs(300))
}

/// Brings one batch to the server, however long that takes.
async fn deliver<S: Sink>(sink: Arc<S>, shared: Arc<Shared>, batch: Batch, patience: usize) -> Ended {
    let Batch { lines, through_id, .. } = batch;
    let mut delivery = Delivery::new(lines.len(), patience);
    let for_time = || Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
    let mut soon = for_time();
    let mut later = Backoff::new(Duration::from_secs(5), Duration::from_secs(60));
    while let Some(part) = delivery.next_part() {
        match sink.write(lines.part(&part).to_owned()).await {
            Ok(()) => {
                delivery.handle_taken();
                shared.note_historian_works();
                soon = for_time();
            }
            Err(refusal) => {
                if let Verdict::Wait(help, words) = delivery.handle_refusal(refusal) {
                    shared.note_historian_fails(help, &words);
                    sleep(if help == Help::Time { soon.next() } else { later.next() }).await;
                }
            }
        }
    }
    Ended { through_id, outcome: delivery.end(), lines }
}
