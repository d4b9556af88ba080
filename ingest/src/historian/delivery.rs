//! How one batch gets to the server, whatever the server says to it.

use std::ops::Range;

use super::Refusal;
use crate::shared::Help;

/// A batch on its way: which part of it is next, what was taken, what was refused for good.
#[derive(Debug)]
pub struct Delivery {
    /// Parts yet to be sent; the last one is next.
    parts: Vec<Range<usize>>,
    taken: usize,
    poison: Vec<(usize, String)>,
    /// Single lines that may be refused before one is taken.
    patience: usize,
}

/// What is to be done after a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send the next part.
    GoOn,
    /// Wait, then send the same part again.
    Wait(Help, String),
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server has it, except for some lines that it refused, each with its words.
    Delivered {
        /// Lines that the server took.
        taken: usize,
        /// Lines that it refused.
        poison: Vec<(usize, String)>,
    },
    /// The server refused line after line and took none: that is not the fault of the lines.
    AllRefused(String),
}

impl Delivery {
    /// Begins with a batch of so many lines.
    #[must_use]
    pub fn new(lines: usize, patience: usize) -> Self {
        let parts = if lines == 0 { Vec::new() } else { std::iter::once(0..lines).collect() };
        Self { parts, taken: 0, poison: Vec::new(), patience }
    }

    /// Gives the part that is next; absent when the batch has ended.
    #[must_use]
    pub fn next_part(&self) -> Option<Range<usize>> {
        let given_up = self.taken == 0 && self.poison.len() >= self.patience;
        self.parts.last().filter(|_| !given_up).cloned()
    }

    /// The server took that part.
    pub fn handle_taken(&mut self) {
        self.taken += self.parts.pop().map(|part| part.len()).unwrap_or_default();
    }

    /// The server did not take that part. A line that it does not accept is found by halving.
    pub fn handle_refusal(&mut self, refusal: Refusal) -> Verdict {
        let words = match refusal {
            Refusal::Later(words) => return Verdict::Wait(Help::Time, words),
            Refusal::Denied(words) => return Verdict::Wait(Help::Person, words),
            Refusal::Lines(words) | Refusal::TooLarge(words) => words,
        };
        let Some(part) = self.parts.pop() else { return Verdict::GoOn };
        if part.len() <= 1 {
            self.poison.push((part.start, words));
        } else {
            let middle = part.start + part.len() / 2;
            self.parts.push(middle..part.end);
            self.parts.push(part.start..middle);
        }
        Verdict::GoOn
    }

    /// Tells how it ended.
    #[must_use]
    pub fn end(mut self) -> Outcome {
        match self.poison.pop() {
            Some((_, words)) if self.taken == 0 => Outcome::AllRefused(words),
            last => {
                self.poison.extend(last);
                Outcome::Delivered { taken: self.taken, poison: self.poison }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers to a server that refuses any part with one of some lines in it; gives how it ended and after how many
    /// writes.
    fn deliver(lines: usize, patience: usize, bad: &[usize]) -> (Outcome, usize) {
        let (mut delivery, mut writes) = (Delivery::new(lines, patience), 0);
        while let Some(part) = delivery.next_part() {
            writes += 1;
            if bad.iter().any(|line| part.contains(line)) {
                assert_eq!(delivery.handle_refusal(Refusal::Lines("no".into())), Verdict::GoOn);
            } else {
                delivery.handle_taken();
            }
        }
        (delivery.end(), writes)
    }

    #[test]
    fn lines_that_are_not_accepted_are_found_by_halving() {
        let poison = |lines: &[usize]| lines.iter().map(|line| (*line, "no".to_owned())).collect();
        for bad in [&[][..], &[0], &[4999], &[17, 18, 3000]] {
            let (outcome, writes) = deliver(5000, 32, bad);
            assert_eq!(outcome, Outcome::Delivered { taken: 5000 - bad.len(), poison: poison(bad) });
            assert!(writes <= 1 + 26 * bad.len(), "{writes} writes for {bad:?}");
        }
        assert_eq!(deliver(0, 32, &[]), (Outcome::Delivered { taken: 0, poison: vec![] }, 0));
    }

    #[test]
    fn server_that_takes_no_line_at_all_is_not_given_the_blame_of_the_lines() {
        let every: Vec<_> = (0..1000).collect();
        let (outcome, writes) = deliver(1000, 32, &every);
        assert_eq!(outcome, Outcome::AllRefused("no".into()));
        assert!(writes < 100, "{writes}");
        assert_eq!(deliver(1, 32, &[0]).0, Outcome::AllRefused("no".into()));
        // With enough patience the good line at the end is found.
        let (outcome, _) = deliver(1000, 2000, &every[..999]);
        assert!(matches!(outcome, Outcome::Delivered { taken: 1, poison } if poison.len() == 999));
    }

    #[test]
    fn batch_too_large_is_halved_and_other_refusals_wait_with_the_same_part() {
        let mut delivery = Delivery::new(10, 32);
        assert_eq!(delivery.handle_refusal(Refusal::TooLarge("big".into())), Verdict::GoOn);
        assert_eq!(delivery.next_part(), Some(0..5));
        for (refusal, help) in [
            (Refusal::Later as fn(String) -> Refusal, Help::Time),
            (Refusal::Denied as fn(String) -> Refusal, Help::Person),
        ] {
            assert_eq!(delivery.handle_refusal(refusal("x".into())), Verdict::Wait(help, "x".into()));
            assert_eq!(delivery.next_part(), Some(0..5));
        }
        delivery.handle_taken();
        delivery.handle_taken();
        assert_eq!(delivery.end(), Outcome::Delivered { taken: 10, poison: vec![] });
    }
}
