//! Several batches under way at a time, and how far all of them have got together.

use std::collections::VecDeque;

use crate::intake::DeadLetter;

/// The batches under way, in the order of their readings.
#[derive(Debug)]
pub struct Window {
    cursor: i64,
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    through_id: i64,
    done: Option<Vec<DeadLetter>>,
}

impl Window {
    /// Begins behind a cursor.
    #[must_use]
    pub fn new(cursor: i64) -> Self {
        Self { cursor, batches: VecDeque::new() }
    }

    /// Gives the id through which everything has arrived.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// Gives the id after which the next batch begins.
    #[must_use]
    pub fn sent_through(&self) -> i64 {
        self.batches.back().map_or(self.cursor, |batch| batch.through_id)
    }

    /// Counts the batches that have not arrived, or wait for an earlier one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Tells whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The next batch is on its way.
    pub fn handle_sent(&mut self, through_id: i64) {
        self.batches.push_back(Batch { through_id, done: None });
    }

    /// A batch has arrived. Gives how far everything has got, with the letters of all that this settles; absent while an
    /// earlier batch has not arrived.
    pub fn handle_arrived(&mut self, through_id: i64, letters: Vec<DeadLetter>) -> Option<(i64, Vec<DeadLetter>)> {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.through_id == through_id) {
            batch.done = Some(letters);
        }
        let (before, mut settled) = (self.cursor, Vec::new());
        while let Some(batch) = self.batches.front_mut() {
            let Some(letters) = batch.done.take() else { break };
            settled.extend(letters);
            self.cursor = batch.through_id;
            self.batches.pop_front();
        }
        (self.cursor > before).then_some((self.cursor, settled))
    }

    /// Everything under way is given up; it is to be sent again.
    pub fn handle_given_up(&mut self) {
        self.batches.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_moves_over_the_contiguous_prefix() {
        let mut window = Window::new(10);
        for through in [20, 30, 40] {
            assert_eq!(window.sent_through(), through - 10);
            window.handle_sent(through);
        }
        assert_eq!(window.handle_arrived(30, vec![]), None);
        assert_eq!((window.cursor(), window.len()), (10, 3));
        assert_eq!(window.handle_arrived(20, vec![]), Some((30, vec![])));
        assert_eq!((window.cursor(), window.sent_through(), window.len()), (30, 40, 1));
        window.handle_given_up();
        assert_eq!((window.sent_through(), window.is_empty()), (30, true));
    }
}
