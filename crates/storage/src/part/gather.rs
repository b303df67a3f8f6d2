//! Takes rows out of several batches, in a given order, into the arrays of one page: plain ones, or codes of one dictionary where
//! all batches have codes and the part will have a dictionary too.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int32Builder, RecordBatch, StringArray, StringBuilder,
    new_null_array,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type};
use arrow::error::ArrowError;
use foldhash::fast::RandomState;

/// A row: the number of its batch, and its own within that batch.
pub type Pick = (u32, u32);

/// Bytes for which a string of a page has room before the page takes more.
const TEXT_BYTES: usize = 16;

/// Whether a column of this type holds strings.
pub fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Dictionary(..))
}

/// The columns of all batches, each once, strings plain: what a part of their rows has.
pub fn joined_fields<'a>(batches: impl Iterator<Item = &'a RecordBatch>) -> Vec<FieldRef> {
    let mut seen = std::collections::HashSet::new();
    let mut fields: Vec<FieldRef> = Vec::new();
    for field in batches.flat_map(|batch| batch.schema_ref().fields()) {
        if seen.insert(field.name()) {
            let data_type = if is_text(field.data_type()) { &DataType::Utf8 } else { field.data_type() };
            fields.push(Arc::new(Field::new(field.name(), data_type.clone(), field.is_nullable())));
        }
    }
    fields
}

/// The rows of one column, null where their batch does not have it.
///
/// # Errors
/// What Arrow answers when columns of one name have types that differ.
pub fn gather(field: &Field, batches: &[RecordBatch], picks: &[Pick]) -> Result<ArrayRef, ArrowError> {
    let columns: Vec<Option<&ArrayRef>> = batches.iter().map(|batch| batch.column_by_name(field.name())).collect();
    if is_text(field.data_type()) {
        return Ok(Arc::new(gather_text(&columns, picks)));
    }
    let null = new_null_array(field.data_type(), 1);
    let arrays: Vec<&dyn Array> = columns.iter().map(|column| column.unwrap_or(&null).as_ref()).collect();
    let places: Vec<(usize, usize)> = picks
        .iter()
        .map(|(batch, row)| (*batch as usize, columns[*batch as usize].map_or(0, |_| *row as usize)))
        .collect();
    interleave(&arrays, &places)
}

/// A column of which every batch that has it has codes, as codes of one dictionary: no string is copied for a page.
pub struct JoinedCodes {
    values: ArrayRef,
    /// Of each batch with the column: its codes, and what each of them is in the one dictionary.
    batches: Vec<Option<(Int32Array, Vec<i32>)>>,
}

impl JoinedCodes {
    /// `None` when a batch has the strings themselves, or all of them have more than there are codes.
    pub fn new(field: &Field, batches: &[RecordBatch]) -> Option<Self> {
        let mut values = StringBuilder::new();
        let mut known: HashMap<&str, i32, RandomState> = HashMap::default();
        let mut joined = Vec::with_capacity(batches.len());
        for batch in batches {
            let Some(column) = batch.column_by_name(field.name()) else {
                joined.push(None);
                continue;
            };
            let dictionary = column.as_dictionary_opt::<Int32Type>()?;
            let texts = dictionary.values().as_string_opt::<i32>()?;
            let mut codes = Vec::with_capacity(texts.len());
            for text in (0..texts.len()).map(|place| texts.value(place)) {
                let next = i32::try_from(known.len()).ok()?;
                let code = *known.entry(text).or_insert(next);
                if code == next {
                    values.append_value(text);
                }
                codes.push(code);
            }
            joined.push(Some((dictionary.keys().clone(), codes)));
        }
        Some(Self { values: Arc::new(values.finish()), batches: joined })
    }

    /// The rows of the column, null where their batch does not have it.
    ///
    /// # Errors
    /// Never: every code is one of the dictionary.
    pub fn gather(&self, picks: &[Pick]) -> Result<ArrayRef, ArrowError> {
        let mut keys = Int32Builder::with_capacity(picks.len());
        for (batch, row) in picks {
            let place = *row as usize;
            let code = self.batches[*batch as usize].as_ref().filter(|(codes, _)| codes.is_valid(place));
            keys.append_option(code.map(|(codes, joined)| joined[codes.value(place) as usize]));
        }
        Ok(Arc::new(DictionaryArray::try_new(keys.finish(), self.values.clone())?))
    }
}

enum TextColumn<'a> {
    Missing,
    Plain(&'a StringArray),
    Coded(&'a arrow::array::PrimitiveArray<Int32Type>, &'a StringArray),
}

impl<'a> TextColumn<'a> {
    fn new(column: Option<&'a ArrayRef>) -> Self {
        match column {
            None => Self::Missing,
            Some(column) if column.data_type() == &DataType::Utf8 => Self::Plain(column.as_string()),
            Some(column) => {
                let dictionary = column.as_dictionary::<Int32Type>();
                Self::Coded(dictionary.keys(), dictionary.values().as_string())
            }
        }
    }

    fn value(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Missing => None,
            Self::Plain(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Coded(codes, values) => codes.is_valid(row).then(|| values.value(codes.value(row) as usize)),
        }
    }
}

fn gather_text(columns: &[Option<&ArrayRef>], picks: &[Pick]) -> StringArray {
    let columns: Vec<TextColumn<'_>> = columns.iter().map(|column| TextColumn::new(*column)).collect();
    if columns.iter().all(|column| matches!(column, TextColumn::Missing)) {
        return StringArray::new_null(picks.len());
    }
    let mut builder = StringBuilder::with_capacity(picks.len(), picks.len() * TEXT_BYTES);
    for (batch, row) in picks {
        builder.append_option(columns[*batch as usize].value(*row as usize));
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

    #[test]
    fn rows_of_batches_with_different_columns_are_joined() {
        let texts: DictionaryArray<Int32Type> = [Some("a"), None, Some("b")].into_iter().collect();
        let left = RecordBatch::try_from_iter([
            ("t", Arc::new(texts) as ArrayRef),
            ("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ]);
        let right = RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(vec!["c"])) as ArrayRef)]);
        let batches = [left.unwrap(), right.unwrap()];
        let fields = joined_fields(batches.iter());
        let picks = [(1, 0), (0, 2), (0, 1), (0, 0)];
        let texts = gather(&fields[0], &batches, &picks).unwrap();
        assert_eq!(texts.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("c"), Some("b"), None, Some("a")]);
        let numbers = gather(&fields[1], &batches, &picks).unwrap();
        let numbers = numbers.as_primitive::<arrow::datatypes::Int64Type>();
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [None, Some(3), Some(2), Some(1)]);
    }

    #[test]
    fn codes_of_batches_are_joined() {
        let batch = |texts: [Option<&str>; 3]| {
            let texts: DictionaryArray<Int32Type> = texts.into_iter().collect();
            RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).unwrap()
        };
        let other = || RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
        let batches = [batch([Some("a"), None, Some("b")]), batch([Some("c"), Some("b"), Some("c")]), other()];
        let field = joined_fields(batches.iter()).remove(0);
        let picks = [(1, 0), (0, 2), (2, 0), (0, 1), (1, 1), (0, 0)];
        let codes = JoinedCodes::new(&field, &batches).unwrap().gather(&picks).unwrap();
        assert_eq!(codes.as_dictionary::<Int32Type>().values().len(), 3);
        let texts = arrow::compute::cast(&codes, &DataType::Utf8).unwrap();
        assert_eq!(&texts, &gather(&field, &batches, &picks).unwrap());
        let plain = RecordBatch::try_from_iter([("t", Arc::new(StringArray::from(vec!["a"])) as ArrayRef)]).unwrap();
        assert!(JoinedCodes::new(&field, &[batches[0].clone(), plain]).is_none());
    }
}
