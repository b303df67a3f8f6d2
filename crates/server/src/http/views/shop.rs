//! What the shop sells, to whom, and where it fails, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::analytics::{
    Carts, ErrorTotals, Errors, Money, PaymentMethod, TransactionPoint, TransactionTotals, Transactions, UserBehavior,
    VisitPoint, Visits,
};
use vigie_domain::{TimeRange, Timestamp};

use super::analytics::AmountView;

/// The period that numbers are about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Period)]
pub struct PeriodView {
    /// First instant.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// How long the spans of the timeline are: `hourly`, `daily`, `weekly` or `monthly`.
    #[schema(example = "hourly")]
    pub granularity: &'static str,
    /// How long it took.
    pub took_ms: u64,
}

impl PeriodView {
    /// The period as it is answered.
    pub fn new(range: TimeRange, granularity: &'static str, took_ms: u64) -> Self {
        Self { from: range.from.to_string(), to: range.to.to_string(), granularity, took_ms }
    }
}

/// A value and how often it occurred.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedCount)]
pub struct NamedCountView {
    /// The value.
    pub name: String,
    /// Events that have it.
    pub count: u64,
}

fn named((name, count): (String, u64)) -> NamedCountView {
    NamedCountView { name, count }
}

fn all_named(counts: Vec<(String, u64)>) -> Vec<NamedCountView> {
    counts.into_iter().map(named).collect()
}

/// Amounts of one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyView {
    /// ISO 4217; `XXX` where none was sent.
    #[schema(example = "EUR")]
    pub currency: String,
    /// How many amounts.
    pub count: u64,
    /// Their sum.
    pub amount: f64,
    /// Their mean.
    pub average: f64,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { average: money.mean(), currency: money.currency, count: money.count, amount: money.sum }
    }
}

/// Amounts as they are answered.
pub fn amounts(money: Vec<Money>) -> Vec<MoneyView> {
    money.into_iter().map(MoneyView::from).collect()
}

/// Payments in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransactionTotals)]
pub struct TransactionTotalsView {
    /// Payments, whatever became of them.
    pub count: u64,
    /// Those that were made.
    pub completed: u64,
    /// Those that failed or were declined.
    pub failed: u64,
    /// Share of those that failed among completed and failed ones, 0 to 1.
    pub failure_rate: f64,
    /// What completed ones brought, per currency.
    pub revenue: Vec<MoneyView>,
    /// What failed ones would have brought, per currency.
    pub failed_amounts: Vec<MoneyView>,
}

impl From<TransactionTotals> for TransactionTotalsView {
    fn from(totals: TransactionTotals) -> Self {
        Self {
            count: totals.count,
            completed: totals.completed,
            failed: totals.failed,
            failure_rate: totals.failure_rate(),
            revenue: amounts(totals.revenue),
            failed_amounts: amounts(totals.failed_amounts),
        }
    }
}

/// Payments of a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransactionAnalytics)]
pub struct TransactionsView {
    /// The period.
    #[serde(flatten)]
    pub period: PeriodView,
    /// Payments of the period.
    pub current: TransactionTotalsView,
    /// Those of the period of equal length before.
    pub previous: TransactionTotalsView,
    /// Payments by what became of them.
    #[schema(example = json!({"completed": 120, "failed": 3}))]
    pub transaction_status: BTreeMap<String, u64>,
    /// Payments by how they were made, the most used first.
    pub payment_methods: Vec<PaymentMethodView>,
    /// Payments over time, every span of the period.
    pub timeline: Vec<TransactionPointView>,
    /// What more failures than in the period before put at risk, per currency: of each span, the share of the failed amounts
    /// that lies beyond the rate of failures before. Null when no payment was made or failed before.
    pub revenue_at_risk: Option<Vec<AmountView>>,
}

/// Payments made in one way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub struct PaymentMethodView {
    /// How.
    pub method: String,
    /// In numbers.
    #[serde(flatten)]
    pub totals: TransactionTotalsView,
}

/// Payments of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TransactionPoint)]
pub struct TransactionPointView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// In numbers.
    #[serde(flatten)]
    pub totals: TransactionTotalsView,
}

impl TransactionsView {
    /// The numbers as they are answered.
    pub fn new(answer: Transactions, took_ms: u64) -> Self {
        let method = |line: PaymentMethod| PaymentMethodView { method: line.method, totals: line.totals.into() };
        let point = |point: TransactionPoint| TransactionPointView {
            start: point.start.to_string(),
            totals: point.totals.into(),
        };
        let amount = |money: Money| AmountView { currency: money.currency, amount: money.sum };
        Self {
            period: PeriodView::new(answer.range, answer.granularity.name(), took_ms),
            current: answer.current.into(),
            previous: answer.previous.into(),
            transaction_status: answer.by_status.into_iter().collect(),
            payment_methods: answer.by_method.into_iter().map(method).collect(),
            timeline: answer.timeline.into_iter().map(point).collect(),
            revenue_at_risk: answer.revenue_at_risk.map(|risked| risked.into_iter().map(amount).collect()),
        }
    }
}

/// Errors in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorTotals)]
pub struct ErrorTotalsView {
    /// Events of level ERROR or FATAL, and those of type `error`.
    pub count: u64,
    /// Their share of all events, 0 to 1.
    pub rate: f64,
    /// Distinct users whom they met.
    pub affected_users: u64,
    /// Distinct sessions in which they occurred.
    pub affected_sessions: u64,
}

impl From<ErrorTotals> for ErrorTotalsView {
    fn from(totals: ErrorTotals) -> Self {
        Self {
            count: totals.count,
            rate: totals.rate(),
            affected_users: totals.users,
            affected_sessions: totals.sessions,
        }
    }
}

/// Errors of a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErrorAnalytics)]
pub struct ErrorsView {
    /// The period.
    #[serde(flatten)]
    pub period: PeriodView,
    /// Errors of the period.
    pub current: ErrorTotalsView,
    /// Those of the period of equal length before.
    pub previous: ErrorTotalsView,
    /// By type, the most frequent first.
    pub by_type: Vec<NamedCountView>,
    /// Types that the period before did not have.
    pub new_types: Vec<NamedCountView>,
    /// By error code.
    pub by_code: Vec<NamedCountView>,
    /// By the status code of the answer.
    pub by_status_code: Vec<NamedCountView>,
    /// By who sent them.
    pub by_service: Vec<NamedCountView>,
    /// By what was asked for.
    pub by_endpoint: Vec<NamedCountView>,
    /// Over time, every span of the period.
    pub timeline: Vec<CountPointView>,
}

/// How many of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CountPoint)]
pub struct CountPointView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// How many.
    pub count: u64,
}

impl ErrorsView {
    /// The numbers as they are answered.
    pub fn new(answer: Errors, took_ms: u64) -> Self {
        let point = |(start, count): (Timestamp, u64)| CountPointView { start: start.to_string(), count };
        Self {
            period: PeriodView::new(answer.range, answer.granularity.name(), took_ms),
            current: answer.current.into(),
            previous: answer.previous.into(),
            by_type: all_named(answer.by_type),
            new_types: all_named(answer.new_types),
            by_code: all_named(answer.by_code),
            by_status_code: all_named(answer.by_status_code),
            by_service: all_named(answer.by_service),
            by_endpoint: all_named(answer.by_endpoint),
            timeline: answer.timeline.into_iter().map(point).collect(),
        }
    }
}

/// Visits in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Visits)]
pub struct VisitsView {
    /// Actions.
    pub actions: u64,
    /// Distinct sessions.
    pub sessions: u64,
    /// Distinct users.
    pub users: u64,
}

impl From<Visits> for VisitsView {
    fn from(visits: Visits) -> Self {
        Self { actions: visits.actions, sessions: visits.sessions, users: visits.users }
    }
}

/// Carts and what became of them. A cart is a visitor who put something into it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Carts)]
pub struct CartsView {
    /// Visitors who put something into a cart.
    pub filled: u64,
    /// Visitors who paid.
    pub paid: u64,
    /// Carts that were left behind: those that were filled, less those that were paid.
    pub abandoned: u64,
    /// Their share, 0 to 1; null when no cart was filled.
    pub abandonment_rate: Option<f64>,
}

impl From<Carts> for CartsView {
    fn from(carts: Carts) -> Self {
        Self {
            filled: carts.filled,
            paid: carts.paid,
            abandoned: carts.abandoned(),
            abandonment_rate: carts.abandonment_rate(),
        }
    }
}

/// What visitors did in a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserBehaviorAnalytics)]
pub struct UserBehaviorView {
    /// The period.
    #[serde(flatten)]
    pub period: PeriodView,
    /// Visits of the period.
    pub current: VisitsView,
    /// Those of the period of equal length before.
    pub previous: VisitsView,
    /// What was done, the most frequent first.
    pub activities: Vec<NamedCountView>,
    /// Where.
    pub pages: Vec<NamedCountView>,
    /// From where visitors came.
    pub referrers: Vec<NamedCountView>,
    /// What was looked for.
    pub searches: Vec<NamedCountView>,
    /// With which browsers.
    pub browsers: Vec<NamedCountView>,
    /// With which kinds of device.
    pub devices: Vec<NamedCountView>,
    /// Carts and what became of them.
    pub carts: CartsView,
    /// Visits over time, every span of the period.
    pub timeline: Vec<VisitPointView>,
}

/// Visits of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitPoint)]
pub struct VisitPointView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// In numbers.
    #[serde(flatten)]
    pub visits: VisitsView,
}

impl UserBehaviorView {
    /// The numbers as they are answered.
    pub fn new(answer: UserBehavior, took_ms: u64) -> Self {
        let point = |point: VisitPoint| VisitPointView { start: point.start.to_string(), visits: point.visits.into() };
        Self {
            period: PeriodView::new(answer.range, answer.granularity.name(), took_ms),
            current: answer.current.into(),
            previous: answer.previous.into(),
            activities: all_named(answer.actions),
            pages: all_named(answer.pages),
            referrers: all_named(answer.referrers),
            searches: all_named(answer.searches),
            browsers: all_named(answer.browsers),
            devices: all_named(answer.devices),
            carts: answer.carts.into(),
            timeline: answer.timeline.into_iter().map(point).collect(),
        }
    }
}
