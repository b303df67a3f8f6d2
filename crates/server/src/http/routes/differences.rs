//! What is different in some events.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::search::{Against, DifferencesInput};

use super::Routes;
use super::logs::elapsed_ms;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::http::views::differences::DifferencesView;
use crate::http::views::parameters::{asked_range, said};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes.get("/api/search/differences", Permission::LogsRead, search_differences).document(DifferencesApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(search_differences))]
struct DifferencesApi;

/// Of which events, and compared with which.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DifferencesParams {
    /// Which events; all when left out.
    pub query: String,
    /// First instant; a day before `to` when left out. Also `date_from`.
    #[serde(alias = "date_from")]
    pub from: Option<String>,
    /// First instant past the range; now when left out. Also `date_to`.
    #[serde(alias = "date_to")]
    pub to: Option<String>,
    /// What they are compared with: `others`, the events of the range that do not match, or `before`, those that match in the period of
    /// the same length before. `others` when left out.
    #[param(example = "others")]
    pub against: Option<String>,
    /// The fields that are compared, with commas between them, at most 40; when left out, those of the range that hold keywords,
    /// booleans or addresses, but for ids of single events and fields that the query names.
    #[param(example = "service,country")]
    pub fields: Option<String>,
    /// How many differences: 20 unless said, at most 200.
    pub size: Option<usize>,
}

/// What is different in the events that match: values that they have more often than others, and seldom by chance.
///
/// Of each field the 100 most frequent values are compared. A value is told when at least three events have it and its two
/// shares lie three standard errors apart or more. Every event is counted.
#[utoipa::path(get, path = "/api/search/differences", tag = "search", params(DifferencesParams), responses(
    (status = 200, description = "the differences, the most striking first", body = DifferencesView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "too many fields or differences, or nothing to compare with", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn search_differences(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<DifferencesParams>,
) -> ApiResult<JsonAnswer<DifferencesView>> {
    let started = Instant::now();
    let fields = said(params.fields).unwrap_or_default();
    let input = DifferencesInput {
        query: params.query,
        range: asked_range(params.from, params.to),
        against: said(params.against).map_or(Ok(Against::default()), |name| Against::parse(&name))?,
        fields: fields.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        size: params.size,
    };
    let found = state.search.differences(&caller.scope, &input).await?;
    Ok(JsonAnswer(DifferencesView::new(found, elapsed_ms(started))))
}
