//! Taking in events of which each has an answer of its own, as clients of Elasticsearch want it.
//!
//! The same way as every other body: the same lanes, bounds and batches. An answer is given only once the store has
//! answered; when it refuses some batches of a request, their items say so and the others are stored.

use bytes::Bytes;
use vigie_domain::ports::Append;
use vigie_domain::{Day, Error, EventId, Result, Scope};
use vigie_pipeline::{
    BulkAction, BulkBatch, BulkFate, BulkItem, DecodeOptions, RedactionCounts, decode_bulk, decode_document,
};

use super::chunks::bounded;
use super::{Ingest, IngestOptions};

/// What became of the items of a request, in the order sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkReport {
    /// The items.
    pub items: Vec<BulkAnswer>,
    /// What was taken out of them, because it may never be stored.
    pub redactions: RedactionCounts,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkAnswer {
    /// What was asked for.
    pub action: BulkAction,
    /// The name that the sender gave, else the one that was made; `None` when nothing is stored and none was given.
    pub id: Option<String>,
    /// The index that the sender named.
    pub index: Option<std::sync::Arc<str>>,
    /// What became of it.
    pub outcome: ItemOutcome,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemOutcome {
    /// It is stored, durably, in the index of that day under that number.
    Stored {
        /// Day of the event.
        day: Day,
        /// Number in the log.
        sequence: u64,
    },
    /// An event of that name was stored before, within the last 24 h; this one is not.
    Known {
        /// Day of the event that was sent.
        day: Day,
    },
    /// The pipeline let it go, as it says; nothing is stored.
    Dropped,
    /// It would change what is not there.
    Missing,
    /// It cannot be stored: why, and what to do.
    Rejected(String),
    /// The store did not take it; it may be sent again.
    Failed(Error),
}

/// Where the items of a request are.
pub enum BulkBody {
    /// Actions and documents, a line each; the index that the path names.
    Lines(Option<String>),
    /// The body is the document of this item.
    Document(BulkItem),
}

impl BulkReport {
    /// How many items were stored now, were stored before, and are not stored.
    pub fn counts(&self) -> (u64, u64, u64) {
        let mut counts = (0, 0, 0);
        for item in &self.items {
            match item.outcome {
                ItemOutcome::Stored { .. } => counts.0 += 1,
                ItemOutcome::Known { .. } => counts.1 += 1,
                ItemOutcome::Dropped => {}
                ItemOutcome::Missing | ItemOutcome::Rejected(_) | ItemOutcome::Failed(_) => counts.2 += 1,
            }
        }
        counts
    }
}

impl Ingest {
    /// Decodes the items and stores their events; when it returns, those that it says so of are durable.
    ///
    /// # Errors
    /// `Malformed` for a body that is empty, undecodable or without items, `TooLarge` for one that unpacks to too much,
    /// `Throttled` when too many requests wait; what the store answers when it took nothing at all.
    pub async fn accept_bulk(
        &self,
        scope: &Scope,
        body: Bytes,
        shape: BulkBody,
        options: &IngestOptions,
    ) -> Result<BulkReport> {
        if body.trim_ascii().is_empty() {
            return Err(Error::malformed("the body is empty; send events"));
        }
        let _way = self.way_for(&body).await?;
        let decode = self.decode_options(options);
        let decoding = tokio::task::spawn_blocking(move || decoded(&body, shape, &decode));
        let batch = decoding.await.map_err(|error| Error::internal(format!("decoding stopped: {error}")))??;
        if batch.items.is_empty() {
            return Err(Error::malformed("the request holds no action; send an action and its document, a line each"));
        }
        self.store_bulk(scope, batch).await
    }

    async fn store_bulk(&self, scope: &Scope, batch: BulkBatch) -> Result<BulkReport> {
        let mut fates = Vec::with_capacity(batch.events.len());
        let mut failure: Option<Error> = None;
        for events in bounded(batch.events) {
            let sent = events.len();
            if let Some(error) = &failure {
                fates.resize(fates.len() + sent, StoreFate::Failed(error.clone()));
                continue;
            }
            match self.store.append(scope, Append { key: None, events }).await {
                Ok(outcome) => {
                    let (mut known, mut sequence) = (outcome.known.iter().peekable(), outcome.first_sequence);
                    for place in 0..sent {
                        if known.next_if_eq(&&place).is_some() {
                            fates.push(StoreFate::Known);
                        } else {
                            fates.push(StoreFate::Stored(sequence));
                            sequence += 1;
                        }
                    }
                }
                Err(error) if fates.is_empty() => return Err(error),
                Err(error) => {
                    fates.resize(fates.len() + sent, StoreFate::Failed(error.clone()));
                    failure = Some(error);
                }
            }
        }
        let mut fates = fates.into_iter();
        let items = batch.items.into_iter().map(|item| answer_of(item, &mut fates)).collect();
        Ok(BulkReport { items, redactions: batch.redactions })
    }
}

/// What the store said of an event.
#[derive(Clone)]
enum StoreFate {
    Stored(u64),
    Known,
    Failed(Error),
}

fn decoded(body: &[u8], shape: BulkBody, options: &DecodeOptions) -> Result<BulkBatch> {
    Ok(match shape {
        BulkBody::Lines(index) => decode_bulk(body, index.as_deref(), options)?,
        BulkBody::Document(item) => decode_document(body, item, options)?,
    })
}

fn answer_of(item: BulkItem, fates: &mut dyn Iterator<Item = StoreFate>) -> BulkAnswer {
    let BulkItem { action, mut id, index, fate } = item;
    let outcome = match fate {
        BulkFate::Rejected(reason) => ItemOutcome::Rejected(reason),
        BulkFate::Dropped => ItemOutcome::Dropped,
        BulkFate::Event(day) => outcome_of(day, fates.next(), &mut id),
        BulkFate::Several(day, count) => {
            let of_item: Vec<StoreFate> = fates.take(count).collect();
            // One that could not be stored may be sent again with the others: those are known then.
            let failed = of_item.iter().find(|fate| matches!(fate, StoreFate::Failed(_))).cloned();
            outcome_of(day, failed.or_else(|| of_item.into_iter().next()), &mut id)
        }
    };
    BulkAnswer { action, id, index, outcome }
}

fn outcome_of(day: Day, fate: Option<StoreFate>, id: &mut Option<String>) -> ItemOutcome {
    match fate {
        Some(StoreFate::Stored(sequence)) => {
            id.get_or_insert_with(|| EventId::from_sequence(sequence).0);
            ItemOutcome::Stored { day, sequence }
        }
        Some(StoreFate::Known) => ItemOutcome::Known { day },
        Some(StoreFate::Failed(error)) => ItemOutcome::Failed(error),
        None => ItemOutcome::Failed(Error::internal("the store gave no answer for an event")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use vigie_domain::ErrorKind;
    use vigie_domain::Timestamp;
    use vigie_domain::ports::{AppendOutcome, IndexInfo, LogStore};
    use vigie_testkit::LinearStore;

    use super::*;
    use crate::door::{Door, DoorStore};
    use crate::test_shop::{NOW, Shop};

    async fn send(shop: &Shop, body: &str) -> Result<BulkReport> {
        let options = IngestOptions::default();
        shop.ingest.accept_bulk(&shop.scope, body.to_owned().into(), BulkBody::Lines(None), &options).await
    }

    /// Each item as its name and what became of it.
    fn told(report: &BulkReport) -> Vec<String> {
        let tell = |item: &BulkAnswer| {
            let id = item.id.as_deref().unwrap_or("-");
            match &item.outcome {
                ItemOutcome::Stored { day, sequence } => {
                    assert_eq!(*day, NOW.day());
                    format!("{id} stored {sequence}")
                }
                ItemOutcome::Known { .. } => format!("{id} known"),
                ItemOutcome::Dropped => format!("{id} dropped"),
                ItemOutcome::Missing => format!("{id} missing"),
                ItemOutcome::Rejected(_) => format!("{id} rejected"),
                ItemOutcome::Failed(error) => format!("{id} failed {:?}", error.kind),
            }
        };
        report.items.iter().map(tell).collect()
    }

    #[tokio::test]
    async fn every_item_has_its_own_answer() {
        let shop = Shop::new();
        let first = "{\"create\":{\"_id\":\"a\"}}\n{}\n{\"index\":{}}\nbroken\n{\"index\":{}}\n{}\n{\"create\":{\"_id\":\"a\"}}\n{}\n{\"delete\":{\"_id\":\"a\"}}\n{\"index\":{}}\n{}\n";
        let report = send(&shop, first).await.unwrap();
        assert_eq!(told(&report), ["a stored 0", "- rejected", "~1 stored 1", "a known", "a rejected", "~2 stored 2"]);
        assert_eq!(report.counts(), (3, 1, 2));
        let again = send(&shop, "{\"create\":{\"_id\":\"b\"}}\n{}\n{\"index\":{\"_id\":\"a\"}}\n{}\n").await.unwrap();
        assert_eq!(told(&again), ["b stored 3", "a known"]);
        let found = shop.store.get(&shop.scope, &EventId("~2".into())).await.unwrap();
        assert!(found.is_some(), "an event is found under the name that was answered");
    }

    #[tokio::test]
    async fn a_body_without_items_is_refused() {
        for body in ["", " \n\n", "\u{feff}x"] {
            let refused = send(&Shop::new(), body).await.map_err(|error| error.kind);
            assert_eq!(refused, Err(ErrorKind::Malformed), "{body:?}");
        }
    }

    /// Takes batches until the store holds so many events.
    struct Small {
        events_max: usize,
    }

    #[async_trait]
    impl Door for Small {
        async fn append(&self, store: &dyn LogStore, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
            let held: u64 = store.indices(scope).await?.iter().map(IndexInfo::events_count).sum();
            if held as usize + batch.events.len() > self.events_max {
                return Err(Error::new(ErrorKind::DiskFull, "full"));
            }
            store.append(scope, batch).await
        }
    }

    #[tokio::test]
    async fn what_the_store_did_not_take_is_told_apart_from_what_it_took() {
        let shop =
            Shop::on(Arc::new(DoorStore::new(Arc::new(LinearStore::default()), Arc::new(Small { events_max: 5_000 }))));
        let report = send(&shop, &"{\"index\":{}}\n{}\n".repeat(5_002)).await.unwrap();
        let told = told(&report);
        assert_eq!((told[4_999].as_str(), told[5_000].as_str()), ("~1387 stored 4999", "- failed DiskFull"));
        assert_eq!(report.counts(), (5_000, 0, 2));
        let nothing = send(&shop, "{\"index\":{}}\n{}\n").await.map_err(|error| error.kind);
        assert_eq!(nothing, Err(ErrorKind::DiskFull), "a request of which nothing is stored is refused as a whole");
    }

    #[tokio::test]
    async fn the_window_holds_unless_any_time_is_asked_for() {
        let shop = Shop::new();
        let body = Bytes::from_static(b"{\"index\":{\"_id\":\"a\"}}\n{\"@timestamp\":\"2001-01-01T00:00:00Z\"}\n");
        for (any_time, expected) in [(false, 0), (true, 1)] {
            let options = IngestOptions { any_time, ..IngestOptions::default() };
            let sent = shop.ingest.accept_bulk(&shop.scope, body.clone(), BulkBody::Lines(None), &options).await;
            assert_eq!(sent.unwrap().counts().0, expected);
        }
        let first = Timestamp::from_seconds(978_307_200);
        assert_eq!(shop.store.indices(&shop.scope).await.unwrap()[0].day, first.day());
    }
}
