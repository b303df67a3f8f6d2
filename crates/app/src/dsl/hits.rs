//! Hits in Elasticsearch's shape.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::AggregationAnswer;
use vigie_domain::ports::Hit;
use vigie_domain::query::Query;
use vigie_domain::{Error, Position, Result, Value};

use super::SCORE;
use super::body::Page;
use super::document::{self, index_of};
use super::named::Named;
use super::source;
use crate::search::{HIGHLIGHT_END, HIGHLIGHT_START, Marks};

/// What hits there are.
#[derive(Default)]
pub(super) struct Hits {
    pub(super) hits: Vec<Hit>,
    pub(super) total: Option<u64>,
    pub(super) aggregations: Option<Map<String, Json>>,
    /// What each is put in order by, unless that is time alone.
    pub(super) values: HashMap<Position, Vec<Value>>,
    /// Where those of a ranking stand.
    pub(super) places: Vec<Position>,
    /// What is shown beside each.
    pub(super) inner_hits: HashMap<Position, Map<String, Json>>,
    /// Queries whose names are told of those that match them.
    pub(super) named: Named,
}

impl Hits {
    /// Where the last of them stands.
    pub(super) fn last(&self) -> Option<(i64, u64)> {
        self.hits.last().map(|hit| (hit.position.timestamp.as_nanos(), hit.position.sequence))
    }

    /// Takes the places and values of a ranking, but for the first so many.
    ///
    /// # Errors
    /// When it is the answer to something else.
    pub(super) fn rank(&mut self, answer: AggregationAnswer, skipped: usize) -> Result<()> {
        let AggregationAnswer::Top(events) = answer else {
            return Err(Error::internal("a ranking was answered by something else"));
        };
        for event in events.into_iter().skip(skipped) {
            self.places.push(event.position);
            self.values.insert(event.position, event.values);
        }
        Ok(())
    }

    /// What the last of them is put in order by, unless that is time alone.
    pub(super) fn last_values(&self) -> Vec<Value> {
        self.hits.last().and_then(|hit| self.values.get(&hit.position)).cloned().unwrap_or_default()
    }
}

/// The answer without aggregations and ids.
pub(super) fn shown(found: &Hits, page: &Page, query: &Query) -> Map<String, Json> {
    let marks = page.highlight.as_ref().map(|tags| (Marks::of(query), tags));
    let hits: Vec<Json> = found.hits.iter().map(|hit| hit_of(hit, page, found, marks.as_ref())).collect();
    let is_scored = page.tells_score && !hits.is_empty();
    let mut object = Map::new();
    if page.counts_total || found.total.is_some() {
        let total = found.total.unwrap_or_default();
        object.insert("total".to_owned(), json!({"value": total, "relation": "eq"}));
    }
    object.insert("max_score".to_owned(), json!(is_scored.then_some(SCORE)));
    object.insert("hits".to_owned(), Json::Array(hits));
    Map::from_iter([
        ("timed_out".to_owned(), Json::Bool(false)),
        ("_shards".to_owned(), json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0})),
        ("hits".to_owned(), Json::Object(object)),
    ])
}

fn hit_of(hit: &Hit, page: &Page, found: &Hits, marks: Option<&(Marks, &(String, String))>) -> Json {
    let mut object = Map::from_iter([
        ("_index".to_owned(), Json::from(index_of(hit))),
        ("_score".to_owned(), json!(page.tells_score.then_some(SCORE))),
    ]);
    page.shown.add_names(hit, &mut object);
    let whole = document::completed(hit);
    if let Some(source) = page.shown.source.of(&whole) {
        object.insert("_source".to_owned(), source);
    }
    let fields = source::values(&whole, &page.shown.fields);
    if !fields.is_empty() {
        object.insert("fields".to_owned(), Json::Object(fields));
    }
    if let Some(collapse) = &page.collapse {
        collapse.add_to(&mut object, hit, found);
    }
    if let Some((marks, (before, behind))) = marks {
        let tagged = |text: String| Json::from(text.replace(HIGHLIGHT_START, before).replace(HIGHLIGHT_END, behind));
        let snippets = marks.snippets(&whole.source).into_iter();
        let snippets: Map<String, Json> =
            snippets.map(|(field, texts)| (field, Json::Array(texts.into_iter().map(tagged).collect()))).collect();
        if !snippets.is_empty() {
            object.insert("highlight".to_owned(), Json::Object(snippets));
        }
    }
    let matched = found.named.matching(hit);
    if !matched.is_empty() {
        object.insert("matched_queries".to_owned(), json!(matched));
    }
    if page.sort.is_said() {
        object.insert(
            "sort".to_owned(),
            Json::Array(page.sort.values(hit.position, found.values.get(&hit.position).map_or(&[], Vec::as_slice))),
        );
    }
    Json::Object(object)
}
