//! On whose behalf events are read or written: the tenant and the caller's limits.
//!
//! Every call to a store carries one, and stores apply it below the query, so that no path can forget it.

use crate::mapping;
use crate::query::Query;
use crate::value::{Object, Text, Value};

/// The tenant and what the caller may see of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// Whose events these are.
    pub tenant: String,
    /// What every event shown must also match.
    pub restriction: Option<Query>,
    /// Canonical names of fields that are never shown, searched or counted.
    pub hidden_fields: Vec<String>,
}

impl Scope {
    /// The tenant of an installation that has only one.
    pub const MAIN_TENANT: &'static str = "main";

    /// All events of the main tenant, every field.
    pub fn main() -> Self {
        Self { tenant: Self::MAIN_TENANT.to_owned(), restriction: None, hidden_fields: Vec::new() }
    }

    /// Whether the field, or an object above it, is hidden.
    pub fn hides(&self, field: &str) -> bool {
        hides(&self.hidden_fields, field)
    }

    /// The body without its hidden fields.
    pub fn visible(&self, body: Object) -> Object {
        if self.hidden_fields.is_empty() { body } else { self.without_hidden("", body) }
    }

    fn without_hidden(&self, prefix: &str, fields: Object) -> Object {
        let keep = |(name, value): (Text, Value)| {
            let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
            (!self.hides(mapping::canonical(&path))).then(|| (name, self.value_without_hidden(&path, value)))
        };
        fields.into_iter().filter_map(keep).collect()
    }

    fn value_without_hidden(&self, path: &str, value: Value) -> Value {
        match value {
            Value::Object(inner) => Value::Object(self.without_hidden(path, inner)),
            Value::List(items) => {
                Value::List(items.into_iter().map(|item| self.value_without_hidden(path, item)).collect())
            }
            scalar => scalar,
        }
    }
}

/// Whether one of these names is the field or an object above it.
pub fn hides(hidden_fields: &[String], field: &str) -> bool {
    hidden_fields
        .iter()
        .any(|hidden| field.strip_prefix(hidden.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_object_hides_its_leaves() {
        let scope = Scope { hidden_fields: vec!["card".into()], ..Scope::main() };
        assert!(scope.hides("card"));
        assert!(scope.hides("card.number"));
        assert!(!scope.hides("card_bin"));
    }
}
