//! Counting what a query finds, and help with typing one: completion, fields, values, errors.

use std::time::Instant;

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value as Json;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::search::SQL_ROWS_DEFAULT;

use super::Routes;
use super::logs::{elapsed_ms, search_view};
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, QueryParams};
use crate::http::state::AppState;
use crate::http::views::aggregations::{AggregateRequest, AggregateView};
use crate::http::views::logs::{SearchRequest, SearchView, SortText, TimeText};
use crate::http::views::parameters::{RangeParams, asked_range, said};
use crate::http::views::search::{
    AutocompleteView, FieldView, FieldsView, SuggestionView, ValidateRequest, ValidateView, ValuesView,
};
use crate::http::views::sql::{SqlRequest, SqlView};

/// Values listed unless the caller says otherwise.
const VALUES_DEFAULT: usize = 10;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/search", Permission::LogsRead, search_by_text)
        .get("/api/search/", Permission::LogsRead, search_by_text_too)
        .post("/api/search/aggregate", Permission::LogsRead, aggregate_events)
        .get("/api/search/autocomplete", Permission::LogsRead, autocomplete)
        .get("/api/search/fields", Permission::LogsRead, search_fields)
        .get("/api/search/values", Permission::LogsRead, field_values)
        .post("/api/search/sql", Permission::LogsSql, search_sql)
        .post("/api/search/validate", Permission::LogsRead, validate_query)
        .document(SearchApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(
    search_by_text,
    search_by_text_too,
    aggregate_events,
    autocomplete,
    search_fields,
    field_values,
    search_sql,
    validate_query
))]
struct SearchApi;

/// Counts the events that match: in buckets of values, spans of time or queries, and numbers about each bucket.
#[utoipa::path(post, path = "/api/search/aggregate", tag = "search", request_body = AggregateRequest, responses(
    (status = 200, description = "the answers, by the names of the questions", body = AggregateView),
    (status = 400, description = "a query, a time or an interval cannot be read; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
    (status = 413, description = "the answers would have more than 100,000 buckets, or take more memory than one query may", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "a question is not one, or a bound is exceeded; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn aggregate_events(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<AggregateRequest>,
) -> ApiResult<JsonAnswer<AggregateView>> {
    let started = Instant::now();
    let aggregated = state.search.aggregate(&caller.scope, &request.into_input()?).await?;
    Ok(JsonAnswer(AggregateView::new(aggregated, elapsed_ms(started))))
}

/// A search as it stands in an address.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SearchParams {
    /// What to find, such as `level:error AND amount>100`; empty for every event.
    #[param(example = "level:error")]
    pub q: Option<String>,
    /// Levels, with commas between them, of which events must have one.
    pub level: Option<String>,
    /// Services, the same.
    pub service: Option<String>,
    /// Log types, the same.
    pub log_type: Option<String>,
    /// First instant: RFC 3339, `2026-11-23 14:00`, `now-15m` or a UNIX time; all time when left out.
    pub date_from: Option<String>,
    /// First instant past the range, in the same forms.
    pub date_to: Option<String>,
    /// Events of the page, 50 unless said, at most 1,000.
    pub size: Option<usize>,
    /// Events left out before the page, at most 10,000.
    pub from: Option<usize>,
    /// `newest` first, or `oldest`.
    pub sort: Option<SortText>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Whether to answer snippets with what was searched for.
    pub highlight: Option<bool>,
}

impl From<SearchParams> for SearchRequest {
    fn from(params: SearchParams) -> Self {
        let filters = [("level", params.level), ("service", params.service), ("log_type", params.log_type)];
        let values = |text: String| text.split(',').map(|value| Json::from(value.trim())).collect::<Vec<_>>();
        let filters =
            filters.into_iter().filter_map(|(name, text)| Some((name.to_owned(), values(said(text)?).into())));
        Self {
            query: params.q,
            filters: Some(filters.collect()),
            date_from: said(params.date_from).map(TimeText::Text),
            date_to: said(params.date_to).map(TimeText::Text),
            size: params.size,
            from: params.from,
            sort: params.sort,
            cursor: params.cursor,
            highlight: params.highlight,
            remember: None,
        }
    }
}

/// Finds events, in time order: the same as `POST /api/logs/search`, as an address that can be sent to somebody.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchParams), responses(
    (status = 200, description = "a page of events", body = SearchView),
    (status = 400, description = "the query, a time or the cursor cannot be read; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the page is too large, or there is no such filter", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn search_by_text(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<SearchParams>,
) -> ApiResult<JsonAnswer<SearchView>> {
    Ok(JsonAnswer(search_view(&state.search, &caller.scope, params.into()).await?))
}

/// The same as `GET /api/search`, as some write it.
#[utoipa::path(get, path = "/api/search/", tag = "search", params(SearchParams), responses(
    (status = 200, description = "a page of events", body = SearchView),
))]
pub async fn search_by_text_too(
    state: State<AppState>,
    caller: Caller,
    params: QueryParams<SearchParams>,
) -> ApiResult<JsonAnswer<SearchView>> {
    search_by_text(state, caller, params).await
}

/// What is being typed.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AutocompleteParams {
    /// The beginning of a value, or a part of a field's name.
    pub q: String,
    /// The field whose value is being typed; left out while the field itself is.
    pub field: Option<String>,
    /// First instant of the events that suggestions come from.
    #[serde(alias = "date_from")]
    pub from: Option<String>,
    /// First instant past them.
    #[serde(alias = "date_to")]
    pub to: Option<String>,
}

/// What may be typed next: values of a field that begin with `q`, or fields whose name contains it.
#[utoipa::path(get, path = "/api/search/autocomplete", tag = "search", params(AutocompleteParams), responses(
    (status = 200, description = "at most 20 suggestions, likeliest first", body = AutocompleteView),
))]
pub async fn autocomplete(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<AutocompleteParams>,
) -> ApiResult<JsonAnswer<AutocompleteView>> {
    let range = asked_range(params.from, params.to);
    let found = state.search.autocomplete(&caller.scope, &params.q, params.field.as_deref(), &range).await?;
    Ok(JsonAnswer(AutocompleteView { suggestions: found.into_iter().map(SuggestionView::from).collect() }))
}

/// The fields that events have.
#[utoipa::path(get, path = "/api/search/fields", tag = "search", params(RangeParams), responses(
    (status = 200, description = "the fields by name, of all time unless a range is given", body = FieldsView),
))]
pub async fn search_fields(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<FieldsView>> {
    let fields = state.search.fields(&caller.scope, &range.into()).await?;
    Ok(JsonAnswer(FieldsView { fields: fields.into_iter().map(FieldView::from).collect() }))
}

/// Which values are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ValuesParams {
    /// The field.
    pub field: String,
    /// Which events are looked at; all when left out.
    pub query: String,
    /// First instant; all time when left out.
    #[serde(alias = "date_from")]
    pub from: Option<String>,
    /// First instant past the range.
    #[serde(alias = "date_to")]
    pub to: Option<String>,
    /// How many, 10 unless said, at most 1,000.
    pub limit: Option<usize>,
}

/// The most frequent values of a field.
#[utoipa::path(get, path = "/api/search/values", tag = "search", params(ValuesParams), responses(
    (status = 200, description = "values with their events, most frequent first", body = ValuesView),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn field_values(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<ValuesParams>,
) -> ApiResult<JsonAnswer<ValuesView>> {
    let started = Instant::now();
    let page = (&asked_range(params.from, params.to), params.limit.unwrap_or(VALUES_DEFAULT));
    let values = state.search.values(&caller.scope, &params.field, &params.query, page).await?;
    Ok(JsonAnswer(ValuesView::new(values, elapsed_ms(started))))
}

/// Answers SQL that only reads: the view `logs` and one view per log type, with a column for every field.
#[utoipa::path(post, path = "/api/search/sql", tag = "search", request_body = SqlRequest, responses(
    (status = 200, description = "rows of values, in the order of the columns", body = SqlView),
    (status = 400, description = "the statement cannot be read; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
    (status = 413, description = "it takes more memory than one query may", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "it names a field or function that is not there, or would change something", body = ProblemView, content_type = "application/problem+json"),
    (status = 503, description = "it took longer than one query may", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn search_sql(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<SqlRequest>,
) -> ApiResult<JsonAnswer<SqlView>> {
    let started = Instant::now();
    let rows_max = request.limit.unwrap_or(SQL_ROWS_DEFAULT);
    let answer = state.search.sql(&caller.scope, &request.query, rows_max).await?;
    Ok(JsonAnswer(SqlView::new(answer, elapsed_ms(started))))
}

/// Whether a query can be read, and where it is wrong.
#[utoipa::path(post, path = "/api/search/validate", tag = "search", request_body = ValidateRequest, responses(
    (status = 200, description = "what is right or wrong with it", body = ValidateView),
))]
pub async fn validate_query(
    State(state): State<AppState>,
    _caller: Caller,
    JsonBody(request): JsonBody<ValidateRequest>,
) -> ApiResult<JsonAnswer<ValidateView>> {
    Ok(JsonAnswer(state.search.validate(&request.query).into()))
}
