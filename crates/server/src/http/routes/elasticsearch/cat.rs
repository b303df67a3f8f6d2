//! `_cat`: what there is, as small tables.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value as Json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::{Names, aliases_of};
use vigie_domain::time::NANOS_PER_SECOND;

use super::about::{NAME, asked_at, colour, host_of};
use super::cat_table::{Column, Table};
use super::indices::definitions;
use super::listed::{Listed, index_uuid, listed};
use super::params::Params;
use super::search::request;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::PathParams;
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Stands where there is nothing to show.
const NOTHING: &str = "-";

const HEALTH: &[Column] = &[
    Column("epoch", "t,time", "seconds since 1970-01-01 00:00:00"),
    Column("timestamp", "ts,hms,hhmmss", "time in HH:MM:SS"),
    Column("cluster", "cl", "cluster name"),
    Column("status", "st", "health status"),
    Column("node.total", "nt,nodeTotal", "total number of nodes"),
    Column("node.data", "nd,nodeData", "number of nodes that can store data"),
];
const INDICES: &[Column] = &[
    Column("health", "h", "current health status"),
    Column("status", "s", "open/close status"),
    Column("index", "i,idx", "index name"),
    Column("uuid", "id,uuid", "index uuid"),
    Column("pri", "p,shards.primary,shardsPrimary", "number of primary shards"),
    Column("rep", "r,shards.replica,shardsReplica", "number of replica shards"),
    Column("docs.count", "dc,docsCount", "available docs"),
    Column("docs.deleted", "dd,docsDeleted", "deleted docs"),
    Column("store.size", "ss,storeSize", "store size of primaries & replicas"),
    Column("pri.store.size", "", "store size of primaries"),
];
const SHARDS: &[Column] = &[
    Column("index", "i,idx", "index name"),
    Column("shard", "s,sh", "shard name"),
    Column("prirep", "p,pr,primaryOrReplica", "primary or replica"),
    Column("state", "st", "shard state"),
    Column("docs", "d,dc", "number of docs in shard"),
    Column("store", "sto", "store size of shard"),
    Column("ip", "", "ip of node where it lives"),
    Column("id", "", "unique id of node where it lives"),
    Column("node", "n", "name of node where it lives"),
];
const SHARDS_USUAL: &str = "index,shard,prirep,state,docs,store,ip,node";
const COUNT: &[Column] = &[
    Column("epoch", "t,time", "seconds since 1970-01-01 00:00:00"),
    Column("timestamp", "ts,hms,hhmmss", "time in HH:MM:SS"),
    Column("count", "dc,docs.count,docsCount", "the document count"),
];
const ALIASES: &[Column] = &[
    Column("alias", "a", "alias name"),
    Column("index", "i,idx", "index alias points to"),
    Column("filter", "f,fi", "filter"),
    Column("routing.index", "ri,routingIndex", "index routing"),
    Column("routing.search", "rs,routingSearch", "search routing"),
    Column("is_write_index", "w,isWriteIndex", "write index"),
];
const PLUGINS: &[Column] = &[
    Column("id", "", "unique node id"),
    Column("name", "n", "node name"),
    Column("component", "c", "component"),
    Column("version", "v", "component version"),
    Column("description", "d", "plugin details"),
];
const NODE_ATTRIBUTES: &[Column] = &[
    Column("node", "", "node name"),
    Column("id", "id,nodeId", "unique node id"),
    Column("pid", "p", "process id"),
    Column("host", "h", "host name"),
    Column("ip", "i", "ip address"),
    Column("port", "po", "bound transport port"),
    Column("attr", "attr.name", "attribute description"),
    Column("value", "attr.value", "attribute value"),
];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let any_login = Permission::Authenticated;
    routes
        .get("/elasticsearch/_cat/health", any_login, health)
        .get("/elasticsearch/_cat/indices", Permission::LogsRead, all_indices)
        .get("/elasticsearch/_cat/indices/{name}", Permission::LogsRead, indices)
        .get("/elasticsearch/_cat/shards", Permission::LogsRead, all_shards)
        .get("/elasticsearch/_cat/shards/{name}", Permission::LogsRead, shards)
        .get("/elasticsearch/_cat/count", Permission::LogsRead, count_of_all)
        .get("/elasticsearch/_cat/count/{name}", Permission::LogsRead, count)
        .get("/elasticsearch/_cat/aliases", any_login, all_aliases)
        .get("/elasticsearch/_cat/aliases/{name}", any_login, aliases)
        .get("/elasticsearch/_cat/plugins", any_login, plugins)
        .get("/elasticsearch/_cat/nodeattrs", any_login, node_attributes)
}

async fn health(State(state): State<AppState>, params: Params) -> ApiResult<Response> {
    let (epoch, time) = now(&state);
    let row = vec![epoch, time, "vigie".to_owned(), colour(&state).await.to_owned(), "1".to_owned(), "1".to_owned()];
    Table { columns: HEALTH, usual: "", rows: vec![row] }.respond(&params)
}

async fn all_indices(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    index_table(&state, &caller, "", &params).await
}

async fn indices(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    index_table(&state, &caller, &names, &params).await
}

/// Daily indices, and those that clients made.
async fn index_table(state: &AppState, caller: &Caller, names: &str, params: &Params) -> ApiResult<Response> {
    let row = |index: Listed| {
        let size = size_of(&index);
        let (uuid, count) = (index_uuid(&index.name), index.events_count.to_string());
        let cells = ["green", "open", &index.name, &uuid, "1", "0", &count, "0", &size, &size];
        cells.map(str::to_owned).to_vec()
    };
    let rows = listed(state, caller, names, params).await?.into_iter().map(row).collect();
    Table { columns: INDICES, usual: "", rows }.respond(params)
}

async fn all_shards(
    State(state): State<AppState>,
    caller: Caller,
    (params, headers): (Params, HeaderMap),
) -> ApiResult<Response> {
    shard_table(&state, &caller, ("", &params), &headers).await
}

async fn shards(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params, headers): (PathParams<String>, Params, HeaderMap),
) -> ApiResult<Response> {
    shard_table(&state, &caller, (&names, &params), &headers).await
}

/// Each index is one shard on the one node.
async fn shard_table(
    state: &AppState,
    caller: &Caller,
    (names, params): (&str, &Params),
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let host = match host_of(asked_at(headers)) {
        "" => NOTHING,
        host => host,
    };
    let row = |index: Listed| {
        let count = index.events_count.to_string();
        let cells = [&index.name, "0", "p", "STARTED", &count, &size_of(&index), host, NAME, NAME];
        cells.map(str::to_owned).to_vec()
    };
    let rows = listed(state, caller, names, params).await?.into_iter().map(row).collect();
    Table { columns: SHARDS, usual: SHARDS_USUAL, rows }.respond(params)
}

/// Its bytes on disk, as `_cat` writes them.
fn size_of(index: &Listed) -> String {
    index.bytes.map_or_else(|| NOTHING.to_owned(), |bytes| format!("{bytes}b"))
}

async fn count_of_all(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let indices = state.search.indices(&caller.scope).await?;
    let count: u64 = indices.iter().flat_map(|index| &index.counts).map(|(_, count)| count).sum();
    count_table(&state, count, &params)
}

async fn count(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    let request = request(names, &params, Map::new())?;
    let count = state.dsl.count(&caller.scope, &request).await?;
    count_table(&state, count, &params)
}

fn count_table(state: &AppState, count: u64, params: &Params) -> ApiResult<Response> {
    let (epoch, time) = now(state);
    Table { columns: COUNT, usual: "", rows: vec![vec![epoch, time, count.to_string()]] }.respond(params)
}

async fn all_aliases(State(state): State<AppState>, params: Params) -> ApiResult<Response> {
    alias_table(&state, "", &params).await
}

async fn aliases(
    State(state): State<AppState>,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    alias_table(&state, &names, &params).await
}

async fn alias_table(state: &AppState, names: &str, params: &Params) -> ApiResult<Response> {
    let asked = Names::of(names);
    let text = |said: &Json, key: &str| match said.get(key) {
        None | Some(Json::Null) => NOTHING.to_owned(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let shows_hidden =
        params.get("expand_wildcards").is_none_or(|shown| shown.contains("hidden") || shown.contains("all"));
    let is_shown = |said: &Json| shows_hidden || said.get("is_hidden") != Some(&Json::Bool(true));
    let mut rows = Vec::new();
    for index in definitions(state).await? {
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
    Table { columns: ALIASES, usual: "", rows }.respond(params)
}

/// Vigie has none.
async fn plugins(params: Params) -> ApiResult<Response> {
    Table { columns: PLUGINS, usual: "", rows: Vec::new() }.respond(&params)
}

/// The one node has none.
async fn node_attributes(params: Params) -> ApiResult<Response> {
    Table { columns: NODE_ATTRIBUTES, usual: "", rows: Vec::new() }.respond(&params)
}

/// Now in seconds, and as time of day in UTC.
fn now(state: &AppState) -> (String, String) {
    let now = (state.clock)();
    let text = now.to_string();
    let time = text.split('T').nth(1).and_then(|time| time.get(..8)).unwrap_or_default();
    ((now.as_nanos() / NANOS_PER_SECOND).to_string(), time.to_owned())
}
