//! Payments judged, and what was said of them.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::fraud::{self, FraudDesk};
use vigie_app::time_range::AskedRange;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, ErrorKind, EventId};

use super::Routes;
use super::logs::{elapsed_ms, receive};
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::extract::{JsonAnswer, PathParams, QueryParams};
use crate::http::state::AppState;
use crate::http::views::fraud::{ActivitiesView, DecisionView, DetectionsView, FraudStatsView};
use crate::http::views::parameters::{ListParams, RangeParams};

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .post("/api/fraud/detect", Permission::FraudScore, detect)
        .get("/api/fraud/suspicious-activities", Permission::LogsRead, suspicious_activities)
        .get("/api/fraud/stats", Permission::LogsRead, fraud_stats)
        .get("/api/fraud/decisions/{id}", Permission::LogsRead, fraud_decision)
        .document(FraudApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(detect, suspicious_activities, fraud_stats, fraud_decision))]
struct FraudApi;

/// Fraud detection and what people do with it, unless it is switched off.
pub(super) fn desk(state: &AppState) -> ApiResult<&Arc<FraudDesk>> {
    let off = "payments are not judged: fraud.enabled is false in the settings";
    Ok(state.fraud.as_ref().ok_or_else(|| Error::new(ErrorKind::Conflict, off))?)
}

/// Judges payments: a JSON object or an array of up to 1,000, with the fields of `transaction` events.
///
/// When it answers, the payments and what is said of them are on disk. A payment that was judged before, here or because its event
/// arrived by any input, gets the same answer again. One that is wrong is named, and none of the others is stored then.
#[utoipa::path(post, path = "/api/fraud/detect", tag = "fraud",
    request_body(content = String, content_type = "application/json", description = "the payments"),
    responses(
        (status = 200, description = "what is said of each, in their order", body = DetectionsView),
        (status = 400, description = "the body is empty or cannot be read", body = ProblemView, content_type = "application/problem+json"),
        (status = 409, description = "fraud detection is off, or a payment was stored before payments were judged", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "a payment has no id or amount, one below zero, an unknown currency, or a time that may not be", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn detect(
    State(state): State<AppState>,
    caller: Caller,
    body: Body,
) -> ApiResult<JsonAnswer<DetectionsView>> {
    let started = Instant::now();
    let desk = desk(&state)?;
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let stores = (state.ingest.as_ref(), state.logs.as_ref());
    let found = fraud::detect(&desk.detection, stores, &caller.scope, body).await?;
    state.metrics.record_ingest(found.len() as u64, 0, 0);
    let decisions = found.into_iter().map(Into::into).collect();
    Ok(JsonAnswer(DetectionsView { decisions, took_ms: elapsed_ms(started) }))
}

/// Payments that somebody is to look at or that are to be refused, the newest first; of the last day unless said.
#[utoipa::path(get, path = "/api/fraud/suspicious-activities", tag = "fraud", params(RangeParams, ListParams), responses(
    (status = 200, description = "a page of them", body = ActivitiesView),
    (status = 400, description = "a time or the cursor cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the range or the limit is wrong", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn suspicious_activities(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
    QueryParams(list): QueryParams<ListParams>,
) -> ApiResult<JsonAnswer<ActivitiesView>> {
    let range = AskedRange::from(range).resolve((state.clock)(), Some(NANOS_PER_DAY))?;
    let found = fraud::suspicious(state.logs.as_ref(), &caller.scope, range, &list.into()).await?;
    Ok(JsonAnswer(found.into()))
}

/// What was judged, and which rules fired; in the last day unless said.
#[utoipa::path(get, path = "/api/fraud/stats", tag = "fraud", params(RangeParams), responses(
    (status = 200, description = "the numbers", body = FraudStatsView),
    (status = 400, description = "a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "the range ends before it begins", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn fraud_stats(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(range): QueryParams<RangeParams>,
) -> ApiResult<JsonAnswer<FraudStatsView>> {
    let range = AskedRange::from(range).resolve((state.clock)(), Some(NANOS_PER_DAY))?;
    let stats = fraud::stats(state.logs.as_ref(), &caller.scope, range).await?;
    Ok(JsonAnswer(FraudStatsView::new(range, stats)))
}

/// What was said of one payment.
#[utoipa::path(get, path = "/api/fraud/decisions/{id}", tag = "fraud",
    params(("id" = String, Path, description = "`decision_id` of the answer that told of it")),
    responses(
        (status = 200, description = "the decision", body = DecisionView),
        (status = 404, description = "there is none of that id", body = ProblemView, content_type = "application/problem+json"),
    ))]
pub async fn fraud_decision(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<DecisionView>> {
    let found = fraud::decision_of(state.logs.as_ref(), &caller.scope, &EventId(id.clone())).await?;
    let missing = || Error::not_found(format!("there is no decision \"{id}\"; take the id that an answer told"));
    Ok(JsonAnswer(found.ok_or_else(missing)?.into()))
}
