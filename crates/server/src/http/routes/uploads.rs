//! Uploading files of events.

mod receiving;

use axum::body::Body;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::io::AsyncReadExt;
use utoipa::{OpenApi, ToSchema};
use vigie_app::accounts::Permission;
use vigie_app::uploads::UploadState;
use vigie_domain::Error;

use self::receiving::receive_file;
use super::Routes;
use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, PathParams, QueryParams};
use crate::http::idempotency::{self, Turn};
use crate::http::state::AppState;
use crate::http::views::parameters::ListParams;
use crate::http::views::uploads::{PreviewView, UploadParams, UploadView, UploadsView};

/// Bytes of a file of rejected records that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .post_body("/api/logs/upload", Permission::LogsUpload, BodyLimit::Upload, upload_file)
        .post_body("/api/logs/upload/preview", Permission::LogsUpload, BodyLimit::Upload, preview_upload)
        .get("/api/logs/uploads/recent", Permission::LogsRead, recent_uploads)
        .get("/api/logs/uploads/{file_id}", Permission::LogsRead, get_upload)
        .get("/api/logs/uploads/{file_id}/rejects", Permission::LogsRead, upload_rejects)
        .document(UploadsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(upload_file, preview_upload, recent_uploads, get_upload, upload_rejects))]
struct UploadsApi;

/// A form with the file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form; the file is streamed, never held")]
struct UploadForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Stores the events of a file.
///
/// JSON, CSV, web server logs, log4j, syslog, CEF, Parquet or plain lines, packed with gzip, zlib, zstd, zip or not
/// at all; told by content. The same content again, read in the same way, stores nothing unless `again` is set;
/// with the header `Idempotency-Key` it gets the first answer for 24 h even then.
#[utoipa::path(post, path = "/api/logs/upload", tag = "logs", params(UploadParams),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "the file was read; or it was stored before", body = UploadView),
        (status = 202, description = "the file is still being read; ask for `/api/logs/uploads/{file_id}`", body = UploadView),
        (status = 413, description = "the file is too large, or unpacks to too much", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "nothing of the file could be read", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn upload_file(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<UploadParams>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Response> {
    let options = params.into_options()?;
    let key = idempotency::key(&headers)?;
    let received = receive_file(form, &state.uploads, state.limits.upload_bytes_max).await?;
    let content = [format!("{options:?}"), received.sha256.clone()];
    let content = [content[0].as_bytes(), content[1].as_bytes()];
    let question = idempotency::question(&caller, "POST /api/logs/upload", key.as_deref(), &content);
    let open = match Turn::of(&state, question)? {
        Turn::Answered(kept) => return Ok(idempotency::replay(kept)),
        Turn::ToAnswer(open) => open,
    };
    let by = &caller.account.username;
    let upload = state.uploads.begin(&caller.scope, received, options, by).await?;
    if !upload.duplicate_of_earlier {
        let counts = (upload.records_processed, upload.records_deduplicated, upload.records_rejected);
        state.metrics.record_ingest(counts.0, counts.1, counts.2);
        let redactions = upload.redactions.iter().map(|(kind, count)| (kind.as_str(), *count));
        state.metrics.record_redactions("upload", redactions);
    }
    let status = match upload.state {
        UploadState::Running => StatusCode::ACCEPTED,
        UploadState::Done | UploadState::Failed => StatusCode::OK,
    };
    Ok(idempotency::answer(open, status, JsonAnswer(UploadView::from(upload)).to_bytes()?))
}

/// Shows what a file, or its first megabyte, would become. Nothing is stored.
#[utoipa::path(post, path = "/api/logs/upload/preview", tag = "logs", params(UploadParams),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "format, fields and the first events", body = PreviewView),
        (status = 422, description = "nothing of the file could be read", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn preview_upload(
    State(state): State<AppState>,
    _caller: Caller,
    QueryParams(params): QueryParams<UploadParams>,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<JsonAnswer<PreviewView>> {
    let options = params.into_options()?;
    let received = receive_file(form, &state.uploads, state.limits.upload_bytes_max).await?;
    Ok(JsonAnswer(state.uploads.preview(&received, &options).await?.into()))
}

/// The latest uploads.
#[utoipa::path(get, path = "/api/logs/uploads/recent", tag = "logs", params(ListParams), responses(
    (status = 200, description = "a page of uploads, latest first", body = UploadsView),
    (status = 400, description = "the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the limit is out of its bounds", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn recent_uploads(
    State(state): State<AppState>,
    _caller: Caller,
    QueryParams(params): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<UploadsView>> {
    Ok(JsonAnswer(state.uploads.recent(&params.into()).await?.into()))
}

/// One upload: how far it is, and what became of it.
#[utoipa::path(get, path = "/api/logs/uploads/{file_id}", tag = "logs",
    params(("file_id" = String, Path, description = "id of the upload")), responses(
    (status = 200, description = "the upload", body = UploadView),
    (status = 404, description = "there is no such upload", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn get_upload(
    State(state): State<AppState>,
    _caller: Caller,
    PathParams(file_id): PathParams<String>,
) -> ApiResult<JsonAnswer<UploadView>> {
    Ok(JsonAnswer(state.uploads.get(&file_id).await?.into()))
}

/// The rejected records of an upload, at most 100,000: one JSON object `{line, reason, raw}` a line.
#[utoipa::path(get, path = "/api/logs/uploads/{file_id}/rejects", tag = "logs",
    params(("file_id" = String, Path, description = "id of the upload")), responses(
    (status = 200, description = "the records", body = String, content_type = "application/x-ndjson"),
    (status = 404, description = "there is no such upload", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn upload_rejects(
    State(state): State<AppState>,
    _caller: Caller,
    PathParams(file_id): PathParams<String>,
) -> ApiResult<Response> {
    let body = match state.uploads.rejects_file(&file_id).await? {
        None => Body::empty(),
        Some(path) => match tokio::fs::File::open(&path).await {
            Ok(file) => streamed(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::not_found("the file of rejected records was removed from the data folder").into());
            }
            Err(error) => {
                return Err(Error::internal(format!("\"{}\" cannot be read: {error}", path.display())).into());
            }
        },
    };
    let name = format!("attachment; filename=\"{file_id}.rejects.ndjson\"");
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response())
}

/// The file piece by piece, never whole in memory.
fn streamed(file: tokio::fs::File) -> Body {
    Body::from_stream(futures_util::stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let count = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await?;
        Ok::<_, std::io::Error>((count > 0).then_some((piece, file)))
    }))
}
