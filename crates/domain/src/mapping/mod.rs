//! Which fields are known, of what kind they are, and the one name each has.
//!
//! Each log type has its own file with its own typed fields; everything else is dynamic.

mod aliases;
mod common;
mod error;
mod fraud;
mod performance;
mod transaction;
mod user_behavior;

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

pub use aliases::FIELD_ALIASES;

use crate::event::pseudo_fields;
use crate::log_type::LogType;

/// What a field's values are, and so how they are stored and asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// A string that is compared as a whole.
    Keyword,
    /// A string that is searched by its words.
    Text,
    /// A whole number, 64 bits.
    Int,
    /// A floating point number, 64 bits.
    Float,
    /// A decimal number with 18 digits, 4 of them after the point: money.
    Decimal,
    /// True or false.
    Bool,
    /// An instant, nanoseconds, UTC.
    Instant,
    /// An IPv4 or IPv6 address.
    Ip,
}

/// A field that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldDef {
    /// Canonical name.
    pub name: &'static str,
    /// Kind of its values.
    pub kind: FieldKind,
}

const fn field(name: &'static str, kind: FieldKind) -> FieldDef {
    FieldDef { name, kind }
}

/// The fields that a log type is known by, without the common ones.
pub const fn own_fields(log_type: LogType) -> &'static [FieldDef] {
    match log_type {
        LogType::Transaction => transaction::FIELDS,
        LogType::Error => error::FIELDS,
        LogType::UserBehavior => user_behavior::FIELDS,
        LogType::Performance => performance::FIELDS,
        LogType::Fraud => fraud::FIELDS,
        LogType::Other => &[],
    }
}

/// The fields that every event may have.
pub const fn common_fields() -> &'static [FieldDef] {
    common::FIELDS
}

/// The kind of a field in events of a log type; `None` when it is dynamic.
pub fn kind_in(log_type: LogType, canonical: &str) -> Option<FieldKind> {
    own_fields(log_type).iter().chain(common::FIELDS).find(|def| def.name == canonical).map(|def| def.kind)
}

/// The kind of a field wherever it is known; a field has one kind in all log types.
pub fn kind_of(canonical: &str) -> Option<FieldKind> {
    static BY_NAME: LazyLock<HashMap<&'static str, FieldKind, FixedState>> = LazyLock::new(|| {
        let own = LogType::ALL.into_iter().flat_map(|log_type| own_fields(log_type).iter());
        let instants = [pseudo_fields::TIMESTAMP, pseudo_fields::INGESTED_AT].map(|name| (name, FieldKind::Instant));
        own.chain(common::FIELDS).map(|def| (def.name, def.kind)).chain(instants).collect()
    });
    BY_NAME.get(canonical).copied()
}

/// Whether values of the field are searched by their words, in every log type.
pub fn is_text(canonical: &str) -> bool {
    matches!(canonical, "message" | "error_message" | "stack_trace" | "search_query")
}

/// The one name of a field: what an alias stands for, else the name itself.
pub fn canonical(name: &str) -> &str {
    static BY_ALIAS: LazyLock<HashMap<&'static str, &'static str, FixedState>> = LazyLock::new(|| {
        FIELD_ALIASES
            .iter()
            .flat_map(|(canonical, aliases)| aliases.iter().map(move |alias| (*alias, *canonical)))
            .collect()
    });
    BY_ALIAS.get(name).copied().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn aliases_name_one_field_and_are_not_fields_themselves() {
        let mut seen = HashSet::new();
        for (canonical_name, aliases) in FIELD_ALIASES {
            assert_eq!(canonical(canonical_name), *canonical_name, "a canonical name is nobody's alias");
            for alias in *aliases {
                assert!(seen.insert(alias), "{alias} is listed twice");
            }
        }
    }

    #[test]
    fn a_field_has_one_kind_wherever_it_is_known() {
        let mut kinds: HashMap<&str, FieldKind> = HashMap::new();
        let fields = LogType::ALL.into_iter().flat_map(|log_type| own_fields(log_type).iter()).chain(common::FIELDS);
        for def in fields {
            assert_eq!(*kinds.entry(def.name).or_insert(def.kind), def.kind, "{}", def.name);
            assert_eq!(is_text(def.name), def.kind == FieldKind::Text, "{}", def.name);
        }
    }

    #[test]
    fn names_of_other_conventions_are_known() {
        assert_eq!(canonical("service.name"), "service");
        assert_eq!(canonical("source.ip"), "client_ip");
        assert_eq!(canonical("anything"), "anything");
    }
}
