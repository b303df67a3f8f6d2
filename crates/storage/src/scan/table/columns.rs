//! The columns of events seen as a table: one per field, of one type in every row.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, TimeUnit};
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::{LogType, Scope};

use crate::chunk::column_names;
use crate::chunk::physical::{DECIMAL_PRECISION, DECIMAL_SCALE, canonical_of, kind_of_type};
use crate::error::StorageError;
use crate::scan::{Run, Unit};

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Canonical name of the field.
    pub field: String,
    /// What its values are; addresses and texts are keywords here.
    pub kind: FieldKind,
}

impl TableColumn {
    /// The type in memory: `Utf8View`, `Int64`, `Float64`, `Decimal128(18, 4)`, `Boolean` or `Timestamp(ns, UTC)`.
    pub fn data_type(&self) -> DataType {
        match self.kind {
            FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => DataType::Utf8View,
            FieldKind::Int => DataType::Int64,
            FieldKind::Float => DataType::Float64,
            FieldKind::Decimal => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            FieldKind::Bool => DataType::Boolean,
            FieldKind::Instant => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        }
    }

    fn new(field: &str, kind: FieldKind) -> Self {
        Self { field: field.to_owned(), kind }
    }
}

/// Kinds met in columns of one field.
#[derive(Clone, Copy, Default)]
struct Met {
    int: bool,
    decimal: bool,
    float: bool,
    others: Option<FieldKind>,
    is_mixed: bool,
}

impl Met {
    fn add(&mut self, kind: FieldKind) {
        match kind {
            FieldKind::Int => self.int = true,
            FieldKind::Decimal => self.decimal = true,
            FieldKind::Float => self.float = true,
            _ => {
                self.is_mixed |= self.others.is_some_and(|other| other != kind);
                self.others = Some(kind);
            }
        }
    }

    /// The kind that holds every number that was met, if one was.
    const fn number(self) -> Option<FieldKind> {
        match self {
            Self { float: true, .. } => Some(FieldKind::Float),
            Self { decimal: true, .. } => Some(FieldKind::Decimal),
            Self { int: true, .. } => Some(FieldKind::Int),
            _ => None,
        }
    }

    /// The kind of the table's column: that of the mapping, wide enough for the numbers met; of dynamic fields, strings
    /// when there is anything else beside numbers.
    fn kind(self, mapped: Option<FieldKind>) -> FieldKind {
        match mapped {
            Some(FieldKind::Keyword | FieldKind::Text | FieldKind::Ip) => FieldKind::Keyword,
            Some(kind @ (FieldKind::Bool | FieldKind::Instant)) => kind,
            Some(FieldKind::Int) => self.number().unwrap_or(FieldKind::Int),
            Some(FieldKind::Decimal) if self.float => FieldKind::Float,
            Some(kind @ (FieldKind::Decimal | FieldKind::Float)) => kind,
            None => match (self.others, self.number()) {
                (None, Some(number)) => number,
                (Some(other), None) if !self.is_mixed => other,
                _ => FieldKind::Keyword,
            },
        }
    }
}

/// The columns of events of these log types: those every event has, then the others by name. Fields that the mapping
/// knows are there before any event has them.
///
/// # Errors
/// When a part cannot be read.
pub fn columns(
    run: &Run,
    units: &[Unit],
    log_types: &[LogType],
    scope: &Scope,
) -> Result<Vec<TableColumn>, StorageError> {
    let mut fields: BTreeMap<String, Met> = BTreeMap::new();
    let known = log_types.iter().flat_map(|log_type| mapping::own_fields(*log_type)).chain(mapping::common_fields());
    fields.extend(known.map(|def| (def.name.to_owned(), Met::default())));
    for unit in units.iter().filter(|unit| log_types.contains(&unit.log_type())) {
        run.check()?;
        for column in unit.schema()?.fields().iter().filter(|column| !column_names::is_own(column.name())) {
            let name = canonical_of(column.name());
            match fields.get_mut(name) {
                Some(met) => met.add(kind_of_type(column.data_type())),
                None => {
                    let mut met = Met::default();
                    met.add(kind_of_type(column.data_type()));
                    fields.insert(name.to_owned(), met);
                }
            }
        }
        // What lies there only are lists and what exceeded bounds.
        unit.overflow_fields()?.names().for_each(|name| {
            if !fields.contains_key(name) {
                fields.insert(name.to_owned(), Met { others: Some(FieldKind::Keyword), ..Met::default() });
            }
        });
    }
    let own = [
        (pseudo_fields::TIMESTAMP, FieldKind::Instant),
        (pseudo_fields::LOG_TYPE, FieldKind::Keyword),
        (pseudo_fields::ID, FieldKind::Keyword),
        (pseudo_fields::INGESTED_AT, FieldKind::Instant),
    ];
    let own = own.map(|(name, kind)| TableColumn::new(name, kind));
    let others = fields.iter().filter(|(name, _)| !pseudo_fields::is_pseudo(name));
    let others = others.map(|(name, met)| TableColumn::new(name, met.kind(mapping::kind_of(name))));
    Ok(own.into_iter().chain(others).filter(|column| !scope.hides(&column.field)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(mapped: Option<FieldKind>, met: &[FieldKind]) -> FieldKind {
        let mut all = Met::default();
        met.iter().for_each(|kind| all.add(*kind));
        all.kind(mapped)
    }

    #[test]
    fn a_column_holds_every_number_that_was_met() {
        use FieldKind::{Bool, Decimal, Float, Int, Keyword, Text};
        assert_eq!(kind(Some(Decimal), &[]), Decimal);
        assert_eq!(kind(Some(Decimal), &[Int, Keyword]), Decimal, "a string among amounts changes no type");
        assert_eq!(kind(Some(Decimal), &[Float]), Float);
        assert_eq!(kind(Some(Int), &[Int, Float]), Float);
        assert_eq!(kind(Some(Text), &[Int]), Keyword);
        assert_eq!(kind(None, &[Int, Float]), Float);
        assert_eq!(kind(None, &[Int, Keyword]), Keyword);
        assert_eq!(kind(None, &[Bool]), Bool);
        assert_eq!(kind(None, &[Bool, Keyword]), Keyword);
    }
}
