//! Which fields may have values in the overflow column of a chunk or a part. It may name one that has none there, and
//! never misses one that has.
//!
//! Names are bounded: when there are too many, fields without a column are no longer named and any of them may be there.
//! Those that have columns, or a mapping, are still named when they overflow, so that questions about them read no more.

use std::collections::BTreeSet;

use arrow::datatypes::Schema;
use vigie_domain::mapping;

use super::column_names;
use super::physical::canonical_of;

/// Fields without a column that are named.
const NAMES_MAX: usize = 1_000;

/// Fields with values in the overflow column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverflowFields {
    names: BTreeSet<String>,
    /// Whether fields that have neither a mapping nor a column may be there unnamed.
    is_open: bool,
}

impl OverflowFields {
    /// Adds a field; `has_columns` says whether others of its values may lie in columns.
    pub fn insert(&mut self, field: &str, has_columns: impl FnOnce() -> bool) {
        if self.names.contains(field) {
            return;
        }
        if self.names.len() < NAMES_MAX || has_columns() {
            self.names.insert(field.to_owned());
        } else {
            self.is_open = true;
        }
    }

    /// Notes that the field has a column from now on: it may have been passed over before.
    pub fn has_column_now(&mut self, field: &str) {
        if self.is_open {
            self.names.insert(field.to_owned());
        }
    }

    /// The fields that are named.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether a field that is meant may be there. `only` is the field if no other is meant; `schema` is that of the chunk
    /// or part.
    pub fn may_hold(&self, only: Option<&str>, is_meant: &dyn Fn(&str) -> bool, schema: &Schema) -> bool {
        if self.names.iter().any(|name| is_meant(name)) {
            return true;
        }
        self.is_open && only.is_none_or(|field| mapping::kind_of(field).is_none() && !has_column(schema, field))
    }

    /// Those of a part that is made of others, each with its schema.
    pub fn joined<'a>(all: &[(&'a Self, &'a Schema)]) -> Self {
        let mut joined = Self::default();
        let fields: BTreeSet<&str> = all.iter().flat_map(|(_, schema)| fields_of(schema)).collect();
        for (own, schema) in all {
            joined.names.extend(own.names.iter().cloned());
            if own.is_open {
                joined.is_open = true;
                let known: BTreeSet<&str> = fields_of(schema).collect();
                joined.names.extend(fields.difference(&known).map(|field| (*field).to_owned()));
            }
        }
        if joined.names.len() > NAMES_MAX {
            let count = joined.names.len();
            joined.names.retain(|name| fields.contains(name.as_str()) || mapping::kind_of(name).is_some());
            joined.is_open |= joined.names.len() < count;
        }
        joined
    }

    /// As JSON: the list of names, with a `null` at its end for those that are not named.
    pub fn to_json(&self) -> String {
        let open = self.is_open.then_some(serde_json::Value::Null);
        let names = self.names.iter().map(|name| name.as_str().into());
        serde_json::Value::Array(names.chain(open).collect()).to_string()
    }

    /// Reads what `to_json` wrote; `None` when it is something else.
    pub fn from_json(json: &str) -> Option<Self> {
        let listed: Vec<Option<String>> = serde_json::from_str(json).ok()?;
        let is_open = listed.iter().any(Option::is_none);
        Some(Self { names: listed.into_iter().flatten().collect(), is_open })
    }
}

fn fields_of(schema: &Schema) -> impl Iterator<Item = &str> {
    let names = schema.fields().iter().map(|field| field.name().as_str());
    names.filter(|name| !column_names::is_own(name)).map(canonical_of)
}

fn has_column(schema: &Schema, field: &str) -> bool {
    fields_of(schema).any(|name| name == field)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn schema(names: &[&str]) -> Schema {
        Schema::new(names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>())
    }

    /// With more fields than are named, and these that have columns.
    fn open(known: &[&str]) -> OverflowFields {
        let mut fields = OverflowFields::default();
        (0..=NAMES_MAX).for_each(|number| fields.insert(&format!("odd{number:04}"), || false));
        known.iter().for_each(|field| fields.insert(field, || true));
        assert!(fields.is_open);
        fields
    }

    fn may_hold(fields: &OverflowFields, field: &str, schema: &Schema) -> bool {
        fields.may_hold(Some(field), &|name| name == field, schema)
    }

    #[test]
    fn fields_that_are_not_named_may_be_there_unless_they_have_columns() {
        let (fields, schema) = (open(&["tags"]), schema(&["retries#int", "tags"]));
        let held = ["odd0001", "odd1000", "other", "tags", "retries", "service"].map(|field| {
            let is_held = may_hold(&fields, field, &schema);
            assert_eq!(OverflowFields::from_json(&fields.to_json()).as_ref(), Some(&fields));
            is_held
        });
        assert_eq!(held, [true, true, true, true, false, false]);
        assert!(fields.may_hold(None, &|_| false, &schema), "a pattern may mean what is not named");
        let mut closed = OverflowFields::default();
        closed.insert("a", || false);
        assert!(may_hold(&closed, "a", &schema) && !may_hold(&closed, "b", &schema));
        assert!(!closed.may_hold(None, &|_| false, &schema));
    }

    #[test]
    fn a_column_that_comes_later_may_have_been_passed_over() {
        let mut fields = open(&[]);
        fields.has_column_now("late");
        assert!(may_hold(&fields, "late", &schema(&["late"])));
        let (left, right) = (schema(&["a"]), schema(&["a", "late"]));
        let joined = OverflowFields::joined(&[(&open(&[]), &left), (&OverflowFields::default(), &right)]);
        assert!(may_hold(&joined, "late", &right), "the first part may hold it though it has no such column");
        assert!(!may_hold(&joined, "a", &right));
        assert!(may_hold(&joined, "odd0007", &right) && joined.names.len() <= NAMES_MAX);
    }

    #[test]
    fn other_json_is_refused() {
        ["", "{}", "[1]", "[\"a\"", "null"].iter().for_each(|json| assert_eq!(OverflowFields::from_json(json), None));
    }
}
