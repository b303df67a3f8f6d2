//! Which rows of a part may match, by its index alone: times of pages first, then filters of words and values.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use vigie_domain::EventId;
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::{FieldMatcher, Matcher, Needle, Scalar, tokens};

use super::Filter;
use super::filter::is_pseudo;
use crate::chunk::physical::canonical_of;
use crate::chunk::{OverflowFields, column_names};
use crate::error::StorageError;
use crate::part::{FilterReader, Hashed, NO_STRING, PageSpan, Part, PartIndex, Rows, hash_of};

/// The rows of a part that may match.
pub struct Pruned {
    /// The rows; every other row does not match.
    pub rows: Rows,
    /// Whether the time of all of them lies in the range.
    pub is_in_range: bool,
}

/// The rows of the part that may match the filter.
///
/// # Errors
/// When the part cannot be read.
pub fn prune(part: &Part, filter: &Filter) -> Result<Pruned, StorageError> {
    let Some(index) = part.index()? else {
        let is_in_range = filter.range.covers(part.meta.first, part.meta.last);
        return Ok(Pruned { rows: part.all_rows(), is_in_range });
    };
    let in_range = part.rows_in(&index, filter.range)?;
    if in_range.is_empty() || matches!(filter.matcher, Matcher::All) {
        return Ok(Pruned { rows: in_range, is_in_range: true });
    }
    let Some(asked) = Asked::new(part)? else { return Ok(Pruned { rows: in_range, is_in_range: true }) };
    let rows = asked.pages(&filter.matcher).rows(&in_range);
    Ok(Pruned { rows, is_in_range: true })
}

/// Pages that may hold matches.
pub enum Pages {
    /// All of them.
    All,
    /// Those for which it is true.
    Some(Vec<bool>),
}

impl Pages {
    /// Those of the rows that lie in the pages.
    pub fn rows(&self, within: &Rows) -> Rows {
        let Self::Some(pages) = self else { return within.clone() };
        let mut rows = Rows::default();
        for page in (0..pages.len()).filter(|page| pages[*page]) {
            within.within(&PartIndex::rows_of(page)).ranges().iter().for_each(|range| rows.push(range.clone()));
        }
        rows
    }

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

/// The filters of a part and what is needed to ask them.
pub struct Asked<'a> {
    part: &'a Part,
    index: Arc<PartIndex>,
    filters: FilterReader,
    schema: SchemaRef,
    overflow: Arc<OverflowFields>,
}

impl<'a> Asked<'a> {
    /// Of the part; `None` when it has no index.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn new(part: &'a Part) -> Result<Option<Self>, StorageError> {
        let (Some(index), Some(filters)) = (part.index()?, part.filters()?) else { return Ok(None) };
        Ok(Some(Self { part, index, filters, schema: part.schema()?, overflow: part.overflow_fields()? }))
    }

    fn none(&self) -> Pages {
        Pages::Some(vec![false; self.index.pages.len()])
    }

    /// Pages that may hold matches of the query.
    pub fn pages(&self, matcher: &Matcher) -> Pages {
        match matcher {
            Matcher::All | Matcher::Not(_) => Pages::All,
            Matcher::Nothing => self.none(),
            Matcher::And(parts) => parts.iter().fold(Pages::All, |pages, part| pages.and(self.pages(part))),
            Matcher::Or(parts) => parts.iter().fold(self.none(), |pages, part| pages.or(self.pages(part))),
            Matcher::Field(field) if is_pseudo(field.field()) => self.pages_of_pseudo(field),
            Matcher::Field(_) | Matcher::FreeText(_) => {
                self.columns(matcher).into_iter().fold(self.none(), |pages, (_, column)| pages.or(column))
            }
        }
    }

    fn pages_of_pseudo(&self, field: &FieldMatcher) -> Pages {
        if let Some(ids) = field.ids() {
            return ids.fold(self.none(), |pages, id| pages.or(self.pages_with_id(id)));
        }
        if field.field() == pseudo_fields::LOG_TYPE {
            let passes = field.matches(Scalar::Text(self.part.meta.log_type.as_str()));
            return if passes { Pages::All } else { self.none() };
        }
        Pages::All
    }

    /// Pages that may hold an event of this id: of its number in the log, or one that was sent so, to an index of a name of its
    /// own too, whose events have longer ids with the same words in them.
    fn pages_with_id(&self, id: &str) -> Pages {
        let sent = match tokens::words(id).as_slice() {
            _ if !self.part.meta.has_ids => self.none(),
            [] => Pages::All,
            words => self.pages_with(column_names::ID, Needle::Words(words)),
        };
        let Some(sequence) = EventId(id.to_owned()).sequence() else { return sent };
        let holds = |page: &PageSpan| (page.min_sequence..=page.max_sequence).contains(&sequence);
        sent.or(Pages::Some(self.index.pages.iter().map(holds).collect()))
    }

    /// The columns that a predicate on a field, or free text, looks at, and the pages in which each may pass; `None`
    /// stands for the overflow. Empty for other queries and for fields that are no columns.
    pub fn columns(&self, predicate: &Matcher) -> Vec<(Option<&str>, Pages)> {
        match predicate {
            Matcher::Field(field) if !is_pseudo(field.field()) => {
                self.covered(field.only_field(), &|name| field.covers(name), field.needle(), |_| true)
            }
            // Of what is no string, only instants were sent as strings.
            Matcher::FreeText(text) => {
                self.covered(None, &|name| text.covers(name), text.needle(), DataType::is_temporal)
            }
            _ => Vec::new(),
        }
    }

    /// `only` is the field if no other is covered; `passes_other` tells types of columns without a filter that may pass.
    fn covered(
        &self,
        only: Option<&str>,
        covers: &dyn Fn(&str) -> bool,
        needle: Needle<'_>,
        passes_other: fn(&DataType) -> bool,
    ) -> Vec<(Option<&str>, Pages)> {
        let mut columns: Vec<(Option<&str>, Pages)> = Vec::new();
        for field in self.schema.fields() {
            let name = field.name().as_str();
            let is_covered = !column_names::is_own(name) && covers(canonical_of(name));
            if is_covered && (self.index.column(name).is_some() || passes_other(field.data_type())) {
                columns.push((Some(name), self.pages_with(name, needle)));
            }
        }
        if self.overflow.may_hold(only, covers, &self.schema) {
            columns.push((None, self.pages_of_overflow(needle, passes_other(&DataType::Float64))));
        }
        columns
    }

    /// Pages whose cells may hold the needle, or any value that is no string if these may pass.
    fn pages_of_overflow(&self, needle: Needle<'_>, passes_other: bool) -> Pages {
        // Filters of parts that were written before there were such are none.
        let with_needle = self.pages_with(column_names::OVERFLOW, needle);
        if passes_other { with_needle.or(self.pages_with_hash(column_names::OVERFLOW, NO_STRING)) } else { with_needle }
    }

    fn pages_with(&self, column: &str, needle: Needle<'_>) -> Pages {
        let Some(known) = self.index.column(column) else { return Pages::All };
        let ask = |text: &str| self.pages_with_hash(column, text);
        let ask_all = |words: &[String]| words.iter().fold(Pages::All, |pages, word| pages.and(ask(word)));
        match (needle, known.hashed) {
            (Needle::Unknown, _) => Pages::All,
            (Needle::Value(value), Hashed::ValuesAndWords) => ask(value),
            (Needle::Value(value), Hashed::Words | Hashed::Cells) => ask_all(&tokens::words(value)),
            (Needle::Words(words), _) => ask_all(words),
        }
    }

    fn pages_with_hash(&self, column: &str, text: &str) -> Pages {
        self.filters.pages_with(column, hash_of(text)).map_or(Pages::All, Pages::Some)
    }
}
