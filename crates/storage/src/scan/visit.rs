//! Visits the values of a question's field in selected rows: as keys, as numbers, as sums.

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::Scalar;

use super::collect::Selected;
use super::field_values::FieldValues;
use super::keys::KeySpace;
use super::partial::{StatsState, WeightedState};
use super::question::Question;
use super::short_texts::ShortCounts;
use crate::chunk::Chunk;
use crate::chunk::column::decimal_to_f64;

/// The slot of that place, made if it is not there.
pub fn slot<T: Default>(slots: &mut Vec<T>, place: u32) -> &mut T {
    if slots.len() <= place as usize {
        slots.resize_with(place as usize + 1, T::default);
    }
    &mut slots[place as usize]
}

/// The strings of the question's field, if they lie in a column of nothing else without a dictionary.
pub fn plain_texts<'a>(question: &'a Question, chunk: &'a Chunk) -> Option<&'a StringArray> {
    FieldValues::asked(chunk, question.field()?).as_column()?.as_string_opt()
}

/// Counts such strings of the selected rows, all of one parent; `visit` gets those that are not short.
pub fn count_texts(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    short: &mut ShortCounts,
    visit: &mut dyn FnMut(&str),
) {
    let Some(texts) = plain_texts(question, chunk) else { return };
    for row in selected.rows.iter().map(|row| *row as usize).filter(|row| texts.is_valid(*row)) {
        let text = texts.value(row);
        if !short.add(text, 1) {
            visit(text);
        }
    }
}

/// Calls `visit` with row, parent and key of each distinct value of each row.
pub fn for_each_key(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    keys: &mut KeySpace,
    visit: &mut dyn FnMut(u32, u32, u32),
) {
    let Some(field) = question.field() else { return };
    let values = FieldValues::asked(chunk, field);
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
    if field.name.as_deref() == Some(pseudo_fields::LOG_TYPE) {
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
    let Some(field) = question.field() else { return };
    let values = FieldValues::asked(chunk, field);
    let decimals = field
        .name
        .as_ref()
        .and_then(|name| chunk.column(name))
        .filter(|column| matches!(column.data_type(), DataType::Decimal128(..)));
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

/// Calls `visit` with row, parent and each value of each row, and whether it is the row's first.
pub fn for_each_scalar(
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    visit: &mut dyn FnMut(u32, u32, Scalar<'_>, bool),
) {
    let Some(field) = question.field() else { return };
    let values = FieldValues::asked(chunk, field);
    if values.is_empty() {
        return;
    }
    for (row, parent) in selected.pairs() {
        let mut is_first = true;
        values.for_each(row as usize, &mut |scalar| {
            visit(row, parent, scalar, is_first);
            is_first = false;
        });
    }
}

/// Calls `visit` with row, parent and number of each numeric value of each row.
pub fn for_each_number(question: &Question, chunk: &Chunk, selected: &Selected, visit: &mut dyn FnMut(u32, u32, f64)) {
    let Some(field) = question.field() else { return };
    let values = FieldValues::asked(chunk, field);
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
        Some((column, DataType::Decimal128(..))) => {
            let column = column.as_primitive::<Decimal128Type>();
            let valid = selected.pairs().filter(|(row, _)| column.is_valid(*row as usize));
            valid.for_each(|(row, parent)| visit(row, parent, decimal_to_f64(column.value(row as usize))));
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
    let [field, weight] = question.fields.as_slice() else { return };
    let (values, weights) = (FieldValues::asked(chunk, field), FieldValues::asked(chunk, weight));
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
