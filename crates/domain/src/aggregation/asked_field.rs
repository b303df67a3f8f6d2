//! The field that a question is about.

use crate::event::pseudo_fields;
use crate::mapping::{self, FieldKind};
use crate::query::Scalar;
use crate::time::Timestamp;
use crate::value::Value;

/// A field, and the value that stands for it in events that have none.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedField {
    /// Canonical field name.
    pub name: String,
    /// What its values are taken for where an index says so; what is known of a field by itself stays.
    pub told: Option<FieldKind>,
    /// What an event counts with that has no value of the field at all; without it, such an event is passed over.
    pub missing: Option<Value>,
}

impl AskedField {
    /// What its values are taken for; `None` as they are.
    pub fn kind(&self) -> Option<FieldKind> {
        mapping::kind_of(&self.name).or(self.told)
    }

    /// Whether its values are instants.
    pub fn is_of_instants(&self) -> bool {
        matches!(self.name.as_str(), pseudo_fields::TIMESTAMP | pseudo_fields::INGESTED_AT)
            || self.kind() == Some(FieldKind::Instant)
    }

    /// A value as it is compared; instants are nanoseconds since the epoch.
    pub fn value_of(&self, scalar: Scalar<'_>) -> Value {
        if let Some(at) = self.instant_of(scalar) {
            return Value::Int(at.as_nanos());
        }
        match scalar {
            Scalar::Bool(flag) => Value::Bool(flag),
            Scalar::Int(number) => Value::Int(number),
            Scalar::Float(number) => Value::Float(number),
            Scalar::BigNumber(literal) => Value::BigNumber(literal.to_owned()),
            Scalar::Instant(at) => Value::Int(at.as_nanos()),
            Scalar::Text(text) => Value::text(text),
        }
    }

    /// The instant that a value is; of lists and of what was written otherwise, text stands for it. Numbers of a field
    /// that only an index calls one of instants are milliseconds.
    pub fn instant_of(&self, scalar: Scalar<'_>) -> Option<Timestamp> {
        match scalar {
            Scalar::Instant(at) => Some(at),
            _ if !self.is_of_instants() => None,
            _ if self.told.is_some() => scalar.told_instant(),
            _ => scalar.instant(),
        }
    }

    /// The same field, with this value for events that have none.
    #[must_use]
    pub fn or(self, missing: Option<Value>) -> Self {
        Self { missing, ..self }
    }
}

impl From<String> for AskedField {
    fn from(name: String) -> Self {
        Self { name, told: None, missing: None }
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
