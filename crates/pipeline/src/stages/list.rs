//! `split`, `join` and `merge`: from text to a list and back, and several lists to one.

use vigie_domain::{Event, Text, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::{ENTRIES_MAX, Options};
use super::template::push_plain;
use super::{Memory, Outcome, Stage};

#[derive(Debug)]
struct Split {
    field: FieldPath,
    target: FieldPath,
    separator: String,
}

pub(super) fn split(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.needed_field("field")?;
    let target = options.field("target")?.unwrap_or_else(|| field.clone());
    let separator = options.text_or("separator", ",")?;
    if separator.is_empty() {
        return Err(options.error("separator", "it is empty; write what stands between, such as \",\""));
    }
    Ok(Box::new(Split { field, target, separator }))
}

impl Stage for Split {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        match self.field.get(&event.body) {
            Some(Value::Text(text)) => {
                // The last piece keeps what is beyond the bound.
                let pieces = text.splitn(ENTRIES_MAX, self.separator.as_str());
                let list = Value::List(pieces.map(Value::text).collect());
                self.target.put(&mut event.body, list);
                Outcome::Keep
            }
            None | Some(Value::Null | Value::List(_)) => Outcome::Keep,
            Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_) | Value::Object(_)) => {
                Outcome::Failed
            }
        }
    }
}

#[derive(Debug)]
struct Join {
    field: FieldPath,
    target: FieldPath,
    separator: String,
}

pub(super) fn join(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.needed_field("field")?;
    let target = options.field("target")?.unwrap_or_else(|| field.clone());
    Ok(Box::new(Join { field, target, separator: options.text_or("separator", ",")? }))
}

impl Stage for Join {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(Value::List(items)) = self.field.get(&event.body) else { return Outcome::Keep };
        let mut text = Text::default();
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                text.push_str(&self.separator);
            }
            push_plain(&mut text, item);
        }
        self.target.put(&mut event.body, Value::Text(text));
        Outcome::Keep
    }
}

/// Values of fields added to those of another: lists one after the other, objects one into the other.
#[derive(Debug)]
struct Merge {
    /// Where to, where from.
    fields: Vec<(FieldPath, FieldPath)>,
}

pub(super) fn merge(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let pairs = options.needed_pairs("fields", "{ into = \"from\" }")?;
    let pair = |(into, from): (FieldPath, String)| {
        FieldPath::parse(&from).map(|from| (into, from)).map_err(|message| options.error("fields", message))
    };
    Ok(Box::new(Merge { fields: pairs.into_iter().map(pair).collect::<Result<_, _>>()? }))
}

impl Stage for Merge {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let mut is_done = true;
        for (into, from) in &self.fields {
            let Some(added) = from.get(&event.body).filter(|value| **value != Value::Null).cloned() else { continue };
            let known = into.get(&event.body).filter(|value| **value != Value::Null).cloned();
            match merged(known, added) {
                Some(value) => into.put(&mut event.body, value),
                None => is_done = false,
            }
        }
        if is_done { Outcome::Keep } else { Outcome::Failed }
    }
}

/// Both as one; `None` when one is an object and the other is not, or a list would grow beyond its bound.
fn merged(known: Option<Value>, added: Value) -> Option<Value> {
    let items = |value: Value| match value {
        Value::List(items) => items,
        other => vec![other],
    };
    match (known, added) {
        (None, Value::Object(fields)) => Some(Value::Object(fields)),
        (None, added) => Some(Value::List(items(added))),
        (Some(Value::Object(mut known)), Value::Object(added)) => {
            for (name, value) in added {
                match known.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, slot)) => *slot = value,
                    None => known.push((name, value)),
                }
            }
            Some(Value::Object(known))
        }
        (Some(Value::Object(_)), _) | (Some(_), Value::Object(_)) => None,
        (Some(known), added) => {
            let (mut list, added) = (items(known), items(added));
            list.extend(added);
            (list.len() <= ENTRIES_MAX).then_some(Value::List(list))
        }
    }
}
