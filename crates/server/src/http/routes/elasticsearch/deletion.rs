//! Deleting events: one by its id, and those that a query finds.

use std::collections::BTreeSet;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl::{DocumentFate, several_indices};
use vigie_domain::Error;
use vigie_pipeline::{CONDITION, CONDITIONS};

use super::indices::{define, define_written, no_such_index};
use super::params::Params;
use super::search::{object_of, request, shards, with_took};
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Parameters of deleting one document. There is one copy of it, whose version nobody chose.
const DOCUMENT_PARAMS: [&str; 4] = ["refresh", "routing", "timeout", "wait_for_active_shards"];
/// Parameters of deleting by query that change nothing here, or what the query is.
const QUERY_PARAMS: [&str; 24] = [
    "allow_no_indices",
    "analyze_wildcard",
    "analyzer",
    "conflicts",
    "default_operator",
    "df",
    "expand_wildcards",
    "ignore_unavailable",
    "lenient",
    "preference",
    "q",
    "refresh",
    "request_cache",
    "requests_per_second",
    "routing",
    "scroll",
    "scroll_size",
    "search_timeout",
    "search_type",
    "slices",
    "stats",
    "timeout",
    "wait_for_active_shards",
    "wait_for_completion",
];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let delete = Permission::LogsDelete;
    routes.delete("/elasticsearch/{index}/_doc/{id}", delete, delete_document).post(
        "/elasticsearch/{index}/_delete_by_query",
        delete,
        delete_by_query,
    )
}

async fn delete_document(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    if let Some(name) = CONDITIONS.into_iter().find(|name| params.get(name).is_some()) {
        return Err(Error::malformed_field(name, CONDITION).into());
    }
    params.check(&DOCUMENT_PARAMS)?;
    let fates = state.dsl.delete_documents(&caller.scope, &[(&index, &id)]).await?;
    let document = |index: &str, result: &str, version: u8| json!({"_index": index, "_id": id, "_version": version, "result": result, "_shards": shards()});
    Ok(match fates.into_iter().next() {
        Some(DocumentFate::Deleted { index, sequence }) => {
            tracing::info!(user = caller.account.username, index, id, "an event was deleted");
            define(&state, &BTreeSet::from([index.as_str()])).await?;
            let mut answer = document(&index, "deleted", 2);
            (answer["_seq_no"], answer["_primary_term"]) = (Json::from(sequence), Json::from(1));
            JsonAnswer(answer).into_response()
        }
        Some(DocumentFate::NoDocument) => {
            (StatusCode::NOT_FOUND, JsonAnswer(document(&index, "not_found", 1))).into_response()
        }
        Some(DocumentFate::NoIndex) => no_such_index(&index),
        Some(DocumentFate::Several(indices)) => {
            return Err(Error::malformed(several_indices(&index, &indices)).into());
        }
        None => return Err(Error::internal("a document has no answer").into()),
    })
}

async fn delete_by_query(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    let started = Instant::now();
    params.check(&QUERY_PARAMS)?;
    if params.get("wait_for_completion") == Some("false") {
        let words =
            "deleting is not done in the background here; leave wait_for_completion out and wait for the answer";
        return Err(Error::malformed_field("wait_for_completion", words).into());
    }
    define_written(&state, &caller, &index).await?;
    let deleted =
        state.dsl.delete_by_query(&caller.scope, &request(index.clone(), &params, object_of(&body)?)?).await?;
    tracing::info!(user = caller.account.username, index, event_count = deleted, "events were deleted by a query");
    let answer = json!({
        "timed_out": false,
        "total": deleted,
        "deleted": deleted,
        "batches": u8::from(deleted > 0),
        "version_conflicts": 0,
        "noops": 0,
        "retries": {"bulk": 0, "search": 0},
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until_millis": 0,
        "failures": [],
    });
    Ok(JsonAnswer(with_took(answer, started)))
}
