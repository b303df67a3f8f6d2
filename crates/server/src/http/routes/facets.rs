//! Facets of several fields, and all that is told of one.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::search::FacetInput;

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::facets::{FacetsView, FieldStatsView};
use crate::http::views::parameters::asked_range;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/search/facets", Permission::LogsRead, search_facets)
        .get("/api/search/fields/{name}/stats", Permission::LogsRead, field_stats)
        .document(FacetsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(search_facets, field_stats))]
struct FacetsApi;

/// Which facets are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FacetsParams {
    /// The fields, with commas between them, at most 20.
    #[param(example = "service,level,country")]
    pub fields: String,
    /// Which events are looked at; all when left out.
    pub query: String,
    /// First instant; all time when left out.
    #[serde(alias = "date_from")]
    pub from: Option<String>,
    /// First instant past the range.
    #[serde(alias = "date_to")]
    pub to: Option<String>,
    /// Values of each field, 10 unless said, at most 100.
    pub size: Option<usize>,
}

/// Of several fields: how many of the matching events have each, how many different values it has, and the most frequent
/// ones. Every matching event is counted.
#[utoipa::path(get, path = "/api/search/facets", tag = "search", params(FacetsParams), responses(
    (status = 200, description = "the fields in the order asked", body = FacetsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 413, description = "it takes more memory than one query may", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no field, too many fields or too many values", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn search_facets(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<FacetsParams>,
) -> ApiResult<JsonAnswer<FacetsView>> {
    let started = Instant::now();
    let fields: Vec<String> = params.fields.split(',').map(str::to_owned).collect();
    let input = FacetInput { query: params.query, range: asked_range(params.from, params.to), size: params.size };
    let facets = state.search.facets(&caller.scope, &fields, &input).await?;
    Ok(JsonAnswer(FacetsView::new(facets, elapsed_ms(started))))
}

/// Which events a field is looked at in.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FieldStatsParams {
    /// Which events are looked at; all when left out.
    pub query: String,
    /// First instant; all time when left out.
    #[serde(alias = "date_from")]
    pub from: Option<String>,
    /// First instant past the range.
    #[serde(alias = "date_to")]
    pub to: Option<String>,
    /// Values, 10 unless said, at most 100.
    pub size: Option<usize>,
}

/// Of one field: its kind, how many of the matching events have it, its values; of numbers also their spread, of
/// `@timestamp` the first and last instant. Every matching event is counted.
#[utoipa::path(get, path = "/api/search/fields/{name}/stats", tag = "search",
    params(("name" = String, Path, description = "the field or an alias"), FieldStatsParams), responses(
    (status = 200, description = "what is told of the field", body = FieldStatsView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 404, description = "no event has that field", body = ProblemView, content_type = "application/problem+json"),
    (status = 413, description = "it takes more memory than one query may", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "too many values", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn field_stats(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(name): PathParams<String>,
    QueryParams(params): QueryParams<FieldStatsParams>,
) -> ApiResult<JsonAnswer<FieldStatsView>> {
    let started = Instant::now();
    let input = FacetInput { query: params.query, range: asked_range(params.from, params.to), size: params.size };
    let stats = state.search.field_stats(&caller.scope, &name, &input).await?;
    Ok(JsonAnswer(FieldStatsView::new(stats, elapsed_ms(started))))
}
