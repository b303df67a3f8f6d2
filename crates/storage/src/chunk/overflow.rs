//! The overflow column: what no typed column holds exactly, as JSON, so that nothing is lost.
//!
//! A cell is a JSON object from the leaf's place in the shape to its value. A number that JSON readers would round
//! is written `{"$number":"…"}`; an object that looks like that is written `{"$object":{…}}`. An event whose shape the
//! shape column does not hold has it here, under `shape`.

use serde_json::{Map, Value as Json};
use vigie_domain::{Text, Value};

const NUMBER: &str = "$number";
const OBJECT: &str = "$object";
const SHAPE: &str = "shape";

/// A cell under construction.
#[derive(Default)]
pub struct OverflowCell {
    leaves: Map<String, Json>,
}

impl OverflowCell {
    /// Adds the value of the leaf at this place of the shape.
    pub fn push(&mut self, leaf: usize, value: &Value) {
        self.leaves.insert(leaf.to_string(), to_json(value));
    }

    /// Adds the text of the event's own shape, which is JSON.
    pub fn set_shape(&mut self, text: &str) {
        // What was just written as a shape is JSON.
        self.leaves.insert(SHAPE.to_owned(), serde_json::from_str(text).unwrap_or_default());
    }

    /// The cell's text; `None` when it is empty.
    pub fn finish(self) -> Option<String> {
        (!self.leaves.is_empty()).then(|| Json::Object(self.leaves).to_string())
    }
}

/// The leaves of a cell: place in the shape and value. Damaged text has none.
pub fn parse(cell: &str) -> Vec<(usize, Value)> {
    let Ok(Json::Object(leaves)) = serde_json::from_str(cell) else { return Vec::new() };
    leaves.iter().filter_map(|(place, json)| Some((place.parse().ok()?, from_json(json)))).collect()
}

/// The text of the shape that the cell holds, if it does.
pub fn shape_of(cell: &str) -> Option<String> {
    let Ok(Json::Object(leaves)) = serde_json::from_str(cell) else { return None };
    leaves.get(SHAPE).map(Json::to_string)
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::BigNumber(literal) => wrap(NUMBER, literal.clone().into()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Object(fields) => {
            // Repeated names do not survive a JSON map: such an object is kept as its list of entries.
            let entries: Vec<Json> =
                fields.iter().map(|(name, inner)| Json::Array(vec![name.as_str().into(), to_json(inner)])).collect();
            let mut map = Map::new();
            let is_unique = fields.iter().all(|(name, inner)| map.insert(name.to_string(), to_json(inner)).is_none());
            if !is_unique || fields.first().is_some_and(|(name, _)| name.starts_with('$')) {
                wrap(OBJECT, Json::Array(entries))
            } else {
                Json::Object(map)
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => value.to_json(),
    }
}

fn wrap(name: &str, inner: Json) -> Json {
    let mut map = Map::new();
    map.insert(name.to_owned(), inner);
    Json::Object(map)
}

fn from_json(json: &Json) -> Value {
    match json {
        Json::Object(map) if map.len() == 1 => match map.iter().next() {
            Some((name, Json::String(literal))) if name == NUMBER => Value::BigNumber(literal.clone()),
            Some((name, Json::Array(entries))) if name == OBJECT => {
                Value::Object(entries.iter().filter_map(from_entry).collect())
            }
            _ => from_map(map),
        },
        Json::Object(map) => from_map(map),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Value::from_json(json),
    }
}

fn from_map(map: &Map<String, Json>) -> Value {
    Value::Object(map.iter().map(|(name, inner)| (name.into(), from_json(inner))).collect())
}

fn from_entry(entry: &Json) -> Option<(Text, Value)> {
    match entry.as_array()?.as_slice() {
        [Json::String(name), inner] => Some((name.into(), from_json(inner))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value) {
        let mut cell = OverflowCell::default();
        cell.push(3, &value);
        let text = cell.finish().unwrap();
        assert_eq!(parse(&text), [(3, value)], "{text}");
    }

    #[test]
    fn values_come_back_exactly() {
        check(Value::BigNumber("123456789012345678901234567890".into()));
        check(Value::List(vec![Value::Null, Value::BigNumber("1e999".into()), Value::Float(0.1)]));
        check(Value::Object(vec![("$number".into(), Value::text("x"))]));
        check(Value::Object(vec![("$object".into(), Value::List(vec![]))]));
        check(Value::Object(vec![("a".into(), Value::Int(1)), ("a".into(), Value::Int(2))]));
        check(Value::Object(vec![]));
    }

    #[test]
    fn a_cell_may_hold_a_shape() {
        let mut cell = OverflowCell::default();
        cell.set_shape(r#"[["a","b"],"c"]"#);
        cell.push(1, &Value::Int(7));
        let text = cell.finish().unwrap();
        assert_eq!(shape_of(&text).as_deref(), Some(r#"[["a","b"],"c"]"#));
        assert_eq!(parse(&text), [(1, Value::Int(7))]);
        assert_eq!(shape_of("{\"1\":7}"), None);
    }

    #[test]
    fn an_empty_cell_is_none_and_damage_is_empty() {
        assert_eq!(OverflowCell::default().finish(), None);
        assert!(parse("{broken").is_empty());
    }
}
