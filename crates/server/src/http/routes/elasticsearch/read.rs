//! What fields there are.

use axum::extract::State;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::{Names, aliases_of};
use vigie_app::kept_objects::KeptObject;
use vigie_app::search::FieldView;
use vigie_app::time_range::AskedRange;
use vigie_domain::Error;
use vigie_domain::mapping::FieldKind;
use vigie_domain::time::INDEX_PREFIX;

use super::indices::{check_params, definitions, has_events};
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes.get("/elasticsearch/_mapping", read, mapping).get("/elasticsearch/{index}/_mapping", read, mapping_of)
}

/// The type that clients know for a kind of values.
pub(super) const fn type_of(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Keyword => "keyword",
        FieldKind::Text => "text",
        FieldKind::Int => "long",
        FieldKind::Float | FieldKind::Decimal => "double",
        FieldKind::Bool => "boolean",
        FieldKind::Instant => "date",
        FieldKind::Ip => "ip",
    }
}

pub(super) async fn fields(state: &AppState, caller: &Caller) -> ApiResult<Vec<FieldView>> {
    Ok(state.search.fields(&caller.scope, &AskedRange::default()).await?)
}

/// Fields that events of an index which was made have beside those of its mapping, unless it says that there are no others.
pub(super) async fn unmapped_fields<'f>(
    state: &AppState,
    caller: &Caller,
    index: &KeptObject,
    all: &'f [FieldView],
) -> ApiResult<Vec<&'f FieldView>> {
    let mapping = index.body.get("mappings").unwrap_or(&Json::Null);
    let is_closed = mapping.get("dynamic").is_some_and(|dynamic| *dynamic != Json::Bool(true) && *dynamic != "true");
    if is_closed {
        return Ok(Vec::new());
    }
    let is_other = |field: &&FieldView| !field.name.starts_with('_') && !is_mapped(mapping, &field.name);
    let others: Vec<&FieldView> = all.iter().filter(is_other).collect();
    let names: Vec<String> = others.iter().map(|field| field.name.clone()).collect();
    let held = state.dsl.held_fields(&caller.scope, &index.name, &names).await?;
    Ok(others.into_iter().filter(|field| held.contains(&field.name)).collect())
}

/// Whether a mapping tells of the field of that path.
fn is_mapped(mapping: &Json, path: &str) -> bool {
    let mut names = path.split('.');
    names.try_fold(mapping, |found, name| found.get("properties")?.get(name)).is_some()
}

async fn mapping(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<JsonAnswer<Json>> {
    mappings(&state, &caller, "*", &params).await
}

async fn mapping_of(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
) -> ApiResult<JsonAnswer<Json>> {
    mappings(&state, &caller, &index, &params).await
}

/// Of a daily index, and of one that events were sent to and nobody made, the fields that there are; of one that a client made the
/// mapping it sent, with the other fields that its events have.
async fn mappings(state: &AppState, caller: &Caller, names: &str, params: &Params) -> ApiResult<JsonAnswer<Json>> {
    check_params(params, &[])?;
    let all = fields(state, caller).await?;
    let mut properties = Map::new();
    all.iter().filter(|field| !field.name.starts_with('_')).for_each(|field| put_field(&mut properties, field));
    let asked = Names::of(names);
    let is_every_day = names.split(',').any(|name| name.trim() == INDEX_PREFIX.trim_end_matches('-'));
    let days = state.search.indices(&caller.scope).await?;
    let mut shown: Map<String, Json> = days
        .iter()
        .map(|index| index.day.index_name())
        .filter(|index| is_every_day || asked.mean(index))
        .map(|index| (index, json!({"mappings": {"properties": properties}})))
        .collect();
    let mut aliases = Vec::new();
    for index in definitions(state).await? {
        let own: Vec<String> = aliases_of(&index).into_iter().flatten().map(|(alias, _)| alias.clone()).collect();
        if asked.mean(&index.name) || own.iter().any(|alias| asked.mean(alias)) {
            let mut mappings = index.body.get("mappings").cloned().unwrap_or_else(|| json!({}));
            let others = unmapped_fields(state, caller, &index, &all).await?;
            if let Some(mappings) = mappings.as_object_mut().filter(|_| !others.is_empty()) {
                let properties = mappings.entry("properties").or_insert_with(|| json!({})).as_object_mut();
                properties.into_iter().for_each(|known| others.iter().for_each(|field| put_field(known, field)));
            }
            shown.insert(index.name, json!({ "mappings": mappings }));
            aliases.extend(own);
        }
    }
    for name in asked.single().filter(|name| !aliases.iter().any(|alias| alias == name)) {
        if !shown.contains_key(name) && !is_every_day && has_events(state, caller, name).await? {
            shown.insert(name.to_owned(), json!({"mappings": {"properties": properties}}));
        }
    }
    let needs_all = !params.is_on("ignore_unavailable");
    let is_known = |name: &str| shown.contains_key(name) || aliases.iter().any(|alias| alias == name) || is_every_day;
    let missing = asked.single().find(|name| needs_all && !is_known(name));
    let is_refused_empty = shown.is_empty() && params.get("allow_no_indices") == Some("false");
    match missing.or(is_refused_empty.then_some(names)) {
        Some(name) => Err(Error::not_found(format!("no such index [{name}]")).into()),
        None => Ok(JsonAnswer(Json::Object(shown))),
    }
}

fn put_field(properties: &mut Map<String, Json>, field: &FieldView) {
    let path: Vec<&str> = field.name.split('.').collect();
    put_property(properties, &path, type_of(field.kind));
}

/// Puts a field below the objects that its name says it lies in.
fn put_property(properties: &mut Map<String, Json>, path: &[&str], kind: &str) {
    match path {
        [] => {}
        [name] => {
            let own = json!({ "type": kind });
            match properties.get_mut(*name).and_then(Json::as_object_mut) {
                Some(known) => known.extend(own.as_object().cloned().unwrap_or_default()),
                None => drop(properties.insert((*name).to_owned(), own)),
            }
        }
        [name, rest @ ..] => {
            let known = properties.entry((*name).to_owned()).or_insert_with(|| json!({}));
            let inner = known.as_object_mut().map(|known| known.entry("properties").or_insert_with(|| json!({})));
            if let Some(inner) = inner.and_then(Json::as_object_mut) {
                put_property(inner, rest, kind);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_mapping_are_known_by_their_path() {
        let mapping = json!({"properties": {"a": {"properties": {"b": {"type": "long"}}}}});
        let check = |path: &str, expected: bool| assert_eq!(is_mapped(&mapping, path), expected, "{path}");
        check("a.b", true);
        check("a", true);
        check("b", false);
        check("a.b.c", false);
        assert!(!is_mapped(&Json::Null, "a"));
    }

    #[test]
    fn fields_lie_in_the_objects_of_their_names() {
        let mut properties = Map::new();
        put_property(&mut properties, &["geo", "city"], "keyword");
        put_property(&mut properties, &["geo", "asn"], "long");
        put_property(&mut properties, &["level"], "keyword");
        let expected = json!({
            "geo": {"properties": {"city": {"type": "keyword"}, "asn": {"type": "long"}}},
            "level": {"type": "keyword"},
        });
        assert_eq!(Json::Object(properties), expected);
    }
}
