//! What a search asks for, as it was typed, and its bounds.

use serde::{Deserialize, Serialize};
use vigie_domain::{Error, Result, Timestamp};
use vigie_pipeline::Redactor;

use crate::search::parse_query;

/// Longest query, in characters.
const QUERY_CHARS_MAX: usize = 8_000;
/// Filters of a search.
const FILTERS_MAX: usize = 50;
/// Longest value of a filter, in characters.
const VALUE_CHARS_MAX: usize = 2_000;
/// Columns of a table.
const COLUMNS_MAX: usize = 50;
/// Longest name of a field, in characters.
const FIELD_CHARS_MAX: usize = 512;
/// Longest text of a time, in characters.
const TIME_CHARS_MAX: usize = 100;
/// Widest column, in pixels.
const WIDTH_PX_MAX: u32 = 4_000;

/// What a search asks for, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchContent {
    /// The query.
    pub query: String,
    /// Filters beside it, in the order shown.
    pub filters: Vec<KeptFilter>,
    /// Columns of the table, in order; `None` leaves them as they are.
    pub columns: Option<Vec<KeptColumn>>,
    /// Earliest first instead of latest first.
    pub oldest_first: bool,
    /// First instant, such as `now-15m`; `None` leaves it as it is.
    pub from: Option<String>,
    /// First instant past the range.
    pub to: Option<String>,
}

/// A filter beside the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFilter {
    /// The field.
    pub field: String,
    /// The value that it has; `None` asks only whether it is there.
    pub value: Option<String>,
    /// Whether the opposite is asked.
    pub negated: bool,
    /// Whether it is kept but asks nothing now.
    pub disabled: bool,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptColumn {
    /// The field.
    pub field: String,
    /// Its width in pixels; `None` lets the layout choose.
    pub width_px: Option<u32>,
}

impl SearchContent {
    /// The content, tidied and within its bounds; the query can be read at `now`.
    ///
    /// # Errors
    /// `Malformed` when the query cannot be read, `Invalid` when a bound is exceeded; details name the place.
    pub(super) fn checked(mut self, now: Timestamp) -> Result<Self> {
        self.query = self.query.trim().to_owned();
        check_chars("query", &self.query, QUERY_CHARS_MAX)?;
        parse_query(&self.query, now)?;
        check_count("filters", self.filters.len(), FILTERS_MAX)?;
        for filter in &self.filters {
            check_field("filters", &filter.field)?;
            check_chars("filters", filter.value.as_deref().unwrap_or_default(), VALUE_CHARS_MAX)?;
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        check_count("columns", columns.len(), COLUMNS_MAX)?;
        for column in columns {
            check_field("columns", &column.field)?;
            if let Some(width) = column.width_px.filter(|width| *width > WIDTH_PX_MAX) {
                let message = format!("a column is {width} pixels wide; {WIDTH_PX_MAX} are the most");
                return Err(Error::invalid_field("columns", message));
            }
        }
        for (name, time) in [("from", &self.from), ("to", &self.to)] {
            check_chars(name, time.as_deref().unwrap_or_default(), TIME_CHARS_MAX)?;
        }
        Ok(self)
    }

    /// Whether it holds what may never be stored, such as a card number.
    pub(super) fn holds_secret(&self, redactor: &Redactor) -> bool {
        let values = self.filters.iter().filter_map(|filter| filter.value.as_deref());
        std::iter::once(self.query.as_str()).chain(values).any(|text| redactor.finds_secret(text))
    }

    /// Whether it finds every event, and so is not worth remembering.
    pub(super) fn asks_nothing(&self) -> bool {
        self.query.is_empty() && self.filters.is_empty()
    }

    /// Whether both find the same events of any one range.
    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        self.query == other.query && self.filters == other.filters
    }
}

fn check_chars(field: &str, text: &str, chars_max: usize) -> Result<()> {
    if text.chars().nth(chars_max).is_none() {
        return Ok(());
    }
    let message = format!("a text of \"{field}\" has more than {chars_max} characters; shorten it");
    Err(Error::invalid_field(field, message))
}

fn check_count(field: &str, count: usize, count_max: usize) -> Result<()> {
    if count <= count_max {
        return Ok(());
    }
    let message = format!("\"{field}\" has {count} entries; at most {count_max} can be kept, leave some out");
    Err(Error::invalid_field(field, message))
}

fn check_field(list: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid_field(
            list,
            format!("an entry of \"{list}\" names no field; name one or leave it out"),
        ));
    }
    check_chars(list, name, FIELD_CHARS_MAX)
}
