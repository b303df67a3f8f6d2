//! `convert`: values of another kind, such as the text `"12.50"` as a number.

use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::template::plain;
use super::{Memory, Outcome, Stage};
use crate::parse::number::number_from_literal;

/// Kinds by the names that they have in pipelines, Logstash's among them.
const KINDS: &[(&str, Kind)] = &[
    ("int", Kind::Int),
    ("integer", Kind::Int),
    ("float", Kind::Float),
    ("number", Kind::Float),
    ("bool", Kind::Bool),
    ("boolean", Kind::Bool),
    ("text", Kind::Text),
    ("string", Kind::Text),
    ("integer_eu", Kind::IntEu),
    ("float_eu", Kind::FloatEu),
];

/// What a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Float,
    Bool,
    Text,
    /// Dots between thousands, a comma before decimals.
    IntEu,
    FloatEu,
}

impl Kind {
    /// The kind of that name.
    pub(super) fn of(name: &str) -> Option<Self> {
        KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The names that there are.
    pub(super) fn names() -> String {
        KINDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The value as this kind; `None` when it has no such meaning.
    pub(super) fn convert(self, value: &Value) -> Option<Value> {
        match self {
            Self::Text => Some(Value::Text(plain(value))),
            Self::Bool => to_bool(value),
            Self::Int => to_int(to_number(value)?),
            Self::Float => to_number(value),
            Self::IntEu => to_int(to_number(&without_thousands(value))?),
            Self::FloatEu => to_number(&without_thousands(value)),
        }
    }
}

fn to_number(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Float(_) | Value::BigNumber(_) => Some(value.clone()),
        Value::Bool(flag) => Some(Value::Int(i64::from(*flag))),
        Value::Text(text) => {
            let text = text.trim().trim_start_matches('+');
            number_from_literal(text).or_else(|| text.parse().ok().and_then(Value::number))
        }
        Value::Null | Value::List(_) | Value::Object(_) => None,
    }
}

/// Decimals are cut off, as Logstash does.
fn to_int(number: Value) -> Option<Value> {
    match number {
        Value::Float(float) => Value::number(float.trunc()).filter(|value| matches!(value, Value::Int(_))),
        Value::Int(_) | Value::BigNumber(_) => Some(number),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => None,
    }
}

fn to_bool(value: &Value) -> Option<Value> {
    let text = plain(value).trim().to_ascii_lowercase();
    match text.as_str() {
        "true" | "t" | "yes" | "y" | "1" | "on" => Some(Value::Bool(true)),
        "false" | "f" | "no" | "n" | "0" | "off" | "" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn without_thousands(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::text(text.replace('.', "").replace(',', ".")),
        other => other.clone(),
    }
}

#[derive(Debug)]
struct Convert {
    fields: Vec<(FieldPath, Kind)>,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let pairs = options.needed_pairs("fields", "{ amount = \"float\" }")?;
    let kind = |(path, name): (FieldPath, String)| {
        let unknown = || options.error("fields", format!("{name:?} is no kind; use one of {}", Kind::names()));
        Kind::of(&name).map(|kind| (path, kind)).ok_or_else(unknown)
    };
    Ok(Box::new(Convert { fields: pairs.into_iter().map(kind).collect::<Result<_, _>>()? }))
}

impl Stage for Convert {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let mut is_done = true;
        for (path, kind) in &self.fields {
            if let Some(value) = path.get_mut(&mut event.body) {
                is_done &= convert_in_place(value, *kind);
            }
        }
        if is_done { Outcome::Keep } else { Outcome::Failed }
    }
}

/// Whether all could be converted; what could not stays.
fn convert_in_place(value: &mut Value, kind: Kind) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => {
            items.iter_mut().filter_map(|item| (!convert_in_place(item, kind)).then_some(())).count() == 0
        }
        other => kind.convert(other).map(|converted| *other = converted).is_some(),
    }
}
