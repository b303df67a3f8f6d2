//! What is known of a field by the name under which it is sent: looked up once per value, so in one table.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use vigie_domain::LogType;
use vigie_domain::mapping::{self, FIELD_ALIASES, FieldKind};

use super::log_type::RULES;

/// A field that Vigie knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Its one name.
    pub(super) canonical: &'static str,
    /// One bit of its own, for rules to name it by.
    pub(super) bit: u128,
    kind: Option<FieldKind>,
    /// Bits of the log types whose mapping has it.
    log_types: u8,
}

impl Known {
    /// The kind of its values in events of the type; `None` when it is dynamic there.
    pub(super) fn kind_in(&self, log_type: LogType) -> Option<FieldKind> {
        self.kind.filter(|_| self.log_types & log_type_bit(log_type) != 0)
    }
}

const fn log_type_bit(log_type: LogType) -> u8 {
    1 << log_type as u8
}

/// What is known of the field with this sent name; objects above it come before, with dots.
pub(super) fn known(path: &str) -> Option<&'static Known> {
    TABLE.get(path)
}

/// The bit of a field by its canonical name; 0 when it is not known.
pub(super) fn bit(canonical: &str) -> u128 {
    TABLE.get(canonical).map_or(0, |known| known.bit)
}

static TABLE: LazyLock<HashMap<&'static str, Known, FixedState>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Known, FixedState> = HashMap::default();
    let own = LogType::ALL.into_iter().flat_map(mapping::own_fields).map(|def| def.name);
    let names = mapping::common_fields().iter().map(|def| def.name).chain(own);
    let names = names.chain(FIELD_ALIASES.iter().map(|(canonical, _)| *canonical));
    let names = names.chain(RULES.iter().flat_map(|rule| rule.signs.iter().copied().flatten().copied()));
    for name in names {
        let next_bit = 1_u128.checked_shl(table.len() as u32).unwrap_or(0);
        table.entry(name).or_insert_with(|| describe(name, next_bit));
    }
    for (canonical, aliases) in FIELD_ALIASES {
        let known = table[canonical];
        table.extend(aliases.iter().map(|alias| (*alias, known)));
    }
    table
});

fn describe(canonical: &'static str, bit: u128) -> Known {
    let in_type = |log_type: LogType| mapping::kind_in(log_type, canonical);
    Known {
        canonical,
        bit,
        kind: LogType::ALL.into_iter().find_map(in_type),
        log_types: LogType::ALL.into_iter().filter(|log_type| in_type(*log_type).is_some()).map(log_type_bit).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_mapping() {
        for (name, known) in TABLE.iter() {
            assert_eq!(mapping::canonical(name), known.canonical);
            for log_type in LogType::ALL {
                assert_eq!(known.kind_in(log_type), mapping::kind_in(log_type, known.canonical), "{name}");
            }
        }
    }

    #[test]
    fn every_field_has_a_bit_of_its_own() {
        let mut bits: Vec<u128> =
            TABLE.iter().filter(|(name, known)| **name == known.canonical).map(|(_, known)| known.bit).collect();
        let count = bits.len();
        bits.sort_unstable();
        bits.dedup();
        assert_eq!(bits.len(), count);
        assert!(bits.iter().all(|bit| bit.count_ones() == 1));
    }
}
