//! Where events are kept and asked for.

use std::sync::Arc;

use async_trait::async_trait;

use crate::aggregation::{Aggregation, AggregationAnswer};
use crate::error::{Error, Result};
use crate::event::{EventId, Position, complete};
use crate::event_batch::{EventBatch, for_each_leaf, insert_leaf};
use crate::log_type::LogType;
use crate::mapping::{self, FieldKind};
use crate::query::Query;
use crate::scope::Scope;
use crate::time::{Day, TimeRange, Timestamp};
use crate::value::{Object, Value};

/// Keeps events durably and answers questions about them. Dropping the future of a question stops the work for it.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Stores the events; when it returns, they are durable and every later search sees them.
    ///
    /// All or none of a batch is stored. A batch whose key was stored before, and an event whose
    /// sender's id was stored within the last 24 h, is not stored again.
    ///
    /// # Errors
    /// `DiskFull` before the disk is; `Unavailable` once the log could not be synced.
    async fn append(&self, scope: &Scope, batch: Append) -> Result<AppendOutcome>;

    /// Removes the events that match, for good, and says how many they were. When it returns no later search sees them, nothing of
    /// them is left in the store's files, and what a sender called them may be stored again.
    ///
    /// Every event is meant that was stored before this was asked; of those that are stored meanwhile, some may go too. It takes as
    /// long as it takes, and when it fails or its future is dropped some of them may be gone.
    ///
    /// # Errors
    /// `Conflict` for events that lie in an index that is held, of which then none is removed; `DiskFull` when there is no room to
    /// write again what stays; else as `search`.
    async fn delete(&self, scope: &Scope, selection: &Selection) -> Result<u64>;

    /// The events that match, in time order.
    ///
    /// # Errors
    /// `TooLarge` when a stated bound is exceeded; `TimedOut` when it takes longer than it may; `Unavailable` when others
    /// hold the memory that there is.
    async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchResult>;

    /// The same events as `search` finds, as lines of JSON with all of their fields, for whoever only passes them on.
    ///
    /// A store that can write them without making values of them does so.
    ///
    /// # Errors
    /// As `search`.
    async fn lines(&self, scope: &Scope, request: &SearchRequest) -> Result<Lines> {
        let whole = SearchRequest { fields: Fields::All, ..request.clone() };
        Lines::of(self.search(scope, &whole).await?.hits)
    }

    /// Answers to aggregation questions over the events that match.
    ///
    /// # Errors
    /// `TooLarge` when the answers have more than `aggregation::BUCKETS_MAX` buckets; else as `search`.
    async fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<AggregateResult>;

    /// The event with this id.
    ///
    /// # Errors
    /// `Internal` when its bytes are damaged.
    async fn get(&self, scope: &Scope, id: &EventId) -> Result<Option<Hit>>;

    /// The events at these places, in their order; those that are gone or may not be seen are left out.
    ///
    /// A store that can read several at once does so; this asks for one after the other.
    ///
    /// # Errors
    /// As `search`.
    async fn at(&self, scope: &Scope, positions: &[Position]) -> Result<Vec<Hit>> {
        let mut hits = Vec::with_capacity(positions.len());
        for position in positions {
            let range = TimeRange { from: position.timestamp, to: position.timestamp.saturating_add_nanos(1) };
            let before = |sequence| Position { timestamp: position.timestamp, sequence };
            let request = SearchRequest {
                selection: Selection { query: Query::All, range },
                order: SortOrder::OldestFirst,
                after: position.sequence.checked_sub(1).map(before),
                skip: 0,
                limit: 1,
                count_total: false,
                fields: Fields::All,
            };
            let found = self.search(scope, &request).await?.hits.pop();
            hits.extend(found.filter(|hit| hit.position == *position));
        }
        Ok(hits)
    }

    /// Every field that events within the range have, by name.
    ///
    /// # Errors
    /// `Internal` when a part cannot be read.
    async fn fields(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FieldInfo>>;

    /// The daily indices with events that the scope may see, oldest first.
    ///
    /// # Errors
    /// As `search`; without a restriction no part is read.
    async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>>;
}

/// Events to be stored together.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// Names this batch; sending it again stores nothing.
    pub key: Option<String>,
    /// The events, in order of arrival.
    pub events: EventBatch,
}

/// What became of a batch: `stored` and those in `known` are the events sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendOutcome {
    /// Events stored now.
    pub stored: usize,
    /// Number of the first of them; those behind it have the numbers that follow. Meaningless when none was stored.
    pub first_sequence: u64,
    /// Places in the batch, ascending, of events that were not stored because they were before.
    pub known: Vec<usize>,
}

impl AppendOutcome {
    /// That of a batch whose events were all stored before.
    pub fn all_known(sent: usize) -> Self {
        Self { known: (0..sent).collect(), ..Self::default() }
    }

    /// Events that were stored before.
    pub const fn deduplicated(&self) -> usize {
        self.known.len()
    }
}

/// Which events are meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// What they must match. Relative times in it have been resolved.
    pub query: Query,
    /// Their own time.
    pub range: TimeRange,
}

/// Time order of hits; ties are in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// Latest first.
    NewestFirst,
    /// Earliest first.
    OldestFirst,
}

/// Fields of events that a caller needs: what is not needed is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// All of them: events as they were sent.
    #[default]
    All,
    /// Those with these canonical names, and what lies above and below them, under the names by which they were sent.
    Only(Arc<[String]>),
}

impl Fields {
    /// Those with these canonical names.
    pub fn only<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        // A list of objects is one value, whose name is known by another one only together with a name within it.
        let aliases = mapping::FIELD_ALIASES.iter().filter(|(canonical, _)| names.iter().any(|name| name == canonical));
        let within = aliases.flat_map(|(_, aliases)| *aliases).filter(|alias| alias.contains('.'));
        let within: Vec<String> = within.map(|alias| (*alias).to_owned()).collect();
        names.extend(within);
        Self::Only(names.into())
    }

    /// Whether a value with that canonical name is needed.
    pub fn has(&self, canonical: &str) -> bool {
        let is_below = |below: &str, above: &str| {
            below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| is_below(canonical, name) || is_below(name, canonical)),
        }
    }

    /// A source with these fields alone.
    #[must_use]
    pub fn of(&self, source: Object) -> Object {
        if *self == Self::All {
            return source;
        }
        let mut kept = Object::new();
        for_each_leaf(&source, &mut |above, name, value| {
            let path = above.iter().copied().chain([name]).collect::<Vec<_>>().join(".");
            if self.has(mapping::canonical(&path)) {
                insert_leaf(&mut kept, above, name, value.clone());
            }
            true
        });
        kept
    }
}

/// A search for events.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRequest {
    /// Which events.
    pub selection: Selection,
    /// In which order.
    pub order: SortOrder,
    /// Only those strictly after this position, in that order.
    pub after: Option<Position>,
    /// How many to leave out first.
    pub skip: usize,
    /// How many at most.
    pub limit: usize,
    /// Whether `SearchResult::total` is needed; without it, reading stops once the page is full.
    pub count_total: bool,
    /// Which fields `Hit::source` has.
    pub fields: Fields,
}

/// One event found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its id.
    pub id: EventId,
    /// Its place in time order.
    pub position: Position,
    /// When it was accepted.
    pub ingested_at: Timestamp,
    /// Its log type.
    pub log_type: LogType,
    /// The event as it was sent, with what the pipeline added.
    pub source: Object,
}

/// Events as lines of JSON: each as it was sent, with its time and its log type where these were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The lines, each with its end, in texts one behind the other.
    pub texts: Vec<Vec<u8>>,
    /// How many.
    pub count: usize,
    /// The place of the last of them.
    pub last: Option<Position>,
}

impl Lines {
    /// The lines of these events.
    ///
    /// # Errors
    /// `Internal` when a value cannot be written as JSON.
    pub fn of(hits: Vec<Hit>) -> Result<Self> {
        let (count, last) = (hits.len(), hits.last().map(|hit| hit.position));
        let mut text = Vec::new();
        for hit in hits {
            let mut source = hit.source;
            complete(&mut source, hit.position.timestamp, hit.log_type);
            serde_json::to_writer(&mut text, &Value::Object(source)).map_err(|error| Self::unwritable(&error))?;
            text.push(b'\n');
        }
        Ok(Self { texts: vec![text], count, last })
    }

    /// What is answered when a value cannot be written.
    pub fn unwritable(error: &serde_json::Error) -> Error {
        Error::internal(format!("an event cannot be written as JSON: {error}"))
    }
}

/// What a question cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanStats {
    /// Rows looked at.
    pub rows_scanned: u64,
    /// Bytes of files decoded.
    pub bytes_read: u64,
}

/// What questions cost, for whoever watches a store that counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryNumbers {
    /// Bytes that questions under way hold.
    pub held_bytes: usize,
    /// Bytes of partial answers that are kept.
    pub kept_bytes: usize,
    /// How often a partial answer was kept when it was asked for.
    pub kept_hits: u64,
    /// How often it was not.
    pub kept_misses: u64,
    /// How many had to go for others.
    pub kept_evictions: u64,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResult {
    /// The events, in the order asked for.
    pub hits: Vec<Hit>,
    /// How many match in all, whatever `after`, `skip` and `limit` say; `None` unless asked for.
    pub total: Option<u64>,
    /// What it cost.
    pub stats: ScanStats,
}

/// Questions about the events that match.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateRequest {
    /// Which events.
    pub selection: Selection,
    /// The questions.
    pub aggregations: Vec<Aggregation>,
}

/// Answers about the events that match.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateResult {
    /// How many match.
    pub total: u64,
    /// Answers by name, in the order asked.
    pub answers: Vec<(String, AggregationAnswer)>,
    /// What it cost.
    pub stats: ScanStats,
}

impl AggregateResult {
    /// The answer of that name.
    pub fn answer(&self, name: &str) -> Option<&AggregationAnswer> {
        self.answers.iter().find(|(asked, _)| asked == name).map(|(_, answer)| answer)
    }
}

/// A field that events have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Canonical name.
    pub name: String,
    /// Kind of its values; of a dynamic field, the most common one.
    pub kind: FieldKind,
    /// Log types whose events have it.
    pub log_types: Vec<LogType>,
}

/// One daily index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexInfo {
    /// The UTC day of its events.
    pub day: Day,
    /// What holds its events; those that hold none which the scope may see are left out.
    pub segments: Vec<SegmentInfo>,
}

impl IndexInfo {
    /// How many events the scope may see.
    pub fn events_count(&self) -> u64 {
        self.segments.iter().map(|segment| segment.events_count).sum()
    }

    /// Bytes on disk of what holds them.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().filter_map(|segment| segment.bytes).sum()
    }
}

/// Events of one log type of a day that lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Their log type.
    pub log_type: LogType,
    /// How many of them the scope may see.
    pub events_count: u64,
    /// Bytes on disk, of all of its events; `None` for those in memory, whose log is on disk.
    pub bytes: Option<u64>,
}
