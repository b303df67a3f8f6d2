//! `_bulk`: many events in one request, each with an answer of its own.

use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use vigie_app::accounts::Permission;
use vigie_app::dsl::Looked;
use vigie_app::ingest::{BulkAnswer, BulkBody, BulkReport, BulkRequest, ItemOutcome};
use vigie_domain::Error;
use vigie_pipeline::{BulkAction, NO_UPDATE};

use super::answer::{self, Fields};
use super::dialect::{Filtered, with_warning};
use super::filter_path::Filter;
use super::indices::{define, definitions, may_delete};
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::body::BodyLimit;
use crate::http::error::ApiResult;
use crate::http::extract::PathParams;
use crate::http::routes::Routes;
use crate::http::routes::logs::{check_encoding, elapsed_ms, receive};
use crate::http::state::AppState;

/// Updates of a request that are looked up: of more it is only said that nothing is updated.
const LOOKED_UP_MAX: usize = 1_000;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let (permission, limit) = (Permission::LogsIngest, BodyLimit::Ingest);
    routes
        .post_body("/elasticsearch/_bulk", permission, limit, bulk)
        .put_body("/elasticsearch/_bulk", permission, limit, bulk)
        .post_body("/elasticsearch/{index}/_bulk", permission, limit, bulk_into)
        .put_body("/elasticsearch/{index}/_bulk", permission, limit, bulk_into)
        // Fluent Bit's form of it when a pipeline is named.
        .post_body("/elasticsearch/_bulk/", permission, limit, bulk)
        .post_body("/elasticsearch/{index}/_bulk/", permission, limit, bulk_into)
}

async fn bulk(
    state: State<AppState>,
    caller: Caller,
    (params, uri): (Params, Uri),
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    respond(&state, &caller, Asked { index: None, params, uri }, &headers, body).await
}

async fn bulk_into(
    state: State<AppState>,
    caller: Caller,
    (PathParams(index), params, uri): (PathParams<String>, Params, Uri),
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    check_index(&index)?;
    respond(&state, &caller, Asked { index: Some(index), params, uri }, &headers, body).await
}

/// What the request says beside its body.
struct Asked {
    index: Option<String>,
    params: Params,
    uri: Uri,
}

async fn respond(
    state: &AppState,
    caller: &Caller,
    asked: Asked,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let started = Instant::now();
    check_encoding(headers)?;
    let options = asked.params.ingest_options(state).await?;
    let mut admission = state.ingest.admit();
    let body = receive(body, &mut admission).await?;
    let deleting = may_delete(caller).then_some(&*state.dsl);
    let shape = BulkBody::Lines(asked.index);
    let request = BulkRequest { body, shape, options: &options, deleting };
    let mut report = state.ingest.accept_bulk(&caller.scope, request).await?;
    settle_deleted(state, caller, &report).await?;
    tell_missing(state, caller, &mut report).await?;
    let (accepted, deduplicated, rejected) = report.counts();
    state.metrics.record_ingest(accepted, deduplicated, rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    state.metrics.record_redactions("elasticsearch", redactions);
    let filter = Filter::of_query(asked.uri.query())?;
    let fields = filter.as_ref().map_or(Some(Fields::all()), Fields::of);
    let took_ms = elapsed_ms(started);
    let text = match (fields, filter) {
        (Some(fields), _) => answer::text_of(&report, took_ms, &fields)?,
        (None, filter) => {
            // Asked for in parts of fields, which no client of ours does: written whole, then taken apart.
            let whole = answer::text_of(&report, took_ms, &Fields::all())?;
            let json = serde_json::from_slice(&whole)
                .map_err(|error| Error::internal(format!("an answer could not be read back: {error}")))?;
            filter.map_or(whole, |filter| filter.apply(&json).to_string().into_bytes())
        }
    };
    let mut response = ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    response.extensions_mut().insert(Filtered);
    Ok(with_warning(response, asked.params.warning(&state.pipelines)))
}

/// Notes who deleted events, and keeps their indices.
async fn settle_deleted(state: &AppState, caller: &Caller, report: &BulkReport) -> ApiResult<()> {
    let index_of = |item: &'_ BulkAnswer| match &item.outcome {
        ItemOutcome::Deleted { index, .. } => Some(index.clone()),
        _ => None,
    };
    let deleted: Vec<String> = report.items.iter().filter_map(index_of).collect();
    if deleted.is_empty() {
        return Ok(());
    }
    tracing::info!(user = caller.account.username, event_count = deleted.len(), "events were deleted by their ids");
    define(state, &deleted.iter().map(String::as_str).collect()).await
}

/// Says of updates that are not done whether what they would change is there at all.
async fn tell_missing(state: &AppState, caller: &Caller, report: &mut BulkReport) -> ApiResult<()> {
    let is_refused = |item: &&mut BulkAnswer| {
        item.action == BulkAction::Update && item.outcome == ItemOutcome::Rejected(NO_UPDATE.to_owned())
    };
    let mut known = None;
    for item in report.items.iter_mut().filter(is_refused).take(LOOKED_UP_MAX) {
        let (Some(id), Some(index)) = (&item.id, &item.index) else { continue };
        if known.is_none() {
            known = Some(definitions(state).await?);
        }
        let known = known.as_deref().unwrap_or_default();
        let found = state.dsl.look(&caller.scope, index, id, known).await?;
        if matches!(found, Looked::NoDocument | Looked::NoIndex) {
            item.outcome = ItemOutcome::Missing;
        }
    }
    Ok(())
}

/// Refuses a path that names no single index.
///
/// # Errors
/// `Malformed`, in words for the sender.
pub(super) fn check_index(index: &str) -> ApiResult<()> {
    vigie_pipeline::check_index(index).map_err(|reason| Error::malformed_field("index", reason).into())
}
