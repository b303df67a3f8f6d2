//! Single events by their id: `_doc`, `_source`, `_mget`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl::{self, Looked, SourceFilter, several_indices};
use vigie_domain::Error;

use super::error::Failure;
use super::indices::{definitions, no_such_index};
use super::params::Params;
use super::search::{object_of, source_asked};
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Documents of one `_mget`.
const DOCUMENTS_MAX: usize = 1_000;
/// Of an event there is one version.
const VERSION: &str = "1";
/// Parameters of reading one document. `stored_fields` is among them to be refused in words.
const READING_PARAMS: [&str; 10] = [
    "preference",
    "realtime",
    "refresh",
    "routing",
    "stored_fields",
    "version",
    "version_type",
    "_source",
    "_source_includes",
    "_source_excludes",
];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes
        .get("/elasticsearch/{index}/_doc/{id}", read, document)
        .get("/elasticsearch/{index}/_source/{id}", read, source)
        .get("/elasticsearch/_mget", read, all_documents)
        .post("/elasticsearch/_mget", read, all_documents)
        .get("/elasticsearch/{index}/_mget", read, documents)
        .post("/elasticsearch/{index}/_mget", read, documents)
}

/// What is shown of the source, as the query string says.
fn filter_of(params: &Params) -> ApiResult<SourceFilter> {
    params.check(&READING_PARAMS)?;
    if params.get("stored_fields").is_some_and(|fields| fields != "_none_") {
        let words = "no field is stored beside the source; leave stored_fields out, or name fields in _source";
        return Err(Error::malformed_field("stored_fields", words).into());
    }
    Ok(SourceFilter::read(source_asked(params).as_ref())?)
}

fn conflict(id: &str, asked: &str) -> String {
    format!("[{id}]: version conflict, current version [{VERSION}] is different than the one provided [{asked}]")
}

async fn document(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    let filter = filter_of(&params)?;
    Ok(match state.dsl.look(&caller.scope, &index, &id, &definitions(&state).await?).await? {
        Looked::Found(_) if params.get("version").is_some_and(|version| version != VERSION) => {
            let reason = conflict(&id, params.get("version").unwrap_or_default());
            Failure::new(StatusCode::CONFLICT, "version_conflict_engine_exception", reason).into_response()
        }
        Looked::Found(hit) => JsonAnswer(dsl::document(&hit, &filter)).into_response(),
        Looked::NoDocument => {
            let answer = json!({"_index": index, "_id": id, "found": false});
            (StatusCode::NOT_FOUND, JsonAnswer(answer)).into_response()
        }
        Looked::NoIndex => no_such_index(&index),
        Looked::Several(indices) => return Err(Error::malformed(several_indices(&index, &indices)).into()),
    })
}

async fn source(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, id)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    let filter = filter_of(&params)?;
    Ok(match state.dsl.look(&caller.scope, &index, &id, &definitions(&state).await?).await? {
        Looked::Found(hit) => JsonAnswer(dsl::document(&hit, &filter)["_source"].take()).into_response(),
        Looked::NoDocument => {
            let reason = format!("Document not found [{index}]/[{id}]");
            Failure::new(StatusCode::NOT_FOUND, "resource_not_found_exception", reason).into_response()
        }
        Looked::NoIndex => no_such_index(&index),
        Looked::Several(indices) => return Err(Error::malformed(several_indices(&index, &indices)).into()),
    })
}

async fn all_documents(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<Response> {
    get_many(&state, &caller, None, &params, &body).await
}

async fn documents(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    body: Bytes,
) -> ApiResult<Response> {
    get_many(&state, &caller, Some(&index), &params, &body).await
}

/// One document that is asked for.
struct Asked {
    index: String,
    id: String,
    filter: SourceFilter,
}

async fn get_many(
    state: &AppState,
    caller: &Caller,
    index: Option<&str>,
    params: &Params,
    body: &[u8],
) -> ApiResult<Response> {
    let (default, object) = (filter_of(params)?, object_of(body)?);
    let asked = match asked(&object, index, &default)? {
        Ok(asked) => asked,
        Err(problems) => {
            let numbered = problems.iter().enumerate().map(|(at, problem)| format!(" {}: {problem};", at + 1));
            let reason = format!("Validation Failed:{}", numbered.collect::<String>());
            let kind = "action_request_validation_exception";
            return Ok(Failure::new(StatusCode::BAD_REQUEST, kind, reason).into_response());
        }
    };
    let known = definitions(state).await?;
    let mut documents = Vec::with_capacity(asked.len());
    for Asked { index, id, filter } in asked {
        let failed = |kind: &str, reason: String| {
            let cause = json!({"type": kind, "reason": reason, "index": index});
            let mut error = cause.clone();
            error["root_cause"] = json!([cause]);
            json!({"_index": index, "_id": id, "error": error})
        };
        documents.push(match state.dsl.look(&caller.scope, &index, &id, &known).await? {
            Looked::Found(hit) => dsl::document(&hit, &filter),
            Looked::NoDocument => json!({"_index": index, "_id": id, "found": false}),
            Looked::NoIndex => failed("index_not_found_exception", format!("no such index [{index}]")),
            Looked::Several(indices) => failed("illegal_argument_exception", several_indices(&index, &indices)),
        });
    }
    Ok(JsonAnswer(json!({ "docs": documents })).into_response())
}

/// The documents that a body names, or what its items lack.
fn asked(
    body: &Map<String, Json>,
    index: Option<&str>,
    default: &SourceFilter,
) -> ApiResult<Result<Vec<Asked>, Vec<String>>> {
    if let Some(unknown) = body.keys().find(|key| !matches!(key.as_str(), "docs" | "ids")) {
        return Err(Error::malformed_field("body", format!("unknown key [{unknown}]; use [docs] or [ids]")).into());
    }
    let list = |key: &str| body.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let (docs, ids) = (list("docs"), list("ids"));
    if docs.len() + ids.len() > DOCUMENTS_MAX {
        let words =
            format!("{} documents are more than {DOCUMENTS_MAX}; send several requests", docs.len() + ids.len());
        return Err(Error::malformed_field("docs", words).into());
    }
    let (mut wanted, mut problems) = (Vec::new(), Vec::new());
    for (at, json) in docs.iter().enumerate() {
        let own = json.get("_index").and_then(Json::as_str).or(index);
        let id = json.get("_id").and_then(id_of);
        if own.is_none() {
            problems.push(format!("index is missing for doc {at}"));
        }
        if id.is_none() {
            problems.push(format!("id is missing for doc {at}"));
        }
        check_keys(json)?;
        if let (Some(own), Some(id)) = (own, id) {
            let filter =
                json.get("_source").map_or_else(|| Ok(default.clone()), |json| SourceFilter::read(Some(json)))?;
            wanted.push(Asked { index: own.to_owned(), id, filter });
        }
    }
    for json in ids {
        let id =
            id_of(json).ok_or_else(|| Error::malformed_field("ids", "[ids] must be a list of texts or numbers"))?;
        match index {
            Some(index) => wanted.push(Asked { index: index.to_owned(), id, filter: default.clone() }),
            None => problems.push(format!("index is missing for id [{id}]")),
        }
    }
    if docs.is_empty() && ids.is_empty() {
        problems.push("no documents to get".to_owned());
    }
    Ok(if problems.is_empty() { Ok(wanted) } else { Err(problems) })
}

/// Refuses what no document of an `_mget` says, and what is not done here.
fn check_keys(json: &Json) -> ApiResult<()> {
    let object = json.as_object().ok_or_else(|| Error::malformed_field("docs", "each of [docs] must be an object"))?;
    for key in object.keys() {
        let words = match key.as_str() {
            "_index" | "_id" | "_source" | "routing" => continue,
            "stored_fields" | "version" | "version_type" => {
                format!(
                    "[{key}] is not done here: no field is stored beside the source, and of an event there is one version"
                )
            }
            other => format!("unknown key [{other}]; use [_index], [_id], [_source] and [routing]"),
        };
        return Err(Error::malformed_field("docs", words).into());
    }
    Ok(())
}

fn id_of(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}
