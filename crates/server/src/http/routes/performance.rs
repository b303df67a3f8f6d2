//! How fast the shop answers.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::performance::{LINES_DEFAULT, PerformanceInput};

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::parameters::{asked_range, said};
use crate::http::views::performance::{ApiResponseTimesView, DatabaseLatencyView, HeatmapView, PerformanceMetricsView};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/performance/metrics", Permission::LogsRead, performance_metrics)
        .get("/api/performance/api-response-times", Permission::LogsRead, api_response_times)
        .get("/api/performance/database-latency", Permission::LogsRead, database_latency)
        .get("/api/performance/heatmap", Permission::LogsRead, latency_heatmap)
        .document(PerformanceApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(performance_metrics, api_response_times, database_latency, latency_heatmap))]
struct PerformanceApi;

/// Which requests, of when.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PerformanceParams {
    /// First instant; an hour before `to` when left out. Also `date_from`, `start_date`.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range; now when left out. Also `date_to`, `end_date`.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
    /// Which requests; all when left out.
    pub query: Option<String>,
    /// Only requests to this service.
    pub service: Option<String>,
    /// Lines of a list at most: 50 unless said, at most 1,000.
    pub limit: Option<usize>,
}

impl PerformanceParams {
    fn into_input(self) -> PerformanceInput {
        PerformanceInput {
            query: self.query.unwrap_or_default(),
            service: said(self.service),
            range: asked_range(self.from, self.to),
        }
    }
}

/// Requests with their rate, errors and duration: in all, over time, per service, beside the period before.
#[utoipa::path(get, path = "/api/performance/metrics", tag = "performance", params(PerformanceParams), responses(
    (status = 200, description = "the numbers", body = PerformanceMetricsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn performance_metrics(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<PerformanceParams>,
) -> ApiResult<JsonAnswer<PerformanceMetricsView>> {
    let started = Instant::now();
    let metrics = state.performance.metrics(&caller.scope, &params.into_input()).await?;
    Ok(JsonAnswer(PerformanceMetricsView::new(metrics, elapsed_ms(started))))
}

/// Requests per endpoint and method, those first that took most time in all.
#[utoipa::path(get, path = "/api/performance/api-response-times", tag = "performance", params(PerformanceParams), responses(
    (status = 200, description = "the numbers", body = ApiResponseTimesView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "`limit` is out of bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn api_response_times(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<PerformanceParams>,
) -> ApiResult<JsonAnswer<ApiResponseTimesView>> {
    let started = Instant::now();
    let limit = params.limit.unwrap_or(LINES_DEFAULT);
    let endpoints = state.performance.endpoints(&caller.scope, &params.into_input(), limit).await?;
    Ok(JsonAnswer(ApiResponseTimesView::new(endpoints, elapsed_ms(started))))
}

/// How long databases took, by kind of query and table, the slowest queries, and how caches were used.
#[utoipa::path(get, path = "/api/performance/database-latency", tag = "performance", params(PerformanceParams), responses(
    (status = 200, description = "the numbers", body = DatabaseLatencyView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "`limit` is out of bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn database_latency(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<PerformanceParams>,
) -> ApiResult<JsonAnswer<DatabaseLatencyView>> {
    let started = Instant::now();
    let limit = params.limit.unwrap_or(LINES_DEFAULT);
    let latency = state.performance.database(&caller.scope, &params.into_input(), limit).await?;
    Ok(JsonAnswer(DatabaseLatencyView::new(latency, elapsed_ms(started))))
}

/// How response times are spread over time.
#[utoipa::path(get, path = "/api/performance/heatmap", tag = "performance", params(PerformanceParams), responses(
    (status = 200, description = "requests per span of time and of duration", body = HeatmapView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn latency_heatmap(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<PerformanceParams>,
) -> ApiResult<JsonAnswer<HeatmapView>> {
    let started = Instant::now();
    let heatmap = state.performance.heatmap(&caller.scope, &params.into_input()).await?;
    Ok(JsonAnswer(HeatmapView::new(heatmap, elapsed_ms(started))))
}
