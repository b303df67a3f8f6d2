//! Reads columns of codes: a dictionary is decoded once and kept with its part, and of a page no more is unpacked than is asked for.
//!
//! The Parquet library decodes the dictionary for every reader anew, which for one event of a large part costs more than all else.
//! Source of the encodings: the specification of Parquet, "RLE / Bit-Packing Hybrid" and "Dictionary Encoding".

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::{ParquetError, Result};

use super::dictionary::DictionaryBlocks;

/// Bytes before the levels of a page: how long they are, little-endian.
const LENGTH_BYTES: usize = size_of::<u32>();
/// Bits of a code at most.
const WIDTH_MAX: usize = 32;

/// Reads the codes of one column in selected rows, some at a time.
pub(super) struct CodesReader {
    pages: Box<dyn PageReader>,
    /// The rows of each page that `pages` hands out, from the next on.
    page_rows: std::vec::IntoIter<Range<usize>>,
    page: Option<CodesPage>,
    /// What is selected, in order, from the next row on.
    ranges: Arc<[Range<usize>]>,
    range: usize,
    next_row: usize,
    is_nullable: bool,
    dictionary: Dictionary,
}

/// Where the values of codes are.
pub(super) enum Dictionary {
    /// All of them.
    Whole(ArrayRef),
    /// Only those strings that are needed are read.
    Blocks(DictionaryBlocks),
}

/// A column of codes as its file describes it.
pub(super) struct CodesColumn {
    /// Those of its pages that hold rows that are asked for, without its dictionary.
    pub(super) pages: Box<dyn PageReader>,
    /// The rows of each.
    pub(super) rows: Vec<Range<usize>>,
    /// Whether rows may lack a value.
    pub(super) is_nullable: bool,
}

impl CodesReader {
    /// Of these rows: ranges in order, of which each page of the column holds some.
    pub(super) fn new(column: CodesColumn, ranges: Arc<[Range<usize>]>, dictionary: Dictionary) -> Self {
        let CodesColumn { pages, rows, is_nullable, .. } = column;
        let next_row = ranges.first().map_or(0, |range| range.start);
        Self { pages, page_rows: rows.into_iter(), page: None, ranges, range: 0, next_row, is_nullable, dictionary }
    }

    /// The next so many of the rows.
    ///
    /// # Errors
    /// When a page cannot be read or there are no so many rows.
    pub(super) fn read(&mut self, count: usize) -> Result<ArrayRef> {
        let mut codes = Codes { keys: Vec::with_capacity(count), valid: None };
        while codes.keys.len() < count {
            let Some(range) = self.ranges.get(self.range) else {
                return Err(damaged("it has fewer rows than it says"));
            };
            if self.next_row >= range.end {
                self.range += 1;
                self.next_row = self.ranges.get(self.range).map_or(self.next_row, |range| range.start);
                continue;
            }
            let (start, range_end) = (self.next_row, range.end);
            let page = self.page_with(start)?;
            let end = range_end.min(page.rows.end).min(start + count - codes.keys.len());
            page.append(start - page.rows.start..end - page.rows.start, &mut codes)?;
            self.next_row = end;
        }
        let values = match &self.dictionary {
            Dictionary::Whole(values) => values.clone(),
            Dictionary::Blocks(blocks) => Arc::new(codes.strings_of(blocks)?),
        };
        let nulls = codes.valid.map(|valid| NullBuffer::new(BooleanBuffer::from(valid)));
        let keys = Int32Array::try_new(ScalarBuffer::from(codes.keys), nulls)?;
        // Refuses codes that are beyond the dictionary.
        let coded = DictionaryArray::<Int32Type>::try_new(keys, values)?;
        Ok(match coded.values().data_type() {
            DataType::Utf8 => Arc::new(coded),
            _ => take(coded.values(), coded.keys(), None)?,
        })
    }

    fn page_with(&mut self, row: usize) -> Result<&CodesPage> {
        if self.page.as_ref().is_none_or(|page| page.rows.end <= row) {
            self.page = None;
            let (Some(rows), Some(page)) = (self.page_rows.next(), self.pages.get_next_page()?) else {
                return Err(damaged("it has fewer pages than it says"));
            };
            self.page = Some(CodesPage::new(page, rows, self.is_nullable)?);
        }
        self.page.as_ref().filter(|page| page.rows.contains(&row)).ok_or_else(|| damaged("its pages are out of order"))
    }
}

pub(super) fn damaged(what: &str) -> ParquetError {
    ParquetError::General(format!("a column of codes is damaged: {what}"))
}

fn split_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    Some((u32::from_le_bytes(*length) as usize, rest))
}

/// Codes read so far.
struct Codes {
    /// 0 where there is none.
    keys: Vec<i32>,
    /// Where there is one, once some row has none.
    valid: Option<Vec<bool>>,
}

impl Codes {
    /// The strings that there are codes of, which become the places of these strings.
    fn strings_of(&mut self, blocks: &DictionaryBlocks) -> Result<StringArray> {
        let is_valid = |row: usize| self.valid.as_ref().is_none_or(|valid| valid[row]);
        // Those beyond any dictionary are in no block either.
        let mut codes: Vec<u32> =
            self.keys.iter().enumerate().filter(|(row, _)| is_valid(*row)).map(|(_, key)| *key as u32).collect();
        codes.sort_unstable();
        codes.dedup();
        for key in &mut self.keys {
            *key = codes.binary_search(&(*key as u32)).unwrap_or_default() as i32;
        }
        blocks.strings(&codes)
    }
}

/// A page of codes.
struct CodesPage {
    rows: Range<usize>,
    /// 1 where a row has a value; `None` when all have one.
    levels: Option<Hybrid>,
    /// Of the rows that have one.
    codes: Hybrid,
}

impl CodesPage {
    fn new(page: Page, rows: Range<usize>, is_nullable: bool) -> Result<Self> {
        let Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } = page else {
            return Err(damaged("a page is of another kind"));
        };
        if encoding != Encoding::RLE_DICTIONARY
            || num_values as usize != rows.len()
            || is_nullable && def_level_encoding != Encoding::RLE
        {
            return Err(damaged("a page is encoded otherwise than it says"));
        }
        let cut_off = || damaged("a page is cut off");
        let (mut levels, mut values) = (None, buf.clone());
        if is_nullable {
            let (length, behind) = split_length(&buf).ok_or_else(cut_off)?;
            if length > behind.len() {
                return Err(cut_off());
            }
            let end = LENGTH_BYTES + length;
            levels = Some(Hybrid::parse(buf.slice(LENGTH_BYTES..end), 1, rows.len())?);
            values = buf.slice(end..);
        }
        let value_count = levels.as_ref().map_or(rows.len(), |levels| levels.ones_before(rows.len()));
        let codes = match values.first() {
            None if value_count == 0 => Hybrid::default(),
            None => return Err(cut_off()),
            Some(width) => Hybrid::parse(values.slice(1..), usize::from(*width), value_count)?,
        };
        Ok(Self { levels: levels.filter(|_| value_count < rows.len()), codes, rows })
    }

    /// Appends what the rows of the page in this range have.
    fn append(&self, range: Range<usize>, codes: &mut Codes) -> Result<()> {
        let Some(levels) = &self.levels else {
            if let Some(valid) = &mut codes.valid {
                valid.resize(valid.len() + range.len(), true);
            }
            return self.codes.append(range, &mut codes.keys);
        };
        let valid = codes.valid.get_or_insert_with(|| vec![true; codes.keys.len()]);
        let (mut present, mut keys) = (Vec::with_capacity(range.len()), Vec::new());
        levels.append(range.clone(), &mut present)?;
        let first = levels.ones_before(range.start);
        let count = present.iter().filter(|level| **level == 1).count();
        self.codes.append(first..first + count, &mut keys)?;
        let mut keys = keys.into_iter();
        for level in present {
            valid.push(level == 1);
            codes.keys.push(if level == 1 { keys.next().unwrap_or_default() } else { 0 });
        }
        Ok(())
    }
}

/// Small numbers: some repeated, some packed bit by bit.
#[derive(Default)]
struct Hybrid {
    bytes: Bytes,
    width: usize,
    runs: Vec<Run>,
}

struct Run {
    /// Numbers before it.
    first: usize,
    /// Ones before it, when the numbers are levels.
    ones_before: usize,
    length: usize,
    kind: RunKind,
}

#[derive(Clone, Copy)]
enum RunKind {
    Repeated(u32),
    /// From this byte on.
    Packed(usize),
}

impl Hybrid {
    /// So many numbers of so many bits.
    fn parse(bytes: Bytes, width: usize, count: usize) -> Result<Self> {
        let cut_off = || damaged("a page is cut off");
        if width > WIDTH_MAX {
            return Err(damaged("its codes are too wide"));
        }
        let mut hybrid = Self { bytes, width, runs: Vec::new() };
        let (mut at, mut first, mut ones_before) = (0, 0, 0);
        while first < count {
            let header = varint(&hybrid.bytes, &mut at).ok_or_else(cut_off)?;
            let (length, kind) = if header & 1 == 1 {
                let bytes = (header >> 1).checked_mul(width).ok_or_else(cut_off)?;
                let length = (header >> 1).checked_mul(8).ok_or_else(cut_off)?;
                let start = at;
                at = at.checked_add(bytes).ok_or_else(cut_off)?;
                (length, RunKind::Packed(start))
            } else {
                let end = at + width.div_ceil(8);
                let value = hybrid.bytes.get(at..end).ok_or_else(cut_off)?;
                at = end;
                let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                (header >> 1, RunKind::Repeated(value))
            };
            // The last group may be longer than what is left, and may lack bytes that nobody needs.
            let length = length.min(count - first);
            let needed = match kind {
                RunKind::Packed(start) => start.checked_add((length * width).div_ceil(8)).ok_or_else(cut_off)?,
                RunKind::Repeated(_) => at,
            };
            if length == 0 || needed > hybrid.bytes.len() {
                return Err(cut_off());
            }
            let run = Run { first, ones_before, length, kind };
            if width == 1 {
                ones_before += hybrid.ones_of(&run, length);
            }
            first += length;
            hybrid.runs.push(run);
        }
        Ok(hybrid)
    }

    /// Appends the numbers in these places.
    fn append(&self, places: Range<usize>, out: &mut Vec<i32>) -> Result<()> {
        let mut run = self.runs.partition_point(|run| run.first + run.length <= places.start);
        let mut place = places.start;
        while place < places.end {
            let Some(here) = self.runs.get(run) else { return Err(damaged("a page has fewer values than it says")) };
            let within = place - here.first..(places.end - here.first).min(here.length);
            place += within.len();
            match here.kind {
                // Those beyond are refused as being in no dictionary.
                RunKind::Repeated(value) => out.resize(out.len() + within.len(), value as i32),
                RunKind::Packed(start) => out.extend(within.map(|place| self.packed(start, place) as i32)),
            }
            run += 1;
        }
        Ok(())
    }

    /// The number in that place of the packed ones that begin there.
    fn packed(&self, start: usize, place: usize) -> u32 {
        let bit = place * self.width;
        let bytes = self.bytes.get(start + bit / 8..).unwrap_or_default();
        let window = bytes.first_chunk::<8>().map_or_else(
            || bytes.iter().take(8).rev().fold(0, |window, byte| window << 8 | u64::from(*byte)),
            |window| u64::from_le_bytes(*window),
        );
        (window >> (bit % 8) & ((1 << self.width) - 1)) as u32
    }

    /// How many of the first numbers of the run are 1.
    fn ones_of(&self, run: &Run, count: usize) -> usize {
        match run.kind {
            RunKind::Repeated(value) => count * usize::from(value == 1),
            RunKind::Packed(start) => {
                let whole = &self.bytes[start..start + count / 8];
                let bits: usize = whole.iter().map(|byte| byte.count_ones() as usize).sum();
                bits + (count / 8 * 8..count).filter(|place| self.packed(start, *place) == 1).count()
            }
        }
    }

    /// How many of the numbers before that place are 1, of levels.
    fn ones_before(&self, place: usize) -> usize {
        let run = self.runs.partition_point(|run| run.first < place).checked_sub(1);
        run.map_or(0, |run| {
            let run = &self.runs[run];
            run.ones_before + self.ones_of(run, run.length.min(place - run.first))
        })
    }
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// How many codes a page of so many rows has, from its bytes.
///
/// # Errors
/// When they are no such page.
pub fn count_codes(bytes: Bytes, row_count: usize, is_nullable: bool) -> Result<usize> {
    let page = Page::DataPage {
        buf: bytes,
        num_values: row_count as u32,
        encoding: Encoding::RLE_DICTIONARY,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    let mut codes = Codes { keys: Vec::new(), valid: None };
    CodesPage::new(page, 0..row_count, is_nullable)?.append(0..row_count, &mut codes)?;
    Ok(codes.valid.map_or(row_count, |valid| valid.into_iter().filter(|is_valid| *is_valid).count()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, RecordBatch};
    use arrow::compute::{cast, concat};
    use arrow::datatypes::{Field, Schema};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use proptest::prelude::*;

    use super::super::coded_values::CodedValues;
    use super::super::pages::tests::pages_of;
    use super::*;

    /// A file of one column with a dictionary, in pages of so many rows.
    fn file_of(values: &dyn Array, is_nullable: bool, page_rows: usize) -> Bytes {
        let schema = Arc::new(Schema::new(vec![Field::new("a", values.data_type().clone(), is_nullable)]));
        let properties = WriterProperties::builder()
            .set_data_page_row_count_limit(page_rows)
            .set_write_batch_size(page_rows)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties)).unwrap();
        writer.write(&RecordBatch::try_new(schema, vec![values.slice(0, values.len())]).unwrap()).unwrap();
        writer.into_inner().unwrap().into()
    }

    fn dictionary_of(file: &Bytes, values: CodedValues) -> ArrayRef {
        values.of_page(pages_of(file).dictionary(0).unwrap()).unwrap()
    }

    /// The rows of these ranges, read so many at a time; strings as such.
    fn read((file, values): (&Bytes, CodedValues), ranges: &[Range<usize>], at_once: usize) -> ArrayRef {
        let column = pages_of(file).codes(0, ranges).unwrap().unwrap();
        let dictionary = dictionary_of(file, values);
        let mut reader = CodesReader::new(column, ranges.into(), Dictionary::Whole(dictionary));
        let mut left: usize = ranges.iter().map(Range::len).sum();
        let mut read = vec![values.of_page(None).unwrap()];
        while left > 0 {
            let count = left.min(at_once);
            let rows = reader.read(count).unwrap();
            read.push(if values == CodedValues::Strings { cast(&rows, &DataType::Utf8).unwrap() } else { rows });
            left -= count;
        }
        assert!(reader.read(1).is_err(), "there are no more");
        concat(&read.iter().map(|rows| &**rows).collect::<Vec<_>>()).unwrap()
    }

    proptest! {
        #[test]
        fn codes_are_those_that_were_written(
            values in proptest::collection::vec((0_u32..70, 1_usize..40, any::<bool>()), 1..60),
            has_nulls in any::<bool>(),
            page_rows in 1_usize..300,
            cuts in proptest::collection::vec(0_usize..2_400, 0..12),
            at_once in 1_usize..900,
        ) {
            let runs = values.into_iter().map(|(number, length, is_null)| {
                // Some repeat, some do not, so that there are numbers of both kinds.
                let value = |place: usize| number as usize + if number % 3 == 0 { place } else { 0 };
                (0..length).map(move |place| (!(is_null && has_nulls)).then(|| value(place))).collect::<Vec<_>>()
            });
            let rows: Vec<Option<usize>> = runs.flatten().collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (rows.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let ranges: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let texts: StringArray = rows.iter().map(|value| value.map(|value| format!("é{value}"))).collect();
            let integers: Int64Array = rows.iter().map(|value| value.map(|value| value as i64 - 20)).collect();
            let floats: Float64Array = rows.iter().map(|value| value.map(|value| value as f64 / 4.0 - 3.0)).collect();
            let columns: [(ArrayRef, CodedValues); 3] = [
                (Arc::new(texts), CodedValues::Strings),
                (Arc::new(integers), CodedValues::Integers),
                (Arc::new(floats), CodedValues::Floats),
            ];
            for (written, values) in columns {
                let file = file_of(&*written, has_nulls, page_rows);
                let pieces: Vec<ArrayRef> = std::iter::once(values.of_page(None).unwrap())
                    .chain(ranges.iter().map(|range| written.slice(range.start, range.len())))
                    .collect();
                let expected = concat(&pieces.iter().map(|piece| &**piece).collect::<Vec<_>>()).unwrap();
                prop_assert_eq!(&read((&file, values), &ranges, at_once), &expected);
            }
        }

        #[test]
        fn arbitrary_pages_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..60), row_count in 0_usize..400, is_nullable in any::<bool>(),
        ) {
            let _ = count_codes(bytes.into(), row_count, is_nullable);
        }
    }

    #[test]
    fn what_is_damaged_is_told() {
        let texts = StringArray::from((0..100).map(|number| (number % 9).to_string()).collect::<Vec<_>>());
        let file = file_of(&texts, false, 40);
        let all: Arc<[Range<usize>]> = std::iter::once(0..100).collect();
        let column = || pages_of(&file).codes(0, &all).unwrap().unwrap();
        let error = |column, dictionary| {
            let mut reader = CodesReader::new(column, all.clone(), Dictionary::Whole(dictionary));
            reader.read(100).unwrap_err().to_string()
        };
        let whole = || dictionary_of(&file, CodedValues::Strings);
        let fewer: ArrayRef = Arc::new(StringArray::from(vec!["0"]));
        assert!(error(column(), fewer).contains("dictionary"), "a code beyond the dictionary");
        let rows = |ends: &[usize]| {
            let rows = ends.windows(2).map(|ends| ends[0]..ends[1]).collect();
            CodesColumn { rows, ..column() }
        };
        assert!(error(rows(&[0, 30, 100]), whole()).contains("otherwise than it says"));
        assert!(error(rows(&[0, 40]), whole()).contains("fewer pages"));
        assert!(error(rows(&[40, 80]), whole()).contains("out of order"));
        let page = column().pages.get_next_page().unwrap();
        assert!(CodedValues::Strings.of_page(page).unwrap_err().to_string().contains("missing"));
    }
}
