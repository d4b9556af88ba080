//! What waits for the thread that writes, and what that thread is at.
//!
//! The thread may hang in the disk for as long as it likes; whoever hands over never waits for it, and can take back what
//! it has not begun with.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tankline_domain::message::{JournalId, JournalRanges};
use tankline_domain::reading::Reading;
use tankline_runtime::clock;
use tokio::sync::{Notify, oneshot};

use super::entry::Entry;
use super::memory::Memory;
use super::writer::{Report, Request};

/// Between who hands over and the thread that writes.
#[derive(Debug)]
pub(super) struct Handover {
    state: Mutex<State>,
    /// Wakes the thread.
    came: Condvar,
    /// Tells that the thread rests, where that is waited for.
    rested: Notify,
}

#[derive(Debug)]
struct State {
    memory: Option<Memory>,
    readings: VecDeque<Reading>,
    requests: VecDeque<Request>,
    /// Where the answer goes to what the thread is asked now.
    reply: Option<Reply>,
    /// Counts what the thread began with.
    begun: u64,
    is_at_work: bool,
    is_given_up: bool,
    is_closed: bool,
    /// How the journal stood when the thread last said it.
    report: Report,
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) enum Reply {
    Fetch(oneshot::Sender<Vec<Entry>>),
    Report(oneshot::Sender<Report>),
}

/// What the thread is to do next.
#[derive(Debug)]
pub(super) enum Work {
    /// Readings that were kept in memory while the thread hung.
    Memory(Memory),
    Reading(Reading),
    Commit(JournalRanges),
    Forget(JournalRanges),
    Fetch {
        journal: JournalId,
        first: u64,
        last: u64,
        limit: usize,
    },
    Report,
    /// All is done, and nothing more comes.
    Close,
}

/// What the thread is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Counts what it began with.
    pub(super) begun: u64,
    /// Whether it is at work, or something waits for it.
    pub(super) is_busy: bool,
    /// Readings that wait.
    pub(super) readings: usize,
}

/// What was taken back.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub(super) memory: Option<Memory>,
    pub(super) readings: VecDeque<Reading>,
    pub(super) requests: VecDeque<Request>,
    /// Where the answer goes that the thread owes.
    pub(super) reply: Option<Reply>,
    pub(super) report: Report,
}

impl Handover {
    pub(super) fn new(report: Report) -> Self {
        let state = State {
            memory: None,
            readings: VecDeque::new(),
            requests: VecDeque::new(),
            reply: None,
            begun: 0,
            is_at_work: false,
            is_given_up: false,
            is_closed: false,
            report,
        };
        Self { state: Mutex::new(state), came: Condvar::new(), rested: Notify::new() }
    }

    /// Hands over a reading.
    pub(super) fn push(&self, reading: Reading) {
        self.state().readings.push_back(reading);
        self.came.notify_one();
    }

    /// Hands over a request; readings that came before it are journalled before it is answered.
    pub(super) fn ask(&self, request: Request) {
        self.state().requests.push_back(request);
        self.came.notify_one();
    }

    /// Says that nothing more comes.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.came.notify_one();
    }

    /// Gives what the thread is at.
    pub(super) fn progress(&self) -> Progress {
        let state = self.state();
        Progress { begun: state.begun, is_busy: state.is_at_work || state.has_work(), readings: state.readings.len() }
    }

    /// Takes back all that the thread has not begun with, and the answer that it owes.
    pub(super) fn withdraw(&self) -> Withdrawn {
        let mut state = self.state();
        state.is_given_up = true;
        Withdrawn {
            memory: state.memory.take(),
            readings: std::mem::take(&mut state.readings),
            requests: std::mem::take(&mut state.requests),
            reply: state.reply.take(),
            report: state.report.clone(),
        }
    }

    /// Waits until the thread rests after it was given up.
    pub(super) async fn rested(&self) {
        loop {
            let rested = self.rested.notified();
            if !self.state().is_at_work {
                return;
            }
            rested.await;
        }
    }

    /// Hands over what was kept in memory, and goes on as before.
    pub(super) fn resume(&self, memory: Memory) {
        let mut state = self.state();
        (state.memory, state.is_given_up) = (Some(memory), false);
        self.came.notify_one();
    }

    /// Gives the thread its next work; `None` when there was none by the moment said.
    pub(super) fn next(&self, until: Option<Instant>) -> Option<Work> {
        let mut state = self.rest();
        loop {
            if let Some(work) = state.take() {
                state.is_at_work = true;
                state.begun += 1;
                return Some(work);
            }
            state = match until.map(|until| until.saturating_duration_since(clock::now())) {
                Some(left) if left.is_zero() => {
                    state.is_at_work = true;
                    state.begun += 1;
                    return None;
                }
                Some(left) => self.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.came.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Gives the answer to what the thread was asked; it goes nowhere when it was given elsewhere meanwhile.
    pub(super) fn answer_fetch(&self, entries: Option<Vec<Entry>>) {
        let reply = self.state().reply.take();
        if let (Some(Reply::Fetch(reply)), Some(entries)) = (reply, entries) {
            // Who asked may be gone: then nothing was sent and nothing is lost.
            drop(reply.send(entries));
        }
    }

    /// Gives the answer to how the journal stands.
    pub(super) fn answer_report(&self, report: Report) {
        let mut state = self.state();
        state.report = report.clone();
        if let Some(Reply::Report(reply)) = state.reply.take() {
            drop(reply.send(report));
        }
    }

    fn rest(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.is_at_work = false;
        if state.is_given_up {
            self.rested.notify_one();
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_work(&self) -> bool {
        self.memory.is_some() || !self.readings.is_empty() || !self.requests.is_empty() || self.is_closed
    }

    fn take(&mut self) -> Option<Work> {
        if let Some(memory) = self.memory.take() {
            return Some(Work::Memory(memory));
        }
        if let Some(reading) = self.readings.pop_front() {
            return Some(Work::Reading(reading));
        }
        let work = match self.requests.pop_front() {
            Some(Request::Commit(committed)) => Work::Commit(committed),
            Some(Request::Forget(lost)) => Work::Forget(lost),
            Some(Request::Fetch { journal, first, last, limit, reply }) => {
                self.reply = Some(Reply::Fetch(reply));
                Work::Fetch { journal, first, last, limit }
            }
            Some(Request::Report(reply)) => {
                self.reply = Some(Reply::Report(reply));
                Work::Report
            }
            None if self.is_closed => Work::Close,
            None => return None,
        };
        Some(work)
    }
}
