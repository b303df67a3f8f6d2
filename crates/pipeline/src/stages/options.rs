//! The table of one stage, read key by key. A key that nobody asked for is refused, so that a mistyped one is noticed.

use std::sync::Arc;

use toml::{Table, Value as Toml};
use vigie_domain::Value;

use super::error::PipelineError;
use super::field_path::FieldPath;
use super::template::Template;
use crate::enrich::Lookups;

/// Entries of a list or table.
pub(crate) const ENTRIES_MAX: usize = 10_000;

/// What a key holds, or why it does not: the words are completed by stage and key.
type Read<T> = Result<T, PipelineError>;

/// The keys of one stage that were not read yet.
pub(crate) struct Options {
    stage: usize,
    kind: String,
    table: Table,
    known: Vec<&'static str>,
    lookups: Arc<Lookups>,
}

impl Options {
    /// The table of the stage with this number and type.
    pub(crate) const fn new(stage: usize, kind: String, table: Table, lookups: Arc<Lookups>) -> Self {
        Self { stage, kind, table, known: Vec::new(), lookups }
    }

    /// Where things are looked up.
    pub(crate) fn lookups(&self) -> Arc<Lookups> {
        Arc::clone(&self.lookups)
    }

    /// An error about a key.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> PipelineError {
        PipelineError {
            stage: Some(self.stage),
            kind: Some(self.kind.clone()),
            key: Some(key.to_owned()),
            message: message.into(),
        }
    }

    /// The value of a key as it is written.
    pub(crate) fn raw(&mut self, key: &'static str) -> Option<Toml> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// Text, or what `otherwise` says.
    pub(crate) fn text_or(&mut self, key: &'static str, otherwise: &str) -> Read<String> {
        Ok(self.text(key)?.unwrap_or_else(|| otherwise.to_owned()))
    }

    /// Text, if the key is there.
    pub(crate) fn text(&mut self, key: &'static str) -> Read<Option<String>> {
        match self.raw(key) {
            None => Ok(None),
            Some(Toml::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, &other, "text in quotes")),
        }
    }

    /// Text that has to be there.
    pub(crate) fn needed_text(&mut self, key: &'static str, example: &str) -> Read<String> {
        self.text(key)?.ok_or_else(|| self.missing(key, example))
    }

    /// Text with fields in it, if the key is there.
    pub(crate) fn template(&mut self, key: &'static str) -> Read<Option<Template>> {
        let text = self.text(key)?;
        text.map(|text| Template::parse(&text).map_err(|message| self.error(key, message))).transpose()
    }

    /// One character, or what `otherwise` says.
    pub(crate) fn character(&mut self, key: &'static str, otherwise: char) -> Read<char> {
        let Some(text) = self.text(key)? else { return Ok(otherwise) };
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(self.error(key, format!("{text:?} is not one character; write for example \"{otherwise}\""))),
        }
    }

    /// True or false, or what `otherwise` says.
    pub(crate) fn flag(&mut self, key: &'static str, otherwise: bool) -> Read<bool> {
        match self.raw(key) {
            None => Ok(otherwise),
            Some(Toml::Boolean(flag)) => Ok(flag),
            Some(other) => Err(self.wrong(key, &other, "true or false")),
        }
    }

    /// A whole number within bounds, both included, or what `otherwise` says.
    pub(crate) fn count(&mut self, key: &'static str, bounds: (u64, u64), otherwise: u64) -> Read<u64> {
        match self.raw(key) {
            None => Ok(otherwise),
            Some(Toml::Integer(number)) if u64::try_from(number).is_ok_and(|n| bounds.0 <= n && n <= bounds.1) => {
                Ok(number as u64)
            }
            Some(other) => Err(self.wrong(key, &other, &format!("a number from {} to {}", bounds.0, bounds.1))),
        }
    }

    /// One of these words, or the first of them.
    pub(crate) fn word(&mut self, key: &'static str, words: &[&'static str]) -> Read<&'static str> {
        let first = words.first().copied().unwrap_or_default();
        let text = self.text_or(key, first)?;
        let found = words.iter().find(|word| **word == text).copied();
        found.ok_or_else(|| self.error(key, format!("{text:?} is not known; use one of {}", words.join(", "))))
    }

    /// The place of a field, or of the one that `otherwise` names.
    pub(crate) fn field_or(&mut self, key: &'static str, otherwise: &str) -> Read<FieldPath> {
        let text = self.text_or(key, otherwise)?;
        FieldPath::parse(&text).map_err(|message| self.error(key, message))
    }

    /// The place of a field, if the key is there.
    pub(crate) fn field(&mut self, key: &'static str) -> Read<Option<FieldPath>> {
        let text = self.text(key)?;
        text.map(|text| FieldPath::parse(&text).map_err(|message| self.error(key, message))).transpose()
    }

    /// The place of a field that has to be named.
    pub(crate) fn needed_field(&mut self, key: &'static str) -> Read<FieldPath> {
        self.field(key)?.ok_or_else(|| self.missing(key, "\"message\""))
    }

    /// One text or a list of them; empty when the key is not there.
    pub(crate) fn texts(&mut self, key: &'static str) -> Read<Vec<String>> {
        Ok(self.texts_if_given(key)?.unwrap_or_default())
    }

    /// One text or a list of them, which may be empty, if the key is there.
    pub(crate) fn texts_if_given(&mut self, key: &'static str) -> Read<Option<Vec<String>>> {
        let list = match self.raw(key) {
            None => return Ok(None),
            Some(Toml::String(text)) => return Ok(Some(vec![text])),
            Some(Toml::Array(list)) if list.len() <= ENTRIES_MAX => list,
            Some(Toml::Array(list)) => {
                return Err(self.error(key, format!("{} entries are more than {ENTRIES_MAX}", list.len())));
            }
            Some(other) => return Err(self.wrong(key, &other, "text in quotes or a list of texts")),
        };
        let text = |item: Toml| match item {
            Toml::String(text) => Ok(text),
            other => Err(self.wrong(key, &other, "text in quotes or a list of texts")),
        };
        list.into_iter().map(text).collect::<Read<_>>().map(Some)
    }

    /// Fields, at least one.
    pub(crate) fn needed_fields(&mut self, key: &'static str) -> Read<Vec<FieldPath>> {
        let fields = self.fields(key)?;
        if fields.is_empty() {
            return Err(self.missing(key, "[\"message\"]"));
        }
        Ok(fields)
    }

    /// Fields; none when the key is not there.
    pub(crate) fn fields(&mut self, key: &'static str) -> Read<Vec<FieldPath>> {
        let names = self.texts(key)?;
        names.iter().map(|name| FieldPath::parse(name).map_err(|message| self.error(key, message))).collect()
    }

    /// A table of values, such as `{ a = "b" }`, in the order of its names; empty when the key is not there.
    pub(crate) fn table(&mut self, key: &'static str) -> Read<Vec<(String, Toml)>> {
        match self.raw(key) {
            None => Ok(Vec::new()),
            Some(Toml::Table(table)) if table.len() <= ENTRIES_MAX => Ok(table.into_iter().collect()),
            Some(Toml::Table(table)) => {
                Err(self.error(key, format!("{} entries are more than {ENTRIES_MAX}", table.len())))
            }
            Some(other) => Err(self.wrong(key, &other, "a table such as { name = \"value\" }")),
        }
    }

    /// A table of texts by field, at least one.
    pub(crate) fn needed_pairs(&mut self, key: &'static str, example: &str) -> Read<Vec<(FieldPath, String)>> {
        let table = self.table(key)?;
        if table.is_empty() {
            return Err(self.missing(key, example));
        }
        let pair = |(name, value): (String, Toml)| match value {
            Toml::String(text) => {
                FieldPath::parse(&name).map(|path| (path, text)).map_err(|message| self.error(key, message))
            }
            other => Err(self.wrong(key, &other, &format!("a table of texts such as {example}"))),
        };
        table.into_iter().map(pair).collect()
    }

    /// Refuses what nobody asked for.
    ///
    /// # Errors
    /// Naming the first such key and all that there are.
    pub(crate) fn finish(self) -> Read<()> {
        let Some(key) = self.table.keys().next() else { return Ok(()) };
        let mut known = self.known.clone();
        known.sort_unstable();
        known.dedup();
        Err(self.error(key, format!("there is no such key; this stage has {}", known.join(", "))))
    }

    /// The error of a key that has to be there.
    pub(crate) fn missing(&self, key: &str, example: &str) -> PipelineError {
        self.error(key, format!("it is missing; write for example {key} = {example}"))
    }

    /// The error of a value of another sort.
    pub(crate) fn wrong(&self, key: &str, value: &Toml, expected: &str) -> PipelineError {
        let shown: String = value.to_string().chars().take(60).collect();
        self.error(key, format!("{shown} is not {expected}"))
    }
}

/// The event's value of a TOML value.
pub(crate) fn value_of(value: &Toml) -> Value {
    match value {
        Toml::String(text) => Value::text(text.as_str()),
        Toml::Integer(number) => Value::Int(*number),
        Toml::Float(number) => Value::number(*number).unwrap_or(Value::Null),
        Toml::Boolean(flag) => Value::Bool(*flag),
        Toml::Datetime(instant) => Value::text(instant.to_string()),
        Toml::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Toml::Table(table) => {
            Value::Object(table.iter().map(|(name, value)| (name.as_str().into(), value_of(value))).collect())
        }
    }
}
