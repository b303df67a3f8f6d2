//! Frauds in a row at one place: a place that was broken into has nothing but frauds until it is mended.

use super::history::Mark;
use super::window::LABEL_DELAY_NANOS;
use super::{History, Window};
use crate::Timestamp;
use crate::time::NANOS_PER_DAY;

/// Ages in days are no longer than what is looked back over.
const AGE_DAYS_MAX: f64 = ((Window::Days30.nanos() + LABEL_DELAY_NANOS) / NANOS_PER_DAY) as f64;

/// The last frauds in a row whose amount was usual, among what labels are known of. Frauds with an unusual amount are passed over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FraudStreak {
    /// How many.
    pub fraud_count: usize,
    /// How many occurrences without fraud there were after it; of no streak, all of them.
    pub good_count: usize,
    /// How long ago it began; without one as long as is looked back over.
    pub first_age_days: f64,
    /// How long ago its last one was.
    pub last_age_days: f64,
}

impl History {
    /// The last streak as it is known at `at`: of the thirty days that end before the delay of labels.
    pub fn fraud_streak(&self, at: Timestamp) -> FraudStreak {
        let (after, end) = Window::Days30.ending(at.saturating_add_nanos(-LABEL_DELAY_NANOS));
        let age_days = |then: Timestamp| (at.as_nanos() - then.as_nanos()) as f64 / NANOS_PER_DAY as f64;
        let (first_age_days, last_age_days) = (AGE_DAYS_MAX, AGE_DAYS_MAX);
        let mut streak = FraudStreak { fraud_count: 0, good_count: 0, first_age_days, last_age_days };
        for kept in self.kept_within(after, end).rev() {
            match kept.mark {
                Mark::Unmarked if streak.fraud_count > 0 => break,
                Mark::Unmarked => streak.good_count += 1,
                Mark::UnusualFraud => {}
                Mark::UsualFraud => {
                    streak.first_age_days = age_days(kept.occurrence.at);
                    if streak.fraud_count == 0 {
                        streak.last_age_days = streak.first_age_days;
                    }
                    streak.fraud_count += 1;
                }
            }
        }
        streak
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Occurrence};
    use super::*;

    /// One occurrence a day: `.` good, `f` fraud, `u` fraud with an unusual amount; asked ten days after the first.
    fn check(days: &str, expected: (usize, usize, f64, f64)) {
        let mut history = History::default();
        let at_day = |day: i64| Timestamp::from_nanos(day * NANOS_PER_DAY);
        for (day, mark) in (0_i64..).zip(days.chars()) {
            let occurrence = Occurrence { at: at_day(day), id: 0, amount: Amount::default(), item: 0 };
            history.insert(occurrence, 100);
            if mark != '.' {
                history.mark_fraud(occurrence.at, 0, mark == 'f');
            }
        }
        let streak = history.fraud_streak(at_day(10));
        let told = (streak.fraud_count, streak.good_count, streak.first_age_days, streak.last_age_days);
        assert_eq!(told, expected, "{days}");
    }

    #[test]
    fn the_last_frauds_in_a_row_are_told() {
        check("", (0, 0, 37.0, 37.0));
        check("....", (0, 4, 37.0, 37.0));
        check(".ff.", (2, 1, 9.0, 8.0));
        check("f.ff", (2, 0, 8.0, 7.0));
        check("fuf.", (2, 1, 10.0, 8.0));
        check("uu..", (0, 2, 37.0, 37.0));
        // What happened within the delay of labels is not known yet.
        check("....ffff", (0, 4, 37.0, 37.0));
    }
}
