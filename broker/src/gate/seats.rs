//! One client at a time under one client id.
//!
//! Left to itself the inner broker breaks when a second client takes the id of one that is still logging in, and it
//! publishes the will of the new client when the old one goes. So a client that comes under the id of another waits here
//! until that one is let go and forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use crate::lock::hold;

/// The seats of all client ids in use.
#[derive(Default)]
pub(super) struct Seats(Mutex<HashMap<String, Arc<Seat>>>);

#[derive(Default)]
struct Seat {
    occupied: Arc<tokio::sync::Mutex<()>>,
    /// Cancelled when somebody else wants the seat.
    wanted: Mutex<CancellationToken>,
}

/// A claim on a seat: waiting for it, or sitting on it.
pub(super) struct Claim<'s> {
    seats: &'s Seats,
    client_id: String,
    seat: Arc<Seat>,
    evicted: CancellationToken,
    sitting: Option<OwnedMutexGuard<()>>,
}

impl Seats {
    /// Takes the seat of a client id, once the one who has it has left; `None` when yet another came meanwhile.
    pub(super) async fn take(&self, client_id: &str) -> Option<Claim<'_>> {
        let mut claim = self.claim(client_id);
        let occupied = Arc::clone(&claim.seat.occupied);
        let sitting = claim.evicted.run_until_cancelled(occupied.lock_owned()).await;
        claim.sitting = sitting.filter(|_| !claim.evicted.is_cancelled());
        claim.sitting.is_some().then_some(claim)
    }

    fn claim(&self, client_id: &str) -> Claim<'_> {
        let seat = Arc::clone(self.all().entry(client_id.to_owned()).or_default());
        let evicted = CancellationToken::new();
        let earlier = std::mem::replace(&mut *hold(&seat.wanted), evicted.clone());
        earlier.cancel();
        Claim { seats: self, client_id: client_id.to_owned(), seat, evicted, sitting: None }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Seat>>> {
        hold(&self.0)
    }
}

impl Claim<'_> {
    /// Waits until somebody else wants the seat.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.sitting = None;
        let mut seats = self.seats.all();
        // One is in the table, one here; more are claims of others.
        if Arc::strong_count(&self.seat) == 2 {
            seats.remove(&self.client_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn newest_claim_gets_the_seat_when_the_one_before_has_left() {
        let seats = Seats::default();
        let first = seats.take("rtu-01").await.unwrap();
        let other = seats.take("rtu-02").await.unwrap();
        let claims = async { tokio::join!(seats.take("rtu-01"), seats.take("rtu-01")) };
        let leaving = async {
            first.evicted().await;
            drop(first);
        };
        let ((second, third), ()) = tokio::join!(claims, leaving);
        assert!(second.is_none(), "it was outdone while it waited");
        assert!(!third.as_ref().unwrap().evicted.is_cancelled());
        drop((third, other));
        assert!(seats.all().is_empty(), "seats that nobody claims are forgotten");
    }
}
