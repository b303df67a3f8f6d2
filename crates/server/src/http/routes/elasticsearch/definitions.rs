//! What was said of indices that clients made: their mappings grow, their settings are shown and changed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::{self, CREATED_AT, Names, aliases_of, settings_of};
use vigie_app::kept_objects::{KeptObject, ObjectKind};
use vigie_app::retention::{AGREED, agree_to_index};
use vigie_domain::query::glob::glob_matches;

use super::dialect::with_warning;
use super::indices::{check_params, define_written, definitions, has_events, may_delete, no_such_index};
use super::kept::NOT_APPLIED;
use super::listed::index_uuid;
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
    match asked.single().find(|name| !known.iter().any(|index| is_called(index, &|known| known == *name))) {
        Some(missing) => Err(missing.to_owned()),
        None => Ok(known.iter().filter(|index| is_called(index, &|name| asked.mean(name))).collect()),
    }
}

/// Whether the name of the index or of one of its aliases is one.
fn is_called(index: &KeptObject, is_name: &dyn Fn(&str) -> bool) -> bool {
    is_name(&index.name) || aliases_of(index).into_iter().flatten().any(|(alias, _)| is_name(alias))
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

async fn all_settings(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    shown(&state, &caller, ("", "*"), &params).await
}

async fn settings(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(names), params): (PathParams<String>, Params),
) -> ApiResult<Response> {
    shown(&state, &caller, (&names, "*"), &params).await
}

async fn named_settings(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams((names, setting)), params): (PathParams<(String, String)>, Params),
) -> ApiResult<Response> {
    shown(&state, &caller, (&names, &setting), &params).await
}

/// Settings as they were sent and those that every index has, values as text, which is how Elasticsearch shows them.
async fn shown(
    state: &AppState,
    caller: &Caller,
    (names, patterns): (&str, &str),
    params: &Params,
) -> ApiResult<Response> {
    check_params(params, &[])?;
    let known = definitions(state).await?;
    let is_wanted = |name: &str| patterns.split(',').any(|pattern| pattern == "_all" || glob_matches(pattern, name));
    let is_flat = params.is_on("flat_settings");
    let shown = |all: Vec<(String, Json)>| {
        let mut settings = Map::new();
        for (name, value) in all.into_iter().filter(|(name, _)| is_wanted(name)) {
            if is_flat {
                settings.insert(name, value);
            } else {
                put(&mut settings, &name.split('.').collect::<Vec<_>>(), value);
            }
        }
        json!({ "settings": settings })
    };
    let is_meant = |index: &&KeptObject| is_called(index, &|name| Names::of(names).mean(name));
    let mut answer: Map<String, Json> =
        known.iter().filter(is_meant).map(|index| (index.name.clone(), shown(all_settings_of(index)))).collect();
    for index in state.search.indices(&caller.scope).await? {
        let name = index.day.index_name();
        if Names::of(names).mean(&name) {
            let settings = shown(common_settings(&name, index.day.start().as_millis()));
            answer.insert(name, settings);
        }
    }
    for name in Names::of(names).single() {
        if answer.contains_key(name) || known.iter().any(|index| is_called(index, &|known| known == name)) {
            continue;
        }
        if has_events(state, caller, name).await? {
            answer.insert(name.to_owned(), shown(common_settings(name, 0)));
        } else if !params.is_on("ignore_unavailable") {
            return Ok(no_such_index(name));
        }
    }
    Ok(JsonAnswer(Json::Object(answer)).into_response())
}

/// What every index has. A daily one was created with its day; of one that nobody made it is not known when.
fn common_settings(name: &str, created_at_ms: i64) -> Vec<(String, Json)> {
    [
        ("index.creation_date", created_at_ms.to_string()),
        ("index.number_of_shards", "1".to_owned()),
        ("index.number_of_replicas", "0".to_owned()),
        ("index.uuid", index_uuid(name)),
        ("index.provided_name", name.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), Json::from(value)))
    .to_vec()
}

/// The settings of an index that was made: those that were sent take the place of what every index has.
fn all_settings_of(index: &KeptObject) -> Vec<(String, Json)> {
    let created_at_ms = index.body.get(CREATED_AT).and_then(Json::as_i64).unwrap_or_default();
    let sent = settings_of(&index.body);
    let mut all = common_settings(&index.name, created_at_ms);
    all.retain(|(name, _)| !sent.iter().any(|(known, _)| known == name));
    all.extend(sent);
    all
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
    caller: Caller,
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
        let change = |mut body: Json| {
            body["settings"] = Json::Object(settings.clone());
            agree_to_index(&mut body, may_delete(&caller));
            Ok(body)
        };
        let changed = change(index.body.clone())?;
        // What else the index asks for was said when that was sent.
        let alone = json!({ "settings": settings, AGREED: changed.get(AGREED) });
        is_applied &= !kept_indices::is_unapplied(&alone);
        state.kept_objects.change(ObjectKind::Index, &index.name, change).await?;
    }
    let answer = JsonAnswer(json!({ "acknowledged": true })).into_response();
    Ok(with_warning(answer, (!is_applied).then_some(NOT_APPLIED)))
}

fn with_settings(index: &KeptObject, sent: &Json, keeps_old: bool) -> Map<String, Json> {
    let (old, new) = (settings_of(&index.body), settings_of(&json!({ "settings": sent })));
    let all = if keeps_old { [new, old] } else { [old, new] };
    all.into_iter().flatten().collect()
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
        let shown = all_settings_of(&first);
        let of = |name: &str| shown.iter().filter(|(known, _)| known == name).collect::<Vec<_>>();
        assert_eq!(of("index.number_of_replicas"), [&("index.number_of_replicas".to_owned(), json!("0"))]);
        assert_eq!((of("index.provided_name")[0].1.clone(), of("index.number_of_shards").len()), (json!("shop"), 1));
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
