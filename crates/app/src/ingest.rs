//! Taking events in: from the bytes of a request to events that are on disk.
//!
//! No HTTP and no files: files are `uploads`. What waits and what is decoded at once is bounded in bytes, because
//! events take many times the memory of the bytes that they were sent as.

mod admission;
mod bulk;
mod chunks;
mod framed;
mod sent;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use vigie_domain::ports::LogStore;
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use vigie_domain::{Error, EventBatch, LogType, Result, Scope, TimeRange, Timestamp};
use vigie_pipeline::{Batch, Compression, DecodeOptions, MadeIndices, RedactionCounts, Redactor, decode_bytes};

use crate::Clock;
use crate::at_once::at_once;
use crate::kept_answers::check_key;
use crate::pipelines::Pipelines;
use admission::{BODIES_KIB_MAX, kib, too_busy};

pub use admission::Admission;
pub use bulk::{BulkAnswer, BulkBody, BulkReport, BulkRequest, ItemOutcome};
pub(crate) use chunks::append_all;
pub use framed::{Fill, FramedReport, Frames, ReplayReport};
pub use sent::{Read, Repetition, Sent, SentReport};

/// KiB of bodies that are on their way from bytes to the log at once; others wait.
const LARGE_KIB_MAX: u32 = 16 * 1024;
/// Large bodies on their way at once, per processor. More would not be faster, and each takes some four times its bytes,
/// in the memory of a thread that keeps it.
const LARGE_PER_PROCESSOR: u32 = 2;
/// A body up to this size is decoded at once: handing it to another thread takes as long.
const INLINE_BYTES_MAX: usize = 4 * 1024;
/// Bodies up to this size have a lane of their own, so that they wait for no large one.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// KiB of small bodies on their way at once.
const SMALL_KIB_MAX: u32 = 4 * 1024;
/// KiB that a packed body counts as at least: what it unpacks to is not known before.
const PACKED_KIB_MIN: u32 = 2 * 1024;
/// How much larger than a packed body its content is taken to be.
const PACKED_RATIO: u32 = 16;
/// Requests that are decoded or wait to be, at most.
const WAITING_MAX: usize = 256;
/// Rejected lines that are listed in an answer.
const LISTED_ERRORS_MAX: usize = 100;

/// What is accepted.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Days into the past.
    pub window_past_days: u32,
    /// Minutes into the future.
    pub window_ahead_minutes: u32,
    /// Bytes of one record.
    pub record_bytes_max: usize,
    /// Processors that work on bodies.
    pub processors: usize,
    /// Takes out what may never be stored.
    pub redactor: Arc<Redactor>,
}

impl IngestSettings {
    /// The times that events may have.
    pub fn window(&self, now: Timestamp) -> TimeRange {
        TimeRange {
            from: now.saturating_add_nanos(-i64::from(self.window_past_days).saturating_mul(NANOS_PER_DAY)),
            to: now.saturating_add_nanos(i64::from(self.window_ahead_minutes).saturating_mul(60 * NANOS_PER_SECOND)),
        }
    }
}

/// What a caller says about the events of a request.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// Every event is of this type.
    pub log_type: Option<LogType>,
    /// Also takes events outside of the window.
    pub any_time: bool,
    /// Sending the same body again with the same key stores nothing twice. Another body with it is another request.
    pub idempotency_key: Option<String>,
    /// The pipeline that the events go through.
    pub pipeline: PipelineChoice,
    /// Indices that clients made.
    pub made_indices: Arc<MadeIndices>,
    /// Whether bulk requests may name nothing but aliases.
    pub require_alias: bool,
}

/// Which pipeline events go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PipelineChoice {
    /// That of all events.
    #[default]
    Default,
    /// That of this name; when there is none, that of all events.
    Named(String),
    /// None: they only get what every event gets.
    NoStages,
}

/// What became of the records of a request; the four counts add up to their number, unless a pipeline makes several events of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Stored now, durably.
    pub accepted: u64,
    /// Stored before.
    pub deduplicated: u64,
    /// Not stored.
    pub rejected: u64,
    /// Let go by the pipeline, as it says.
    pub dropped: u64,
    /// The first rejected lines.
    pub errors: Vec<LineError>,
    /// What was taken out, because it may never be stored.
    pub redactions: RedactionCounts,
}

/// A rejected record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Its line or number, from 1.
    pub line: u64,
    /// Why, and what to do.
    pub reason: String,
}

/// Takes events in.
pub struct Ingest {
    store: Arc<dyn LogStore>,
    clock: Clock,
    settings: IngestSettings,
    pipelines: Option<Arc<Pipelines>>,
    bodies: Arc<Semaphore>,
    large: Semaphore,
    small: Semaphore,
    waiting: Semaphore,
}

impl Ingest {
    /// Over this store.
    pub fn new(store: Arc<dyn LogStore>, clock: Clock, settings: IngestSettings) -> Self {
        Self {
            store,
            clock,
            settings,
            pipelines: None,
            bodies: Arc::new(Semaphore::new(BODIES_KIB_MAX as usize)),
            large: Semaphore::new(LARGE_KIB_MAX as usize),
            small: Semaphore::new(SMALL_KIB_MAX as usize),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    /// With these pipelines instead of none.
    #[must_use]
    pub fn with_pipelines(self, pipelines: Arc<Pipelines>) -> Self {
        Self { pipelines: Some(pipelines), ..self }
    }

    /// Room for a body that is about to be received; it is kept until the admission is dropped.
    pub fn admit(&self) -> Admission {
        Admission::new(Arc::clone(&self.bodies))
    }

    /// Decodes the bytes and stores their events; when it returns they are durable.
    ///
    /// # Errors
    /// `Malformed` for an empty or undecodable body, `TooLarge` for one that unpacks to too much, `Throttled` when too
    /// many requests wait, else what the store answers.
    pub async fn accept(&self, scope: &Scope, body: Bytes, options: &IngestOptions) -> Result<IngestReport> {
        if body.trim_ascii().is_empty() {
            return Err(Error::malformed("the body is empty; send a JSON object, a JSON array or lines of events"));
        }
        options.idempotency_key.as_deref().map_or(Ok(()), check_key)?;
        let _way = self.way_for(&body).await?;
        let (batch, key) = self.decode(scope, body, options).await?;
        let (rejected, dropped, redactions) = (batch.rejects.len() as u64, batch.dropped, batch.redactions);
        let errors = batch.rejects.into_iter().take(LISTED_ERRORS_MAX).map(LineError::from).collect();
        let outcome = append_all(self.store.as_ref(), scope, batch.events, key.as_deref()).await?;
        let (accepted, deduplicated) = (outcome.stored, outcome.deduplicated);
        Ok(IngestReport { accepted, deduplicated, rejected, dropped, errors, redactions })
    }

    /// Decodes the bytes, and stores their events as `prepare` leaves them, unless it finds something wrong with any of them; when it returns
    /// they are durable.
    ///
    /// # Errors
    /// What `prepare` finds, else as [`Self::accept`].
    pub async fn accept_if<T>(
        &self,
        scope: &Scope,
        body: Bytes,
        options: &IngestOptions,
        prepare: impl FnOnce(&mut Batch) -> Result<T>,
    ) -> Result<T> {
        if body.trim_ascii().is_empty() {
            return Err(Error::malformed("the body is empty; send a JSON object or a JSON array"));
        }
        let _way = self.way_for(&body).await?;
        let (mut batch, key) = self.decode(scope, body, options).await?;
        let prepared = prepare(&mut batch)?;
        append_all(self.store.as_ref(), scope, batch.events, key.as_deref()).await?;
        Ok(prepared)
    }

    /// Stores events that are events already, what may never be stored taken out of them; when it returns they are durable.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn accept_events(&self, scope: &Scope, events: EventBatch) -> Result<IngestReport> {
        let outcome = append_all(self.store.as_ref(), scope, events, None).await?;
        Ok(IngestReport { accepted: outcome.stored, deduplicated: outcome.deduplicated, ..IngestReport::default() })
    }

    /// Waits for a place on the way to the log; it is free again when what is returned is dropped.
    async fn way_for(&self, body: &[u8]) -> Result<SemaphorePermit<'_>> {
        self.way_of(body.len(), decoded_kib(body)).await
    }

    /// Waits for a place for so many bytes that weigh so many KiB.
    async fn way_of(&self, size_bytes: usize, kib: u32) -> Result<SemaphorePermit<'_>> {
        let _waiting = self.waiting.try_acquire().map_err(|_| too_busy())?;
        let (lane, kib) = if size_bytes <= SMALL_BYTES_MAX && kib <= SMALL_KIB_MAX {
            (&self.small, kib)
        } else {
            let at_once = (self.settings.processors as u32).saturating_mul(LARGE_PER_PROCESSOR).max(1);
            (&self.large, kib.clamp((LARGE_KIB_MAX / at_once).max(1), LARGE_KIB_MAX))
        };
        lane.acquire_many(kib).await.map_err(|_| too_busy())
    }

    /// The body's records, and the key under which they are stored if the caller gave one.
    async fn decode(&self, scope: &Scope, body: Bytes, options: &IngestOptions) -> Result<(Batch, Option<String>)> {
        let decode = self.decode_options(options);
        // A stage may take its time over a short text too.
        let has_stages = decode.pipeline.as_ref().is_some_and(|pipeline| pipeline.stage_count() > 0);
        let is_small = body.len() <= INLINE_BYTES_MAX && Compression::of(&body) == Compression::None;
        let (tenant, options) = (scope.tenant.clone(), options.clone());
        let decoded = move || {
            let key = options.idempotency_key.as_ref().map(|key| append_key(&tenant, key, &options, &body));
            Ok::<_, Error>((decode_bytes(&body, &decode)?, key))
        };
        if is_small && !has_stages {
            return at_once("decoding", decoded)?;
        }
        let decoding = tokio::task::spawn_blocking(decoded);
        decoding.await.map_err(|error| Error::internal(format!("decoding stopped: {error}")))?
    }

    /// How records that arrive now are read.
    fn decode_options(&self, options: &IngestOptions) -> DecodeOptions {
        let now = (self.clock)();
        let mut decode = DecodeOptions::new(now, Arc::clone(&self.settings.redactor));
        decode.log_type = options.log_type;
        decode.record_bytes_max = self.settings.record_bytes_max;
        decode.window = (!options.any_time).then(|| self.settings.window(now));
        decode.made_indices = Arc::clone(&options.made_indices);
        decode.require_alias = options.require_alias;
        decode.pipeline = self.pipelines.as_ref().map(|pipelines| pipelines.chosen(&options.pipeline));
        decode
    }
}

/// What the body weighs on its way, in KiB.
fn decoded_kib(body: &[u8]) -> u32 {
    let as_sent = kib(body.len());
    match Compression::of(body) {
        Compression::None => as_sent,
        Compression::Gzip | Compression::Zlib | Compression::Zstd | Compression::Zip => {
            as_sent.saturating_mul(PACKED_RATIO).max(PACKED_KIB_MIN)
        }
    }
}

/// Names the request by its content too, so that a key that is used twice by mistake loses nothing.
fn append_key(tenant: &str, key: &str, options: &IngestOptions, body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{tenant}\0{key}\0{:?}\0{}\0", options.log_type, options.any_time));
    hasher.update(body);
    let digest: String = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("request/{digest}")
}

impl From<vigie_pipeline::Reject> for LineError {
    fn from(reject: vigie_pipeline::Reject) -> Self {
        Self { line: reject.line, reason: reject.reason }
    }
}
