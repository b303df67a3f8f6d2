//! Aliases of the indices that clients made. To searches an alias stands for its indices; an event keeps the name it was sent to.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::found_aliases::find_aliases;
use vigie_app::kept_indices::{self, Names, aliases_of};
use vigie_app::kept_objects::{KeptObject, ObjectKind};
use vigie_domain::{Error, Result};

use super::error::Failure;
use super::indices::{check_params, define_written, definitions, no_such_index};
use super::params::Params;
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams, RawBody};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Changes of one `_aliases`.
const CHANGES_MAX: usize = 1_000;

/// Adds the two spellings of the calls that change an alias of an index.
macro_rules! spellings {
    ($routes:expr, $($name:literal),+) => {{
        let write = Permission::LogsIngest;
        let routes = $routes;
        $(let routes = routes
            .put(concat!("/elasticsearch/{index}/", $name, "/{name}"), write, put_named)
            .post(concat!("/elasticsearch/{index}/", $name, "/{name}"), write, put_named)
            .delete(concat!("/elasticsearch/{index}/", $name, "/{name}"), write, delete)
            .put(concat!("/elasticsearch/", $name, "/{name}"), write, put_name)
            .post(concat!("/elasticsearch/", $name, "/{name}"), write, put_name)
            .put(concat!("/elasticsearch/{index}/", $name), write, put_index)
            .put(concat!("/elasticsearch/", $name), write, put_body);)+
        routes
    }};
}

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::Authenticated;
    let routes = spellings!(routes, "_alias", "_aliases");
    routes
        .get("/elasticsearch/_alias", read, all_aliases)
        .get("/elasticsearch/_alias/{name}", read, alias)
        .get("/elasticsearch/{index}/_alias", read, aliases_of_index)
        .get("/elasticsearch/{index}/_alias/{name}", read, alias_of_index)
        .post("/elasticsearch/_aliases", Permission::LogsIngest, update)
}

async fn all_aliases(State(state): State<AppState>, params: Params) -> ApiResult<Response> {
    shown(&state, None, None, &params).await
}

async fn alias(
    State(state): State<AppState>,
    (PathParams(name), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    shown(&state, None, Some(&name), &params).await
}

async fn aliases_of_index(
    State(state): State<AppState>,
    (PathParams(index), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    shown(&state, Some(&index), None, &params).await
}

async fn alias_of_index(
    State(state): State<AppState>,
    (PathParams((index, name)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    shown(&state, Some(&index), Some(&name), &params).await
}

/// The aliases that are meant, of the indices that are; with 404 when one that is named is not there.
async fn shown(state: &AppState, indices: Option<&str>, names: Option<&str>, params: &Params) -> ApiResult<Response> {
    check_params(params, &[])?;
    let known = match meant(definitions(state).await?, indices.unwrap_or_default()) {
        Ok(known) => known,
        Err(missing) if params.is_on("ignore_unavailable") => missing.others,
        Err(missing) => return Ok(no_such_index(&missing.name)),
    };
    let found = find_aliases(&known, names);
    if found.missing.is_empty() {
        return Ok(JsonAnswer(Json::Object(found.indices)).into_response());
    }
    let word = if found.missing.len() == 1 { "alias" } else { "aliases" };
    let mut answer = found.indices;
    answer.insert("error".to_owned(), Json::from(format!("{word} [{}] missing", found.missing.join(","))));
    answer.insert("status".to_owned(), Json::from(404));
    Ok((StatusCode::NOT_FOUND, JsonAnswer(Json::Object(answer))).into_response())
}

/// A name that no index has, and the indices that were meant beside it.
struct Missing {
    name: String,
    others: Vec<KeptObject>,
}

fn meant(known: Vec<KeptObject>, names: &str) -> std::result::Result<Vec<KeptObject>, Missing> {
    let asked = Names::of(names);
    let meant: Vec<KeptObject> = known.into_iter().filter(|index| asked.mean(&index.name)).collect();
    match asked.single().find(|name| !meant.iter().any(|index| index.name == *name)) {
        Some(name) => Err(Missing { name: name.to_owned(), others: meant }),
        None => Ok(meant),
    }
}

async fn put_named(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, name)), params): (PathParams<(String, String)>, Params),
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    put((&state, &caller), Some(index), Some(name), &params, &body).await
}

async fn put_name(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(name), params): (PathParams<String>, Params),
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    put((&state, &caller), None, Some(name), &params, &body).await
}

async fn put_index(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    put((&state, &caller), Some(index), None, &params, &body).await
}

async fn put_body(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    put((&state, &caller), None, None, &params, &body).await
}

/// Adds an alias; what the body names goes before what the path does.
async fn put(
    (state, caller): (&AppState, &Caller),
    index: Option<String>,
    name: Option<String>,
    params: &Params,
    body: &Bytes,
) -> ApiResult<Response> {
    check_params(params, &[])?;
    let said = object_of(body)?;
    let text = |key: &str| said.get(key).and_then(Json::as_str).map(str::to_owned);
    let index = text("index").or(index).filter(|index| !index.is_empty());
    let name = text("alias").or(name).filter(|name| !name.is_empty());
    let (Some(index), Some(name)) = (index, name) else {
        return Err(Error::malformed(
            "an alias needs the name of an index and a name of its own: PUT /{index}/_alias/{name}",
        )
        .into());
    };
    let change =
        Change::Add { indices: index, aliases: vec![name], said: kept_indices::alias_of(&Json::Object(said))? };
    apply(state, caller, vec![change]).await
}

async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((index, name)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    check_params(&params, &[])?;
    apply(&state, &caller, vec![Change::Remove { indices: index, aliases: name, must_exist: true }]).await
}

async fn update(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    check_params(&params, &[])?;
    let object = object_of(&body)?;
    let actions = object.get("actions").and_then(Json::as_array).filter(|actions| !actions.is_empty());
    let actions =
        actions.ok_or_else(|| Error::malformed_field("actions", "[actions] must be a list of add and remove"))?;
    if actions.len() > CHANGES_MAX {
        return Err(Error::malformed_field(
            "actions",
            format!("{} actions are more than {CHANGES_MAX}", actions.len()),
        )
        .into());
    }
    apply(&state, &caller, actions.iter().map(Change::read).collect::<Result<_>>()?).await
}

/// A change of aliases.
enum Change {
    Add { indices: String, aliases: Vec<String>, said: Json },
    Remove { indices: String, aliases: String, must_exist: bool },
}

impl Change {
    fn read(action: &Json) -> Result<Self> {
        let single = action.as_object().filter(|parts| parts.len() == 1).and_then(|parts| parts.iter().next());
        let (name, said) = single.and_then(|(name, said)| Some((name, said.as_object()?))).ok_or_else(|| {
            Error::malformed_field(
                "actions",
                "each action is an object such as {\"add\": {\"index\": …, \"alias\": …}}",
            )
        })?;
        let list = |one: &str, many: &str| -> Vec<String> {
            let of = |json: &Json| match json {
                Json::Array(names) => names.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
                other => other.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>(),
            };
            said.get(one).or_else(|| said.get(many)).map(of).unwrap_or_default()
        };
        let (indices, aliases) = (list("index", "indices"), list("alias", "aliases"));
        if indices.is_empty() || aliases.is_empty() {
            return Err(Error::malformed(format!(
                "One of [index] or [indices] and of [alias] or [aliases] is required by [{name}]"
            )));
        }
        let indices = indices.join(",");
        match name.as_str() {
            "add" => {
                let mut said = said.clone();
                said.retain(|key, _| !matches!(key.as_str(), "indices" | "aliases"));
                Ok(Self::Add { indices, aliases, said: kept_indices::alias_of(&Json::Object(said))? })
            }
            "remove" => {
                let must_exist = said.get("must_exist").and_then(Json::as_bool).unwrap_or(true);
                Ok(Self::Remove { indices, aliases: aliases.join(","), must_exist })
            }
            other => Err(Error::malformed(format!("[aliases] unknown action [{other}]; use add or remove"))),
        }
    }
}

/// Applies changes in their order, once all of them are known to be possible.
async fn apply(state: &AppState, caller: &Caller, changes: Vec<Change>) -> ApiResult<Response> {
    for change in &changes {
        let (Change::Add { indices, .. } | Change::Remove { indices, .. }) = change;
        define_written(state, caller, indices).await?;
    }
    let known = definitions(state).await?;
    for change in &changes {
        let (indices, refused) = match change {
            Change::Add { indices, aliases, .. } => (indices, refusal(aliases, &known)),
            Change::Remove { indices, aliases, must_exist } => (indices, gone(indices, aliases, *must_exist, &known)),
        };
        if let Err(missing) = meant(known.clone(), indices) {
            return Ok(no_such_index(&missing.name));
        }
        if let Some(failure) = refused {
            return Ok(failure.into_response());
        }
    }
    for change in changes {
        let (Change::Add { indices, .. } | Change::Remove { indices, .. }) = &change;
        for index in known.iter().filter(|index| Names::of(indices).mean(&index.name)) {
            state.kept_objects.change(ObjectKind::Index, &index.name, |body| Ok(changed(body, &change))).await?;
        }
    }
    Ok(JsonAnswer(json!({ "acknowledged": true })).into_response())
}

fn refusal(aliases: &[String], known: &[KeptObject]) -> Option<Failure> {
    let invalid = |reason: String| Failure::new(StatusCode::BAD_REQUEST, "invalid_alias_name_exception", reason);
    aliases.iter().find_map(|alias| match kept_indices::check_alias_name(alias) {
        Err(error) => Some(invalid(error.message)),
        Ok(()) if known.iter().any(|index| index.name == *alias) => Some(invalid(format!(
            "Invalid alias name [{alias}]: an index or data stream exists with the same name as the alias"
        ))),
        Ok(()) => None,
    })
}

/// The failure when nothing of that name is there to be removed.
fn gone(indices: &str, aliases: &str, must_exist: bool, known: &[KeptObject]) -> Option<Failure> {
    let (indices, asked) = (Names::of(indices), Names::of(aliases));
    let mut own = known.iter().filter(|index| indices.mean(&index.name)).filter_map(aliases_of).flatten();
    let is_there = own.any(|(alias, _)| asked.mean(alias));
    (must_exist && !is_there).then(|| {
        let reason = format!("aliases [{aliases}] missing");
        Failure::new(StatusCode::NOT_FOUND, "aliases_not_found_exception", reason)
    })
}

fn changed(mut body: Json, change: &Change) -> Json {
    if !body.is_object() {
        body = json!({});
    }
    let mut own: Map<String, Json> = body.get("aliases").and_then(Json::as_object).cloned().unwrap_or_default();
    match change {
        Change::Add { aliases, said, .. } => own.extend(aliases.iter().map(|alias| (alias.clone(), said.clone()))),
        Change::Remove { aliases, .. } => own.retain(|alias, _| !Names::of(aliases).mean(alias)),
    }
    body["aliases"] = Json::Object(own);
    body
}
