//! On whose behalf events are read or written: the tenant and the caller's limits.
//!
//! Every call to a store carries one, and stores apply it below the query, so that no path can forget it.

use crate::query::Query;

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
        self.hidden_fields.iter().any(|hidden| {
            field.strip_prefix(hidden.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
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
