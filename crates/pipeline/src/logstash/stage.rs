//! A stage that is to be written: its keys, when it is asked, and which fields it may change.

use std::fmt::Write;

use toml::{Table, Value as Toml};
use vigie_domain::mapping;
use vigie_domain::query::Query;

use super::tree::Place;
use crate::stages::{Pipeline, PipelineError};

/// Which fields a stage may change.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Touched {
    /// These, by their names with dots.
    Fields(Vec<String>),
    /// Any: their names come with the events.
    Any,
}

/// One stage to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) place: Place,
    /// What of the configuration it is made of.
    pub(super) origin: String,
    /// Its `type`.
    pub(super) kind: &'static str,
    pub(super) when: Query,
    pub(super) keys: Vec<(&'static str, Toml)>,
    pub(super) touched: Touched,
}

impl Planned {
    /// A stage that is always asked.
    pub(super) fn new(place: Place, origin: impl Into<String>, kind: &'static str, touched: Touched) -> Self {
        Self { place, origin: origin.into(), kind, when: Query::All, keys: Vec::new(), touched }
    }

    /// With this key too.
    #[must_use]
    pub(super) fn with(mut self, key: &'static str, value: impl Into<Toml>) -> Self {
        self.keys.push((key, value.into()));
        self
    }

    /// With this key too, if there is a value.
    #[must_use]
    pub(super) fn with_some(self, key: &'static str, value: Option<impl Into<Toml>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Changes this field too.
    pub(super) fn touch(&mut self, field: &str) {
        if let Touched::Fields(fields) = &mut self.touched {
            fields.push(field.to_owned());
        }
    }

    /// Whether what a query asks about may be changed by it. `asked` are canonical names.
    pub(super) fn changes(&self, asked: &[String]) -> bool {
        match &self.touched {
            // Marks of an import are changed by nothing else.
            Touched::Any => asked.iter().any(|field| !field.starts_with(MARKS)),
            Touched::Fields(fields) => asked.iter().any(|asked| fields.iter().any(|field| overlaps(asked, field))),
        }
    }

    /// The stage as it stands in a pipeline.
    pub(super) fn to_toml(&self) -> String {
        let mut text =
            format!("# Line {}: {}\n[[stage]]\ntype = \"{}\"\n", self.place.line, one_line(&self.origin), self.kind);
        if self.when != Query::All {
            push_key(&mut text, "when", &Toml::String(self.when.to_string()));
        }
        self.keys.iter().for_each(|(key, value)| push_key(&mut text, key, value));
        text
    }

    /// Whether Vigie takes it.
    ///
    /// # Errors
    /// As for every pipeline.
    pub(super) fn check(&self) -> Result<(), PipelineError> {
        Pipeline::from_toml(&format!("version = 1\n{}", self.to_toml())).map(|_| ())
    }
}

/// Where an import marks which way of an `if` an event goes.
pub(super) const MARKS: &str = "@if";

/// Text without line ends, for a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn push_key(text: &mut String, key: &str, value: &Toml) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{key} = {}", on_one_line(value));
}

/// The value on one line: line ends in texts are written as such.
fn on_one_line(value: &Toml) -> String {
    match value {
        Toml::String(text) => quoted(text),
        Toml::Array(items) => format!("[{}]", items.iter().map(on_one_line).collect::<Vec<_>>().join(", ")),
        Toml::Table(entries) => {
            let entries = entries.iter().map(|(name, value)| format!("{} = {}", key(name), on_one_line(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Toml::Integer(_) | Toml::Float(_) | Toml::Boolean(_) | Toml::Datetime(_) => value.to_string(),
    }
}

/// The text in the quotes that need the fewest backslashes; never in those of several lines, which no key may have.
fn quoted(text: &str) -> String {
    let has_control = text.contains(char::is_control);
    match (has_control || text.contains(['"', '\\']), has_control || text.contains('\'')) {
        (false, _) => return format!("\"{text}\""),
        (true, false) => return format!("'{text}'"),
        (true, true) => {}
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// Whether one of two names is the other, or lies below it; in any spelling of Vigie's known fields.
fn overlaps(asked: &str, field: &str) -> bool {
    let canonical = mapping::canonical(field);
    let is_below = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    // What an object holds may be known under a name of its own: `source` holds `source.ip`, which is `client_ip`.
    let holds_alias = mapping::FIELD_ALIASES
        .iter()
        .filter(|(known, _)| *known == asked)
        .any(|(_, aliases)| aliases.iter().any(|alias| *alias == field || is_below(alias, field)));
    [field, canonical].iter().any(|name| *name == asked || is_below(name, asked) || is_below(asked, name))
        || holds_alias
}

/// The fields that a query asks about.
pub(super) fn asked_fields(query: &Query, fields: &mut Vec<String>) {
    match query {
        Query::All | Query::Nothing | Query::FreeText(_) => {}
        Query::And(parts) | Query::Or(parts) => parts.iter().for_each(|part| asked_fields(part, fields)),
        Query::Not(part) => asked_fields(part, fields),
        Query::Field { field, .. } => fields.push(field.clone()),
    }
}

/// A table in the order of its entries.
pub(super) fn table(entries: impl IntoIterator<Item = (String, Toml)>) -> Toml {
    Toml::Table(entries.into_iter().collect::<Table>())
}

/// A list of texts, or the text alone.
pub(super) fn one_or_list(mut texts: Vec<String>) -> Toml {
    match (texts.len(), texts.pop()) {
        (1, Some(only)) => Toml::String(only),
        (_, last) => list(texts.into_iter().chain(last)),
    }
}

/// A list of texts.
pub(super) fn list(texts: impl IntoIterator<Item = String>) -> Toml {
    Toml::Array(texts.into_iter().map(Toml::String).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let texts = ["", "a\nb", "\r\u{7f}\u{85}\u{0}", "it's \"\"\"", "\\d \t", "''\u{27}", "é\u{2028}"];
        for text in texts {
            let value = table([(text.to_owned(), list([text.to_owned()])), ("n".to_owned(), Toml::Integer(-1))]);
            let mut written = String::new();
            push_key(&mut written, "k", &value);
            assert!(written.ends_with('\n') && written.matches('\n').count() == 1, "{written}");
            let read: Table = written.parse().unwrap_or_else(|error| panic!("{error}: {written}"));
            assert_eq!(read["k"], value, "{written}");
        }
    }
}
