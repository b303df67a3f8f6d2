//! Numbers over time beside those before, rankings, and the way to a payment, as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::analytics::{Cohort, CountryLine, Funnel, FunnelStep, ProductLine, Ranking, TrendPoint, Trends};

use super::analytics::{FunnelStepView, PeriodStatsView};
use super::shop::{CartsView, MoneyView, PeriodView, TransactionTotalsView, amounts};

/// The main numbers over time, beside those of the period before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trends)]
pub struct TrendsView {
    /// The period.
    #[serde(flatten)]
    pub period: PeriodView,
    /// The numbers of the period.
    pub current: PeriodStatsView,
    /// Those of the period of equal length before.
    pub previous: PeriodStatsView,
    /// By how many percent each number changed.
    pub changes: ChangesView,
    /// The period's numbers over time, every span.
    pub timeline: Vec<TrendPointView>,
    /// Those of the period before.
    pub previous_timeline: Vec<TrendPointView>,
}

/// Changes against the period before in percent; null when there was nothing before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Changes)]
pub struct ChangesView {
    /// Of the number of events.
    pub total_logs: Option<f64>,
    /// Of the number of errors.
    pub error_count: Option<f64>,
    /// Of the share of errors.
    pub error_rate: Option<f64>,
    /// Of the mean response time.
    pub avg_response_time_ms: Option<f64>,
    /// Of the response time below which 95 % lie.
    pub p95_response_time_ms: Option<f64>,
    /// Of the number of payments.
    pub transactions: Option<f64>,
    /// Of the number of payments that failed.
    pub failed_transactions: Option<f64>,
    /// Of the number of users.
    pub active_users: Option<f64>,
    /// Of the number of judgements that say fraud, or worth a look.
    pub fraud_alerts: Option<f64>,
    /// Of the revenue, per currency that both periods have.
    pub revenue: Vec<RevenueChangeView>,
}

/// How the revenue of one currency changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevenueChange)]
pub struct RevenueChangeView {
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub currency: String,
    /// In percent.
    pub change: f64,
}

/// The numbers of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrendPoint)]
pub struct TrendPointView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// Its numbers.
    #[serde(flatten)]
    pub stats: PeriodStatsView,
}

/// By how many percent a number changed; `None` when it was 0.
pub fn change(now: f64, before: f64) -> Option<f64> {
    (before != 0.0).then(|| (now - before) / before * 100.0)
}

impl ChangesView {
    /// The changes from one period to the next.
    pub fn between(before: &PeriodStatsView, now: &PeriodStatsView) -> Self {
        let count = |now: u64, before: u64| change(now as f64, before as f64);
        let measured = |now: Option<f64>, before: Option<f64>| change(now?, before?);
        let revenue = now.revenue.iter().filter_map(|amount| {
            let known = before.revenue.iter().find(|known| known.currency == amount.currency)?;
            let change = change(amount.amount, known.amount)?;
            Some(RevenueChangeView { currency: amount.currency.clone(), change })
        });
        Self {
            total_logs: count(now.total_logs, before.total_logs),
            error_count: count(now.error_count, before.error_count),
            error_rate: change(now.error_rate, before.error_rate),
            avg_response_time_ms: measured(now.avg_response_time_ms, before.avg_response_time_ms),
            p95_response_time_ms: measured(now.p95_response_time_ms, before.p95_response_time_ms),
            transactions: count(now.transactions, before.transactions),
            failed_transactions: count(now.failed_transactions, before.failed_transactions),
            active_users: count(now.active_users, before.active_users),
            fraud_alerts: count(now.fraud_alerts, before.fraud_alerts),
            revenue: revenue.collect(),
        }
    }
}

impl TrendsView {
    /// The numbers as they are answered.
    pub fn new(answer: Trends, took_ms: u64) -> Self {
        let points = |points: Vec<TrendPoint>| {
            let view = |point: TrendPoint| TrendPointView { start: point.start.to_string(), stats: point.stats.into() };
            points.into_iter().map(view).collect()
        };
        let (current, previous) = (PeriodStatsView::from(answer.current), PeriodStatsView::from(answer.previous));
        Self {
            period: PeriodView::new(answer.range, answer.granularity.name(), took_ms),
            changes: ChangesView::between(&previous, &current),
            current,
            previous,
            timeline: points(answer.points),
            previous_timeline: points(answer.previous_points),
        }
    }
}

/// How far visitors came.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Funnel)]
pub struct FunnelView {
    /// The period.
    #[serde(flatten)]
    pub period: PeriodView,
    /// The steps, each with the distinct visitors who took it.
    pub steps: Vec<FunnelStepView>,
    /// Those of the period of equal length before.
    pub previous: Vec<FunnelStepView>,
    /// Carts and what became of them.
    pub carts: CartsView,
    /// How far those came who were there in each span of time.
    pub cohorts: Vec<CohortView>,
}

/// Visitors of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cohort)]
pub struct CohortView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// How far they came.
    pub steps: Vec<FunnelStepView>,
}

fn steps(steps: Vec<FunnelStep>) -> Vec<FunnelStepView> {
    steps.into_iter().map(|step| FunnelStepView { action: step.action, users: step.users }).collect()
}

impl FunnelView {
    /// The numbers as they are answered.
    pub fn new(answer: Funnel, took_ms: u64) -> Self {
        let cohort = |cohort: Cohort| CohortView { start: cohort.start.to_string(), steps: steps(cohort.steps) };
        Self {
            period: PeriodView::new(answer.range, answer.granularity.name(), took_ms),
            steps: steps(answer.steps),
            previous: steps(answer.previous),
            carts: answer.carts.into(),
            cohorts: answer.cohorts.into_iter().map(cohort).collect(),
        }
    }
}

/// Countries, the busiest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopCountries)]
pub struct CountriesView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// The busiest first.
    pub countries: Vec<CountryView>,
    /// How many countries there are in all.
    pub distinct: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// One country of visitors, by their addresses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CountryLine)]
pub struct CountryView {
    /// ISO 3166-1, two letters.
    #[schema(example = "FR")]
    pub country: String,
    /// Its events.
    pub count: u64,
    /// Distinct sessions.
    pub sessions: u64,
    /// Its payments.
    pub transactions: TransactionTotalsView,
}

impl CountriesView {
    /// The ranking as it is answered.
    pub fn new(ranking: Ranking<CountryLine>, took_ms: u64) -> Self {
        let line = |line: CountryLine| CountryView {
            country: line.country,
            count: line.count,
            sessions: line.sessions,
            transactions: line.transactions.into(),
        };
        Self {
            from: ranking.range.from.to_string(),
            to: ranking.range.to.to_string(),
            countries: ranking.lines.into_iter().map(line).collect(),
            distinct: ranking.distinct,
            took_ms,
        }
    }
}

/// Products, the busiest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopProducts)]
pub struct ProductsView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// The busiest first: by how many events of visitors and payments name them.
    pub products: Vec<ProductView>,
    /// How many products there are; at most 20,000 are told apart.
    pub distinct: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// One product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductLine)]
pub struct ProductView {
    /// Its id.
    pub product_id: String,
    /// Its name; null when none was sent, or none can be told from those of the products it was bought with.
    pub name: Option<String>,
    /// How often it was looked at.
    pub views: u64,
    /// How often it was put into a cart.
    pub carts: u64,
    /// Payments that were made for it, alone or among others.
    pub purchases: u64,
    /// What these payments brought, the other products in them included; per currency.
    pub order_amounts: Vec<MoneyView>,
}

impl ProductsView {
    /// The ranking as it is answered.
    pub fn new(ranking: Ranking<ProductLine>, took_ms: u64) -> Self {
        let line = |line: ProductLine| ProductView {
            product_id: line.product_id,
            name: line.name,
            views: line.views,
            carts: line.carts,
            purchases: line.purchases,
            order_amounts: amounts(line.order_amounts),
        };
        Self {
            from: ranking.range.from.to_string(),
            to: ranking.range.to.to_string(),
            products: ranking.lines.into_iter().map(line).collect(),
            distinct: ranking.distinct,
            took_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_percents_of_what_was() {
        assert_eq!((change(3.0, 2.0), change(1.0, 2.0), change(1.0, 0.0)), (Some(50.0), Some(-50.0), None));
    }
}
