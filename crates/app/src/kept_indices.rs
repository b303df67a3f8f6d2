//! Indices that clients of Elasticsearch made: their names, their aliases, and what of their definition Vigie does not do.
//!
//! A definition holds no events: an event keeps the name of the index that it was sent to, and lies in the index of its day.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use vigie_domain::query::glob::glob_matches;
use vigie_domain::{Error, Result};

use vigie_pipeline::MadeIndices;

use crate::dsl::{FieldTypes, is_applied};
use crate::kept_objects::KeptObject;
use crate::retention::{AGREED, POLICY_SETTING, is_agreed};

/// Settings that are done, or only say how Elasticsearch does its work.
const HARMLESS_SETTINGS: [&str; 9] = [
    APPEND_ONLY,
    SHARD_SELECTION,
    "number_of_shards",
    "number_of_replicas",
    "number_of_routing_shards",
    "auto_expand_replicas",
    "refresh_interval",
    "codec",
    "hidden",
];
/// Whether senders give no ids.
const APPEND_ONLY: &str = "append_only.enabled";
/// Whether the shard is chosen that has least to do: there is one.
const SHARD_SELECTION: &str = "bulk.adaptive_shard_selection.enabled";
/// Where a definition says when it was made, in milliseconds.
pub const CREATED_AT: &str = "creation_date";
/// What an alias may say; the first two name it.
const ALIAS_KEYS: [&str; 8] =
    ["index", "alias", "filter", "routing", "index_routing", "search_routing", "is_write_index", "is_hidden"];
/// What the whole names of settings begin with.
const INDEX_PREFIX: &str = "index.";
/// Fields within each other in a mapping.
const DEPTH_MAX: usize = 20;

/// Names as they stand in a path: with commas between them, `*` in them, and `-` before those that are left out.
pub struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    /// Reads them; no name means all.
    pub fn of(text: &'a str) -> Self {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        Self(if names.is_empty() { vec!["*"] } else { names })
    }

    /// Whether the name is meant; of several that match, the last counts.
    pub fn mean(&self, name: &str) -> bool {
        let matches = |pattern: &str| pattern == "_all" || glob_matches(pattern, name);
        self.0.iter().fold(false, |is_meant, pattern| match pattern.strip_prefix('-') {
            Some(excluded) => is_meant && !matches(excluded),
            None => is_meant || matches(pattern),
        })
    }

    /// Whether any was given.
    pub fn are_named(&self) -> bool {
        self.0 != ["*"]
    }

    /// Whether each names one thing.
    pub fn are_all_single(&self) -> bool {
        self.single().count() == self.0.len()
    }

    /// All of them, in their order.
    pub(crate) fn all(&self) -> &[&'a str] {
        &self.0
    }

    /// Whether one that may name several things is that of none of these.
    pub fn have_empty_pattern<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> bool {
        let patterns = self.0.iter().filter(|name| name.contains('*') && !name.starts_with('-'));
        patterns.into_iter().any(|pattern| !names.clone().any(|name| glob_matches(pattern, name)))
    }

    /// Those that name one thing, which has to be there.
    pub fn single(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().copied().filter(|name| !name.contains('*') && !name.starts_with('-') && *name != "_all")
    }
}

/// Refuses what Elasticsearch refuses as the name of a new index. Dates in names, `<shop-{now/d}>`, are kept as they are.
///
/// # Errors
/// `Malformed`, in Elasticsearch's words.
pub fn check_name(name: &str) -> Result<()> {
    let invalid = |why: &str| Err(Error::malformed(format!("Invalid index name [{name}], {why}")));
    if name.starts_with('<') {
        return Ok(());
    }
    if name.starts_with(['_', '-', '+']) {
        return invalid("must not start with '_', '-', or '+'");
    }
    if name.chars().any(char::is_uppercase) {
        return invalid("must be lowercase");
    }
    if name == "." || name == ".." {
        return invalid("must not be '.' or '..'");
    }
    if name.contains(['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#', ':']) {
        return invalid("must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?, #, :]");
    }
    Ok(())
}

/// A definition as it is kept: aliases in their normal form.
///
/// # Errors
/// `Malformed` for a field without a name, an alias that cannot be one, or a part of another shape.
pub fn definition(mut body: Map<String, Json>) -> Result<Json> {
    body.remove(AGREED);
    if let Some(mappings) = body.get("mappings") {
        check_fields(mappings, 0)?;
    }
    if let Some(aliases) = body.get_mut("aliases") {
        let aliases = aliases.as_object_mut().ok_or_else(|| Error::malformed("[aliases] must be an object"))?;
        for (name, alias) in aliases.iter_mut() {
            check_alias_name(name)?;
            *alias = alias_of(alias)?;
        }
    }
    Ok(Json::Object(body))
}

fn check_fields(mapping: &Json, depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(Error::malformed(format!("the mapping has more than {DEPTH_MAX} fields within each other")));
    }
    let Some(properties) = mapping.get("properties").and_then(Json::as_object) else { return Ok(()) };
    for (name, field) in properties {
        if name.trim().is_empty() {
            return Err(Error::malformed("field name cannot be an empty string"));
        }
        check_fields(field, depth + 1)?;
    }
    Ok(())
}

/// Whether Vigie does something else than the definition says.
pub fn is_unapplied(definition: &Json) -> bool {
    let Some(parts) = definition.as_object() else { return false };
    parts.iter().any(|(name, part)| match name.as_str() {
        "aliases" | CREATED_AT | AGREED => false,
        "settings" => !are_harmless(definition),
        "mappings" => !is_applied(part),
        _ => true,
    })
}

fn are_harmless(definition: &Json) -> bool {
    let settings = settings_of(definition);
    settings.iter().all(|(name, _)| {
        let name = name.strip_prefix(INDEX_PREFIX).unwrap_or(name);
        HARMLESS_SETTINGS.contains(&name) || name == POLICY_SETTING && is_agreed(definition)
    })
}

/// The settings of a definition, by their whole names; flags and numbers as text, as Elasticsearch shows them.
pub fn settings_of(definition: &Json) -> Vec<(String, Json)> {
    let mut flat = Vec::new();
    flatten(definition.get("settings").unwrap_or(&Json::Null), "", &mut flat);
    for (name, _) in flat.iter_mut().filter(|(name, _)| !name.starts_with(INDEX_PREFIX)) {
        name.insert_str(0, INDEX_PREFIX);
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

/// What the setting of that name, without its `index.`, says in a definition.
pub fn setting_of(definition: &Json, name: &str) -> Option<String> {
    let settings = settings_of(definition);
    let found = settings.iter().find(|(known, _)| known.strip_prefix(INDEX_PREFIX) == Some(name));
    found.and_then(|(_, value)| value.as_str().map(str::to_owned))
}

/// Whether a definition has a setting of that name, without its `index.`, that says yes.
pub fn is_set(definition: &Json, name: &str) -> bool {
    setting_of(definition, name).as_deref() == Some("true")
}

/// Refuses settings that do not go together.
///
/// # Errors
/// `Malformed`, in OpenSearch's words.
pub fn check_settings(name: &str, definition: &Json) -> Result<()> {
    if is_set(definition, SHARD_SELECTION) && !is_set(definition, APPEND_ONLY) {
        return Err(Error::malformed(format!(
            "index [{name}] is not append-only index, bulk adaptive shard selection is enabled, which is not supported. Please disable bulk adaptive shard selection or set index to append-only index."
        )));
    }
    Ok(())
}

/// An alias as it is kept: `routing` stands for that of indexing and of searching.
///
/// # Errors
/// `Malformed` for a part that no alias has.
pub fn alias_of(sent: &Json) -> Result<Json> {
    let parts = match sent {
        Json::Null => return Ok(json!({})),
        Json::Object(parts) => parts,
        _ => return Err(Error::malformed("an alias must be an object, such as {\"is_write_index\": true}")),
    };
    let mut alias = Map::new();
    for (name, value) in parts.iter().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "index" | "alias" => {}
            "routing" => {
                for side in ["index_routing", "search_routing"] {
                    alias.insert(side.to_owned(), value.clone());
                }
            }
            name if ALIAS_KEYS.contains(&name) => drop(alias.insert(name.to_owned(), value.clone())),
            other => return Err(Error::malformed(format!("unknown field [{other}]"))),
        }
    }
    Ok(Json::Object(alias))
}

/// Refuses what no alias can be called.
///
/// # Errors
/// `Malformed`, in Elasticsearch's words.
pub fn check_alias_name(name: &str) -> Result<()> {
    let is_name = !name.is_empty()
        && !name.starts_with(['_', '-', '+'])
        && !name.contains(['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#', ':']);
    if is_name {
        Ok(())
    } else {
        Err(Error::malformed(format!(
            "Invalid alias name [{name}]: it must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?, #, :] or start with '_', '-' or '+'"
        )))
    }
}

/// The aliases of an index.
pub fn aliases_of(index: &KeptObject) -> Option<&Map<String, Json>> {
    index.body.get("aliases").and_then(Json::as_object).filter(|aliases| !aliases.is_empty())
}

/// What the mappings of the indices say of their fields that `names` mean; aliases stand for their indices.
pub fn field_types(indices: &[KeptObject], names: &str) -> FieldTypes {
    let asked = Names::of(names);
    let meant: Vec<&KeptObject> = indices.iter().filter(|index| asked.mean(&index.name)).collect();
    let mappings = || meant.iter().map(|index| index.body.get("mappings").unwrap_or(&Json::Null));
    let is_known = |name: &str| {
        indices
            .iter()
            .any(|index| index.name == name || aliases_of(index).is_some_and(|aliases| aliases.contains_key(name)))
    };
    let types = FieldTypes::of(mappings());
    // Events of nobody's index have fields that no mapping names.
    if asked.are_all_single() && asked.single().all(is_known) { types.closed_by(mappings()) } else { types }
}

/// A definition with more fields: those of another mapping.
///
/// # Errors
/// `Malformed` for a mapping of another shape, or one that makes something else of a field that there is.
pub fn with_mapping(mut definition: Json, more: &Map<String, Json>) -> Result<Json> {
    check_fields(&Json::Object(more.clone()), 0)?;
    if !definition.is_object() {
        definition = json!({});
    }
    let mappings = &mut definition["mappings"];
    if !mappings.is_object() {
        *mappings = json!({});
    }
    merge(mappings, more, "")?;
    Ok(definition)
}

fn merge(mapping: &mut Json, more: &Map<String, Json>, path: &str) -> Result<()> {
    for (name, part) in more {
        let known = &mut mapping[name.as_str()];
        match (name.as_str(), part) {
            ("properties" | "fields", Json::Object(fields)) => {
                for (field, said) in fields {
                    let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                    let said = said
                        .as_object()
                        .ok_or_else(|| Error::malformed(format!("the mapping of [{path}] must be an object")))?;
                    if !known[field.as_str()].is_object() {
                        known[field.as_str()] = json!({});
                    }
                    merge(&mut known[field.as_str()], said, &path)?;
                }
            }
            ("type", said) if !known.is_null() && known != said => {
                let (before, after) = (known.as_str().unwrap_or_default(), said.as_str().unwrap_or_default());
                let words = format!("mapper [{path}] cannot be changed from type [{before}] to [{after}]");
                return Err(Error::malformed(words));
            }
            (_, said) => *known = said.clone(),
        }
    }
    Ok(())
}

/// Where what is sent to the names of indices and aliases goes.
pub fn made(indices: &[KeptObject]) -> MadeIndices {
    let mut made = MadeIndices::default();
    let mut aliases: BTreeMap<&str, Vec<(&str, Option<bool>)>> = BTreeMap::new();
    for index in indices {
        made.add(&index.name, Some(&index.name));
        if is_set(&index.body, APPEND_ONLY) {
            made.take_no_ids(&index.name);
        }
        for (alias, said) in aliases_of(index).into_iter().flatten() {
            let is_written = said.get("is_write_index").and_then(Json::as_bool);
            aliases.entry(alias).or_default().push((&index.name, is_written));
        }
    }
    for (alias, of_alias) in aliases {
        let named = of_alias.iter().find(|(_, is_written)| *is_written == Some(true));
        let only = of_alias.first().filter(|(_, is_written)| of_alias.len() == 1 && *is_written != Some(false));
        made.add(alias, named.or(only).map(|(index, _)| *index));
    }
    made
}

/// The names of indices that `names` mean when aliases among them stand for their indices too, and the filters of those indices that
/// are only named by aliases with one.
pub fn expanded(names: &str, indices: &[KeptObject]) -> (String, Vec<(String, Json)>) {
    let mut all: Vec<String> = Vec::new();
    let mut filters: Vec<(String, Json)> = Vec::new();
    let asked = Names::of(names);
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let (sign, pattern) = name.strip_prefix('-').map_or(("", name), |rest| ("-", rest));
        all.push(name.to_owned());
        for index in indices {
            let aliases = aliases_of(index).into_iter().flatten();
            for (_, said) in aliases.filter(|(alias, _)| pattern != "*" && glob_matches(pattern, alias)) {
                all.push(format!("{sign}{}", index.name));
                match said.get("filter") {
                    Some(filter) if sign.is_empty() => filters.push((index.name.clone(), filter.clone())),
                    _ => {}
                }
            }
        }
    }
    let is_unfiltered = |index: &KeptObject| {
        let aliases = aliases_of(index).into_iter().flatten();
        asked.mean(&index.name)
            || aliases.filter(|(alias, _)| asked.mean(alias)).any(|(_, said)| said.get("filter").is_none())
    };
    filters.retain(|(name, _)| !indices.iter().any(|index| index.name == *name && is_unfiltered(index)));
    (all.join(","), any_of(filters))
}

/// One filter for each index: of several, any may pass.
fn any_of(filters: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut by_index: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for (index, filter) in filters {
        by_index.entry(index).or_default().push(filter);
    }
    by_index.into_iter().map(|(index, filters)| (index, json!({"bool": {"should": filters}}))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, aliases: Json) -> KeptObject {
        KeptObject { name: name.to_owned(), body: json!({ "aliases": aliases }), version: 1 }
    }

    #[test]
    fn names_mean_what_elasticsearch_says() {
        let check = |names: &str, name: &str, expected: bool| {
            assert_eq!(Names::of(names).mean(name), expected, "{names} and {name}");
        };
        check("", "a", true);
        check("_all", "a", true);
        check("a,b*", "bc", true);
        check("a,b*", "c", false);
        check("b*,-bc", "bc", false);
        check("-bc,b*", "bc", true);
        assert_eq!(Names::of("a,b*,-c,_all").single().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn names_of_indices_are_checked() {
        for good in ["shop", "shop-2026.11", "<shop-{now/d}-000001>", "été"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for (bad, words) in
            [("_shop", "must not start"), ("Shop", "lowercase"), ("..", "must not be"), ("a b", "characters")]
        {
            assert!(check_name(bad).unwrap_err().message.contains(words), "{bad}");
        }
        assert!(check_alias_name("a*").is_err() && check_alias_name("").is_err() && check_alias_name("a").is_ok());
    }

    #[test]
    fn what_is_not_done_is_known() {
        let check = |definition: Json, expected: bool| assert_eq!(is_unapplied(&definition), expected, "{definition}");
        check(json!({}), false);
        check(
            json!({"settings": {"number_of_shards": 1, "index.refresh_interval": "1s"}, "aliases": {"a": {}}}),
            false,
        );
        check(json!({"settings": {"index": {"number_of_replicas": 0}}}), false);
        check(json!({"settings": {"index": {"sort.field": "a"}}}), true);
        check(json!({"settings": {"index": {"append_only": {"enabled": true}}}}), false);
        check(
            json!({"mappings": {"properties": {"a": {"type": "keyword"}, "b": {"properties": {"c": {"type": "long"}}}}}}),
            false,
        );
        check(json!({"mappings": {"properties": {"a": {"type": "text"}}}}), false);
        check(json!({"mappings": {"properties": {"a": {"type": "integer_range"}}}}), true);
        check(json!({"mappings": {"properties": {"a": {"type": "keyword", "ignore_above": 5}}}}), true);
        check(json!({"mappings": {"dynamic": "strict"}}), true);
        check(json!({"mappings": {"properties": {"a": {"type": "unsigned_long"}}}}), false);
        check(json!({"mappings": {}}), false);
        check(json!({"warmers": {}}), true);
    }

    #[test]
    fn settings_are_found_however_they_were_sent() {
        let check = |settings: Json, expected: bool| {
            let definition = json!({ "settings": settings });
            assert_eq!(is_set(&definition, APPEND_ONLY), expected, "{definition}");
        };
        check(json!({"index": {"append_only": {"enabled": true}}}), true);
        check(json!({"index.append_only.enabled": "true"}), true);
        check(json!({"append_only.enabled": true}), true);
        check(json!({"append_only.enabled": false}), false);
        check(json!({}), false);
        let selecting = json!({"settings": {"bulk.adaptive_shard_selection.enabled": true}});
        assert!(check_settings("a", &selecting).unwrap_err().message.contains("[a] is not append-only index"));
        let both = json!({"settings": {"bulk.adaptive_shard_selection.enabled": true, "append_only.enabled": true}});
        assert_eq!(check_settings("a", &both), Ok(()));
    }

    #[test]
    fn a_mapping_grows_and_no_field_changes() {
        let more = |json: Json| json.as_object().cloned().unwrap();
        let first = with_mapping(Json::Null, &more(json!({"properties": {"a": {"type": "text"}}}))).unwrap();
        let second = more(
            json!({"properties": {"a": {"fields": {"raw": {"type": "keyword"}}}, "b": {"properties": {"c": {"type": "long"}}}}}),
        );
        let both = with_mapping(first.clone(), &second).unwrap();
        assert_eq!(
            both["mappings"]["properties"],
            json!({"a": {"type": "text", "fields": {"raw": {"type": "keyword"}}}, "b": {"properties": {"c": {"type": "long"}}}})
        );
        let error = with_mapping(first, &more(json!({"properties": {"a": {"type": "long"}}}))).unwrap_err();
        assert!(error.message.contains("mapper [a] cannot be changed from type [text] to [long]"), "{}", error.message);
        assert!(with_mapping(both, &more(json!({"properties": {"b": 5}}))).is_err());
    }

    #[test]
    fn what_is_sent_to_an_alias_goes_to_its_index() {
        let indices = [
            index("a", json!({"one": {}, "both": {}, "led": {}})),
            index("b", json!({"both": {}, "led": {"is_write_index": true}, "shut": {"is_write_index": false}})),
        ];
        let mut expected = MadeIndices::default();
        for (name, written_to) in
            [("a", Some("a")), ("b", Some("b")), ("one", Some("a")), ("both", None), ("led", Some("b")), ("shut", None)]
        {
            expected.add(name, written_to);
        }
        assert_eq!(made(&indices), expected);
    }

    #[test]
    fn aliases_are_kept_in_one_form() {
        assert_eq!(alias_of(&json!({"routing": "r"})), Ok(json!({"index_routing": "r", "search_routing": "r"})));
        assert_eq!(alias_of(&Json::Null), Ok(json!({})));
        assert!(alias_of(&json!({"abc": 1})).unwrap_err().message.contains("unknown field [abc]"));
        let body = |json: Json| json.as_object().cloned().unwrap();
        assert!(definition(body(json!({"aliases": {"a*": {}}}))).is_err());
        assert!(definition(body(json!({"mappings": {"properties": {"": {"type": "keyword"}}}}))).is_err());
    }

    #[test]
    fn an_alias_stands_for_its_indices_too() {
        let indices =
            [index("one", json!({"a": {}, "f": {"filter": {"term": {"x": 1}}}})), index("two", json!({"a": {}}))];
        let check = |names: &str, expected: &str| {
            assert_eq!(expanded(names, &indices), (expected.to_owned(), Vec::new()), "{names}");
        };
        check("a", "a,one,two");
        check("-a,x", "-a,-one,-two,x");
        check("*", "*");
        check("", "");
        let filter = json!({"bool": {"should": [{"term": {"x": 1}}]}});
        assert_eq!(expanded("f", &indices), ("f,one".to_owned(), vec![("one".to_owned(), filter)]));
        check("f,one", "f,one,one");
        check("f,a", "f,one,a,one,two");
        check("-f,two", "-f,-one,two");
    }
}
