//! What shippers set up before they send: templates, policies, pipelines, data streams, indices. It is kept and listed
//! again; the answer to a write says, in `Warning`, that nothing of it is applied.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_objects::{KeptObject, ObjectKind};
use vigie_domain::time::INDEX_PREFIX;
use vigie_domain::{Day, ErrorKind};

use super::dialect::with_warning;
use super::error::Failure;
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams, RawBody};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// What is true of everything here.
const NOT_APPLIED: &str =
    "kept and listed, but not applied: Vigie maps fields by itself and events age by its own settings";

/// Adds the routes of a kind: its list, and one of a name.
macro_rules! kind_routes {
    ($routes:expr, $path:literal, $kind:expr) => {{
        let (read, write) = (Permission::Authenticated, Permission::LogsIngest);
        $routes
            .get($path, read, async |state: State<AppState>| list(&state, $kind, "*").await)
            .get(
                concat!($path, "/{name}"),
                read,
                async |state: State<AppState>, PathParams(name): PathParams<String>| list(&state, $kind, &name).await,
            )
            .put(
                concat!($path, "/{name}"),
                write,
                async |state: State<AppState>, PathParams(name): PathParams<String>, RawBody(body): RawBody| {
                    put(&state, $kind, &name, &body).await
                },
            )
            .delete(
                concat!($path, "/{name}"),
                write,
                async |state: State<AppState>, PathParams(name): PathParams<String>| delete(&state, $kind, &name).await,
            )
    }};
}

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let routes = kind_routes!(routes, "/elasticsearch/_index_template", ObjectKind::IndexTemplate);
    let routes = kind_routes!(routes, "/elasticsearch/_component_template", ObjectKind::ComponentTemplate);
    let routes = kind_routes!(routes, "/elasticsearch/_template", ObjectKind::LegacyTemplate);
    let routes = kind_routes!(routes, "/elasticsearch/_ilm/policy", ObjectKind::LifecyclePolicy);
    let routes = kind_routes!(routes, "/elasticsearch/_ingest/pipeline", ObjectKind::Pipeline);
    let routes = kind_routes!(routes, "/elasticsearch/_data_stream", ObjectKind::DataStream);
    routes
        .get("/elasticsearch/_alias", Permission::Authenticated, all_aliases)
        .get("/elasticsearch/_alias/{name}", Permission::Authenticated, alias)
        .get("/elasticsearch/{index}", Permission::Authenticated, index)
        .put("/elasticsearch/{index}", Permission::LogsIngest, create_index)
}

async fn list(state: &AppState, kind: ObjectKind, names: &str) -> ApiResult<Response> {
    let found = state.kept_objects.find(kind, names).await?;
    if found.is_empty() && !names.contains('*') {
        return Ok(nothing_found(kind, names));
    }
    let in_list = |name: &str, list: &str, inner: &str| {
        let entry = |object: KeptObject| json!({ name: object.name, inner: object.body });
        json!({ list: found.iter().cloned().map(entry).collect::<Vec<_>>() })
    };
    let answer = match kind {
        ObjectKind::IndexTemplate => in_list("name", "index_templates", "index_template"),
        ObjectKind::ComponentTemplate => in_list("name", "component_templates", "component_template"),
        ObjectKind::DataStream => {
            json!({ "data_streams": found.iter().map(|object| data_stream(&object.name)).collect::<Vec<_>>() })
        }
        ObjectKind::LifecyclePolicy => by_name(&found, |object| {
            let policy = object.body.get("policy").unwrap_or(&object.body);
            json!({ "version": object.version, "policy": policy })
        }),
        ObjectKind::LegacyTemplate | ObjectKind::Pipeline => by_name(&found, |object| object.body.clone()),
        ObjectKind::Index => by_name(&found, index_view),
    };
    Ok(JsonAnswer(answer).into_response())
}

fn by_name(found: &[KeptObject], view: impl Fn(&KeptObject) -> Json) -> Json {
    Json::Object(found.iter().map(|object| (object.name.clone(), view(object))).collect::<Map<_, _>>())
}

fn data_stream(name: &str) -> Json {
    json!({
        "name": name,
        "timestamp_field": {"name": "@timestamp"},
        "indices": [],
        "generation": 1,
        "status": "GREEN",
        "template": name,
    })
}

fn nothing_found(kind: ObjectKind, names: &str) -> Response {
    match kind {
        // Clients of these look at the status alone.
        ObjectKind::LegacyTemplate | ObjectKind::Pipeline => {
            (StatusCode::NOT_FOUND, JsonAnswer(json!({}))).into_response()
        }
        ObjectKind::DataStream | ObjectKind::Index => {
            let reason = format!("no such {} [{names}]", kind.as_str());
            Failure::new(StatusCode::NOT_FOUND, "index_not_found_exception", reason).into_response()
        }
        ObjectKind::IndexTemplate | ObjectKind::ComponentTemplate | ObjectKind::LifecyclePolicy => {
            let reason = format!("{} matching [{names}] not found", kind.as_str());
            Failure::new(StatusCode::NOT_FOUND, "resource_not_found_exception", reason).into_response()
        }
    }
}

async fn put(state: &AppState, kind: ObjectKind, name: &str, body: &Bytes) -> ApiResult<Response> {
    state.kept_objects.put(kind, name, Json::Object(object_of(body)?)).await?;
    tracing::info!(kind = kind.as_str(), name, "a client of elasticsearch has set something up");
    Ok(acknowledged())
}

async fn delete(state: &AppState, kind: ObjectKind, name: &str) -> ApiResult<Response> {
    if !state.kept_objects.delete(kind, name).await? {
        return Ok(nothing_found(kind, name));
    }
    tracing::info!(kind = kind.as_str(), name, "a client of elasticsearch has taken something back");
    Ok(JsonAnswer(json!({ "acknowledged": true })).into_response())
}

fn acknowledged() -> Response {
    with_warning(JsonAnswer(json!({ "acknowledged": true })).into_response(), Some(NOT_APPLIED))
}

/// Whether an index is there, to `HEAD`; what it is, to `GET`.
async fn index(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(names): PathParams<String>,
) -> ApiResult<Response> {
    let mut found = state.kept_objects.find(ObjectKind::Index, &names).await?;
    found.extend(state.kept_objects.find(ObjectKind::DataStream, &names).await?);
    let mut answer = by_name(&found, index_view);
    let days = state.search.indices(&caller.scope).await?;
    for name in names.split(',') {
        let is_there = match name.strip_prefix(INDEX_PREFIX).and_then(Day::parse) {
            Some(day) => days.iter().any(|index| index.day == day),
            None => name == INDEX_PREFIX.trim_end_matches('-'),
        };
        if is_there {
            answer[name] = json!({"aliases": {}, "mappings": {}, "settings": {}});
        }
    }
    let is_empty = answer.as_object().is_none_or(Map::is_empty);
    if is_empty && !names.contains('*') && names != "_all" {
        return Ok(nothing_found(ObjectKind::Index, &names));
    }
    Ok(JsonAnswer(answer).into_response())
}

fn index_view(object: &KeptObject) -> Json {
    let part = |name: &str| object.body.get(name).cloned().unwrap_or_else(|| json!({}));
    json!({"aliases": part("aliases"), "mappings": part("mappings"), "settings": part("settings")})
}

async fn create_index(
    State(state): State<AppState>,
    PathParams(name): PathParams<String>,
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    if name.starts_with('_') {
        let reason = format!("invalid index name [{name}], must not start with '_'; Vigie has no such call");
        return Ok(Failure::new(StatusCode::BAD_REQUEST, "invalid_index_name_exception", reason).into_response());
    }
    match state.kept_objects.create(ObjectKind::Index, &name, Json::Object(object_of(&body)?)).await {
        Ok(()) => {}
        Err(error) if error.kind == ErrorKind::Conflict => {
            let reason = format!("index [{name}] already exists");
            let kind = "resource_already_exists_exception";
            return Ok(Failure::new(StatusCode::BAD_REQUEST, kind, reason).into_response());
        }
        Err(error) => return Err(error.into()),
    }
    let answer = json!({ "acknowledged": true, "shards_acknowledged": true, "index": name });
    Ok(with_warning(JsonAnswer(answer).into_response(), Some(NOT_APPLIED)))
}

async fn all_aliases(State(state): State<AppState>) -> ApiResult<Response> {
    aliases_of(&state, "*").await
}

async fn alias(State(state): State<AppState>, PathParams(name): PathParams<String>) -> ApiResult<Response> {
    aliases_of(&state, &name).await
}

/// The indices that were made with such an alias.
async fn aliases_of(state: &AppState, alias: &str) -> ApiResult<Response> {
    let is_meant = |object: &KeptObject| {
        object
            .body
            .get("aliases")
            .and_then(Json::as_object)
            .is_some_and(|aliases| alias == "*" || aliases.contains_key(alias))
    };
    let indices = state.kept_objects.find(ObjectKind::Index, "*").await?;
    let found: Vec<KeptObject> = indices.into_iter().filter(is_meant).collect();
    if found.is_empty() && alias != "*" {
        let reason = format!("alias [{alias}] missing");
        return Ok(Failure::new(StatusCode::NOT_FOUND, "aliases_not_found_exception", reason).into_response());
    }
    let view = |object: &KeptObject| json!({ "aliases": object.body.get("aliases") });
    Ok(JsonAnswer(by_name(&found, view)).into_response())
}
