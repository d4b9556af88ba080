//! Opening, receipts, deliveries, closing, and what is left over.

use super::Amounts;
use super::movement::{Direction, Movement};

/// `opening + receipts - deliveries + unaccounted = closing`, of each quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// At the beginning of the day.
    pub opening: Amounts,
    /// What movements brought.
    pub receipts: Amounts,
    /// What movements took.
    pub deliveries: Amounts,
    /// The rest: what moved too slowly to be a movement, temperature, noise.
    pub unaccounted: Amounts,
    /// At the end of the day.
    pub closing: Amounts,
}

impl Balance {
    /// Draws it up.
    #[must_use]
    pub fn of(opening: Amounts, movements: &[Movement], closing: Amounts) -> Self {
        let sum = |direction: Direction| {
            let of_it = movements.iter().filter(|movement| movement.direction == direction);
            of_it.fold(Amounts::ZERO, |sum, movement| sum + movement.amounts)
        };
        let (receipts, deliveries) = (sum(Direction::Receipt), sum(Direction::Delivery));
        Self { opening, receipts, deliveries, unaccounted: closing - (opening + receipts - deliveries), closing }
    }

    /// Adds up several; a quantity that one of them does not know is not known of all.
    #[must_use]
    pub fn sum(all: &[Self]) -> Self {
        let sum = |part: fn(&Self) -> Amounts| all.iter().map(part).fold(Amounts::ZERO, |sum, one| sum + one);
        Self {
            opening: sum(|one| one.opening),
            receipts: sum(|one| one.receipts),
            deliveries: sum(|one| one.deliveries),
            unaccounted: sum(|one| one.unaccounted),
            closing: sum(|one| one.closing),
        }
    }
}
