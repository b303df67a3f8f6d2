//! What is counted of occurrences: integers alone that wrap around, so that adding and taking away lose nothing.

use std::ops::{Add, AddAssign, Sub};

use super::Amount;

/// Counts and sums over a set of occurrences.
// Histories hold millions, each in a line of the processor's cache: counts are short, and differences of two totals right as long as less than
// 2^32 lie between; packed, because a sum of 16 bytes would align whatever holds one to 16.
#[repr(Rust, packed(4))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub count: u32,
    /// The sum of their amounts, in ten-thousandths of a unit.
    pub amount_parts: i128,
    /// How many of them are known to be fraud.
    pub fraud_count: u32,
    /// How many of those had an amount that is usual for who paid: such a fraud speaks against the place, not the amount.
    pub usual_fraud_count: u32,
}

impl Totals {
    /// The mean amount in units; 0 of none.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { Amount::units_of_sum(self.amount_parts) / f64::from(self.count) }
    }

    /// The sum of amounts in units.
    pub fn sum(&self) -> f64 {
        Amount::units_of_sum(self.amount_parts)
    }

    /// The share of known frauds; 0 of none.
    pub fn fraud_share(&self) -> f64 {
        if self.count == 0 { 0.0 } else { f64::from(self.fraud_count) / f64::from(self.count) }
    }

    /// The share of known frauds with a usual amount; 0 of none.
    pub fn usual_fraud_share(&self) -> f64 {
        if self.count == 0 { 0.0 } else { f64::from(self.usual_fraud_count) / f64::from(self.count) }
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_add(other.count),
            amount_parts: self.amount_parts.wrapping_add(other.amount_parts),
            fraud_count: self.fraud_count.wrapping_add(other.fraud_count),
            usual_fraud_count: self.usual_fraud_count.wrapping_add(other.usual_fraud_count),
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Totals {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_sub(other.count),
            amount_parts: self.amount_parts.wrapping_sub(other.amount_parts),
            fraud_count: self.fraud_count.wrapping_sub(other.fraud_count),
            usual_fraud_count: self.usual_fraud_count.wrapping_sub(other.usual_fraud_count),
        }
    }
}
