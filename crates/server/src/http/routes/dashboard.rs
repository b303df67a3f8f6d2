//! The numbers of the overview.

use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::analytics::{AnalyticsInput, HistogramInput};
use vigie_domain::Error;

use super::Routes;
use super::health::{HealthView, ready};
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::analytics::{OverviewView, StatsView};
use crate::http::views::dashboard::{ChartView, KpisView, MetricsView};
use crate::http::views::parameters::{RangeParams, asked_range};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/dashboard/stats", Permission::LogsRead, dashboard_stats)
        .get("/api/dashboard/overview", Permission::LogsRead, dashboard_overview)
        .get("/api/dashboard/kpis", Permission::LogsRead, dashboard_kpis)
        .get("/api/dashboard/metrics", Permission::LogsRead, dashboard_metrics)
        .get("/api/dashboard/charts", Permission::LogsRead, dashboard_charts)
        .get("/api/dashboard/health", Permission::LogsRead, dashboard_health)
        .document(DashboardApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    dashboard_stats,
    dashboard_overview,
    dashboard_kpis,
    dashboard_metrics,
    dashboard_charts,
    dashboard_health
))]
struct DashboardApi;

/// The numbers of a period, the last day unless said, and those of the period of equal length before.
#[utoipa::path(get, path = "/api/dashboard/stats", tag = "dashboard", params(RangeParams), responses(
    (status = 200, description = "the numbers", body = StatsView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn dashboard_stats(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<StatsView>> {
    Ok(JsonAnswer(state.analytics.stats(&caller.scope, &range.into()).await?.into()))
}

/// Everything on the overview page: numbers, events over time, latest errors, services, the way to a payment.
#[utoipa::path(get, path = "/api/dashboard/overview", tag = "dashboard", params(RangeParams), responses(
    (status = 200, description = "the overview", body = OverviewView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn dashboard_overview(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<OverviewView>> {
    let started = Instant::now();
    let overview = state.analytics.overview(&caller.scope, &range.into()).await?;
    Ok(JsonAnswer(OverviewView::new(overview, elapsed_ms(started))))
}

/// Key figures of a period, the last day unless said, each with that of the period before and by how much it changed.
#[utoipa::path(get, path = "/api/dashboard/kpis", tag = "dashboard", params(RangeParams), responses(
    (status = 200, description = "the figures", body = KpisView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn dashboard_kpis(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<KpisView>> {
    let stats = StatsView::from(state.analytics.stats(&caller.scope, &range.into()).await?);
    Ok(JsonAnswer(stats.into()))
}

/// The main numbers of a period, the last day unless said.
#[utoipa::path(get, path = "/api/dashboard/metrics", tag = "dashboard", params(RangeParams), responses(
    (status = 200, description = "the numbers", body = MetricsView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn dashboard_metrics(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<MetricsView>> {
    let stats = StatsView::from(state.analytics.stats(&caller.scope, &range.into()).await?);
    Ok(JsonAnswer(stats.into()))
}

/// Which chart, of when.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ChartParams {
    /// `logs` unless said, `levels`, `log_types`, `response_times` or `transactions`.
    #[param(example = "levels")]
    pub chart_type: Option<String>,
    /// First instant; a day before `to` when left out. Also `date_from`.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range; now when left out. Also `date_to`.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
}

/// Series for a chart: events and errors, levels, log types, response times or transactions.
#[utoipa::path(get, path = "/api/dashboard/charts", tag = "dashboard", params(ChartParams), responses(
    (status = 200, description = "labels, and a value of each series for each", body = ChartView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there is no such chart", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn dashboard_charts(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<ChartParams>,
) -> ApiResult<JsonAnswer<ChartView>> {
    let range = asked_range(params.from, params.to);
    let (analytics, scope) = (&state.analytics, &caller.scope);
    let over_time = async |chart_type: &'static str| {
        let input = AnalyticsInput { range: range.clone(), ..AnalyticsInput::default() };
        analytics.trends(scope, &input).await.map(|trends| ChartView::over_time(chart_type, &trends))
    };
    let chart = match params.chart_type.as_deref() {
        None | Some("" | "logs") => over_time("logs").await?,
        Some("response_times") => over_time("response_times").await?,
        Some("transactions") => over_time("transactions").await?,
        Some("log_types") => ChartView::log_types(&analytics.stats(scope, &range).await?.into()),
        Some("levels") => {
            let input = HistogramInput { query: String::new(), range, interval: "auto".into() };
            ChartView::levels(&analytics.histogram(scope, &input).await?)
        }
        Some(other) => {
            let message =
                format!("\"{other}\" is no chart; use logs, levels, log_types, response_times or transactions");
            return Err(Error::invalid_field("chart_type", message).into());
        }
    };
    Ok(JsonAnswer(chart))
}

/// How Vigie is, with what was looked at.
#[utoipa::path(get, path = "/api/dashboard/health", tag = "dashboard", responses(
    (status = 200, description = "well", body = HealthView),
    (status = 503, description = "not well", body = HealthView),
))]
pub async fn dashboard_health(State(state): State<AppState>) -> Response {
    ready(&state, true).await
}
