//! Memory for messages of quality 2 that clients have begun and not released.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all clients together may take.
#[derive(Debug)]
pub(super) struct Hall {
    taken_bytes: AtomicUsize,
    max_bytes: usize,
    max_bytes_of_one: usize,
}

/// What one client has taken of it; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    hall: Arc<Hall>,
    taken_bytes: usize,
}

impl Hall {
    /// Begins empty, with so much for all and for one client.
    pub(super) fn new(max_bytes: usize, max_bytes_of_one: usize) -> Arc<Self> {
        Arc::new(Self { taken_bytes: AtomicUsize::new(0), max_bytes, max_bytes_of_one })
    }

    /// Lets a client in.
    pub(super) fn room(self: &Arc<Self>) -> Room {
        Room { hall: Arc::clone(self), taken_bytes: 0 }
    }
}

impl Room {
    /// Takes memory; tells whether there was as much.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let hall = &self.hall;
        if self.taken_bytes + bytes > hall.max_bytes_of_one {
            return false;
        }
        if hall.taken_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > hall.max_bytes {
            hall.taken_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.taken_bytes += bytes;
        true
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.taken_bytes -= bytes;
        self.hall.taken_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.hall.taken_bytes.fetch_sub(self.taken_bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_room_for_the_others_and_all_end_with_the_hall() {
        let hall = Hall::new(10, 4);
        let (mut first, mut second, mut third) = (hall.room(), hall.room(), hall.room());
        assert!(first.take(4) && !first.take(1));
        assert!(second.take(4) && third.take(2) && !third.take(1));
        first.give_back(1);
        assert!(third.take(1));
        drop(second);
        assert!(third.take(1) && first.take(1));
        drop((first, third));
        assert_eq!(hall.taken_bytes.load(Ordering::Relaxed), 0);
    }
}
