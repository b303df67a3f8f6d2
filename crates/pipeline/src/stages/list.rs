//! `split` and `join`: from text to a list and back.

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
