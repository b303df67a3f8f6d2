//! Splunk's HTTP event collector: events as JSON objects that follow one another, raw lines, acknowledgements.
//!
//! Answers come after the events are on disk, so what has an acknowledgement id is acknowledged at once. What may not be
//! stored, such as an event outside of the time window, is kept as a dead letter: the protocol cannot tell it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use utoipa::{OpenApi, ToSchema};
use vigie_app::accounts::Permission;
use vigie_app::ingest::{Read, Repetition, Sent};
use vigie_domain::{Error, Object, Value};
use vigie_pipeline::hec::{self, HecError, RAW_FIELDS, RawTelling};

use crate::http::auth::{Caller, ClientAddress};
use crate::http::body::BodyLimit;
use crate::http::error::Problem;
use crate::http::extract::{JsonBody, QueryParams};
use crate::http::routes::Routes;
use crate::http::routes::logs::{check_encoding, receive};
use crate::http::state::AppState;

/// Everything below it is answered in this protocol.
pub(super) const PREFIX: &str = "/services/collector";
/// Names the sender's channel; whoever has one wants acknowledgement ids.
const CHANNEL: HeaderName = HeaderName::from_static("x-splunk-request-channel");
/// When it is worth sending again what failed for a while, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// Adds the routes of this file.
pub(super) fn routes(routes: Routes) -> Routes {
    let ingest = (Permission::LogsIngest, BodyLimit::Ingest);
    routes
        .post_body("/services/collector", ingest.0, ingest.1, collect_events)
        .post_body("/services/collector/event", ingest.0, ingest.1, collect_events)
        .post_body("/services/collector/event/1.0", ingest.0, ingest.1, collect_events)
        .post_body("/services/collector/raw", ingest.0, ingest.1, collect_raw)
        .post_body("/services/collector/raw/1.0", ingest.0, ingest.1, collect_raw)
        .post("/services/collector/ack", Permission::LogsIngest, acknowledge)
        .get("/services/collector/health", Permission::Public, health)
        .get("/services/collector/health/1.0", Permission::Public, health)
        .document(HecApi::openapi())
}

#[derive(OpenApi)]
#[openapi(
    paths(
        collect_events,
        collect_events_alias,
        collect_events_versioned,
        collect_raw,
        collect_raw_versioned,
        acknowledge,
        health,
        health_versioned
    ),
    components(schemas(HecView))
)]
struct HecApi;

/// An answer of the event collector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HecAnswer)]
pub struct HecView {
    /// What happened, in the protocol's words.
    pub text: &'static str,
    /// The same as a number; 0: it went well.
    pub code: u8,
    /// The event that is wrong, from 0.
    #[serde(rename = "invalid-event-number", skip_serializing_if = "Option::is_none")]
    pub invalid_event_number: Option<u64>,
    /// Asked for at `/services/collector/ack`.
    #[serde(rename = "ackId", skip_serializing_if = "Option::is_none")]
    pub ack_id: Option<u64>,
    /// What is wrong and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl HecView {
    const fn new(text: &'static str, code: u8) -> Self {
        Self { text, code, invalid_event_number: None, ack_id: None, detail: None }
    }
}

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// It is not what the protocol says.
    Hec(HecError),
    /// The sender's channel is missing.
    NoChannel,
    /// Anything else.
    Problem(Problem),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Problem(error.into())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Hec(error) => {
                let (number, detail) = (Some(error.event_number), Some(error.detail));
                let view = HecView::new(error.kind.text(), error.kind.code());
                let view = HecView { invalid_event_number: number, detail, ..view };
                (StatusCode::BAD_REQUEST, Json(view)).into_response()
            }
            Self::NoChannel => {
                (StatusCode::BAD_REQUEST, Json(HecView::new("Data channel is missing", 10))).into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

/// A problem in the protocol's shape. Senders try again after 503.
pub(super) fn refuse(problem: &Problem, headers: &HeaderMap) -> Response {
    let has_token = headers.contains_key(header::AUTHORIZATION);
    let (status, text, code) = match problem.status() {
        StatusCode::UNAUTHORIZED if !has_token => (StatusCode::UNAUTHORIZED, "Token is required", 2),
        StatusCode::UNAUTHORIZED => (StatusCode::UNAUTHORIZED, "Invalid token", 4),
        StatusCode::FORBIDDEN => (StatusCode::FORBIDDEN, "Invalid token", 4),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => {
            (StatusCode::SERVICE_UNAVAILABLE, "Server is busy", 9)
        }
        status if status.is_server_error() => (status, "Internal server error", 8),
        status => (status, "Invalid data format", 6),
    };
    let detail = Some(problem.detail().to_owned());
    let mut response = (status, Json(HecView { detail, ..HecView::new(text, code) })).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = problem.retry_after_s().unwrap_or(RETRY_AFTER_S);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Stores events of Splunk's event collector: `{"event":…}` objects that follow one another.
///
/// `Authorization: Splunk KEY` carries an API key. A request is stored whole or not at all.
#[utoipa::path(post, path = "/services/collector", tag = "push",
    request_body(content_type = "application/json", description = "`{\"event\":…}` one after the other"),
    responses(
        (status = 200, description = "every event is stored", body = HecView),
        (status = 400, description = "the request cannot be read; nothing is stored", body = HecView),
    ))]
pub async fn collect_events(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    request: Request,
) -> Result<Json<HecView>, Refusal> {
    let channel = channel(request.headers(), request.uri());
    let read: Read<Refusal> = Box::new(|bytes, assembler| {
        hec::push_events(bytes, assembler).map_err(Refusal::Hec)?;
        Ok(Repetition::MayBeNew)
    });
    collect(&state, &caller, address, request, read).await?;
    Ok(success(&state, channel))
}

/// As `POST /services/collector`.
#[utoipa::path(post, path = "/services/collector/event", tag = "push", request_body(content_type = "application/json"), responses((status = 200, description = "every event is stored", body = HecView)))]
#[expect(dead_code, reason = "documents another path of a handler")]
fn collect_events_alias() {}

/// As `POST /services/collector`.
#[utoipa::path(post, path = "/services/collector/event/1.0", tag = "push", request_body(content_type = "application/json"), responses((status = 200, description = "every event is stored", body = HecView)))]
#[expect(dead_code, reason = "documents another path of a handler")]
fn collect_events_versioned() {}

/// What is told about all lines of a raw request.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct RawParams {
    /// Where they come from.
    pub host: Option<String>,
    /// What they were read from.
    pub source: Option<String>,
    /// What sort of lines they are.
    pub sourcetype: Option<String>,
    /// The index that they were meant for; kept as a field.
    pub index: Option<String>,
    /// Their time, in seconds since 1970.
    pub time: Option<String>,
    /// The sender's channel, unless it is in the header `X-Splunk-Request-Channel`; with it, ids are acknowledged.
    pub channel: Option<String>,
}

impl RawParams {
    fn telling(self) -> RawTelling {
        let sent = [self.host, self.source, self.sourcetype, self.index];
        let fields = RAW_FIELDS.into_iter().zip(sent);
        let fields = fields.filter_map(|(name, value)| Some((name.into(), Value::text(value?)))).collect::<Object>();
        RawTelling { fields, time: self.time }
    }
}

/// Stores lines of any kind, one event each.
#[utoipa::path(post, path = "/services/collector/raw", tag = "push", params(RawParams),
    request_body(content = String, content_type = "text/plain", description = "lines"),
    responses(
        (status = 200, description = "every line is stored", body = HecView),
        (status = 400, description = "there is no line; nothing is stored", body = HecView),
    ))]
pub async fn collect_raw(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    QueryParams(params): QueryParams<RawParams>,
    request: Request,
) -> Result<Json<HecView>, Refusal> {
    let channel = channel(request.headers(), request.uri());
    let telling = params.telling();
    let read: Read<Refusal> = Box::new(move |bytes, assembler| {
        hec::push_raw(bytes, &telling, assembler).map_err(Refusal::Hec)?;
        Ok(Repetition::MayBeNew)
    });
    collect(&state, &caller, address, request, read).await?;
    Ok(success(&state, channel))
}

/// As `POST /services/collector/raw`.
#[utoipa::path(post, path = "/services/collector/raw/1.0", tag = "push", params(RawParams), request_body(content = String, content_type = "text/plain"), responses((status = 200, description = "every line is stored", body = HecView)))]
#[expect(dead_code, reason = "documents another path of a handler")]
fn collect_raw_versioned() {}

async fn collect(
    state: &AppState,
    caller: &Caller,
    address: ClientAddress,
    request: Request,
    read: Read<Refusal>,
) -> Result<(), Refusal> {
    check_encoding(request.headers())?;
    let mut admission = state.ingest.admit();
    let body = receive(request.into_body(), &mut admission).await?;
    let sent = Sent { input: "hec", body, unpacked_bytes: None, refused_max: usize::MAX, read };
    let report = state.ingest.accept_sent(&caller.scope, sent).await?;
    state.letters.keep("hec", Some(address.0), report.refused).await?;
    state.metrics.record_ingest(report.stored, report.deduplicated, report.rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("splunk_hec", redactions);
    Ok(())
}

/// The sender's channel, if it has one.
fn channel(headers: &HeaderMap, uri: &Uri) -> Option<()> {
    let in_query = || uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("channel=")));
    (headers.contains_key(CHANNEL) || in_query()).then_some(())
}

/// Ids only have to differ: whatever has one is on disk.
fn success(state: &AppState, channel: Option<()>) -> Json<HecView> {
    let ack_id = channel.and_then(|()| u64::try_from((state.clock)().as_nanos() / 1_000).ok());
    Json(HecView { ack_id, ..HecView::new("Success", 0) })
}

/// Ids that are asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = HecAcks)]
pub struct AcksRequest {
    /// As they were given.
    #[serde(default)]
    pub acks: Vec<u64>,
}

/// Whether events are on disk: those whose request was answered always are.
#[utoipa::path(post, path = "/services/collector/ack", tag = "push", request_body = AcksRequest, responses(
    (status = 200, description = "`{\"acks\":{\"ID\":true}}`", body = serde_json::Value),
    (status = 400, description = "the channel is missing", body = HecView),
))]
pub async fn acknowledge(
    uri: Uri,
    headers: HeaderMap,
    JsonBody(request): JsonBody<AcksRequest>,
) -> Result<Json<serde_json::Value>, Refusal> {
    channel(&headers, &uri).ok_or(Refusal::NoChannel)?;
    let acks: Map<String, serde_json::Value> = request.acks.iter().map(|id| (id.to_string(), json!(true))).collect();
    Ok(Json(json!({ "acks": acks })))
}

/// Whether events may be sent.
#[utoipa::path(get, path = "/services/collector/health", tag = "push", responses(
    (status = 200, description = "they may", body = HecView),
    (status = 503, description = "not now", body = HecView),
))]
pub async fn health(State(state): State<AppState>) -> Response {
    if state.readiness.check().await.iter().all(|outcome| outcome.is_ok) {
        return Json(HecView::new("HEC is healthy", 17)).into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(HecView::new("HEC is unhealthy, queues are full", 18))).into_response()
}

/// As `GET /services/collector/health`.
#[utoipa::path(get, path = "/services/collector/health/1.0", tag = "push", responses((status = 200, description = "they may", body = HecView)))]
#[expect(dead_code, reason = "documents another path of a handler")]
fn health_versioned() {}
