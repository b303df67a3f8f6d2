//! What was said of indices that clients made: their mappings grow, their settings are shown and changed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::{self, Names, aliases_of};
use vigie_app::kept_objects::{KeptObject, ObjectKind};
use vigie_domain::query::glob::glob_matches;

use super::dialect::with_warning;
use super::indices::{check_params, define_written, definitions, no_such_index};
use super::kept::NOT_APPLIED;
use super::params::Params;
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams, RawBody};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let (read, write) = (Permission::Authenticated, Permission::LogsIngest);
    routes
        .put("/elasticsearch/{index}/_mapping", write, put_mapping)
        .post("/elasticsearch/{index}/_mapping", write, put_mapping)
        .get("/elasticsearch/_settings", read, all_settings)
        .get("/elasticsearch/{index}/_settings", read, settings)
        .get("/elasticsearch/{index}/_settings/{name}", read, named_settings)
        .put("/elasticsearch/{index}/_settings", write, put_settings)
}

/// The indices that the names mean, aliases for their indices, or the name that nothing has.
fn meant<'k>(names: &str, known: &'k [KeptObject]) -> Result<Vec<&'k KeptObject>, String> {
    let asked = Names::of(names);
    let is_called = |index: &&KeptObject, is_name: &dyn Fn(&str) -> bool| {
        is_name(&index.name) || aliases_of(index).into_iter().flatten().any(|(alias, _)| is_name(alias))
    };
    match asked.single().find(|name| !known.iter().any(|index| is_called(&index, &|known| known == *name))) {
        Some(missing) => Err(missing.to_owned()),
        None => Ok(known.iter().filter(|index| is_called(index, &|name| asked.mean(name))).collect()),
    }
}

async fn put_mapping(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    check_params(&params, &["write_index_only"])?;
    let more = object_of(&body)?;
    define_written(&state, &caller, &names).await?;
    let known = definitions(&state).await?;
    let indices = match meant(&names, &known) {
        Ok(indices) => indices,
        Err(missing) => return Ok(no_such_index(&missing)),
    };
    let mut is_applied = true;
    // What one of them refuses changes none.
    for index in &indices {
        is_applied &= !kept_indices::is_unapplied(&kept_indices::with_mapping(index.body.clone(), &more)?);
    }
    for index in indices {
        let change = |body: Json| kept_indices::with_mapping(body, &more);
        state.kept_objects.change(ObjectKind::Index, &index.name, change).await?;
    }
    let answer = JsonAnswer(json!({ "acknowledged": true })).into_response();
    Ok(with_warning(answer, (!is_applied).then_some(NOT_APPLIED)))
}

async fn all_settings(State(state): State<AppState>, params: Params) -> ApiResult<Response> {
    shown(&state, "", "*", &params).await
}

async fn settings(
    State(state): State<AppState>,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    shown(&state, &names, "*", &params).await
}

async fn named_settings(
    State(state): State<AppState>,
    (PathParams((names, setting)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    shown(&state, &names, &setting, &params).await
}

/// Settings as they were sent, values as text, which is how Elasticsearch shows them.
async fn shown(state: &AppState, names: &str, patterns: &str, params: &Params) -> ApiResult<Response> {
    check_params(params, &[])?;
    let known = definitions(state).await?;
    let indices = match meant(names, &known) {
        Ok(indices) => indices,
        Err(_) if params.is_on("ignore_unavailable") => Vec::new(),
        Err(missing) => return Ok(no_such_index(&missing)),
    };
    let is_wanted = |name: &str| patterns.split(',').any(|pattern| pattern == "_all" || glob_matches(pattern, name));
    let is_flat = params.is_on("flat_settings");
    let of_index = |index: &KeptObject| {
        let mut settings = Map::new();
        for (name, value) in flat_settings(index).into_iter().filter(|(name, _)| is_wanted(name)) {
            if is_flat {
                settings.insert(name, value);
            } else {
                put(&mut settings, &name.split('.').collect::<Vec<_>>(), value);
            }
        }
        (index.name.clone(), json!({ "settings": settings }))
    };
    Ok(JsonAnswer(Json::Object(indices.into_iter().map(of_index).collect())).into_response())
}

/// Settings by their whole names.
fn flat_settings(index: &KeptObject) -> Vec<(String, Json)> {
    let mut flat = vec![("index.provided_name".to_owned(), Json::from(index.name.clone()))];
    flatten(index.body.get("settings").unwrap_or(&Json::Null), "", &mut flat);
    for (name, _) in &mut flat {
        if !name.starts_with("index.") {
            name.insert_str(0, "index.");
        }
    }
    flat
}

fn flatten(json: &Json, prefix: &str, flat: &mut Vec<(String, Json)>) {
    match json {
        Json::Object(fields) => {
            for (name, inner) in fields {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(inner, &path, flat);
            }
        }
        Json::Null => {}
        Json::Array(_) | Json::String(_) => flat.push((prefix.to_owned(), json.clone())),
        Json::Bool(_) | Json::Number(_) => flat.push((prefix.to_owned(), Json::from(json.to_string()))),
    }
}

fn put(settings: &mut Map<String, Json>, path: &[&str], value: Json) {
    match path {
        [] => {}
        [name] => drop(settings.insert((*name).to_owned(), value)),
        [name, rest @ ..] => {
            let inner = settings.entry((*name).to_owned()).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

/// Settings are kept under their whole names, so that one that is sent again takes the place of the one before.
async fn put_settings(
    State(state): State<AppState>,
    (PathParams(names), params): (PathParams<String>, Params),
    RawBody(body): RawBody,
) -> ApiResult<Response> {
    check_params(&params, &["preserve_existing"])?;
    let sent = object_of(&body)?;
    let sent = sent.get("settings").cloned().unwrap_or(Json::Object(sent));
    let known = definitions(&state).await?;
    let indices = match meant(&names, &known) {
        Ok(indices) => indices,
        Err(missing) => return Ok(no_such_index(&missing)),
    };
    let (keeps_old, mut is_applied) = (params.is_on("preserve_existing"), true);
    for index in indices {
        let settings = with_settings(index, &sent, keeps_old);
        is_applied &= !kept_indices::is_unapplied(&json!({ "settings": settings }));
        let change = |mut body: Json| {
            body["settings"] = Json::Object(settings.clone());
            Ok(body)
        };
        state.kept_objects.change(ObjectKind::Index, &index.name, change).await?;
    }
    let answer = JsonAnswer(json!({ "acknowledged": true })).into_response();
    Ok(with_warning(answer, (!is_applied).then_some(NOT_APPLIED)))
}

fn with_settings(index: &KeptObject, sent: &Json, keeps_old: bool) -> Map<String, Json> {
    let more = KeptObject { name: index.name.clone(), body: json!({ "settings": sent }), version: 0 };
    let (old, new) = (flat_settings(index), flat_settings(&more));
    let all = if keeps_old { [new, old] } else { [old, new] };
    let own = |(name, _): &(String, Json)| name != "index.provided_name";
    all.into_iter().flatten().filter(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_whole_names_however_they_are_sent() {
        let index =
            |settings: Json| KeptObject { name: "shop".into(), body: json!({ "settings": settings }), version: 1 };
        let first = index(json!({"number_of_replicas": 0, "index": {"hidden": true}, "index.codec": "best"}));
        let settings = with_settings(&first, &json!({"index": {"hidden": false}}), false);
        assert_eq!(
            Json::Object(settings),
            json!({"index.number_of_replicas": "0", "index.hidden": "false", "index.codec": "best"})
        );
        let kept = with_settings(&first, &json!({"hidden": false, "blocks": {"read_only": true}}), true);
        assert_eq!((&kept["index.hidden"], &kept["index.blocks.read_only"]), (&json!("true"), &json!("true")));
        let mut nested = Map::new();
        put(&mut nested, &["index", "blocks", "read_only"], json!("true"));
        put(&mut nested, &["index", "codec"], json!("best"));
        assert_eq!(Json::Object(nested), json!({"index": {"blocks": {"read_only": "true"}, "codec": "best"}}));
    }

    #[test]
    fn names_mean_indices_and_aliases() {
        let index = |name: &str, alias: &str| KeptObject {
            name: name.into(),
            body: json!({"aliases": {alias: {}}}),
            version: 1,
        };
        let known = [index("a", "x"), index("b", "y")];
        let check = |names: &str, expected: Result<&[&str], &str>| {
            let found =
                meant(names, &known).map(|found| found.iter().map(|index| index.name.as_str()).collect::<Vec<_>>());
            assert_eq!(found, expected.map(<[&str]>::to_vec).map_err(str::to_owned), "{names}");
        };
        check("", Ok(&["a", "b"]));
        check("x", Ok(&["a"]));
        check("b,x", Ok(&["a", "b"]));
        check("z*", Ok(&[]));
        check("a,c", Err("c"));
    }
}
