//! GELF over HTTP, as Graylog takes it: one message, a list of them, or one after the other.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::ingest::{Read, Repetition, Sent};
use vigie_domain::Error;
use vigie_inputs::gelf_messages;

use crate::http::auth::{Caller, ClientAddress};
use crate::http::body::BodyLimit;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::routes::Routes;
use crate::http::routes::logs::receive;
use crate::http::state::AppState;

/// Adds the routes of this file.
pub(super) fn routes(routes: Routes) -> Routes {
    routes.post_body("/gelf", Permission::LogsIngest, BodyLimit::Ingest, push_gelf).document(GelfApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(push_gelf))]
struct GelfApi;

/// Stores GELF messages: one, a list, or one after the other with line feeds between them; packed with gzip, zlib or zstd.
///
/// Fields with an underscore lose it, `short_message` becomes `message`. Senders do not look at what is answered, so messages
/// that may not be stored are kept as dead letters. How a body is packed is told by its first bytes, whatever its headers say.
#[utoipa::path(post, path = "/gelf", tag = "push",
    request_body(content_type = "application/json", description = "`{\"version\":\"1.1\",\"host\":\"h\",\"short_message\":\"words\"}`"),
    responses(
        (status = 202, description = "every message is stored, or kept as a dead letter"),
        (status = 400, description = "the body cannot be unpacked", body = ProblemView, content_type = "application/problem+json"),
        (status = 413, description = "the body is too large", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn push_gelf(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    body: Body,
) -> ApiResult<StatusCode> {
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let read: Read<Error> = Box::new(|bytes, assembler| {
        gelf_messages(bytes).for_each(|message| assembler.push_gelf(message));
        Ok(Repetition::MayBeNew)
    });
    let sent = Sent { input: "gelf_http", body, unpacked_bytes: None, refused_max: usize::MAX, read };
    let report = state.ingest.accept_sent(&caller.scope, sent).await?;
    state.letters.keep("gelf_http", Some(address.0), report.refused).await?;
    state.metrics.record_ingest(report.stored, report.deduplicated, report.rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("gelf_http", redactions);
    Ok(StatusCode::ACCEPTED)
}
