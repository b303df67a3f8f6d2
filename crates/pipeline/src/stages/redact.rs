//! `redact`: masks what a shop does not want to keep beyond what is never stored anyway: whole fields, and what patterns find.
//!
//! Cards, CVV, passwords and keys are taken out of every event before the first stage and after the last, whatever a pipeline
//! says; here is no way to turn that off.

use regex::Regex;
use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::text::regex;
use super::{Memory, Outcome, Stage};
use crate::redact::MARK_START;

/// Patterns of one stage.
const PATTERNS_MAX: usize = 100;
/// Bytes of the word in the mark.
const NAME_BYTES_MAX: usize = 64;

#[derive(Debug)]
struct Redact {
    fields: Vec<FieldPath>,
    patterns: Vec<Regex>,
    within: Vec<FieldPath>,
    /// `[redacted:name]`.
    mark: String,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let (fields, within) = (options.fields("fields")?, options.fields("within")?);
    let patterns = options.texts("patterns")?;
    if fields.is_empty() && patterns.is_empty() {
        return Err(options.missing("fields", "[\"customer.email\"], or patterns = ['CUST-\\d{6}']"));
    }
    if patterns.is_empty() && !within.is_empty() {
        return Err(options.error("within", "it says where patterns are looked for, and there are none"));
    }
    if patterns.len() > PATTERNS_MAX {
        return Err(options.error("patterns", format!("{} are more than {PATTERNS_MAX}", patterns.len())));
    }
    let made: Result<Vec<Regex>, String> = patterns.iter().map(|pattern| regex(pattern)).collect();
    let patterns = made.map_err(|message| options.error("patterns", message))?;
    let matches_nothing = |pattern: &&Regex| pattern.is_match("");
    if let Some(pattern) = patterns.iter().find(matches_nothing) {
        let message = format!("{:?} matches nothing at all, so it matches everywhere", pattern.as_str());
        return Err(options.error("patterns", message));
    }
    let name = options.text_or("name", "custom")?;
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !is_word(&name) {
        return Err(options.error("name", format!("{name:?} is no word of letters, digits and underscores")));
    }
    Ok(Box::new(Redact { fields, patterns, within, mark: format!("{MARK_START}{name}]") }))
}

impl Stage for Redact {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        for path in &self.fields {
            if let Some(value) = path.get_mut(&mut event.body).filter(|value| **value != Value::Null) {
                *value = Value::text(self.mark.as_str());
            }
        }
        if self.patterns.is_empty() {
            return Outcome::Keep;
        }
        if self.within.is_empty() {
            event.body.iter_mut().for_each(|(_, value)| self.mask(value));
        }
        for path in &self.within {
            if let Some(value) = path.get_mut(&mut event.body) {
                self.mask(value);
            }
        }
        Outcome::Keep
    }
}

impl Redact {
    /// Masks what the patterns find in texts at any depth, and whole numbers that hold it.
    fn mask(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Text(text) => {
                for pattern in &self.patterns {
                    let masked = pattern.replace_all(text, regex::NoExpand(&self.mark));
                    if let std::borrow::Cow::Owned(masked) = masked {
                        *text = masked.into();
                    }
                }
            }
            Value::Int(_) | Value::Float(_) | Value::BigNumber(_) => {
                let digits = super::template::plain(value);
                if self.patterns.iter().any(|pattern| pattern.is_match(&digits)) {
                    *value = Value::text(self.mark.as_str());
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(object) => object.iter_mut().for_each(|(_, value)| self.mask(value)),
        }
    }
}
