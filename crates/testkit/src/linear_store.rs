//! The linear-scan double of the log store: every event in a list, every question answered by looking at each.
//!
//! It shares no code with the engine but the meaning of a query on one value, so that the two can judge each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Hit, IndexInfo, LogStore, ScanStats,
    SearchRequest, SearchResult, SegmentInfo, Selection, SortOrder,
};
use vigie_domain::query::{Matcher, Query};
use vigie_domain::{
    Day, Error, ErrorKind, Event, EventId, LogType, Position, Result, Scope, TimeRange, Timestamp, Value,
};

use crate::linear_aggregation::answer_all;

/// An event and its number.
pub(crate) struct Row {
    pub(crate) sequence: u64,
    pub(crate) event: Event,
}

impl Row {
    pub(crate) fn id(&self) -> EventId {
        self.event.id.clone().unwrap_or_else(|| EventId::from_sequence(self.sequence))
    }

    pub(crate) fn position(&self) -> Position {
        Position { timestamp: self.event.timestamp, sequence: self.sequence }
    }

    fn hit(&self, scope: &Scope) -> Hit {
        Hit {
            id: self.id(),
            position: self.position(),
            ingested_at: self.event.ingested_at,
            log_type: self.event.log_type,
            source: scope.visible(self.event.body.clone()),
        }
    }
}

/// Events in a list.
#[derive(Default)]
pub struct LinearStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rows: Vec<Arc<Row>>,
    next_sequence: u64,
    keys: HashSet<String>,
    ids: HashSet<EventId>,
    failures_due: usize,
}

impl LinearStore {
    /// Lets the next appends fail, as a store does that cannot be reached.
    pub fn fail_next_appends(&self, count: usize) {
        self.lock().failures_due = count;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn matching(&self, scope: &Scope, selection: &Selection) -> Result<Vec<Arc<Row>>> {
        let matcher = Matcher::compile(&selection.query, scope, Timestamp::default())?;
        let is_match =
            |row: &&Arc<Row>| selection.range.contains(row.event.timestamp) && matcher.matches(&row.event, &row.id());
        Ok(self.lock().rows.iter().filter(is_match).cloned().collect())
    }
}

#[async_trait]
impl LogStore for LinearStore {
    async fn append(&self, _scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        let mut state = self.lock();
        if state.failures_due > 0 {
            state.failures_due -= 1;
            return Err(Error::new(ErrorKind::Unavailable, "the store cannot be reached; try again"));
        }
        let sent = batch.events.len();
        if batch.key.is_some_and(|key| sent > 0 && !state.keys.insert(key)) {
            return Ok(AppendOutcome::all_known(sent));
        }
        let mut outcome = AppendOutcome { first_sequence: state.next_sequence, ..AppendOutcome::default() };
        for (place, event) in batch.events.events().enumerate() {
            if event.id.clone().is_some_and(|id| !state.ids.insert(id)) {
                outcome.known.push(place);
                continue;
            }
            let sequence = state.next_sequence;
            state.next_sequence += 1;
            state.rows.push(Arc::new(Row { sequence, event }));
            outcome.stored += 1;
        }
        Ok(outcome)
    }

    async fn delete(&self, scope: &Scope, selection: &Selection) -> Result<u64> {
        let gone = self.matching(scope, selection)?;
        let numbers: HashSet<u64> = gone.iter().map(|row| row.sequence).collect();
        let mut state = self.lock();
        state.rows.retain(|row| !numbers.contains(&row.sequence));
        gone.iter().filter_map(|row| row.event.id.as_ref()).for_each(|id| {
            state.ids.remove(id);
        });
        Ok(gone.len() as u64)
    }

    async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchResult> {
        let mut rows = self.matching(scope, &request.selection)?;
        let total = rows.len() as u64;
        rows.sort_by_key(|row| row.position());
        if request.order == SortOrder::NewestFirst {
            rows.reverse();
        }
        let is_after = |row: &&Arc<Row>| match (request.after, request.order) {
            (None, _) => true,
            (Some(after), SortOrder::OldestFirst) => row.position() > after,
            (Some(after), SortOrder::NewestFirst) => row.position() < after,
        };
        let page = rows.iter().filter(is_after).skip(request.skip).take(request.limit);
        Ok(SearchResult {
            hits: page
                .map(|row| {
                    let hit = row.hit(scope);
                    Hit { source: request.fields.of(hit.source), ..hit }
                })
                .collect(),
            total: request.count_total.then_some(total),
            stats: ScanStats { rows_scanned: total, bytes_read: 0 },
        })
    }

    async fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<AggregateResult> {
        let rows = self.matching(scope, &request.selection)?;
        let total = rows.len() as u64;
        let answers = answer_all(&request.aggregations, &rows.iter().map(AsRef::as_ref).collect::<Vec<_>>(), scope)?;
        Ok(AggregateResult { total, answers, stats: ScanStats { rows_scanned: total, bytes_read: 0 } })
    }

    async fn get(&self, scope: &Scope, id: &EventId) -> Result<Option<Hit>> {
        let all = Selection { query: Query::All, range: TimeRange { from: Timestamp::MIN, to: Timestamp::MAX } };
        Ok(self.matching(scope, &all)?.iter().find(|row| row.id() == *id).map(|row| row.hit(scope)))
    }

    async fn fields(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FieldInfo>> {
        let mut found: BTreeMap<String, (BTreeSet<LogType>, FieldKind)> = BTreeMap::new();
        let mut add = |name: &str, log_type: LogType, kind: FieldKind| {
            if !scope.hides(name) {
                found.entry(name.to_owned()).or_insert_with(|| (BTreeSet::new(), kind)).0.insert(log_type);
            }
        };
        for row in self.lock().rows.iter().filter(|row| range.contains(row.event.timestamp)) {
            let log_type = row.event.log_type;
            add(pseudo_fields::TIMESTAMP, log_type, FieldKind::Instant);
            add(pseudo_fields::LOG_TYPE, log_type, FieldKind::Keyword);
            row.event.for_each_leaf(&mut |name, value| {
                if !matches!(value, Value::Null) {
                    add(name, log_type, mapping::kind_in(log_type, name).unwrap_or_else(|| kind_of(value)));
                }
            });
        }
        let info = |(name, (log_types, kind)): (String, (BTreeSet<LogType>, FieldKind))| FieldInfo {
            name,
            kind,
            log_types: log_types.into_iter().collect(),
        };
        Ok(found.into_iter().map(info).collect())
    }

    async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>> {
        let mut days: BTreeMap<Day, BTreeMap<LogType, u64>> = BTreeMap::new();
        let matcher = Matcher::compile(&Query::All, scope, Timestamp::default())?;
        for row in self.lock().rows.iter().filter(|row| matcher.matches(&row.event, &row.id())) {
            *days.entry(row.event.timestamp.day()).or_default().entry(row.event.log_type).or_default() += 1;
        }
        let segment = |(log_type, events_count)| SegmentInfo { log_type, events_count, bytes: None };
        let info = |(day, counts): (Day, BTreeMap<LogType, u64>)| IndexInfo {
            day,
            segments: counts.into_iter().map(segment).collect(),
        };
        Ok(days.into_iter().map(info).collect())
    }
}

fn kind_of(value: &Value) -> FieldKind {
    match value {
        Value::Bool(_) => FieldKind::Bool,
        Value::Int(_) => FieldKind::Int,
        Value::Float(_) | Value::BigNumber(_) => FieldKind::Float,
        Value::Null | Value::Text(_) | Value::List(_) | Value::Object(_) => FieldKind::Keyword,
    }
}
