//! Which rows of a chunk match: the query tree evaluated column by column.
//!
//! A predicate is decided once per distinct string of a dictionary and once per value otherwise, by the same
//! `Matcher` that decides single events.

use arrow::array::{Array, AsArray};
use arrow::buffer::{BooleanBuffer, MutableBuffer};
use arrow::datatypes::{DataType, Int32Type};
use vigie_domain::TimeRange;
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::{FieldMatcher, Matcher, Scalar, TextMatcher};

use super::field_values::{FieldValues, for_each_overflowed};
use super::{ColumnNeeds, is_covered};
use crate::chunk::column::scalar_at;
use crate::chunk::physical::canonical_of;
use crate::chunk::{Chunk, column_names};

/// The query and the range that rows must match.
pub struct Filter {
    /// The query, made ready.
    pub matcher: Matcher,
    /// Of the events' own time.
    pub range: TimeRange,
}

impl Filter {
    /// Whether every event between these times matches, whatever it holds.
    pub fn takes_all(&self, span: (vigie_domain::Timestamp, vigie_domain::Timestamp)) -> bool {
        matches!(self.matcher, Matcher::All) && is_covered(self.range, span)
    }

    /// Adds the columns that deciding needs.
    pub fn add_needs(&self, needs: &mut ColumnNeeds<'_>) {
        add_needs(&self.matcher, needs);
    }

    /// The rows that match.
    pub fn rows(&self, chunk: &Chunk) -> BooleanBuffer {
        let timestamps = chunk.timestamps();
        let (from, to) = (self.range.from.as_nanos(), self.range.to.as_nanos());
        let in_range =
            BooleanBuffer::collect_bool(timestamps.len(), |row| from <= timestamps[row] && timestamps[row] < to);
        if in_range.count_set_bits() == 0 {
            return in_range;
        }
        &in_range & &evaluate(&self.matcher, chunk)
    }
}

/// Adds the columns that a query needs.
pub fn add_needs(matcher: &Matcher, needs: &mut ColumnNeeds<'_>) {
    match matcher {
        Matcher::All | Matcher::Nothing => {}
        Matcher::And(parts) | Matcher::Or(parts) => parts.iter().for_each(|part| add_needs(part, needs)),
        Matcher::Not(part) => add_needs(part, needs),
        Matcher::Field(field) => add_field_needs(field.field(), &|name| field.covers(name), needs),
        Matcher::FreeText(text) => needs.add_fields(&|name| text.covers(name)),
    }
}

/// Adds the columns of a field, pseudo fields included.
pub fn add_field_needs(field: &str, covers: &dyn Fn(&str) -> bool, needs: &mut ColumnNeeds<'_>) {
    match field {
        pseudo_fields::ID => needs.add_own(column_names::ID),
        pseudo_fields::INGESTED_AT => needs.add_own(column_names::INGESTED_AT),
        pseudo_fields::TIMESTAMP | pseudo_fields::LOG_TYPE => {}
        _ => needs.add_fields(covers),
    }
}

/// The rows that match a query.
pub fn evaluate(matcher: &Matcher, chunk: &Chunk) -> BooleanBuffer {
    match matcher {
        Matcher::All => BooleanBuffer::new_set(chunk.rows()),
        Matcher::Nothing => BooleanBuffer::new_unset(chunk.rows()),
        Matcher::Not(part) => !&evaluate(part, chunk),
        Matcher::Or(parts) => {
            parts.iter().fold(BooleanBuffer::new_unset(chunk.rows()), |rows, part| &rows | &evaluate(part, chunk))
        }
        Matcher::And(parts) => {
            let mut rows = BooleanBuffer::new_set(chunk.rows());
            for part in parts {
                rows = &rows & &evaluate(part, chunk);
                if rows.count_set_bits() == 0 {
                    break;
                }
            }
            rows
        }
        Matcher::Field(field) => evaluate_field(field, chunk),
        Matcher::FreeText(text) => evaluate_text(text, chunk),
    }
}

fn evaluate_field(matcher: &FieldMatcher, chunk: &Chunk) -> BooleanBuffer {
    if pseudo_fields::is_pseudo(matcher.field()) {
        let values = FieldValues::new(chunk, matcher.field());
        return BooleanBuffer::collect_bool(chunk.rows(), |row| {
            let mut is_match = false;
            values.for_each(row, &mut |scalar| is_match |= matcher.matches(scalar));
            is_match
        });
    }
    rows_with(chunk, &|field| matcher.covers(field), &|scalar| matcher.matches(scalar))
}

fn evaluate_text(matcher: &TextMatcher, chunk: &Chunk) -> BooleanBuffer {
    rows_with(chunk, &|field| matcher.covers(field), &|scalar| match scalar {
        Scalar::Text(text) => matcher.matches(text),
        _ => false,
    })
}

/// Rows in which any value of a covered field passes.
fn rows_with(chunk: &Chunk, covers: &dyn Fn(&str) -> bool, passes: &dyn Fn(Scalar<'_>) -> bool) -> BooleanBuffer {
    let mut rows = BooleanBuffer::new_unset(chunk.rows());
    for (field, column) in chunk.batch.schema_ref().fields().iter().zip(chunk.batch.columns()) {
        if !column_names::is_own(field.name()) && covers(canonical_of(field.name())) {
            rows = &rows | &column_rows(column.as_ref(), passes);
        }
    }
    if chunk.overflow_fields.iter().any(|field| covers(field)) {
        let mut matched = MutableBuffer::new_null(chunk.rows());
        for_each_overflowed(chunk, &mut |row, canonical, value| {
            if covers(canonical) && Scalar::from_value(value).is_some_and(passes) {
                arrow::util::bit_util::set_bit(matched.as_slice_mut(), row);
            }
        });
        rows = &rows | &BooleanBuffer::new(matched.into(), 0, chunk.rows());
    }
    rows
}

fn column_rows(column: &dyn Array, passes: &dyn Fn(Scalar<'_>) -> bool) -> BooleanBuffer {
    if !matches!(column.data_type(), DataType::Dictionary(..)) {
        return BooleanBuffer::collect_bool(column.len(), |row| scalar_at(column, row).is_some_and(passes));
    }
    let dictionary = column.as_dictionary::<Int32Type>();
    let values = dictionary.values().as_string::<i32>();
    let passing: Vec<bool> = (0..values.len()).map(|code| passes(Scalar::Text(values.value(code)))).collect();
    if !passing.contains(&true) {
        return BooleanBuffer::new_unset(column.len());
    }
    let codes = dictionary.keys();
    BooleanBuffer::collect_bool(column.len(), |row| codes.is_valid(row) && passing[codes.value(row) as usize])
}
