//! An amount of money as an integer, so that the order of additions cannot matter.

/// Parts that one unit of a currency is counted in: no currency has more than four decimals.
const PARTS_PER_UNIT: f64 = 10_000.0;

/// An amount in ten-thousandths of a unit of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(i64);

impl Amount {
    /// Rounds to the nearest ten-thousandth. `None` for what is no number or beyond nine hundred million million units.
    pub fn from_units(units: f64) -> Option<Self> {
        let parts = (units * PARTS_PER_UNIT).round();
        (parts.abs() < i64::MAX as f64).then_some(Self(parts as i64))
    }

    /// From ten-thousandths of a unit.
    pub const fn from_parts(parts: i64) -> Self {
        Self(parts)
    }

    /// Ten-thousandths of a unit.
    pub const fn parts(self) -> i64 {
        self.0
    }

    /// In units of the currency.
    pub fn units(self) -> f64 {
        Self::units_of_sum(i128::from(self.0))
    }

    /// A sum of [`Self::parts`] in units of the currency.
    pub fn units_of_sum(parts: i128) -> f64 {
        parts as f64 / PARTS_PER_UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_to_ten_thousandths() {
        let check = |units: f64, parts: Option<i64>| assert_eq!(Amount::from_units(units).map(Amount::parts), parts);
        check(0.0, Some(0));
        check(57.16, Some(571_600));
        check(-3.5, Some(-35_000));
        check(0.000_05, Some(1));
        check(f64::NAN, None);
        check(f64::INFINITY, None);
        check(1e15, None);
        assert_eq!(Amount::from_units(57.16).unwrap().units(), 57.16);
    }
}
