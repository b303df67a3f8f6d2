//! The engine: opens a data folder and answers as a `LogStore`.

mod committer;
mod lifecycle;
mod maintenance;
mod merging;
mod prepared;
mod queries;
mod recovery;
mod removal;
#[cfg(test)]
mod scan_tests;
mod snapshot;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Hit, IndexInfo, Lines, LogStore, QueryNumbers,
    SearchRequest, SearchResult, SegmentInfo, Selection,
};
use vigie_domain::query::{Matcher, Query};
use vigie_domain::{Day, Error, ErrorKind, EventId, LogType, Position, Result, Scope, TimeRange, Timestamp};

use crate::chunk::physical::{canonical_of, kind_of_type};
use crate::chunk::{Exceeding, column_names};
use crate::error::StorageError;
use crate::files::FolderLock;
use crate::memtable::LateChunk;
use crate::options::EngineOptions;
use crate::scan::{self, Filter, Question, Run, TableSession, Unit};
use crate::wal::OpenSegment;
use committer::{Command, Committer, LATE_CHUNKS_MAX, QUEUE_MAX};
use maintenance::{Maintenance, Signal, Writing};
use prepared::PreparedBatch;
use queries::{Queries, blocking};

use state::{SharedState, State};

pub use recovery::take_lock;
pub use snapshot::Snapshot;

/// Folder of the write-ahead log below the engine's.
pub const WAL_FOLDER: &str = "wal";
/// Folder of the parts below the engine's.
pub const PARTS_FOLDER: &str = "indices";
/// Batches up to this size are made ready on the caller's own thread.
const INLINE_EVENTS_MAX: usize = 64;

/// How nice threads are that work in the background: a third of a processor is theirs when others want all of it.
#[cfg(target_os = "linux")]
const BACKGROUND_NICE: i32 = 5;

/// The embedded log engine. Dropping it ends its threads; what was acknowledged is on disk already.
pub struct LogEngine {
    shared: Arc<SharedState>,
    queries: Queries,
    commands: Option<mpsc::Sender<Command>>,
    signal: Arc<Signal>,
    threads: Vec<JoinHandle<()>>,
    _lock: FolderLock,
}

impl LogEngine {
    /// Opens the folder, reads back what the log holds beyond the parts, and begins to serve.
    ///
    /// # Errors
    /// `Conflict` when another process uses the folder; `Internal` when it is damaged; `Unavailable` when it cannot
    /// be written to.
    pub fn open(options: EngineOptions) -> Result<Self> {
        let recovered = recovery::recover(&options)?;
        if recovered.report.damaged_bytes > 0 || recovered.report.torn_bytes > 0 {
            tracing::warn!(
                damaged_bytes = recovered.report.damaged_bytes,
                torn_bytes = recovered.report.torn_bytes,
                "the log was not whole; a torn tail was never acknowledged, damage is set aside beside the log"
            );
        }
        let wal_folder = options.folder.join(WAL_FOLDER);
        let segment =
            OpenSegment::create(&*options.files, &wal_folder, recovered.next_sequence).map_err(StorageError::from)?;
        recovery::trim_log(&recovered.parts).map_err(StorageError::from)?;
        let state = State::new(recovered.table, recovered.published, recovered.exceeding);
        let shared = Arc::new(SharedState::new(state, recovered.indices, options.kept_bytes_max));
        let queries = Queries::new(&options, shared.kept.clone());
        let (commands, received) = mpsc::channel(QUEUE_MAX);
        let signal = Arc::new(Signal::default());
        let (to_build, late_chunks) = sync_channel::<Arc<LateChunk>>(LATE_CHUNKS_MAX);
        let committer = Committer {
            shared: shared.clone(),
            options: options.clone(),
            wal_folder,
            segment,
            next_sequence: recovered.next_sequence,
            dedup: recovered.dedup,
            to_build,
        };
        let maintenance = Maintenance {
            shared: shared.clone(),
            options,
            parts: recovered.parts,
            commands: commands.downgrade(),
            signal: signal.clone(),
            writing: Writing::default(),
        };
        let threads = vec![
            spawn("vigie-log", move || committer.run(received))?,
            spawn("vigie-parts", standing_back(move || maintenance.run()))?,
            // Events that come one by one become columns apart from the thread that acknowledges others.
            spawn("vigie-columns", standing_back(move || late_chunks.iter().for_each(|late| late.build())))?,
        ];
        Ok(Self { shared, queries, commands: Some(commands), signal, threads, _lock: recovered.lock })
    }

    /// Writes the memory table to parts now.
    pub async fn flush(&self) {
        // The thread ends only with the engine.
        let _ = self.signal.flush().await;
    }

    /// Writes everything acknowledged so far to parts and holds them as they then are.
    ///
    /// # Errors
    /// `Unavailable` when parts cannot be written, as on a full disk.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let words = "new events could not be written to parts; free space on the disk and try again";
        self.signal.snapshot().await.map_err(|_| Error::new(ErrorKind::Unavailable, words))
    }

    /// Begins a question to the events as a table, once it has its place among others.
    ///
    /// # Errors
    /// `TimedOut` when it waited for that too long.
    pub async fn table(&self, scope: &Scope) -> Result<TableSession> {
        let begun = self.queries.begin().await?;
        let (shared, scope) = (self.shared.clone(), scope.clone());
        blocking(move || {
            begun.0.check()?;
            Ok(TableSession::new(begun, shared.units(TimeRange::ALL), scope))
        })
        .await
    }

    /// What questions cost now.
    pub fn query_numbers(&self) -> QueryNumbers {
        self.queries.numbers()
    }

    /// What it keeps otherwise than others because a bound was reached, since it was opened.
    pub fn exceeding(&self) -> Exceeding {
        self.shared.lock().exceeding
    }

    fn units(&self, range: TimeRange) -> Vec<Unit> {
        self.shared.units(range)
    }

    fn filter(selection: &Selection, scope: &Scope) -> Result<Filter> {
        Filter::new(&selection.query, selection.range, scope)
    }
}

/// Work on whose thread nobody waits: it leaves the processors to those for whom somebody does.
fn standing_back(run: impl FnOnce() + Send + 'static) -> impl FnOnce() + Send + 'static {
    move || {
        stand_back();
        run();
    }
}

/// Lowers the priority of this thread.
#[cfg(target_os = "linux")]
fn stand_back() {
    if let Err(error) = rustix::process::setpriority_process(None, BACKGROUND_NICE) {
        tracing::debug!(%error, "a background thread could not be given a lower priority");
    }
}

/// Elsewhere only whole processes have a priority.
#[cfg(not(target_os = "linux"))]
const fn stand_back() {}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("the thread \"{name}\" could not be started: {error}"))
    })
}

impl Drop for LogEngine {
    fn drop(&mut self) {
        self.signal.stop();
        self.commands = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log engine ended by a panic");
            }
        }
    }
}

#[async_trait]
impl LogStore for LogEngine {
    async fn append(&self, _scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        let stopped =
            || Error::new(ErrorKind::Unavailable, "the log store has stopped; nothing of this batch is stored");
        if batch.events.is_empty() {
            return Ok(AppendOutcome::default());
        }
        let prepared = if batch.events.len() <= INLINE_EVENTS_MAX {
            PreparedBatch::new(batch, &|day| self.shared.index_of(day))
        } else {
            let shared = self.shared.clone();
            blocking(move || Ok(PreparedBatch::new(batch, &|day| shared.index_of(day)))).await?
        };
        let (reply, answer) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or_else(stopped)?;
        commands.send(Command::Append(Box::new(prepared), reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| {
            let words = "the log store stopped while it wrote; whether this batch is stored is not known, so send it again with its ids";
            Error::new(ErrorKind::Unavailable, words)
        })?
    }

    async fn delete(&self, scope: &Scope, selection: &Selection) -> Result<u64> {
        self.remove_matching(scope, selection).await
    }

    async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchResult> {
        let filter = Self::filter(&request.selection, scope)?;
        let (shared, request, scope) = (self.shared.clone(), request.clone(), scope.clone());
        self.queries
            .ask(move |run| {
                let units = shared.units(request.selection.range);
                scan::search(run, units, &filter, &request, &scope)
            })
            .await
    }

    async fn lines(&self, scope: &Scope, request: &SearchRequest) -> Result<Lines> {
        let filter = Self::filter(&request.selection, scope)?;
        let (shared, request, scope) = (self.shared.clone(), request.clone(), scope.clone());
        self.queries
            .ask(move |run| {
                let units = shared.units(request.selection.range);
                scan::lines(run, units, &filter, &request, &scope)
            })
            .await
    }

    async fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<AggregateResult> {
        let filter = Self::filter(&request.selection, scope)?;
        let asked = request.aggregations.iter();
        let questions: Vec<Question> =
            asked.map(|asked| Question::new(asked, scope, Timestamp::default())).collect::<Result<_>>()?;
        let (shared, request) = (self.shared.clone(), request.clone());
        self.queries
            .ask(move |run| {
                let units = shared.units(request.selection.range);
                scan::aggregate(run, &units, &filter, &questions, &request)
            })
            .await
    }

    async fn get(&self, scope: &Scope, id: &EventId) -> Result<Option<Hit>> {
        let restriction = Matcher::compile(&Query::All, scope, Timestamp::default())?;
        let (units, id, scope) = (self.units(TimeRange::ALL), id.clone(), scope.clone());
        self.queries.ask(move |run| scan::find_id(run, &units, &id, &restriction, &scope)).await
    }

    async fn at(&self, scope: &Scope, positions: &[Position]) -> Result<Vec<Hit>> {
        let times = positions.iter().map(|position| position.timestamp);
        let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(Vec::new()) };
        let restriction = Matcher::compile(&Query::All, scope, Timestamp::default())?;
        let range = TimeRange { from: first, to: last.saturating_add_nanos(1) };
        let (units, positions, scope) = (self.units(range), positions.to_vec(), scope.clone());
        self.queries.ask(move |run| scan::events_at(run, &units, &positions, &restriction, &scope)).await
    }

    async fn fields(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FieldInfo>> {
        let (shared, scope) = (self.shared.clone(), scope.clone());
        self.queries.ask(move |run| fields_of(run, &shared.units(range), &scope)).await
    }

    async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>> {
        let filter = Filter::new(&Query::All, TimeRange::ALL, scope)?;
        let units = self.units(TimeRange::ALL);
        self.queries
            .ask(move |run| {
                let totals = scan::totals(run, &units, &filter)?;
                Ok(indices_of(&units, &totals))
            })
            .await
    }
}

/// The indices of the units, with so many visible events in each; those without any are left out.
fn indices_of(units: &[Unit], totals: &[u64]) -> Vec<IndexInfo> {
    let mut days: BTreeMap<Day, Vec<SegmentInfo>> = BTreeMap::new();
    for (unit, total) in units.iter().zip(totals).filter(|(_, total)| **total > 0) {
        let bytes = match unit {
            Unit::Memory(_) => None,
            Unit::Part(part) => Some(part.meta.bytes),
        };
        let segment = SegmentInfo { log_type: unit.log_type(), events_count: *total, bytes };
        days.entry(unit.span().0.day()).or_default().push(segment);
    }
    days.into_iter().map(|(day, segments)| IndexInfo { day, segments }).collect()
}

fn fields_of(run: &Run, units: &[Unit], scope: &Scope) -> std::result::Result<Vec<FieldInfo>, StorageError> {
    let mut found: BTreeMap<String, FieldInfo> = BTreeMap::new();
    let mut add = |name: &str, log_type: LogType, kind: FieldKind| {
        if scope.hides(name) {
            return;
        }
        let known = || FieldInfo { name: name.to_owned(), kind, log_types: Vec::new() };
        let info = found.entry(name.to_owned()).or_insert_with(known);
        info.kind = mapping::kind_in(log_type, name).unwrap_or_else(|| wider(info.kind, kind));
        if !info.log_types.contains(&log_type) {
            info.log_types.push(log_type);
            info.log_types.sort_unstable();
        }
    };
    for unit in units {
        run.check()?;
        let log_type = unit.log_type();
        add(column_names::TIMESTAMP, log_type, FieldKind::Instant);
        add(vigie_domain::event::pseudo_fields::LOG_TYPE, log_type, FieldKind::Keyword);
        for column in unit.schema()?.fields().iter().filter(|column| !column_names::is_own(column.name())) {
            add(canonical_of(column.name()), log_type, kind_of_type(column.data_type()));
        }
        unit.overflow_fields()?.names().for_each(|field| add(field, log_type, FieldKind::Keyword));
    }
    Ok(found.into_values().collect())
}

/// The kind that a dynamic field is shown as when its values are of several: strings before floats before whole numbers.
fn wider(left: FieldKind, right: FieldKind) -> FieldKind {
    let rank = |kind: FieldKind| match kind {
        FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => 5,
        FieldKind::Float => 4,
        FieldKind::Decimal => 3,
        FieldKind::Int => 2,
        FieldKind::Instant => 1,
        FieldKind::Bool => 0,
    };
    if rank(right) > rank(left) { right } else { left }
}
