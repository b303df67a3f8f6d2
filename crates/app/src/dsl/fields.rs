//! The field that an aggregation is about, and what stands for its values in events that have none.

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::AskedField;
use vigie_domain::mapping::FieldKind;
use vigie_domain::{Result, Timestamp, Value};

use super::aggregation::PASSED_OVER;
use super::histogram::number;
use super::instants::{DateForm, instant};
use super::place::Place;
use super::query::Field;

/// The field.
///
/// # Errors
/// `Malformed` when none is named.
pub(super) fn field(object: &Map<String, Json>, place: &Place) -> Result<Field> {
    match object.get("field").and_then(Json::as_str) {
        Some(name) if !name.is_empty() => Ok(Field::new(name, place)),
        _ => Err(place.wrong("must have [field], the name of one")),
    }
}

/// The field and its `missing`, a value of its kind.
///
/// # Errors
/// As `field`, and for a `missing` that is none.
pub(super) fn of_values(object: &Map<String, Json>, now: Timestamp, place: &Place) -> Result<AskedField> {
    let field = field(object, place)?.asked();
    let missing = said(object).map(|json| value_of(&field, json, now, &place.key("missing"))).transpose()?;
    Ok(field.or(missing))
}

/// The field of numbers and its `missing`, a number.
///
/// # Errors
/// As `of_values`, and for a field that holds no numbers.
pub(super) fn of_numbers(object: &Map<String, Json>, place: &Place) -> Result<AskedField> {
    let field = field(object, place)?.asked();
    check_numbers(&field, place)?;
    if place.types().is_string(&field.name) {
        return Err(place.wrong(&format!("is asked of [{}], which its mapping says is a string", field.name)));
    }
    let missing = said(object).map(|json| number(json, &place.key("missing"))).transpose()?;
    Ok(field.or(missing.and_then(Value::number)))
}

/// The same of an aggregation that says nothing else.
///
/// # Errors
/// As `of_numbers`, and for what is not there.
pub(super) fn only_numbers(json: &Json, place: &Place) -> Result<AskedField> {
    let object = place.object(json)?;
    place.check_keys(object, &["field", "missing"], PASSED_OVER)?;
    of_numbers(object, place)
}

fn said(object: &Map<String, Json>) -> Option<&Json> {
    object.get("missing").filter(|json| !json.is_null())
}

/// A value as events of the field hold it.
///
/// # Errors
/// `Malformed` when it is none.
pub(super) fn value_of(field: &AskedField, json: &Json, now: Timestamp, place: &Place) -> Result<Value> {
    Ok(match field.kind() {
        Some(FieldKind::Int | FieldKind::Float | FieldKind::Decimal) => {
            Value::number(number(json, place)?).unwrap_or(Value::Null)
        }
        Some(FieldKind::Bool) => Value::Bool(place.flag(json)?),
        Some(FieldKind::Instant) => Value::text(instant(json, DateForm::Usual, now, place)?.to_string()),
        Some(FieldKind::Keyword | FieldKind::Text | FieldKind::Ip) => Value::text(place.text(json)?),
        None => {
            place.text(json)?;
            Value::from_json(json)
        }
    })
}

/// Refuses a field that holds no numbers.
pub(super) fn check_numbers(field: &AskedField, place: &Place) -> Result<()> {
    match field.kind() {
        Some(FieldKind::Instant | FieldKind::Keyword | FieldKind::Text | FieldKind::Ip | FieldKind::Bool) => {
            Err(place.missing(&format!("a number of [{}], which holds none,", field.name)))
        }
        Some(FieldKind::Int | FieldKind::Float | FieldKind::Decimal) | None => Ok(()),
    }
}

/// Refuses a field that holds no instants.
pub(super) fn check_instants(field: &AskedField, place: &Place) -> Result<()> {
    match field.is_of_instants() {
        true => Ok(()),
        false => Err(place.missing(&format!("a span of time of [{}], which holds no instants,", field.name))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_for_a_value_is_one_of_the_fields_kind() {
        let check = |field: &str, missing: Json, expected: Result<Value, &str>| {
            let object = json!({"field": field, "missing": missing});
            let found = of_values(object.as_object().unwrap(), Timestamp::default(), &Place::of("a"));
            match (found, expected) {
                (Ok(found), Ok(value)) => assert_eq!(found.missing, Some(value), "{object}"),
                (Err(error), Err(words)) => assert!(error.message.contains(words), "{}", error.message),
                (found, _) => panic!("{object}: {found:?}"),
            }
        };
        check("amount", json!("5"), Ok(Value::Int(5)));
        check("amount", json!("dear"), Err("[a.missing] must be a number"));
        check("service", json!(7), Ok(Value::text("7")));
        check("cache_hit", json!("true"), Ok(Value::Bool(true)));
        check("cache_hit", json!(2), Err("[a.missing] must be true or false"));
        check("account_created_at", json!("2026-11-20"), Ok(Value::text("2026-11-20T00:00:00.000Z")));
        check("anything", json!(2.5), Ok(Value::Float(2.5)));
        check("anything", json!([1]), Err("[a.missing] must be a text, number or boolean"));
        let object = json!({"field": "amount", "missing": null});
        assert_eq!(of_numbers(object.as_object().unwrap(), &Place::of("a")).unwrap().missing, None);
    }
}
