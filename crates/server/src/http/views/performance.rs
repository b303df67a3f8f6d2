//! How fast the shop answers, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::performance::{
    CacheUse, DatabaseLatency, DatabaseLine, Durations, EndpointLine, Endpoints, Heatmap, HeatmapColumn,
    PerformanceMetrics, RequestMeasures, RequestPoint, ServiceLine, SlowQuery,
};
use vigie_domain::{TimeRange, Timestamp};

use super::events::HitView;

/// Durations of a group, in milliseconds; null without any.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Durations)]
pub struct DurationsView {
    /// How many were measured.
    pub count: u64,
    /// The mean.
    pub avg_ms: Option<f64>,
    /// The shortest.
    pub min_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// Their sum.
    pub total_ms: f64,
    /// Durations below which these shares lie: `p50`, `p75`, `p90`, `p95`, `p99`.
    #[schema(example = json!({"p50": 41.0, "p75": 80.5, "p90": 200.0, "p95": 320.0, "p99": 900.0}))]
    pub percentiles: BTreeMap<String, Option<f64>>,
}

impl From<Durations> for DurationsView {
    fn from(durations: Durations) -> Self {
        let percentile = |(percent, value_ms): (f64, Option<f64>)| (format!("p{percent}"), value_ms);
        Self {
            count: durations.count,
            avg_ms: durations.avg_ms,
            min_ms: durations.min_ms,
            max_ms: durations.max_ms,
            total_ms: durations.sum_ms,
            percentiles: durations.percentiles.into_iter().map(percentile).collect(),
        }
    }
}

/// A group of requests in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestMeasures)]
pub struct RequestMeasuresView {
    /// Requests.
    pub requests: u64,
    /// Requests per second, over the whole period.
    pub requests_per_second: f64,
    /// Those that failed: answered with 500 or more, or without a status and of level ERROR or FATAL.
    pub error_count: u64,
    /// Their share, 0 to 1.
    pub error_rate: f64,
    /// How long they took.
    pub response_time: DurationsView,
}

impl RequestMeasuresView {
    /// The numbers of a group that was observed for so long.
    fn new(measures: RequestMeasures, seconds: f64) -> Self {
        Self {
            requests: measures.requests,
            requests_per_second: if seconds > 0.0 { measures.requests as f64 / seconds } else { 0.0 },
            error_count: measures.failed,
            error_rate: measures.error_rate(),
            response_time: measures.response.into(),
        }
    }
}

/// How often a cache had what was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheUse)]
pub struct CacheUseView {
    /// It had.
    pub hits: u64,
    /// It had not.
    pub misses: u64,
    /// Share of hits, 0 to 1; null when nothing was looked for.
    pub hit_rate: Option<f64>,
}

impl From<CacheUse> for CacheUseView {
    fn from(cache: CacheUse) -> Self {
        Self { hits: cache.hits, misses: cache.misses, hit_rate: cache.hit_rate() }
    }
}

/// How the shop answered in a period, and in the one of equal length before it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PerformanceMetrics)]
pub struct PerformanceMetricsView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// All requests.
    #[serde(flatten)]
    pub current: RequestMeasuresView,
    /// Those of the period before.
    pub previous: RequestMeasuresView,
    /// Width of a point of the timeline.
    pub interval_ms: i64,
    /// Requests over time; spans without requests are left out.
    pub timeline: Vec<RequestPointView>,
    /// Requests per service, those with the greatest impact first.
    pub services: Vec<ServicePerformanceView>,
    /// How caches were used.
    pub cache: CacheUseView,
    /// The same in the period before.
    pub previous_cache: CacheUseView,
    /// How long it took.
    pub took_ms: u64,
}

/// Requests of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestPoint)]
pub struct RequestPointView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// In numbers.
    #[serde(flatten)]
    pub measures: RequestMeasuresView,
}

/// Requests to one service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServicePerformance)]
pub struct ServicePerformanceView {
    /// Its name.
    pub service: String,
    /// In numbers.
    #[serde(flatten)]
    pub current: RequestMeasuresView,
    /// In the period before; null when there were none.
    pub previous: Option<RequestMeasuresView>,
    /// Its share of the time that all requests took, 0 to 1.
    pub impact: f64,
}

/// Requests to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EndpointPerformance)]
pub struct EndpointPerformanceView {
    /// The path, as it was logged.
    pub endpoint: String,
    /// The method; null where none was logged.
    pub method: Option<String>,
    /// In numbers.
    #[serde(flatten)]
    pub current: RequestMeasuresView,
    /// In the period before; null when there were none.
    pub previous: Option<RequestMeasuresView>,
    /// Its share of the time that all requests took, 0 to 1.
    pub impact: f64,
}

/// Response times per endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiResponseTimes)]
pub struct ApiResponseTimesView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// All requests.
    #[serde(flatten)]
    pub current: RequestMeasuresView,
    /// Those of the period before.
    pub previous: RequestMeasuresView,
    /// Endpoints by method, those with the greatest impact first.
    pub by_endpoint: Vec<EndpointPerformanceView>,
    /// How many endpoints there are in all, methods not told apart.
    pub endpoint_count: u64,
    /// Requests to endpoints that are not shown.
    pub other_requests: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// How long databases took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatabaseLatency)]
pub struct DatabaseLatencyView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// All queries.
    pub query_time: DurationsView,
    /// Those of the period before.
    pub previous: DurationsView,
    /// By kind of query, those that took longest in all first.
    pub by_type: Vec<DatabaseLineView>,
    /// By table, those that took longest in all first.
    pub by_table: Vec<DatabaseLineView>,
    /// Width of a point of the timeline.
    pub interval_ms: i64,
    /// Over time; spans without queries are left out.
    pub timeline: Vec<DatabasePointView>,
    /// The slowest, slowest first.
    pub slow_queries: Vec<SlowQueryView>,
    /// How caches were used.
    pub cache: CacheUseView,
    /// The same in the period before.
    pub previous_cache: CacheUseView,
    /// How long it took.
    pub took_ms: u64,
}

/// Queries of one kind or to one table.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatabaseLine)]
pub struct DatabaseLineView {
    /// The kind or the table.
    pub name: String,
    /// How long they took.
    pub query_time: DurationsView,
    /// In the period before; null when there were none.
    pub previous: Option<DurationsView>,
}

/// Queries of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatabasePoint)]
pub struct DatabasePointView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// How long they took.
    pub query_time: DurationsView,
}

/// One slow query.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SlowQuery)]
pub struct SlowQueryView {
    /// How long it took.
    pub query_time_ms: f64,
    /// The event that tells of it.
    #[serde(flatten)]
    pub hit: HitView,
}

/// How response times are spread over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LatencyHeatmap)]
pub struct HeatmapView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// Width of a column.
    pub interval_ms: i64,
    /// Where cells begin, in milliseconds of response time; the last has no end.
    pub bounds_ms: Vec<u32>,
    /// Columns with requests, oldest first.
    pub columns: Vec<HeatmapColumnView>,
    /// How long it took.
    pub took_ms: u64,
}

/// Requests of one span of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeatmapColumn)]
pub struct HeatmapColumnView {
    /// Its first instant.
    #[schema(format = DateTime)]
    pub start: String,
    /// Requests in each cell, shortest durations first.
    pub counts: Vec<u64>,
}

const MS_PER_SECOND: f64 = 1_000.0;

fn seconds(range: TimeRange) -> f64 {
    range.length_nanos() as f64 / 1e9
}

impl PerformanceMetricsView {
    /// The numbers as they are answered.
    pub fn new(metrics: PerformanceMetrics, took_ms: u64) -> Self {
        let period_s = seconds(metrics.range);
        let span_s = metrics.interval_ms as f64 / MS_PER_SECOND;
        let point = |point: RequestPoint| RequestPointView {
            start: point.start.to_string(),
            measures: RequestMeasuresView::new(point.measures, span_s),
        };
        let service = |line: ServiceLine| ServicePerformanceView {
            service: line.service,
            current: RequestMeasuresView::new(line.current, period_s),
            previous: line.previous.map(|measures| RequestMeasuresView::new(measures, period_s)),
            impact: line.impact,
        };
        Self {
            from: metrics.range.from.to_string(),
            to: metrics.range.to.to_string(),
            current: RequestMeasuresView::new(metrics.current, period_s),
            previous: RequestMeasuresView::new(metrics.previous, period_s),
            interval_ms: metrics.interval_ms,
            timeline: metrics.timeline.into_iter().map(point).collect(),
            services: metrics.services.into_iter().map(service).collect(),
            cache: metrics.cache.into(),
            previous_cache: metrics.previous_cache.into(),
            took_ms,
        }
    }
}

impl ApiResponseTimesView {
    /// The numbers as they are answered.
    pub fn new(endpoints: Endpoints, took_ms: u64) -> Self {
        let period_s = seconds(endpoints.range);
        let line = |line: EndpointLine| EndpointPerformanceView {
            endpoint: line.endpoint,
            method: line.method,
            current: RequestMeasuresView::new(line.current, period_s),
            previous: line.previous.map(|measures| RequestMeasuresView::new(measures, period_s)),
            impact: line.impact,
        };
        Self {
            from: endpoints.range.from.to_string(),
            to: endpoints.range.to.to_string(),
            current: RequestMeasuresView::new(endpoints.current, period_s),
            previous: RequestMeasuresView::new(endpoints.previous, period_s),
            by_endpoint: endpoints.lines.into_iter().map(line).collect(),
            endpoint_count: endpoints.distinct,
            other_requests: endpoints.other_requests,
            took_ms,
        }
    }
}

impl DatabaseLatencyView {
    /// The numbers as they are answered.
    pub fn new(latency: DatabaseLatency, took_ms: u64) -> Self {
        let line = |line: DatabaseLine| DatabaseLineView {
            name: line.name,
            query_time: line.current.into(),
            previous: line.previous.map(DurationsView::from),
        };
        let point = |(start, durations): (Timestamp, Durations)| DatabasePointView {
            start: start.to_string(),
            query_time: durations.into(),
        };
        let slow = |slow: SlowQuery| SlowQueryView { query_time_ms: slow.query_time_ms, hit: HitView::from(slow.hit) };
        Self {
            from: latency.range.from.to_string(),
            to: latency.range.to.to_string(),
            query_time: latency.current.into(),
            previous: latency.previous.into(),
            by_type: latency.by_type.into_iter().map(line).collect(),
            by_table: latency.by_table.into_iter().map(line).collect(),
            interval_ms: latency.interval_ms,
            timeline: latency.timeline.into_iter().map(point).collect(),
            slow_queries: latency.slow_queries.into_iter().map(slow).collect(),
            cache: latency.cache.into(),
            previous_cache: latency.previous_cache.into(),
            took_ms,
        }
    }
}

impl HeatmapView {
    /// The heatmap as it is answered.
    pub fn new(heatmap: Heatmap, took_ms: u64) -> Self {
        let column =
            |column: HeatmapColumn| HeatmapColumnView { start: column.start.to_string(), counts: column.counts };
        Self {
            from: heatmap.range.from.to_string(),
            to: heatmap.range.to.to_string(),
            interval_ms: heatmap.interval_ms,
            bounds_ms: heatmap.bounds_ms.to_vec(),
            columns: heatmap.columns.into_iter().map(column).collect(),
            took_ms,
        }
    }
}
