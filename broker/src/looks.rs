//! When files that may have changed are to be read.

use std::time::{Duration, Instant};

/// From one look at the files to the next. A change counts when it stood for one more look: editors write in steps.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// The longest time from one try to read files that could not be read to the next.
const LONGEST: Duration = Duration::from_secs(60);

/// What looks at files have shown; `P` tells one state of them from another.
///
/// What could not be used is read again, ever less often: a disk or a mount may have failed and not the file.
#[derive(Debug)]
pub(crate) struct Looks<P> {
    in_use: Option<P>,
    seen: Option<P>,
    failed: Option<(Instant, Duration)>,
}

impl<P: PartialEq> Looks<P> {
    /// Begins with files of which nothing is known.
    pub(crate) const fn new() -> Self {
        Self { in_use: None, seen: None, failed: None }
    }

    /// Notes how the files look now; tells whether they are to be read.
    pub(crate) fn is_due(&mut self, now: Instant, prints: P) -> bool {
        let prints = Some(prints);
        if self.seen != prints {
            self.seen = prints;
            self.failed = None;
            return false;
        }
        self.in_use != prints && self.failed.is_none_or(|(at, wait)| now.saturating_duration_since(at) >= wait)
    }

    /// Notes that what was seen last is in use.
    pub(crate) fn note_use(&mut self) {
        self.failed = None;
        self.in_use = self.seen.take();
    }

    /// Notes that what was seen last cannot be used.
    pub(crate) fn note_failure(&mut self, now: Instant) {
        let wait = self.failed.map_or(LOOK, |(_, wait)| (2 * wait).min(LONGEST));
        self.failed = Some((now, wait));
    }
}

#[cfg(test)]
mod tests {
    use tankline_runtime::clock;

    use super::*;

    #[test]
    fn change_is_read_once_when_it_stood_for_a_look() {
        let start = clock::now();
        let mut looks = Looks::new();
        let mut read = Vec::new();
        for (second, prints) in [(0, 'a'), (1, 'a'), (2, 'a'), (3, 'b'), (4, 'c'), (5, 'c'), (6, 'c'), (7, 'c')] {
            if looks.is_due(start + second * LOOK, prints) {
                looks.note_use();
                read.push((second, prints));
            }
        }
        assert_eq!(read, [(1, 'a'), (5, 'c')]);
    }

    #[test]
    fn what_could_not_be_read_is_tried_again_ever_less_often_and_at_once_when_it_changes() {
        let start = clock::now();
        let mut looks = Looks::new();
        let mut tries = Vec::new();
        for second in 0..220 {
            let now = start + second * LOOK;
            if looks.is_due(now, second >= 210) {
                looks.note_failure(now);
                tries.push(second);
            }
        }
        assert_eq!(tries, [1, 2, 4, 8, 16, 32, 64, 124, 184, 211, 212, 214, 218]);
    }
}
