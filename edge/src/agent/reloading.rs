//! An agent that runs, and what a new configuration changes of it.

use std::time::Duration;

use anyhow::{Context, bail};
use tankline_domain::units::UnixMillis;
use tankline_runtime::clock;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Observer;
use super::group::Group;
use super::standing;
use super::tasks::{Told, Writing, start_lines, start_sending};
use crate::config::EdgeConfig;
use crate::journal::writer::Report;
use crate::journal::{Host, Journal, Opened, Owner};
use crate::line::board::HealthBoard;
use crate::line::poller::LineConfig;
use crate::reload::{Answer, Change};
use crate::stamp::StationClock;

/// How long the disk of another journal may take to open it.
const OPENING: Duration = Duration::from_secs(10);

/// Lines, journal and uplink, each of which can be exchanged while the others go on.
pub(super) struct Agent {
    host: Host,
    observer: Observer,
    started_at: UnixMillis,
    /// Counters of the gauges, and the clock that their readings are stamped by.
    board: HealthBoard,
    config: EdgeConfig,
    digest: watch::Sender<String>,
    lines_wanted: watch::Sender<Vec<LineConfig>>,
    lines: Group,
    sending: Group,
    writing: Writing,
}

impl Agent {
    /// Opens the journal and starts everything.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub(super) fn start(host: Host, config: EdgeConfig, observer: Observer) -> anyhow::Result<Self> {
        let opened = open(&host, &config)?;
        Ok(Self::start_on(host, observer, config, clock::unix_ms(), opened))
    }

    /// Runs until told to stop, or until something fails; then stops what takes in first, and the disk last.
    ///
    /// # Errors
    /// Why a task failed, or did not stop in good order.
    pub(super) async fn run(
        mut self,
        mut changes: mpsc::Receiver<Change>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut inquiries = self.observer.inquiries.take();
        let outcome = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                ended = self.writing.group.ended() => break ended.map_err(anyhow::Error::from),
                ended = self.sending.ended() => break ended.map_err(anyhow::Error::from),
                ended = self.lines.ended() => break ended.map_err(anyhow::Error::from),
                Some(Change { config, answer }) = changes.recv() => match self.change(config).await {
                    // Who asked may be gone: the configuration is in use all the same, or not.
                    Ok(taken) => drop(answer.send(taken)),
                    Err(error) => break Err(error),
                },
                Some(reply) = inquiries.recv() => {
                    let gauges = self.config.lines.iter().map(|line| line.gauges.len()).sum();
                    standing::answer(reply, gauges, &self.board, self.writing.requests());
                }
            }
        };
        let stopped = [self.lines.stop().await, self.sending.stop().await, self.writing.group.stop().await];
        outcome?;
        stopped.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }

    /// Brings a new configuration into use, or says why not.
    ///
    /// # Errors
    /// When the agent cannot go on, neither with the new configuration nor with the old one.
    async fn change(&mut self, next: EdgeConfig) -> anyhow::Result<Answer> {
        if !self.config.has_journal_of(&next) {
            return self.change_journal(next).await;
        }
        let has_session = self.config.has_session_of(&next);
        self.config = next;
        self.digest.send_replace(self.config.digest.clone());
        self.lines_wanted.send_replace(self.config.lines.clone());
        if !has_session {
            tracing::info!("connecting anew with the new configuration");
            // What goes wrong with the old session is logged, and does not matter to the new one.
            let _ = self.sending.stop().await;
            let report = self.writing.report().await?;
            self.sending = start_sending(&self.config, &self.writing, report, self.told());
        }
        tracing::info!(config = self.config.digest, "the new configuration is in use");
        Ok(Answer::InUse)
    }

    /// Stops everything and starts it anew with another journal, or with this one kept otherwise.
    async fn change_journal(&mut self, next: EdgeConfig) -> anyhow::Result<Answer> {
        let opened = match self.open_beside(&next).await {
            Ok(opened) => opened,
            Err(error) => return Ok(refused(&error)),
        };
        tracing::info!("starting anew with the new configuration");
        // What does not stop in good order is logged and cut off; the readings that were given are in the journal.
        let _ = (self.lines.stop().await, self.sending.stop().await, self.writing.group.stop().await);
        match opened.map_or_else(|| open_on_disk(&self.host, &next), Ok) {
            Ok(opened) => {
                *self = self.start_again(next, opened);
                Ok(Answer::InUse)
            }
            Err(error) => {
                let opened = open(&self.host, &self.config)?;
                *self = self.start_again(self.config.clone(), opened);
                Ok(refused(&error))
            }
        }
    }

    /// Opens the journal of another folder while the one in use goes on; nothing when the folder is the same one.
    ///
    /// # Errors
    /// Why the agent cannot go over to it.
    async fn open_beside(&mut self, next: &EdgeConfig) -> anyhow::Result<Option<(Journal, Opened)>> {
        let report = self.writing.report().await?;
        if let Some(trouble) = report.trouble {
            let (disk, held) = (trouble.as_str(), report.held);
            bail!(
                "the disk {disk}, and {held} readings are in memory only: they would be lost with the journal in use"
            );
        }
        let real = |config: &EdgeConfig| std::fs::canonicalize(&config.journal.dir).ok();
        if next.journal.dir == self.config.journal.dir || real(next).is_some_and(|dir| Some(dir) == real(&self.config))
        {
            return Ok(None);
        }
        let (host, config) = (self.host.clone(), next.clone());
        let opening = tokio::task::spawn_blocking(move || open_on_disk(&host, &config));
        let Ok(opened) = timeout(OPENING, opening).await else {
            bail!("the disk of {} does not answer", next.journal.dir.display());
        };
        Ok(Some(opened??))
    }

    /// Starts everything on a journal that was just opened.
    fn start_on(
        host: Host,
        observer: Observer,
        config: EdgeConfig,
        started_at: UnixMillis,
        (journal, opened): (Journal, Opened),
    ) -> Self {
        tracing::info!(
            site = %config.site, edge = %config.edge, journal = %journal.id(), readings = opened.readings,
            torn_bytes = opened.torn_bytes, new_journal = opened.new_journal, "journal is open"
        );
        let report = Report::at_start(&journal);
        let writing = Writing::start(journal, config.sync_interval, &observer);
        let (lines_wanted, wanted) = watch::channel(config.lines.clone());
        let (digest, digest_told) = watch::channel(config.digest.clone());
        let clock = StationClock::new(config.clock.clone(), opened.last_stamp);
        let board = observer.board.clone().with_clock(clock);
        let told = Told { digest: digest_told, started_at, board: board.clone() };
        let sending = start_sending(&config, &writing, report, told);
        let lines = start_lines(&writing, wanted, board.clone());
        Self { host, observer, started_at, board, config, digest, lines_wanted, lines, sending, writing }
    }

    fn start_again(&self, config: EdgeConfig, opened: (Journal, Opened)) -> Self {
        Self::start_on(self.host.clone(), self.observer.clone(), config, self.started_at, opened)
    }

    fn told(&self) -> Told {
        Told { digest: self.digest.subscribe(), started_at: self.started_at, board: self.board.clone() }
    }
}

fn refused(error: &anyhow::Error) -> Answer {
    Answer::Refused { reason: format!("{error:#}") }
}

fn owner(config: &EdgeConfig) -> Owner {
    Owner { site: config.site.clone(), edge: config.edge.clone() }
}

/// Opens a journal; in memory when its disk cannot be used.
fn open(host: &Host, config: &EdgeConfig) -> anyhow::Result<(Journal, Opened)> {
    Journal::open_on(host, config.journal.clone(), Some(owner(config))).context("the journal cannot be opened")
}

/// Opens a journal, or says why its disk cannot be used.
fn open_on_disk(host: &Host, config: &EdgeConfig) -> anyhow::Result<(Journal, Opened)> {
    Journal::open_on_disk(host, config.journal.clone(), Some(owner(config))).context("the journal cannot be opened")
}
