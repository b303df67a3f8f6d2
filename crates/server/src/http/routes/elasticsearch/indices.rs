//! Indices that clients make: their definitions, and which names are there.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl::DslRequest;
use vigie_app::kept_indices::{self, Names, aliases_of};
use vigie_app::kept_objects::{KeptObject, ObjectKind};
use vigie_app::retention::agree_to_index;
use vigie_domain::time::INDEX_PREFIX;
use vigie_domain::{Error, ErrorKind};
use vigie_pipeline::is_daily_index;

use super::dialect::with_warning;
use super::error::Failure;
use super::kept::NOT_APPLIED;
use super::params::Params;
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams, RawBody};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Parameters of calls about indices that change nothing here.
const NAMING_PARAMS: [&str; 12] = [
    "allow_no_indices",
    "expand_wildcards",
    "ignore_unavailable",
    "include_defaults",
    "include_type_name",
    "flat_settings",
    "local",
    "master_timeout",
    "cluster_manager_timeout",
    "timeout",
    "wait_for_active_shards",
    "features",
];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let (read, write) = (Permission::Authenticated, Permission::LogsIngest);
    routes
        .get("/elasticsearch/{index}", read, index)
        .put("/elasticsearch/{index}", write, create_index)
        .delete("/elasticsearch/{index}", write, delete_index)
        .get("/elasticsearch/_resolve/index/{name}", read, resolve)
}

/// The definitions of indices, by name.
pub(super) async fn definitions(state: &AppState) -> ApiResult<Vec<KeptObject>> {
    Ok(state.kept_objects.find(ObjectKind::Index, "*").await?)
}

/// Makes definitions for names that events were sent under and nobody made an index of.
pub(super) async fn define_written(state: &AppState, caller: &Caller, names: &str) -> ApiResult<()> {
    let known = definitions(state).await?;
    for name in Names::of(names).single().filter(|name| is_undefined(name, &known)) {
        if has_events(state, caller, name).await? {
            state.kept_objects.put(ObjectKind::Index, name, json!({})).await?;
        }
    }
    Ok(())
}

/// The same for names that are known to have events: an index stays when its last one is deleted.
pub(super) async fn define(state: &AppState, names: &BTreeSet<&str>) -> ApiResult<()> {
    let known = definitions(state).await?;
    for name in names.iter().filter(|name| is_undefined(name, &known)) {
        state.kept_objects.put(ObjectKind::Index, name, json!({})).await?;
    }
    Ok(())
}

/// Whether an index may be made of that name, and neither one nor an alias is called so.
fn is_undefined(name: &str, known: &[KeptObject]) -> bool {
    let is_alias = |index: &KeptObject| aliases_of(index).is_some_and(|aliases| aliases.contains_key(name));
    let is_known = || known.iter().any(|index| index.name == name || is_alias(index));
    !is_daily_index(name) && kept_indices::check_name(name).is_ok() && !is_known()
}

/// Whether the caller may delete events.
pub(super) fn may_delete(caller: &Caller) -> bool {
    caller.account.require(Permission::LogsDelete).is_ok()
}

/// The answer to a name that nothing has.
pub(super) fn no_such_index(name: &str) -> Response {
    let reason = format!("no such index [{name}]");
    Failure::new(StatusCode::NOT_FOUND, "index_not_found_exception", reason).into_response()
}

/// Refuses a parameter that no call about indices has.
pub(super) fn check_params(params: &Params, own: &[&str]) -> ApiResult<()> {
    params.check(&[&NAMING_PARAMS, own].concat())
}

/// Whether events lie under that name, or in the daily index called so.
pub(super) async fn has_events(state: &AppState, caller: &Caller, name: &str) -> ApiResult<bool> {
    Ok(state.dsl.is_there(&caller.scope, name).await?)
}

/// Whether an index is there, to `HEAD`; what it is, to `GET`.
async fn index(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    check_params(&params, &[])?;
    let asked = Names::of(&names);
    let mut found = definitions(&state).await?;
    found.extend(state.kept_objects.find(ObjectKind::DataStream, "*").await?);
    let is_meant = |object: &KeptObject| {
        let aliases = aliases_of(object).into_iter().flatten();
        asked.mean(&object.name) || aliases.map(|(alias, _)| alias).any(|alias| asked.mean(alias))
    };
    let mut answer: Map<String, Json> =
        found.iter().filter(|object| is_meant(object)).map(|object| (object.name.clone(), view(object))).collect();
    for name in asked.single() {
        let is_alias = found.iter().any(|index| aliases_of(index).is_some_and(|aliases| aliases.contains_key(name)));
        let is_known = answer.contains_key(name) || is_alias;
        if !is_known && (name == INDEX_PREFIX.trim_end_matches('-') || has_events(&state, &caller, name).await?) {
            answer.insert(name.to_owned(), json!({"aliases": {}, "mappings": {}, "settings": {}}));
        } else if !is_known && !params.is_on("ignore_unavailable") {
            return Ok(no_such_index(name));
        }
    }
    Ok(JsonAnswer(Json::Object(answer)).into_response())
}

/// A definition as it is shown.
fn view(object: &KeptObject) -> Json {
    let part = |name: &str| object.body.get(name).cloned().unwrap_or_else(|| json!({}));
    json!({"aliases": part("aliases"), "mappings": part("mappings"), "settings": part("settings")})
}

async fn create_index(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(name), params): (PathParams<String>, Params),
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    check_params(&params, &[])?;
    if let Err(error) = kept_indices::check_name(&name) {
        let kind = "invalid_index_name_exception";
        return Ok(Failure::new(StatusCode::BAD_REQUEST, kind, error.message).into_response());
    }
    let mut definition = kept_indices::definition(object_of(&body)?)?;
    kept_indices::check_settings(&name, &definition)?;
    agree_to_index(&mut definition, may_delete(&caller));
    let warning = kept_indices::is_unapplied(&definition).then_some(NOT_APPLIED);
    definition[kept_indices::CREATED_AT] = Json::from((state.clock)().as_millis());
    match state.kept_objects.create(ObjectKind::Index, &name, definition).await {
        Ok(()) => {}
        Err(error) if error.kind == ErrorKind::Conflict => {
            let reason = format!("index [{name}] already exists");
            let kind = "resource_already_exists_exception";
            return Ok(Failure::new(StatusCode::BAD_REQUEST, kind, reason).into_response());
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(name, "a client of elasticsearch has made an index");
    let answer = json!({ "acknowledged": true, "shards_acknowledged": true, "index": name });
    Ok(with_warning(JsonAnswer(answer).into_response(), warning))
}

/// Deletes the events of indices and forgets their definitions. What holds events must be named: no pattern deletes any.
async fn delete_index(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    check_params(&params, &[])?;
    let (asked, known) = (Names::of(&names), definitions(&state).await?);
    let meant: Vec<&KeptObject> = known.iter().filter(|index| asked.mean(&index.name)).collect();
    let ignores_missing = params.is_on("ignore_unavailable");
    for name in asked.single().filter(|name| !meant.iter().any(|index| index.name == *name)) {
        let is_alias = known.iter().any(|index| aliases_of(index).is_some_and(|aliases| aliases.contains_key(name)));
        if is_alias && ignores_missing {
            continue;
        }
        if is_alias {
            return Err(Error::malformed(format!(
                "The provided expression [{name}] matches an alias, specify the corresponding concrete indices instead."
            ))
            .into());
        }
        if has_events(&state, &caller, name).await? {
            continue;
        }
        if !ignores_missing {
            return Ok(no_such_index(name));
        }
    }
    let has_none = || meant.is_empty() || asked.have_empty_pattern(known.iter().map(|index| index.name.as_str()));
    if params.get("allow_no_indices") == Some("false") && has_none() {
        return Ok(no_such_index(&names));
    }
    let with_events = with_events(&state, &caller, (&asked, &known)).await?;
    let all_days = INDEX_PREFIX.trim_end_matches('-');
    let is_named = |name: &&String| *name != all_days && asked.single().any(|single| single == *name);
    if let Some(name) = with_events.iter().find(|name| !is_named(name)) {
        return Ok(holds_events(name, "a pattern deletes none: name it"));
    }
    if let Some(name) = with_events.iter().next() {
        if !may_delete(&caller) {
            return Ok(holds_events(name, "deleting them needs the role \"admin\""));
        }
        let body = Map::from_iter([("query".to_owned(), json!({"match_all": {}}))]);
        let indices = with_events.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        let request = DslRequest { indices, body, ignores_missing: true, ..DslRequest::default() };
        let event_count = state.dsl.delete_by_query(&caller.scope, &request).await?;
        let user = &caller.account.username;
        tracing::info!(user, indices = request.indices, event_count, "the events of indices were deleted");
    }
    for index in meant {
        state.kept_objects.delete(ObjectKind::Index, &index.name).await?;
        tracing::info!(name = index.name, "a client of elasticsearch has deleted an index");
    }
    Ok(JsonAnswer(json!({ "acknowledged": true })).into_response())
}

/// The indices that are asked for and hold events: those of days, those that were made, and names that events were sent under.
async fn with_events(
    state: &AppState,
    caller: &Caller,
    (asked, known): (&Names<'_>, &[KeptObject]),
) -> ApiResult<BTreeSet<String>> {
    let days = state.search.indices(&caller.scope).await?;
    let days = days.iter().map(|day| day.day.index_name()).filter(|name| asked.mean(name));
    let mut found: BTreeSet<String> = days.collect();
    if !asked.are_all_single() {
        let sent = state.dsl.sent_counts(&caller.scope).await?;
        found.extend(sent.into_keys().filter(|name| asked.mean(name)));
    }
    let made = known.iter().map(|index| index.name.as_str()).filter(|name| asked.mean(name));
    for name in made.chain(asked.single()) {
        if !found.contains(name) && has_events(state, caller, name).await? {
            found.insert(name.to_owned());
        }
    }
    Ok(found)
}

fn holds_events(name: &str, advice: &str) -> Response {
    let reason = format!(
        "index [{name}] holds events, and {advice}; or let them go with age, by the setting \"lifecycle.delete_after_days\""
    );
    Failure::new(StatusCode::BAD_REQUEST, "illegal_argument_exception", reason).into_response()
}

/// What the names mean: indices, aliases, data streams.
async fn resolve(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<JsonAnswer<Json>> {
    check_params(&params, &[])?;
    let (asked, known) = (Names::of(&names), definitions(&state).await?);
    let mut indices: Vec<Json> = Vec::new();
    let mut aliases: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for index in &known {
        let mut own: Vec<&str> = aliases_of(index).into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        own.sort_unstable();
        for alias in own.iter().filter(|alias| asked.mean(alias)) {
            aliases.entry(alias).or_default().push(&index.name);
        }
        if asked.mean(&index.name) {
            let mut shown = json!({"name": index.name, "attributes": ["open"]});
            if !own.is_empty() {
                shown["aliases"] = json!(own);
            }
            indices.push(shown);
        }
    }
    for day in state.search.indices(&caller.scope).await? {
        let name = day.day.index_name();
        if asked.mean(&name) {
            indices.push(json!({"name": name, "attributes": ["open"]}));
        }
    }
    indices.sort_by(|left, right| left["name"].as_str().cmp(&right["name"].as_str()));
    let aliases: Vec<Json> =
        aliases.into_iter().map(|(name, indices)| json!({"name": name, "indices": indices})).collect();
    let streams = state.kept_objects.find(ObjectKind::DataStream, "*").await?;
    let streams: Vec<Json> = streams
        .iter()
        .filter(|stream| asked.mean(&stream.name))
        .map(|stream| json!({"name": stream.name, "backing_indices": [], "timestamp_field": "@timestamp"}))
        .collect();
    Ok(JsonAnswer(json!({"indices": indices, "aliases": aliases, "data_streams": streams})))
}
