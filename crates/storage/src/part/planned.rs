//! Columns of a part that is about to be written: whether one of strings gets a dictionary, and what its filter is made of.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{FieldRef, TimeUnit};
use vigie_domain::mapping;

use super::addresses;
use super::dictionary::BlockBorders;
use super::encoding::{self, ColumnEncoding, DISTINCT_SHARE_MAX};
use super::gather::is_text;
use super::index::IndexedColumn;
use super::sketch::DistinctSketch;
use super::token_filter::{BITS_PER_HASH, BITS_PER_HASH_MIN, FilterBuilder, Hashed, hash_of, push_hashes};
use crate::chunk::column_names;
use crate::chunk::physical::canonical_of;

/// Values of a dictionary that lie in more than every so many-th page, as most do, have one filter for all pages: one for each would
/// leave out little.
const PAGES_OF_VALUE_MIN: usize = 8;
/// Values are told apart by their words unless there are more than so many for each of these.
const VALUES_OF_WORD_MAX: usize = 2;

/// What is known of a column's strings before they are written, from one place where they lie now.
pub enum KnownTexts<'a> {
    /// A dictionary: each of its values is in some row, or was in one that was removed.
    Values(&'a StringArray),
    /// A column without one.
    Sketch(&'a DistinctSketch),
}

/// A column of a part that is about to be written.
pub struct PlannedColumn {
    /// Its name and type in memory; strings are plain.
    pub field: FieldRef,
    /// The unit in which the part has its instants, if it is a column of these.
    pub unit: TimeUnit,
    text: Option<TextPlan>,
}

struct TextPlan {
    /// Rows so far that have a value.
    value_count: u64,
    has_dictionary: bool,
    hashed: Hashed,
    /// Whether whole values are hashed as well if their words do not tell them apart.
    may_be_of_values: bool,
    /// The hashes of its dictionary, when they are known beforehand.
    dictionary_hashes: Option<Vec<u64>>,
    distinct: DistinctSketch,
    /// How many distinct values, about.
    distinct_count: f64,
    filter: Option<TextFilter>,
    /// Whether its strings are taken for addresses, once its first pages are there.
    is_of_addresses: bool,
}

/// A filter under construction.
enum TextFilter {
    /// One for each page.
    OfPages(FilterBuilder),
    /// These hashes are those of one for all pages.
    OfPart(HashSet<u64>),
    /// One for all pages whose hashes were known beforehand.
    Known(Vec<u64>),
}

impl PlannedColumn {
    /// A column of which so many rows have a value at most; `texts` says what is known if it is one of strings.
    pub fn new(field: FieldRef, value_count: u64, texts: &[KnownTexts<'_>]) -> Self {
        let text = is_text(field.data_type()).then(|| {
            let mut distinct = DistinctSketch::default();
            for known in texts {
                match known {
                    KnownTexts::Values(values) => {
                        values.iter().flatten().for_each(|value| distinct.add(hash_of(value)));
                    }
                    KnownTexts::Sketch(sketch) => sketch.hashes().for_each(|hash| distinct.add(hash)),
                }
            }
            let is_repeated = distinct.estimate() <= value_count as f64 * DISTINCT_SHARE_MAX;
            let has_dictionary = field.name() == column_names::SHAPE || is_repeated;
            let mut plan = TextPlan {
                value_count: 0,
                has_dictionary,
                hashed: hashed_of(field.name()),
                may_be_of_values: may_be_of_values(field.name()),
                dictionary_hashes: None,
                distinct_count: distinct.estimate(),
                distinct: if has_dictionary { DistinctSketch::default() } else { distinct },
                filter: None,
                is_of_addresses: false,
            };
            if has_dictionary && has_filter(field.name()) {
                plan.dictionary_hashes = plan.hashes_of_dictionary(texts);
            }
            plan
        });
        Self { field, unit: TimeUnit::Nanosecond, text }
    }

    /// Whether it is one of strings and will have a dictionary.
    pub fn has_dictionary(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.has_dictionary)
    }

    /// Whether its strings are taken for addresses, once its encoding is chosen.
    pub fn is_of_addresses(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.is_of_addresses)
    }

    /// Counts the values of a page.
    pub fn count(&mut self, page: &ArrayRef) {
        if let Some(text) = &mut self.text {
            text.value_count += (page.len() - page.null_count()) as u64;
        }
    }

    /// Chooses how it is encoded, and begins its filter, by its first pages.
    pub fn choose_encoding(&mut self, sample: &[ArrayRef], hashes: &mut PageHashes) -> ColumnEncoding {
        let Some(text) = &mut self.text else { return encoding::of_numbers(sample) };
        let may_be = !text.has_dictionary && !column_names::is_own(self.field.name());
        text.is_of_addresses = may_be && addresses::are_addresses(sample);
        if has_filter(self.field.name()) {
            text.filter = Some(text.filter_of(sample, hashes));
        }
        if text.has_dictionary { ColumnEncoding::Dictionary } else { ColumnEncoding::DeltaLength }
    }

    /// Adds a page behind the first ones to its filter.
    pub fn add_to_filter(&mut self, page: &ArrayRef, hashes: &mut PageHashes) {
        match &mut self.text {
            Some(TextPlan { filter: Some(TextFilter::OfPages(filter)), hashed, .. }) => {
                filter.push_page(hashes.of(page, *hashed));
            }
            Some(TextPlan { filter: Some(TextFilter::OfPart(known)), hashed, .. }) => {
                known.extend(hashes.of(page, *hashed));
            }
            _ => {}
        }
    }

    /// The same, its instants in this unit.
    pub fn with_unit(self, unit: TimeUnit) -> Self {
        Self { unit, ..self }
    }
}

/// The shape is names: nobody looks for their words.
fn has_filter(name: &str) -> bool {
    name != column_names::SHAPE
}

/// Values are asked for by their words as well, ids of senders as they are.
fn hashed_of(name: &str) -> Hashed {
    match name {
        column_names::OVERFLOW => Hashed::Cells,
        column_names::ID => Hashed::ValuesAndWords,
        _ => Hashed::Words,
    }
}

/// Nobody asks for the whole of a text.
fn may_be_of_values(name: &str) -> bool {
    hashed_of(name) == Hashed::Words && !mapping::is_text(canonical_of(name))
}

/// Hashes of the values and words of a page; their memory is used again for the next.
#[derive(Default)]
pub struct PageHashes {
    hashes: Vec<u64>,
    buffer: String,
}

impl PageHashes {
    fn of(&mut self, page: &ArrayRef, hashed: Hashed) -> &[u64] {
        self.hashes.clear();
        for value in page.as_string::<i32>().iter().flatten() {
            push_hashes(value, hashed, &mut self.buffer, &mut self.hashes);
        }
        &self.hashes
    }
}

impl TextPlan {
    /// The hashes of all values, if all are known.
    fn hashes_of_dictionary(&mut self, texts: &[KnownTexts<'_>]) -> Option<Vec<u64>> {
        let dictionaries = texts.iter().map(|known| match known {
            KnownTexts::Values(values) => Some(*values),
            KnownTexts::Sketch(_) => None,
        });
        let dictionaries = dictionaries.collect::<Option<Vec<&StringArray>>>()?;
        self.choose_hashed(&dictionaries);
        let (mut buffer, mut hashes) = (String::new(), Vec::new());
        let values = dictionaries.into_iter().flatten().flatten();
        values.for_each(|value| push_hashes(value, self.hashed, &mut buffer, &mut hashes));
        Some(distinct(hashes))
    }

    /// Hashes whole values as well if these have far fewer words than there are of them: numbers of addresses, levels of paths.
    fn choose_hashed(&mut self, sample: &[&StringArray]) {
        if !self.may_be_of_values {
            return;
        }
        let (mut buffer, mut words) = (String::new(), Vec::new());
        let values = || sample.iter().copied().flatten().flatten();
        values().for_each(|value| push_hashes(value, Hashed::Words, &mut buffer, &mut words));
        let (words, values) = (distinct(words), distinct(values().map(hash_of).collect()));
        if words.len() * VALUES_OF_WORD_MAX < values.len() {
            self.hashed = Hashed::ValuesAndWords;
        }
    }

    /// A filter for pages like those of the sample, which are its first; one for all pages when the dictionary is known or its
    /// values lie in many.
    fn filter_of(&mut self, sample: &[ArrayRef], hashes: &mut PageHashes) -> TextFilter {
        if let Some(hashes) = self.dictionary_hashes.take() {
            return TextFilter::Known(hashes);
        }
        self.choose_hashed(&sample.first().map(AsArray::as_string).into_iter().collect::<Vec<_>>());
        let pages: Vec<Vec<u64>> = sample.iter().map(|page| distinct(hashes.of(page, self.hashed).to_vec())).collect();
        if self.has_dictionary && self.lie_in_many(sample) {
            return TextFilter::OfPart(pages.into_iter().flatten().collect());
        }
        let most = pages.iter().map(Vec::len).max().unwrap_or_default();
        // Pages of codes and of numbers are looked through in a tenth of the time that strings take.
        let is_cheap = self.has_dictionary || self.is_of_addresses;
        let mut filter = FilterBuilder::new(most, if is_cheap { BITS_PER_HASH_MIN } else { BITS_PER_HASH });
        pages.iter().for_each(|page| filter.push_page(page));
        TextFilter::OfPages(filter)
    }

    /// Whether most values lie in many pages, by how many of all there are in the first ones.
    fn lie_in_many(&self, sample: &[ArrayRef]) -> bool {
        let of_page = |page: &ArrayRef| {
            let texts = page.as_string::<i32>().iter().flatten();
            texts.map(hash_of).collect::<HashSet<u64>>().len()
        };
        let mean = sample.iter().map(of_page).sum::<usize>() / sample.len().max(1);
        (mean * PAGES_OF_VALUE_MIN) as f64 >= self.distinct_count
    }
}

fn distinct(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

impl PlannedColumn {
    /// What the index says of the column; its filter is appended to `runs`.
    pub fn indexed(self, runs: &mut Vec<u8>) -> Option<IndexedColumn> {
        let text = self.text?;
        let of_part = |hashes: &[u64]| {
            let mut filter = FilterBuilder::new(hashes.len(), BITS_PER_HASH);
            filter.push_page(hashes);
            filter
        };
        let filter = text.filter.map(|filter| match filter {
            TextFilter::OfPages(filter) => filter,
            TextFilter::OfPart(hashes) => of_part(&hashes.into_iter().collect::<Vec<_>>()),
            TextFilter::Known(hashes) => of_part(&hashes),
        });
        Some(IndexedColumn {
            name: self.field.name().clone(),
            has_dictionary: text.has_dictionary,
            filter: filter.map(|filter| filter.finish(runs)),
            hashed: text.hashed,
            value_count: Some(text.value_count),
            distinct: text.distinct,
            blocks: BlockBorders::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field};

    use super::*;

    const PAGES: u64 = 20;
    const PAGE_ROWS: u64 = 400;

    /// What the index says of a column of these texts, by number of row.
    fn indexed(name: &str, text: impl Fn(u64) -> String) -> IndexedColumn {
        let page = |page: u64| -> ArrayRef {
            let rows = page * PAGE_ROWS..(page + 1) * PAGE_ROWS;
            Arc::new(StringArray::from_iter_values(rows.map(&text)))
        };
        let mut sketch = DistinctSketch::default();
        (0..PAGES * PAGE_ROWS).for_each(|row| sketch.add(hash_of(&text(row))));
        let field = Arc::new(Field::new(name, DataType::Utf8, true));
        let mut column = PlannedColumn::new(field, PAGES * PAGE_ROWS, &[KnownTexts::Sketch(&sketch)]);
        let mut hashes = PageHashes::default();
        column.choose_encoding(&[page(0)], &mut hashes);
        (1..PAGES).for_each(|number| column.add_to_filter(&page(number), &mut hashes));
        column.indexed(&mut Vec::new()).unwrap()
    }

    #[test]
    fn whole_values_are_hashed_where_words_do_not_tell_them_apart() {
        let hashed = |name: &str, text: &dyn Fn(u64) -> String| indexed(name, text).hashed;
        assert_eq!(hashed("order", &|row| format!("TX-{row}")), Hashed::Words);
        let address = |row: u64| format!("10.{}.{}.{}", row % 20, row / 20 % 20, row / 400);
        assert_eq!(hashed("peer", &address), Hashed::ValuesAndWords);
        assert_eq!(hashed("message", &address), Hashed::Words, "nobody asks for the whole of a text");
        assert_eq!(hashed(column_names::ID, &|row| format!("TX-{row}")), Hashed::ValuesAndWords);
    }

    #[test]
    fn values_that_lie_in_many_pages_have_one_filter() {
        let pages = |text: &dyn Fn(u64) -> String| {
            let column = indexed("user", text);
            (column.has_dictionary, column.filter.unwrap().page_count as u64)
        };
        assert_eq!(pages(&|row| format!("u{}", row * 7_919 % 300)), (true, 1));
        assert_eq!(pages(&|row| format!("u{}", row / 3)), (true, PAGES));
        assert_eq!(pages(&|row| format!("u{row}")), (false, PAGES));
    }
}
