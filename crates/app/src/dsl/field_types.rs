//! What the mappings of indices that clients made say of their fields, where it changes what a query means.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value as Json};
use vigie_domain::event::pseudo_fields::TIMESTAMP;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::glob::glob_matches;

/// Objects within objects of a mapping that are looked at.
const DEPTH_MAX: usize = 20;

/// Fields by the name that clients use for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldTypes {
    by_name: HashMap<String, Mapped>,
    /// Every field that is told of, when no other can be asked for.
    only: Option<HashSet<String>>,
    /// Fields that can be asked for beside the source.
    stored: BTreeSet<String>,
    /// Fields of whole strings in every mapping that tells of them.
    strings: HashSet<String>,
}

/// A field that a mapping tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    /// The canonical name under which its values lie.
    pub(super) name: String,
    /// What its values are taken for; `None` as they are.
    pub(super) kind: Option<FieldKind>,
}

impl FieldTypes {
    /// What these mappings say; of a field that two of them take for different things, nothing is said.
    pub fn of<'m>(mappings: impl IntoIterator<Item = &'m Json>) -> Self {
        let mut told: HashMap<String, Option<Mapped>> = HashMap::new();
        let mut stored = BTreeSet::new();
        let mut are_strings: HashMap<String, bool> = HashMap::new();
        for mapping in mappings {
            add_stored(mapping, "", &mut stored, 0);
            add_strings(mapping, "", &mut are_strings, 0);
            let mut own = HashMap::new();
            add(mapping, "", &mut own, 0);
            for (name, mapped) in own {
                told.entry(name)
                    .and_modify(|known| *known = known.take().filter(|known| *known == mapped))
                    .or_insert(Some(mapped));
            }
        }
        let by_name = told.into_iter().filter_map(|(name, mapped)| Some((name, mapped?))).collect();
        let strings = are_strings.into_iter().filter_map(|(name, is_string)| is_string.then_some(name)).collect();
        Self { by_name, only: None, stored, strings }
    }

    /// The same, where no field can be asked for but those of these mappings, if each of them says so by `"dynamic": false`.
    #[must_use]
    pub fn closed_by<'m>(mut self, mappings: impl IntoIterator<Item = &'m Json>) -> Self {
        let mut names = HashSet::new();
        let mut is_closed = true;
        for mapping in mappings {
            is_closed &=
                mapping.get("dynamic").is_some_and(|dynamic| *dynamic == Json::Bool(false) || *dynamic == "false");
            add_names(mapping, "", &mut names, 0);
        }
        self.only = (is_closed && !names.is_empty()).then_some(names);
        self
    }

    /// Whether the field is none that can be asked for.
    pub(super) fn excludes(&self, sent: &str) -> bool {
        let is_told = |only: &HashSet<String>| only.contains(sent) || sent.starts_with('_') || sent == TIMESTAMP;
        self.only.as_ref().is_some_and(|only| !is_told(only))
    }

    /// Those of these fields, which may be patterns, that a mapping says are stored. Their values are those of the source.
    pub fn stored<'n>(&self, asked: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        let matching = |pattern: &'n str| self.stored.iter().filter(move |name| glob_matches(pattern, name)).cloned();
        asked.into_iter().flat_map(matching).collect()
    }

    /// Whether the field is told to hold strings that are taken whole.
    pub(super) fn is_string(&self, sent: &str) -> bool {
        self.strings.contains(sent)
    }

    /// What the values of a field are told to be, where that is not what they are anyway.
    pub fn kind_of(&self, sent: &str) -> Option<FieldKind> {
        self.get(sent).and_then(|mapped| mapped.kind)
    }

    /// What is said of the field that is called so.
    pub(super) fn get(&self, sent: &str) -> Option<&Mapped> {
        self.by_name.get(sent)
    }
}

fn add(mapping: &Json, prefix: &str, told: &mut HashMap<String, Mapped>, depth: usize) {
    let Some(properties) = mapping.get("properties").and_then(Json::as_object).filter(|_| depth < DEPTH_MAX) else {
        return;
    };
    for (name, field) in properties {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if field.get("properties").is_some() {
            add(field, &path, told, depth + 1);
            continue;
        }
        if let Some(other) = field.get("path").and_then(Json::as_str).filter(|_| is_of_type(field, "alias")) {
            let of_other = properties_at(mapping, prefix, other).and_then(kind_of);
            told.insert(path, Mapped { name: mapping::canonical(other).to_owned(), kind: of_other });
            continue;
        }
        let own = mapping::canonical(&path).to_owned();
        for (inner, field) in field.get("fields").and_then(Json::as_object).into_iter().flatten() {
            told.insert(format!("{path}.{inner}"), Mapped { name: own.clone(), kind: kind_of(field) });
        }
        // What Vigie knows of a field by itself stays.
        if let Some(kind) = kind_of(field).filter(|_| mapping::kind_of(&own).is_none()) {
            told.insert(path, Mapped { name: own, kind: Some(kind) });
        }
    }
}

/// Adds the path of every field, with whether every mapping so far has it hold whole strings.
fn add_strings(mapping: &Json, prefix: &str, are_strings: &mut HashMap<String, bool>, depth: usize) {
    let below = mapping.get("properties").and_then(Json::as_object).filter(|_| depth < DEPTH_MAX);
    for (name, field) in below.into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        add_strings(field, &path, are_strings, depth + 1);
        let is_string = STRING_TYPES.into_iter().any(|kind| is_of_type(field, kind));
        *are_strings.entry(path).or_insert(true) &= is_string;
    }
}

/// Adds the path of every field that is to be stored.
fn add_stored(mapping: &Json, prefix: &str, stored: &mut BTreeSet<String>, depth: usize) {
    let below = mapping.get("properties").and_then(Json::as_object).filter(|_| depth < DEPTH_MAX);
    for (name, field) in below.into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        add_stored(field, &path, stored, depth + 1);
        if field.get("store").is_some_and(|flag| *flag == Json::Bool(true) || *flag == "true") {
            stored.insert(path);
        }
    }
}

/// Adds the path of every field, of those that hold others too.
fn add_names(mapping: &Json, prefix: &str, names: &mut HashSet<String>, depth: usize) {
    let below = ["properties", "fields"].into_iter().filter_map(|key| mapping.get(key)?.as_object()).flatten();
    for (name, field) in below.filter(|_| depth < DEPTH_MAX) {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        add_names(field, &path, names, depth + 1);
        names.insert(path);
    }
}

/// The field of that path, looked for from the top when the mapping is the top.
fn properties_at<'m>(mapping: &'m Json, prefix: &str, path: &str) -> Option<&'m Json> {
    let below = path.strip_prefix(prefix)?.trim_start_matches('.');
    below.split('.').try_fold(mapping, |found, name| found.get("properties")?.get(name))
}

fn is_of_type(field: &Json, kind: &str) -> bool {
    field.get("type").and_then(Json::as_str) == Some(kind)
}

/// What values of a field are taken for, where that is not what they are anyway.
fn kind_of(field: &Json) -> Option<FieldKind> {
    match field.get("type").and_then(Json::as_str)? {
        // What completes words as they are typed takes them apart as well.
        "text" | "match_only_text" | "completion" => Some(FieldKind::Text),
        "date" | "date_nanos" => Some(FieldKind::Instant),
        "ip" => Some(FieldKind::Ip),
        _ => None,
    }
}

/// Types of fields whose values are kept, searched and counted as their mapping says; what else may be asked of them is refused.
const APPLIED_TYPES: [&str; 25] = [
    "binary",
    "keyword",
    "constant_keyword",
    "wildcard",
    "text",
    "match_only_text",
    "long",
    "integer",
    "short",
    "byte",
    "unsigned_long",
    "double",
    "float",
    "half_float",
    // Kept as it was sent, and not rounded.
    "scaled_float",
    "boolean",
    "date",
    "date_nanos",
    "ip",
    "alias",
    "object",
    "nested",
    "geo_point",
    "geo_shape",
    // Searched by its words; suggestions are refused.
    "completion",
];
/// Types of fields whose strings are taken whole.
const STRING_TYPES: [&str; 3] = ["keyword", "constant_keyword", "wildcard"];
/// What a mapping says of a field that only tells how the work is done, or refuses what Vigie keeps.
const HARMLESS_PARAMETERS: [&str; 18] = [
    "coerce",
    "doc_values",
    "eager_global_ordinals",
    "fielddata",
    "ignore_malformed",
    "index",
    "index_options",
    "index_phrases",
    "index_prefixes",
    "meta",
    "norms",
    "path",
    "position_increment_gap",
    "scaling_factor",
    "similarity",
    "store",
    "term_vector",
    "split_queries_on_whitespace",
];
/// Formats of dates that are read.
const DATE_FORMATS: [&str; 9] = [
    "strict_date_optional_time",
    "strict_date_optional_time_nanos",
    "date_optional_time",
    "date_time",
    "strict_date_time",
    "strict_date",
    "date",
    "yyyy-MM-dd",
    "epoch_millis",
];

/// Whether a mapping, or what it says of one field, is done as it says.
pub fn is_applied(mapping: &Json) -> bool {
    let Some(parts) = mapping.as_object() else { return mapping.is_null() };
    parts.iter().all(|(name, part)| is_part_applied(name, part, parts))
}

fn is_part_applied(name: &str, part: &Json, of: &Map<String, Json>) -> bool {
    match (name, part) {
        ("properties" | "fields", Json::Object(fields)) => fields.values().all(is_applied),
        ("type", Json::String(kind)) => APPLIED_TYPES.contains(&kind.as_str()),
        ("analyzer" | "search_analyzer", Json::String(name)) => name == "standard",
        ("format", Json::String(formats)) => formats.split("||").all(|format| DATE_FORMATS.contains(&format)),
        // Fields within objects are always told by their whole path.
        ("disable_objects", Json::Bool(_)) => true,
        ("dynamic", Json::Bool(_)) => true,
        ("dynamic", part) => *part == "true" || *part == "false",
        ("enabled", part) => *part == Json::Bool(true),
        ("_meta", _) => true,
        (name, _) => HARMLESS_PARAMETERS.contains(&name) && of.contains_key("type"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_have_the_kinds_that_mappings_give_them() {
        let first = json!({"properties": {
            "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "code": {"type": "keyword", "fields": {"words": {"type": "text"}}},
            "when": {"type": "date"},
            "message": {"type": "keyword"},
            "user": {"properties": {"home": {"type": "ip"}}},
            "heading": {"type": "alias", "path": "title"},
            "count": {"type": "long"},
        }});
        let second = json!({"properties": {"when": {"type": "ip"}, "other": {"type": "text"}}});
        let types = FieldTypes::of([&first, &second]);
        let check = |sent: &str, expected: Option<(&str, Option<FieldKind>)>| {
            let found = types.get(sent).map(|mapped| (mapped.name.as_str(), mapped.kind));
            assert_eq!(found, expected, "{sent}");
        };
        check("title", Some(("title", Some(FieldKind::Text))));
        check("title.raw", Some(("title", None)));
        check("code", None);
        check("code.words", Some(("code", Some(FieldKind::Text))));
        check("user.home", Some(("user.home", Some(FieldKind::Ip))));
        check("heading", Some(("title", Some(FieldKind::Text))));
        check("other", Some(("other", Some(FieldKind::Text))));
        check("when", None);
        check("message", None);
        check("count", None);
        assert!(types.is_string("code") && types.is_string("message") && !types.is_string("title"));
        let third = json!({"properties": {"code": {"type": "long"}}});
        assert!(!FieldTypes::of([&first, &third]).is_string("code"));
    }

    #[test]
    fn a_mapping_may_name_all_fields_that_there_are() {
        let closed = json!({"dynamic": false, "properties": {"a": {"properties": {"b": {"type": "text", "fields": {"c": {"type": "keyword"}}}}}}});
        let open = json!({"properties": {"d": {"type": "long"}}});
        let check =
            |types: &FieldTypes, sent: &str, expected: bool| assert_eq!(types.excludes(sent), expected, "{sent}");
        let types = FieldTypes::of([&closed]).closed_by([&closed]);
        ["a", "a.b", "a.b.c", "_id", "@timestamp"].iter().for_each(|sent| check(&types, sent, false));
        ["b", "a.c", "date"].iter().for_each(|sent| check(&types, sent, true));
        check(&FieldTypes::of([&closed, &open]).closed_by([&closed, &open]), "b", false);
        check(&FieldTypes::of([&closed]), "b", false);
    }

    #[test]
    fn fields_that_are_stored_can_be_asked_for() {
        let mapping = json!({"properties": {
            "a": {"type": "keyword", "store": true},
            "b": {"properties": {"c": {"type": "long", "store": "true"}, "d": {"type": "long", "store": false}}},
        }});
        let types = FieldTypes::of([&mapping]);
        let check = |asked: &[&str], expected: &[&str]| assert_eq!(types.stored(asked.iter().copied()), expected);
        check(&["a", "b.c", "b.d", "nothing"], &["a", "b.c"]);
        check(&["b.*"], &["b.c"]);
        check(&["*"], &["a", "b.c"]);
        check(&["_source"], &[]);
    }

    #[test]
    fn what_is_not_done_is_known() {
        let check = |mapping: Json, expected: bool| assert_eq!(is_applied(&mapping), expected, "{mapping}");
        let field = |field: Json| json!({"properties": {"a": field}});
        check(json!({}), true);
        check(field(json!({"type": "text", "fields": {"raw": {"type": "keyword", "doc_values": false}}})), true);
        check(field(json!({"properties": {"c": {"type": "long"}}})), true);
        check(field(json!({"type": "date", "format": "yyyy-MM-dd||epoch_millis"})), true);
        check(field(json!({"type": "date", "format": "dd/MM/yyyy"})), false);
        check(field(json!({"type": "keyword", "ignore_above": 5})), false);
        check(field(json!({"type": "text", "analyzer": "stop"})), false);
        check(field(json!({"type": "integer_range"})), false);
        // The field itself would have to find what lies anywhere below it.
        check(field(json!({"type": "flattened"})), false);
        check(json!({"dynamic": "strict"}), false);
        check(json!({"dynamic": false, "properties": {}}), true);
        check(json!({"_source": {"enabled": false}}), false);
    }
}
