use std::sync::Arc;

use rusqlite::Transaction;
use tankline_domain::alarm::Transition;
use tankline_domain::units::UnixMillis;
use tokio::sync::watch;

use super::{Addressee, Tally, Target, Words, enqueue};

/// What the writer of the database knows of those who are to be told.
#[derive(Debug)]
pub struct Notifier {
    addressees: Vec<Addressee>,
    tallies: Vec<Arc<Tally>>,
    bell: watch::Sender<()>,
}

impl Notifier {
    /// Knows these.
    #[must_use]
    pub fn new(targets: &[Target]) -> Self {
        Self {
            addressees: targets.iter().map(Target::addressee).collect(),
            tallies: targets.iter().map(|target| Arc::new(Tally::new(target.name.clone()))).collect(),
            bell: watch::Sender::new(()),
        }
    }

    /// Puts down who is to be told of a transition, in the transaction that records it as row `transition_id` of
    /// `alarm_transition`; gives how many are.
    ///
    /// # Errors
    /// What SQLite said; the whole transaction is to be undone then.
    pub fn enqueue(
        &self,
        transaction: &Transaction<'_>,
        transition_id: i64,
        transition: &Transition,
        words: Words<'_>,
        now: UnixMillis,
    ) -> rusqlite::Result<usize> {
        enqueue(transaction, transition_id, transition, words, &self.addressees, now)
    }

    /// Wakes those who tell, after the commit.
    pub fn ring(&self) {
        self.bell.send_replace(());
    }

    /// Gives what is known of the telling, in the order of the targets.
    #[must_use]
    pub fn tallies(&self) -> &[Arc<Tally>] {
        &self.tallies
    }

    /// Gives what is told when there may be something new.
    #[must_use]
    pub fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }
}

impl Default for Notifier {
    /// Knows nobody.
    fn default() -> Self {
        Self::new(&[])
    }
}
