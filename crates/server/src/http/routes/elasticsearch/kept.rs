//! What shippers set up before they send: templates, policies, pipelines, data streams. It is kept and listed
//! again; the answer to a write says, in `Warning`, that nothing of it is applied, unless it is a policy that only deletes.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_objects::{KeptObject, ObjectKind};
use vigie_app::retention;

use super::dialect::with_warning;
use super::error::Failure;
use super::indices::may_delete;
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams, RawBody};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// What is true of everything here.
pub(super) const NOT_APPLIED: &str =
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
                async |state: State<AppState>,
                       caller: Caller,
                       PathParams(name): PathParams<String>,
                       RawBody(body): RawBody| { put(&state, &caller, ($kind, &name), &body).await },
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
    kind_routes!(routes, "/elasticsearch/_data_stream", ObjectKind::DataStream)
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
        ObjectKind::Index => by_name(&found, |object| object.body.clone()),
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

async fn put(state: &AppState, caller: &Caller, (kind, name): (ObjectKind, &str), body: &Bytes) -> ApiResult<Response> {
    let mut body = Json::Object(object_of(body)?);
    if kind == ObjectKind::LifecyclePolicy {
        retention::agree_to_policy(&mut body, may_delete(caller));
    }
    let is_applied = kind == ObjectKind::LifecyclePolicy && retention::is_applied(&body);
    state.kept_objects.put(kind, name, body).await?;
    tracing::info!(kind = kind.as_str(), name, "a client of elasticsearch has set something up");
    let answer = JsonAnswer(json!({ "acknowledged": true })).into_response();
    Ok(with_warning(answer, (!is_applied).then_some(NOT_APPLIED)))
}

async fn delete(state: &AppState, kind: ObjectKind, name: &str) -> ApiResult<Response> {
    if name.contains('*') {
        for object in state.kept_objects.find(kind, name).await? {
            state.kept_objects.delete(kind, &object.name).await?;
        }
    } else if !state.kept_objects.delete(kind, name).await? {
        return Ok(nothing_found(kind, name));
    }
    tracing::info!(kind = kind.as_str(), name, "a client of elasticsearch has taken something back");
    Ok(JsonAnswer(json!({ "acknowledged": true })).into_response())
}
