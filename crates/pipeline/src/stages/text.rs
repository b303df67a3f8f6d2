//! `capitalize`, `lowercase`, `uppercase`, `trim`, `replace`, `url_decode`: text in its field.

use std::borrow::Cow;

use fancy_regex::Regex as CarefulRegex;
use regex::{Regex, RegexBuilder};
use vigie_domain::{Event, Text, Value};

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::options::Options;
use super::{Memory, Outcome, Stage};

/// Bytes that a compiled pattern may take.
pub(super) const PATTERN_SIZE_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a text after replacing; a replacement that makes more is not done.
const REPLACED_BYTES_MAX: usize = 1024 * 1024;
/// Steps back that a pattern with look-around may take for one match, and matches that it may have in one text.
const REPLACE_BACKTRACK_MAX: usize = 20_000;
const CAREFUL_REPLACED_MAX: usize = 1_000;

/// Changes every text of some fields, in lists too.
struct EachText<C> {
    fields: Vec<FieldPath>,
    change: C,
    failure_tag: &'static str,
}

impl<C> std::fmt::Debug for EachText<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EachText").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl<C: Fn(&str) -> Option<Text> + Send + Sync> Stage for EachText<C> {
    fn apply(&self, event: &mut Event, _memory: &mut Memory) -> Outcome {
        let mut is_done = true;
        for path in &self.fields {
            if let Some(value) = path.get_mut(&mut event.body) {
                is_done &= change_texts(value, &self.change);
            }
        }
        if is_done { Outcome::Keep } else { Outcome::Failed }
    }

    fn failure_tag(&self) -> &'static str {
        self.failure_tag
    }
}

/// Whether every text could be changed; those that could not stay as they are.
fn change_texts(value: &mut Value, change: &impl Fn(&str) -> Option<Text>) -> bool {
    match value {
        Value::Text(text) => match change(text) {
            Some(changed) => {
                *text = changed;
                true
            }
            None => false,
        },
        Value::List(items) => {
            items.iter_mut().filter_map(|item| (!change_texts(item, change)).then_some(())).count() == 0
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_) | Value::Object(_) => true,
    }
}

fn each_text(
    options: &mut Options,
    failure_tag: &'static str,
    change: impl Fn(&str) -> Option<Text> + Send + Sync + 'static,
) -> Result<Box<dyn Stage>, PipelineError> {
    Ok(Box::new(EachText { fields: options.needed_fields("fields")?, change, failure_tag }))
}

pub(super) fn lowercase(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    each_text(options, "_mutate_error", |text| Some(text.to_lowercase().into()))
}

pub(super) fn uppercase(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    each_text(options, "_mutate_error", |text| Some(text.to_uppercase().into()))
}

pub(super) fn capitalize(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    each_text(options, "_mutate_error", |text| {
        let mut rest = text.chars();
        let first = rest.next().into_iter().flat_map(char::to_uppercase);
        Some(first.collect::<String>().as_str().into()).map(|mut capitalized: Text| {
            capitalized.push_str(&rest.as_str().to_lowercase());
            capitalized
        })
    })
}

pub(super) fn trim(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let characters: Vec<char> = options.text_or("characters", "")?.chars().collect();
    each_text(options, "_mutate_error", move |text| {
        let trimmed = if characters.is_empty() { text.trim() } else { text.trim_matches(&characters[..]) };
        Some(trimmed.into())
    })
}

pub(super) fn url_decode(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let plus_is_space = options.flag("plus_is_space", true)?;
    each_text(options, "_urldecodefailure", move |text| decoded(text, plus_is_space))
}

/// The text with `%41` as `A`; `None` when a sequence is broken or the bytes are no UTF-8.
fn decoded(text: &str, plus_is_space: bool) -> Option<Text> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Text::from)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

pub(super) fn replace(options: &mut Options) -> Result<Box<dyn Stage>, PipelineError> {
    let pattern = options.needed_text("pattern", "'\\d{4,}'")?;
    let with = options.text_or("with", "")?;
    let replacing = Replacing::new(&pattern).map_err(|message| options.error("pattern", message))?;
    each_text(options, "_mutate_error", move |text| {
        let replaced = replacing.replace_all(text, &with)?;
        (replaced.len() <= REPLACED_BYTES_MAX.max(text.len())).then(|| replaced.into())
    })
}

/// A pattern that is replaced wherever it is found.
enum Replacing {
    Fast(Regex),
    /// With look-around or references to groups: its time has to be bounded.
    Careful(Box<CarefulRegex>),
}

impl Replacing {
    /// # Errors
    /// In words, when the pattern is none or takes too much memory.
    fn new(pattern: &str) -> Result<Self, String> {
        let error = match regex(pattern) {
            Ok(regex) => return Ok(Self::Fast(regex)),
            Err(error) => error,
        };
        let mut builder = fancy_regex::RegexBuilder::new(pattern);
        builder.backtrack_limit(REPLACE_BACKTRACK_MAX).delegate_size_limit(PATTERN_SIZE_MAX);
        builder.delegate_dfa_size_limit(PATTERN_SIZE_MAX);
        builder.build().map(|regex| Self::Careful(Box::new(regex))).map_err(|_| error)
    }

    /// The text with every match replaced; `None` when that takes more than it may.
    fn replace_all<'t>(&self, text: &'t str, with: &str) -> Option<Cow<'t, str>> {
        match self {
            Self::Fast(regex) => Some(regex.replace_all(text, with)),
            Self::Careful(regex) => {
                let is_too_much = regex.find_iter(text).nth(CAREFUL_REPLACED_MAX).is_some();
                if is_too_much { None } else { regex.try_replacen(text, 0, with).ok() }
            }
        }
    }
}

/// A pattern made ready, without look-around: its time grows with the text alone.
///
/// # Errors
/// In words, when it is none or takes too much memory.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    let made = RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX).dfa_size_limit(PATTERN_SIZE_MAX).build();
    made.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("{pattern:?} takes more than {PATTERN_SIZE_MAX} bytes; shorten it"),
        other => {
            let text = other.to_string();
            let cause = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("{pattern:?} is no pattern: {cause}")
        }
    })
}
