//! Where new readings go beside the journal.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::Entry;

/// Gives what was just journalled to whoever listens. What meets a full queue, or nobody, is in the journal all the same.
#[derive(Debug, Clone, Default)]
pub struct Outlet(Arc<Mutex<Option<mpsc::Sender<Entry>>>>);

impl Outlet {
    /// Listens from now on, in the place of who listened before; so many entries wait at most.
    #[must_use]
    pub fn listen(&self, waiting: usize) -> mpsc::Receiver<Entry> {
        let (entries, listener) = mpsc::channel(waiting);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(entries);
        listener
    }

    /// Gives an entry to who listens.
    pub fn give(&self, entry: Entry) {
        if let Some(entries) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Full, or nobody is there: the journal has it.
            let _ = entries.try_send(entry);
        }
    }
}
