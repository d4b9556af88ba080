//! Tells one target, in order, until it has been told.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rusqlite::Connection;
use tankline_domain::alarm::Priority;
use tankline_domain::units::UnixMillis;
use tankline_runtime::backoff::Backoff;
use tankline_runtime::clock;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::pace::{Crowd, Pace, Turn};
use super::queue::{self, GivenUp, Waiting};
use super::target::{Target, Way};
use crate::store::{self, OpenError};

/// Messages that one e-mail tells of at most, and that are read at once.
const AT_ONCE: usize = 500;

/// How often a receiver may refuse one message before it is given up.
const REFUSALS: u32 = 10;

/// How often it is looked whether something waits although no bell rang.
const ROUND: Duration = Duration::from_secs(60);

/// How long it is remembered who was told of what.
const REMEMBERED_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// How often what is older is deleted.
const FORGETTING: Duration = Duration::from_secs(3600);

/// Why a target was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It may work later.
    Later(String),
    /// A person has to put something right first.
    Denied(String),
    /// The receiver does not accept this very message.
    Refused(String),
}

impl Failure {
    /// Says why.
    #[must_use]
    pub fn words(&self) -> &str {
        let (Self::Later(words) | Self::Denied(words) | Self::Refused(words)) = self;
        words
    }
}

/// What is known of the telling of one target, for metrics and health.
#[derive(Debug, Default)]
pub struct Tally {
    /// The name of the target.
    pub target: String,
    /// Messages that wait.
    pub waiting: AtomicU64,
    /// Messages told.
    pub told: AtomicU64,
    /// Attempts in vain.
    pub failures: AtomicU64,
    /// Messages given up.
    pub given_up: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Tally {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(target: String) -> Self {
        Self { target, ..Self::default() }
    }

    /// Gives why the target cannot be told; absent when it can.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_told(&self, count: usize) {
        self.told.fetch_add(count as u64, Ordering::Relaxed);
        if let Some(after) = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tracing::info!(target_name = self.target, after, "notifications are delivered again");
        }
    }

    fn note_failed(&self, failure: &Failure) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, name) = (failure.words(), &self.target);
        if trouble.is_none() {
            match failure {
                Failure::Later(_) => {
                    tracing::warn!(target_name = name, reason = words, "notifications are not delivered; they wait");
                }
                Failure::Denied(_) | Failure::Refused(_) => {
                    tracing::error!(target_name = name, reason = words, "notifications are refused; they wait");
                }
            }
        }
        *trouble = Some(words.to_owned());
    }

    fn note_given_up(&self, count: usize, why: GivenUp) {
        self.given_up.fetch_add(count as u64, Ordering::Relaxed);
        let why = why.words();
        tracing::error!(target_name = self.target, count, why, "notifications were given up");
    }
}

/// Tells one target.
#[derive(Debug)]
pub struct Outbox {
    target: Target,
    connection: Arc<Mutex<Connection>>,
    bell: watch::Receiver<()>,
    tally: Arc<Tally>,
}

impl Outbox {
    /// Opens the database for what it notes; `bell` rings when there may be something new.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        target: Target,
        database: &Path,
        bell: watch::Receiver<()>,
        tally: Arc<Tally>,
    ) -> Result<Self, OpenError> {
        let connection = store::open_beside(database)?;
        Ok(Self { target, connection: Arc::new(Mutex::new(connection)), bell, tally })
    }

    /// Gives the name of its target.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Tells until stopped. What is under way then is told again after the next start.
    ///
    /// # Errors
    /// A thread broke down.
    pub async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        stop.run_until_cancelled_owned(self.tell()).await.unwrap_or(Ok(()))
    }

    async fn tell(&mut self) -> anyhow::Result<()> {
        let mut pace = match &self.target.way {
            Way::Webhook(_) => Pace::one_by_one(),
            Way::Email(email) => Pace::gathered(email.gather, email.spacing, AT_ONCE),
        };
        let mut forget = clock::now();
        loop {
            if forget <= clock::now() {
                forget = clock::now() + FORGETTING;
                let before = UnixMillis::new(clock::unix_ms().get().saturating_sub(REMEMBERED_MS));
                self.database(move |connection| queue::forget(connection, before)).await?;
            }
            self.bell.mark_unchanged();
            let waiting = self.waiting().await?;
            let critical = waiting.iter().any(|one| one.message.priority == Priority::Critical);
            let round = Instant::from_std(clock::now() + ROUND);
            let due = match pace.handle_waiting(clock::now(), Crowd { count: waiting.len(), critical }) {
                Turn::Tell(count) => {
                    self.attempt(&mut pace, &waiting[..count]).await?;
                    continue;
                }
                Turn::Idle => round,
                Turn::Wait(due) => round.min(Instant::from_std(due)),
            };
            tokio::select! {
                () = sleep_until(due) => {}
                rung = self.bell.changed() => rung.context("the worker is gone")?,
            }
        }
    }

    async fn attempt(&self, pace: &mut Pace, batch: &[Waiting]) -> anyhow::Result<()> {
        let now = clock::unix_ms();
        let outcome = timeout(self.target.timeout, self.deliver(batch, now)).await.unwrap_or_else(|_| {
            Err(Failure::Later(format!("no answer within {} ms", self.target.timeout.as_millis())))
        });
        let rows: Vec<i64> = batch.iter().map(|one| one.row).collect();
        let now = clock::unix_ms();
        let Err(failure) = outcome else {
            self.tally.note_told(rows.len());
            pace.handle_told(clock::now());
            // Not sent again in this life even when the database fails for long.
            return self.database(move |connection| queue::note_delivered(connection, &rows, now)).await;
        };
        self.tally.note_failed(&failure);
        pace.handle_failed(clock::now());
        let words = failure.words().to_owned();
        let failed = rows.clone();
        self.database(move |connection| queue::note_failed(connection, &failed, &words, now)).await?;
        // Only after an attempt: a clock that was set ahead gives up nothing that can still be told.
        let max_age = i64::try_from(self.target.keep.max_age.as_millis()).unwrap_or(i64::MAX);
        let old = |one: &&Waiting| now.millis_since(one.created) > max_age;
        let refused = |one: &&Waiting| matches!(failure, Failure::Refused(_)) && one.attempts + 1 >= REFUSALS;
        let too_old = batch.iter().filter(old).map(|one| one.row).collect();
        let refused = batch.iter().filter(|one| !old(one) && refused(one)).map(|one| one.row).collect();
        self.give_up(too_old, GivenUp::TooOld).await?;
        self.give_up(refused, GivenUp::Refused).await
    }

    async fn deliver(&self, batch: &[Waiting], now: UnixMillis) -> Result<(), Failure> {
        match &self.target.way {
            Way::Webhook(webhook) => {
                for one in batch {
                    webhook.post(&one.message.id, &one.body, now).await?;
                }
                Ok(())
            }
            Way::Email(email) => {
                let messages: Vec<_> = batch.iter().map(|one| &one.message).collect();
                email.send(&messages, now).await
            }
        }
    }

    /// Reads what waits; gives up what is too much or cannot be read.
    async fn waiting(&self) -> anyhow::Result<Vec<Waiting>> {
        let (name, max_rows) = (self.target.name.clone(), self.target.keep.max_rows);
        let beyond = self.database(move |connection| queue::beyond(connection, &name, max_rows)).await?;
        self.give_up(beyond, GivenUp::TooMany).await?;
        let name = self.target.name.clone();
        let read = self.database(move |connection| {
            Ok((queue::count_waiting(connection, &name)?, queue::waiting(connection, &name, AT_ONCE)?))
        });
        let (count, (waiting, unreadable)) = read.await?;
        self.tally.waiting.store(count, Ordering::Relaxed);
        self.give_up(unreadable, GivenUp::Unreadable).await?;
        Ok(waiting)
    }

    async fn give_up(&self, rows: Vec<i64>, why: GivenUp) -> anyhow::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.tally.note_given_up(rows.len(), why);
        let now = clock::unix_ms();
        self.database(move |connection| queue::give_up(connection, &rows, why, now)).await
    }

    /// Does something with the database, again and again until it works.
    async fn database<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> rusqlite::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<T> {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        let (work, mut silent) = (Arc::new(work), false);
        loop {
            let (connection, again) = (Arc::clone(&self.connection), Arc::clone(&work));
            let done = tokio::task::spawn_blocking(move || {
                again(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
            });
            match done.await.context("the database of notifications broke down")? {
                Ok(found) => return Ok(found),
                Err(error) if !silent => {
                    tracing::warn!(target_name = self.target.name, %error, "the queue of notifications cannot be used");
                    silent = true;
                }
                Err(_) => {}
            }
            sleep(backoff.next()).await;
        }
    }
}

/// Gives up what waits for targets that are no longer configured.
///
/// # Errors
/// What SQLite said.
pub fn give_up_orphans(connection: &mut Connection, targets: &[&str], now: UnixMillis) -> rusqlite::Result<()> {
    let orphans = queue::orphans(connection, targets)?;
    let Some((_, name)) = orphans.first() else { return Ok(()) };
    let why = GivenUp::NoTarget.words();
    tracing::warn!(target_name = name, count = orphans.len(), why, "notifications were given up");
    let rows: Vec<i64> = orphans.iter().map(|(row, _)| *row).collect();
    queue::give_up(connection, &rows, GivenUp::NoTarget, now)
}
