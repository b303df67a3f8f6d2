//! Events of each bucket: the first in an order, shown as hits are.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{AggregationAnswer, AggregationKind, Ranked};
use vigie_domain::ports::Hit;
use vigie_domain::{Position, Result, Timestamp};

use super::SCORE;
use super::document::{completed, index_of};
use super::place::Place;
use super::shape::Shape;
use super::sort::Sort;
use super::source::{self, Shown};

/// Events of one bucket unless said.
const SIZE: usize = 3;
/// Events of one bucket, those before the first included.
const REACH_MAX: usize = 100;
/// Events of all buckets of a request.
pub(super) const HITS_MAX: usize = 10_000;

/// How events of buckets are shown.
#[derive(Clone, Debug)]
pub(super) struct TopHits {
    from: usize,
    sort: Sort,
    shown: Shown,
    tells_score: bool,
}

/// Reads `top_hits`.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(json: &Json, now: Timestamp, place: &Place) -> Result<(Shape, AggregationKind)> {
    let (shape, kind) = settings(place.object(json)?, &[], now, place)?;
    Ok((Shape::TopHits(shape), kind))
}

/// Reads what hits of a bucket say of themselves, beside keys that are read elsewhere.
///
/// # Errors
/// As `read`.
pub(super) fn settings(
    object: &Map<String, Json>,
    more: &[&str],
    now: Timestamp,
    place: &Place,
) -> Result<(TopHits, AggregationKind)> {
    let known = ["size", "from", "sort", "_source", "fields", "docvalue_fields", "track_scores"];
    let passed_over = ["version", "seq_no_primary_term", "explain", "stored_fields"];
    place.check_keys(object, &[&known, more].concat(), &passed_over)?;
    let count =
        |key: &str, unless_said: usize| object.get(key).map_or(Ok(unless_said), |json| place.key(key).count(json));
    let (size, from) = (count("size", SIZE)?, count("from", 0)?);
    if size.saturating_add(from) > REACH_MAX {
        return Err(
            place.wrong(&format!("[from] + [size] must be at most {REACH_MAX}, found {}", size.saturating_add(from)))
        );
    }
    let sort = Sort::read(object.get("sort"), now, &place.key("sort"))?;
    let asks_scores = object.get("track_scores").map_or(Ok(false), |json| place.key("track_scores").flag(json))?;
    let kind = AggregationKind::Top { ranking: sort.as_ranking(), size: from + size };
    let shape = TopHits {
        from,
        tells_score: !sort.is_said() || sort.has_score() || asks_scores,
        sort,
        shown: Shown::read(object, place.types())?,
    };
    Ok((shape, kind))
}

impl TopHits {
    /// The answer: `total` is how many events the bucket has.
    pub(super) fn answer(
        &self,
        total: u64,
        answer: Option<&AggregationAnswer>,
        found: &HashMap<Position, Hit>,
    ) -> Json {
        let ranked = if let Some(AggregationAnswer::Top(events)) = answer { events.as_slice() } else { &[] };
        let hits = ranked.iter().skip(self.from).filter_map(|event| Some(self.hit(event, found.get(&event.position)?)));
        let hits: Vec<Json> = hits.collect();
        let score = (self.tells_score && !hits.is_empty()).then_some(SCORE);
        json!({"hits": {"total": {"value": total, "relation": "eq"}, "max_score": score, "hits": hits}})
    }

    fn hit(&self, event: &Ranked, hit: &Hit) -> Json {
        let whole = completed(hit);
        let mut object = Map::from_iter([
            ("_index".to_owned(), Json::from(index_of(hit))),
            ("_score".to_owned(), json!(self.tells_score.then_some(SCORE))),
        ]);
        self.shown.add_names(hit, &mut object);
        if let Some(source) = self.shown.source.of(&whole) {
            object.insert("_source".to_owned(), source);
        }
        let fields = source::values(&whole, &self.shown.fields);
        if !fields.is_empty() {
            object.insert("fields".to_owned(), Json::Object(fields));
        }
        if self.sort.is_said() {
            object.insert("sort".to_owned(), Json::Array(self.sort.values(event.position, &event.values)));
        }
        Json::Object(object)
    }
}

/// Places of the events in all of the answers.
pub(super) fn places(answers: &[(String, AggregationAnswer)], places: &mut Vec<Position>) {
    for (_, answer) in answers {
        match answer {
            AggregationAnswer::Top(events) => places.extend(events.iter().map(|event| event.position)),
            AggregationAnswer::Buckets { buckets, .. } => {
                buckets.iter().for_each(|bucket| self::places(&bucket.children, places));
            }
            AggregationAnswer::Stats(_)
            | AggregationAnswer::Cardinality { .. }
            | AggregationAnswer::Percentiles(_)
            | AggregationAnswer::Number(_) => {}
        }
    }
}
