//! A place in a request body, and reading what stands there.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use vigie_domain::{Error, Result};

use super::field_types::FieldTypes;

/// Objects within objects that are read.
const DEPTH_MAX: usize = 40;

/// A place in a request body, such as `query.bool.filter[1].range`.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    path: String,
    depth: usize,
    types: Arc<FieldTypes>,
}

impl Place {
    /// That of a key of the body.
    pub(super) fn of(key: &str) -> Self {
        Self { path: key.to_owned(), ..Self::default() }
    }

    /// The same place, where fields are what these types say.
    pub(super) fn with_types(self, types: &Arc<FieldTypes>) -> Self {
        Self { types: Arc::clone(types), ..self }
    }

    /// What fields are there.
    pub(super) fn types(&self) -> &FieldTypes {
        &self.types
    }

    /// That of a key below.
    pub(super) fn key(&self, key: &str) -> Self {
        Self { path: format!("{}.{key}", self.path), depth: self.depth + 1, types: Arc::clone(&self.types) }
    }

    /// That of an element of a list.
    pub(super) fn item(&self, number: usize) -> Self {
        Self { path: format!("{}[{number}]", self.path), depth: self.depth, types: Arc::clone(&self.types) }
    }

    /// Refuses what lies too deep.
    ///
    /// # Errors
    /// `Malformed`, when it does.
    pub(super) fn check_depth(&self) -> Result<()> {
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(&format!("it lies deeper than {DEPTH_MAX} objects; nest less")));
        }
        Ok(())
    }

    /// What is wrong there, and what to do.
    pub(super) fn wrong(&self, words: &str) -> Error {
        Error::malformed_field(&self.path, format!("[{}] {words}", self.path))
    }

    /// What stands there is known to Elasticsearch and not there.
    pub(super) fn missing(&self, what: &str) -> Error {
        self.wrong(&format!("{what} is not there in Vigie; docs/elasticsearch.md lists what is"))
    }

    /// The object that stands there.
    ///
    /// # Errors
    /// `Malformed` when it is none.
    pub(super) fn object<'j>(&self, json: &'j Json) -> Result<&'j Map<String, Json>> {
        json.as_object().ok_or_else(|| self.wrong(&format!("must be an object, found {}", shown(json))))
    }

    /// The only key of the object that stands there, and its value.
    ///
    /// # Errors
    /// `Malformed` when it is no object or has not one key.
    pub(super) fn only<'j>(&self, json: &'j Json) -> Result<(&'j str, &'j Json)> {
        let object = self.object(json)?;
        match (object.iter().next(), object.len()) {
            (Some((key, value)), 1) => Ok((key, value)),
            _ => Err(self.wrong(&format!("must have one key, found {}", object.len()))),
        }
    }

    /// A text, number or boolean as text.
    ///
    /// # Errors
    /// `Malformed` when it is something else.
    pub(super) fn text(&self, json: &Json) -> Result<String> {
        match json {
            Json::String(text) => Ok(text.clone()),
            Json::Number(number) => Ok(number.to_string()),
            Json::Bool(flag) => Ok(flag.to_string()),
            Json::Null | Json::Array(_) | Json::Object(_) => {
                Err(self.wrong(&format!("must be a text, number or boolean, found {}", shown(json))))
            }
        }
    }

    /// A boolean, also written as text.
    ///
    /// # Errors
    /// `Malformed` when it is something else.
    pub(super) fn flag(&self, json: &Json) -> Result<bool> {
        match json {
            Json::Bool(flag) => Ok(*flag),
            Json::String(text) if text == "true" => Ok(true),
            Json::String(text) if text == "false" => Ok(false),
            other => Err(self.wrong(&format!("must be true or false, found {}", shown(other)))),
        }
    }

    /// A whole number from 0 on, also written as text.
    ///
    /// # Errors
    /// `Malformed` when it is something else.
    pub(super) fn count(&self, json: &Json) -> Result<usize> {
        let number = match json {
            Json::Number(number) => number.as_u64(),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| self.wrong(&format!("must be a whole number from 0 on, found {}", shown(json))))
    }

    /// One thing or a list of them.
    pub(super) fn one_or_many<'j>(&self, json: &'j Json) -> Vec<(Self, &'j Json)> {
        match json {
            Json::Array(items) => items.iter().enumerate().map(|(number, item)| (self.item(number), item)).collect(),
            one => vec![(self.clone(), one)],
        }
    }

    /// Refuses keys that are not among those known; `passed_over` are known and change nothing here.
    ///
    /// # Errors
    /// `Malformed`, naming the key.
    pub(super) fn check_keys(&self, object: &Map<String, Json>, known: &[&str], passed_over: &[&str]) -> Result<()> {
        match object.keys().find(|key| !known.contains(&key.as_str()) && !passed_over.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(self.missing(&format!("[{key}]"))),
        }
    }
}

/// What was found, short.
fn shown(json: &Json) -> String {
    const CHARS_MAX: usize = 60;
    let text = json.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
