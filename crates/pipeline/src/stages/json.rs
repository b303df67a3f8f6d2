//! `json`: takes a JSON document in a field apart.

use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};
use crate::parse::json_value::parse_json;

#[derive(Debug)]
struct Json {
    field: FieldPath,
    target: Option<FieldPath>,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(Json { field: options.field_or("field", "message")?, target: options.field("target")? }))
}

impl Stage for Json {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(text) = self.field.text(&event.body) else { return Outcome::Idle };
        match (parse_json(text), &self.target) {
            (Ok(value), Some(target)) => {
                target.put(&mut event.body, value);
                Outcome::Keep
            }
            (Ok(Value::Object(fields)), None) => {
                for (name, value) in fields {
                    match event.body.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, slot)) => *slot = value,
                        None => event.body.push((name, value)),
                    }
                }
                Outcome::Keep
            }
            (Ok(_) | Err(_), _) => Outcome::Failed,
        }
    }

    fn failure_tag(&self) -> &'static str {
        crate::tag::JSON_PARSE_FAILURE
    }
}
