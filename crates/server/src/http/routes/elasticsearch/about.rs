//! What clients ask before they send: who is there, in which version, with which licence, and whether it is well.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_domain::ports::IndexInfo;

use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::JsonAnswer;
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Clients know a server by this sentence.
const TAGLINE: &str = "You Know, for Search";
/// What a cluster and its only node are called.
pub(super) const NAME: &str = "vigie";
/// Elasticsearch's own word for an id that there is none of.
const NO_ID: &str = "_na_";
/// Port that is meant when a host is named without one.
const HTTP_PORT: u16 = 80;
/// The same when browsers reach Vigie over https.
const HTTPS_PORT: u16 = 443;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let any_login = Permission::Authenticated;
    let routes = routes
        .get("/elasticsearch", any_login, info)
        .get("/elasticsearch/", any_login, info)
        .get("/elasticsearch/_license", any_login, license)
        .get("/elasticsearch/_xpack", any_login, xpack)
        .get("/elasticsearch/_cluster/health", any_login, health)
        .get("/elasticsearch/_cluster/health/{index}", any_login, health)
        .get("/elasticsearch/_cluster/settings", any_login, cluster_settings)
        .get("/elasticsearch/_cluster/stats", Permission::LogsRead, cluster_stats)
        .get("/elasticsearch/_nodes", any_login, nodes)
        .get("/elasticsearch/_nodes/{which}", any_login, nodes)
        .get("/elasticsearch/_nodes/{which}/{what}", any_login, nodes);
    ["_refresh", "_flush"].into_iter().fold(routes, |routes, call| {
        let (all, one) = match call {
            "_refresh" => ("/elasticsearch/_refresh", "/elasticsearch/{index}/_refresh"),
            _ => ("/elasticsearch/_flush", "/elasticsearch/{index}/_flush"),
        };
        routes
            .get(all, any_login, nothing_to_do)
            .post(all, any_login, nothing_to_do)
            .get(one, any_login, nothing_to_do)
            .post(one, any_login, nothing_to_do)
    })
}

/// Name and version.
async fn info(State(state): State<AppState>) -> JsonAnswer<Json> {
    JsonAnswer(json!({
        "name": NAME,
        "cluster_name": NAME,
        "cluster_uuid": NO_ID,
        "version": {
            "number": state.elasticsearch_node.version,
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": concat!("vigie-", env!("CARGO_PKG_VERSION")),
            "build_date": "1970-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "0.0.0",
            "minimum_wire_compatibility_version": "7.0.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": TAGLINE,
    }))
}

/// Logstash goes on only with an active licence.
async fn license() -> JsonAnswer<Json> {
    JsonAnswer(json!({ "license": {
        "status": "active",
        "uid": NO_ID,
        "type": "basic",
        "issue_date": "1970-01-01T00:00:00.000Z",
        "issue_date_in_millis": 0,
        "max_nodes": null,
        "max_resource_units": null,
        "issued_to": NAME,
        "issuer": NAME,
        "start_date_in_millis": -1,
    }}))
}

/// Beats of version 7 ask it whether there is index lifecycle management.
async fn xpack() -> JsonAnswer<Json> {
    let feature = json!({"available": true, "enabled": true});
    JsonAnswer(json!({
        "build": {"hash": concat!("vigie-", env!("CARGO_PKG_VERSION")), "date": "1970-01-01T00:00:00.000Z"},
        "license": {"uid": NO_ID, "type": "basic", "mode": "basic", "status": "active"},
        "features": {"ilm": feature, "security": feature, "data_streams": feature},
        "tagline": TAGLINE,
    }))
}

/// Green when Vigie can take events and answer questions, else red.
async fn health(State(state): State<AppState>) -> JsonAnswer<Json> {
    JsonAnswer(json!({
        "cluster_name": NAME,
        "status": colour(&state).await,
        "timed_out": false,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": 1,
        "active_shards": 1,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }))
}

/// Clusters have settings that are changed while they run; Vigie's are in its file.
async fn cluster_settings() -> JsonAnswer<Json> {
    JsonAnswer(json!({"persistent": {}, "transient": {}}))
}

/// How many indices, events and bytes there are.
async fn cluster_stats(State(state): State<AppState>, caller: Caller) -> ApiResult<JsonAnswer<Json>> {
    let indices = state.search.indices(&caller.scope).await?;
    let (events_count, bytes): (u64, u64) =
        (indices.iter().map(IndexInfo::events_count).sum(), indices.iter().map(IndexInfo::bytes).sum());
    Ok(JsonAnswer(json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0},
        "cluster_name": NAME,
        "cluster_uuid": NO_ID,
        "timestamp": (state.clock)().as_millis(),
        "status": colour(&state).await,
        "indices": {
            "count": indices.len(),
            "shards": {"total": indices.len(), "primaries": indices.len(), "replication": 0.0},
            "docs": {"count": events_count, "deleted": 0},
            "store": {"size_in_bytes": bytes, "reserved_in_bytes": 0},
            "segments": {"count": indices.iter().map(|index| index.segments.len()).sum::<usize>()},
        },
        "nodes": {
            "count": {"total": 1, "data": 1, "ingest": 1, "master": 1},
            "versions": [state.elasticsearch_node.version],
        },
    })))
}

/// How Vigie is, as the colour of a cluster.
pub(super) async fn colour(state: &AppState) -> &'static str {
    let outcomes = state.readiness.check().await;
    if outcomes.iter().all(|outcome| outcome.is_ok) { "green" } else { "red" }
}

/// The one node there is. Clients that look for nodes go on with the address under which they asked.
async fn nodes(State(state): State<AppState>, headers: HeaderMap) -> JsonAnswer<Json> {
    let asked_at = asked_at(&headers);
    let address = with_port(asked_at, if state.cookies.is_https { HTTPS_PORT } else { HTTP_PORT });
    let attributes = &state.elasticsearch_node.attributes;
    let attributes: Map<String, Json> = attributes.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let node = json!({
        "name": NAME,
        "version": state.elasticsearch_node.version,
        "build_flavor": "default",
        "roles": ["data", "ingest", "master"],
        "attributes": attributes,
        "host": asked_at,
        "http": {"bound_address": [address], "publish_address": address, "max_content_length_in_bytes": state.limits.ingest_bytes_max},
    });
    JsonAnswer(json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0},
        "cluster_name": NAME,
        "nodes": {NAME: node},
    }))
}

/// The address under which the client asks, which is where it reaches the node.
pub(super) fn asked_at(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// Host and port of an address; a host in brackets has colons of its own.
pub(super) fn split_address(asked_at: &str) -> (&str, Option<&str>) {
    match asked_at.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, Some(port)),
        _ => (asked_at, None),
    }
}

/// `host:port`, with this port unless it has one.
fn with_port(host: &str, port: u16) -> String {
    if split_address(host).1.is_none() { format!("{host}:{port}") } else { host.to_owned() }
}

/// What is acknowledged is found and on disk, so there is nothing to refresh or to flush.
async fn nothing_to_do() -> JsonAnswer<Json> {
    JsonAnswer(json!({ "_shards": {"total": 1, "successful": 1, "failed": 0} }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_node_has_a_port() {
        let check = |host: &str, expected: &str| assert_eq!(with_port(host, HTTPS_PORT), expected);
        check("logs.example.com", "logs.example.com:443");
        check("127.0.0.1:9200", "127.0.0.1:9200");
        check("[::1]", "[::1]:443");
        check("[::1]:9200", "[::1]:9200");
        let check = |address: &str, expected: (&str, Option<&str>)| assert_eq!(split_address(address), expected);
        check("logs.example.com:443", ("logs.example.com", Some("443")));
        check("logs.example.com", ("logs.example.com", None));
        check("[::1]:9200", ("[::1]", Some("9200")));
        check("[::1]", ("[::1]", None));
    }
}
