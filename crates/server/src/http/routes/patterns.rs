//! Patterns of messages.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::search::{PATTERNS_DEFAULT, PatternsInput};

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::parameters::asked_range;
use crate::http::views::patterns::PatternsView;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes.get("/api/search/patterns", Permission::LogsRead, message_patterns).document(PatternsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(message_patterns))]
struct PatternsApi;

/// Of which events.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PatternsParams {
    /// Which events; all when left out.
    pub query: Option<String>,
    /// First instant; a day before `to` when left out. Also `date_from`.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range; now when left out. Also `date_to`.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
    /// How many patterns: 50 unless said, at most 500.
    pub limit: Option<usize>,
}

/// The patterns of messages: what stays of many when numbers, ids and names in them are left open, with how often each occurs, when, and where.
///
/// Up to a thousand of the latest messages of each tenth of the range are looked at; counts of larger ranges are estimates, and `exact` says so.
#[utoipa::path(get, path = "/api/search/patterns", tag = "search", params(PatternsParams), responses(
    (status = 200, description = "the patterns", body = PatternsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "`limit` is out of bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn message_patterns(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<PatternsParams>,
) -> ApiResult<JsonAnswer<PatternsView>> {
    let started = Instant::now();
    let input = PatternsInput {
        query: params.query.unwrap_or_default(),
        range: asked_range(params.from, params.to),
        limit: params.limit.unwrap_or(PATTERNS_DEFAULT),
    };
    let found = state.search.patterns(&caller.scope, &input).await?;
    Ok(JsonAnswer(PatternsView::new(found, elapsed_ms(started))))
}
