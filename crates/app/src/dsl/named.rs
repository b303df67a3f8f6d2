//! Queries with names: which of them each hit matches.

use serde_json::Value as Json;
use vigie_domain::ports::Hit;
use vigie_domain::query::Matcher;
use vigie_domain::{Event, Result, Scope, Timestamp};

use super::DslRequest;
use super::place::Place;
use super::query::query;

/// Names of one request.
const NAMES_MAX: usize = 100;
/// Queries that hold others, and the keys under which they do.
const HOLDERS: [(&str, &[&str]); 4] = [
    ("bool", &["must", "filter", "should", "must_not"]),
    ("constant_score", &["filter"]),
    ("dis_max", &["queries"]),
    ("boosting", &["positive", "negative"]),
];

/// Queries with names, made ready to be compared with hits.
#[derive(Default)]
pub(super) struct Named(Vec<(String, Matcher)>);

impl Named {
    /// Reads those of a request, whose query was read before.
    ///
    /// # Errors
    /// `Malformed` when there are too many.
    pub(super) fn read(request: &DslRequest, now: Timestamp, scope: &Scope) -> Result<Self> {
        let mut named = Self::default();
        if let Some(json) = request.body.get("query").filter(|json| !json.is_null()) {
            named.add(json, now, scope, &Place::of("query").with_types(&request.types))?;
        }
        Ok(named)
    }

    fn add(&mut self, json: &Json, now: Timestamp, scope: &Scope, place: &Place) -> Result<()> {
        place.check_depth()?;
        let (kind, inner) = place.only(json)?;
        let keys = HOLDERS.iter().find(|(holder, _)| *holder == kind).map(|(_, keys)| *keys);
        if let Some(name) = name_of(inner, keys.is_none()) {
            let query = query(json, now, place)?.resolved(now).map_err(|error| place.wrong(&error.to_string()))?;
            self.0.push((name.to_owned(), Matcher::compile(&query, scope, now)?));
            if self.0.len() > NAMES_MAX {
                return Err(place.wrong(&format!("at most {NAMES_MAX} queries of a request may have a [_name]")));
            }
        }
        let place = place.key(kind);
        for key in keys.unwrap_or_default() {
            let Some(json) = inner.get(*key) else { continue };
            place
                .key(key)
                .one_or_many(json)
                .into_iter()
                .try_for_each(|(place, json)| self.add(json, now, scope, &place))?;
        }
        Ok(())
    }

    /// The names of those that the hit matches, in the order in which they stand.
    pub(super) fn matching(&self, hit: &Hit) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let event = Event {
            id: Some(hit.id.clone()),
            timestamp: hit.position.timestamp,
            ingested_at: hit.ingested_at,
            log_type: hit.log_type,
            body: hit.source.clone(),
        };
        let matching = self.0.iter().filter(|(_, matcher)| matcher.matches(&event, &hit.id));
        matching.map(|(name, _)| name.clone()).collect()
    }
}

/// The name of a query, which stands beside its settings or among those of its field.
fn name_of(inner: &Json, is_of_field: bool) -> Option<&str> {
    let object = inner.as_object()?;
    let direct = object.get("_name").and_then(Json::as_str);
    let fields = || is_of_field.then_some(object);
    direct.or_else(|| fields()?.values().find_map(|settings| settings.as_object()?.get("_name")?.as_str()))
}
