//! `_stats`: how many events indices hold, and how many bytes. There are no others: events are neither deleted singly nor kept in shards.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::{Names, aliases_of};
use vigie_domain::Error;

use super::indices::{check_params, definitions, no_such_index};
use super::listed::{Listed, index_uuid, listed};
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// What can be asked for; `_all` is all of it.
const METRICS: [&str; 2] = ["docs", "store"];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes
        .get("/elasticsearch/_stats", read, of_all)
        .get("/elasticsearch/_stats/{metric}", read, metrics_of_all)
        .get("/elasticsearch/{index}/_stats", read, of_indices)
        .get("/elasticsearch/{index}/_stats/{metric}", read, metrics_of_indices)
}

async fn of_all(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    stats(&state, &caller, ("", "_all"), &params).await
}

async fn metrics_of_all(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(metrics), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    stats(&state, &caller, ("", &metrics), &params).await
}

async fn of_indices(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    stats(&state, &caller, (&names, "_all"), &params).await
}

async fn metrics_of_indices(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((names, metrics)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    stats(&state, &caller, (&names, &metrics), &params).await
}

async fn stats(
    state: &AppState,
    caller: &Caller,
    (names, metrics): (&str, &str),
    params: &Params,
) -> ApiResult<Response> {
    check_params(params, &["metric", "level", "forbid_closed_indices"])?;
    let metrics = wanted(params.get("metric").unwrap_or(metrics))?;
    let level = params.get("level").unwrap_or("indices");
    if !["cluster", "indices", "shards"].contains(&level) {
        let words = format!("level parameter must be one of [cluster] or [indices] or [shards] but was [{level}]");
        return Err(Error::malformed_field("level", words).into());
    }
    let found = listed(state, caller, names, params).await?;
    let defined = definitions(state).await?;
    let is_alias = |name: &str| defined.iter().filter_map(aliases_of).any(|aliases| aliases.contains_key(name));
    let is_there = |name: &str| found.iter().any(|index| index.name == name) || is_alias(name);
    if let Some(missing) = Names::of(names).single().find(|name| !params.is_on("ignore_unavailable") && !is_there(name))
    {
        return Ok(no_such_index(missing));
    }
    let (events_count, bytes) = found.iter().fold((0, 0), |(events_count, bytes), index| {
        (events_count + index.events_count, bytes + index.bytes.unwrap_or_default())
    });
    let shards = json!({"total": found.len(), "successful": found.len(), "failed": 0});
    let mut answer = json!({ "_shards": shards, "_all": both(&metrics, events_count, bytes) });
    if level != "cluster" {
        let one = |index: &Listed| {
            let mut own = json!({"uuid": index_uuid(&index.name), "health": "green", "status": "open"});
            if let (Json::Object(own), Json::Object(both)) =
                (&mut own, both(&metrics, index.events_count, index.bytes.unwrap_or_default()))
            {
                own.extend(both);
            }
            (index.name.clone(), own)
        };
        answer["indices"] = Json::Object(found.iter().map(one).collect());
    }
    Ok(JsonAnswer(answer).into_response())
}

/// The metrics that are asked for, of those that there are.
fn wanted(metrics: &str) -> ApiResult<Vec<&'static str>> {
    let mut wanted = Vec::new();
    for asked in metrics.split(',').map(str::trim).filter(|asked| !asked.is_empty()) {
        match METRICS.iter().find(|known| **known == asked) {
            Some(known) => wanted.push(*known),
            None if asked == "_all" => wanted.extend(METRICS),
            None => {
                let words = format!("the metric [{asked}] is not there in Vigie; there are docs and store");
                return Err(Error::malformed_field("metric", words).into());
            }
        }
    }
    Ok(wanted)
}

/// Of primaries and of all copies, which are the same: there is one of each.
fn both(metrics: &[&str], events_count: u64, bytes: u64) -> Json {
    let mut numbers = Map::new();
    if metrics.contains(&"docs") {
        numbers.insert("docs".to_owned(), json!({"count": events_count, "deleted": 0}));
    }
    if metrics.contains(&"store") {
        let store = json!({"size_in_bytes": bytes, "total_data_set_size_in_bytes": bytes, "reserved_in_bytes": 0});
        numbers.insert("store".to_owned(), store);
    }
    json!({ "primaries": numbers, "total": numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_that_are_not_there_are_refused() {
        let check = |metrics: &str, expected: Option<&[&str]>| {
            let found = wanted(metrics);
            match expected {
                Some(expected) => assert_eq!(found.unwrap(), expected, "{metrics}"),
                None => assert!(found.unwrap_err().detail().contains("is not there"), "{metrics}"),
            }
        };
        check("_all", Some(&["docs", "store"]));
        check("store,docs", Some(&["store", "docs"]));
        check("docs", Some(&["docs"]));
        check("", Some(&[]));
        check("docs,indexing", None);
    }
}
