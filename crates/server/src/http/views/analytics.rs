//! Numbers over time and those of the overview, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::analytics::{DashboardStats, Histogram, Money, Overview, PeriodStats};

use super::events::HitView;
use super::logs::TypeCountView;

/// Events over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Histogram)]
pub struct HistogramView {
    /// Width of a bucket.
    pub interval_ms: i64,
    /// First instant of the range.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// Events in all: the sum of the buckets.
    pub total: u64,
    /// Every bucket that the range touches, empty ones too.
    pub buckets: Vec<HistogramBucketView>,
    /// How long it took.
    pub took_ms: u64,
}

/// One span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistogramBucket)]
pub struct HistogramBucketView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// Its events.
    pub total: u64,
    /// Its events by level; those without one are under `none`.
    pub levels: BTreeMap<String, u64>,
}

impl HistogramView {
    /// The histogram as it is answered.
    pub fn new(histogram: Histogram, took_ms: u64) -> Self {
        let bucket = |bucket: vigie_app::analytics::HistogramBucket| HistogramBucketView {
            start: bucket.start.to_string(),
            total: bucket.total,
            levels: bucket.levels,
        };
        Self {
            interval_ms: histogram.interval_ms,
            from: histogram.range.from.to_string(),
            to: histogram.range.to.to_string(),
            total: histogram.total,
            buckets: histogram.buckets.into_iter().map(bucket).collect(),
            took_ms,
        }
    }
}

/// An amount of money. Amounts of different currencies are never added.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Amount)]
pub struct AmountView {
    /// ISO 4217; `XXX` where none was sent.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The sum.
    #[schema(example = 12340.5)]
    pub amount: f64,
}

/// A level and its events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LevelCount)]
pub struct LevelCountView {
    /// The level; `none` for events without one.
    #[schema(example = "ERROR")]
    pub level: String,
    /// Its events.
    pub count: u64,
}

/// Numbers of one period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeriodStats)]
pub struct PeriodStatsView {
    /// Events.
    pub total_logs: u64,
    /// Events of level ERROR or FATAL.
    pub error_count: u64,
    /// Their share, 0 to 1.
    pub error_rate: f64,
    /// Mean of `response_time_ms`; null without values.
    pub avg_response_time_ms: Option<f64>,
    /// Value of `response_time_ms` below which 95 % lie; null without values.
    pub p95_response_time_ms: Option<f64>,
    /// Services that sent events.
    pub active_services: u64,
    /// Transactions of any status.
    pub transactions: u64,
    /// Transactions that were completed.
    pub completed_transactions: u64,
    /// Transactions that failed or were declined.
    pub failed_transactions: u64,
    /// Completed transactions, per currency.
    pub revenue: Vec<AmountView>,
    /// Transactions that were judged to be fraud, or worth a look.
    pub fraud_alerts: u64,
    /// Distinct users.
    pub active_users: u64,
}

impl From<PeriodStats> for PeriodStatsView {
    fn from(period: PeriodStats) -> Self {
        let amount = |money: Money| AmountView { currency: money.currency, amount: money.sum };
        Self {
            total_logs: period.total_logs,
            error_count: period.error_count,
            error_rate: period.error_rate(),
            avg_response_time_ms: period.avg_response_time_ms,
            p95_response_time_ms: period.p95_response_time_ms,
            active_services: period.active_services,
            transactions: period.transactions,
            completed_transactions: period.completed_transactions,
            failed_transactions: period.failed_transactions,
            revenue: period.revenue.into_iter().map(amount).collect(),
            fraud_alerts: period.fraud_alerts,
            active_users: period.active_users,
        }
    }
}

/// Numbers of a period and of the one of equal length before it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
pub struct StatsView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// The numbers of the period.
    #[serde(flatten)]
    pub current: PeriodStatsView,
    /// Growth of the number of events against the period before; null when there was none.
    pub growth_percentage: Option<f64>,
    /// Events of each log type.
    pub by_type: Vec<TypeCountView>,
    /// Events of each level.
    pub by_level: Vec<LevelCountView>,
    /// The numbers of the period of equal length before.
    pub previous: PeriodStatsView,
}

impl From<DashboardStats> for StatsView {
    fn from(stats: DashboardStats) -> Self {
        let by_type = |(log_type, count): &(String, u64)| TypeCountView { log_type: log_type.clone(), count: *count };
        let by_level = |(level, count): &(String, u64)| LevelCountView { level: level.clone(), count: *count };
        Self {
            from: stats.range.from.to_string(),
            to: stats.range.to.to_string(),
            growth_percentage: stats.growth_percentage(),
            by_type: stats.current.by_type.iter().map(by_type).collect(),
            by_level: stats.current.by_level.iter().map(by_level).collect(),
            current: stats.current.into(),
            previous: stats.previous.into(),
        }
    }
}

/// Everything on the overview page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Overview)]
pub struct OverviewView {
    /// The numbers.
    pub stats: StatsView,
    /// Events over time.
    pub histogram: HistogramView,
    /// The same of the period before.
    pub previous_histogram: HistogramView,
    /// The latest events of level ERROR or FATAL.
    pub latest_errors: Vec<HitView>,
    /// Services, busiest first.
    pub services: Vec<ServiceStatsView>,
    /// Alerts that fire; none while there are no alert rules.
    #[schema(value_type = Vec<Object>)]
    pub alerts: Vec<serde_json::Value>,
    /// The way to a payment.
    pub funnel: Vec<FunnelStepView>,
}

/// One service in a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceStats)]
pub struct ServiceStatsView {
    /// Its name.
    pub service: String,
    /// Its events.
    pub count: u64,
    /// Those of level ERROR or FATAL.
    pub error_count: u64,
    /// Response time below which 95 % lie; null without values.
    pub p95_response_time_ms: Option<f64>,
}

/// One step on the way to a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunnelStep)]
pub struct FunnelStepView {
    /// What was done: `view_product`, `add_to_cart`, `checkout` or `paid`.
    #[schema(example = "add_to_cart")]
    pub action: &'static str,
    /// Distinct visitors who did it: sessions, or users where no session is named.
    pub users: u64,
}

impl OverviewView {
    /// The overview as it is answered.
    pub fn new(overview: Overview, took_ms: u64) -> Self {
        let service = |service: vigie_app::analytics::ServiceStats| ServiceStatsView {
            service: service.service,
            count: service.count,
            error_count: service.error_count,
            p95_response_time_ms: service.p95_response_time_ms,
        };
        let step = |step: vigie_app::analytics::FunnelStep| FunnelStepView { action: step.action, users: step.users };
        Self {
            stats: overview.stats.into(),
            histogram: HistogramView::new(overview.histogram, took_ms),
            previous_histogram: HistogramView::new(overview.previous_histogram, took_ms),
            latest_errors: overview.latest_errors.into_iter().map(HitView::from).collect(),
            services: overview.services.into_iter().map(service).collect(),
            alerts: Vec::new(),
            funnel: overview.funnel.into_iter().map(step).collect(),
        }
    }
}
