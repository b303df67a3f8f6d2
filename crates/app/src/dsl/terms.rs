//! Buckets of values: the most frequent, the rare ones, those of several fields together.

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::{
    AggregationKind, AskedField, KeyBy, KeyFilter, KeySet, TermsOrder, TupleKey, TupleOrder, Tuples,
};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::{Result, Timestamp, Value};

use super::aggregation::{PASSED_OVER, least_count};
use super::fields::{self, value_of};
use super::patterns::expression;
use super::place::Place;
use super::query::needed;
use super::shape::{OrderBy, Shape, TermKeys, TermsShape, orders};

/// Buckets of a terms aggregation. More may be asked for, as by clients that want all of them, and is refused when there are more.
pub(super) const TERMS_MAX: usize = 10_000;
/// Fields of one combination.
const FIELDS_MAX: usize = 32;
/// Values that `include` and `exclude` name.
const VALUES_MAX: usize = 10_000;
/// Events that a rare value has at most.
const RARE_MAX: u64 = 100;

/// The most frequent values, or the first in another order.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn terms(json: &Json, now: Timestamp, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    let known = ["field", "missing", "size", "order", "min_doc_count", "include", "exclude"];
    place.check_keys(object, &known, PASSED_OVER)?;
    let field = fields::of_values(object, now, place)?;
    let filter = filter(object, &field.name, now, place)?;
    let (mut shape, in_store) = shape(object, TermKeys::Single { is_instant: is_instant(&field) }, place)?;
    let order = in_store.unwrap_or(TermsOrder::MostFirst);
    shape.is_put_in_order = in_store.is_some();
    let size = asked_size(&shape);
    Ok((Shape::Terms(shape), AggregationKind::Terms { field, size, order, filter }))
}

/// The most frequent combinations of values.
///
/// # Errors
/// As `terms`.
pub(super) fn multi_terms(json: &Json, now: Timestamp, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    place.check_keys(object, &["terms", "size", "order", "min_doc_count"], PASSED_OVER)?;
    let of_terms = place.key("terms");
    let list = needed(object, "terms", place)?.as_array().filter(|list| (2..=FIELDS_MAX).contains(&list.len()));
    let list = list.ok_or_else(|| of_terms.wrong(&format!("must be a list of 2 to {FIELDS_MAX} fields")))?;
    let mut keys = Vec::with_capacity(list.len());
    for (number, json) in list.iter().enumerate() {
        let place = of_terms.item(number);
        let object = place.object(json)?;
        place.check_keys(object, &["field", "missing"], PASSED_OVER)?;
        keys.push(TupleKey { field: fields::of_values(object, now, &place)?, by: KeyBy::Value });
    }
    let are_instants = keys.iter().map(|key| key.field.is_of_instants()).collect();
    let (mut shape, in_store) = shape(object, TermKeys::Combined { are_instants }, place)?;
    shape.is_put_in_order = in_store == Some(TermsOrder::MostFirst);
    let size = asked_size(&shape);
    Ok((Shape::Terms(shape), AggregationKind::Tuples(Tuples { keys, order: TupleOrder::MostFirst, size })))
}

/// Values that few events have.
///
/// # Errors
/// As `terms`.
pub(super) fn rare_terms(json: &Json, now: Timestamp, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    let known = ["field", "missing", "max_doc_count", "include", "exclude"];
    // What is counted exactly needs no precision.
    place.check_keys(object, &known, &["precision"])?;
    let most_count = object.get("max_doc_count").map_or(Ok(1), |json| place.key("max_doc_count").count(json))? as u64;
    if !(1..=RARE_MAX).contains(&most_count) {
        return Err(place.key("max_doc_count").wrong(&format!("must be from 1 to {RARE_MAX}, found {most_count}")));
    }
    let field = fields::of_values(object, now, place)?;
    let filter = filter(object, &field.name, now, place)?;
    let shape = Shape::RareTerms { most_count, is_instant: is_instant(&field) };
    let kind = AggregationKind::Terms { field, size: TERMS_MAX, order: TermsOrder::FewestFirst, filter };
    Ok((shape, kind))
}

fn is_instant(field: &AskedField) -> bool {
    mapping::kind_of(&field.name) == Some(FieldKind::Instant)
}

/// How values are shown, and the order in which the store gives the first of them, if it can.
fn shape(object: &Map<String, Json>, keys: TermKeys, place: &Place) -> Result<(TermsShape, Option<TermsOrder>)> {
    let size = object.get("size").map_or(Ok(10), |json| place.key("size").count(json))?;
    if size == 0 {
        return Err(place.key("size").wrong("must be above 0"));
    }
    let order = orders(object.get("order"), place)?;
    let least_count = least_count(object, 1, place)?;
    if least_count == 0 {
        return Err(place.missing("[min_doc_count] 0, which lists values that no event has,"));
    }
    let in_store = match order.as_slice() {
        [] | [(OrderBy::Count, false)] | [(OrderBy::Count, false), (OrderBy::Key, true)] => Some(TermsOrder::MostFirst),
        // Those that too few events have would be among the first.
        _ if least_count > 1 => None,
        [(OrderBy::Count, true)] | [(OrderBy::Count, true), (OrderBy::Key, true)] => Some(TermsOrder::FewestFirst),
        [(OrderBy::Key, true), ..] => Some(TermsOrder::SmallestKeyFirst),
        [(OrderBy::Key, false), ..] => Some(TermsOrder::LargestKeyFirst),
        _ => None,
    };
    Ok((TermsShape { size, order, least_count, keys, is_put_in_order: false }, in_store))
}

/// How many values the store is asked for: in an order of which it knows nothing, all of them.
fn asked_size(shape: &TermsShape) -> usize {
    if shape.is_put_in_order { shape.size.min(TERMS_MAX) } else { TERMS_MAX }
}

/// Reads `include` and `exclude`.
///
/// # Errors
/// As `terms`.
pub(super) fn filter(object: &Map<String, Json>, field: &str, now: Timestamp, place: &Place) -> Result<KeyFilter> {
    let set = |key: &str| -> Result<Option<KeySet>> {
        let Some(json) = object.get(key).filter(|json| !json.is_null()) else { return Ok(None) };
        let place = place.key(key);
        Ok(Some(match json {
            Json::Array(values) if values.len() > VALUES_MAX => {
                return Err(place.wrong(&format!("at most {VALUES_MAX} values fit there, found {}", values.len())));
            }
            Json::Array(values) => {
                let mut set = Vec::with_capacity(values.len());
                for (number, json) in values.iter().enumerate() {
                    set.extend(forms_of(field, json, now, &place.item(number))?);
                }
                KeySet::Values(set)
            }
            Json::Object(share) if key == "include" => {
                place.check_keys(share, &["partition", "num_partitions"], &[])?;
                let count = |key: &str| -> Result<u32> {
                    let number = place.key(key).count(needed(share, key, &place)?)?;
                    u32::try_from(number).map_err(|_| place.key(key).wrong("is too large"))
                };
                let (number, count) = (count("partition")?, count("num_partitions")?);
                if number >= count {
                    return Err(place.wrong("[partition] must be from 0 to below [num_partitions]"));
                }
                KeySet::Share { number, count }
            }
            Json::String(text)
                if matches!(mapping::kind_of(field), None | Some(FieldKind::Keyword | FieldKind::Text)) =>
            {
                KeySet::Pattern(expression(text, None, &place)?)
            }
            Json::String(_) => {
                return Err(
                    place.wrong(&format!("[{field}] holds no strings, to which expressions belong; list the values"))
                );
            }
            _ => return Err(place.wrong("must be an expression or a list of values")),
        }))
    };
    Ok(KeyFilter { includes: set("include")?, excludes: set("exclude")? })
}

/// The values that may be meant: of a field of any kind, a text may also stand for a number or a boolean.
fn forms_of(field: &str, json: &Json, now: Timestamp, place: &Place) -> Result<Vec<Value>> {
    let mut forms = vec![value_of(&field.into(), json, now, place)?];
    if mapping::kind_of(field).is_none() {
        let text = place.text(json)?;
        forms.extend(text.parse().ok().and_then(Value::number));
        forms.extend(text.parse().ok().map(Value::Bool));
        forms.push(Value::text(text));
    }
    Ok(forms)
}
