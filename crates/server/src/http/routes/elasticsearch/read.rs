//! Single documents by id, and what fields there are.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl;
use vigie_app::search::FieldView;
use vigie_app::time_range::AskedRange;
use vigie_domain::mapping::FieldKind;
use vigie_domain::query::glob::glob_matches;
use vigie_domain::{Error, ErrorKind};

use super::params::Params;
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Documents of one `_mget`.
const DOCUMENTS_MAX: usize = 1_000;
/// Fields that Elasticsearch gives every document, with their types.
const METADATA_FIELDS: [(&str, &str); 2] = [("_id", "_id"), ("_index", "_index")];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes
        .get("/elasticsearch/{index}/_doc/{id}", read, document)
        .get("/elasticsearch/{index}/_source/{id}", read, source)
        .get("/elasticsearch/_mget", read, all_documents)
        .post("/elasticsearch/_mget", read, all_documents)
        .get("/elasticsearch/{index}/_mget", read, documents)
        .post("/elasticsearch/{index}/_mget", read, documents)
        .get("/elasticsearch/_field_caps", read, field_caps)
        .post("/elasticsearch/_field_caps", read, field_caps)
        .get("/elasticsearch/{index}/_field_caps", read, field_caps_of)
        .post("/elasticsearch/{index}/_field_caps", read, field_caps_of)
        .get("/elasticsearch/_mapping", read, mapping)
        .get("/elasticsearch/{index}/_mapping", read, mapping_of)
}

/// The document with that id, whatever index is named: an id is one event's.
async fn found(state: &AppState, caller: &Caller, index: &str, id: &str) -> ApiResult<Json> {
    match state.search.get(&caller.scope, id).await {
        Ok(hit) => Ok(dsl::document(&hit)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(json!({"_index": index, "_id": id, "found": false})),
        Err(error) => Err(error.into()),
    }
}

async fn document(
    State(state): State<AppState>,
    caller: Caller,
    PathParams((index, id)): PathParams<(String, String)>,
) -> ApiResult<Response> {
    let document = found(&state, &caller, &index, &id).await?;
    let status = if document["found"] == true { StatusCode::OK } else { StatusCode::NOT_FOUND };
    Ok((status, JsonAnswer(document)).into_response())
}

async fn source(
    State(state): State<AppState>,
    caller: Caller,
    PathParams((index, id)): PathParams<(String, String)>,
) -> ApiResult<JsonAnswer<Json>> {
    let mut document = found(&state, &caller, &index, &id).await?;
    if document["found"] != true {
        return Err(Error::not_found(format!("Document not found [{index}]/[{id}]")).into());
    }
    Ok(JsonAnswer(document["_source"].take()))
}

async fn all_documents(State(state): State<AppState>, caller: Caller, body: Bytes) -> ApiResult<JsonAnswer<Json>> {
    get_many(&state, &caller, None, &body).await
}

async fn documents(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(index): PathParams<String>,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    get_many(&state, &caller, Some(&index), &body).await
}

async fn get_many(state: &AppState, caller: &Caller, index: Option<&str>, body: &[u8]) -> ApiResult<JsonAnswer<Json>> {
    let object = object_of(body)?;
    let list = |key: &str| object.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut wanted = Vec::new();
    for json in list("docs") {
        let id = json["_id"]
            .as_str()
            .ok_or_else(|| Error::malformed_field("docs", "[docs] needs an [_id] for each document"))?;
        wanted.push((json["_index"].as_str().or(index).unwrap_or_default(), id));
    }
    for json in list("ids") {
        let id = json.as_str().ok_or_else(|| Error::malformed_field("ids", "[ids] must be a list of texts"))?;
        wanted.push((index.unwrap_or_default(), id));
    }
    if wanted.is_empty() || wanted.len() > DOCUMENTS_MAX {
        let words = format!("name 1 to {DOCUMENTS_MAX} documents in [docs] or [ids], found {}", wanted.len());
        return Err(Error::malformed_field("docs", words).into());
    }
    let mut documents = Vec::with_capacity(wanted.len());
    for (index, id) in wanted {
        documents.push(found(state, caller, index, id).await?);
    }
    Ok(JsonAnswer(json!({ "docs": documents })))
}

/// The type that clients know for a kind of values.
const fn type_of(kind: FieldKind) -> &'static str {
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

async fn fields(state: &AppState, caller: &Caller) -> ApiResult<Vec<FieldView>> {
    Ok(state.search.fields(&caller.scope, &AskedRange::default()).await?)
}

async fn field_caps(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    capabilities(&state, &caller, &params, &body).await
}

/// Fields are those of all indices: they are known by the day, not by what an index was called.
async fn field_caps_of(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(_index), params): (PathParams<String>, Params),
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    capabilities(&state, &caller, &params, &body).await
}

async fn capabilities(state: &AppState, caller: &Caller, params: &Params, body: &[u8]) -> ApiResult<JsonAnswer<Json>> {
    let object = object_of(body)?;
    let in_body = object.get("fields").map(|json| match json {
        Json::Array(names) => names.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        other => vec![other.as_str().unwrap_or_default().to_owned()],
    });
    let in_query = params.get("fields").map(|names| names.split(',').map(str::to_owned).collect::<Vec<_>>());
    let patterns: Vec<String> = in_query.or(in_body).unwrap_or_default();
    if patterns.is_empty() {
        return Err(Error::malformed_field("fields", "specify at least one field, or fields=* for all of them").into());
    }
    let is_wanted = |name: &str| patterns.iter().any(|pattern| glob_matches(pattern, name));
    let mut shown = BTreeMap::new();
    let mut add = |name: &str, kind: &str, is_metadata: bool| {
        if is_wanted(name) {
            let is_aggregatable = kind != "text" && !is_metadata;
            let of_type = json!({"type": kind, "metadata_field": is_metadata, "searchable": true, "aggregatable": is_aggregatable});
            shown.insert(name.to_owned(), json!({ kind: of_type }));
        }
    };
    METADATA_FIELDS.iter().for_each(|(name, kind)| add(name, kind, true));
    for field in fields(state, caller).await? {
        if !field.name.starts_with('_') {
            add(&field.name, type_of(field.kind), false);
        }
    }
    let days = state.search.indices(&caller.scope).await?;
    let indices: Vec<String> = days.iter().map(|index| index.day.index_name()).collect();
    Ok(JsonAnswer(json!({"indices": indices, "fields": shown})))
}

async fn mapping(State(state): State<AppState>, caller: Caller) -> ApiResult<JsonAnswer<Json>> {
    mappings(&state, &caller, "*").await
}

async fn mapping_of(
    State(state): State<AppState>,
    caller: Caller,
    PathParams(index): PathParams<String>,
) -> ApiResult<JsonAnswer<Json>> {
    mappings(&state, &caller, &index).await
}

async fn mappings(state: &AppState, caller: &Caller, names: &str) -> ApiResult<JsonAnswer<Json>> {
    let mut properties = Map::new();
    for field in fields(state, caller).await? {
        if !field.name.starts_with('_') {
            let path: Vec<&str> = field.name.split('.').collect();
            put_property(&mut properties, &path, type_of(field.kind));
        }
    }
    let patterns: Vec<&str> = names.split(',').map(str::trim).collect();
    let is_named = |index: &str| {
        patterns
            .iter()
            .any(|pattern| *pattern == "_all" || *pattern == "ecommerce-logs" || glob_matches(pattern, index))
    };
    let days = state.search.indices(&caller.scope).await?;
    let shown: Map<String, Json> = days
        .iter()
        .map(|index| index.day.index_name())
        .filter(|index| is_named(index))
        .map(|index| (index, json!({"mappings": {"properties": properties}})))
        .collect();
    if shown.is_empty() && patterns.iter().all(|pattern| !pattern.contains('*') && *pattern != "_all") {
        return Err(Error::not_found(format!("no such index [{names}]")).into());
    }
    Ok(JsonAnswer(Json::Object(shown)))
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
