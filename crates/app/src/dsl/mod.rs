//! Elasticsearch's search: its bodies become the questions that everybody else asks, and the answers its shape.
//!
//! Nothing is passed over that would change which events are found or counted: what is not there is refused and named. Hits come in
//! time order, since events have no score.

mod aggregation;
mod answer;
mod answering;
mod auto_spans;
mod body;
mod bucket_formula;
#[cfg(test)]
mod bucket_tests;
mod collapse;
mod composite;
mod cursor;
mod deletion;
mod document;
mod field_types;
mod fields;
mod formula;
mod held_fields;
mod histogram;
#[cfg(test)]
mod hit_tests;
mod hits;
mod indices;
mod instants;
mod intervals;
mod look;
mod look_up;
#[cfg(test)]
mod mapped_tests;
mod meant;
mod metrics;
mod named;
mod numbers;
mod patterns;
mod pipeline_answers;
mod pipelines;
mod place;
mod query;
mod ranges;
mod sampler;
mod shape;
mod significant;
mod sort;
mod source;
mod spans;
mod terms;
mod terms_lookup;
#[cfg(test)]
mod tests;
mod text_intervals;
mod top_hits;
mod top_metrics;
mod typed_keys;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::{Aggregation, AggregationAnswer};
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{AggregateRequest, Fields, LogStore, SearchRequest, Selection};
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::time::parse_instant;
use vigie_domain::{Error, ErrorKind, Position, Result, Scope, TimeRange, Timestamp};

use crate::Clock;
use crate::kept_indices::Names;
use crate::kept_objects::KeptObjects;
use aggregation::Reader;
use cursor::{PointInTime, Scroll, decode, encode};
use hits::{Hits, shown};
use meant::Meant;
use place::Place;
use sort::After;

pub use body::WINDOW_MAX;
pub use deletion::DocumentFate;
pub use document::{document, index_of};
pub use field_types::{FieldTypes, is_applied};
pub use look::{Looked, several_indices};
pub use source::{SourceFilter, stored_fields};
pub use typed_keys::without_kinds;

/// Score of every hit that is not sorted.
const SCORE: f64 = 1.0;

/// Names under which events were sent that are told.
const NAMES_MAX: usize = 1_000;

/// Answers Elasticsearch's searches.
pub struct DslSearch {
    store: Arc<dyn LogStore>,
    definitions: Option<Arc<KeptObjects>>,
    clock: Clock,
}

/// A search as it was sent.
#[derive(Clone, Debug, Default)]
pub struct DslRequest {
    /// Names of indices as they stand in the path; empty for all.
    pub indices: String,
    /// The body.
    pub body: Map<String, Json>,
    /// Whether an index that is named may be missing.
    pub ignores_missing: bool,
    /// Whether the pages behind this one are asked for by a scroll.
    pub scrolls: bool,
    /// Whether answers to aggregations are named with their kinds.
    pub has_typed_keys: bool,
}

impl DslSearch {
    /// Over this store.
    pub fn new(store: Arc<dyn LogStore>, clock: Clock) -> Self {
        Self { store, definitions: None, clock }
    }

    /// The same, knowing the indices that clients made.
    #[must_use]
    pub fn with_definitions(self, definitions: Arc<KeptObjects>) -> Self {
        Self { definitions: Some(definitions), ..self }
    }

    /// The answer to a search.
    ///
    /// # Errors
    /// `Malformed`, naming the place, for what cannot be read or is not there; `NotFound` for an index that is not there.
    pub async fn search(&self, scope: &Scope, request: &DslRequest) -> Result<Json> {
        let now = (self.clock)();
        let sent_body = &request.body;
        let request = &*self.with_looked_up(scope, request).await?;
        let point_in_time = body::point_in_time(&request.body)?;
        let opened = self.opened(point_in_time.as_deref(), request.scrolls)?;
        let indices =
            opened.as_ref().filter(|_| point_in_time.is_some()).map_or(&request.indices, |point| &point.indices);
        if point_in_time.is_some() && !request.indices.is_empty() {
            return Err(Place::of("pit").wrong("indices may not be named beside a point in time, which has its own"));
        }
        let meant = self.meant(indices).await?;
        let page = body::page(&request.body, now, &meant.types)?;
        if request.scrolls && page.collapse.is_some() {
            return Err(Place::of("collapse").wrong("cannot be gone on with by a scroll; use from and size"));
        }
        let mut selection = self.selection(scope, &meant, request).await?;
        if let Some(point) = &opened {
            selection.query = selection.query.and(accepted_by(point.opened_at_ns));
        }
        let opened_by = opened.as_ref().map_or(Query::All, |point| accepted_by(point.opened_at_ns));
        let (query, range) = split_time(meant.events(now)?.0.and(opened_by), now);
        let everything = Selection { query, range };
        let mut answer = self.answer(scope, &page, [selection.clone(), everything], request).await?;
        let mut shown = shown(&answer, &page, &selection.query);
        if let Some(aggregations) = answer.aggregations.take() {
            shown.insert("aggregations".to_owned(), Json::Object(aggregations));
        }
        if let Some(id) = &page.point_in_time {
            shown.insert("pit_id".to_owned(), Json::from(id.clone()));
        }
        if request.scrolls {
            let scroll = Scroll {
                indices: request.indices.clone(),
                body: without_aggregations(sent_body),
                opened_at_ns: opened.map_or(0, |point| point.opened_at_ns),
                after: answer.last(),
                values: answer.last_values(),
                total: answer.total,
            };
            shown.insert("_scroll_id".to_owned(), Json::from(encode(&scroll)?));
        }
        Ok(Json::Object(shown))
    }

    /// The next page of a scroll.
    ///
    /// # Errors
    /// `Malformed` when the id was not made here; else as `search`.
    pub async fn scroll(&self, scope: &Scope, id: &str) -> Result<Json> {
        let scroll: Scroll = decode(id, "scroll_id")?;
        let meant = self.meant(&scroll.indices).await?;
        let mut page = body::page(&scroll.body, (self.clock)(), &meant.types)?;
        (page.from, page.counts_total) = (0, false);
        page.after = scroll.after.map(|(nanos, sequence)| match scroll.values.as_slice() {
            [] => After::Position(Position { timestamp: Timestamp::from_nanos(nanos), sequence }),
            values => After::Values(values.to_vec(), Some(sequence)),
        });
        let request = DslRequest {
            indices: scroll.indices.clone(),
            body: without_aggregations(&scroll.body),
            ignores_missing: true,
            scrolls: true,
            has_typed_keys: false,
        };
        let request = self.with_looked_up(scope, &request).await?;
        let mut selection = self.selection(scope, &meant, &request).await?;
        selection.query = selection.query.and(accepted_by(scroll.opened_at_ns));
        let mut answer = match page.after {
            // The page before was empty.
            None => Hits::default(),
            Some(_) => self.answer(scope, &page, [selection.clone(), selection.clone()], &request).await?,
        };
        answer.total = scroll.total;
        let (after, values) = (answer.last(), answer.last_values());
        let mut shown = shown(&answer, &page, &selection.query);
        shown.insert("_scroll_id".to_owned(), Json::from(encode(&Scroll { after, values, ..scroll })?));
        Ok(Json::Object(shown))
    }

    /// Opens a point in time and gives its id; nothing is kept for it.
    ///
    /// # Errors
    /// `NotFound` for an index that is not there.
    pub async fn open_point_in_time(&self, scope: &Scope, request: &DslRequest) -> Result<String> {
        self.selection(scope, &self.meant(&request.indices).await?, request).await?;
        encode(&PointInTime { indices: request.indices.clone(), opened_at_ns: (self.clock)().as_nanos() })
    }

    /// How many events match the query of a body.
    ///
    /// # Errors
    /// As `search`.
    pub async fn count(&self, scope: &Scope, request: &DslRequest) -> Result<u64> {
        Place::of("body").check_keys(&request.body, &["query"], &[])?;
        let request = &*self.with_looked_up(scope, request).await?;
        let selection = self.selection(scope, &self.meant(&request.indices).await?, request).await?;
        let result = self.store.aggregate(scope, &AggregateRequest { selection, aggregations: Vec::new() }).await?;
        Ok(result.total)
    }

    /// Whether the query of a body can be read.
    ///
    /// # Errors
    /// As `count`.
    pub async fn check(&self, scope: &Scope, request: &DslRequest) -> Result<()> {
        Place::of("body").check_keys(&request.body, &["query"], &[])?;
        let request = &*self.with_looked_up(scope, request).await?;
        self.selection(scope, &self.meant(&request.indices).await?, request).await.map(drop)
    }

    fn opened(&self, point_in_time: Option<&str>, scrolls: bool) -> Result<Option<PointInTime>> {
        match point_in_time {
            Some(id) => decode(id, "pit.id").map(Some),
            None if scrolls => {
                Ok(Some(PointInTime { indices: String::new(), opened_at_ns: (self.clock)().as_nanos() }))
            }
            None => Ok(None),
        }
    }

    /// Which events the indices and the query of a body mean.
    async fn selection(&self, scope: &Scope, meant: &Meant, request: &DslRequest) -> Result<Selection> {
        let now = (self.clock)();
        let (of_indices, named) = meant.events(now)?;
        if !request.ignores_missing {
            for named in named.iter().filter(|named| !meant.is_made(named)) {
                self.check_there(scope, named).await?;
            }
        }
        let query = match request.body.get("query") {
            None | Some(Json::Null) => Query::All,
            Some(json) => query::query(json, now, &Place::of("query").with_types(&meant.types))?,
        };
        let query = query.resolved(now).map_err(|error| Place::of("query").wrong(&error.to_string()))?;
        if let Some(words) = query.cost().excess() {
            return Err(Place::of("query").wrong(&words));
        }
        let (query, range) = split_time(of_indices.and(query), now);
        Ok(Selection { query, range })
    }

    /// The names under which events were sent that `names` mean. Names without `*` are taken as they are.
    ///
    /// # Errors
    /// As `search`.
    pub async fn sent_names(&self, scope: &Scope, names: &str) -> Result<Vec<String>> {
        let asked = Names::of(names);
        if asked.are_all_single() {
            return Ok(asked.single().map(str::to_owned).collect());
        }
        let counts = self.sent_counts(scope).await?;
        Ok(counts.into_keys().filter(|name| asked.mean(name)).collect())
    }

    /// How many events were sent under each name that is not that of a day.
    ///
    /// # Errors
    /// As `search`.
    pub async fn sent_counts(&self, scope: &Scope) -> Result<BTreeMap<String, u64>> {
        let selection = Selection { query: Query::All, range: TimeRange::ALL };
        let aggregations = vec![Aggregation::terms("names", indices::SENT_INDEX, NAMES_MAX)];
        let result = self.store.aggregate(scope, &AggregateRequest { selection, aggregations }).await?;
        let Some(AggregationAnswer::Buckets { buckets, .. }) = result.answer("names") else {
            return Ok(BTreeMap::new());
        };
        Ok(buckets.iter().filter_map(|bucket| Some((bucket.key.as_text()?.to_owned(), bucket.count))).collect())
    }

    /// Whether events lie in the index of that name: those of its day, or those that were sent under it.
    ///
    /// # Errors
    /// `Malformed` for a name that no index can have.
    pub async fn is_there(&self, scope: &Scope, name: &str) -> Result<bool> {
        let (_, named) = indices::read(name)?;
        for named in &named {
            match self.check_there(scope, named).await {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    async fn check_there(&self, scope: &Scope, named: &indices::Named) -> Result<()> {
        let Some(name) = &named.needed else { return Ok(()) };
        let (query, range) = split_time(named.query.clone(), (self.clock)());
        let request = SearchRequest {
            selection: Selection { query, range },
            order: vigie_domain::ports::SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: 1,
            count_total: false,
            fields: Fields::All,
        };
        match self.store.search(scope, &request).await?.hits.is_empty() {
            true => Err(Error::not_found(format!("no such index [{name}]"))),
            false => Ok(()),
        }
    }
}

/// Reads a body as a search does, and asks nothing: what may be sent can be tried without a store.
///
/// # Errors
/// As `DslSearch::search`.
pub fn read(body: &Map<String, Json>, now: Timestamp) -> Result<()> {
    body::page(body, now, &Arc::default())?;
    let query = body.get("query").map_or(Ok(Query::All), |json| query::query(json, now, &Place::of("query")))?;
    let mut reader = Reader::new(now, TimeRange::ALL, query.cost());
    body.get("aggs").map_or(Ok(()), |json| reader.all(json, None, &Place::of("aggs")).map(drop))
}

fn without_aggregations(body: &Map<String, Json>) -> Map<String, Json> {
    let mut body = body.clone();
    body.retain(|key, _| key != "aggs" && key != "aggregations");
    body
}

/// Events that were accepted by then.
fn accepted_by(nanos: i64) -> Query {
    let upper = Bound::Inclusive(Timestamp::from_nanos(nanos).to_string());
    Query::Field {
        field: pseudo_fields::INGESTED_AT.to_owned(),
        predicate: Predicate::Range { lower: Bound::Open, upper },
    }
}

/// The time that every event of the query lies in, and the query without it: what lies outside is not looked at.
fn split_time(query: Query, now: Timestamp) -> (Query, TimeRange) {
    let parts = match query {
        Query::And(parts) => parts,
        other => vec![other],
    };
    let (mut range, mut rest) = (TimeRange::ALL, Query::All);
    for part in parts {
        match time_of(&part, now) {
            Some(within) => range = TimeRange { from: range.from.max(within.from), to: range.to.min(within.to) },
            None => rest = rest.and(part),
        }
    }
    if range.from > range.to { (Query::Nothing, TimeRange { from: range.from, to: range.from }) } else { (rest, range) }
}

fn time_of(query: &Query, now: Timestamp) -> Option<TimeRange> {
    let Query::Field { field, predicate: Predicate::Range { lower, upper } } = query else { return None };
    if field != pseudo_fields::TIMESTAMP {
        return None;
    }
    let at = |text: &str| parse_instant(text, now);
    let from = match lower {
        Bound::Open => Timestamp::MIN,
        Bound::Inclusive(text) => at(text)?,
        Bound::Exclusive(text) => at(text)?.saturating_add_nanos(1),
    };
    let to = match upper {
        Bound::Open => Timestamp::MAX,
        Bound::Inclusive(text) => at(text)?.saturating_add_nanos(1),
        Bound::Exclusive(text) => at(text)?,
    };
    Some(TimeRange { from, to })
}
