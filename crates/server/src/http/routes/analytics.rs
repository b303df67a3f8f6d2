//! Numbers over time.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::analytics::HistogramInput;

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::analytics::HistogramView;
use crate::http::views::parameters::{asked_range, said};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes.get("/api/analytics/logs-per-hour", Permission::LogsRead, logs_per_hour).document(AnalyticsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(logs_per_hour))]
struct AnalyticsApi;

/// Which events are counted, and in which spans of time.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct HistogramParams {
    /// First instant; a day before `to` when left out.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range; now when left out.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
    /// Which events; all when left out.
    pub query: Option<String>,
    /// Width of a bucket: `1h` unless said, `auto` for about 60 buckets, or such as `30s`, `5m`, `1d`.
    #[param(example = "auto")]
    pub interval: Option<String>,
}

/// Width of a bucket unless the caller says otherwise.
const INTERVAL_DEFAULT: &str = "1h";

/// Events over time, by level.
#[utoipa::path(get, path = "/api/analytics/logs-per-hour", tag = "analytics", params(HistogramParams), responses(
    (status = 200, description = "every bucket that the range touches", body = HistogramView),
    (status = 400, description = "the query, a time or the interval cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "there would be more than 2,000 buckets", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn logs_per_hour(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<HistogramParams>,
) -> ApiResult<JsonAnswer<HistogramView>> {
    let started = Instant::now();
    let input = HistogramInput {
        query: params.query.unwrap_or_default(),
        range: asked_range(params.from, params.to),
        interval: said(params.interval).unwrap_or_else(|| INTERVAL_DEFAULT.to_owned()),
    };
    let histogram = state.analytics.histogram(&caller.scope, &input).await?;
    Ok(JsonAnswer(HistogramView::new(histogram, elapsed_ms(started))))
}
