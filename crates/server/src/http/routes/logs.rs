//! Sending events and finding them.

use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::ingest::{Admission, IngestOptions};
use vigie_app::kept_answers::Question;
use vigie_app::search::Search;
use vigie_app::searches::SearchContent;
use vigie_domain::{Error, Scope};

use super::{Routes, searches};
use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::{ApiResult, Problem, ProblemView};
use crate::http::extract::{JsonAnswer, JsonBody, PathParams, QueryParams};
use crate::http::idempotency::{self, Turn};
use crate::http::state::AppState;
use crate::http::views::events::HitView;
use crate::http::views::logs::{
    ContextView, IngestView, RecentView, SearchRequest, SearchView, ServiceCountView, ServicesView, StoreStatsView,
    TypeCountView, TypesView,
};
use crate::http::views::parameters::{RangeParams, log_type, said};

/// How a body may be packed; the decoder tells it by its first bytes.
const READABLE_ENCODINGS: [&str; 5] = ["identity", "gzip", "x-gzip", "deflate", "zstd"];
/// Latest events listed unless the caller says otherwise.
const RECENT_DEFAULT: usize = 50;
/// Neighbours shown on each side unless the caller says otherwise.
const CONTEXT_DEFAULT: usize = 20;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .post_body("/api/logs/ingest", Permission::LogsIngest, BodyLimit::Ingest, ingest_logs)
        .post("/api/logs/search", Permission::LogsRead, search_logs)
        .get("/api/logs/search/services", Permission::LogsRead, log_services)
        .get("/api/logs/types", Permission::LogsRead, log_types)
        .get("/api/logs/recent", Permission::LogsRead, recent_logs)
        .get("/api/logs/stats", Permission::LogsRead, log_stats)
        .get("/api/logs/{id}", Permission::LogsRead, get_log)
        .get("/api/logs/{id}/context", Permission::LogsRead, log_context)
        .document(LogsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(ingest_logs, search_logs, log_services, log_types, recent_logs, log_stats, get_log, log_context))]
struct LogsApi;

/// How the events of a request are to be read.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct IngestParams {
    /// Also takes events whose own time is far in the past or in the future.
    pub any_time: bool,
    /// Log type of every event; told by its fields when left out.
    pub log_type: Option<String>,
}

/// Stores events: a JSON object, a JSON array, NDJSON or lines of any readable format, packed with gzip, zstd or not at all.
///
/// When it answers, the accepted events are on disk and every search sees them. With the header `Idempotency-Key`,
/// sending the same body again within 24 h stores nothing twice and gets the first answer; after a restart of Vigie it
/// gets one that counts the events as deduplicated.
#[utoipa::path(post, path = "/api/logs/ingest", tag = "logs", params(IngestParams),
    request_body(content = String, content_type = "application/x-ndjson", description = "the events"),
    responses(
        (status = 200, description = "every record is stored", body = IngestView),
        (status = 207, description = "some records are stored; `errors` names the others", body = IngestView),
        (status = 400, description = "the body is empty or cannot be read", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "no record is stored", body = IngestView),
    ))]
pub async fn ingest_logs(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<IngestParams>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    check_encoding(&headers)?;
    let options = IngestOptions {
        log_type: log_type(params.log_type)?,
        any_time: params.any_time,
        idempotency_key: idempotency::key(&headers)?,
        ..IngestOptions::default()
    };
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let open = match Turn::of(&state, question(&caller, &options, &body).await?)? {
        Turn::Answered(kept) => return Ok(idempotency::replay(kept)),
        Turn::ToAnswer(open) => open,
    };
    let report = state.ingest.accept(&caller.scope, body, &options).await?;
    state.metrics.record_ingest(report.accepted, report.deduplicated, report.rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("http", redactions);
    let status = match (report.accepted + report.deduplicated, report.rejected) {
        (_, 0) => StatusCode::OK,
        (0, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, _) => StatusCode::MULTI_STATUS,
    };
    Ok(idempotency::answer(open, status, JsonAnswer(IngestView::from(report)).to_bytes()?))
}

/// What tells the request from others, when it has a key. Bodies are large: they are hashed beside the runtime.
async fn question(caller: &Caller, options: &IngestOptions, body: &Bytes) -> ApiResult<Option<Question>> {
    let Some(key) = options.idempotency_key.clone() else { return Ok(None) };
    let reading = format!("{:?} {}", options.log_type, options.any_time);
    let (caller, body) = (caller.clone(), body.clone());
    let hashing = tokio::task::spawn_blocking(move || {
        idempotency::question(&caller, "POST /api/logs/ingest", Some(&key), &[reading.as_bytes(), &body])
    });
    Ok(hashing.await.map_err(|error| Error::internal(format!("hashing a body stopped: {error}")))?)
}

/// The body, received within the room that there is for bodies.
pub(crate) async fn receive(body: Body, admission: &mut Admission) -> ApiResult<Bytes> {
    let mut received = BytesMut::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        admission.grow(piece.len())?;
        received.extend_from_slice(&piece);
    }
    Ok(received.freeze())
}

/// Refuses what the decoder cannot unpack.
pub(crate) fn check_encoding(headers: &HeaderMap) -> ApiResult<()> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let named: Vec<String> = encodings.map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase()).collect();
    match named.iter().find(|encoding| !READABLE_ENCODINGS.contains(&encoding.trim())) {
        None => Ok(()),
        Some(encoding) => Err(Problem::unsupported_media_type(format!(
            "the content encoding \"{encoding}\" cannot be read; use gzip, zstd or none"
        ))),
    }
}

/// Finds events, in time order.
#[utoipa::path(post, path = "/api/logs/search", tag = "logs", request_body = SearchRequest, responses(
    (status = 200, description = "a page of events", body = SearchView),
    (status = 400, description = "the query, a time or the cursor cannot be read; `errors` names the place", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn search_logs(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(mut request): JsonBody<SearchRequest>,
) -> ApiResult<JsonAnswer<SearchView>> {
    let may_keep = caller.account.require(Permission::SearchesKeep).is_ok();
    let typed = request.remember.take().filter(|_| may_keep);
    // Asked first: what is wrong with the question itself is told in its own words.
    let view = search_view(&state.search, &caller.scope, request).await?;
    if let Some(typed) = typed {
        let content = state.recent_searches.checked(typed.into()).map_err(within_remember)?;
        remember(&state, &caller, &content).await;
    }
    Ok(JsonAnswer(view))
}

/// The places of an error about what is to be remembered, as the caller knows them.
fn within_remember(mut error: Error) -> Error {
    for detail in &mut error.details {
        detail.field = format!("remember.{}", detail.field);
    }
    error
}

/// That a search could not be remembered is no reason to keep its answer back.
async fn remember(state: &AppState, caller: &Caller, content: &SearchContent) {
    if let Err(error) = state.recent_searches.remember(&searches::keeper(caller), content).await {
        tracing::warn!(user_id = caller.account.user_id, %error, "a search could not be remembered");
    }
}

/// A page of events as it is answered; the command line asks in the same way.
///
/// # Errors
/// When the request cannot be read, or what the store answers.
pub async fn search_view(search: &Search, scope: &Scope, request: SearchRequest) -> vigie_domain::Result<SearchView> {
    let started = Instant::now();
    let input = request.into_input()?;
    let page = search.search(scope, &input).await?;
    Ok(SearchView::new(page, input.highlight, elapsed_ms(started)))
}

/// Whole milliseconds since then.
pub(super) fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The services that sent events.
#[utoipa::path(get, path = "/api/logs/search/services", tag = "logs", params(RangeParams), responses(
    (status = 200, description = "services with their events, of all time unless a range is given", body = ServicesView),
))]
pub async fn log_services(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<ServicesView>> {
    let services = state.search.services(&caller.scope, &range.into()).await?;
    Ok(JsonAnswer(ServicesView { services: services.into_iter().map(ServiceCountView::from).collect() }))
}

/// Events of each log type, of all time.
#[utoipa::path(get, path = "/api/logs/types", tag = "logs", responses(
    (status = 200, description = "every log type with its events", body = TypesView),
))]
pub async fn log_types(State(state): State<AppState>, caller: Caller) -> ApiResult<JsonAnswer<TypesView>> {
    let types = state.search.types(&caller.scope).await?;
    Ok(JsonAnswer(TypesView { types: types.into_iter().map(TypeCountView::from).collect() }))
}

/// Which of the latest events are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct RecentParams {
    /// How many, 50 unless said, at most 1,000.
    pub limit: Option<usize>,
    /// Only those of this log type.
    pub log_type: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The latest events.
#[utoipa::path(get, path = "/api/logs/recent", tag = "logs", params(RecentParams), responses(
    (status = 200, description = "the events, latest first", body = RecentView),
))]
pub async fn recent_logs(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<RecentParams>,
) -> ApiResult<JsonAnswer<RecentView>> {
    let page = (params.limit.unwrap_or(RECENT_DEFAULT), said(params.cursor));
    let page = state.search.recent(&caller.scope, log_type(params.log_type)?, page).await?;
    let logs: Vec<HitView> = page.hits.into_iter().map(|found| found.hit.into()).collect();
    Ok(JsonAnswer(RecentView { count: logs.len(), logs, total: page.total, next_cursor: page.next_cursor }))
}

/// What is stored: events, bytes and daily indices.
#[utoipa::path(get, path = "/api/logs/stats", tag = "logs", responses(
    (status = 200, description = "what is stored", body = StoreStatsView),
))]
pub async fn log_stats(State(state): State<AppState>, caller: Caller) -> ApiResult<JsonAnswer<StoreStatsView>> {
    Ok(JsonAnswer(state.search.stats(&caller.scope).await?.into()))
}

/// One event.
#[utoipa::path(get, path = "/api/logs/{id}", tag = "logs", params(("id" = String, Path, description = "`_id` of the event")), responses(
    (status = 200, description = "the event", body = HitView),
    (status = 404, description = "there is no such event", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_log(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<HitView>> {
    Ok(JsonAnswer(state.search.get(&caller.scope, &id).await?.into()))
}

/// How many neighbours are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ContextParams {
    /// Events before it, 20 unless said, at most 200.
    pub before: Option<usize>,
    /// Events after it, 20 unless said, at most 200.
    pub after: Option<usize>,
}

/// One event and its neighbours in time, also those of the same instant.
#[utoipa::path(get, path = "/api/logs/{id}/context", tag = "logs",
    params(("id" = String, Path, description = "`_id` of the event"), ContextParams), responses(
    (status = 200, description = "the event and its neighbours, earliest first", body = ContextView),
    (status = 404, description = "there is no such event", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn log_context(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    QueryParams(params): QueryParams<ContextParams>,
) -> ApiResult<JsonAnswer<ContextView>> {
    let (before, after) = (params.before.unwrap_or(CONTEXT_DEFAULT), params.after.unwrap_or(CONTEXT_DEFAULT));
    Ok(JsonAnswer(state.search.context(&caller.scope, &id, before, after).await?.into()))
}
