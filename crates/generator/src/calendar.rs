//! How busy the shop is: over a day and over a week.
//! Not the clock. Invariant: the mean over a week is about 1 and it is never 0.

use vigie_domain::time::{NANOS_PER_DAY, Timestamp};

/// Visits per hour of the day (UTC), relative to the mean.
const HOURS: [f64; 24] = [
    0.45, 0.30, 0.22, 0.20, 0.24, 0.40, 0.65, 0.90, 1.05, 1.15, 1.20, 1.35, //
    1.40, 1.20, 1.10, 1.10, 1.20, 1.40, 1.65, 1.85, 1.90, 1.60, 1.15, 0.74,
];
/// The mean of `HOURS` with two days in seven at weekend strength.
const MEAN: f64 = 1.017 * (5.0 + 2.0 * WEEKEND) / 7.0;
const WEEKEND: f64 = 1.18;

/// How visits are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calendar {
    /// Nights are quiet, evenings and weekends are busy.
    Weekly,
    /// Always the same.
    Even,
}

impl Calendar {
    /// Visits at that instant, relative to the mean.
    pub(crate) fn strength(self, now: Timestamp) -> f64 {
        if self == Self::Even {
            return 1.0;
        }
        let in_day = now.as_nanos().rem_euclid(NANOS_PER_DAY) as f64 / NANOS_PER_DAY as f64 * 24.0;
        let hour = in_day as usize % 24;
        let between = in_day.fract();
        let level = HOURS[hour] * (1.0 - between) + HOURS[(hour + 1) % 24] * between;
        // Day 0 was a Thursday.
        let weekend = matches!(now.day().0.rem_euclid(7), 2 | 3);
        level * if weekend { WEEKEND } else { 1.0 } / MEAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_has_the_mean_one() {
        let hours = 0..7 * 240_i64;
        let sum: f64 = hours.map(|tenth| Calendar::Weekly.strength(Timestamp::from_seconds(tenth * 360))).sum();
        let mean = sum / (7.0 * 240.0);
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }
}
