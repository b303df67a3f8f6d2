//! `match`: whether a field is of a form, for the conditions of later stages.

use vigie_domain::{Event, Value};

use super::Pattern;
use crate::stages::error::PipelineError;
use crate::stages::field_path::FieldPath;
use crate::stages::options::Options;
use crate::stages::template::plain;
use crate::stages::{Memory, Outcome, Stage};

#[derive(Debug)]
struct Match {
    field: FieldPath,
    /// Without one, any value will do.
    pattern: Option<Pattern>,
    target: FieldPath,
}

pub(in crate::stages) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let field = options.field_or("field", "message")?;
    let pattern = options.text("pattern")?;
    let pattern = pattern.map(|text| super::pattern(&text, &[]).map_err(|message| options.error("pattern", message)));
    let Some(target) = options.field("target")? else {
        return Err(options.missing("target", "\"is_health_check\""));
    };
    Ok(Box::new(Match { field, pattern: pattern.transpose()?, target }))
}

impl Stage for Match {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let is_match = self.field.get(&event.body).is_some_and(|value| self.holds(value));
        self.target.put(&mut event.body, Value::Bool(is_match));
        Outcome::Keep
    }
}

impl Match {
    /// Whether the value, or any of a list, is of the form; a search that is given up has found nothing.
    fn holds(&self, value: &Value) -> bool {
        let Some(pattern) = &self.pattern else { return *value != Value::Null };
        match value {
            Value::Null | Value::Object(_) => false,
            Value::List(items) => items.iter().any(|item| self.holds(item)),
            scalar => pattern.engine.is_match(&plain(scalar)),
        }
    }
}
