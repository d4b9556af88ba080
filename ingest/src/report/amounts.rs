//! What a tank holds, in each of the quantities that a report has.

use std::ops::{Add, Sub};

/// A quantity that is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Total observed volume, m3.
    Tov,
    /// Free water, m3.
    Fw,
    /// Gross standard volume, m3 at 20 degC.
    Gsv,
    /// Net standard volume, m3 at 20 degC.
    Nsv,
    /// Mass in air, t.
    Mass,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tov, Self::Fw, Self::Gsv, Self::Nsv, Self::Mass];
}

/// What a tank holds, or by how much it changed. What is not known is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Amounts([Option<f64>; 5]);

impl Amounts {
    /// Takes the amounts in the order of [`Quantity::ALL`].
    #[must_use]
    pub const fn new(amounts: [Option<f64>; 5]) -> Self {
        Self(amounts)
    }

    /// Nothing of each.
    pub const ZERO: Self = Self([Some(0.0); 5]);

    /// Gives one of them.
    #[must_use]
    pub const fn of(&self, quantity: Quantity) -> Option<f64> {
        self.0[quantity as usize]
    }

    /// Gives the same with another amount of one.
    #[must_use]
    pub const fn with(mut self, quantity: Quantity, amount: Option<f64>) -> Self {
        self.0[quantity as usize] = amount;
        self
    }

    /// Gives the mean; of each quantity only of those that know it.
    #[must_use]
    pub fn mean(all: &[Self]) -> Self {
        Self(Quantity::ALL.map(|quantity| {
            let known = all.iter().filter_map(|one| one.of(quantity));
            let (sum, count) = known.fold((0.0, 0.0), |(sum, count), amount| (sum + amount, count + 1.0));
            (count > 0.0).then(|| sum / count)
        }))
    }

    /// Gives so many times as much of each.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self(self.0.map(|amount| amount.map(|amount| amount * factor)))
    }

    fn each(self, other: Self, join: fn(f64, f64) -> f64) -> Self {
        Self(Quantity::ALL.map(|quantity| Some(join(self.of(quantity)?, other.of(quantity)?))))
    }
}

impl Add for Amounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }
}

impl Sub for Amounts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.each(other, |a, b| a - b)
    }
}
