//! Finding events: what was typed becomes a query, a page of events comes back.

mod aggregate;
#[cfg(test)]
mod aggregate_tests;
mod cursor;
mod differences;
mod export;
mod facets;
mod fields;
mod highlight;
mod patterns;
mod sql;
mod tailing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use vigie_domain::aggregation::{Aggregation, AggregationAnswer};
use vigie_domain::error::ErrorDetail;
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{
    AggregateRequest, Fields, Hit, IndexInfo, LogStore, ScanStats, SearchRequest, Selection, SortOrder, SqlStore,
};
use vigie_domain::query::{self, Query};
use vigie_domain::{Error, EventId, LogType, Result, Scope, TimeRange, Timestamp, Value, mapping};

use crate::Clock;
use crate::time_range::AskedRange;

pub use aggregate::{AggregateInput, Aggregated, AskedKind, AskedQuestion};
pub use differences::{
    Against, DIFFERENCES_DEFAULT, DIFFERENCES_FIELDS_MAX, DIFFERENCES_MAX, Difference, Differences, DifferencesInput,
};
pub use export::{Export, ExportInput};
pub use facets::{
    FACET_VALUES_DEFAULT, FACET_VALUES_MAX, FACETS_MAX, Facet, FacetInput, Facets, FieldStats, NumberStats,
};
pub use fields::{FieldView, Suggestion, SuggestionKind, Validation, ValueCount, ValuesPage, kind_name};
pub(crate) use highlight::Marks;
pub use highlight::{HIGHLIGHT_END, HIGHLIGHT_START};
pub use patterns::{PATTERNS_DEFAULT, PATTERNS_MAX, Pattern, Patterns, PatternsInput};
pub use sql::{SQL_ROWS_DEFAULT, SQL_ROWS_MAX};

/// Events of a page.
pub const SIZE_MAX: usize = 1_000;
/// Events that may be left out before a page; further pages go by cursor.
pub const FROM_MAX: usize = 10_000;
/// Events shown before and after another.
pub const CONTEXT_MAX: usize = 200;
/// Services listed.
const SERVICES_MAX: usize = 1_000;

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct SearchInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// Fields and the values of which an event must have one.
    pub filters: BTreeMap<String, Vec<String>>,
    /// The events' own time.
    pub range: AskedRange,
    /// Events of the page.
    pub size: usize,
    /// Events left out before.
    pub from: usize,
    /// Earliest first instead of latest first.
    pub oldest_first: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Whether to say where the words were found.
    pub highlight: bool,
}

/// An event found, and where its words are.
#[derive(Clone, Debug)]
pub struct Found {
    /// The event.
    pub hit: Hit,
    /// Snippets by field.
    pub highlight: BTreeMap<String, Vec<String>>,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct SearchPage {
    /// The events.
    pub hits: Vec<Found>,
    /// How many match in all.
    pub total: u64,
    /// What it cost.
    pub stats: ScanStats,
    /// Asks for the next page; `None` on the last.
    pub next_cursor: Option<String>,
}

/// An event and its neighbours in time.
#[derive(Clone, Debug)]
pub struct Context {
    /// Those before, earliest first.
    pub before: Vec<Hit>,
    /// The event.
    pub event: Hit,
    /// Those after, earliest first.
    pub after: Vec<Hit>,
}

/// What the store holds.
#[derive(Clone, Debug)]
pub struct StoreStats {
    /// Daily indices, oldest first.
    pub indices: Vec<IndexInfo>,
    /// The first event's time.
    pub first: Option<Timestamp>,
    /// The last event's time.
    pub last: Option<Timestamp>,
}

impl StoreStats {
    /// Events of each log type.
    pub fn by_type(&self) -> Vec<(LogType, u64)> {
        by_type(&self.indices)
    }
}

/// The event with this id, or the newest that its sender called so in an index of another name.
///
/// # Errors
/// What the store answers.
pub(crate) async fn event_of(store: &dyn LogStore, scope: &Scope, id: &str) -> Result<Option<Hit>> {
    let exact = EventId(id.to_owned());
    let found = store.get(scope, &exact).await?;
    if found.is_some() || exact.is_made() {
        return Ok(found);
    }
    let selection = Selection { query: Query::equals(pseudo_fields::ID, id), range: TimeRange::ALL };
    let order = SortOrder::NewestFirst;
    let request =
        SearchRequest { selection, order, after: None, skip: 0, limit: 1, count_total: false, fields: Fields::All };
    Ok(store.search(scope, &request).await?.hits.into_iter().next())
}

fn no_event(id: &str) -> Error {
    Error::not_found(format!("there is no event \"{id}\""))
}

fn by_type(indices: &[IndexInfo]) -> Vec<(LogType, u64)> {
    let count = |log_type: LogType| {
        let segments = indices.iter().flat_map(|index| &index.segments);
        segments.filter(|segment| segment.log_type == log_type).map(|segment| segment.events_count).sum()
    };
    LogType::ALL.into_iter().map(|log_type| (log_type, count(log_type))).collect()
}

/// Finds events.
pub struct Search {
    store: Arc<dyn LogStore>,
    sql: Option<Arc<dyn SqlStore>>,
    exports: Arc<Semaphore>,
    clock: Clock,
}

impl Search {
    /// Over this store.
    pub fn new(store: Arc<dyn LogStore>, clock: Clock) -> Self {
        Self { store, sql: None, exports: export::room(), clock }
    }

    /// The same, also by SQL.
    #[must_use]
    pub fn with_sql(mut self, sql: Option<Arc<dyn SqlStore>>) -> Self {
        self.sql = sql;
        self
    }

    /// The selection that a typed query and a range mean now.
    ///
    /// # Errors
    /// `Malformed` when the query or a time cannot be read; details name the place.
    pub fn selection(&self, query: &str, range: &AskedRange, default_ns: Option<i64>) -> Result<Selection> {
        let now = (self.clock)();
        Ok(Selection { query: parse_query(query, now)?, range: range.resolve(now, default_ns)? })
    }

    /// The selection that a typed query, filters and a range of all time unless said mean now.
    fn selection_within(
        &self,
        query: &str,
        filters: &BTreeMap<String, Vec<String>>,
        range: &AskedRange,
    ) -> Result<Selection> {
        let mut selection = self.selection(query, range, None)?;
        for (field, values) in filters {
            selection.query = selection.query.and(any_of(field, values)?);
            if let Some(words) = selection.query.cost().excess() {
                let message = format!("the query has too much to decide with the filter \"{field}\": {words}");
                return Err(Error::invalid_field(format!("filters.{field}"), message));
            }
        }
        Ok(selection)
    }

    /// A page of events.
    ///
    /// # Errors
    /// `Malformed` when query, time or cursor cannot be read; `Invalid` when the page is too large or too deep.
    pub async fn search(&self, scope: &Scope, input: &SearchInput) -> Result<SearchPage> {
        check_page(input)?;
        let selection = self.selection_within(&input.query, &input.filters, &input.range)?;
        let order = if input.oldest_first { SortOrder::OldestFirst } else { SortOrder::NewestFirst };
        let after = input.cursor.as_deref().map(|cursor| cursor::read(cursor, order)).transpose()?;
        let query = selection.query.clone();
        // One event more than the page holds tells whether there is a next page.
        let limit = if input.size == 0 { 0 } else { input.size + 1 };
        let request =
            SearchRequest { selection, order, after, skip: input.from, limit, count_total: true, fields: Fields::All };
        let mut result = self.store.search(scope, &request).await?;
        let has_more = result.hits.len() > input.size;
        result.hits.truncate(input.size);
        let next_cursor = result.hits.last().filter(|_| has_more).map(|last| cursor::write(last.position, order));
        let marks = input.highlight.then(|| Marks::of(&query));
        let found = |hit: Hit| {
            let highlight = marks.as_ref().map(|marks| marks.snippets(&hit.source)).unwrap_or_default();
            Found { hit, highlight }
        };
        Ok(SearchPage {
            total: result.total.unwrap_or_default(),
            stats: result.stats,
            next_cursor,
            hits: result.hits.into_iter().map(found).collect(),
        })
    }

    /// The event with this id, or the newest that its sender called so in an index of another name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn get(&self, scope: &Scope, id: &str) -> Result<Hit> {
        event_of(&*self.store, scope, id).await?.ok_or_else(|| no_event(id))
    }

    /// The event with this id and its neighbours in time, also those of the same instant.
    ///
    /// # Errors
    /// `NotFound` when there is no such event; `Invalid` when too many neighbours are asked for.
    pub async fn context(&self, scope: &Scope, id: &str, before: usize, after: usize) -> Result<Context> {
        for (parameter, count) in [("before", before), ("after", after)] {
            if count > CONTEXT_MAX {
                let message = format!("\"{parameter}\" is {count}; at most {CONTEXT_MAX} events can be shown");
                return Err(Error::invalid_field(parameter, message));
            }
        }
        let event = self.get(scope, id).await?;
        let neighbours = |order: SortOrder, limit: usize| SearchRequest {
            selection: Selection { query: Query::All, range: TimeRange::ALL },
            order,
            after: Some(event.position),
            skip: 0,
            limit,
            count_total: false,
            fields: Fields::All,
        };
        let mut earlier = self.store.search(scope, &neighbours(SortOrder::NewestFirst, before)).await?.hits;
        earlier.reverse();
        let later = self.store.search(scope, &neighbours(SortOrder::OldestFirst, after)).await?.hits;
        Ok(Context { before: earlier, event, after: later })
    }

    /// A page of the latest events, of one log type if asked; `cursor` is where the page before ended.
    ///
    /// # Errors
    /// `Malformed` when the cursor cannot be read; `Invalid` when the page is too large.
    pub async fn recent(
        &self,
        scope: &Scope,
        log_type: Option<LogType>,
        (limit, cursor): (usize, Option<String>),
    ) -> Result<SearchPage> {
        if limit > SIZE_MAX {
            let message = format!("\"limit\" is {limit}, at most {SIZE_MAX} events fit on a page");
            return Err(Error::invalid_field("limit", message));
        }
        let filters = log_type.map(|log_type| ("log_type".to_owned(), vec![log_type.as_str().to_owned()]));
        let filters = filters.into_iter().collect();
        self.search(scope, &SearchInput { filters, size: limit, cursor, ..SearchInput::default() }).await
    }

    /// Events of each log type, all of time.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn types(&self, scope: &Scope) -> Result<Vec<(LogType, u64)>> {
        Ok(by_type(&self.store.indices(scope).await?))
    }

    /// Services and their events within the range.
    ///
    /// # Errors
    /// When a time cannot be read.
    pub async fn services(&self, scope: &Scope, range: &AskedRange) -> Result<Vec<(String, u64)>> {
        let range = range.resolve((self.clock)(), None)?;
        let counts = self.terms(scope, "service", range, SERVICES_MAX).await?;
        Ok(counts.into_iter().filter_map(|(value, count)| Some((value.as_text()?.to_owned(), count))).collect())
    }

    /// The daily indices with events that the scope may see, oldest first.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>> {
        self.store.indices(scope).await
    }

    /// What the store holds.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn stats(&self, scope: &Scope) -> Result<StoreStats> {
        let indices = self.store.indices(scope).await?;
        Ok(StoreStats {
            indices,
            first: self.edge(scope, SortOrder::OldestFirst).await?,
            last: self.edge(scope, SortOrder::NewestFirst).await?,
        })
    }

    async fn edge(&self, scope: &Scope, order: SortOrder) -> Result<Option<Timestamp>> {
        let request = SearchRequest {
            selection: Selection { query: Query::All, range: TimeRange::ALL },
            order,
            after: None,
            skip: 0,
            limit: 1,
            count_total: false,
            fields: Fields::All,
        };
        let result = self.store.search(scope, &request).await?;
        Ok(result.hits.first().map(|hit| hit.position.timestamp))
    }

    async fn terms(&self, scope: &Scope, field: &str, range: TimeRange, size: usize) -> Result<Vec<(Value, u64)>> {
        let request = AggregateRequest {
            selection: Selection { query: Query::All, range },
            aggregations: vec![Aggregation::terms("values", field, size)],
        };
        let result = self.store.aggregate(scope, &request).await?;
        match result.answer("values") {
            Some(AggregationAnswer::Buckets { buckets, .. }) => {
                Ok(buckets.iter().map(|bucket| (bucket.key.clone(), bucket.count)).collect())
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Reads what was typed; relative times in it become instants.
///
/// # Errors
/// `Malformed`; the detail names the field `query` and the bytes concerned.
pub fn parse_query(text: &str, now: Timestamp) -> Result<Query> {
    let malformed = |message: String, span: Option<(usize, usize)>| {
        let detail = ErrorDetail { field: "query".into(), span, message: message.clone() };
        Error::malformed(format!("the query cannot be read: {message}")).with_detail(detail)
    };
    let query = query::parse(text).map_err(|error| malformed(error.message, Some(error.span)))?;
    query.resolved(now).map_err(|error| {
        let start = text.find(&error.0);
        malformed(error.to_string(), start.map(|start| (start, start + error.0.len())))
    })
}

/// Events of which the field has one of the values.
fn any_of(field: &str, values: &[String]) -> Result<Query> {
    let canonical = mapping::canonical(field);
    let mut equal = values.iter().map(|value| Query::equals(canonical, value.as_str()));
    match (equal.next(), equal.next()) {
        (None, _) => {
            Err(Error::malformed_field(format!("filters.{field}"), format!("the filter \"{field}\" names no value")))
        }
        (Some(only), None) => Ok(only),
        (Some(first), Some(second)) => Ok(Query::Or([first, second].into_iter().chain(equal).collect())),
    }
}

fn check_page(input: &SearchInput) -> Result<()> {
    let invalid = |field: &str, message: String| Err(Error::invalid_field(field, message));
    if input.size > SIZE_MAX {
        return invalid("size", format!("\"size\" is {}, at most {SIZE_MAX} events fit on a page", input.size));
    }
    if input.from > FROM_MAX {
        return invalid("from", format!("\"from\" is {}, at most {FROM_MAX}; go further with \"cursor\"", input.from));
    }
    if input.cursor.is_some() && input.from > 0 {
        return invalid("from", "\"from\" and \"cursor\" exclude each other; leave one out".into());
    }
    Ok(())
}
