//! Locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds a lock; what it guards is whole even if a holder panicked.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
