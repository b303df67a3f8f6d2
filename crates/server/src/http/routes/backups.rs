//! Taking a backup of the running server.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use vigie_app::accounts::Permission;
use vigie_domain::{Error, ErrorKind};

use super::Routes;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::JsonAnswer;
use crate::http::state::AppState;
use crate::wire::care::BackupReport;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes.post("/api/backups", Permission::Administer, take_backup).document(BackupsApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(take_backup))]
struct BackupsApi;

/// A backup that was taken.
#[derive(Serialize, ToSchema)]
pub struct BackupView {
    /// Its number; `vigie restore --number` asks for it.
    pub number: u64,
    /// Events in it.
    pub event_count: u64,
    /// Its files.
    pub file_count: u64,
    /// Bytes of them.
    pub size_bytes: u64,
    /// Bytes that were copied now; earlier backups have the others already.
    pub copied_bytes: u64,
}

/// Takes a backup into the folder of the setting `backup.dir`; it holds everything acknowledged before.
#[utoipa::path(post, path = "/api/backups", tag = "backups", responses(
    (status = 201, description = "the backup is on disk", body = BackupView),
    (status = 409, description = "no folder is set, or a backup is being taken", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn take_backup(State(state): State<AppState>) -> ApiResult<(StatusCode, JsonAnswer<BackupView>)> {
    let Some(take) = &state.backups else {
        return Err(Error::new(ErrorKind::Conflict, "these stores are backed up by their own means").into());
    };
    let report = take().await?;
    tracing::info!(number = report.number, copied_bytes = report.copied_bytes, "a backup was taken");
    Ok((StatusCode::CREATED, JsonAnswer(report.into())))
}

impl From<BackupReport> for BackupView {
    fn from(report: BackupReport) -> Self {
        let BackupReport { number, event_count, file_count, size_bytes, copied_bytes } = report;
        Self { number, event_count, file_count, size_bytes, copied_bytes }
    }
}
