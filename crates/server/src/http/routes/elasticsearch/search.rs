//! Searching as clients of Elasticsearch do: `_search` and what goes with it. What bodies mean is `vigie_app::dsl`.

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl::DslRequest;
use vigie_domain::Error;

use super::error::Failure;
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// How shards are asked: there is one.
const SEARCH_TYPES: [&str; 3] = ["", "query_then_fetch", "dfs_query_then_fetch"];
/// Searches of one `_msearch`.
const SEARCHES_MAX: usize = 100;

/// Adds a call at its path and below an index, to GET and POST.
macro_rules! call_routes {
    ($routes:expr, $name:literal, $handler:expr) => {{
        let read = Permission::LogsRead;
        let all = async |state: State<AppState>, caller: Caller, params: Params, body: Bytes| {
            $handler(&state, &caller, String::new(), params, body).await
        };
        let of_index =
            async |state: State<AppState>,
                   caller: Caller,
                   (PathParams(index), params): (PathParams<String>, Params),
                   body: Bytes| { $handler(&state, &caller, index, params, body).await };
        $routes
            .get(concat!("/elasticsearch/", $name), read, all)
            .post(concat!("/elasticsearch/", $name), read, all)
            .get(concat!("/elasticsearch/{index}/", $name), read, of_index)
            .post(concat!("/elasticsearch/{index}/", $name), read, of_index)
    }};
}

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    let routes = call_routes!(routes, "_search", search);
    let routes = call_routes!(routes, "_count", count);
    let routes = call_routes!(routes, "_msearch", multi_search);
    let routes = call_routes!(routes, "_validate/query", validate);
    routes
        .get("/elasticsearch/_search/scroll", read, scroll)
        .post("/elasticsearch/_search/scroll", read, scroll)
        .delete("/elasticsearch/_search/scroll", read, end_scroll)
        .post("/elasticsearch/{index}/_pit", read, open_point_in_time)
        .delete("/elasticsearch/_pit", read, close_point_in_time)
        .post("/elasticsearch/{index}/_search/point_in_time", read, create_point_in_time)
        .delete("/elasticsearch/_search/point_in_time", read, delete_points_in_time)
}

/// The object in a body; an empty body is an empty one.
pub(super) fn object_of(body: &[u8]) -> ApiResult<Map<String, Json>> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(Error::malformed("the body must be a JSON object").into()),
        Err(error) => Err(Error::malformed(format!("the body is not valid JSON: {error}")).into()),
    }
}

/// Refuses ways of searching that no server has: those that there are change nothing here.
fn check_way(params: &Params) -> ApiResult<()> {
    if let Some(kind) = params.get("search_type").filter(|kind| !SEARCH_TYPES.contains(kind)) {
        return Err(Error::malformed_field("search_type", format!("No search type for [{kind}]")).into());
    }
    if params.get("pre_filter_shard_size").is_some_and(|size| !size.parse::<u32>().is_ok_and(|size| size >= 1)) {
        return Err(Error::malformed_field("pre_filter_shard_size", "preFilterShardSize must be >= 1").into());
    }
    Ok(())
}

/// A search by its indices, its body and what the query string adds to it.
pub(super) fn request(indices: String, params: &Params, mut body: Map<String, Json>) -> ApiResult<DslRequest> {
    check_way(params)?;
    if let Some(text) = params.get("q") {
        let mut query = json!({ "query": text });
        for (name, key) in [("df", "default_field"), ("default_operator", "default_operator")] {
            if let Some(value) = params.get(name) {
                query[key] = Json::from(value);
            }
        }
        body.insert("query".to_owned(), json!({ "query_string": query }));
    }
    for name in ["size", "from"] {
        if let Some(text) = params.get(name) {
            body.insert(name.to_owned(), Json::from(text));
        }
    }
    let list = |text: &str| Json::Array(text.split(',').map(Json::from).collect());
    if let Some(text) = params.get("sort") {
        body.insert("sort".to_owned(), list(text));
    }
    if let Some(text) = params.get("track_total_hits") {
        body.insert("track_total_hits".to_owned(), Json::from(text != "false"));
    }
    for name in ["version", "seq_no_primary_term"] {
        if params.is_on(name) {
            body.insert(name.to_owned(), Json::Bool(true));
        }
    }
    if let Some(text) = params.get("stored_fields") {
        body.insert("stored_fields".to_owned(), list(text));
    }
    if let Some(source) = source_asked(params) {
        body.insert("_source".to_owned(), source);
    }
    Ok(DslRequest {
        indices,
        body,
        ignores_missing: params.is_on("ignore_unavailable"),
        scrolls: params.get("scroll").is_some(),
        has_typed_keys: params.is_on("typed_keys"),
    })
}

/// What of the source the query string asks for, as `_source` of a body.
pub(super) fn source_asked(params: &Params) -> Option<Json> {
    let list = |text: Option<&str>| text.map_or_else(|| json!([]), |text| text.split(',').map(Json::from).collect());
    match (params.get("_source"), params.get("_source_includes"), params.get("_source_excludes")) {
        (None, None, None) => None,
        (Some("true" | ""), None, None) => Some(Json::Bool(true)),
        (Some("false"), ..) => Some(Json::Bool(false)),
        (Some("true" | ""), includes, excludes) => {
            Some(json!({"includes": list(includes), "excludes": list(excludes)}))
        }
        (named, includes, excludes) => Some(json!({"includes": list(includes.or(named)), "excludes": list(excludes)})),
    }
}

/// Where all events lie: one place.
pub(super) fn shards() -> Json {
    json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0})
}

/// The answer with its time, and the total as the client wants it.
fn timed(answer: Json, started: Instant, params: &Params) -> Json {
    with_total_as_asked(with_took(answer, started), params)
}

/// The answer with the time since the search was begun.
pub(super) fn with_took(mut answer: Json, started: Instant) -> Json {
    answer["took"] = Json::from(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    answer
}

/// The answer with the total as older clients want it, if this one does.
pub(super) fn with_total_as_asked(mut answer: Json, params: &Params) -> Json {
    if params.is_on("rest_total_hits_as_int")
        && let Some(value) = answer.pointer("/hits/total/value").cloned()
    {
        answer["hits"]["total"] = value;
    }
    answer
}

async fn search(
    state: &AppState,
    caller: &Caller,
    index: String,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    let started = Instant::now();
    let request = request(index, &params, object_of(&body)?)?;
    let answer = state.dsl.search(&caller.scope, &request).await?;
    Ok(JsonAnswer(timed(answer, started, &params)))
}

async fn count(
    state: &AppState,
    caller: &Caller,
    index: String,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    let request = request(index, &params, object_of(&body)?)?;
    let count = state.dsl.count(&caller.scope, &request).await?;
    Ok(JsonAnswer(json!({"count": count, "_shards": shards()})))
}

/// Whether a query can be read: an answer, not an error.
async fn validate(
    state: &AppState,
    caller: &Caller,
    index: String,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    let request = request(index, &params, object_of(&body)?)?;
    Ok(JsonAnswer(match state.dsl.check(&caller.scope, &request).await {
        Ok(()) => json!({"valid": true, "_shards": shards()}),
        Err(error) if params.is_on("explain") => json!({"valid": false, "_shards": shards(), "error": error.message}),
        Err(_) => json!({"valid": false, "_shards": shards()}),
    }))
}

/// Several searches: lines of a header and a body each. One that fails is answered alone.
async fn multi_search(
    state: &AppState,
    caller: &Caller,
    index: String,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    let started = Instant::now();
    let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
    let mut lines = lines.as_slice();
    while let [rest @ .., last] = lines
        && last.trim_ascii().is_empty()
    {
        lines = rest;
    }
    if lines.len() % 2 == 1 {
        return Err(
            Error::malformed("the last line has no search: each header line must be followed by a body line").into()
        );
    }
    if lines.len() / 2 > SEARCHES_MAX {
        return Err(Error::malformed(format!(
            "{} searches are more than {SEARCHES_MAX}; send several requests",
            lines.len() / 2
        ))
        .into());
    }
    let mut responses = Vec::with_capacity(lines.len() / 2);
    for pair in lines.chunks_exact(2) {
        let began = Instant::now();
        responses.push(match one_of_many(state, caller, (&index, &params), pair).await {
            Ok(answer) => {
                let mut answer = timed(answer, began, &params);
                answer["status"] = Json::from(200);
                answer
            }
            Err(problem) => {
                let failure = Failure::from(&problem);
                serde_json::from_slice(&failure.to_bytes()).unwrap_or_default()
            }
        });
    }
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(JsonAnswer(json!({"took": took_ms, "responses": responses})))
}

async fn one_of_many(
    state: &AppState,
    caller: &Caller,
    (index, params): (&str, &Params),
    pair: &[&[u8]],
) -> ApiResult<Json> {
    let header = object_of(pair[0])?;
    let indices = match header.get("index") {
        None => index.to_owned(),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(","),
        Some(name) => name.as_str().unwrap_or_default().to_owned(),
    };
    let mut request = request(indices, params, object_of(pair[1])?)?;
    request.ignores_missing |= header.get("ignore_unavailable") == Some(&Json::Bool(true));
    Ok(state.dsl.search(&caller.scope, &request).await?)
}

async fn scroll(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    let started = Instant::now();
    let object = object_of(&body)?;
    let id = object.get("scroll_id").and_then(Json::as_str).or_else(|| params.get("scroll_id"));
    let id = id.ok_or_else(|| {
        Error::malformed_field("scroll_id", "[scroll_id] is missing; send the one of the page before")
    })?;
    Ok(JsonAnswer(timed(state.dsl.scroll(&caller.scope, id).await?, started, &params)))
}

/// Nothing is kept for a scroll, so there is nothing to give back.
async fn end_scroll(_body: Bytes) -> Response {
    JsonAnswer(json!({"succeeded": true, "num_freed": 1})).into_response()
}

async fn opened(state: &AppState, caller: &Caller, index: String, params: &Params) -> ApiResult<String> {
    let request = request(index, params, Map::new())?;
    Ok(state.dsl.open_point_in_time(&caller.scope, &request).await?)
}

async fn open_point_in_time(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
) -> ApiResult<JsonAnswer<Json>> {
    let id = opened(&state, &caller, index, &params).await?;
    Ok(JsonAnswer(json!({"id": id, "_shards": shards()})))
}

async fn close_point_in_time(_body: Bytes) -> Response {
    JsonAnswer(json!({"succeeded": true, "num_freed": 1})).into_response()
}

/// The same as OpenSearch names it.
async fn create_point_in_time(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
) -> ApiResult<JsonAnswer<Json>> {
    let id = opened(&state, &caller, index, &params).await?;
    let created_ms = (state.clock)().as_millis();
    Ok(JsonAnswer(json!({"pit_id": id, "_shards": shards(), "creation_time": created_ms})))
}

async fn delete_points_in_time(body: Bytes) -> ApiResult<JsonAnswer<Json>> {
    let object = object_of(&body)?;
    let ids = object.get("pit_id").and_then(Json::as_array).cloned().unwrap_or_default();
    let pits: Vec<Json> = ids.into_iter().map(|id| json!({"successful": true, "pit_id": id})).collect();
    Ok(JsonAnswer(json!({ "pits": pits })))
}
