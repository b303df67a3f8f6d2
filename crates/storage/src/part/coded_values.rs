//! What codes stand for: strings or numbers, which the page of a dictionary lists.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::column::page::Page;
use parquet::errors::Result;

use super::codes::damaged;
use super::dictionary::all_strings;

/// Bytes of a number of a dictionary.
const NUMBER_BYTES: usize = size_of::<i64>();

/// What a dictionary holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodedValues {
    /// Strings, whose codes are handed on.
    Strings,
    /// Numbers, which are handed on themselves.
    Integers,
    /// The same.
    Floats,
}

impl CodedValues {
    /// Those of a column that is read as this type; `None` when it is read without codes.
    pub(super) const fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Dictionary(..) => Some(Self::Strings),
            DataType::Int64 => Some(Self::Integers),
            DataType::Float64 => Some(Self::Floats),
            _ => None,
        }
    }

    /// Those of the page of a dictionary, which a column without a value lacks.
    ///
    /// # Errors
    /// When they are damaged.
    pub(super) fn of_page(self, page: Option<Page>) -> Result<ArrayRef> {
        let (buf, num_values) = match page {
            Some(Page::DictionaryPage { buf, num_values, .. }) => (buf, num_values),
            Some(_) => return Err(damaged("its dictionary is missing")),
            None => (Bytes::new(), 0),
        };
        let count = num_values as usize;
        Ok(match self {
            Self::Strings => Arc::new(all_strings(&buf, count)?),
            Self::Integers => Arc::new(Int64Array::from(numbers_of(&buf, count, i64::from_le_bytes)?)),
            Self::Floats => Arc::new(Float64Array::from(numbers_of(&buf, count, f64::from_le_bytes)?)),
        })
    }
}

fn numbers_of<T>(plain: &[u8], count: usize, number: impl Fn([u8; NUMBER_BYTES]) -> T) -> Result<Vec<T>> {
    let (numbers, rest) = plain.as_chunks::<NUMBER_BYTES>();
    if numbers.len() != count || !rest.is_empty() {
        return Err(damaged("its dictionary is cut off"));
    }
    Ok(numbers.iter().map(|bytes| number(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use parquet::basic::Encoding;

    use super::*;

    #[test]
    fn a_dictionary_that_is_cut_off_is_told() {
        for values in [CodedValues::Strings, CodedValues::Integers, CodedValues::Floats] {
            let cut = Page::DictionaryPage {
                buf: Bytes::from_static(&[9, 0, 0, 0, b'a']),
                num_values: 1,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            assert!(values.of_page(Some(cut)).unwrap_err().to_string().contains("cut off"));
        }
    }
}
