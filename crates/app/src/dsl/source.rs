//! What of an event is shown: its source or parts of it, and single fields as lists of values.

use serde_json::{Map, Value as Json};
use vigie_domain::event::for_each_scalar;
use vigie_domain::event::pseudo_fields::TIMESTAMP;
use vigie_domain::ports::Hit;
use vigie_domain::query::glob::glob_matches;
use vigie_domain::time::parse_instant;
use vigie_domain::value::object_to_json;
use vigie_domain::{Result, Timestamp, Value};

use super::document::id_of;
use super::field_types::FieldTypes;
use super::place::Place;

/// Asks for no stored field, and for no id.
const NOTHING: &str = "_none_";

/// What is shown of each hit.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) source: SourceFilter,
    /// Patterns of fields, each with whether instants are milliseconds.
    pub(super) fields: Vec<(String, bool)>,
    has_version: bool,
    has_sequence: bool,
    /// Whether nothing of the event is shown that is not asked for, its id neither.
    hides_id: bool,
}

impl Shown {
    /// What a search or hits of a bucket are to show of fields of these types.
    ///
    /// # Errors
    /// `Malformed` when it cannot be read.
    pub(super) fn read(body: &Map<String, Json>, types: &FieldTypes) -> Result<Self> {
        let flag = |key: &str| body.get(key).map_or(Ok(false), |json| Place::of(key).flag(json));
        let stored = stored_fields(body)?;
        let source = match body.get("_source") {
            None => SourceFilter::beside(stored.as_deref()),
            said => SourceFilter::read(said)?,
        };
        let mut fields = fields(body, &["fields", "docvalue_fields"])?;
        let stored = stored.unwrap_or_default();
        let hides_id = stored == [NOTHING];
        fields.extend(types.stored(stored.iter().map(String::as_str)).into_iter().map(|name| (name, false)));
        let (has_version, has_sequence) = (flag("version")?, flag("seq_no_primary_term")?);
        Ok(Self { source, fields, has_version, has_sequence, hides_id })
    }

    /// Adds id, version and number of the hit, as they are asked for.
    pub(super) fn add_names(&self, hit: &Hit, object: &mut Map<String, Json>) {
        if !self.hides_id {
            object.insert("_id".to_owned(), Json::from(id_of(hit)));
        }
        if self.has_version {
            object.insert("_version".to_owned(), Json::from(1));
        }
        if self.has_sequence {
            object.insert("_seq_no".to_owned(), Json::from(hit.position.sequence));
            object.insert("_primary_term".to_owned(), Json::from(1));
        }
    }
}

/// Which parts of the source are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFilter {
    is_off: bool,
    includes: Vec<String>,
    excludes: Vec<String>,
}

impl SourceFilter {
    /// The whole source, unless stored fields are asked for and it is not among them.
    pub fn beside(stored_fields: Option<&[String]>) -> Self {
        let is_off = stored_fields.is_some_and(|names| !names.iter().any(|name| name == "_source"));
        Self { is_off, ..Self::default() }
    }

    /// Reads `_source`.
    ///
    /// # Errors
    /// `Malformed` when it cannot be read.
    pub fn read(json: Option<&Json>) -> Result<Self> {
        let place = Place::of("_source");
        let patterns = |place: &Place, json: Option<&Json>| -> Result<Vec<String>> {
            let Some(json) = json else { return Ok(Vec::new()) };
            place.one_or_many(json).into_iter().map(|(place, json)| place.text(json)).collect()
        };
        Ok(match json {
            None | Some(Json::Bool(true)) => Self::default(),
            Some(Json::Bool(false)) => Self { is_off: true, ..Self::default() },
            Some(Json::Object(object)) => {
                place.check_keys(object, &["includes", "include", "excludes", "exclude"], &[])?;
                let of = |keys: [&str; 2]| keys.into_iter().find_map(|key| object.get(key));
                Self {
                    is_off: false,
                    includes: patterns(&place.key("includes"), of(["includes", "include"]))?,
                    excludes: patterns(&place.key("excludes"), of(["excludes", "exclude"]))?,
                }
            }
            Some(json) => Self { includes: patterns(&place, Some(json))?, ..Self::default() },
        })
    }

    /// The source that is shown; `None` when none is.
    pub(super) fn of(&self, hit: &Hit) -> Option<Json> {
        if self.is_off {
            return None;
        }
        let source = object_to_json(&hit.source);
        if self.includes.is_empty() && self.excludes.is_empty() {
            return Some(source);
        }
        Some(self.filtered("", &source).unwrap_or_else(|| Json::Object(Map::new())))
    }

    fn filtered(&self, path: &str, json: &Json) -> Option<Json> {
        match json {
            Json::Object(object) => {
                let field = |(name, json): (&String, &Json)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    Some((name.clone(), self.filtered(&path, json)?))
                };
                let kept: Map<String, Json> = object.iter().filter_map(field).collect();
                (!kept.is_empty() || path.is_empty()).then_some(Json::Object(kept))
            }
            leaf => self.has(path).then(|| leaf.clone()),
        }
    }

    fn has(&self, path: &str) -> bool {
        // A pattern names a field and everything below it.
        let is_named = |pattern: &String| glob_matches(pattern, path) || glob_matches(&format!("{pattern}.*"), path);
        (self.includes.is_empty() || self.includes.iter().any(is_named)) && !self.excludes.iter().any(is_named)
    }
}

/// The stored fields that are asked for, if any are; `_none_` asks for none of them.
///
/// # Errors
/// `Malformed` when they cannot be read.
pub fn stored_fields(body: &Map<String, Json>) -> Result<Option<Vec<String>>> {
    let place = Place::of("stored_fields");
    let read = |json: &Json| place.one_or_many(json).into_iter().map(|(place, json)| place.text(json)).collect();
    body.get("stored_fields").map(read).transpose()
}

/// Patterns of fields that stand under these keys, each with whether its instants are milliseconds.
///
/// # Errors
/// `Malformed` when they cannot be read.
pub(super) fn fields(body: &Map<String, Json>, keys: &[&str]) -> Result<Vec<(String, bool)>> {
    let mut fields = Vec::new();
    for key in keys {
        let Some(json) = body.get(*key) else { continue };
        for (place, json) in Place::of(key).one_or_many(json) {
            let Json::Object(object) = json else {
                fields.push((place.text(json)?, false));
                continue;
            };
            let name = object.get("field").ok_or_else(|| place.wrong("must have [field]"))?;
            let format = object.get("format").map(|json| place.key("format").text(json)).transpose()?;
            let is_millis = match format.as_deref() {
                None
                | Some(
                    "use_field_mapping" | "strict_date_optional_time" | "date_time" | "strict_date_optional_time_nanos",
                ) => false,
                Some("epoch_millis") => true,
                Some(other) => return Err(place.missing(&format!("the format [{other}]"))),
            };
            fields.push((place.key("field").text(name)?, is_millis));
        }
    }
    Ok(fields)
}

/// Values of the fields by name, each a list. The instant of an event is told by its name even where the document has none of its own.
pub(super) fn values(hit: &Hit, patterns: &[(String, bool)]) -> Map<String, Json> {
    let mut values = values_in(hit, patterns);
    if let Some((_, is_millis)) = patterns.iter().find(|(pattern, _)| pattern == TIMESTAMP)
        && !values.contains_key(TIMESTAMP)
    {
        let at = hit.position.timestamp;
        let text = if *is_millis { at.as_millis().to_string() } else { at.to_string() };
        values.insert(TIMESTAMP.to_owned(), Json::from(vec![text]));
    }
    values
}

fn values_in(hit: &Hit, patterns: &[(String, bool)]) -> Map<String, Json> {
    let mut values: Map<String, Json> = Map::new();
    let mut add = |path: &str, value: &Value| {
        // Whole values of a field are asked for under a name of their own.
        let base = |pattern: &str| pattern.strip_suffix(".keyword").unwrap_or(pattern).to_owned();
        let Some((pattern, is_millis)) = patterns.iter().find(|(pattern, _)| glob_matches(&base(pattern), path)) else {
            return;
        };
        let name = if base(pattern) == path { pattern.as_str() } else { path };
        let instant = value.as_text().filter(|_| *is_millis).and_then(|text| parse_instant(text, Timestamp::default()));
        let json = instant.map_or_else(|| value.to_json(), |at| Json::from(at.as_millis().to_string()));
        if let Json::Array(list) = values.entry(name.to_owned()).or_insert_with(|| Json::Array(Vec::new())) {
            list.push(json);
        }
    };
    for (name, value) in &hit.source {
        for_each_scalar(name, value, &mut |path, value| {
            if *value != Value::Null {
                add(path, value);
            }
        });
    }
    values
}
