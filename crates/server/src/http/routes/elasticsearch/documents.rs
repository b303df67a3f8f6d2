//! One event in a request of its own: `_doc` and `_create`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use vigie_app::accounts::Permission;
use vigie_app::ingest::{BulkBody, BulkRequest};
use vigie_domain::Error;
use vigie_pipeline::{BulkAction, BulkFate, BulkItem, CONDITION, CONDITIONS};

use super::answer::{DayIndex, ItemView};
use super::bulk::check_index;
use super::dialect::with_warning;
use super::error::Failure;
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::routes::logs::{check_encoding, receive};
use crate::http::state::AppState;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let (permission, limit) = (Permission::LogsIngest, BodyLimit::Ingest);
    routes
        .post_body("/elasticsearch/{index}/_doc", permission, limit, add)
        .post_body("/elasticsearch/{index}/_doc/{id}", permission, limit, put)
        .put_body("/elasticsearch/{index}/_doc/{id}", permission, limit, put)
        .post_body("/elasticsearch/{index}/_create/{id}", permission, limit, create)
        .put_body("/elasticsearch/{index}/_create/{id}", permission, limit, create)
}

async fn add(
    state: State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let item = item(BulkAction::Index, &params, index, None)?;
    answer(&state, &caller, (item, params), &headers, body).await
}

async fn put(
    state: State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let item = item(BulkAction::Index, &params, index, Some(id))?;
    answer(&state, &caller, (item, params), &headers, body).await
}

async fn create(
    state: State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let item = item(BulkAction::Create, &params, index, Some(id))?;
    answer(&state, &caller, (item, params), &headers, body).await
}

fn item(action: BulkAction, params: &Params, index: String, id: Option<String>) -> ApiResult<BulkItem> {
    check_index(&index)?;
    if let Some(name) = CONDITIONS.into_iter().find(|name| params.get(name).is_some()) {
        return Err(Error::malformed_field(name, CONDITION).into());
    }
    let action = match params.get("op_type") {
        None | Some("index") => action,
        Some("create") => BulkAction::Create,
        Some(other) => {
            let words = format!("opType must be 'create' or 'index', found: [{other}]");
            return Err(Error::malformed_field("op_type", words).into());
        }
    };
    Ok(BulkItem { action, id, index: Some(Arc::from(index)), fate: BulkFate::Rejected(String::new()) })
}

async fn answer(
    state: &AppState,
    caller: &Caller,
    (item, params): (BulkItem, Params),
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    check_encoding(headers)?;
    let options = params.ingest_options(state).await?;
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let request = BulkRequest { body, shape: BulkBody::Document(item), options: &options, deleting: None };
    let report = state.ingest.accept_bulk(&caller.scope, request).await?;
    let (accepted, deduplicated, rejected) = report.counts();
    state.metrics.record_ingest(accepted, deduplicated, rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("elasticsearch", redactions);
    let Some(answer) = report.items.first() else {
        return Err(Error::internal("a document has no answer").into());
    };
    let mut day_index = DayIndex::default();
    let view = ItemView::of(answer, day_index.of(answer));
    let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = status(view.status());
    let response = match view.into_document() {
        Ok(view) if params.is_on("refresh") => (code, JsonAnswer(view.refreshed())).into_response(),
        Ok(view) => (code, JsonAnswer(view)).into_response(),
        Err((code, kind, reason)) => Failure::new(status(code), kind, reason).into_response(),
    };
    Ok(with_warning(response, params.warning(&state.pipelines)))
}
