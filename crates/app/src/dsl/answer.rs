//! Answers of the aggregation tree in Elasticsearch's shape.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{AggregationAnswer, Bucket};
use vigie_domain::time::parse_instant;
use vigie_domain::{Error, Result, Timestamp, Value};

use super::aggregation::TERMS_MAX;
use super::intervals::Spans;
use super::numbers::{number, number_of};
use super::shape::{Asked, KeyForm, OrderBy, Shape, SpansOfNumbers, TimeSpans};
use super::spans::{Steps, is_within};

/// The answers to all of the aggregations.
///
/// # Errors
/// `TooLarge` when what was asked cannot be told exactly, or has too many buckets.
pub(super) fn all(asked: &[Asked], answers: &[(String, AggregationAnswer)]) -> Result<Map<String, Json>> {
    let answer_of = |name: &str| answers.iter().find(|(known, _)| known == name).map(|(_, answer)| answer);
    asked.iter().map(|asked| Ok((asked.name.clone(), one(asked, answer_of(&asked.name))?))).collect()
}

/// The answer to one; without any, that for no events.
fn one(asked: &Asked, answer: Option<&AggregationAnswer>) -> Result<Json> {
    let mut object = shown(asked, answer)?;
    if let Some(meta) = &asked.meta {
        object.insert("meta".to_owned(), meta.clone());
    }
    Ok(Json::Object(object))
}

fn shown(asked: &Asked, answer: Option<&AggregationAnswer>) -> Result<Map<String, Json>> {
    let (buckets, other_count) = match answer {
        Some(AggregationAnswer::Buckets { buckets, other_count }) => (buckets.as_slice(), *other_count),
        _ => (&[][..], 0),
    };
    let object = match &asked.shape {
        Shape::Terms { size, order, least_count, is_instant } => {
            let wanted = Wanted { size: *size, order, least_count: *least_count, is_instant: *is_instant };
            terms(asked, buckets, other_count, &wanted)?
        }
        Shape::Spans(shape) => time_spans(asked, shape, buckets)?,
        Shape::NumberSpans(shape) => number_spans(asked, shape, buckets)?,
        Shape::Single => {
            let bucket = buckets.first();
            let own = json!({"doc_count": bucket.map_or(0, |bucket| bucket.count)});
            return object_of(with_children(own, asked, bucket.map(|bucket| bucket.children.as_slice()))?);
        }
        // A bucket that holds nothing has no answers below it, and still shows every query and range.
        Shape::Filters { names, is_keyed } => {
            let mut shown = Vec::with_capacity(names.len());
            for (number, name) in names.iter().enumerate() {
                let bucket = buckets.get(number);
                let own = json!({"doc_count": bucket.map_or(0, |bucket| bucket.count)});
                let below = bucket.map(|bucket| bucket.children.as_slice());
                shown.push((name.clone(), with_children(own, asked, below)?));
            }
            of_buckets(shown, *is_keyed)
        }
        Shape::Ranges { ranges, is_keyed } => {
            let mut shown = Vec::with_capacity(ranges.len());
            for (number, range) in ranges.iter().enumerate() {
                let bucket = buckets.get(number);
                let mut own = Map::new();
                if !is_keyed {
                    own.insert("key".to_owned(), Json::from(range.key.clone()));
                }
                own.extend(range.bounds.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                own.insert("doc_count".to_owned(), Json::from(bucket.map_or(0, |bucket| bucket.count)));
                let below = bucket.map(|bucket| bucket.children.as_slice());
                shown.push((range.key.clone(), with_children(Json::Object(own), asked, below)?));
            }
            of_buckets(shown, *is_keyed)
        }
        Shape::ValueCount => return object_of(json!({"value": buckets.first().map_or(0, |bucket| bucket.count)})),
        Shape::Metric(_)
        | Shape::Stats
        | Shape::ExtendedStats { .. }
        | Shape::Number
        | Shape::Cardinality
        | Shape::Percentiles { .. } => {
            return object_of(number(&asked.shape, answer));
        }
    };
    Ok(object)
}

fn time_spans(asked: &Asked, shape: &TimeSpans, buckets: &[Bucket]) -> Result<Map<String, Json>> {
    let TimeSpans { spans, form, .. } = shape;
    let [wanted, hard] = [shape.wanted, shape.hard].map(|ends| ends.map(|end| end.map(|end| spans.start_of(end))));
    let known = buckets.iter().map(|bucket| (Timestamp::from_nanos(place_of(bucket)), bucket));
    // What is cut off makes no gap either.
    let known = known.filter(|(start, _)| is_within(*start, hard));
    let next_of = |at| Some(spans.next_of(at)).filter(|next| *next > at);
    let steps = Steps { next_of: &next_of, least_count: shape.least_count };
    let mut shown = Vec::with_capacity(buckets.len());
    for (start, bucket) in steps.completed(&asked.name, known, wanted)? {
        let count = bucket.map_or(0, |bucket| bucket.count);
        let key = key_text(start, spans, *form);
        let own = json!({"key_as_string": key, "key": start.as_millis(), "doc_count": count});
        shown.push((key, with_children(own, asked, bucket.map(|bucket| bucket.children.as_slice()))?));
    }
    if shape.is_newest_first {
        shown.reverse();
    }
    Ok(of_buckets(shown, shape.is_keyed))
}

fn number_spans(asked: &Asked, shape: &SpansOfNumbers, buckets: &[Bucket]) -> Result<Map<String, Json>> {
    let spans = &shape.spans;
    let known = buckets.iter().map(|bucket| (place_of(bucket), bucket));
    let known = known.filter(|(place, _)| is_within(spans.start_of(*place) - spans.offset, shape.hard));
    let wanted = shape.wanted.map(|end| end.map(|end| spans.place_of(end)));
    let steps = Steps { next_of: &|place: i64| place.checked_add(1), least_count: shape.least_count };
    let mut shown = Vec::with_capacity(buckets.len());
    for (place, bucket) in steps.completed(&asked.name, known, wanted)? {
        let key = spans.start_of(place);
        let own = json!({"key": key, "doc_count": bucket.map_or(0, |bucket| bucket.count)});
        let below = bucket.map(|bucket| bucket.children.as_slice());
        shown.push((format!("{key:?}"), with_children(own, asked, below)?));
    }
    if shape.is_last_first {
        shown.reverse();
    }
    Ok(of_buckets(shown, shape.is_keyed))
}

fn object_of(json: Json) -> Result<Map<String, Json>> {
    match json {
        Json::Object(object) => Ok(object),
        other => Err(Error::internal(format!("an answer is no object: {other}"))),
    }
}

/// The bucket with the answers to what was asked below it.
fn with_children(own: Json, asked: &Asked, children: Option<&[(String, AggregationAnswer)]>) -> Result<Json> {
    let mut object = object_of(own)?;
    object.extend(all(&asked.children, children.unwrap_or_default())?);
    Ok(Json::Object(object))
}

/// Buckets as a list, or as an object by their names.
fn of_buckets(shown: Vec<(String, Json)>, is_keyed: bool) -> Map<String, Json> {
    let buckets = if is_keyed {
        Json::Object(shown.into_iter().collect())
    } else {
        Json::Array(shown.into_iter().map(|(_, bucket)| bucket).collect())
    };
    Map::from_iter([("buckets".to_owned(), buckets)])
}

/// What of the values is shown.
struct Wanted<'a> {
    size: usize,
    order: &'a [(OrderBy, bool)],
    least_count: u64,
    is_instant: bool,
}

fn terms(asked: &Asked, buckets: &[Bucket], other_count: u64, wanted: &Wanted<'_>) -> Result<Map<String, Json>> {
    let mut sorted: Vec<&Bucket> = buckets.iter().collect();
    let is_by_count =
        matches!(wanted.order, [] | [(OrderBy::Count, false)] | [(OrderBy::Count, false), (OrderBy::Key, true)]);
    if !is_by_count {
        if other_count > 0 {
            let words = format!(
                "[{}] has more than {TERMS_MAX} values, too many to be put in another order than by [_count], descending; ask for fewer events or values",
                asked.name
            );
            return Err(Error::new(vigie_domain::ErrorKind::TooLarge, words));
        }
        sorted.sort_by(|left, right| by_order(left, right, asked, wanted.order));
    }
    sorted.retain(|bucket| bucket.count >= wanted.least_count);
    let left_out: u64 = sorted.iter().skip(wanted.size).map(|bucket| bucket.count).sum();
    sorted.truncate(wanted.size);
    let shown = sorted
        .into_iter()
        .map(|bucket| with_children(term_key(bucket, wanted.is_instant), asked, Some(&bucket.children)));
    Ok(Map::from_iter([
        ("doc_count_error_upper_bound".to_owned(), json!(0)),
        ("sum_other_doc_count".to_owned(), json!(other_count + left_out)),
        ("buckets".to_owned(), Json::Array(shown.collect::<Result<_>>()?)),
    ]))
}

fn term_key(bucket: &Bucket, is_instant: bool) -> Json {
    match &bucket.key {
        Value::Bool(flag) => {
            json!({"key": u8::from(*flag), "key_as_string": flag.to_string(), "doc_count": bucket.count})
        }
        Value::Text(text) if is_instant => match parse_instant(text, Timestamp::default()) {
            Some(at) => json!({"key": at.as_millis(), "key_as_string": at.to_string(), "doc_count": bucket.count}),
            None => json!({"key": text.as_str(), "doc_count": bucket.count}),
        },
        other => json!({"key": other.to_json(), "doc_count": bucket.count}),
    }
}

fn by_order(left: &Bucket, right: &Bucket, asked: &Asked, order: &[(OrderBy, bool)]) -> Ordering {
    let by_key = || vigie_domain::aggregation::cmp_keys(&left.key, &right.key);
    for (by, is_ascending) in order {
        let ordering = match by {
            OrderBy::Count => left.count.cmp(&right.count),
            OrderBy::Key => by_key(),
            OrderBy::Metric(name, number) => {
                let [left, right] = [left, right].map(|bucket| number_of(bucket, asked, name, number.as_deref()));
                match (left, right) {
                    (Some(left), Some(right)) => left.total_cmp(&right),
                    // What has no number comes last whatever the direction.
                    (None, Some(_)) => return Ordering::Greater,
                    (Some(_), None) => return Ordering::Less,
                    (None, None) => Ordering::Equal,
                }
            }
        };
        let ordering = if *is_ascending { ordering } else { ordering.reverse() };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    by_key()
}

fn place_of(bucket: &Bucket) -> i64 {
    if let Value::Int(place) = bucket.key { place } else { 0 }
}

fn key_text(at: Timestamp, spans: &Spans, form: KeyForm) -> String {
    match form {
        KeyForm::Millis => at.as_millis().to_string(),
        KeyForm::Text => spans.local_text(at),
        KeyForm::Day => spans.local_text(at).get(..10).unwrap_or_default().to_owned(),
    }
}
