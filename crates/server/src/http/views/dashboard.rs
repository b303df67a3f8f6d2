//! The dashboard's numbers one by one, and as series for charts.

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::analytics::{Histogram, TrendPoint, Trends};

use super::analytics::{PeriodStatsView, StatsView};
use super::trends::change;

/// The dashboard's main numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DashboardMetrics)]
pub struct MetricsView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// Events.
    pub total_logs: u64,
    /// Share of events of level ERROR or FATAL, 0 to 1.
    pub error_rate: f64,
    /// Mean response time in milliseconds; null without values.
    pub avg_response_time: Option<f64>,
    /// Services that sent events.
    pub active_services: u64,
    /// Growth of the number of events against the period before, in percent; null when there was none.
    pub growth_percentage: Option<f64>,
}

impl From<StatsView> for MetricsView {
    fn from(stats: StatsView) -> Self {
        Self {
            from: stats.from,
            to: stats.to,
            total_logs: stats.current.total_logs,
            error_rate: stats.current.error_rate,
            avg_response_time: stats.current.avg_response_time_ms,
            active_services: stats.current.active_services,
            growth_percentage: stats.growth_percentage,
        }
    }
}

/// Key figures of a period, each with that of the period before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kpis)]
pub struct KpisView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// The figures.
    pub kpis: Vec<KpiView>,
}

/// One figure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kpi)]
pub struct KpiView {
    /// What it is.
    #[schema(example = "error_rate")]
    pub name: &'static str,
    /// Its currency, of amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Its unit: `count`, `share` (0 to 1), `ms` or `amount`.
    pub unit: &'static str,
    /// In the period; null without values.
    pub value: Option<f64>,
    /// In the period of equal length before.
    pub previous: Option<f64>,
    /// By how many percent it changed; null when there was nothing before.
    pub change_percentage: Option<f64>,
}

impl KpiView {
    fn new(name: &'static str, unit: &'static str, value: Option<f64>, previous: Option<f64>) -> Self {
        let change_percentage = value.zip(previous).and_then(|(now, before)| change(now, before));
        Self { name, currency: None, unit, value, previous, change_percentage }
    }
}

impl From<StatsView> for KpisView {
    fn from(stats: StatsView) -> Self {
        let (now, before) = (&stats.current, &stats.previous);
        let count = |name: &'static str, of: fn(&PeriodStatsView) -> u64| {
            KpiView::new(name, "count", Some(of(now) as f64), Some(of(before) as f64))
        };
        let figure = |name: &'static str, unit: &'static str, of: fn(&PeriodStatsView) -> Option<f64>| {
            KpiView::new(name, unit, of(now), of(before))
        };
        let revenue = now.revenue.iter().map(|amount| {
            let previous = before.revenue.iter().find(|known| known.currency == amount.currency);
            let figure = KpiView::new("revenue", "amount", Some(amount.amount), previous.map(|known| known.amount));
            KpiView { currency: Some(amount.currency.clone()), ..figure }
        });
        let mut kpis = vec![
            count("total_logs", |period| period.total_logs),
            figure("error_rate", "share", |period| Some(period.error_rate)),
            figure("avg_response_time", "ms", |period| period.avg_response_time_ms),
            figure("p95_response_time", "ms", |period| period.p95_response_time_ms),
            count("active_services", |period| period.active_services),
            count("active_users", |period| period.active_users),
            count("transactions", |period| period.transactions),
            count("completed_transactions", |period| period.completed_transactions),
            count("failed_transactions", |period| period.failed_transactions),
            count("fraud_alerts", |period| period.fraud_alerts),
        ];
        kpis.extend(revenue);
        Self { from: stats.from, to: stats.to, kpis }
    }
}

/// Series for a chart: a value of each for each label.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chart)]
pub struct ChartView {
    /// What it shows.
    #[schema(example = "levels")]
    pub chart_type: &'static str,
    /// Instants, or names.
    pub labels: Vec<String>,
    /// The series.
    pub series: Vec<SeriesView>,
}

/// Reads a value of a series from a point in time.
type Reading = fn(&TrendPoint) -> Option<f64>;

/// One series.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Series)]
pub struct SeriesView {
    /// What it counts.
    pub name: String,
    /// A value per label; null where there is none.
    pub values: Vec<Option<f64>>,
}

impl ChartView {
    /// Events over time by level.
    pub fn levels(histogram: &Histogram) -> Self {
        let mut names: Vec<&String> = histogram.buckets.iter().flat_map(|bucket| bucket.levels.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let series = names.into_iter().map(|name| SeriesView {
            name: name.clone(),
            values: histogram
                .buckets
                .iter()
                .map(|bucket| Some(bucket.levels.get(name).copied().unwrap_or_default() as f64))
                .collect(),
        });
        Self {
            chart_type: "levels",
            labels: histogram.buckets.iter().map(|bucket| bucket.start.to_string()).collect(),
            series: series.collect(),
        }
    }

    /// Events by log type.
    pub fn log_types(stats: &StatsView) -> Self {
        Self {
            chart_type: "log_types",
            labels: stats.by_type.iter().map(|line| line.log_type.clone()).collect(),
            series: vec![SeriesView {
                name: "events".into(),
                values: stats.by_type.iter().map(|line| Some(line.count as f64)).collect(),
            }],
        }
    }

    /// A chart of numbers over time.
    pub fn over_time(chart_type: &'static str, trends: &Trends) -> Self {
        let named: &[(&str, Reading)] = match chart_type {
            "response_times" => &[
                ("avg_ms", |point| point.stats.avg_response_time_ms),
                ("p95_ms", |point| point.stats.p95_response_time_ms),
            ],
            "transactions" => &[
                ("completed", |point| Some(point.stats.completed_transactions as f64)),
                ("failed", |point| Some(point.stats.failed_transactions as f64)),
            ],
            _ => &[
                ("events", |point| Some(point.stats.total_logs as f64)),
                ("errors", |point| Some(point.stats.error_count as f64)),
            ],
        };
        let series = named
            .iter()
            .map(|(name, of)| SeriesView { name: (*name).to_owned(), values: trends.points.iter().map(of).collect() });
        Self {
            chart_type,
            labels: trends.points.iter().map(|point| point.start.to_string()).collect(),
            series: series.collect(),
        }
    }
}
