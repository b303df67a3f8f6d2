//! How each column of a part is encoded, decided by what it holds and not by its name.

use std::collections::HashSet;
use std::io;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int64Type};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::gather::is_text;
use super::index::PAGE_ROWS;
use crate::error::StorageError;

/// Bytes of a page of strings, about: the fewest with which they pack well, since of a page one value is mostly wanted.
const TEXT_PAGE_BYTES: [usize; 3] = [8 * 1024, 16 * 1024, 32 * 1024];
/// Bytes from which on a page of numbers or codes ends, which pack as well in small pages: as many as have a checksum.
const PAGE_BYTES: usize = 4 * 1024;
/// The same of numbers that are packed byte by byte, or not at all.
const WIDE_PAGE_BYTES: usize = 8 * 1024;
/// Rows between two looks at how large a page is where some have no value: a hundred of a hundred bytes are a small page already.
const LOOK_ROWS: usize = 256;
/// Bytes of strings that are packed to see how well they do.
const TRIED_BYTES: usize = TEXT_PAGE_BYTES[2];
/// A dictionary may grow to this size before a column falls back to plain values.
const DICTIONARY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Level of zstd for everything but strings that a higher one makes smaller.
const LEVEL: i32 = 1;
/// Level of zstd for parts that are rewritten once and then kept; reading them costs the same.
const HARD_LEVEL: i32 = 12;
/// So many of a hundred bytes may be left by what takes more time or is read with more effort.
const WORTH_PERCENT: usize = 97;
/// Above this share of distinct values a dictionary costs more than it saves.
pub const DISTINCT_SHARE_MAX: f64 = 0.5;

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// While events arrive.
    Light,
    /// Once nothing of the day arrives any more; it is still read often.
    Medium,
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
        Effort::Hard => zstd(HARD_LEVEL)?,
        Effort::Light | Effort::Medium if is_small => Compression::LZ4_RAW,
        Effort::Light | Effort::Medium => zstd(LEVEL)?,
    };
    Ok(WriterProperties::builder()
        .set_compression(compression)
        // Codes of one dictionary serve a whole part.
        .set_max_row_group_row_count(Some(usize::MAX))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(LOOK_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("vigie ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![metadata])))
}

fn zstd(level: i32) -> Result<Compression, StorageError> {
    Ok(Compression::ZSTD(ZstdLevel::try_new(level)?))
}

/// How strings without a dictionary are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    level: i32,
    page_bytes: usize,
}

impl Packing {
    /// That of strings like those of the sample, whose first pages it is: texts get a higher level and larger pages, ids that are alike
    /// no others neither, which would cost time and save nothing.
    ///
    /// # Errors
    /// When it cannot be tried.
    pub fn of_texts(sample: &[ArrayRef], effort: Effort) -> Result<Self, StorageError> {
        let mut bytes = Vec::new();
        for texts in sample.iter().filter_map(|page| page.as_string_opt::<i32>()) {
            let (start, end) = (texts.value_offsets()[0] as usize, texts.value_offsets()[texts.len()] as usize);
            let wanted = (TRIED_BYTES - bytes.len()).min(end - start);
            bytes.extend_from_slice(&texts.value_data()[start..start + wanted]);
        }
        let higher = match effort {
            Effort::Light => 3,
            Effort::Medium => 9,
            Effort::Hard => HARD_LEVEL,
        };
        let packed = |level, page_bytes| -> Result<usize, StorageError> {
            let pages =
                bytes.chunks(page_bytes).map(|page| zstd::bulk::compress(page, level).map(|packed| packed.len()));
            Ok(pages.sum::<io::Result<usize>>()?)
        };
        let is_worth = |less: usize, more: usize| less * 100 < more * WORTH_PERCENT;
        let [mut page_bytes, larger @ ..] = TEXT_PAGE_BYTES;
        for larger in larger {
            if is_worth(packed(LEVEL, larger)?, packed(LEVEL, page_bytes)?) {
                page_bytes = larger;
            }
        }
        let level = if is_worth(packed(higher, page_bytes)?, packed(LEVEL, page_bytes)?) { higher } else { LEVEL };
        Ok(Self { level, page_bytes })
    }

    /// Properties with this of one column.
    ///
    /// # Errors
    /// Never in practice: the levels are constants.
    pub fn set(self, builder: WriterPropertiesBuilder, field: &Field) -> Result<WriterPropertiesBuilder, StorageError> {
        let path = || ColumnPath::new(vec![field.name().clone()]);
        let builder = builder.set_column_compression(path(), zstd(self.level)?);
        // The library adds as much as fits in the limit until a page has reached it, most of which then have nearly twice as much.
        Ok(builder.set_column_data_page_size_limit(path(), self.page_bytes / 2))
    }
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
        ColumnEncoding::ByteStreamSplit => {
            // To have one number every place of all of a page is needed.
            plain(Encoding::BYTE_STREAM_SPLIT).set_column_data_page_size_limit(path(), WIDE_PAGE_BYTES)
        }
        ColumnEncoding::DeltaLength => {
            plain(Encoding::DELTA_LENGTH_BYTE_ARRAY).set_column_data_page_size_limit(path(), TEXT_PAGE_BYTES[2])
        }
        ColumnEncoding::Plain => plain(Encoding::PLAIN).set_column_data_page_size_limit(path(), WIDE_PAGE_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array};

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

    #[test]
    fn texts_are_packed_harder_and_ids_in_smaller_pages() {
        let packing = |text: &dyn Fn(u64) -> String, effort| {
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..4_000).map(text)));
            Packing::of_texts(&[texts.slice(0, 100), texts.slice(100, 3_900)], effort).unwrap()
        };
        let hash = |number: u64| twox_hash::XxHash3_64::oneshot(&number.to_le_bytes());
        let id = |number: u64| format!("{:016x}{:016x}", hash(number), hash(number + 1_000_000));
        for effort in [Effort::Light, Effort::Medium, Effort::Hard] {
            assert_eq!(packing(&id, effort), Packing { level: LEVEL, page_bytes: TEXT_PAGE_BYTES[0] });
        }
        const WORDS: [&str; 8] = ["payment", "order", "refused", "by", "card", "the", "gateway", "customer"];
        let text = |number: u64| {
            let words: Vec<&str> = (0..9).map(|place| WORDS[(hash(number * 9 + place) % 8) as usize]).collect();
            format!("{} {}", words.join(" "), hash(number) % 1_000)
        };
        let [light, medium] = [Effort::Light, Effort::Medium].map(|effort| packing(&text, effort));
        assert!(
            light.level > LEVEL && medium.level > light.level && light.page_bytes == TEXT_PAGE_BYTES[2],
            "{light:?} {medium:?}"
        );
        let nothing = |_| String::new();
        assert_eq!(packing(&nothing, Effort::Light).level, LEVEL);
    }
}
