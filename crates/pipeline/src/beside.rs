//! What a protocol tells beside a record: its time, and fields such as labels or the resource that it came from.
//!
//! What the record has itself stays as it is. A field that is told beside it under the same name with another value is
//! kept with the word for its origin before its name, so nothing is lost.

use std::collections::HashMap;

use vigie_domain::event::pseudo_fields::TIMESTAMP;
use vigie_domain::{Object, Text, Timestamp, Value};

/// What was sent as `@timestamp` where the protocol tells another time.
const TIMESTAMP_ORIGINAL: &str = "@timestamp_original";
/// Comparisons of names beyond which a table of them is made first.
const COMPARISONS_MAX: usize = 2_048;

/// Fields that are told once for many records.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// Comes before the name of a field that the record has too.
    origin: &'static str,
    fields: Object,
    size_bytes: usize,
}

impl Beside {
    /// These fields; of fields with one name, all are kept.
    pub fn new(origin: &'static str, fields: Object) -> Self {
        let size_bytes = size_bytes(&fields);
        Self { origin, fields, size_bytes }
    }

    fn add_to(&self, body: &mut Object) {
        let own_count = body.len();
        if own_count * self.fields.len() > COMPARISONS_MAX {
            let own = body.iter().enumerate().rev().map(|(place, (name, _))| (name.clone(), place));
            let places: HashMap<Text, usize> = own.collect();
            self.add_beside(body, |_, name| places.get(name).copied());
        } else {
            self.add_beside(body, |body, name| body[..own_count].iter().position(|(own, _)| own == name));
        }
    }

    /// `place_of` tells where the record itself has a field of that name.
    fn add_beside(&self, body: &mut Object, place_of: impl Fn(&Object, &Text) -> Option<usize>) {
        for (name, value) in &self.fields {
            match place_of(body, name) {
                None => body.push((name.clone(), value.clone())),
                Some(place) if body[place].1 == *value => {}
                Some(_) => body.push((format!("{}.{name}", self.origin).into(), value.clone())),
            }
        }
    }
}

/// What is told beside one record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Telling<'a> {
    /// When it happened; what the record says itself does not count then.
    pub at: Option<Timestamp>,
    /// Fields, the nearest to the record first.
    pub fields: &'a [&'a Beside],
}

impl Telling<'_> {
    /// Bytes that it adds to a record, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        self.fields.iter().map(|beside| beside.size_bytes).sum()
    }

    /// Puts it into the body of a record.
    pub(crate) fn add_to(&self, body: &mut Object) {
        if let Some(at) = self.at {
            set_time(body, at);
        }
        self.fields.iter().for_each(|beside| beside.add_to(body));
    }
}

fn set_time(body: &mut Object, at: Timestamp) {
    let time = Value::Text(at.to_text());
    if let Some((name, sent)) = body.iter_mut().find(|(name, _)| name == TIMESTAMP) {
        if *sent == time {
            return;
        }
        *name = TIMESTAMP_ORIGINAL.into();
    }
    body.push((TIMESTAMP.into(), time));
}

fn size_bytes(fields: &Object) -> usize {
    fields.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// Bytes of a value, roughly. Lists and objects have been read before, within the bounds of their reader.
fn value_bytes(value: &Value) -> usize {
    const SCALAR_BYTES: usize = 8;
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => SCALAR_BYTES,
        Value::BigNumber(text) => text.len(),
        Value::Text(text) => SCALAR_BYTES + text.len(),
        Value::List(items) => items.iter().map(value_bytes).sum::<usize>() + SCALAR_BYTES,
        Value::Object(fields) => size_bytes(fields) + SCALAR_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Object {
        match serde_json::from_str(json).unwrap() {
            Value::Object(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    fn check(body: &str, told: &[&str], expected: &str) {
        let besides: Vec<Beside> = told.iter().map(|fields| Beside::new("label", object(fields))).collect();
        let besides: Vec<&Beside> = besides.iter().collect();
        let mut body = object(body);
        Telling { at: None, fields: &besides }.add_to(&mut body);
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected);
    }

    #[test]
    fn nothing_is_lost_and_the_record_wins() {
        check(r#"{"a":1}"#, &[r#"{"b":2}"#], r#"{"a":1,"b":2}"#);
        check(r#"{"a":1}"#, &[r#"{"a":1}"#], r#"{"a":1}"#);
        check(r#"{"a":1}"#, &[r#"{"a":2}"#], r#"{"a":1,"label.a":2}"#);
        check(r"{}", &[r#"{"a":1}"#, r#"{"a":2}"#], r#"{"a":1,"label.a":2}"#);
        check(r"{}", &[r#"{"a":1,"a":2}"#], r#"{"a":1,"a":2}"#);
    }

    #[test]
    fn many_fields_are_looked_up_in_a_table() {
        let many: Object = (0..COMPARISONS_MAX).map(|n| (format!("n{n}").into(), Value::Int(n as i64))).collect();
        let mut body = many.clone();
        let beside = Beside::new("label", vec![("n7".into(), Value::Int(0)), ("n8".into(), Value::Int(8))]);
        Telling { at: None, fields: &[&beside] }.add_to(&mut body);
        assert_eq!(body[many.len()..], [("label.n7".into(), Value::Int(0))]);
    }

    #[test]
    fn the_time_that_is_told_counts() {
        let at = Timestamp::from_seconds(0);
        let timed = |body: &str| {
            let mut body = object(body);
            Telling { at: Some(at), fields: &[] }.add_to(&mut body);
            serde_json::to_string(&Value::Object(body)).unwrap()
        };
        let time = format!(r#""@timestamp":"{at}""#);
        assert_eq!(timed("{}"), format!("{{{time}}}"));
        assert_eq!(timed(&format!("{{{time}}}")), format!("{{{time}}}"));
        assert_eq!(timed(r#"{"@timestamp":"soon"}"#), format!(r#"{{"@timestamp_original":"soon",{time}}}"#));
    }
}
