//! The shape of an event: the names of its leaves as they were sent, nested or dotted, in order.
//!
//! Few shapes occur in a part, so a row holds only the number of its own. With it `_source` is rebuilt from the
//! columns and no copy of the JSON is kept. The text of a shape is a JSON list with an entry per leaf: a string
//! (a name), a list of strings (a nested name), or an object `{"unit":"ms","path":…}` for the event's time sent
//! as a UNIX number.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use vigie_domain::event::pseudo_fields;
use vigie_domain::event_batch::{Layout, Leaf, Own, ValueRef};
use vigie_domain::{Timestamp, mapping};

/// In place of the text of a shape that the overflow column holds.
pub const OWN_SHAPE: &str = "";

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
        let mut seen: HashSet<String> = HashSet::with_capacity(texts.len());
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
            let has_columns = seen.insert(canonical.clone())
                && super::physical::may_have_columns(&canonical)
                && !pseudo_fields::is_pseudo(&canonical);
            leaves.push(ShapeLeaf { path, canonical, epoch, has_columns });
        }
        Some(Self { leaves })
    }
}

/// Leaves of a layout whose value is the event's time as a UNIX number, and its unit; in order.
pub type Epochs = Vec<(usize, EpochUnit)>;

/// The leaves of a row that are the event's time as a UNIX number; `values` are those of its layout.
pub fn epochs_of(layout: &Layout, values: &[ValueRef<'_>], timestamp: Timestamp) -> Epochs {
    let unit = |(leaf, value): (&Leaf, &ValueRef<'_>)| match value {
        ValueRef::Int(number) if leaf.own == Own::Time && leaf.above.is_empty() => {
            EpochUnit::of_instant(*number, timestamp)
        }
        _ => None,
    };
    let leaves = layout.leaves().iter().zip(values).enumerate();
    leaves.filter_map(|(place, leaf)| Some((place, unit(leaf)?))).collect()
}

/// The text of the shape of a layout.
pub fn shape_text(layout: &Layout, epochs: &Epochs) -> String {
    let mut text = String::from("[");
    for (place, leaf) in layout.leaves().iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match epochs.binary_search_by_key(&place, |(epoch, _)| *epoch) {
            Err(_) => push_path(&mut text, leaf),
            Ok(found) => {
                let unit = epochs[found].1;
                let unit = format!("{unit:?}").to_lowercase();
                text.push_str(&format!("{{\"unit\":\"{unit}\",\"path\":"));
                push_path(&mut text, leaf);
                text.push('}');
            }
        }
    }
    text.push(']');
    text
}

fn push_path(out: &mut String, leaf: &Leaf) {
    if leaf.above.is_empty() {
        push_json_text(out, &leaf.name);
        return;
    }
    out.push('[');
    for outer in &leaf.above {
        push_json_text(out, outer);
        out.push(',');
    }
    push_json_text(out, &leaf.name);
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
    use vigie_domain::{Event, EventBatch, LogType, Value};

    use super::*;

    fn shape_of(json: &str) -> String {
        let Ok(Value::Object(body)) = serde_json::from_str(json) else { panic!("no object") };
        let instant = Timestamp::from_millis(1_795_442_645_678);
        let event = Event { id: None, timestamp: instant, ingested_at: instant, log_type: LogType::Other, body };
        let batch: EventBatch = [event].into_iter().collect();
        let row = batch.row(0);
        let values: Vec<ValueRef<'_>> = row.values().collect();
        shape_text(&row.layout(), &epochs_of(&row.layout(), &values, instant))
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
        check(r#"{"n":{"ts":1795442645678},"ts":1795442645}"#, r#"[["n","ts"],"ts"]"#);
    }

    #[test]
    fn only_the_first_leaf_of_a_field_has_columns() {
        let shape = Shape::parse(r#"["service","app","_x","@timestamp"]"#).unwrap();
        let has_columns: Vec<bool> = shape.leaves.iter().map(|leaf| leaf.has_columns).collect();
        assert_eq!(has_columns, [true, false, false, false]);
    }
}
