//! Whether Vigie lives and can answer, and what it counts about itself. No login is needed.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use vigie_app::accounts::Permission;

use super::Routes;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, QueryParams};
use crate::http::state::AppState;
use crate::readiness::CheckOutcome;

/// When it is worth asking again whether Vigie can answer, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/health", Permission::Public, health)
        .get("/livez", Permission::Public, livez)
        .get("/readyz", Permission::Public, readyz)
        .get("/metrics", Permission::Public, metrics)
        .document(HealthApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(health, livez, readyz, metrics))]
struct HealthApi;

/// How Vigie is.
#[derive(Serialize, ToSchema)]
pub struct HealthView {
    /// `ok`, or `unavailable`.
    pub status: &'static str,
    /// Vigie's version.
    pub version: &'static str,
    /// What was looked at; only with `verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<CheckView>>,
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
pub struct CheckView {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is well.
    pub is_ok: bool,
    /// How long looking took.
    pub duration_ms: f64,
}

/// How much to tell.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadyParams {
    /// Given with or without a value: also what was looked at.
    pub verbose: Option<String>,
}

/// Whether Vigie can answer questions and take events.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, description = "well", body = HealthView),
    (status = 503, description = "not well", body = HealthView),
))]
pub async fn health(State(state): State<AppState>) -> Response {
    ready(&state, false).await
}

/// Whether the process lives.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "it lives", body = HealthView)))]
pub async fn livez() -> JsonAnswer<HealthView> {
    JsonAnswer(HealthView { status: "ok", version: env!("CARGO_PKG_VERSION"), checks: None })
}

/// Whether traffic should be sent here.
#[utoipa::path(get, path = "/readyz", tag = "health", params(ReadyParams), responses(
    (status = 200, description = "ready", body = HealthView),
    (status = 503, description = "not ready, or shutting down", body = HealthView),
))]
pub async fn readyz(State(state): State<AppState>, QueryParams(params): QueryParams<ReadyParams>) -> Response {
    ready(&state, params.verbose.is_some()).await
}

/// How Vigie is, as it answers.
pub(super) async fn ready(state: &AppState, is_verbose: bool) -> Response {
    let outcomes = state.readiness.check().await;
    let is_ready = outcomes.iter().all(|outcome| outcome.is_ok);
    let view = HealthView {
        status: if is_ready { "ok" } else { "unavailable" },
        version: env!("CARGO_PKG_VERSION"),
        checks: is_verbose.then(|| outcomes.into_iter().map(CheckView::from).collect()),
    };
    if is_ready {
        return JsonAnswer(view).into_response();
    }
    let retry_after = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))];
    (StatusCode::SERVICE_UNAVAILABLE, retry_after, JsonAnswer(view)).into_response()
}

impl From<CheckOutcome> for CheckView {
    fn from(outcome: CheckOutcome) -> Self {
        Self { name: outcome.name, is_ok: outcome.is_ok, duration_ms: outcome.duration.as_secs_f64() * 1e3 }
    }
}

/// What Vigie counts about itself, in OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "metrics", body = String, content_type = "application/openmetrics-text"),
))]
pub async fn metrics(State(state): State<AppState>) -> ApiResult<Response> {
    let text = state.metrics.encode()?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}
