//! Visits the values of a question's field in selected rows: as keys, as numbers, as sums.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::Scalar;

use super::collect::Selected;
use super::field_values::FieldValues;
use super::keys::KeySpace;
use super::partial::{StatsState, WeightedState};
use super::question::Question;
use super::short_texts::{ShortCounts, ShortText};
use crate::chunk::Chunk;

/// The slot of that place, made if it is not there.
pub fn slot<T: Default>(slots: &mut Vec<T>, place: u32) -> &mut T {
    if slots.len() <= place as usize {
        slots.resize_with(place as usize + 1, T::default);
    }
    &mut slots[place as usize]
}

/// Counts the strings of the selected rows, all of one parent, where they lie in a column of nothing else without a dictionary;
/// answers whether they do. `visit` gets those that are not short.
pub fn count_texts(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    short: &mut ShortCounts,
    visit: &mut dyn FnMut(&str),
) -> bool {
    let values = question.field.as_ref().map(|field| FieldValues::new(chunk, field));
    let Some(texts) = values.and_then(|values| values.as_column()?.as_string_opt::<i32>()) else { return false };
    for row in selected.rows.iter().map(|row| *row as usize).filter(|row| texts.is_valid(*row)) {
        let text = texts.value(row);
        match ShortText::new(text) {
            Some(text) => short.add(text, 1),
            None => visit(text),
        }
    }
    true
}

/// Calls `visit` with row, parent and key of each distinct value of each row.
pub fn for_each_key(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    keys: &mut KeySpace,
    visit: &mut dyn FnMut(u32, u32, u32),
) {
    let Some(field) = &question.field else { return };
    let values = FieldValues::new(chunk, field);
    if values.is_empty() {
        return;
    }
    if let Some(codes) = values.as_codes() {
        let first = keys.dictionary(codes.values());
        let has_nulls = codes.null_count() > 0;
        let codes = codes.keys();
        for (row, parent) in selected.pairs() {
            if !has_nulls || codes.is_valid(row as usize) {
                visit(row, parent, first + codes.value(row as usize) as u32);
            }
        }
        return;
    }
    if field == pseudo_fields::LOG_TYPE {
        let key = keys.text(chunk.log_type.as_str());
        selected.pairs().for_each(|(row, parent)| visit(row, parent, key));
        return;
    }
    if let Some(texts) = values.as_column().and_then(|column| column.as_string_opt::<i32>()) {
        let valid = selected.pairs().filter(|(row, _)| texts.is_valid(*row as usize));
        valid.for_each(|(row, parent)| visit(row, parent, keys.text(texts.value(row as usize))));
        return;
    }
    let mut seen = Vec::new();
    for (row, parent) in selected.pairs() {
        seen.clear();
        values.for_each(row as usize, &mut |scalar| {
            let key = keys.scalar(scalar);
            if !seen.contains(&key) {
                seen.push(key);
                visit(row, parent, key);
            }
        });
    }
}

/// Adds the numbers of the field to the sums of each row's parent; decimals exactly.
pub fn add_stats(question: &Question, chunk: &Chunk, selected: &Selected, states: &mut Vec<StatsState>) {
    let Some(field) = &question.field else { return };
    let values = FieldValues::new(chunk, field);
    let decimals = chunk.column(field).filter(|column| matches!(column.data_type(), DataType::Decimal128(..)));
    let decimals = decimals.map(AsArray::as_primitive::<Decimal128Type>);
    if let (Some(decimals), Some(_)) = (decimals, values.as_column()) {
        for (row, parent) in selected.pairs().filter(|(row, _)| decimals.is_valid(*row as usize)) {
            slot(states, parent).add_decimal(decimals.value(row as usize));
        }
        return;
    }
    if values.as_column().is_some() {
        for_each_number(question, chunk, selected, &mut |_, parent, number| slot(states, parent).add(number));
        return;
    }
    for (row, parent) in selected.pairs() {
        let mut decimal =
            decimals.filter(|column| column.is_valid(row as usize)).map(|column| column.value(row as usize));
        values.for_each(row as usize, &mut |scalar| match (decimal.take(), number_of(scalar)) {
            (Some(scaled), _) => slot(states, parent).add_decimal(scaled),
            (None, Some(number)) => slot(states, parent).add(number),
            (None, None) => {}
        });
    }
}

/// Calls `visit` with row, parent and number of each numeric value of each row.
pub fn for_each_number(question: &Question, chunk: &Chunk, selected: &Selected, visit: &mut dyn FnMut(u32, u32, f64)) {
    let Some(field) = &question.field else { return };
    let values = FieldValues::new(chunk, field);
    match values.as_column().map(|column| (column, column.data_type())) {
        Some((column, DataType::Float64)) => {
            let column = column.as_primitive::<Float64Type>();
            let valid = selected.pairs().filter(|(row, _)| column.is_valid(*row as usize));
            valid.for_each(|(row, parent)| visit(row, parent, column.value(row as usize)));
        }
        Some((column, DataType::Int64)) => {
            let column = column.as_primitive::<Int64Type>();
            let valid = selected.pairs().filter(|(row, _)| column.is_valid(*row as usize));
            valid.for_each(|(row, parent)| visit(row, parent, column.value(row as usize) as f64));
        }
        _ => {
            for (row, parent) in selected.pairs() {
                values.for_each(row as usize, &mut |scalar| {
                    if let Some(number) = number_of(scalar) {
                        visit(row, parent, number);
                    }
                });
            }
        }
    }
}

/// Adds the numbers of the field, as often as the row's only weight says, to the sums of each row's parent.
pub fn add_weighted(question: &Question, chunk: &Chunk, selected: &Selected, states: &mut Vec<WeightedState>) {
    let (Some(field), Some(weight)) = (&question.field, &question.weight) else { return };
    let (values, weights) = (FieldValues::new(chunk, field), FieldValues::new(chunk, weight));
    for (row, parent) in selected.pairs() {
        let mut weight = Vec::new();
        weights.for_each(row as usize, &mut |scalar| weight.extend(number_of(scalar)));
        let [weight] = weight[..] else { continue };
        values.for_each(row as usize, &mut |scalar| {
            if let Some(number) = number_of(scalar) {
                slot(states, parent).add(number, weight);
            }
        });
    }
}

fn number_of(scalar: Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Int(number) => Some(number as f64),
        Scalar::Float(number) => Some(number),
        Scalar::BigNumber(literal) => literal.parse().ok(),
        Scalar::Bool(_) | Scalar::Text(_) | Scalar::Instant(_) => None,
    }
}
