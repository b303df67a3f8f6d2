//! `disposable_email`: whether an e-mail address is one of those that are made for one use and thrown away.

use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};
use crate::enrich::mail::{domain_of, is_disposable};

#[derive(Debug)]
struct DisposableEmail {
    field: FieldPath,
    target: FieldPath,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let (field, target) = (options.field_or("field", "email")?, options.field_or("target", "email_domain_disposable")?);
    Ok(Box::new(DisposableEmail { field, target }))
}

impl Stage for DisposableEmail {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(sent) = self.field.text(&event.body) else { return Outcome::Idle };
        let Some(domain) = domain_of(sent) else { return Outcome::Failed };
        let found = is_disposable(&domain);
        self.target.put(&mut event.body, Value::Bool(found));
        Outcome::Keep
    }

    fn failure_tag(&self) -> &'static str {
        "_email_parse_failure"
    }
}
