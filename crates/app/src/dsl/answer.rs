//! Answers of the aggregation tree in Elasticsearch's shape.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{AggregationAnswer, Bucket};
use vigie_domain::ports::Hit;
use vigie_domain::time::parse_instant;
use vigie_domain::{Error, Position, Result, Timestamp, Value};

use super::auto_spans::AutoSpans;
use super::composite::{self, Source};
use super::histogram::key_text;
use super::numbers::{number, number_of};
use super::shape::{Asked, OrderBy, Shape, SpansOfNumbers, TermKeys, TermsShape, TimeSpans};
use super::significant::{Counted, SignificantTerms};
use super::spans::{Steps, is_within};
use super::terms::TERMS_MAX;

/// What was looked up for the answers.
#[derive(Default)]
pub(super) struct Found {
    /// Events of buckets.
    pub(super) hits: HashMap<Position, Hit>,
    /// What values are compared with.
    pub(super) backgrounds: Vec<Counted>,
}

/// The answers to all of the aggregations of a bucket with so many events.
///
/// # Errors
/// `TooLarge` when what was asked cannot be told exactly, or has too many buckets.
pub(super) fn all(
    asked: &[Asked],
    answers: &[(String, AggregationAnswer)],
    total: u64,
    found: &Found,
) -> Result<Map<String, Json>> {
    let answer_of = |name: &str| answers.iter().find(|(known, _)| known == name).map(|(_, answer)| answer);
    let one = |asked: &Asked| {
        let mut object = Answer { asked, answer: answer_of(&asked.name), total, found }.shown()?;
        if let Some(meta) = &asked.meta {
            object.insert("meta".to_owned(), meta.clone());
        }
        Ok((asked.name.clone(), Json::Object(object)))
    };
    asked.iter().map(one).collect()
}

/// The answer to one; without any, that for no events.
struct Answer<'a> {
    asked: &'a Asked,
    answer: Option<&'a AggregationAnswer>,
    /// Events of the bucket that it is of.
    total: u64,
    found: &'a Found,
}

impl<'a> Answer<'a> {
    fn shown(&self) -> Result<Map<String, Json>> {
        let (buckets, other_count) = match self.answer {
            Some(AggregationAnswer::Buckets { buckets, other_count }) => (buckets.as_slice(), *other_count),
            _ => (&[][..], 0),
        };
        match &self.asked.shape {
            Shape::Terms(shape) => self.terms(shape, buckets, other_count),
            Shape::RareTerms { most_count, is_instant } => {
                self.rare_terms(*most_count, *is_instant, buckets, other_count)
            }
            Shape::Composite(sources) => self.composite(sources, buckets),
            Shape::SignificantTerms(shape) => self.significant_terms(shape),
            Shape::Spans(shape) => self.time_spans(shape, buckets),
            Shape::AutoSpans(shape) => self.auto_spans(shape, buckets),
            Shape::NumberSpans(shape) => self.number_spans(shape, buckets),
            Shape::Single => object_of(self.counted(Map::new(), buckets.first())?),
            // A bucket that holds nothing has no answers below it, and still shows every query and range.
            Shape::Filters { names, is_keyed } => {
                let shown = names
                    .iter()
                    .enumerate()
                    .map(|(number, name)| Ok((name.clone(), self.counted(Map::new(), buckets.get(number))?)));
                Ok(of_buckets(shown.collect::<Result<_>>()?, *is_keyed))
            }
            Shape::Adjacency { names } => {
                let mut shown = Vec::new();
                for (name, bucket) in names.iter().zip(buckets).filter(|(_, bucket)| bucket.count > 0) {
                    let own = Map::from_iter([("key".to_owned(), Json::from(name.clone()))]);
                    shown.push((name.clone(), self.counted(own, Some(bucket))?));
                }
                shown.sort_by(|left, right| left.0.cmp(&right.0));
                Ok(of_buckets(shown, false))
            }
            Shape::Ranges { ranges, is_keyed } => {
                let mut shown = Vec::with_capacity(ranges.len());
                for (number, range) in ranges.iter().enumerate() {
                    let mut own = Map::new();
                    if !is_keyed {
                        own.insert("key".to_owned(), Json::from(range.key.clone()));
                    }
                    own.extend(range.bounds.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                    shown.push((range.key.clone(), self.counted(own, buckets.get(number))?));
                }
                Ok(of_buckets(shown, *is_keyed))
            }
            Shape::TopHits(shape) => object_of(shape.answer(self.total, self.answer, &self.found.hits)),
            Shape::TopMetrics(shape) => object_of(shape.answer(self.answer, &self.found.hits)),
            Shape::ValueCount => object_of(json!({"value": buckets.first().map_or(0, |bucket| bucket.count)})),
            Shape::Metric(_)
            | Shape::Stats
            | Shape::ExtendedStats { .. }
            | Shape::Number
            | Shape::Cardinality
            | Shape::Percentiles { .. } => object_of(number(&self.asked.shape, self.answer)),
        }
    }

    fn composite(&self, sources: &[Source], buckets: &[Bucket]) -> Result<Map<String, Json>> {
        let (own, after) = composite::shown(sources, buckets);
        let shown = own.into_iter().zip(buckets).map(|(own, bucket)| self.with_children(own, Some(bucket)));
        let shown = Json::Array(shown.collect::<Result<_>>()?);
        let after = after.map(|after| ("after_key".to_owned(), after));
        Ok(after.into_iter().chain([("buckets".to_owned(), shown)]).collect())
    }

    fn significant_terms(&self, shape: &SignificantTerms) -> Result<Map<String, Json>> {
        let none = AggregationAnswer::Buckets { buckets: Vec::new(), other_count: 0 };
        let answer = self.answer.unwrap_or(&none);
        let (mut object, own) = shape.shown(self.asked, answer, self.total, &self.found.backgrounds)?;
        let shown = own.into_iter().map(|(bucket, own)| self.with_children(own, Some(bucket)));
        object.insert("buckets".to_owned(), Json::Array(shown.collect::<Result<_>>()?));
        Ok(object)
    }

    fn auto_spans(&self, shape: &AutoSpans, buckets: &[Bucket]) -> Result<Map<String, Json>> {
        let mut shown = Vec::with_capacity(shape.starts.len());
        for (number, (start, text)) in shape.starts.iter().enumerate() {
            let key = [("key_as_string", Json::from(text.clone())), ("key", Json::from(start.as_millis()))];
            let own = key.into_iter().map(|(name, json)| (name.to_owned(), json)).collect();
            shown.push((text.clone(), self.counted(own, buckets.get(number))?));
        }
        let mut object = of_buckets(shown, false);
        object.insert("interval".to_owned(), Json::from(shape.interval.clone()));
        Ok(object)
    }

    fn time_spans(&self, shape: &TimeSpans, buckets: &[Bucket]) -> Result<Map<String, Json>> {
        let TimeSpans { spans, form, .. } = shape;
        let [wanted, hard] = [shape.wanted, shape.hard].map(|ends| ends.map(|end| end.map(|end| spans.start_of(end))));
        let known = buckets.iter().map(|bucket| (Timestamp::from_nanos(place_of(bucket)), bucket));
        // What is cut off makes no gap either.
        let known = known.filter(|(start, _)| is_within(*start, hard));
        let next_of = |at| Some(spans.next_of(at)).filter(|next| *next > at);
        let steps = Steps { next_of: &next_of, least_count: shape.least_count };
        let mut completed = steps.completed(&self.asked.name, known, wanted)?;
        self.put_in_order(&mut completed, &shape.order);
        let mut shown = Vec::with_capacity(completed.len());
        for (start, bucket) in completed {
            let count = bucket.map_or(0, |bucket| bucket.count);
            let key = key_text(start, spans, *form);
            let own = json!({"key_as_string": key, "key": start.as_millis(), "doc_count": count});
            shown.push((key, self.with_children(own, bucket)?));
        }
        Ok(of_buckets(shown, shape.is_keyed))
    }

    fn number_spans(&self, shape: &SpansOfNumbers, buckets: &[Bucket]) -> Result<Map<String, Json>> {
        let spans = &shape.spans;
        let known = buckets.iter().map(|bucket| (place_of(bucket), bucket));
        let known = known.filter(|(place, _)| is_within(spans.start_of(*place) - spans.offset, shape.hard));
        let wanted = shape.wanted.map(|end| end.map(|end| spans.place_of(end)));
        let steps = Steps { next_of: &|place: i64| place.checked_add(1), least_count: shape.least_count };
        let mut completed = steps.completed(&self.asked.name, known, wanted)?;
        self.put_in_order(&mut completed, &shape.order);
        let mut shown = Vec::with_capacity(completed.len());
        for (place, bucket) in completed {
            let key = spans.start_of(place);
            let own = json!({"key": key, "doc_count": bucket.map_or(0, |bucket| bucket.count)});
            shown.push((format!("{key:?}"), self.with_children(own, bucket)?));
        }
        Ok(of_buckets(shown, shape.is_keyed))
    }

    /// Puts spans in the order asked for; they come by key.
    fn put_in_order<K: Ord>(&self, spans: &mut [(K, Option<&Bucket>)], order: &[(OrderBy, bool)]) {
        if !order.is_empty() {
            spans.sort_by(|(left_key, left), (right_key, right)| {
                self.by_order([*left, *right], order, &|| left_key.cmp(right_key))
            });
        }
    }

    fn terms(&self, shape: &TermsShape, buckets: &[Bucket], other_count: u64) -> Result<Map<String, Json>> {
        let mut sorted: Vec<&Bucket> = buckets.iter().collect();
        if shape.size > TERMS_MAX && other_count > 0 {
            return Err(self.too_many("for all of them to be listed"));
        }
        if !shape.is_put_in_order {
            if other_count > 0 {
                return Err(self.too_many("to be put in an order other than by [_count] or [_key]"));
            }
            sorted.sort_by(|left, right| {
                let by_key = || compare_keys(&left.key, &right.key);
                self.by_order([Some(left), Some(right)], &shape.order, &by_key)
            });
        }
        sorted.retain(|bucket| bucket.count >= shape.least_count);
        let left_out: u64 = sorted.iter().skip(shape.size).map(|bucket| bucket.count).sum();
        sorted.truncate(shape.size);
        let shown = sorted.into_iter().map(|bucket| self.with_children(term_key(bucket, &shape.keys), Some(bucket)));
        Ok(Map::from_iter([
            ("doc_count_error_upper_bound".to_owned(), json!(0)),
            ("sum_other_doc_count".to_owned(), json!(other_count + left_out)),
            ("buckets".to_owned(), Json::Array(shown.collect::<Result<_>>()?)),
        ]))
    }

    fn rare_terms(
        &self,
        most_count: u64,
        is_instant: bool,
        buckets: &[Bucket],
        other_count: u64,
    ) -> Result<Map<String, Json>> {
        // The fewest come first.
        let end = buckets.partition_point(|bucket| bucket.count <= most_count);
        if end == buckets.len() && other_count > 0 {
            return Err(self.too_many("that are rare to be listed"));
        }
        let keys = TermKeys::Single { is_instant };
        let shown = buckets[..end].iter().map(|bucket| self.with_children(term_key(bucket, &keys), Some(bucket)));
        Ok(Map::from_iter([("buckets".to_owned(), Json::Array(shown.collect::<Result<_>>()?))]))
    }

    fn too_many(&self, to_do: &str) -> Error {
        let words = format!(
            "[{}] has more than {TERMS_MAX} values, too many {to_do}; ask for fewer events or values",
            self.asked.name
        );
        Error::new(vigie_domain::ErrorKind::TooLarge, words)
    }

    fn by_order(
        &self,
        [left, right]: [Option<&Bucket>; 2],
        order: &[(OrderBy, bool)],
        by_key: &dyn Fn() -> Ordering,
    ) -> Ordering {
        for (by, is_ascending) in order {
            let ordering = match by {
                OrderBy::Count => {
                    let [left, right] = [left, right].map(|bucket| bucket.map_or(0, |bucket| bucket.count));
                    left.cmp(&right)
                }
                OrderBy::Key => by_key(),
                OrderBy::Metric(path, number) => {
                    let [left, right] =
                        [left, right].map(|bucket| number_of(bucket?, self.asked, path, number.as_deref()));
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

    /// The bucket with how many events it has and the answers to what was asked below it.
    fn counted(&self, mut own: Map<String, Json>, bucket: Option<&Bucket>) -> Result<Json> {
        own.insert("doc_count".to_owned(), Json::from(bucket.map_or(0, |bucket| bucket.count)));
        self.with_children(Json::Object(own), bucket)
    }

    /// The bucket with the answers to what was asked below it.
    fn with_children(&self, own: Json, bucket: Option<&Bucket>) -> Result<Json> {
        let mut object = object_of(own)?;
        let (children, count) = bucket.map_or((&[][..], 0), |bucket| (bucket.children.as_slice(), bucket.count));
        object.extend(all(&self.asked.children, children, count, self.found)?);
        Ok(Json::Object(object))
    }
}

fn object_of(json: Json) -> Result<Map<String, Json>> {
    match json {
        Json::Object(object) => Ok(object),
        other => Err(Error::internal(format!("an answer is no object: {other}"))),
    }
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

/// Keys in their order, lists value by value.
fn compare_keys(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            let pairs = left.iter().zip(right);
            pairs.map(|(left, right)| compare_keys(left, right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        }
        _ => vigie_domain::aggregation::cmp_keys(left, right),
    }
}

fn term_key(bucket: &Bucket, keys: &TermKeys) -> Json {
    let is_instant = match keys {
        TermKeys::Single { is_instant } => *is_instant,
        TermKeys::Combined { are_instants } => return combined_key(bucket, are_instants),
    };
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

fn combined_key(bucket: &Bucket, are_instants: &[bool]) -> Json {
    let values = if let Value::List(values) = &bucket.key { values.as_slice() } else { &[] };
    let shown = values.iter().zip(are_instants).map(|(value, is_instant)| match value {
        Value::Int(nanos) if *is_instant => Json::from(Timestamp::from_nanos(*nanos).to_string()),
        other => other.to_json(),
    });
    let shown: Vec<Json> = shown.collect();
    let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let joined: Vec<String> = shown.iter().map(text).collect();
    json!({"key": shown, "key_as_string": joined.join("|"), "doc_count": bucket.count})
}

fn place_of(bucket: &Bucket) -> i64 {
    if let Value::Int(place) = bucket.key { place } else { 0 }
}
