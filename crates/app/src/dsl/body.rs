//! The body of a search: which events, in which order, which page of them, and what is shown of each.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::Ranking;
use vigie_domain::{Result, Timestamp};

use super::collapse::Collapse;
use super::field_types::FieldTypes;
use super::place::Place;
use super::sort::{After, Sort};
use super::source::Shown;

/// Hits unless said.
const SIZE: usize = 10;
/// Hits that a page reaches to, those before it included.
pub const WINDOW_MAX: usize = 10_000;
/// Keys that change nothing here: hits come in time order, all of the time allowed is Vigie's own, and all of its data is one shard.
const PASSED_OVER: &[&str] = &[
    "timeout",
    "version",
    "seq_no_primary_term",
    "stats",
    "preference",
    "indices_boost",
    "profile",
    "explain",
    "stored_fields",
    "ext",
    "terminate_after",
];
/// Keys that may stand there when they say nothing.
const EMPTY_ONLY: &[&str] = &["script_fields", "runtime_mappings", "rescore", "suggest", "aggs", "aggregations"];
/// Keys that are read.
const KNOWN: &[&str] = &[
    "query",
    "size",
    "from",
    "sort",
    "aggs",
    "aggregations",
    "_source",
    "fields",
    "docvalue_fields",
    "track_total_hits",
    "search_after",
    "collapse",
    "track_scores",
    "highlight",
    "pit",
    "script_fields",
    "runtime_mappings",
    "rescore",
    "suggest",
];

/// A search as it was asked, apart from query and aggregations.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) size: usize,
    pub(super) from: usize,
    pub(super) sort: Sort,
    pub(super) after: Option<After>,
    /// Whether the score is said though hits are sorted.
    pub(super) tells_score: bool,
    pub(super) counts_total: bool,
    pub(super) shown: Shown,
    /// Signs before and behind a word that was looked for.
    pub(super) highlight: Option<(String, String)>,
    /// The point in time that was opened before.
    pub(super) point_in_time: Option<String>,
    /// The field of whose values each is there once.
    pub(super) collapse: Option<Collapse>,
    /// What fields are.
    pub(super) types: Arc<FieldTypes>,
}

impl Page {
    /// The ranking of which it is a part, unless it is one of time alone.
    pub(super) fn ranking(&self) -> Option<Ranking> {
        let ranking = match &self.collapse {
            Some(collapse) => Some(collapse.ranking(&self.sort, self.after.as_ref())),
            None => self.sort.ranking(self.after.as_ref()),
        };
        ranking.filter(|_| self.size > 0)
    }
}

/// Reads a body.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn page(body: &Map<String, Json>, now: Timestamp, types: &Arc<FieldTypes>) -> Result<Page> {
    let top = Place::of("body");
    top.check_keys(body, KNOWN, PASSED_OVER)?;
    for key in EMPTY_ONLY.iter().take(4) {
        if body.get(*key).is_some_and(|json| !is_empty(json)) {
            return Err(Place::of(key).missing(&format!("[{key}]")));
        }
    }
    let count =
        |key: &str, unless_said: usize| body.get(key).map_or(Ok(unless_said), |json| Place::of(key).count(json));
    let (size, from) = (count("size", SIZE)?, count("from", 0)?);
    if size.saturating_add(from) > WINDOW_MAX {
        let words = format!(
            "Result window is too large, from + size must be less than or equal to: [{WINDOW_MAX}] but was [{}]; go on with search_after or scroll",
            size.saturating_add(from)
        );
        return Err(Place::of("from").wrong(&words));
    }
    let point_in_time = point_in_time(body)?;
    let mut sort = Sort::read(body.get("sort"), now, &Place::of("sort").with_types(types))?;
    if point_in_time.is_some() {
        // As Elasticsearch does, so that events of one instant are told apart.
        sort.tell_apart();
    }
    let collapse = body.get("collapse").filter(|json| !json.is_null());
    let collapse =
        collapse.map(|json| Collapse::read(json, now, &Place::of("collapse").with_types(types))).transpose()?;
    let after = body.get("search_after").map(|json| sort.after(json, now)).transpose()?;
    let after = match &collapse {
        Some(collapse) => after.map(|after| collapse.after(after, &sort)).transpose()?,
        None => after,
    };
    if after.is_some() && from > 0 {
        return Err(Place::of("from").wrong("must be 0 when search_after is there"));
    }
    let asks_scores = body.get("track_scores").map_or(Ok(false), |json| Place::of("track_scores").flag(json))?;
    Ok(Page {
        tells_score: !sort.is_said() || sort.has_score() || asks_scores,
        size,
        from,
        sort,
        after,
        counts_total: body.get("track_total_hits").is_none_or(|json| *json != Json::Bool(false)),
        shown: Shown::read(body, types)?,
        highlight: body.get("highlight").map(highlight).transpose()?,
        point_in_time,
        collapse,
        types: Arc::clone(types),
    })
}

/// The id of the point in time that a body names.
///
/// # Errors
/// `Malformed` when it is none.
pub(super) fn point_in_time(body: &Map<String, Json>) -> Result<Option<String>> {
    body.get("pit").map(|json| Place::of("pit").key("id").text(&json["id"])).transpose()
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// What is said of each field, in an object or in a list of such.
fn of_fields(json: &Json) -> Vec<&Json> {
    match json {
        Json::Object(fields) => fields.values().collect(),
        Json::Array(list) => list.iter().filter_map(Json::as_object).flat_map(Map::values).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Vec::new(),
    }
}

fn highlight(json: &Json) -> Result<(String, String)> {
    let place = Place::of("highlight");
    let object = place.object(json)?;
    // Marks are those of the words that were looked for.
    let fields = object.get("fields").into_iter().flat_map(of_fields);
    if object.contains_key("highlight_query") || fields.into_iter().any(|json| json.get("highlight_query").is_some()) {
        return Err(place.missing("[highlight_query]"));
    }
    let tag = |key: &str, unless_said: &str| match object.get(key) {
        None => Ok(unless_said.to_owned()),
        Some(Json::Array(tags)) => tags.first().map_or(Ok(unless_said.to_owned()), |json| place.key(key).text(json)),
        Some(json) => place.key(key).text(json),
    };
    Ok((tag("pre_tags", "<em>")?, tag("post_tags", "</em>")?))
}
