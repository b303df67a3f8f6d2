//! Amounts of payments, per currency and never added across.

use vigie_domain::aggregation::{Aggregation, Stats};
use vigie_domain::query::Query;

use super::answers::Answers;
use super::filters;

/// Currencies that are told apart; ISO 4217 knows some 180.
const CURRENCIES_MAX: usize = 400;
/// What ISO 4217 calls an amount without a currency.
const NO_CURRENCY: &str = "XXX";
/// Digits after the point that an amount has.
const AMOUNT_UNIT: f64 = 10_000.0;

/// The amounts of one currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    /// ISO 4217; `XXX` where none was sent.
    pub currency: String,
    /// How many amounts.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Money {
    /// The mean amount.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { rounded(self.sum / self.count as f64) }
    }
}

/// What is asked about the amounts of the events that match.
pub(super) fn question(name: &str, query: &Query) -> Aggregation {
    let unnamed = Query::Not(Box::new(Query::exists("currency")));
    let kinds = vec![("all", query.clone()), ("unnamed", query.clone().and(unnamed))];
    filters(name, kinds)
        .with(Aggregation::terms("currency", "currency", CURRENCIES_MAX).with(Aggregation::stats("sum", "amount")))
        .with(Aggregation::stats("sum", "amount"))
}

/// How many events matched.
pub(super) fn count(answers: Answers<'_>, name: &str) -> u64 {
    answers.bucket_count(name, "all")
}

/// Amounts per currency, the most used first; `eur` and `EUR` are one.
pub(super) fn read(answers: Answers<'_>, name: &str) -> Vec<Money> {
    let named = answers.within(name, "all").stats_by("currency", "sum");
    let unnamed = (NO_CURRENCY.to_owned(), answers.within(name, "unnamed").stats("sum"));
    let mut amounts: Vec<Money> = Vec::new();
    let sent = named.into_iter().chain([unnamed]).filter(|(_, stats)| stats.count > 0);
    let money = |(currency, Stats { count, sum, .. }): (String, Stats)| Money {
        currency: currency.trim().to_uppercase(),
        count,
        sum,
    };
    add(&mut amounts, sent.map(money));
    amounts
}

/// Adds amounts to those of the same currency.
pub(super) fn add(amounts: &mut Vec<Money>, more: impl IntoIterator<Item = Money>) {
    for money in more {
        match amounts.iter_mut().find(|known| known.currency == money.currency) {
            Some(known) => {
                known.count += money.count;
                known.sum += money.sum;
            }
            None => amounts.push(money),
        }
    }
    // Each sum is exact; what adding two of them as floats may have spoilt lies far behind the last digit of an amount.
    amounts.iter_mut().for_each(|amount| amount.sum = rounded(amount.sum));
}

/// An amount with the digits that amounts have.
fn rounded(amount: f64) -> f64 {
    (amount * AMOUNT_UNIT).round() / AMOUNT_UNIT
}
