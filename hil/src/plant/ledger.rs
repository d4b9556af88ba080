//! What came into a tank, what left it, and what must therefore be in it.

use super::content::Parcel;

/// The account of a tank since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Ledger {
    /// What was in it at the beginning, and what was put in or taken out by setting it.
    pub(super) begun: Parcel,
    pub(super) entered: Parcel,
    pub(super) left: Parcel,
    /// What ran over the rim.
    pub(super) spilled: Parcel,
    pub(super) spilled_m3: f64,
    /// Heat from the heater, and to the air, in J.
    pub(super) heated_j: f64,
    pub(super) lost_j: f64,
}

impl Ledger {
    pub(super) fn beginning_with(content: Parcel) -> Self {
        Self { begun: content, ..Self::default() }
    }

    pub(super) fn note_set(&mut self, before: Parcel, after: Parcel) {
        self.begun += after;
        self.begun -= before;
    }

    /// Gives what must be in the tank.
    #[cfg(test)]
    pub(super) fn due(&self) -> Parcel {
        let mut due = self.begun;
        due += self.entered;
        due -= self.left;
        due -= self.spilled;
        due.heat_j += self.heated_j - self.lost_j;
        due
    }

    /// Gives all that was ever moved: what a rounding error is measured by.
    #[cfg(test)]
    pub(super) fn moved(&self) -> Parcel {
        let mut moved = self.begun;
        moved += self.entered;
        moved += self.left;
        moved += self.spilled;
        moved.heat_j += self.heated_j.abs() + self.lost_j.abs();
        moved
    }
}
