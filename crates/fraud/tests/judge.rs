//! The judge on simulated payments: a smoke-size of the whole protocol, and that its guard fires.

use vigie_domain::fraud::features::{Amount, FEATURE_NAMES, Payment};
use vigie_domain::{Day, Timestamp};
use vigie_fraud::judge::{JudgeError, JudgedHistory, JudgedPayment, greatest_deviation, judge};

/// The first simulated day.
const FIRST_DAY: i32 = 17_700;
const DAYS: i32 = 75;
const PAYMENTS_A_DAY: u64 = 300;
const CARDS: u64 = 250;
const MERCHANTS: u64 = 120;
/// The days on which trainings start: they need 21 days before them and 21 from them on.
const STARTS: [Day; 4] = [Day(FIRST_DAY + 33), Day(FIRST_DAY + 39), Day(FIRST_DAY + 45), Day(FIRST_DAY + 51)];

/// Numbers without pattern below `end`, the same each time.
fn scattered(number: u64, end: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) % end
}

/// A merchant is broken into every third day, for twenty days; each card has amounts of its own; some are stolen and spend five
/// times as much. A part of all frauds cannot be told by anything.
fn simulated() -> Vec<JudgedPayment> {
    let mut payments = Vec::new();
    for number in 0..DAYS as u64 * PAYMENTS_A_DAY {
        let day = (number / PAYMENTS_A_DAY) as i64;
        let (card, merchant) = (scattered(number, CARDS), scattered(number + 1_000_000, MERCHANTS));
        let second = scattered(number + 2_000_000, 86_400) as i64;
        let usual_cents = 500 + 40 * card + scattered(number + 3_000_000, 1_000);
        let is_broken_into =
            (0..20).any(|ago| (day - ago) % 3 == 0 && scattered((day - ago) as u64, MERCHANTS) == merchant);
        let is_stolen = scattered(number + 4_000_000, 200) == 0;
        let is_unseen = scattered(number + 5_000_000, 250) == 0;
        let cents = if is_stolen { 5 * usual_cents } else { usual_cents };
        let at = Timestamp::from_nanos(Day(FIRST_DAY + day as i32).start().as_nanos() + second * 1_000_000_000);
        let amount = Amount::from_parts(100 * cents as i64);
        let payment = Payment { at, id: number, card, merchant, amount };
        payments.push(JudgedPayment { payment, is_fraud: is_broken_into || is_stolen || is_unseen });
    }
    payments
}

#[test]
fn simulated_payments_are_judged() {
    let history = JudgedHistory::replay(simulated());
    let (deviation, feature) = greatest_deviation(&history, 7);
    assert!(deviation <= 1e-6, "{feature} is {deviation} off");
    let checks = judge(&history, &STARTS).unwrap();
    assert_eq!(checks.len(), 5);
    let reached: Vec<f64> = checks.iter().map(|check| check.measured.area_under_roc).collect();
    assert!(reached[..4].iter().all(|area| *area > 0.6 && *area <= 0.9), "{reached:?}");
}

#[test]
fn a_feature_that_knows_the_future_is_caught() {
    let mut history = JudgedHistory::replay(simulated());
    // The merchant's risk as it will turn out to be: in place of what was known.
    let leaking = FEATURE_NAMES.iter().position(|name| *name == "merchant_risk_24h").unwrap();
    let mut table = vigie_fraud::Table::new(FEATURE_NAMES.len());
    for (row, judged) in history.payments.iter().enumerate() {
        let mut values = history.features.row(row);
        values[leaking] = f64::from(u8::from(judged.is_fraud));
        table.push(&values);
    }
    history.features = table;
    let error = judge(&history, &STARTS).unwrap_err();
    assert!(matches!(error, JudgeError::Leak(_)), "{error}");
    assert!(error.to_string().contains("knows the future"), "{error}");
}

#[test]
fn a_window_that_is_wrong_is_told() {
    let mut history = JudgedHistory::replay(simulated());
    history.payments[5_000].is_fraud ^= true;
    let (deviation, feature) = greatest_deviation(&history, 1);
    assert!(deviation > 1e-3 && feature.starts_with("merchant_risk"), "{feature} {deviation}");
}
