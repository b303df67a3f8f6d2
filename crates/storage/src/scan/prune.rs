//! Which rows of a part may match, by its index alone: times of pages first, then filters of words and values.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, FieldRef};
use vigie_domain::query::{FieldMatcher, Matcher, Needle, TextMatcher};

use super::Filter;
use super::filter::is_pseudo;
use crate::chunk::column_names;
use crate::chunk::physical::canonical_of;
use crate::error::StorageError;
use crate::part::{FilterReader, Part, PartIndex, Rows, hash_of};

/// The rows of a part that may match.
pub struct Pruned {
    /// The rows; every other row does not match.
    pub rows: Rows,
    /// Whether the time of all of them lies in the range.
    pub is_in_range: bool,
    /// Columns that hold nothing of what free text looks for: it need not read them.
    pub silent: BTreeSet<String>,
}

impl Pruned {
    fn new(rows: Rows, is_in_range: bool) -> Self {
        Self { rows, is_in_range, silent: BTreeSet::new() }
    }
}

/// The rows of the part that may match the filter.
///
/// # Errors
/// When the part cannot be read.
pub fn prune(part: &Part, filter: &Filter) -> Result<Pruned, StorageError> {
    let Some(index) = part.index()? else {
        let is_in_range = filter.range.covers(part.meta.first, part.meta.last);
        return Ok(Pruned::new(part.all_rows(), is_in_range));
    };
    let in_range = part.rows_in(&index, filter.range)?;
    if in_range.is_empty() || matches!(filter.matcher, Matcher::All) {
        return Ok(Pruned::new(in_range, true));
    }
    let Some(filters) = part.filters()? else {
        return Ok(Pruned::new(in_range, true));
    };
    let asked = Asked { part, index: &index, filters, schema: part.schema()?, overflow: part.overflow_fields()? };
    let rows = match asked.pages(&filter.matcher) {
        Pages::All => in_range,
        Pages::Some(pages) => {
            let mut rows = Rows::default();
            for page in (0..pages.len()).filter(|page| pages[*page]) {
                in_range.within(&PartIndex::rows_of(page)).ranges().iter().for_each(|range| rows.push(range.clone()));
            }
            rows
        }
    };
    Ok(Pruned { rows, is_in_range: true, silent: asked.silent(&filter.matcher) })
}

/// Pages that may hold matches.
enum Pages {
    All,
    Some(Vec<bool>),
}

impl Pages {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, pages) | (pages, Self::All) => pages,
            (Self::Some(left), Self::Some(right)) => {
                Self::Some(left.iter().zip(right).map(|(left, right)| *left && right).collect())
            }
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Some(left), Self::Some(right)) => {
                Self::Some(left.iter().zip(right).map(|(left, right)| *left || right).collect())
            }
        }
    }
}

struct Asked<'a> {
    part: &'a Part,
    index: &'a PartIndex,
    filters: FilterReader<'a>,
    schema: arrow::datatypes::SchemaRef,
    overflow: std::sync::Arc<BTreeSet<String>>,
}

impl Asked<'_> {
    fn none(&self) -> Pages {
        Pages::Some(vec![false; self.index.pages.len()])
    }

    fn pages(&self, matcher: &Matcher) -> Pages {
        match matcher {
            Matcher::All | Matcher::Not(_) => Pages::All,
            Matcher::Nothing => self.none(),
            Matcher::And(parts) => parts.iter().fold(Pages::All, |pages, part| pages.and(self.pages(part))),
            Matcher::Or(parts) => parts.iter().fold(self.none(), |pages, part| pages.or(self.pages(part))),
            Matcher::Field(field) if is_pseudo(field.field()) => self.pages_of_pseudo(field),
            Matcher::Field(field) => self.pages_of(&|name| field.covers(name), field.needle(), |_| true),
            Matcher::FreeText(text) => self.pages_of(&|name| text.covers(name), text.needle(), DataType::is_temporal),
        }
    }

    fn pages_of_pseudo(&self, field: &FieldMatcher) -> Pages {
        use vigie_domain::event::pseudo_fields;
        use vigie_domain::query::Scalar;
        if field.field() == pseudo_fields::LOG_TYPE {
            let passes = field.matches(Scalar::Text(self.part.meta.log_type.as_str()));
            return if passes { Pages::All } else { self.none() };
        }
        Pages::All
    }

    /// Columns that no free text in the query finds anything in.
    fn silent(&self, matcher: &Matcher) -> BTreeSet<String> {
        let mut texts = Vec::new();
        free_texts(matcher, &mut texts);
        if texts.is_empty() {
            return BTreeSet::new();
        }
        let is_silent = |name: &str| {
            texts.iter().all(|text| match self.pages_with(name, text.needle()) {
                Pages::All => false,
                Pages::Some(pages) => !pages.contains(&true),
            })
        };
        self.index.columns.iter().map(|column| column.name.clone()).filter(|name| is_silent(name)).collect()
    }

    /// Pages in which any covered column may hold the needle; `passes_other` tells types of columns without a filter that may pass.
    fn pages_of(
        &self,
        covers: &dyn Fn(&str) -> bool,
        needle: Needle<'_>,
        passes_other: fn(&DataType) -> bool,
    ) -> Pages {
        if self.overflow.iter().any(|field| covers(field)) {
            return Pages::All;
        }
        let covered = |field: &&FieldRef| !column_names::is_own(field.name()) && covers(canonical_of(field.name()));
        self.schema.fields().iter().filter(covered).fold(self.none(), |pages, field| {
            match self.index.column(field.name()) {
                Some(_) => pages.or(self.pages_with(field.name(), needle)),
                None if passes_other(field.data_type()) => Pages::All,
                None => pages,
            }
        })
    }

    fn pages_with(&self, column: &str, needle: Needle<'_>) -> Pages {
        let ask = |text: &str| self.filters.pages_with(column, hash_of(text)).map_or(Pages::All, Pages::Some);
        match needle {
            Needle::Unknown => Pages::All,
            Needle::Value(value) => ask(value),
            Needle::Words(words) => words.iter().fold(Pages::All, |pages, word| pages.and(ask(word))),
        }
    }
}

fn free_texts<'m>(matcher: &'m Matcher, texts: &mut Vec<&'m TextMatcher>) {
    match matcher {
        Matcher::FreeText(text) => texts.push(text),
        Matcher::And(parts) | Matcher::Or(parts) => parts.iter().for_each(|part| free_texts(part, texts)),
        Matcher::Not(part) => free_texts(part, texts),
        Matcher::All | Matcher::Nothing | Matcher::Field(_) => {}
    }
}
