//! Sending and finding events, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use vigie_app::ingest::IngestReport;
use vigie_app::search::{Context, SearchInput, SearchPage, StoreStats};
use vigie_domain::{Error, LogType, Result};

use super::events::HitView;
use super::parameters::{asked_dates, said};
use super::searches::SearchContentView;

/// Events of a page unless the caller says otherwise.
const SIZE_DEFAULT: usize = 50;

/// What became of the records of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IngestAnswer)]
pub struct IngestView {
    /// Stored now.
    pub accepted: u64,
    /// Stored before: their sender's id, or the request's idempotency key, was known.
    pub deduplicated: u64,
    /// Not stored.
    pub rejected: u64,
    /// Let go by the pipeline, as it says.
    pub dropped: u64,
    /// The first 100 rejected lines.
    pub errors: Vec<LineErrorView>,
    /// How safe the accepted events are: `fsync` means that they are on disk.
    #[schema(example = "fsync")]
    pub durability: &'static str,
}

/// A rejected line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineError)]
pub struct LineErrorView {
    /// Its line or number, from 1.
    pub line: u64,
    /// Why, and what to do.
    pub reason: String,
}

impl From<IngestReport> for IngestView {
    fn from(report: IngestReport) -> Self {
        let error = |error: vigie_app::ingest::LineError| LineErrorView { line: error.line, reason: error.reason };
        Self {
            accepted: report.accepted,
            deduplicated: report.deduplicated,
            rejected: report.rejected,
            dropped: report.dropped,
            errors: report.errors.into_iter().map(error).collect(),
            durability: "fsync",
        }
    }
}

/// A search for events.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct SearchRequest {
    /// What to find, such as `level:error AND amount>100`; empty for every event.
    pub query: Option<String>,
    /// Fields and the value, or the values of which one, they must have. Empty values say nothing.
    #[schema(value_type = Option<BTreeMap<String, Json>>, example = json!({"level": ["ERROR", "FATAL"], "service": "payment"}))]
    pub filters: Option<BTreeMap<String, Json>>,
    /// First instant: RFC 3339, `2026-11-23 14:00`, `now-15m` or a UNIX time; all time when left out.
    #[schema(value_type = Option<String>)]
    pub date_from: Option<TimeText>,
    /// First instant past the range, in the same forms.
    #[schema(value_type = Option<String>)]
    pub date_to: Option<TimeText>,
    /// Events of the page, 50 unless said, at most 1,000.
    pub size: Option<usize>,
    /// Events left out before the page, at most 10,000.
    pub from: Option<usize>,
    /// Latest first, or earliest first.
    pub sort: Option<SortText>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Whether to answer snippets with what was searched for.
    pub highlight: Option<bool>,
    /// Sent when a person runs a search, and not when a page asks again by itself: what they typed, to be kept among their
    /// recent searches. Says nothing from callers who may not keep searches.
    pub remember: Option<SearchContentView>,
}

/// Time order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SortText {
    /// Latest first.
    #[default]
    #[serde(alias = "desc")]
    Newest,
    /// Earliest first.
    #[serde(alias = "asc")]
    Oldest,
}

/// A time as people write it; UNIX times may also be numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum TimeText {
    /// In words.
    Text(String),
    /// A UNIX time.
    Number(serde_json::Number),
}

impl From<TimeText> for String {
    fn from(time: TimeText) -> Self {
        match time {
            TimeText::Text(text) => text,
            TimeText::Number(number) => number.to_string(),
        }
    }
}

impl SearchRequest {
    /// What is asked of the use case.
    ///
    /// # Errors
    /// `Invalid` when a filter is neither a value nor a list of values.
    pub fn into_input(self) -> Result<SearchInput> {
        Ok(SearchInput {
            query: self.query.unwrap_or_default(),
            filters: read_filters(self.filters.unwrap_or_default())?,
            range: asked_dates(self.date_from, self.date_to),
            size: self.size.unwrap_or(SIZE_DEFAULT),
            from: self.from.unwrap_or_default(),
            oldest_first: self.sort == Some(SortText::Oldest),
            cursor: said(self.cursor),
            highlight: self.highlight.unwrap_or_default(),
        })
    }
}

/// The filters that say something.
///
/// # Errors
/// `Invalid` when a filter is neither a value nor a list of values.
pub fn read_filters(asked: BTreeMap<String, Json>) -> Result<BTreeMap<String, Vec<String>>> {
    let mut filters = BTreeMap::new();
    for (field, filter) in asked {
        let values = filter_values(&field, &filter)?;
        if !values.is_empty() {
            filters.insert(field, values);
        }
    }
    Ok(filters)
}

/// The values of a filter; none when it says nothing.
fn filter_values(field: &str, filter: &Json) -> Result<Vec<String>> {
    let one = |value: &Json| match value {
        Json::Null => Ok(None),
        Json::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Json::Bool(flag) => Ok(Some(flag.to_string())),
        Json::Number(number) => Ok(Some(number.to_string())),
        Json::Array(_) | Json::Object(_) => {
            let message = format!("the filter \"{field}\" must be a value or a list of values");
            Err(Error::invalid_field(format!("filters.{field}"), message))
        }
    };
    match filter {
        Json::Array(values) => values.iter().filter_map(|value| one(value).transpose()).collect(),
        value => Ok(one(value)?.into_iter().collect()),
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchAnswer)]
pub struct SearchView {
    /// The events, in the order asked for.
    pub hits: Vec<HitView>,
    /// How many match in all, exactly.
    pub total: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Rows that were looked at.
    pub rows_scanned: u64,
    /// Bytes of files that were decoded.
    pub bytes_read: u64,
    /// Whether the answer was remembered from before.
    pub cached: bool,
    /// For `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl SearchView {
    /// The page as it is answered.
    pub fn new(page: SearchPage, is_highlighted: bool, took_ms: u64) -> Self {
        let view = |found: vigie_app::search::Found| {
            if is_highlighted { HitView::highlighted(found) } else { found.hit.into() }
        };
        Self {
            hits: page.hits.into_iter().map(view).collect(),
            total: page.total,
            took_ms,
            rows_scanned: page.stats.rows_scanned,
            bytes_read: page.stats.bytes_read,
            cached: false,
            next_cursor: page.next_cursor,
        }
    }
}

/// An event and its neighbours in time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventContext)]
pub struct ContextView {
    /// Those before, earliest first.
    pub before: Vec<HitView>,
    /// The event.
    pub event: HitView,
    /// Those after, earliest first.
    pub after: Vec<HitView>,
}

impl From<Context> for ContextView {
    fn from(context: Context) -> Self {
        Self {
            before: context.before.into_iter().map(HitView::from).collect(),
            event: context.event.into(),
            after: context.after.into_iter().map(HitView::from).collect(),
        }
    }
}

/// A log type and its events.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TypeCount)]
pub struct TypeCountView {
    /// The log type.
    #[schema(example = "transaction")]
    pub log_type: String,
    /// Its events.
    pub count: u64,
}

impl From<(LogType, u64)> for TypeCountView {
    fn from((log_type, count): (LogType, u64)) -> Self {
        Self { log_type: log_type.to_string(), count }
    }
}

/// Events of each log type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TypesAnswer)]
pub struct TypesView {
    /// Every log type.
    pub types: Vec<TypeCountView>,
}

/// The latest events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecentAnswer)]
pub struct RecentView {
    /// The events, latest first.
    pub logs: Vec<HitView>,
    /// How many these are.
    pub count: usize,
    /// How many there are in all, exactly.
    pub total: u64,
    /// For `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// What the store holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreStats)]
pub struct StoreStatsView {
    /// Events in all.
    pub total_logs: u64,
    /// What they take.
    pub bytes_on_disk: u64,
    /// Events of each log type.
    pub by_type: Vec<TypeCountView>,
    /// The daily indices, oldest first.
    pub indices: Vec<IndexView>,
    /// The first event's time.
    #[schema(format = DateTime)]
    pub first_timestamp: Option<String>,
    /// The last event's time.
    #[schema(format = DateTime)]
    pub last_timestamp: Option<String>,
}

/// One daily index.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Index)]
pub struct IndexView {
    /// Its name.
    #[schema(example = "ecommerce-logs-2026.11.23")]
    pub name: String,
    /// Its UTC day.
    #[schema(example = "2026-11-23")]
    pub day: String,
    /// Its events.
    pub count: u64,
    /// What it takes on disk.
    pub bytes: u64,
}

impl From<StoreStats> for StoreStatsView {
    fn from(stats: StoreStats) -> Self {
        let index = |index: &vigie_domain::ports::IndexInfo| IndexView {
            name: index.day.index_name(),
            day: index.day.to_string().replace('.', "-"),
            count: index.events_count(),
            bytes: index.bytes(),
        };
        let indices: Vec<IndexView> = stats.indices.iter().map(index).collect();
        Self {
            total_logs: indices.iter().map(|index| index.count).sum(),
            bytes_on_disk: indices.iter().map(|index| index.bytes).sum(),
            by_type: stats.by_type().into_iter().map(TypeCountView::from).collect(),
            indices,
            first_timestamp: stats.first.map(|at| at.to_string()),
            last_timestamp: stats.last.map(|at| at.to_string()),
        }
    }
}

/// Services that sent events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServicesAnswer)]
pub struct ServicesView {
    /// Busiest first.
    pub services: Vec<ServiceCountView>,
}

/// A service and its events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceCount)]
pub struct ServiceCountView {
    /// Its name.
    pub service: String,
    /// Its events.
    pub count: u64,
}

impl From<(String, u64)> for ServiceCountView {
    fn from((service, count): (String, u64)) -> Self {
        Self { service, count }
    }
}
