//! Combinations of values while rows are counted: each is a key, its values written as JSON, which tells any two apart.

use vigie_domain::Value;
use vigie_domain::aggregation::{self, TUPLES_PER_EVENT_MAX, Tuples};

use super::collect::Selected;
use super::field_values::FieldValues;
use super::question::Question;
use crate::chunk::Chunk;
use crate::error::StorageError;

/// Calls `visit` with row, parent and key of each combination of each row that is asked for.
///
/// # Errors
/// `TooManyTuples` when an event has more of them than may be.
pub fn for_each_tuple(
    tuples: &Tuples,
    question: &Question,
    chunk: &Chunk,
    selected: &Selected,
    visit: &mut dyn FnMut(u32, u32, &str),
) -> Result<(), StorageError> {
    let fields: Vec<FieldValues<'_>> = question.fields.iter().map(|field| FieldValues::asked(chunk, field)).collect();
    let mut lists = vec![Vec::new(); fields.len()];
    for (row, parent) in selected.pairs() {
        for ((key, field), list) in tuples.keys.iter().zip(&fields).zip(&mut lists) {
            list.clear();
            field.for_each(row as usize, &mut |scalar| key.add(scalar, list));
            key.complete(list);
        }
        let count = aggregation::tuple_count(&lists);
        if count > TUPLES_PER_EVENT_MAX {
            return Err(StorageError::TooManyTuples { count, name: question.asked.name.clone() });
        }
        aggregation::for_each_tuple(&lists, &mut |tuple| {
            if tuples.order.takes(tuple) {
                visit(row, parent, &text_of(tuple));
            }
        });
    }
    Ok(())
}

/// A combination as a key.
fn text_of(tuple: &[Value]) -> String {
    // Values are written without fail: every name is a string and every number finite.
    serde_json::to_string(tuple).unwrap_or_default()
}

/// The combination that a key stands for.
pub fn tuple_of(text: &str) -> Vec<Value> {
    match serde_json::from_str(text) {
        Ok(Value::List(tuple)) => tuple,
        Ok(_) | Err(_) => unreachable!("keys of combinations are lists that were written here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_for_their_combinations() {
        let numbers = [Value::Int(i64::MIN), Value::Float(0.1), Value::Float(1e300), Value::Float(-2.5e-7)];
        let others = [
            Value::Null,
            Value::Bool(true),
            Value::text("a\"\u{0}\n"),
            Value::BigNumber("18446744073709551615".into()),
        ];
        let tuple: Vec<Value> = numbers.into_iter().chain(others).collect();
        assert_eq!(tuple_of(&text_of(&tuple)), tuple);
    }
}
