//! Searches that go on while their client does something else, as Elasticsearch (`_async_search`) and OpenSearch
//! (`_plugins/_asynchronous_search`) name them. What they are is `vigie_app::async_searches`; here are the two shapes of their answers.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::async_searches::{AsyncSearch, Owner, Terms};
use vigie_app::dsl::without_kinds;
use vigie_domain::Error;

use super::error::Failure;
use super::params::Params;
use super::search::{object_of, request, shards, with_took, with_total_as_asked};
use super::time_value::time_value;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// How long a client waits for the answer before it is told the id, unless it says otherwise.
const WAIT: Duration = Duration::from_secs(1);
/// How long a search is kept unless the client says otherwise, in Elasticsearch's API.
const ELASTICSEARCH_KEEP_ALIVE: Duration = Duration::from_secs(5 * 24 * 60 * 60);
/// The same in OpenSearch's.
const OPENSEARCH_KEEP_ALIVE: Duration = Duration::from_secs(12 * 60 * 60);

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes
        .post("/elasticsearch/_async_search", read, submit_to_all)
        .post("/elasticsearch/{index}/_async_search", read, submit)
        .get("/elasticsearch/_async_search/{id}", read, get)
        .delete("/elasticsearch/_async_search/{id}", read, delete)
        .get("/elasticsearch/_async_search/status/{id}", read, status)
        .post("/elasticsearch/_plugins/_asynchronous_search", read, submit_to_opensearch)
        .get("/elasticsearch/_plugins/_asynchronous_search/{id}", read, get_of_opensearch)
        .delete("/elasticsearch/_plugins/_asynchronous_search/{id}", read, delete)
}

async fn submit_to_all(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<Response> {
    let search = begun(&state, &caller, (String::new(), &body), &params, ELASTICSEARCH_KEEP_ALIVE).await?;
    shown(&search, &params)
}

async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    body: Bytes,
) -> ApiResult<Response> {
    let search = begun(&state, &caller, (index, &body), &params, ELASTICSEARCH_KEEP_ALIVE).await?;
    shown(&search, &params)
}

async fn submit_to_opensearch(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<Response> {
    let index = params.get("index").unwrap_or_default().to_owned();
    let search = begun(&state, &caller, (index, &body), &params, OPENSEARCH_KEEP_ALIVE).await?;
    shown_as_opensearch(&search, &params)
}

async fn get(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(id), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    shown(&found(&state, &caller, &id, &params).await?, &params)
}

async fn get_of_opensearch(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(id), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    shown_as_opensearch(&found(&state, &caller, &id, &params).await?, &params)
}

async fn status(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(id), params): (PathParams<String>, Params),
) -> ApiResult<JsonAnswer<Json>> {
    let keep_alive = time_value(&params, "keep_alive")?;
    let owner = Owner::of(&caller.account);
    let search = state.async_searches.get(&owner, &id, Duration::ZERO, keep_alive).await?;
    let mut view = about(&search);
    let shards = match &search.ended {
        Some(ended) if ended.outcome.is_err() => json!({"total": 1, "successful": 0, "skipped": 0, "failed": 1}),
        Some(_) => shards(),
        None => json!({"total": 1, "successful": 0, "skipped": 0, "failed": 0}),
    };
    view.insert("_shards".to_owned(), shards);
    if search.ended.is_some() {
        view.insert("completion_status".to_owned(), Json::from(status_of(&search).as_u16()));
    }
    Ok(JsonAnswer(Json::Object(view)))
}

async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> ApiResult<JsonAnswer<Json>> {
    state.async_searches.delete(&Owner::of(&caller.account), &id)?;
    Ok(JsonAnswer(json!({"acknowledged": true})))
}

/// Begins the search of a body in these indices. It is kept with the kinds of its aggregations, since each request for it says anew
/// whether it wants them.
async fn begun(
    state: &AppState,
    caller: &Caller,
    (index, body): (String, &Bytes),
    params: &Params,
    keep_alive: Duration,
) -> ApiResult<AsyncSearch> {
    if params.get("scroll").is_some() {
        let words = "[scroll] queries are not supported: page with [search_after] and a point in time";
        return Err(Error::malformed_field("scroll", words).into());
    }
    let terms = Terms {
        wait: time_value(params, "wait_for_completion_timeout")?.unwrap_or(WAIT),
        keep_alive: time_value(params, "keep_alive")?.unwrap_or(keep_alive),
        keeps_on_completion: params.is_on("keep_on_completion"),
    };
    let mut asked = request(index, params, object_of(body)?)?;
    asked.has_typed_keys = true;
    let (dsl, scope) = (state.dsl.clone(), caller.scope.clone());
    let search = async move {
        let started = Instant::now();
        let answer = dsl.search(&scope, &asked).await?;
        Ok(Bytes::from(with_took(answer, started).to_string()))
    };
    Ok(state.async_searches.submit(Owner::of(&caller.account), terms, search).await?)
}

async fn found(state: &AppState, caller: &Caller, id: &str, params: &Params) -> ApiResult<AsyncSearch> {
    let wait = time_value(params, "wait_for_completion_timeout")?.unwrap_or_default();
    let keep_alive = time_value(params, "keep_alive")?;
    Ok(state.async_searches.get(&Owner::of(&caller.account), id, wait, keep_alive).await?)
}

/// What both of Elasticsearch's answers tell.
fn about(search: &AsyncSearch) -> Map<String, Json> {
    let mut view = Map::new();
    if let Some(id) = &search.id {
        view.insert("id".to_owned(), Json::from(id.clone()));
    }
    let is_whole = search.ended.as_ref().is_some_and(|ended| ended.outcome.is_ok());
    view.insert("is_partial".to_owned(), Json::from(!is_whole));
    view.insert("is_running".to_owned(), Json::from(search.ended.is_none()));
    view.insert("start_time_in_millis".to_owned(), Json::from(search.started_at.as_millis()));
    view.insert("expiration_time_in_millis".to_owned(), Json::from(search.expires_at.as_millis()));
    if let Some(ended) = &search.ended {
        view.insert("completion_time_in_millis".to_owned(), Json::from(ended.at.as_millis()));
    }
    view
}

/// As Elasticsearch answers.
fn shown(search: &AsyncSearch, params: &Params) -> ApiResult<Response> {
    let mut view = about(search);
    view.extend(outcome(search, params)?);
    Ok((status_of(search), JsonAnswer(Json::Object(view))).into_response())
}

/// As OpenSearch answers.
fn shown_as_opensearch(search: &AsyncSearch, params: &Params) -> ApiResult<Response> {
    let mut view = Map::new();
    if let Some(id) = &search.id {
        view.insert("id".to_owned(), Json::from(id.clone()));
    }
    let state = match (&search.ended, &search.id) {
        (None, _) => "RUNNING",
        (Some(ended), _) if ended.outcome.is_err() => "FAILED",
        (Some(_), Some(_)) => "STORE_RESIDENT",
        (Some(_), None) => "SUCCEEDED",
    };
    view.insert("state".to_owned(), Json::from(state));
    view.insert("start_time_in_millis".to_owned(), Json::from(search.started_at.as_millis()));
    view.insert("expiration_time_in_millis".to_owned(), Json::from(search.expires_at.as_millis()));
    view.extend(outcome(search, params)?);
    Ok((status_of(search), JsonAnswer(Json::Object(view))).into_response())
}

/// What came of it, under the name that it has: while it is under way, an answer that has found nothing yet.
fn outcome(search: &AsyncSearch, params: &Params) -> ApiResult<Map<String, Json>> {
    let (name, value) = match search.ended.as_ref().map(|ended| &ended.outcome) {
        None => ("response", nothing_yet()),
        Some(Err(error)) => ("error", Failure::from(error.clone()).error()),
        Some(Ok(answer)) => {
            let mut answer: Json = serde_json::from_slice(answer)
                .map_err(|error| Error::internal(format!("an answer that was kept cannot be read: {error}")))?;
            if !params.is_on("typed_keys")
                && let Some(aggregations) = answer.get_mut("aggregations").and_then(Json::as_object_mut)
            {
                without_kinds(aggregations);
            }
            ("response", with_total_as_asked(answer, params))
        }
    };
    Ok(Map::from_iter([(name.to_owned(), value)]))
}

fn nothing_yet() -> Json {
    json!({
        "took": 0,
        "timed_out": false,
        "num_reduce_phases": 0,
        "_shards": {"total": 1, "successful": 0, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": 0, "relation": "gte"}, "max_score": null, "hits": []},
    })
}

/// The status of the search itself.
fn status_of(search: &AsyncSearch) -> StatusCode {
    match search.ended.as_ref().map(|ended| &ended.outcome) {
        None | Some(Ok(_)) => StatusCode::OK,
        Some(Err(error)) => Failure::from(&Problem::from(error.clone())).status,
    }
}

#[cfg(test)]
mod tests {
    use vigie_app::async_searches::Ended;
    use vigie_domain::Timestamp;

    use super::*;

    fn search(id: Option<&str>, outcome: Option<Result<Bytes, Error>>) -> AsyncSearch {
        AsyncSearch {
            id: id.map(str::to_owned),
            started_at: Timestamp::from_seconds(1),
            expires_at: Timestamp::from_seconds(61),
            ended: outcome.map(|outcome| Ended { at: Timestamp::from_seconds(2), outcome }),
        }
    }

    fn answer() -> Result<Bytes, Error> {
        Ok(Bytes::from_static(br#"{"hits":{"total":{"value":3}},"aggregations":{"max#a":{"value":1.0}}}"#))
    }

    #[test]
    fn a_search_is_told_in_the_words_of_elasticsearch() {
        let check = |search: AsyncSearch, expected: Json| assert_eq!(Json::Object(about(&search)), expected);
        let (begin, expire, end) = (1_000, 61_000, 2_000);
        check(
            search(Some("x"), None),
            json!({"id": "x", "is_partial": true, "is_running": true,
                "start_time_in_millis": begin, "expiration_time_in_millis": expire}),
        );
        check(
            search(None, Some(answer())),
            json!({"is_partial": false, "is_running": false, "start_time_in_millis": begin,
                "expiration_time_in_millis": expire, "completion_time_in_millis": end}),
        );
        check(
            search(None, Some(Err(Error::malformed("no")))),
            json!({"is_partial": true, "is_running": false, "start_time_in_millis": begin,
                "expiration_time_in_millis": expire, "completion_time_in_millis": end}),
        );
    }

    #[test]
    fn what_came_of_it_is_shaped_as_each_request_asks() {
        let check = |query: &[(&str, &str)], outcome_of: Option<Result<Bytes, Error>>, expected: Json| {
            let shown = outcome(&search(None, outcome_of), &Params::of(query)).unwrap();
            assert_eq!(Json::Object(shown), expected, "{query:?}");
        };
        let total = json!({"total": {"value": 3}});
        let plain = json!({"a": {"value": 1.0}});
        check(&[], Some(answer()), json!({"response": {"hits": total, "aggregations": plain}}));
        let typed = json!({"max#a": {"value": 1.0}});
        check(&[("typed_keys", "true")], Some(answer()), json!({"response": {"hits": total, "aggregations": typed}}));
        let as_number = [("rest_total_hits_as_int", "true")];
        check(&as_number, Some(answer()), json!({"response": {"hits": {"total": 3}, "aggregations": plain}}));
        check(&[], None, json!({ "response": nothing_yet() }));
        let cause = json!({"type": "index_not_found_exception", "reason": "no such index [x]", "index": "x"});
        let mut expected = json!({ "error": cause });
        expected["error"]["root_cause"] = json!([cause]);
        check(&[], Some(Err(Error::not_found("no such index [x]"))), expected);
    }
}
