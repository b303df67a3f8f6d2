//! Addresses of version 4 lie in a part as numbers, in a column beside the one of what else the field holds: four bytes instead of
//! up to fifteen, compared without being read as text. Everywhere else both are one column of strings.
//!
//! A column is taken for one of addresses by what its first pages hold, not by its name, and only if it has no dictionary:
//! codes of few addresses are smaller still. Only texts that a number gives back exactly are numbers.

use std::net::Ipv4Addr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, StringBuilder, UInt32Array, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

/// Bytes that a text of an address takes once it is decoded, about, its place included.
pub const TEXT_BYTES: usize = 20;
/// What the name of the column of numbers ends with; no field's name has the sign.
const NUMBERS_SUFFIX: &str = "#v4";
/// Bytes of an address as text at most.
const ADDRESS_BYTES_MAX: usize = "255.255.255.255".len();
/// So many of a hundred values must be addresses.
const PERCENT_MIN: usize = 50;

fn numbers_name(column: &str) -> String {
    format!("{column}{NUMBERS_SUFFIX}")
}

/// The name under which everybody else knows a column of a part.
pub fn shown_name(column: &str) -> &str {
    column.strip_suffix(NUMBERS_SUFFIX).unwrap_or(column)
}

/// Whether a column of this type holds addresses: no other column of a part has it.
pub const fn is_of_addresses(data_type: &DataType) -> bool {
    matches!(data_type, DataType::UInt32)
}

/// The number that is this text when it is written as `AddressText` does; `None` for other texts.
pub fn number_of(text: &str) -> Option<u32> {
    let (mut number, mut octet, mut digits, mut dots) = (0_u32, 0_u32, 0_u32, 0_u32);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits == 0 || octet > 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                number = number << 8 | octet;
                (octet, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0).then_some(number << 8 | octet)
}

/// An address as text.
#[derive(Clone, Copy)]
pub struct AddressText {
    bytes: [u8; ADDRESS_BYTES_MAX],
    length: usize,
}

impl AddressText {
    /// Of the number.
    pub fn new(number: u32) -> Self {
        let mut text = Self { bytes: [0; ADDRESS_BYTES_MAX], length: 0 };
        for (place, octet) in Ipv4Addr::from(number).octets().into_iter().enumerate() {
            if place > 0 {
                text.push(b'.');
            }
            if octet >= 100 {
                text.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                text.push(b'0' + octet / 10 % 10);
            }
            text.push(b'0' + octet % 10);
        }
        text
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// It.
    pub fn as_str(&self) -> &str {
        // Digits and dots always are.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Whether the strings of these pages are taken for addresses.
pub fn are_addresses(pages: &[ArrayRef]) -> bool {
    let (mut values, mut addresses) = (0, 0);
    for text in pages.iter().filter_map(|page| page.as_string_opt::<i32>()).flat_map(StringArray::iter).flatten() {
        values += 1;
        addresses += usize::from(number_of(text).is_some());
    }
    values > 0 && addresses * 100 >= values * PERCENT_MIN
}

/// The column of numbers beside such a column.
pub fn numbers_field(field: &Field) -> FieldRef {
    Arc::new(Field::new(numbers_name(field.name()), DataType::UInt32, true))
}

/// What is no address, and the numbers of those that are.
pub fn split(texts: &StringArray) -> [ArrayRef; 2] {
    let mut numbers = UInt32Builder::with_capacity(texts.len());
    let mut others = StringBuilder::new();
    for text in texts {
        let number = text.and_then(number_of);
        numbers.append_option(number);
        others.append_option(text.filter(|_| number.is_none()));
    }
    [Arc::new(others.finish()), Arc::new(numbers.finish())]
}

fn joined(others: &StringArray, numbers: &UInt32Array) -> StringArray {
    let mut texts = StringBuilder::with_capacity(numbers.len(), numbers.len() * ADDRESS_BYTES_MAX);
    for row in 0..numbers.len() {
        if numbers.is_valid(row) {
            texts.append_value(AddressText::new(numbers.value(row)).as_str());
        } else {
            texts.append_option(others.is_valid(row).then(|| others.value(row)));
        }
    }
    texts.finish()
}

/// The schema as everybody else sees it: one column of strings in the place of both.
pub fn joined_schema(stored: &SchemaRef) -> SchemaRef {
    if !stored.fields().iter().any(|field| is_of_addresses(field.data_type())) {
        return stored.clone();
    }
    let shown = stored.fields().iter().filter(|field| !is_of_addresses(field.data_type())).cloned();
    Arc::new(Schema::new_with_metadata(shown.collect::<Vec<_>>(), stored.metadata().clone()))
}

/// The batch with one column of strings in the place of both.
///
/// # Errors
/// Never in practice: what Arrow answers to columns of different lengths.
pub fn in_texts(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = joined_schema(batch.schema_ref());
    if Arc::ptr_eq(&schema, batch.schema_ref()) {
        return Ok(batch);
    }
    let column = |field: &FieldRef| -> Result<ArrayRef, ArrowError> {
        let column = batch.column(batch.schema_ref().index_of(field.name())?);
        let numbers = batch.column_by_name(&numbers_name(field.name())).and_then(|numbers| numbers.as_primitive_opt());
        Ok(match column.as_string_opt().zip(numbers) {
            Some((others, numbers)) => Arc::new(joined(others, numbers)),
            None => column.clone(),
        })
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_texts_that_come_back_are_numbers() {
        let check = |text: &str, expected: Option<u32>| {
            assert_eq!(number_of(text), expected, "{text}");
            if let Some(number) = expected {
                assert_eq!(AddressText::new(number).as_str(), text);
            }
        };
        check("0.0.0.0", Some(0));
        check("255.255.255.255", Some(u32::MAX));
        check("99.58.229.122", Some(0x633a_e57a));
        check("10.0.100.9", Some(0x0a00_6409));
        for text in [
            "",
            ".",
            "1.2.3",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "1.2.3.4.",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.00",
            "1.2.3.256",
            "1.2.3.4 ",
            "1.2.3.-4",
            "1.2.3.4444444444",
            "::1",
            "::ffff:1.2.3.4",
            "é.1.2.3",
            "-",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn half_of_the_values_decide() {
        let page = |texts: &[Option<&str>]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
        assert!(are_addresses(&[page(&[Some("1.2.3.4"), None]), page(&[Some("::1")])]));
        assert!(!are_addresses(&[page(&[Some("1.2.3.4"), Some("a"), Some("b")])]));
        assert!(!are_addresses(&[page(&[None])]));
        assert!(!are_addresses(&[]));
    }

    proptest! {
        #[test]
        fn every_number_comes_back(number in any::<u32>()) {
            let text = AddressText::new(number);
            prop_assert_eq!(text.as_str(), Ipv4Addr::from(number).to_string());
            prop_assert_eq!(number_of(text.as_str()), Some(number));
        }

        #[test]
        fn what_std_reads_is_a_number_and_nothing_else_is(text in "[0-9]{0,3}(\\.[0-9]{0,3}){2,4}") {
            prop_assert_eq!(number_of(&text), text.parse::<Ipv4Addr>().ok().map(u32::from));
        }

        #[test]
        fn columns_that_were_split_come_back(
            texts in proptest::collection::vec(proptest::option::of("([0-9]{1,3}\\.){3}[0-9]{1,2}|[a-f0-9:]{1,9}"), 0..40),
        ) {
            let texts = StringArray::from(texts);
            let [others, numbers] = split(&texts);
            let field = |name: &str| Arc::new(Field::new(name, DataType::Utf8, true));
            let stored: SchemaRef = Arc::new(Schema::new(vec![field("ip"), numbers_field(&field("ip")), field("n")]));
            let batch = RecordBatch::try_new(stored.clone(), vec![others, numbers, Arc::new(texts.clone())]).unwrap();
            let batch = in_texts(batch).unwrap();
            prop_assert_eq!(batch.schema_ref(), &joined_schema(&stored));
            prop_assert_eq!(batch.num_columns(), 2);
            prop_assert_eq!(batch.column(0).as_string::<i32>(), &texts);
        }
    }
}
