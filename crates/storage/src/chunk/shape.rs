//! The shape of an event: the names of its leaves as they were sent, nested or dotted, in order.
//!
//! Few shapes occur in a part, so a row holds only the number of its own. With it `_source` is rebuilt from the
//! columns and no copy of the JSON is kept. The text of a shape is a JSON list with an entry per leaf: a string
//! (a name), a list of strings (a nested name), or an object `{"unit":"ms","path":…}` for the event's time sent
//! as a UNIX number.

use std::hash::{BuildHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use vigie_domain::event::pseudo_fields;
use vigie_domain::{Event, Object, Timestamp, Value, mapping};

/// Objects nested deeper than this are kept whole in the overflow column.
const DEPTH_MAX: usize = 20;

/// Units in which a UNIX time is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl EpochUnit {
    const ALL: [Self; 4] = [Self::S, Self::Ms, Self::Us, Self::Ns];

    const fn nanos(self) -> i64 {
        match self {
            Self::S => 1_000_000_000,
            Self::Ms => 1_000_000,
            Self::Us => 1_000,
            Self::Ns => 1,
        }
    }

    /// The unit in which `number` is exactly `instant`.
    pub fn of_instant(number: i64, instant: Timestamp) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| number.checked_mul(unit.nanos()) == Some(instant.as_nanos()))
    }

    /// The instant in this unit.
    pub const fn number(self, instant: Timestamp) -> i64 {
        instant.as_nanos().div_euclid(self.nanos())
    }
}

/// A leaf's name as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum PathText {
    Flat(String),
    Nested(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum LeafText {
    Path(PathText),
    Epoch { unit: EpochUnit, path: PathText },
}

/// One leaf of a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapeLeaf {
    /// Names from the top.
    pub path: Vec<String>,
    /// The field it is asked for by.
    pub canonical: String,
    /// Set when its value is the event's time as a UNIX number.
    pub epoch: Option<EpochUnit>,
    /// Whether its value may lie in a column: not when an earlier leaf is the same field.
    pub has_columns: bool,
}

/// The leaves of an event's body, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The leaves.
    pub leaves: Vec<ShapeLeaf>,
}

impl Shape {
    /// Reads the text of a shape; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let texts: Vec<LeafText> = serde_json::from_str(text).ok()?;
        let mut leaves: Vec<ShapeLeaf> = Vec::with_capacity(texts.len());
        for text in texts {
            let (path, epoch) = match text {
                LeafText::Path(path) => (path, None),
                LeafText::Epoch { unit, path } => (path, Some(unit)),
            };
            let path = match path {
                PathText::Flat(name) => vec![name],
                PathText::Nested(names) => names,
            };
            let canonical = mapping::canonical(&path.join(".")).to_owned();
            let has_columns = leaves.iter().all(|earlier| earlier.canonical != canonical)
                && super::physical::may_have_columns(&canonical)
                && !pseudo_fields::is_pseudo(&canonical);
            leaves.push(ShapeLeaf { path, canonical, epoch, has_columns });
        }
        Some(Self { leaves })
    }
}

/// The leaves of one event's body while it is turned into columns; its memory is used again for the next.
#[derive(Default)]
pub struct Leaves<'a> {
    /// The value of each leaf, in the order of the shape.
    pub values: Vec<&'a Value>,
    /// Names from the top of every leaf, one leaf after the other.
    names: Vec<&'a str>,
    /// Where the names of each leaf end, and its unit when its value is the event's time as a UNIX number.
    ends: Vec<(usize, Option<EpochUnit>)>,
}

impl<'a> Leaves<'a> {
    /// Takes the body apart; what was held before is forgotten.
    pub fn read(&mut self, event: &'a Event) {
        self.values.clear();
        self.names.clear();
        self.ends.clear();
        self.read_object(&event.body, &mut Vec::new(), event.timestamp);
    }

    fn read_object(&mut self, fields: &'a Object, path: &mut Vec<&'a str>, timestamp: Timestamp) {
        let mut previous: Option<&str> = None;
        for (name, value) in fields {
            // The same name twice in a row would be merged when the object is rebuilt.
            let is_repeated = previous == Some(name.as_str());
            previous = Some(name);
            match value {
                Value::Object(inner) if !inner.is_empty() && path.len() + 1 < DEPTH_MAX && !is_repeated => {
                    path.push(name);
                    self.read_object(inner, path, timestamp);
                    path.pop();
                }
                _ => {
                    self.names.extend_from_slice(path);
                    self.names.push(name);
                    let unit = if path.is_empty() { epoch_unit(name, value, timestamp) } else { None };
                    self.ends.push((self.names.len(), unit));
                    self.values.push(value);
                }
            }
        }
    }

    /// A number that events of one shape share, and others hardly ever.
    pub fn hash(&self, hasher: &impl BuildHasher) -> u64 {
        let mut hash = hasher.build_hasher();
        self.names.iter().for_each(|name| name.hash(&mut hash));
        self.ends.hash(&mut hash);
        hash.finish()
    }

    /// Whether these are the leaves of the shape.
    pub fn are_of(&self, shape: &Shape) -> bool {
        let is_same =
            |(leaf, (path, unit)): (&ShapeLeaf, (&[&str], Option<EpochUnit>))| leaf.path == path && leaf.epoch == unit;
        shape.leaves.len() == self.ends.len() && shape.leaves.iter().zip(self.paths()).all(is_same)
    }

    fn paths(&self) -> impl Iterator<Item = (&[&'a str], Option<EpochUnit>)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        starts.zip(&self.ends).map(|(start, (end, unit))| (&self.names[start..*end], *unit))
    }

    /// The text of the shape.
    pub fn shape_text(&self) -> String {
        let mut text = String::from("[");
        for (path, unit) in self.paths() {
            if text.len() > 1 {
                text.push(',');
            }
            match unit {
                None => push_path(&mut text, path),
                Some(unit) => {
                    let unit = format!("{unit:?}").to_lowercase();
                    text.push_str(&format!("{{\"unit\":\"{unit}\",\"path\":"));
                    push_path(&mut text, path);
                    text.push('}');
                }
            }
        }
        text.push(']');
        text
    }
}

fn epoch_unit(name: &str, value: &Value, timestamp: Timestamp) -> Option<EpochUnit> {
    let Value::Int(number) = value else { return None };
    (mapping::canonical(name) == pseudo_fields::TIMESTAMP).then(|| EpochUnit::of_instant(*number, timestamp)).flatten()
}

fn push_path(out: &mut String, path: &[&str]) {
    if let [name] = path {
        push_json_text(out, name);
        return;
    }
    out.push('[');
    for (index, name) in path.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_json_text(out, name);
    }
    out.push(']');
}

fn push_json_text(out: &mut String, text: &str) {
    let is_plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::LogType;

    use super::*;

    fn shape_of(json: &str) -> String {
        let Ok(Value::Object(body)) = serde_json::from_str(json) else { panic!("no object") };
        let instant = Timestamp::from_millis(1_795_442_645_678);
        let event = Event { id: None, timestamp: instant, ingested_at: instant, log_type: LogType::Other, body };
        let mut leaves = Leaves::default();
        leaves.read(&event);
        let text = leaves.shape_text();
        assert!(leaves.are_of(&Shape::parse(&text).unwrap()), "{text}");
        text
    }

    fn check(json: &str, expected: &str) {
        let text = shape_of(json);
        assert_eq!(text, expected);
        assert!(Shape::parse(&text).is_some(), "{text}");
    }

    #[test]
    fn shapes_tell_nested_and_dotted_names_apart() {
        check(r#"{"a":{"b":1,"c":{"d":2}},"a.b":3}"#, r#"[["a","b"],["a","c","d"],"a.b"]"#);
        check(r#"{"a":{},"b":[1],"c":null}"#, r#"["a","b","c"]"#);
        check(r#"{}"#, "[]");
        check(r#"{"q\"x\\":1}"#, r#"["q\"x\\"]"#);
    }

    #[test]
    fn unix_times_are_part_of_the_shape() {
        check(r#"{"ts":1795442645678}"#, r#"[{"unit":"ms","path":"ts"}]"#);
        check(r#"{"ts":1795442645679}"#, r#"["ts"]"#);
    }

    #[test]
    fn only_the_first_leaf_of_a_field_has_columns() {
        let shape = Shape::parse(r#"["service","app","_x","@timestamp"]"#).unwrap();
        let has_columns: Vec<bool> = shape.leaves.iter().map(|leaf| leaf.has_columns).collect();
        assert_eq!(has_columns, [true, false, false, false]);
    }
}
