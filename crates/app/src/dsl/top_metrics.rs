//! Fields of the first events of each bucket, in one order.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{AggregationAnswer, AggregationKind, Ranked};
use vigie_domain::ports::Hit;
use vigie_domain::{Position, Result, Timestamp};

use super::document::completed;
use super::place::Place;
use super::query::needed;
use super::shape::Shape;
use super::sort::Sort;
use super::source;

/// Events of one bucket at most, and fields of each.
const SIZE_MAX: usize = 10;

/// Which fields of the first events are shown.
#[derive(Clone, Debug)]
pub(super) struct TopMetrics {
    sort: Sort,
    fields: Vec<String>,
}

/// Reads `top_metrics`.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(json: &Json, now: Timestamp, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["metrics", "sort", "size"], &[])?;
    let fields = place.key("metrics").one_or_many(needed(object, "metrics", place)?);
    let field = |(place, json): (Place, &Json)| {
        let metric = place.object(json)?;
        place.check_keys(metric, &["field"], &[])?;
        place.key("field").text(needed(metric, "field", &place)?)
    };
    let fields = fields.into_iter().map(field).collect::<Result<Vec<String>>>()?;
    let size = object.get("size").map_or(Ok(1), |json| place.key("size").count(json))?;
    for (key, count) in [("metrics", fields.len()), ("size", size)] {
        if !(1..=SIZE_MAX).contains(&count) {
            return Err(place.key(key).wrong(&format!("must be from 1 to {SIZE_MAX}, found {count}")));
        }
    }
    let sort = Sort::read(Some(needed(object, "sort", place)?), now, &place.key("sort"))?;
    if sort.values_count() != 1 {
        return Err(place.key("sort").wrong("must have one key, a field"));
    }
    let kind = AggregationKind::Top { ranking: sort.as_ranking(), size };
    Ok((Shape::TopMetrics(TopMetrics { sort, fields }), kind))
}

impl TopMetrics {
    /// The answer: of each event its place in the order and its fields; `null` for one that it does not have.
    pub(super) fn answer(&self, answer: Option<&AggregationAnswer>, found: &HashMap<Position, Hit>) -> Json {
        let ranked = if let Some(AggregationAnswer::Top(events)) = answer { events.as_slice() } else { &[] };
        let top: Vec<Json> =
            ranked.iter().filter_map(|event| Some(self.one(event, found.get(&event.position)?))).collect();
        json!({ "top": top })
    }

    fn one(&self, event: &Ranked, hit: &Hit) -> Json {
        let patterns: Vec<(String, bool)> = self.fields.iter().map(|field| (field.clone(), false)).collect();
        let values = source::values(&completed(hit), &patterns);
        let metric = |field: &String| (field.clone(), values.get(field).map_or(Json::Null, |list| list[0].clone()));
        let metrics: Map<String, Json> = self.fields.iter().map(metric).collect();
        json!({"sort": self.sort.values_as_text(event.position, &event.values), "metrics": metrics})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_refused() {
        let check = |json: Json, words: &str| {
            let error = read(&json, Timestamp::default(), &Place::of("t")).unwrap_err();
            assert!(error.message.contains(words), "{json}: {}", error.message);
        };
        let metrics = json!([{"field": "amount"}]);
        check(json!({"sort": "amount"}), "must have [metrics]");
        check(json!({"metrics": metrics}), "must have [sort]");
        check(json!({"metrics": [], "sort": "amount"}), "[t.metrics] must be from 1 to 10");
        check(json!({"metrics": metrics, "sort": "amount", "size": 11}), "[t.size] must be from 1 to 10, found 11");
        check(json!({"metrics": metrics, "sort": ["amount", "service"]}), "[t.sort] must have one key");
        check(json!({"metrics": metrics, "sort": "_score"}), "[t.sort] must have one key");
        check(json!({"metrics": {"field": "a", "missing": 1}, "sort": "amount"}), "[missing] is not there");
    }
}
