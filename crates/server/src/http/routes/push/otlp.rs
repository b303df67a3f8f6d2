//! OpenTelemetry logs over HTTP on the main port, with a login.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_pipeline::otlp::{Encoding, UnknownMediaType};

use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::{ApiResult, Problem};
use crate::http::otlp::{LOGS_PATH, answer, content_type, respond, sent};
use crate::http::routes::Routes;
use crate::http::routes::logs::{check_encoding, receive};
use crate::http::state::AppState;

/// Adds the routes of this file.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.post_body(LOGS_PATH, Permission::LogsIngest, BodyLimit::Ingest, export_logs).document(OtlpApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(export_logs))]
struct OtlpApi;

/// Stores OpenTelemetry log records (OTLP/HTTP), in protobuf or JSON, packed with gzip, zstd or not at all.
///
/// The answer is an `ExportLogsServiceResponse` in the encoding of the request, with `partial_success` when some records
/// are refused; refusals of the whole are a `google.rpc.Status`. The same request sent again stores nothing twice.
#[utoipa::path(post, path = "/v1/logs", tag = "push",
    request_body(content_type = "application/x-protobuf", description = "`ExportLogsServiceRequest`"),
    responses(
        (status = 200, description = "the records are stored but those that `partial_success` counts", body = String, content_type = "application/x-protobuf"),
        (status = 400, description = "the request cannot be read; nothing is stored", body = String, content_type = "application/x-protobuf"),
        (status = 413, description = "the request is too large", body = String, content_type = "application/x-protobuf"),
    ))]
pub async fn export_logs(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    check_encoding(&headers)?;
    let encoding: Encoding = content_type(&headers)
        .parse()
        .map_err(|error: UnknownMediaType| Problem::unsupported_media_type(error.to_string()))?;
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let report = state.ingest.accept_sent(&caller.scope, sent(encoding, body)).await?;
    state.metrics.record_ingest(report.stored, report.deduplicated, report.rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("otlp", redactions);
    Ok(respond(StatusCode::OK, encoding, answer(encoding, &report)))
}
