//! The numbers of the overview.

use std::time::Instant;

use axum::extract::State;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::analytics::{OverviewView, StatsView};
use crate::http::views::parameters::RangeParams;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/dashboard/stats", Permission::LogsRead, dashboard_stats)
        .get("/api/dashboard/overview", Permission::LogsRead, dashboard_overview)
        .document(DashboardApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(dashboard_stats, dashboard_overview))]
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
