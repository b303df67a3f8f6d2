//! The past of a shop read back in order of time, for whoever learns from it or tries something on it.

use std::collections::HashMap;
use std::sync::Arc;

use vigie_domain::ports::{AggregateRequest, Hit, LogStore, MetadataStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, EventBatch, Result, Scope, TimeRange, Timestamp};
use vigie_fraud::backtest::Backtest;
use vigie_fraud::learning::Lessons;
use vigie_fraud::stream::{Activity, ActivityReader, Field, Told};

use super::evaluation::attack_of;
use super::jobs::Progress;
use super::labels;
use super::recovery::{ACTIVITIES, REACH_DAYS, as_batch};

/// Events read at once.
const PAGE_EVENTS: usize = 5_000;

/// Somebody who looks at the past.
pub trait Witness: Send + 'static {
    /// Sees what happened next, in order.
    fn see(&mut self, next: &[Told<'_>]);
}

impl Witness for Backtest {
    fn see(&mut self, next: &[Told<'_>]) {
        self.take(next);
    }
}

impl Witness for Lessons {
    fn see(&mut self, next: &[Told<'_>]) {
        self.take(next);
    }
}

/// Shows a witness everything up to the end of a range that may matter to its payments: what windows look back at with it.
pub(super) async fn shown<W: Witness>(
    witness: W,
    (logs, metadata): (&dyn LogStore, &dyn MetadataStore),
    range: TimeRange,
    progress: &Progress,
) -> Result<W> {
    let frauds = Arc::new(labels::frauds(metadata).await?);
    let query = parse(ACTIVITIES).map_err(|error| Error::internal(format!("the query of the past: {error}")))?;
    let from = range.from.saturating_add_nanos(-REACH_DAYS * NANOS_PER_DAY);
    let selection = Selection { query, range: TimeRange { from, to: range.to } };
    let counting = AggregateRequest { selection: selection.clone(), aggregations: Vec::new() };
    progress.expect(logs.aggregate(&Scope::main(), &counting).await?.total);
    let mut request = SearchRequest {
        selection,
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: PAGE_EVENTS,
        count_total: false,
        fields: ActivityReader::needed(),
    };
    let mut looking = Looking { reader: ActivityReader::default(), witness };
    let mut hits = logs.search(&Scope::main(), &request).await?.hits;
    while let Some(last) = hits.last() {
        request.after = Some(last.position);
        let count = hits.len() as u64;
        let frauds = Arc::clone(&frauds);
        let look = tokio::task::spawn_blocking(move || looking.looked(hits, &frauds));
        // The next page is read while this one is looked at.
        let scope = Scope::main();
        let (looked, next) = tokio::join!(look, logs.search(&scope, &request));
        looking = looked.map_err(|error| Error::internal(format!("looking at the past stopped: {error}")))?;
        hits = next?.hits;
        progress.advance(count);
    }
    Ok(looking.witness)
}

/// Labelled events shown to a witness: a payment of an attack is known as fraud some days after it was made.
pub struct PastEvents<W> {
    reader: ActivityReader,
    witness: W,
    label_delay_nanos: i64,
}

impl<W: Witness> PastEvents<W> {
    /// For this witness, with that delay.
    pub fn new(witness: W, label_delay_days: u32) -> Self {
        let label_delay_nanos = i64::from(label_delay_days).saturating_mul(NANOS_PER_DAY);
        Self { reader: ActivityReader::default(), witness, label_delay_nanos }
    }

    /// Shows what happened next.
    pub fn take(&mut self, events: &EventBatch) {
        let mut next: Vec<Told<'_>> = Vec::with_capacity(events.len());
        for row in events.rows() {
            if let Some(activity) = self.reader.read(&row) {
                let known_at = activity.at.saturating_add_nanos(self.label_delay_nanos);
                next.push((activity, attack_of(&row).map(|_| known_at)));
            }
        }
        self.witness.see(&next);
    }

    /// The witness, who saw it all.
    pub fn into_witness(self) -> W {
        self.witness
    }
}

/// A witness on its way through the events.
struct Looking<W> {
    reader: ActivityReader,
    witness: W,
}

impl<W: Witness> Looking<W> {
    fn looked(mut self, hits: Vec<Hit>, frauds: &HashMap<String, Timestamp>) -> Self {
        let events = as_batch(hits);
        let known_at = |activity: &Activity<'_>| frauds.get(activity.text(Field::TransactionId)?).copied();
        let mut next: Vec<Told<'_>> = Vec::with_capacity(events.len());
        for row in events.rows() {
            if let Some(activity) = self.reader.read(&row) {
                let fraud_known_at = known_at(&activity);
                next.push((activity, fraud_known_at));
            }
        }
        self.witness.see(&next);
        self
    }
}
