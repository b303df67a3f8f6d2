//! `translate`: a value's meaning from a table in the pipeline.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::{Options, value_of};
use super::template::{Template, plain};
use super::{Memory, Outcome, Stage};

#[derive(Debug)]
struct Translate {
    field: FieldPath,
    target: FieldPath,
    dictionary: HashMap<String, Value, RandomState>,
    fallback: Option<Template>,
    overwrites: bool,
}

pub(super) fn translate(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.needed_field("field")?;
    let table = options.table("dictionary")?;
    if table.is_empty() {
        return Err(options.missing("dictionary", "{ \"404\" = \"not found\" }"));
    }
    let stage = Translate {
        target: options.field("target")?.unwrap_or_else(|| field.clone()),
        field,
        dictionary: table.iter().map(|(key, value)| (key.clone(), value_of(value))).collect(),
        fallback: options.template("fallback")?,
        overwrites: options.flag("overwrite", true)?,
    };
    Ok(Box::new(stage))
}

impl Stage for Translate {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(sent) = self.field.get(&event.body).filter(|value| **value != Value::Null) else {
            return Outcome::Idle;
        };
        if !self.overwrites && self.target != self.field && self.target.get(&event.body).is_some() {
            return Outcome::Idle;
        }
        let found = match sent {
            Value::Text(text) => self.dictionary.get(text.as_str()),
            other => self.dictionary.get(plain(other).as_str()),
        };
        let fallback = || self.fallback.as_ref().map(|template| Value::Text(template.render(&event.body)));
        let Some(value) = found.cloned().or_else(fallback) else { return Outcome::Idle };
        self.target.put(&mut event.body, value);
        Outcome::Keep
    }
}
