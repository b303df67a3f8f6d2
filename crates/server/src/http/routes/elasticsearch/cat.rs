//! `_cat`: what there is, as small tables.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value as Json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::{Names, aliases_of};
use vigie_app::kept_objects::ObjectKind;
use vigie_domain::ports::IndexInfo;
use vigie_domain::time::NANOS_PER_SECOND;

use super::about::{NAME, asked_at, colour, split_address};
use super::cat_columns::{
    ALIASES, COUNT, HEALTH, INDICES, NODE_ATTRIBUTES, NODE_ATTRIBUTES_USUAL, NODES, NODES_UNCOUNTED, NODES_USUAL,
    PLUGINS, SEGMENTS, SEGMENTS_USUAL, SHARDS, SHARDS_UNCOUNTED, SHARDS_USUAL, TEMPLATES,
};
use super::cat_table::Table;
use super::indices::definitions;
use super::listed::{Listed, index_uuid, listed};
use super::params::{NamesInPath, Params};
use super::search::request;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Stands where there is nothing to show.
const NOTHING: &str = "-";

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let any_login = Permission::Authenticated;
    routes
        .get("/elasticsearch/_cat/health", any_login, health)
        .get("/elasticsearch/_cat/indices", Permission::LogsRead, indices)
        .get("/elasticsearch/_cat/indices/{name}", Permission::LogsRead, indices)
        .get("/elasticsearch/_cat/shards", Permission::LogsRead, shards)
        .get("/elasticsearch/_cat/shards/{name}", Permission::LogsRead, shards)
        .get("/elasticsearch/_cat/segments", Permission::LogsRead, segments)
        .get("/elasticsearch/_cat/segments/{name}", Permission::LogsRead, segments)
        .get("/elasticsearch/_cat/count", Permission::LogsRead, count)
        .get("/elasticsearch/_cat/count/{name}", Permission::LogsRead, count)
        .get("/elasticsearch/_cat/aliases", any_login, aliases)
        .get("/elasticsearch/_cat/aliases/{name}", any_login, aliases)
        .get("/elasticsearch/_cat/plugins", any_login, plugins)
        .get("/elasticsearch/_cat/nodeattrs", any_login, node_attributes)
        .get("/elasticsearch/_cat/nodes", any_login, nodes)
        .get("/elasticsearch/_cat/templates", any_login, templates)
        .get("/elasticsearch/_cat/templates/{name}", any_login, templates)
}

async fn health(State(state): State<AppState>, params: Params) -> ApiResult<Response> {
    let (epoch, time) = now(&state);
    let row = vec![epoch, time, "vigie".to_owned(), colour(&state).await.to_owned(), "1".to_owned(), "1".to_owned()];
    Table::of(HEALTH, vec![row]).respond(&params)
}

/// Daily indices, and those that clients made.
async fn indices(
    State(state): State<AppState>,
    caller: Caller,
    (NamesInPath(names), params): (NamesInPath, Params),
) -> ApiResult<Response> {
    let row = |index: Listed| {
        let size = size_of(index.bytes);
        let (uuid, count) = (index_uuid(&index.name), index.events_count.to_string());
        let cells = ["green", "open", &index.name, &uuid, "1", "0", &count, "0", &size, &size];
        cells.map(str::to_owned).to_vec()
    };
    let rows = listed(&state, &caller, &names, &params).await?.into_iter().map(row).collect();
    Table::of(INDICES, rows).respond(&params)
}

/// Each index is one shard on the one node.
async fn shards(
    State(state): State<AppState>,
    caller: Caller,
    (NamesInPath(names), params, headers): (NamesInPath, Params, HeaderMap),
) -> ApiResult<Response> {
    let (host, _) = place_of(&headers);
    let row = |index: Listed| {
        let count = index.events_count.to_string();
        let cells = [&index.name, "0", "p", "STARTED", &count, &size_of(index.bytes), host, NAME, NAME];
        cells.map(str::to_owned).to_vec()
    };
    let rows = listed(&state, &caller, &names, &params).await?.into_iter().map(row).collect();
    Table { uncounted: SHARDS_UNCOUNTED, usual: SHARDS_USUAL, ..Table::of(SHARDS, rows) }.respond(&params)
}

/// What the events of each index lie in: parts on disk, and memory. Events of an index that somebody made lie among those of their
/// days: they are listed as one segment, without a size of its own.
async fn segments(
    State(state): State<AppState>,
    caller: Caller,
    (NamesInPath(names), params, headers): (NamesInPath, Params, HeaderMap),
) -> ApiResult<Response> {
    let (host, _) = place_of(&headers);
    let row = |index: &str, place: usize, events_count: u64, bytes: Option<u64>| {
        let (segment, place, count) = (format!("_{place}"), place.to_string(), events_count.to_string());
        let (size, is_on_disk) = (size_of(bytes), bytes.is_some().to_string());
        let before = [index, "0", "p", host, NAME, &segment, &place, &count, "0", &size, "0"];
        let behind = [is_on_disk.as_str(), "true", env!("CARGO_PKG_VERSION"), "false"];
        before.into_iter().chain(behind).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for index in listed(&state, &caller, &names, &params).await? {
        if index.segments.is_empty() && index.events_count > 0 {
            rows.push(row(&index.name, 0, index.events_count, None));
        }
        let segments = index.segments.iter().enumerate();
        rows.extend(segments.map(|(place, segment)| row(&index.name, place, segment.events_count, segment.bytes)));
    }
    Table { usual: SEGMENTS_USUAL, ..Table::of(SEGMENTS, rows) }.respond(&params)
}

/// Host and port of the node.
fn place_of(headers: &HeaderMap) -> (&str, &str) {
    let (host, port) = split_address(asked_at(headers));
    (if host.is_empty() { NOTHING } else { host }, port.unwrap_or(NOTHING))
}

/// Bytes on disk, as `_cat` writes them.
fn size_of(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| NOTHING.to_owned(), |bytes| format!("{bytes}b"))
}

/// All events, or those of the indices that are named.
async fn count(
    State(state): State<AppState>,
    caller: Caller,
    (NamesInPath(names), params): (NamesInPath, Params),
) -> ApiResult<Response> {
    let count = if names.is_empty() {
        state.search.indices(&caller.scope).await?.iter().map(IndexInfo::events_count).sum()
    } else {
        state.dsl.count(&caller.scope, &request(names, &params, Map::new())?).await?
    };
    let (epoch, time) = now(&state);
    Table::of(COUNT, vec![vec![epoch, time, count.to_string()]]).respond(&params)
}

async fn aliases(
    State(state): State<AppState>,
    (NamesInPath(names), params): (NamesInPath, Params),
) -> ApiResult<Response> {
    let asked = Names::of(&names);
    let text = |said: &Json, key: &str| match said.get(key) {
        None | Some(Json::Null) => NOTHING.to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let shows_hidden =
        params.get("expand_wildcards").is_none_or(|shown| shown.contains("hidden") || shown.contains("all"));
    let is_shown = |said: &Json| shows_hidden || said.get("is_hidden") != Some(&Json::Bool(true));
    let mut rows = Vec::new();
    for index in definitions(&state).await? {
        let aliases = aliases_of(&index).into_iter().flatten();
        for (alias, said) in aliases.filter(|(alias, said)| asked.mean(alias) && is_shown(said)) {
            let filter = if said.get("filter").is_some() { "*" } else { NOTHING };
            let (routing, search) = (text(said, "index_routing"), text(said, "search_routing"));
            rows.push(vec![
                alias.clone(),
                index.name.clone(),
                filter.to_owned(),
                routing,
                search,
                text(said, "is_write_index"),
            ]);
        }
    }
    rows.sort();
    Table::of(ALIASES, rows).respond(&params)
}

/// Vigie has none.
async fn plugins(params: Params) -> ApiResult<Response> {
    Table::of(PLUGINS, Vec::new()).respond(&params)
}

/// Those that the settings say.
async fn node_attributes(State(state): State<AppState>, (params, headers): (Params, HeaderMap)) -> ApiResult<Response> {
    let (host, port) = place_of(&headers);
    let pid = std::process::id().to_string();
    let row = |(name, value): &(String, String)| {
        [NAME, NAME, &pid, host, host, port, name, value].map(str::to_owned).to_vec()
    };
    let rows = state.elasticsearch_node.attributes.iter().map(row).collect();
    Table { usual: NODE_ATTRIBUTES_USUAL, ..Table::of(NODE_ATTRIBUTES, rows) }.respond(&params)
}

/// The one node there is.
async fn nodes(State(state): State<AppState>, (params, headers): (Params, HeaderMap)) -> ApiResult<Response> {
    let (host, port) = place_of(&headers);
    let (pid, version) = (std::process::id().to_string(), &state.elasticsearch_node.version);
    let row = [NAME, &pid, host, port, asked_at(&headers), version, "dim", "*", NAME].map(str::to_owned).to_vec();
    Table { uncounted: NODES_UNCOUNTED, usual: NODES_USUAL, ..Table::of(NODES, vec![row]) }.respond(&params)
}

/// Templates that are kept, of both sorts.
async fn templates(
    State(state): State<AppState>,
    (NamesInPath(names), params): (NamesInPath, Params),
) -> ApiResult<Response> {
    let asked = Names::of(&names);
    let text = |said: Option<&Json>| match said {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(list)) => {
            format!("[{}]", list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", "))
        }
        Some(other) => other.to_string(),
    };
    let mut rows = Vec::new();
    for (kind, order) in [(ObjectKind::IndexTemplate, "priority"), (ObjectKind::LegacyTemplate, "order")] {
        for template in state.kept_objects.find(kind, "*").await? {
            let said = |name: &str| text(template.body.get(name));
            if asked.mean(&template.name) {
                let cells = [said("index_patterns"), said(order), said("version"), said("composed_of")];
                rows.push([vec![template.name.clone()], cells.to_vec()].concat());
            }
        }
    }
    rows.sort();
    Table::of(TEMPLATES, rows).respond(&params)
}

/// Now in seconds, and as time of day in UTC.
fn now(state: &AppState) -> (String, String) {
    let now = (state.clock)();
    let text = now.to_string();
    let time = text.split('T').nth(1).and_then(|time| time.get(..8)).unwrap_or_default();
    ((now.as_nanos() / NANOS_PER_SECOND).to_string(), time.to_owned())
}
