//! How each column of a part is encoded, decided by what it holds and not by its name.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int64Type};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::gather::is_text;
use super::index::PAGE_ROWS;
use crate::error::StorageError;

/// Bytes of a page at most, where rows are wide.
const PAGE_BYTES: usize = 64 * 1024;
/// A dictionary may grow to this size before a column falls back to plain values.
const DICTIONARY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Level of zstd for parts that are rewritten once and then kept; reading them costs the same.
const HARD_LEVEL: i32 = 12;
/// Above this share of distinct values a dictionary costs more than it saves.
pub const DISTINCT_SHARE_MAX: f64 = 0.5;

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// While events arrive.
    Light,
    /// Once, for the rest of the part's life.
    Hard,
}

/// How a column lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnEncoding {
    /// Codes of a dictionary.
    Dictionary,
    /// Differences: steadily growing numbers, numbers of similar size.
    Delta,
    /// The bytes of floats, each place on its own.
    ByteStreamSplit,
    /// Strings: their lengths, then their bytes.
    DeltaLength,
    /// As it is.
    Plain,
}

/// The encoding of a column, from its first rows.
///
/// Strings have theirs decided by all of their distinct values: see `PartWriter`.
pub fn of_numbers(sample: &[ArrayRef]) -> ColumnEncoding {
    let Some(first) = sample.first() else { return ColumnEncoding::Plain };
    match first.data_type() {
        DataType::Timestamp(..) | DataType::UInt64 => ColumnEncoding::Delta,
        DataType::Boolean => ColumnEncoding::Plain,
        DataType::Int64 => by_share(
            distinct_share(sample, |array, row| array.as_primitive::<Int64Type>().value(row)),
            ColumnEncoding::Delta,
        ),
        DataType::Decimal128(..) => by_share(
            distinct_share(sample, |array, row| array.as_primitive::<Decimal128Type>().value(row)),
            ColumnEncoding::Delta,
        ),
        DataType::Float64 => {
            let bits = |array: &ArrayRef, row| array.as_primitive::<Float64Type>().value(row).to_bits();
            by_share(distinct_share(sample, bits), ColumnEncoding::ByteStreamSplit)
        }
        _ => ColumnEncoding::Dictionary,
    }
}

fn by_share(share: f64, otherwise: ColumnEncoding) -> ColumnEncoding {
    if share <= DISTINCT_SHARE_MAX { ColumnEncoding::Dictionary } else { otherwise }
}

/// Distinct values per value that is not null.
fn distinct_share<T: std::hash::Hash + Eq>(sample: &[ArrayRef], value: impl Fn(&ArrayRef, usize) -> T) -> f64 {
    let (mut distinct, mut count) = (HashSet::new(), 0_usize);
    for array in sample {
        for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
            distinct.insert(value(array, row));
            count += 1;
        }
    }
    distinct.len() as f64 / count.max(1) as f64
}

/// Properties of the file; columns are added by `with_column`.
///
/// # Errors
/// Never in practice: the compression level is a constant.
pub fn file_properties(
    row_count: usize,
    effort: Effort,
    metadata: KeyValue,
) -> Result<WriterPropertiesBuilder, StorageError> {
    // Parts of less than a page are read column by column and soon merged: setting up zstd would cost more than it saves.
    let is_small = row_count < PAGE_ROWS;
    let compression = match effort {
        Effort::Hard => Compression::ZSTD(ZstdLevel::try_new(HARD_LEVEL)?),
        Effort::Light if is_small => Compression::LZ4_RAW,
        Effort::Light => Compression::ZSTD(ZstdLevel::try_new(1)?),
    };
    Ok(WriterProperties::builder()
        .set_compression(compression)
        // Codes of one dictionary serve a whole part.
        .set_max_row_group_row_count(Some(usize::MAX))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("vigie ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![metadata])))
}

/// Properties with those of one column.
pub fn with_column(
    builder: WriterPropertiesBuilder,
    field: &Field,
    encoding: ColumnEncoding,
) -> WriterPropertiesBuilder {
    let path = || ColumnPath::new(vec![field.name().clone()]);
    // Others prune by the numbers of a page. Strings have filters in the index: the first and the last string of a whole part
    // prune nothing, and every value would be compared with both.
    let statistics = if field.data_type().is_numeric() || field.data_type().is_temporal() {
        EnabledStatistics::Page
    } else if is_text(field.data_type()) {
        EnabledStatistics::None
    } else {
        EnabledStatistics::Chunk
    };
    let builder = builder.set_column_statistics_enabled(path(), statistics);
    let plain =
        |encoding| builder.clone().set_column_dictionary_enabled(path(), false).set_column_encoding(path(), encoding);
    match encoding {
        ColumnEncoding::Dictionary => builder.set_column_dictionary_enabled(path(), true),
        ColumnEncoding::Delta => plain(Encoding::DELTA_BINARY_PACKED),
        ColumnEncoding::ByteStreamSplit => plain(Encoding::BYTE_STREAM_SPLIT),
        ColumnEncoding::DeltaLength => plain(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ColumnEncoding::Plain => plain(Encoding::PLAIN),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Float64Array, Int64Array, UInt64Array};

    use super::*;

    fn check(array: impl Array + 'static, expected: ColumnEncoding) {
        let array: ArrayRef = Arc::new(array);
        assert_eq!(of_numbers(&[array]), expected);
    }

    #[test]
    fn what_repeats_has_a_dictionary() {
        check(Int64Array::from_iter_values((0..100).map(|n| n % 5)), ColumnEncoding::Dictionary);
        check(Int64Array::from_iter_values(0..100), ColumnEncoding::Delta);
        check(Float64Array::from_iter_values((0..100).map(f64::from)), ColumnEncoding::ByteStreamSplit);
        check(Float64Array::from_iter_values((0..100).map(|n| f64::from(n % 2))), ColumnEncoding::Dictionary);
        check(UInt64Array::from(vec![1, 1, 1]), ColumnEncoding::Delta);
        check(BooleanArray::from(vec![true]), ColumnEncoding::Plain);
    }
}
