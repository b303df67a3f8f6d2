//! The generated shop of `vigie serve --demo`: past events into an empty store, then live ones.
//!
//! Events go the way of everybody's: through the ingest use case. A fill that a stop interrupts goes on at the
//! next start with the same events and keys, so that nothing is stored twice; a finished one is never repeated.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use vigie_app::Clock;
use vigie_app::ingest::{Ingest, IngestOptions};
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Error, Result, Scope, Timestamp};
use vigie_generator::{GeneratedEvent, LiveShop, ShopOptions};

use crate::config::DemoSettings;
use crate::http::state::AppState;
use crate::metrics::Metrics;
use crate::wire::Ports;

/// Where the state of the fill is kept, so that it is known at the next start.
const COLLECTION: &str = "demo";
const FILL_ID: &str = "fill";
/// Events that are stored together.
const BATCH_EVENTS: usize = 2_000;
/// Batches that are generated before the first of them is stored.
const BATCHES_AHEAD_MAX: usize = 2;
/// Batches between two lines in the log.
const BATCHES_PER_NOTE: u64 = 25;
/// How often live events are stored.
const LIVE_TICK: Duration = Duration::from_millis(500);
const NANOS_PER_HOUR: i64 = 3_600 * NANOS_PER_SECOND;
/// How long to wait when the store does not take events.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// What the demo needs.
#[derive(Clone)]
pub struct DemoPorts {
    ingest: Arc<Ingest>,
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

/// The fill as it is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fill {
    seed: u64,
    events: u64,
    hours: u32,
    /// The instant at which the past ends.
    until: Timestamp,
    is_done: bool,
}

impl Fill {
    fn options(&self) -> ShopOptions {
        let length_ns = i64::from(self.hours).saturating_mul(NANOS_PER_HOUR);
        let from = self.until.saturating_add_nanos(-length_ns);
        ShopOptions { seed: self.seed, from, to: self.until, events: self.events }
    }
}

impl DemoPorts {
    /// The same as handlers have.
    pub fn of(state: &AppState, ports: &Ports) -> Self {
        Self {
            ingest: state.ingest.clone(),
            logs: ports.logs.clone(),
            metadata: ports.metadata.clone(),
            metrics: state.metrics.clone(),
            clock: state.clock.clone(),
        }
    }
}

/// Fills the store if it is empty, then generates live events until it is aborted.
pub async fn run(settings: DemoSettings, ports: DemoPorts) {
    let live_from = match fill(&settings, &ports).await {
        Ok(Some(until)) => until,
        Ok(None) => (ports.clock)(),
        Err(error) => {
            tracing::error!(%error, "the demo could not fill the store; live events follow");
            (ports.clock)()
        }
    };
    live(&settings, &ports, live_from).await;
}

/// Fills an empty store, or goes on where a fill was interrupted; answers where the past ends.
///
/// # Errors
/// What the stores answer; the next start goes on.
pub async fn fill(settings: &DemoSettings, ports: &DemoPorts) -> Result<Option<Timestamp>> {
    let Some((revision, fill)) = pending_fill(settings, ports).await? else { return Ok(None) };
    let (sender, mut batches) = mpsc::channel::<Bytes>(BATCHES_AHEAD_MAX);
    let past = vigie_generator::past(fill.options());
    let generating = tokio::task::spawn_blocking(move || send_batches(past, &sender));
    let mut number: u64 = 0;
    while let Some(batch) = batches.recv().await {
        let key = format!("demo/{}/{}/{number}", fill.seed, fill.until.as_nanos());
        store(ports, batch, Some(key)).await?;
        number += 1;
        if number.is_multiple_of(BATCHES_PER_NOTE) {
            tracing::info!(events = number * BATCH_EVENTS as u64, of = fill.events, "the demo fills the store");
        }
    }
    generating.await.map_err(|error| Error::internal(format!("generating the demo stopped: {error}")))?;
    let done = Fill { is_done: true, ..fill };
    ports.metadata.replace(COLLECTION, FILL_ID, revision, to_json(&done)?).await?;
    tracing::info!(events = done.events, "the demo has filled the store");
    Ok(Some(done.until))
}

/// The fill that is to be done, with its revision; `None` when it was done, or others' events are there.
async fn pending_fill(settings: &DemoSettings, ports: &DemoPorts) -> Result<Option<(u64, Fill)>> {
    if let Some(document) = ports.metadata.get(COLLECTION, FILL_ID).await? {
        let fill: Fill = serde_json::from_value(document.body)
            .map_err(|error| Error::internal(format!("the state of the demo cannot be read: {error}")))?;
        return Ok((!fill.is_done).then_some((document.revision, fill)));
    }
    if !ports.logs.indices(&Scope::main()).await?.is_empty() {
        return Ok(None);
    }
    let fill = Fill {
        seed: settings.seed,
        events: settings.events,
        hours: settings.hours,
        until: (ports.clock)(),
        is_done: false,
    };
    let document = ports.metadata.insert(COLLECTION, FILL_ID, to_json(&fill)?, &[]).await?;
    Ok(Some((document.revision, fill)))
}

/// Sends the events as batches of lines; stops when nobody takes them any more.
fn send_batches(events: impl Iterator<Item = GeneratedEvent>, sender: &mpsc::Sender<Bytes>) {
    let mut events = events.peekable();
    while events.peek().is_some() {
        if sender.blocking_send(lines(events.by_ref().take(BATCH_EVENTS))).is_err() {
            return;
        }
    }
}

fn lines(events: impl Iterator<Item = GeneratedEvent>) -> Bytes {
    let mut text = String::new();
    for event in events {
        text.push_str(&event.json);
        text.push('\n');
    }
    text.into()
}

/// Generates events that happen now, from `from` on, until it is aborted.
async fn live(settings: &DemoSettings, ports: &DemoPorts, from: Timestamp) {
    if settings.rate_per_s == 0 {
        return;
    }
    // Another start makes another stream: events of the one before must not seem to be sent again.
    let seed = settings.seed.rotate_left(32) ^ from.as_nanos().unsigned_abs();
    let mut shop = LiveShop::new(seed, from, f64::from(settings.rate_per_s));
    let mut ticks = tokio::time::interval(LIVE_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let batch = lines(shop.until((ports.clock)()).into_iter());
        while let Err(error) = store(ports, batch.clone(), None).await {
            tracing::warn!(%error, "the demo's live events are not taken; trying again soon");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

async fn store(ports: &DemoPorts, batch: Bytes, idempotency_key: Option<String>) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let options = IngestOptions { any_time: true, idempotency_key, ..IngestOptions::default() };
    let report = ports.ingest.accept(&Scope::main(), batch, &options).await?;
    ports.metrics.record_ingest(report.accepted, report.deduplicated, report.rejected);
    let redactions = report.redactions.iter().map(|(kind, count)| (kind.as_str(), count));
    ports.metrics.record_redactions("demo", redactions);
    if let Some(error) = report.errors.first() {
        tracing::warn!(line = error.line, reason = error.reason, "the demo made an event that is rejected");
    }
    Ok(())
}

fn to_json(fill: &Fill) -> Result<serde_json::Value> {
    serde_json::to_value(fill).map_err(|error| Error::internal(format!("the demo's state cannot be written: {error}")))
}
