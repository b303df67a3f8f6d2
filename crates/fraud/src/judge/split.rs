//! Which payments a model learns from and which it is judged by.

use std::collections::HashSet;

use vigie_domain::Day;

use super::JudgedPayment;

/// Days that are tested.
const TEST_DAYS: i32 = 7;
/// Days between training and test, for labels to become known.
const DELAY_DAYS: i32 = 7;
/// Days of the training by which known cards are told, however long a model learns.
const TRAINING_DAYS: i32 = 7;

/// Rows of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What is learnt from.
    pub training: Vec<usize>,
    /// What is judged.
    pub test: Vec<usize>,
}

/// Seven days of training from `start`, or more that end there, then seven that are skipped, then seven of test.
///
/// Out of a day's test go the cards with a fraud in the seven days of training, or since then until the delay before that day, as in
/// `get_train_test_set` of the handbook.
pub fn split(payments: &[JudgedPayment], start: Day, learnt_days: i32) -> Split {
    let between = |from: i32, to: i32| {
        let first = payments.partition_point(|judged| judged.payment.at.day().0 < from);
        let end = payments.partition_point(|judged| judged.payment.at.day().0 < to);
        first..end.max(first)
    };
    let training_end = start.0 + TRAINING_DAYS;
    let test_start = training_end + DELAY_DAYS;
    let mut test = Vec::new();
    for test_day in test_start..test_start + TEST_DAYS {
        let known: HashSet<u64> = between(start.0, test_day - DELAY_DAYS)
            .filter(|row| payments[*row].is_fraud)
            .map(|row| payments[row].payment.card)
            .collect();
        test.extend(between(test_day, test_day + 1).filter(|row| !known.contains(&payments[*row].payment.card)));
    }
    Split { training: between(training_end - learnt_days, training_end).collect(), test }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::Timestamp;
    use vigie_domain::fraud::features::{Amount, Payment};

    #[test]
    fn cards_with_a_known_fraud_are_not_tested() {
        let judged = |day: i32, card: u64, is_fraud: bool| JudgedPayment {
            payment: Payment {
                at: Timestamp::from_nanos(Day(day).start().as_nanos() + 1),
                id: card,
                card,
                merchant: 0,
                amount: Amount::default(),
            },
            is_fraud,
        };
        let payments = [
            judged(99, 1, true),
            judged(100, 2, true),
            judged(106, 3, false),
            // Between training and test: known seven days later.
            judged(108, 4, true),
            judged(113, 5, false),
            judged(114, 1, false),
            judged(114, 2, false),
            judged(115, 4, false),
            judged(116, 4, false),
            judged(120, 3, true),
            judged(121, 3, false),
        ];
        let found = split(&payments, Day(100), 7);
        assert_eq!((found.training, found.test), (vec![1, 2], vec![5, 7, 9]));
        assert_eq!(split(&payments, Day(100), 8).training, [0, 1, 2]);
        assert_eq!(split(&payments, Day(100), 8).test, [5, 7, 9]);
    }
}
