//! Loki's push API: streams of lines, as Promtail, Grafana's agents and Loki's client libraries send them.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::ingest::{Repetition, Sent};
use vigie_domain::Error;
use vigie_pipeline::{Assembler, loki};

use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::{ApiResult, Problem, ProblemView};
use crate::http::otlp::{content_type, refusals};
use crate::http::routes::Routes;
use crate::http::routes::logs::{check_encoding, receive};
use crate::http::state::AppState;

/// Refused lines whose reasons are told.
const TOLD_REASONS_MAX: usize = 3;

/// Adds the routes of this file.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .post_body("/loki/api/v1/push", Permission::LogsIngest, BodyLimit::Ingest, push_lines)
        .get("/ready", Permission::Public, ready)
        .document(LokiApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(push_lines, ready))]
struct LokiApi;

/// Stores lines in Loki's protocol: protobuf in a snappy block, or JSON, packed with gzip or not at all.
///
/// Each line is told by itself; labels and structured metadata become fields. As Loki does, lines that are too old or too
/// new are refused with 400 while the others are stored. The same request sent again stores nothing twice.
#[utoipa::path(post, path = "/loki/api/v1/push", tag = "push",
    request_body(content_type = "application/json", description = "`{\"streams\":[{\"stream\":{},\"values\":[[\"nanoseconds\",\"line\"]]}]}`"),
    responses(
        (status = 204, description = "every line is stored"),
        (status = 400, description = "the request cannot be read, or some lines are refused and the others stored", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn push_lines(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let form = Form::of(&headers)?;
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let report = state.ingest.accept_sent(&caller.scope, form.sent(body)?).await?;
    state.metrics.record_ingest(report.stored, report.deduplicated, report.rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("loki", redactions);
    if report.rejected > 0 {
        return Err(Error::malformed(refusals(&report)).into());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    /// A message in a snappy block.
    Block,
    /// A message packed as `Content-Encoding` says.
    Message,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let media_type = content_type(headers).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match (media_type.as_str(), encoding) {
            ("application/json", _) => check_encoding(headers).map(|()| Self::Json),
            // Loki itself takes what has no media type as protobuf.
            ("application/x-protobuf" | "", "" | "snappy") => Ok(Self::Block),
            ("application/x-protobuf" | "", _) => check_encoding(headers).map(|()| Self::Message),
            _ => Err(Problem::unsupported_media_type(
                "this route reads \"application/x-protobuf\" packed with snappy, or \"application/json\"",
            )),
        }
    }

    fn sent(self, body: Bytes) -> Result<Sent<Error>, Error> {
        let unpacked_bytes = match self {
            Self::Block => Some(loki::unpacked_bytes(&body)?),
            Self::Json | Self::Message => None,
        };
        let read = move |bytes: &[u8], assembler: &mut Assembler<'_>| {
            match self {
                Self::Json => loki::push_json(bytes, assembler)?,
                Self::Block => loki::push_protobuf(&loki::unpack(bytes)?, assembler)?,
                Self::Message => loki::push_protobuf(bytes, assembler)?,
            }
            // Every line has a time of its own.
            Ok(Repetition::IsTheSame)
        };
        Ok(Sent { input: "loki", body, unpacked_bytes, refused_max: TOLD_REASONS_MAX, read: Box::new(read) })
    }
}

/// Whether lines may be pushed, as Loki's clients ask for it.
#[utoipa::path(get, path = "/ready", tag = "push", responses(
    (status = 200, description = "they may", body = String, content_type = "text/plain"),
    (status = 503, description = "not now", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn ready(State(state): State<AppState>) -> ApiResult<&'static str> {
    if state.readiness.check().await.iter().all(|outcome| outcome.is_ok) {
        return Ok("ready\n");
    }
    Err(Error::new(vigie_domain::ErrorKind::Unavailable, "not ready; try again in a few seconds").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: &str, encoding: &str, expected: Option<Form>) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::CONTENT_TYPE, content_type), (header::CONTENT_ENCODING, encoding)] {
            if !value.is_empty() {
                headers.insert(name, value.parse().unwrap());
            }
        }
        assert_eq!(Form::of(&headers).ok(), expected, "{content_type} {encoding}");
    }

    #[test]
    fn the_form_is_told_by_the_headers() {
        check("application/json; charset=utf-8", "", Some(Form::Json));
        check("application/json", "gzip", Some(Form::Json));
        check("application/json", "snappy", None);
        check("application/x-protobuf", "", Some(Form::Block));
        check("application/x-protobuf", "snappy", Some(Form::Block));
        check("application/x-protobuf", "gzip", Some(Form::Message));
        check("application/x-protobuf", "br", None);
        check("", "", Some(Form::Block));
        check("text/plain", "", None);
    }
}
