//! The twelve window features once more, straightforwardly: what the streaming ones are compared with.

use std::collections::HashMap;

use vigie_domain::fraud::features::{FEATURE_NAMES, PLAIN_FEATURE_COUNT};

use super::{JudgedHistory, JudgedPayment};

const DAY_NANOS: i64 = 86_400_000_000_000;
const WINDOW_DAYS: [i64; 3] = [1, 7, 30];
const DELAY_DAYS: i64 = 7;
/// The first window feature, behind amount, weekend and night.
const FIRST_WINDOW_FEATURE: usize = 3;

/// What the windows of a history deviate from the reference at most, absolutely, and the feature that does so. Only every
/// `stride`-th payment is looked at: for each the reference walks through all payments of its card and merchant.
pub fn greatest_deviation(history: &JudgedHistory, stride: usize) -> (f64, &'static str) {
    let mut by_card: HashMap<u64, Vec<&JudgedPayment>> = HashMap::new();
    let mut by_merchant: HashMap<u64, Vec<&JudgedPayment>> = HashMap::new();
    let mut worst = (0.0, FEATURE_NAMES[FIRST_WINDOW_FEATURE]);
    let instants: Vec<i64> = history.payments.iter().map(|judged| judged.payment.at.as_nanos()).collect();
    for (row, judged) in history.payments.iter().enumerate() {
        by_card.entry(judged.payment.card).or_default().push(judged);
        by_merchant.entry(judged.payment.merchant).or_default().push(judged);
        // Of payments of one instant only the last has all of them in its windows as they came.
        if row % stride.max(1) != 0 || instants.get(row + 1) == Some(&instants[row]) {
            continue;
        }
        let expected = windows(&by_card[&judged.payment.card], &by_merchant[&judged.payment.merchant], instants[row]);
        for (place, expected) in (FIRST_WINDOW_FEATURE..PLAIN_FEATURE_COUNT).zip(expected) {
            let deviation = (history.features.columns()[place][row] - expected).abs();
            if deviation > worst.0 || deviation.is_nan() {
                worst = (deviation, FEATURE_NAMES[place]);
            }
        }
    }
    worst
}

/// Count and mean of the card by window, then count and risk of the merchant by window behind the delay of labels.
fn windows(card: &[&JudgedPayment], merchant: &[&JudgedPayment], now: i64) -> Vec<f64> {
    let within = |payments: &[&JudgedPayment], delay_days: i64, days: i64| {
        let end = now - delay_days * DAY_NANOS;
        let is_within = |at: i64| at > end - days * DAY_NANOS && at <= end;
        let found = payments.iter().filter(|judged| is_within(judged.payment.at.as_nanos()));
        let (mut count, mut amount, mut fraud_count) = (0.0, 0.0, 0.0);
        for judged in found {
            count += 1.0;
            amount += judged.payment.amount.units();
            fraud_count += f64::from(u8::from(judged.is_fraud));
        }
        (count, amount, fraud_count)
    };
    let of_card = WINDOW_DAYS.into_iter().flat_map(|days| {
        let (count, amount, _) = within(card, 0, days);
        [count, amount / count]
    });
    let of_merchant = WINDOW_DAYS.into_iter().flat_map(|days| {
        let (count, _, fraud_count) = within(merchant, DELAY_DAYS, days);
        [count, if count == 0.0 { 0.0 } else { fraud_count / count }]
    });
    of_card.chain(of_merchant).collect()
}
