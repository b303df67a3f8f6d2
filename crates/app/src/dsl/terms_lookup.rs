//! `terms` whose values lie in another document: they are read before the body is, and stand in it then.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};
use vigie_domain::{Error, Result, Scope};

use super::document::completed;
use super::look::{Looked, several_indices};
use super::place::Place;
use super::query::needed;
use super::source::SourceFilter;
use super::{DslRequest, DslSearch};
use crate::kept_objects::{KeptObject, ObjectKind};

/// Lists of values that one request takes from other documents.
const LOOKUPS_MAX: usize = 16;
/// Parts of a body that hold queries.
const WITH_QUERIES: [&str; 3] = ["query", "aggs", "aggregations"];
/// The query that they belong to.
const TERMS: &str = "terms";

/// Where a list of values lies.
struct Lookup {
    index: String,
    id: String,
    path: String,
}

impl Lookup {
    fn read(object: &Map<String, Json>, place: &Place) -> Result<Self> {
        place.check_keys(object, &["index", "id", "path"], &["routing"])?;
        let text = |key: &str| place.key(key).text(needed(object, key, place)?);
        Ok(Self { index: text("index")?, id: text("id")?, path: text("path")? })
    }
}

impl DslSearch {
    /// The request with the values of other documents in the places of its body where they are asked for.
    ///
    /// # Errors
    /// `Malformed`, naming the place, when it cannot be told which document is meant; `NotFound` for an index that is not there.
    pub(super) async fn with_looked_up<'r>(
        &self,
        scope: &Scope,
        request: &'r DslRequest,
    ) -> Result<Cow<'r, DslRequest>> {
        let mut pointers = Vec::new();
        for key in WITH_QUERIES {
            if let Some(json) = request.body.get(key) {
                find(json, &format!("/{key}"), &Place::of(key), &mut pointers)?;
            }
        }
        if pointers.is_empty() {
            return Ok(Cow::Borrowed(request));
        }
        if pointers.len() > LOOKUPS_MAX {
            let words = format!("at most {LOOKUPS_MAX} lists of values may lie elsewhere, found {}", pointers.len());
            return Err(Place::of("query").wrong(&words));
        }
        let known = match &self.definitions {
            Some(definitions) => definitions.find(ObjectKind::Index, "*").await?,
            None => Vec::new(),
        };
        let mut body = Json::Object(request.body.clone());
        for (pointer, lookup, place) in pointers {
            let values = self.values_at(scope, &lookup, &known, &place).await?;
            if let Some(json) = body.pointer_mut(&pointer) {
                *json = Json::Array(values);
            }
        }
        match body {
            Json::Object(body) => Ok(Cow::Owned(DslRequest { body, ..request.clone() })),
            _ => Err(Error::internal("a body is no object any more")),
        }
    }

    /// The values of the field in that document; none when there is no such document.
    async fn values_at(
        &self,
        scope: &Scope,
        lookup: &Lookup,
        known: &[KeptObject],
        place: &Place,
    ) -> Result<Vec<Json>> {
        let Lookup { index, id, path } = lookup;
        let hit = match self.look(scope, index, id, known).await? {
            Looked::Found(hit) => hit,
            Looked::NoDocument => return Ok(Vec::new()),
            Looked::NoIndex => return Err(Error::not_found(format!("no such index [{index}]"))),
            Looked::Several(indices) => return Err(place.wrong(&several_indices(index, &indices))),
        };
        let source = SourceFilter::default().of(&completed(&hit)).unwrap_or_default();
        let mut values = Vec::new();
        collect(&source, &path.split('.').collect::<Vec<_>>(), &mut values);
        Ok(values)
    }
}

/// Where in the body lists of values are asked for, as JSON pointers. How deep bodies are nested is bounded where JSON is read.
fn find(json: &Json, pointer: &str, place: &Place, found: &mut Vec<(String, Lookup, Place)>) -> Result<()> {
    match json {
        Json::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                find(item, &format!("{pointer}/{number}"), &place.item(number), found)?;
            }
        }
        Json::Object(object) => {
            for (key, inner) in object {
                let (pointer, place) = (format!("{pointer}/{}", escaped(key)), place.key(key));
                let fields = inner.as_object().filter(|_| key == TERMS);
                for (field, lookup) in fields.into_iter().flatten() {
                    if let Some(lookup) = lookup.as_object().filter(|object| is_lookup(object)) {
                        let place = place.key(field);
                        found.push((format!("{pointer}/{}", escaped(field)), Lookup::read(lookup, &place)?, place));
                    }
                }
                find(inner, &pointer, &place, found)?;
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
    Ok(())
}

fn is_lookup(object: &Map<String, Json>) -> bool {
    object.contains_key("path") && (object.contains_key("index") || object.contains_key("id"))
}

/// A key as it stands in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The values below a path, of which several names may be written as one.
fn collect(json: &Json, path: &[&str], values: &mut Vec<Json>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| collect(item, path, values)),
        Json::Object(object) => {
            for count in 1..=path.len() {
                if let Some(inner) = object.get(&path[..count].join(".")) {
                    collect(inner, &path[count..], values);
                }
            }
        }
        Json::Null => {}
        value if path.is_empty() => values.push(value.clone()),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_taken_from_below_a_path() {
        let check = |source: Json, path: &str, expected: Json| {
            let mut values = Vec::new();
            collect(&source, &path.split('.').collect::<Vec<_>>(), &mut values);
            assert_eq!(Json::Array(values), expected, "{source} {path}");
        };
        check(json!({"a": ["x", null, 2]}), "a", json!(["x", 2]));
        check(json!({"a": [{"b": 1}, {"b": [2, 3]}, {"c": 4}]}), "a.b", json!([1, 2, 3]));
        check(json!({"a.b": "x", "a": {"b": "y"}}), "a.b", json!(["y", "x"]));
        check(json!({"a": {"b": {"c": 1}}}), "a.b", json!([]));
        check(json!({"a": 1}), "a.b", json!([]));
    }

    #[test]
    fn only_terms_have_values_that_lie_elsewhere() {
        let place = |json: Json| {
            let mut found = Vec::new();
            find(&json, "/query", &Place::of("query"), &mut found).map(|()| {
                found.iter().map(|(pointer, lookup, _)| format!("{pointer} {}", lookup.id)).collect::<Vec<_>>()
            })
        };
        let lookup = json!({"index": "users", "id": 2, "path": "followers"});
        let query = json!({"bool": {"filter": [{"terms": {"user/id": lookup, "boost": 1}}, {"terms": {"a": ["b"]}}]}});
        assert_eq!(place(query).unwrap(), ["/query/bool/filter/0/terms/user~1id 2"]);
        let none = json!({"match": {"terms": {"query": "path"}}});
        assert!(place(none).unwrap().is_empty());
        let error = place(json!({"terms": {"user": {"path": "a", "id": "1"}}})).err().map(|error| error.message);
        assert_eq!(error.as_deref(), Some("[query.terms.user] must have [index]"));
    }
}
