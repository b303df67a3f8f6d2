//! What is remembered, after a restart: the last snapshot, and from the log store what was accepted since.

use std::sync::Arc;

use vigie_domain::ports::{Hit, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use vigie_domain::{Error, Event, EventBatch, Result, Scope, TimeRange, Timestamp};
use vigie_fraud::stream::ActivityReader;

use super::labels::LABEL_REACH_NANOS;
use super::{FraudDetection, snapshot};

/// How far windows look back: the longest, behind the delay of labels.
pub(super) const REACH_DAYS: i64 = 37;
/// What was accepted this long before a snapshot may be missing in it: it was on its way from the sender's bytes to the store.
const UNDER_WAY_NANOS_MAX: i64 = 900 * NANOS_PER_SECOND;
/// Events read at once.
const PAGE_EVENTS: usize = 5_000;
/// Events since a snapshot that are put in order of arrival; more are read in order of time.
const SINCE_EVENTS_MAX: usize = 500_000;
/// What fraud detection looks at.
pub(super) const ACTIVITIES: &str = "log_type:transaction OR (log_type:user_behavior AND action:(login OR register OR login_failed OR \
                          password_change OR address_change OR email_change OR page_view OR product_view OR search))";

/// What a recovery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whether there was a snapshot to go on from.
    pub had_snapshot: bool,
    /// Events read back from the log store.
    pub event_count: usize,
}

impl FraudDetection {
    /// Remembers what was remembered, unless that was done. The first batch waits for it.
    ///
    /// # Errors
    /// What the store answers; the next call tries again.
    pub async fn recovered(&self, store: &dyn LogStore) -> Result<Recovery> {
        self.recovery.get_or_try_init(|| self.recover(store)).await.copied()
    }

    ///
    /// With a snapshot, what was accepted since is put behind it in order of arrival, so that the state is that of a run that never
    /// stopped. Without one, the last 37 days are read in order of time.
    ///
    /// # Errors
    /// What the store answers.
    async fn recover(&self, store: &dyn LogStore) -> Result<Recovery> {
        let now = (self.clock)();
        let snapshot = self.settings.snapshot.as_deref().and_then(snapshot::read);
        let restored = snapshot.and_then(|snapshot| {
            let mut bytes = snapshot.state.as_slice();
            self.state().scorer.restore(&mut bytes, self.settings.bounds).ok().map(|()| snapshot.taken_at)
        });
        let from = now.saturating_add_nanos(-REACH_DAYS * NANOS_PER_DAY);
        let since = restored.map(|taken_at| taken_at.saturating_add_nanos(-UNDER_WAY_NANOS_MAX));
        let event_count = self.read_back(store, TimeRange { from, to: Timestamp::MAX }, since).await?;
        if let Some(metadata) = &self.metadata {
            self.recall_rules(metadata.as_ref()).await?;
            self.recall_lists(metadata.as_ref()).await?;
            self.recall_models(metadata.as_ref()).await?;
            let labelled_since = since.unwrap_or_else(|| now.saturating_add_nanos(-LABEL_REACH_NANOS));
            self.recall_labels(store, metadata.as_ref(), labelled_since).await?;
        }
        Ok(Recovery { had_snapshot: restored.is_some(), event_count })
    }

    async fn read_back(&self, store: &dyn LogStore, range: TimeRange, since: Option<Timestamp>) -> Result<usize> {
        let text = match since {
            None => ACTIVITIES.to_owned(),
            Some(since) => format!("_ingested_at >= \"{since}\" AND ({ACTIVITIES})"),
        };
        let query = parse(&text).map_err(|error| Error::internal(format!("the query of recovery: {error}")))?;
        let mut request = SearchRequest {
            selection: Selection { query, range },
            order: SortOrder::OldestFirst,
            after: None,
            skip: 0,
            limit: PAGE_EVENTS,
            count_total: false,
            fields: ActivityReader::needed(),
        };
        let (mut count, mut held) = (0, Vec::new());
        loop {
            let hits = store.search(&Scope::main(), &request).await?.hits;
            let Some(last) = hits.last() else { break };
            request.after = Some(last.position);
            count += hits.len();
            held.extend(hits);
            // Without a snapshot there is no order of arrival to keep.
            if since.is_none() || held.len() > SINCE_EVENTS_MAX {
                self.recall(std::mem::take(&mut held));
            }
        }
        held.sort_by_key(|hit| (hit.ingested_at, hit.position.sequence));
        self.recall(held);
        Ok(count)
    }

    fn recall(&self, hits: Vec<Hit>) {
        let events = as_batch(hits);
        let mut guard = self.state();
        let state = &mut *guard;
        for row in events.rows() {
            if let Some(activity) = state.reader.read(&row) {
                state.scorer.recall(&activity);
            }
        }
    }

    /// Writes what is remembered to the file of the settings, once every batch under way is stored.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written; what was there before stays.
    pub async fn keep(self: &Arc<Self>) -> Result<()> {
        // What was not read back yet must not take the place of what was kept.
        let path = self.settings.snapshot.clone().filter(|_| self.recovery.initialized());
        let Some(path) = path else { return Ok(()) };
        let closed = self.gate.write().await;
        let taken_at = (self.clock)();
        let detection = Arc::clone(self);
        let copying = tokio::task::spawn_blocking(move || {
            let mut state = Vec::new();
            detection.state().scorer.write_snapshot(&mut state);
            state
        });
        let state = copying.await.map_err(|error| Error::internal(format!("a snapshot stopped: {error}")))?;
        drop(closed);
        let writing = tokio::task::spawn_blocking(move || snapshot::write(&path, taken_at, &state));
        writing.await.map_err(|error| Error::internal(format!("a snapshot stopped: {error}")))?
    }
}

/// Events that were read back, as rows.
pub(super) fn as_batch(hits: Vec<Hit>) -> EventBatch {
    let mut events = EventBatch::default();
    for hit in hits {
        let Hit { position, ingested_at, log_type, source, .. } = hit;
        events.push(&Event { id: None, timestamp: position.timestamp, ingested_at, log_type, body: source });
    }
    events
}
