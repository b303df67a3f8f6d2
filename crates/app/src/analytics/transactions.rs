//! Payments: what became of them, what they brought, and what failures put at risk.

use vigie_domain::aggregation::{Aggregation, Bucket};
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::answers::{Answers, shown};
use super::money::{self, Money};
use super::timeline::{Granularity, Timeline};
use super::{Analytics, AnalyticsInput, completed_payments, failed_payments, filters, payments};

/// Kinds of payment that are told apart.
const METHODS_MAX: usize = 50;
/// States of payments that are told apart.
const STATES_MAX: usize = 50;

/// Payments of a period and of the one of equal length before it.
#[derive(Clone, Debug)]
pub struct Transactions {
    /// The period.
    pub range: TimeRange,
    /// How long a point of the timeline is.
    pub granularity: Granularity,
    /// The numbers of the period.
    pub current: TransactionTotals,
    /// Those of the period before.
    pub previous: TransactionTotals,
    /// Payments by what became of them.
    pub by_status: Vec<(String, u64)>,
    /// Payments by how they were made, the most used first.
    pub by_method: Vec<PaymentMethod>,
    /// Payments over time.
    pub timeline: Vec<TransactionPoint>,
    /// What more failures than in the period before put at risk, per currency; `None` when no payment was decided before.
    pub revenue_at_risk: Option<Vec<Money>>,
}

/// Payments in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionTotals {
    /// Payments, whatever became of them.
    pub count: u64,
    /// Those that were made.
    pub completed: u64,
    /// Those that failed or were declined.
    pub failed: u64,
    /// What completed ones brought.
    pub revenue: Vec<Money>,
    /// What failed ones would have brought.
    pub failed_amounts: Vec<Money>,
}

impl TransactionTotals {
    /// Payments that were made, failed or were declined; others are under way or came after.
    pub const fn decided(&self) -> u64 {
        self.completed + self.failed
    }

    /// Share of decided payments that failed or were declined, 0 to 1.
    pub fn failure_rate(&self) -> f64 {
        if self.failed == 0 { 0.0 } else { self.failed as f64 / self.decided() as f64 }
    }
}

/// Payments made in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentMethod {
    /// How.
    pub method: String,
    /// In numbers.
    pub totals: TransactionTotals,
}

/// Payments of one span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionPoint {
    /// Its first instant.
    pub start: Timestamp,
    /// In numbers.
    pub totals: TransactionTotals,
}

impl Analytics {
    /// Payments of a period.
    ///
    /// # Errors
    /// When the query, a time, the granularity or the zone cannot be read, or what the store answers.
    pub async fn transactions(&self, scope: &Scope, input: &AnalyticsInput) -> Result<Transactions> {
        let (query, range) = self.selection(input)?;
        let query = payments().and(query);
        let timeline = Timeline::new(range, input.granularity.as_deref(), input.timezone.as_deref())?;
        let methods = totals_questions()
            .into_iter()
            .fold(Aggregation::terms("methods", "payment_method", METHODS_MAX), Aggregation::with);
        let over_time = totals_questions().into_iter().fold(timeline.question(), Aggregation::with);
        let states = Aggregation::terms("states", "status", STATES_MAX);
        let questions = totals_questions().into_iter().chain([states, methods, over_time]).collect();
        let (current, previous) = tokio::try_join!(
            self.count(scope, &query, range, questions),
            self.count(scope, &query, range.previous(), totals_questions()),
        )?;
        let answers = Answers::new(&current.answers);
        let method = |bucket: &Bucket| PaymentMethod {
            method: shown(&bucket.key),
            totals: totals(bucket.count, Answers::new(&bucket.children)),
        };
        let points = timeline.read(answers);
        let points =
            points.map(|span| TransactionPoint { start: span.start, totals: totals(span.count, span.answers) });
        let (points, previous) = (points.collect::<Vec<_>>(), totals(previous.total, Answers::new(&previous.answers)));
        Ok(Transactions {
            range,
            granularity: timeline.granularity,
            current: totals(current.total, answers),
            by_status: answers.counts("states"),
            by_method: answers.buckets("methods").iter().map(method).collect(),
            revenue_at_risk: (previous.decided() > 0).then(|| at_risk(&points, previous.failure_rate())),
            timeline: points,
            previous,
        })
    }
}

/// What is asked about payments.
pub(super) fn totals_questions() -> Vec<Aggregation> {
    vec![money::question("completed", &completed_payments()), money::question("failed", &failed_payments())]
}

/// What was answered about so many payments.
pub(super) fn totals(count: u64, answers: Answers<'_>) -> TransactionTotals {
    TransactionTotals {
        count,
        completed: money::count(answers, "completed"),
        failed: money::count(answers, "failed"),
        revenue: money::read(answers, "completed"),
        failed_amounts: money::read(answers, "failed"),
    }
}

/// In each span, the part of what failed that is beyond the usual rate of failures.
fn at_risk(points: &[TransactionPoint], usual_rate: f64) -> Vec<Money> {
    let mut risked: Vec<Money> = Vec::new();
    for TransactionPoint { totals, .. } in points {
        let usual = usual_rate * totals.decided() as f64;
        let excess = (totals.failed as f64 - usual).max(0.0);
        if excess <= 0.0 {
            continue;
        }
        let share = excess / totals.failed as f64;
        let beyond = |money: &Money| Money { sum: money.sum * share, ..money.clone() };
        money::add(&mut risked, totals.failed_amounts.iter().map(beyond));
    }
    risked
}

/// Payments as one of several kinds of events.
pub(super) fn among_others(name: &str) -> Aggregation {
    totals_questions().into_iter().fold(filters(name, vec![("payments", payments())]), Aggregation::with)
}

/// What was answered about payments among others.
pub(super) fn read_among_others(answers: Answers<'_>, name: &str) -> TransactionTotals {
    totals(answers.bucket_count(name, "payments"), answers.within(name, "payments"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(completed: u64, failed: u64, amount: f64) -> TransactionPoint {
        let failed_amounts = vec![Money { currency: "EUR".into(), count: failed, sum: amount }];
        let totals = TransactionTotals { completed, failed, failed_amounts, ..TransactionTotals::default() };
        TransactionPoint { start: Timestamp::MIN, totals }
    }

    #[test]
    fn only_failures_beyond_the_usual_are_at_risk() {
        // Usual: one in ten. The first span has five times as many, the second what is usual, the third fewer.
        let risked = at_risk(&[point(50, 50, 500.0), point(90, 10, 90.0), point(100, 0, 0.0)], 0.1);
        assert_eq!(risked, [Money { currency: "EUR".into(), count: 50, sum: 400.0 }]);
        assert_eq!(at_risk(&[], 0.1), []);
    }
}
