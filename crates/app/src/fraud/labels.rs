//! What turned out about payments: fraud or not. Kept beside the logs, told to what remembers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::{Fields, FindRequest, Hit, LogStore, MetadataStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, ErrorKind, Result, Scope, TimeRange, Timestamp};

use super::FraudDetection;
use super::recovery::as_batch;
use crate::records::{encoded, of_main_tenant, record_of};

/// Where labels are kept; the id of one is that of its payment.
const LABELS: &str = "fraud_labels";
/// Labels of one request at most.
const LABELS_MAX: usize = 10_000;
/// Labels read at once at a start.
const PAGE_LABELS: usize = 500;
/// Labels that were given longer ago weigh on nothing that is remembered.
pub(super) const LABEL_REACH_NANOS: i64 = 37 * NANOS_PER_DAY;
/// How often a label is tried again that somebody else wrote meanwhile.
const TRIES_MAX: usize = 5;

/// What turned out about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// It was fraud.
    Fraud,
    /// It was not.
    Legitimate,
}

/// A label as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LabelRecord {
    tenant: String,
    label: Label,
    by: String,
    at: Timestamp,
}

/// What became of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelReport {
    /// How many are kept now.
    pub applied: usize,
    /// Payments that were never stored.
    pub unknown: Vec<String>,
}

impl FraudDetection {
    /// Keeps labels and lets them weigh on everything that their payments touched. When it returns, both is done.
    ///
    /// # Errors
    /// `Invalid` for more than ten thousand, else what the stores answer; labels before the one that failed are kept.
    pub async fn label(
        &self,
        stores: (&dyn LogStore, &dyn MetadataStore),
        by: &str,
        labels: &[(String, Label)],
    ) -> Result<LabelReport> {
        if labels.len() > LABELS_MAX {
            return Err(Error::invalid(format!("{} labels: send at most {LABELS_MAX} at once", labels.len())));
        }
        let (logs, metadata) = stores;
        self.recovered(logs).await?;
        let mut report = LabelReport::default();
        for (transaction_id, label) in labels {
            let Some(payment) = payment(logs, transaction_id).await? else {
                report.unknown.push(transaction_id.clone());
                continue;
            };
            let record = LabelRecord {
                tenant: Scope::MAIN_TENANT.to_owned(),
                label: *label,
                by: by.to_owned(),
                at: (self.clock)(),
            };
            keep(metadata, transaction_id, &record).await?;
            self.weigh(payment, *label);
            report.applied += 1;
        }
        Ok(report)
    }

    /// Tells what remembers about labels that were given since; without an instant, about all of the reach of its windows.
    pub(super) async fn recall_labels(
        &self,
        logs: &dyn LogStore,
        metadata: &dyn MetadataStore,
        since: Timestamp,
    ) -> Result<usize> {
        let mut request = FindRequest { filters: vec![of_main_tenant()], limit: PAGE_LABELS, after: None };
        let mut count = 0;
        loop {
            let documents = metadata.find(LABELS, &request).await?;
            let Some(last) = documents.last() else { return Ok(count) };
            request.after = Some(last.id.clone());
            for document in documents {
                let transaction_id = document.id.clone();
                let record: LabelRecord = record_of(LABELS, document)?;
                // The latest written come first.
                if record.at < since {
                    return Ok(count);
                }
                if let Some(payment) = payment(logs, &transaction_id).await? {
                    self.weigh(payment, record.label);
                    count += 1;
                }
            }
        }
    }

    fn weigh(&self, payment: Hit, label: Label) {
        let events = as_batch(vec![payment]);
        let mut guard = self.state();
        let state = &mut *guard;
        for row in events.rows() {
            let Some(activity) = state.reader.read(&row) else { continue };
            match label {
                Label::Fraud => state.scorer.mark_fraud(&activity),
                Label::Legitimate => state.scorer.clear_fraud(&activity),
            };
        }
    }
}

async fn keep(metadata: &dyn MetadataStore, id: &str, record: &LabelRecord) -> Result<()> {
    for _ in 0..TRIES_MAX {
        let written = match metadata.get(LABELS, id).await? {
            None => metadata.insert(LABELS, id, encoded(record)?, &[]).await,
            Some(kept) => metadata.replace(LABELS, id, kept.revision, encoded(record)?).await,
        };
        match written {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("others label payment \"{id}\" at the same time; send the label again"),
    ))
}

/// Payments that turned out to be fraud, and when that was said.
pub(super) async fn frauds(metadata: &dyn MetadataStore) -> Result<HashMap<String, Timestamp>> {
    let mut request = FindRequest { filters: vec![of_main_tenant()], limit: PAGE_LABELS, after: None };
    let mut frauds = HashMap::new();
    loop {
        let documents = metadata.find(LABELS, &request).await?;
        let Some(last) = documents.last() else { return Ok(frauds) };
        request.after = Some(last.id.clone());
        for document in documents {
            let transaction_id = document.id.clone();
            let record: LabelRecord = record_of(LABELS, document)?;
            if record.label == Label::Fraud {
                frauds.insert(transaction_id, record.at);
            }
        }
    }
}

/// Whether a payment turned out to be fraud.
pub(super) async fn is_fraud(metadata: &dyn MetadataStore, transaction_id: &str) -> Result<bool> {
    let Some(document) = metadata.get(LABELS, transaction_id).await? else { return Ok(false) };
    Ok(record_of::<LabelRecord>(LABELS, document)?.label == Label::Fraud)
}

/// The first event that names a payment.
async fn payment(logs: &dyn LogStore, transaction_id: &str) -> Result<Option<Hit>> {
    let query = Query::equals("log_type", "transaction").and(Query::equals("transaction_id", transaction_id));
    let request = SearchRequest {
        selection: Selection { query, range: TimeRange::ALL },
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: 1,
        count_total: false,
        fields: Fields::All,
    };
    Ok(logs.search(&Scope::main(), &request).await?.hits.pop())
}
