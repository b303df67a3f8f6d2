//! `kv`: takes `key=value` pairs in a field apart.

use vigie_domain::{Event, Value};

use super::error::PipelineError;
use super::field_path::{FieldPath, PATH_BYTES_MAX};
use super::options::Options;
use super::{Memory, Outcome, Stage};
use crate::parse::number::typed_by_content;
use crate::tag;

/// Pairs that are read from one text; the rest stays in it.
const PAIRS_MAX: usize = 1_000;

#[derive(Debug)]
struct KeyValues {
    field: FieldPath,
    target: Option<FieldPath>,
    pair_ends: Vec<char>,
    key_ends: Vec<char>,
    prefix: String,
    trim_keys: Vec<char>,
    trim_values: Vec<char>,
    include: Vec<String>,
    exclude: Vec<String>,
    is_typed: bool,
}

pub(super) fn build(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let characters = |text: String| text.chars().collect::<Vec<_>>();
    let stage = KeyValues {
        field: options.field_or("field", "message")?,
        target: options.field("target")?,
        pair_ends: characters(options.text_or("field_split", " ")?),
        key_ends: characters(options.text_or("value_split", "=")?),
        prefix: options.text_or("prefix", "")?,
        trim_keys: characters(options.text_or("trim_key", "")?),
        trim_values: characters(options.text_or("trim_value", "")?),
        include: options.texts("include_keys")?,
        exclude: options.texts("exclude_keys")?,
        is_typed: options.flag("typed", true)?,
    };
    for (key, ends) in [("field_split", &stage.pair_ends), ("value_split", &stage.key_ends)] {
        if ends.is_empty() {
            return Err(options.error(key, "it is empty; write the characters that stand between, such as \"&\""));
        }
    }
    Ok(Box::new(stage))
}

impl Stage for KeyValues {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let Some(text) = self.field.text(&event.body) else { return Outcome::Idle };
        let pairs = self.pairs(text);
        if pairs.is_empty() {
            return Outcome::Failed;
        }
        for (name, value) in pairs {
            let path = match &self.target {
                Some(target) => target.child(&name),
                None => FieldPath::parse(&name),
            };
            match path {
                Ok(path) => path.append(&mut event.body, value),
                // A key such as `a..b` has no place along its dots.
                Err(_) => event.body.push((name.into(), value)),
            }
        }
        Outcome::Keep
    }

    fn failure_tag(&self) -> &'static str {
        tag::KV_PARSE_FAILURE
    }
}

impl KeyValues {
    fn pairs(&self, text: &str) -> Vec<(String, Value)> {
        let (mut pairs, mut rest) = (Vec::new(), text);
        while pairs.len() < PAIRS_MAX && !rest.is_empty() {
            rest = rest.trim_start_matches(&self.pair_ends[..]);
            let Some(end) = rest.find(|c| self.key_ends.contains(&c) || self.pair_ends.contains(&c)) else { break };
            let (key, after) = rest.split_at(end);
            let separator = after.chars().next().unwrap_or_default();
            rest = &after[separator.len_utf8()..];
            if !self.key_ends.contains(&separator) {
                continue;
            }
            let (value, after) = self.value(rest);
            rest = after;
            let key = key.trim_matches(&self.trim_keys[..]);
            let is_wanted = !key.is_empty()
                && key.len() + self.prefix.len() <= PATH_BYTES_MAX
                && (self.include.is_empty() || self.include.iter().any(|name| name == key))
                && !self.exclude.iter().any(|name| name == key);
            if is_wanted {
                let value = value.trim_matches(&self.trim_values[..]);
                let value = if self.is_typed { typed_by_content(value) } else { Value::text(value) };
                pairs.push((format!("{}{key}", self.prefix), value));
            }
        }
        pairs
    }

    /// The value at the beginning, quoted or up to the end of the pair, and what follows it.
    fn value<'t>(&self, text: &'t str) -> (&'t str, &'t str) {
        for (open, close) in [('"', '"'), ('\'', '\''), ('(', ')'), ('[', ']'), ('<', '>')] {
            if let Some(inner) = text.strip_prefix(open)
                && let Some(end) = inner.find(close)
            {
                let after = &inner[end + close.len_utf8()..];
                if after.is_empty() || after.starts_with(&self.pair_ends[..]) {
                    return (&inner[..end], after);
                }
            }
        }
        text.split_at(text.find(&self.pair_ends[..]).unwrap_or(text.len()))
    }
}
