//! Buckets of the combinations of several sources, a page at a time.

use serde_json::{Map, Value as Json, json};
use vigie_domain::aggregation::{
    AggregationKind, AskedField, Bucket, KeyBy, KeyDirection, NumberSpans, TupleKey, TupleOrder, Tuples,
};
use vigie_domain::{Result, TimeRange, Timestamp, Value};

use super::fields::{check_instants, check_numbers, field, value_of};
use super::histogram::{key_form, key_text, number, number_spans};
use super::instants::{DateForm, instant};
use super::intervals::{self, Spans};
use super::place::Place;
use super::query::needed;
use super::shape::{KeyForm, Shape};
use super::terms::TERMS_MAX;

/// Sources of one aggregation.
const SOURCES_MAX: usize = 32;

/// One source as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Source {
    name: String,
    field: AskedField,
    kind: SourceKind,
}

#[derive(Clone, Debug)]
enum SourceKind {
    Terms,
    Numbers(NumberSpans),
    Times(Spans, KeyForm),
}

/// Reads `composite`.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn read(json: &Json, now: Timestamp, range: TimeRange, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["sources", "size", "after"], &[])?;
    let size = object.get("size").map_or(Ok(10), |json| place.key("size").count(json))?;
    if !(1..=TERMS_MAX).contains(&size) {
        return Err(place.key("size").wrong(&format!("must be from 1 to {TERMS_MAX}, found {size}")));
    }
    let of_sources = place.key("sources");
    let listed = of_sources.one_or_many(needed(object, "sources", place)?);
    if !(1..=SOURCES_MAX).contains(&listed.len()) {
        return Err(of_sources.wrong(&format!("must be a list of 1 to {SOURCES_MAX} sources")));
    }
    let (mut sources, mut keys, mut directions) = (Vec::<Source>::new(), Vec::new(), Vec::new());
    for (place, json) in listed {
        let (name, json) = place.only(json)?;
        if sources.iter().any(|source| source.name == name) {
            return Err(place.wrong(&format!("[{name}] is there twice")));
        }
        let (source, key, direction) = source(name, json, range, &place.key(name))?;
        sources.push(source);
        keys.push(key);
        directions.push(direction);
    }
    let after = object.get("after").filter(|json| !json.is_null());
    let after = after.map(|json| read_after(&sources, json, now, &place.key("after"))).transpose()?;
    let order = TupleOrder::Keys { directions, after };
    Ok((Shape::Composite(sources), AggregationKind::Tuples(Tuples { keys, order, size })))
}

fn source(name: &str, json: &Json, range: TimeRange, place: &Place) -> Result<(Source, TupleKey, KeyDirection)> {
    let (kind, json) = place.only(json)?;
    let place = place.key(kind);
    let object = place.object(json)?;
    let more: &[&str] = match kind {
        "terms" => &[],
        "histogram" => &["interval"],
        "date_histogram" => &["fixed_interval", "calendar_interval", "interval", "time_zone", "offset", "format"],
        other => return Err(place.missing(&format!("a source of [{other}]"))),
    };
    let known = ["field", "missing_bucket", "missing_order", "order"];
    place.check_keys(object, &[&known, more].concat(), &["value_type"])?;
    let mut field = field(object, &place)?.asked();
    if object.get("missing_bucket").map_or(Ok(false), |json| place.key("missing_bucket").flag(json))? {
        field.missing = Some(Value::Null);
    }
    let (kind, by) = match kind {
        "terms" => (SourceKind::Terms, KeyBy::Value),
        "histogram" => {
            check_numbers(&field, &place)?;
            let spans = number_spans(object, &place)?;
            (SourceKind::Numbers(spans), KeyBy::Numbers(spans))
        }
        _ => {
            check_instants(&field, &place)?;
            let is_own = field.name == vigie_domain::event::pseudo_fields::TIMESTAMP;
            let spans = intervals::read(object, if is_own { range } else { TimeRange::ALL }, &place)?;
            let by = KeyBy::Times(spans.time_spans());
            let form = if object.contains_key("format") { key_form(object, &place)? } else { KeyForm::Millis };
            if !matches!(form, KeyForm::Millis | KeyForm::Text) && !spans.is_utc() {
                return Err(place.missing("a [format] without the offset beside a [time_zone] that is not UTC"));
            }
            (SourceKind::Times(spans, form), by)
        }
    };
    let direction = direction(object, &place)?;
    let key = TupleKey { field: field.clone(), by };
    Ok((Source { name: name.to_owned(), field, kind }, key, direction))
}

fn direction(object: &Map<String, Json>, place: &Place) -> Result<KeyDirection> {
    let text = |key: &str| object.get(key).map(|json| place.key(key).text(json)).transpose();
    let is_ascending = match text("order")?.as_deref() {
        None | Some("asc") => true,
        Some("desc") => false,
        Some(other) => return Err(place.key("order").wrong(&format!("must be asc or desc, found {other}"))),
    };
    let is_missing_first = match text("missing_order")?.as_deref() {
        None | Some("default") => is_ascending,
        Some("first") => true,
        Some("last") => false,
        Some(other) => {
            return Err(place.key("missing_order").wrong(&format!("must be first, last or default, found {other}")));
        }
    };
    Ok(KeyDirection { is_ascending, is_missing_first })
}

/// The key behind which the page begins.
fn read_after(sources: &[Source], json: &Json, now: Timestamp, place: &Place) -> Result<Vec<Value>> {
    let object = place.object(json)?;
    if object.len() != sources.len() {
        let (found, count) = (object.len(), sources.len());
        return Err(place.wrong(&format!("must have a value of each of the {count} sources, found {found}")));
    }
    let value = |source: &Source| {
        let place = place.key(&source.name);
        let json = object.get(&source.name).ok_or_else(|| place.wrong("is a source and must be there"))?;
        if json.is_null() {
            return Ok(Value::Null);
        }
        Ok(match &source.kind {
            SourceKind::Terms if source.field.is_of_instants() => {
                Value::Int(instant(json, DateForm::Usual, now, &place)?.as_nanos())
            }
            SourceKind::Terms => value_of(&source.field, json, now, &place)?,
            SourceKind::Numbers(spans) => Value::Int(spans.nearest_place(number(json, &place)?)),
            SourceKind::Times(spans, _) => {
                Value::Int(spans.start_of(instant(json, DateForm::Usual, now, &place)?).as_nanos())
            }
        })
    };
    sources.iter().map(value).collect()
}

/// The key of a bucket.
fn key_of(sources: &[Source], bucket: &Bucket) -> Json {
    let values = if let Value::List(values) = &bucket.key { values.as_slice() } else { &[] };
    let shown = sources.iter().zip(values).map(|(source, value)| {
        let at = |nanos: &i64| Timestamp::from_nanos(*nanos);
        let json = match (&source.kind, value) {
            (SourceKind::Numbers(spans), Value::Int(place)) => json!(spans.start_of(*place)),
            (SourceKind::Times(_, KeyForm::Millis), Value::Int(nanos)) => json!(at(nanos).as_millis()),
            (SourceKind::Times(spans, form), Value::Int(nanos)) => json!(key_text(at(nanos), spans, *form)),
            (SourceKind::Terms, Value::Int(nanos)) if source.field.is_of_instants() => json!(at(nanos).as_millis()),
            (_, other) => other.to_json(),
        };
        (source.name.clone(), json)
    });
    Json::Object(shown.collect())
}

/// The buckets as they begin, and the key behind which the next page does.
pub(super) fn shown(sources: &[Source], buckets: &[Bucket]) -> (Vec<Json>, Option<Json>) {
    let keys = buckets.iter().map(|bucket| json!({"key": key_of(sources, bucket), "doc_count": bucket.count}));
    (keys.collect(), buckets.last().map(|bucket| key_of(sources, bucket)))
}
