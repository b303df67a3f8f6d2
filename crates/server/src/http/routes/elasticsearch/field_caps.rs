//! `_field_caps`: which fields there are in which indices, of which types, and what may be asked of them.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::dsl::DslRequest;
use vigie_app::kept_indices::{Names, aliases_of, expanded};
use vigie_app::kept_objects::KeptObject;
use vigie_app::search::FieldView;
use vigie_domain::Error;
use vigie_domain::query::glob::glob_matches;
use vigie_domain::time::INDEX_PREFIX;
use vigie_pipeline::is_daily_index;

use super::indices::definitions;
use super::params::Params;
use super::read::{fields, type_of, unmapped_fields};
use super::search::object_of;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::{JsonAnswer, PathParams};
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Fields that Elasticsearch gives every document, with their types.
const METADATA_FIELDS: [(&str, &str); 2] = [("_id", "_id"), ("_index", "_index")];
/// Types of what holds fields.
const HOLDERS: [&str; 2] = ["object", "nested"];
/// Objects within objects of a mapping that are looked at.
const DEPTH_MAX: usize = 20;
/// What the query string may say.
const PARAMS: [&str; 6] =
    ["fields", "include_unmapped", "ignore_unavailable", "allow_no_indices", "expand_wildcards", "filters"];

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::LogsRead;
    routes
        .get("/elasticsearch/_field_caps", read, of_all)
        .post("/elasticsearch/_field_caps", read, of_all)
        .get("/elasticsearch/{index}/_field_caps", read, of_indices)
        .post("/elasticsearch/{index}/_field_caps", read, of_indices)
}

async fn of_all(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    capabilities(&state, &caller, "", (&params, &body)).await
}

async fn of_indices(
    State(state): State<AppState>,
    caller: Caller,
    (PathParams(index), params): (PathParams<String>, Params),
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    capabilities(&state, &caller, &index, (&params, &body)).await
}

/// What may be asked of a field of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Capability {
    is_searchable: bool,
    is_aggregatable: bool,
}

/// What may be asked of the fields of the indices, by field, type and index.
#[derive(Default)]
struct Capabilities(BTreeMap<String, BTreeMap<String, BTreeMap<String, Capability>>>);

impl Capabilities {
    fn add(&mut self, index: &str, field: &str, kind: &str, capability: Capability) {
        let kinds = self.0.entry(field.to_owned()).or_default();
        kinds.entry(kind.to_owned()).or_default().insert(index.to_owned(), capability);
    }

    /// Adds a field that events have.
    fn add_field(&mut self, index: &str, field: &FieldView) {
        let kind = type_of(field.kind);
        self.add(index, &field.name, kind, Capability { is_searchable: true, is_aggregatable: kind != "text" });
    }

    /// Adds the fields of a mapping.
    fn add_mapping(&mut self, index: &str, mapping: &Json, prefix: &str, depth: usize) {
        let fields = ["properties", "fields"].into_iter().filter_map(|key| mapping.get(key)?.as_object()).flatten();
        for (name, field) in fields.filter(|_| depth < DEPTH_MAX) {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let has_fields = field.get("properties").is_some();
            let kind = field.get("type").and_then(Json::as_str).unwrap_or("object");
            let is_holder = has_fields || HOLDERS.contains(&kind);
            let is_off = |setting: &str| field.get(setting) == Some(&Json::Bool(false));
            let capability = Capability {
                is_searchable: !is_holder && !is_off("index"),
                is_aggregatable: !is_holder && !is_off("doc_values") && !matches!(kind, "text" | "match_only_text"),
            };
            self.add(index, &path, kind, capability);
            self.add_mapping(index, field, &path, depth + 1);
        }
    }

    /// Names an index under each field that it has not.
    fn add_unmapped(&mut self, indices: &BTreeSet<String>) {
        let nothing = Capability { is_searchable: false, is_aggregatable: false };
        for kinds in self.0.values_mut() {
            let having: BTreeSet<&String> = kinds.values().flat_map(BTreeMap::keys).collect();
            let lacking = indices.iter().filter(|index| !having.contains(index));
            let lacking: BTreeMap<String, Capability> = lacking.map(|index| (index.clone(), nothing)).collect();
            if !lacking.is_empty() {
                kinds.insert("unmapped".to_owned(), lacking);
            }
        }
    }

    fn shown(&self) -> Map<String, Json> {
        let of_kinds = |kinds: &BTreeMap<String, BTreeMap<String, Capability>>| -> Map<String, Json> {
            kinds.iter().map(|(kind, indices)| (kind.clone(), of_kind(kind, indices, kinds.len() > 1))).collect()
        };
        self.0.iter().map(|(field, kinds)| (field.clone(), Json::Object(of_kinds(kinds)))).collect()
    }
}

/// What is shown of a type; its indices when the field has other types in others.
fn of_kind(kind: &str, indices: &BTreeMap<String, Capability>, has_others: bool) -> Json {
    let lacking = |has: fn(&Capability) -> bool| -> Vec<&String> {
        indices.iter().filter(|(_, capability)| !has(capability)).map(|(index, _)| index).collect()
    };
    let unsearchable = lacking(|capability| capability.is_searchable);
    let unaggregatable = lacking(|capability| capability.is_aggregatable);
    let is_metadata = METADATA_FIELDS.iter().any(|(_, own)| *own == kind);
    let mut shown = json!({
        "type": kind, "metadata_field": is_metadata,
        "searchable": unsearchable.is_empty(), "aggregatable": unaggregatable.is_empty(),
    });
    if has_others {
        shown["indices"] = json!(indices.keys().collect::<Vec<_>>());
    }
    for (key, names) in [("non_searchable_indices", unsearchable), ("non_aggregatable_indices", unaggregatable)] {
        if !names.is_empty() && names.len() < indices.len() {
            shown[key] = json!(names);
        }
    }
    shown
}

async fn capabilities(
    state: &AppState,
    caller: &Caller,
    names: &str,
    (params, body): (&Params, &[u8]),
) -> ApiResult<JsonAnswer<Json>> {
    params.check(&PARAMS)?;
    let object = object_of(body)?;
    if let Some(unknown) = object.keys().find(|key| !matches!(key.as_str(), "fields" | "index_filter")) {
        let words = format!("[{unknown}] is not there in Vigie; use [fields] and [index_filter]");
        return Err(Error::malformed_field(unknown.as_str(), words).into());
    }
    if params.get("filters").is_some() {
        return Err(Error::malformed_field("filters", "[filters] is not there in Vigie; name fields instead").into());
    }
    let patterns = patterns(&object, params)?;
    let is_wanted = |name: &str| patterns.iter().any(|pattern| glob_matches(pattern, name));
    let mut known = Capabilities::default();
    let meant = meant(state, caller, names, object.get("index_filter")).await?;
    if let Some(missing) = meant.missing.filter(|_| !params.is_on("ignore_unavailable")) {
        return Err(Error::not_found(format!("no such index [{missing}]")).into());
    }
    let all = fields(state, caller).await?;
    for index in &meant.made {
        known.add_mapping(&index.name, index.body.get("mappings").unwrap_or(&Json::Null), "", 0);
        for field in unmapped_fields(state, caller, index, &all).await? {
            known.add_field(&index.name, field);
        }
    }
    // Of days, and of names under which events were sent, fields are known for all of them together.
    if let Some(index) = meant.others.first() {
        for (name, kind) in METADATA_FIELDS {
            known.add(index, name, kind, Capability { is_searchable: true, is_aggregatable: false });
        }
        all.iter().filter(|field| !field.name.starts_with('_')).for_each(|field| known.add_field(index, field));
    }
    known.0.retain(|field, _| is_wanted(field));
    let made = meant.made.iter().map(|index| index.name.clone());
    if params.is_on("include_unmapped") {
        known.add_unmapped(&made.clone().chain(meant.others.first().cloned()).collect());
    }
    let indices: BTreeSet<String> = made.chain(meant.others.iter().cloned()).collect();
    Ok(JsonAnswer(json!({"indices": indices, "fields": known.shown()})))
}

/// What names of indices mean.
#[derive(Default)]
struct Meant {
    made: Vec<KeptObject>,
    /// Days, and names under which events were sent and that nobody made.
    others: Vec<String>,
    /// A name that nothing has.
    missing: Option<String>,
}

/// The indices that the names mean and that have events which the filter leaves, if there is one.
async fn meant(state: &AppState, caller: &Caller, names: &str, filter: Option<&Json>) -> ApiResult<Meant> {
    let mut meant = Meant::default();
    let defined = definitions(state).await?;
    let (all_names, _) = expanded(names, &defined);
    let asked = Names::of(&all_names);
    let is_defined = |name: &str| {
        defined
            .iter()
            .any(|index| index.name == name || aliases_of(index).is_some_and(|aliases| aliases.contains_key(name)))
    };
    for index in defined.iter().filter(|index| asked.mean(&index.name)) {
        if has_events(state, caller, &index.name, filter).await? {
            meant.made.push(index.clone());
        }
    }
    let is_every_day = asked.single().any(|name| name == INDEX_PREFIX.trim_end_matches('-'));
    let days = state.search.indices(&caller.scope).await?;
    let days = days.iter().map(|index| index.day.index_name()).filter(|name| is_every_day || asked.mean(name));
    let sent = state.dsl.sent_names(&caller.scope, &all_names).await?;
    for name in days.chain(sent.into_iter().filter(|name| !is_defined(name) && !is_daily_index(name))) {
        if !state.dsl.is_there(&caller.scope, &name).await? {
            meant.missing = Some(name);
        } else if has_events(state, caller, &name, filter).await? {
            meant.others.push(name);
        }
    }
    Ok(meant)
}

/// Patterns of the fields that are asked for.
fn patterns(body: &Map<String, Json>, params: &Params) -> ApiResult<Vec<String>> {
    let in_body = body.get("fields").map(|json| match json {
        Json::Array(names) => names.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        other => vec![other.as_str().unwrap_or_default().to_owned()],
    });
    let in_query = params.get("fields").map(|names| names.split(',').map(str::to_owned).collect::<Vec<_>>());
    let patterns: Vec<String> = in_query.or(in_body).unwrap_or_default();
    if patterns.is_empty() {
        return Err(Error::malformed_field("fields", "specify at least one field, or fields=* for all of them").into());
    }
    Ok(patterns)
}

/// Whether the filter leaves events of the index; without one, every index counts.
async fn has_events(state: &AppState, caller: &Caller, index: &str, filter: Option<&Json>) -> ApiResult<bool> {
    let Some(filter) = filter else { return Ok(true) };
    let body = Map::from_iter([("query".to_owned(), filter.clone())]);
    let request = DslRequest { indices: index.to_owned(), body, ignores_missing: true, ..DslRequest::default() };
    Ok(state.dsl.count(&caller.scope, &request).await? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Capabilities {
        let mut known = Capabilities::default();
        let first = json!({"properties": {
            "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "count": {"type": "long", "index": false},
            "home": {"properties": {"city": {"type": "keyword", "doc_values": false}}},
        }});
        let second = json!({"properties": {"count": {"type": "double"}, "home": {"type": "nested"}}});
        known.add_mapping("a", &first, "", 0);
        known.add_mapping("b", &second, "", 0);
        known.add_mapping("c", &json!({"properties": {"count": {"type": "long"}}}), "", 0);
        known
    }

    #[test]
    fn types_are_told_by_index_where_they_differ() {
        let shown = Json::Object(known().shown());
        let capability = |kind: &str, searchable: bool, aggregatable: bool| json!({"type": kind, "metadata_field": false, "searchable": searchable, "aggregatable": aggregatable});
        assert_eq!(shown["title"], json!({"text": capability("text", true, false)}));
        assert_eq!(shown["title.raw"], json!({"keyword": capability("keyword", true, true)}));
        assert_eq!(shown["home.city"], json!({"keyword": capability("keyword", true, false)}));
        assert_eq!(shown["home"]["object"]["indices"], json!(["a"]));
        assert_eq!(shown["home"]["nested"]["searchable"], false);
        assert_eq!(shown["count"]["long"]["indices"], json!(["a", "c"]));
        assert_eq!(shown["count"]["long"]["searchable"], false);
        assert_eq!(shown["count"]["long"]["non_searchable_indices"], json!(["a"]));
        assert_eq!(shown["count"]["double"]["indices"], json!(["b"]));
    }

    #[test]
    fn indices_that_lack_a_field_are_told_when_asked_for() {
        let mut known = known();
        known.add_unmapped(&["a", "b", "c"].map(str::to_owned).into());
        let shown = Json::Object(known.shown());
        assert_eq!(shown["title"]["unmapped"]["indices"], json!(["b", "c"]));
        assert_eq!(shown["title"]["text"]["indices"], json!(["a"]));
        assert_eq!(shown["count"].get("unmapped"), None);
    }
}
