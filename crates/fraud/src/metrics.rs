//! How well scores tell frauds from good payments.
//!
//! As the Fraud Detection Handbook (Le Borgne and others, 2022, chapter 4) defines them; AUC and average precision as scikit-learn does.

use std::collections::{BTreeMap, HashSet};

use vigie_domain::Day;

/// A payment, its score and the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredPayment {
    /// The day it was made on.
    pub day: Day,
    /// The hash of its card.
    pub card: u64,
    /// The higher, the more it looks like fraud.
    pub score: f64,
    /// Whether it was.
    pub is_fraud: bool,
}

/// Frauds and good payments of one score.
struct Tie {
    fraud_count: f64,
    good_count: f64,
}

/// Groups of equal scores, the highest first.
fn ties(scored: &[ScoredPayment]) -> Vec<Tie> {
    let mut sorted: Vec<(f64, bool)> = scored.iter().map(|payment| (payment.score, payment.is_fraud)).collect();
    sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let of_tie = |tie: &[(f64, bool)]| {
        let fraud_count = tie.iter().filter(|(_, is_fraud)| *is_fraud).count();
        Tie { fraud_count: fraud_count as f64, good_count: (tie.len() - fraud_count) as f64 }
    };
    sorted.chunk_by(|a, b| a.0 == b.0).map(of_tie).collect()
}

/// The chance that a fraud has a higher score than a good payment, half of equal scores; `NaN` without one of either.
pub fn area_under_roc(scored: &[ScoredPayment]) -> f64 {
    let (mut frauds_above, mut good_count, mut won) = (0.0, 0.0, 0.0);
    for tie in ties(scored) {
        won += tie.good_count * (frauds_above + tie.fraud_count / 2.0);
        frauds_above += tie.fraud_count;
        good_count += tie.good_count;
    }
    won / (frauds_above * good_count)
}

/// The mean of the precisions at each score, weighed by the frauds found there; `NaN` without a fraud.
pub fn average_precision(scored: &[ScoredPayment]) -> f64 {
    let (mut found, mut looked_at, mut sum) = (0.0, 0.0, 0.0);
    for tie in ties(scored) {
        found += tie.fraud_count;
        looked_at += tie.fraud_count + tie.good_count;
        sum += tie.fraud_count * found / looked_at;
    }
    sum / found
}

/// Of the `card_count` cards with the highest score of each day the share that had a fraud that day, as mean over the days. A card
/// that was found is blocked: it drops out of later days. Of equal scores the smaller card comes first.
pub fn card_precision(scored: &[ScoredPayment], card_count: usize) -> f64 {
    let mut by_day: BTreeMap<Day, BTreeMap<u64, (f64, bool)>> = BTreeMap::new();
    for payment in scored {
        let cards = by_day.entry(payment.day).or_default();
        let (score, is_fraud) = cards.entry(payment.card).or_insert((f64::NEG_INFINITY, false));
        *score = score.max(payment.score);
        *is_fraud |= payment.is_fraud;
    }
    let mut blocked: HashSet<u64> = HashSet::new();
    let mut sum = 0.0;
    for cards in by_day.values() {
        let mut cards: Vec<(u64, f64, bool)> = cards
            .iter()
            .filter(|(card, _)| !blocked.contains(card))
            .map(|(card, (score, is_fraud))| (*card, *score, *is_fraud))
            .collect();
        cards.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = cards.iter().take(card_count).filter(|(_, _, is_fraud)| *is_fraud).map(|(card, _, _)| *card);
        let blocked_before = blocked.len();
        blocked.extend(found);
        sum += (blocked.len() - blocked_before) as f64 / card_count as f64;
    }
    sum / by_day.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of `(day, card, score, is fraud)`.
    fn scored(rows: &[(i32, u64, f64, bool)]) -> Vec<ScoredPayment> {
        let payment = |(day, card, score, is_fraud): &(i32, u64, f64, bool)| ScoredPayment {
            day: Day(*day),
            card: *card,
            score: *score,
            is_fraud: *is_fraud,
        };
        rows.iter().map(payment).collect()
    }

    fn check(scores: &[(f64, bool)], auc: f64, precision: f64) {
        let rows: Vec<_> = scores.iter().map(|(score, is_fraud)| (0, 0, *score, *is_fraud)).collect();
        assert!((area_under_roc(&scored(&rows)) - auc).abs() < 1e-12, "{scores:?}: {}", area_under_roc(&scored(&rows)));
        assert!((average_precision(&scored(&rows)) - precision).abs() < 1e-12, "{scores:?}");
    }

    #[test]
    fn curves_are_those_of_the_definitions() {
        // The example of scikit-learn's documentation.
        check(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)], 0.75, 5.0 / 6.0);
        check(&[(0.9, true), (0.1, false)], 1.0, 1.0);
        check(&[(0.1, true), (0.9, false)], 0.0, 0.5);
        check(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)], 0.5, 0.25);
        assert!(area_under_roc(&[]).is_nan() && average_precision(&[]).is_nan());
    }

    #[test]
    fn a_card_that_was_found_drops_out_of_later_days() {
        let rows = [
            (1, 10, 0.9, true),
            (1, 10, 0.2, false),
            (1, 11, 0.8, false),
            (1, 12, 0.1, true),
            // Found yesterday: today the places go to 11 and 12.
            (2, 10, 0.9, true),
            (2, 11, 0.5, false),
            (2, 12, 0.4, true),
            (2, 13, 0.3, true),
        ];
        // One of two on each day.
        assert_eq!(card_precision(&scored(&rows), 2), 0.5);
        // Fewer cards than places: the places count.
        assert_eq!(card_precision(&scored(&rows[..4]), 4), 0.5);
    }

    #[test]
    fn a_card_counts_with_its_highest_score_and_any_fraud() {
        let rows = [(1, 10, 0.1, true), (1, 10, 0.9, false), (1, 11, 0.5, false)];
        assert_eq!(card_precision(&scored(&rows), 1), 1.0);
    }
}
