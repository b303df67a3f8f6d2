//! The body of a search: which events, in which order, which page of them, and what is shown of each.

use serde_json::{Map, Value as Json};
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::SortOrder;
use vigie_domain::{Position, Result, Timestamp, mapping};

use super::place::Place;
use super::source::{Shown, SourceFilter};

/// Hits unless said.
const SIZE: usize = 10;
/// Hits that a page reaches to, those before it included.
pub const WINDOW_MAX: usize = 10_000;
/// Number from which on a sort value is nanoseconds and not milliseconds.
const NANOS_MIN: u64 = 100_000_000_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Keys that change nothing here: hits come in time order, all of the time allowed is Vigie's own, and all of its data is one shard.
const PASSED_OVER: &[&str] = &[
    "timeout",
    "track_scores",
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
    pub(super) after: Option<Position>,
    pub(super) counts_total: bool,
    pub(super) shown: Shown,
    /// Signs before and behind a word that was looked for.
    pub(super) highlight: Option<(String, String)>,
    /// The point in time that was opened before.
    pub(super) point_in_time: Option<String>,
}

/// The order of hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) order: SortOrder,
    /// Whether values to go on behind are said of each hit, and how many.
    pub(super) value_count: usize,
}

/// Reads a body.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn page(body: &Map<String, Json>) -> Result<Page> {
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
    let point_in_time = body.get("pit").map(|json| Place::of("pit").key("id").text(&json["id"])).transpose()?;
    let mut sort = sort(body.get("sort"))?;
    if point_in_time.is_some() && sort.value_count == 1 {
        // As Elasticsearch does, so that events of one instant are told apart.
        sort.value_count = 2;
    }
    let after = body.get("search_after").map(|json| after(json, sort)).transpose()?;
    if after.is_some() && from > 0 {
        return Err(Place::of("from").wrong("must be 0 when search_after is there"));
    }
    Ok(Page {
        size,
        from,
        sort,
        after,
        counts_total: body.get("track_total_hits").is_none_or(|json| *json != Json::Bool(false)),
        shown: Shown {
            source: SourceFilter::read(body.get("_source"))?,
            fields: super::source::fields(body, &["fields", "docvalue_fields"])?,
        },
        highlight: body.get("highlight").map(highlight).transpose()?,
        point_in_time,
    })
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// Reads `sort`: time, with or without what tells events of one instant apart.
fn sort(json: Option<&Json>) -> Result<Sort> {
    let place = Place::of("sort");
    let mut sort = Sort { order: SortOrder::NewestFirst, value_count: 0 };
    let Some(json) = json else { return Ok(sort) };
    let mut has_order = false;
    for (place, json) in place.one_or_many(json) {
        let (name, order) = match json {
            Json::String(text) => match text.split_once(':') {
                Some((name, order)) => (name.to_owned(), Some(order.to_owned())),
                None => (text.clone(), None),
            },
            _ => {
                let (name, inner) = place.only(json)?;
                let order = match inner {
                    Json::Object(settings) => settings.get("order").map(|json| place.text(json)).transpose()?,
                    other => Some(place.text(other)?),
                };
                (name.to_owned(), order)
            }
        };
        let order = match order.as_deref() {
            None => None,
            Some("asc") => Some(SortOrder::OldestFirst),
            Some("desc") => Some(SortOrder::NewestFirst),
            Some(other) => return Err(place.wrong(&format!("must be asc or desc, found {other}"))),
        };
        match (name.as_str(), has_order) {
            // Every hit has the same score.
            ("_score", _) => {}
            ("_doc" | "_shard_doc" | "_seq_no", false) => {
                sort = Sort { order: order.unwrap_or(SortOrder::OldestFirst), value_count: 2 };
                has_order = true;
            }
            ("_doc" | "_shard_doc" | "_seq_no", true) => sort.value_count = 2,
            (name, false) if mapping::canonical(name) == pseudo_fields::TIMESTAMP => {
                sort = Sort { order: order.unwrap_or(SortOrder::OldestFirst), value_count: 1 };
                has_order = true;
            }
            (name, _) => return Err(place.missing(&format!("an order by [{name}] instead of [@timestamp]"))),
        }
    }
    Ok(sort)
}

/// Values of a hit's place, to go on behind.
pub(super) fn sort_values(at: Position, sort: Sort) -> Vec<Json> {
    let nanos = at.timestamp.as_nanos();
    let time = if nanos % NANOS_PER_MILLI == 0 { nanos / NANOS_PER_MILLI } else { nanos };
    [Json::from(time), Json::from(at.sequence)].into_iter().take(sort.value_count).collect()
}

fn after(json: &Json, sort: Sort) -> Result<Position> {
    let place = Place::of("search_after");
    let values = json.as_array().filter(|values| !values.is_empty() && values.len() <= 2);
    let values = values.ok_or_else(|| place.wrong("must be the [sort] of a hit, a list of one or two numbers"))?;
    let number = |json: &Json| json.as_i64().or_else(|| json.as_str().and_then(|text| text.parse().ok()));
    let wrong = || place.wrong("must be the [sort] of a hit");
    let time = number(&values[0]).ok_or_else(wrong)?;
    let nanos = if time.unsigned_abs() >= NANOS_MIN { Some(time) } else { time.checked_mul(NANOS_PER_MILLI) };
    let timestamp = Timestamp::from_nanos(nanos.ok_or_else(wrong)?);
    let sequence = match (values.get(1), sort.order) {
        (Some(json), _) => number(json).and_then(|number| u64::try_from(number).ok()).ok_or_else(wrong)?,
        // Behind every event of that instant.
        (None, SortOrder::NewestFirst) => 0,
        (None, SortOrder::OldestFirst) => u64::MAX,
    };
    Ok(Position { timestamp, sequence })
}

fn highlight(json: &Json) -> Result<(String, String)> {
    let place = Place::of("highlight");
    let object = place.object(json)?;
    let tag = |key: &str, unless_said: &str| match object.get(key) {
        None => Ok(unless_said.to_owned()),
        Some(Json::Array(tags)) => tags.first().map_or(Ok(unless_said.to_owned()), |json| place.key(key).text(json)),
        Some(json) => place.key(key).text(json),
    };
    Ok((tag("pre_tags", "<em>")?, tag("post_tags", "</em>")?))
}
