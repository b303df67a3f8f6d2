//! The field that a question is about.

use crate::value::Value;

/// A field, and the value that stands for it in events that have none.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedField {
    /// Canonical field name.
    pub name: String,
    /// What an event counts with that has no value of the field at all; without it, such an event is passed over.
    pub missing: Option<Value>,
}

impl AskedField {
    /// The same field, with this value for events that have none.
    #[must_use]
    pub fn or(self, missing: Option<Value>) -> Self {
        Self { missing, ..self }
    }
}

impl From<String> for AskedField {
    fn from(name: String) -> Self {
        Self { name, missing: None }
    }
}

impl From<&String> for AskedField {
    fn from(name: &String) -> Self {
        name.clone().into()
    }
}

impl From<&str> for AskedField {
    fn from(name: &str) -> Self {
        name.to_owned().into()
    }
}
