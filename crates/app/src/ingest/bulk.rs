//! Taking in events of which each has an answer of its own, as clients of Elasticsearch want it.
//!
//! The same way as every other body: the same lanes, bounds and batches. An answer is given only once the store has
//! answered; when it refuses some batches of a request, their items say so and the others are stored.

use std::sync::Arc;

use bytes::Bytes;
use vigie_domain::ports::Append;
use vigie_domain::{Day, Error, ErrorKind, EventBatch, EventId, Result, Scope};
use vigie_pipeline::{
    BulkAction, BulkBatch, BulkFate, BulkItem, DecodeOptions, NO_SUCH_INDEX, RedactionCounts, decode_bulk,
    decode_document,
};

use super::chunks::bounded;
use super::{Ingest, IngestOptions};
use crate::dsl::{DocumentFate, DslSearch, several_indices};

/// Events that a request deletes at most: each is looked up by itself.
const DELETIONS_MAX: usize = 10_000;
/// Why further ones are not.
const TOO_MANY_DELETIONS: &str =
    "one request deletes 10,000 events at most; send the others again, or delete them by a query";
/// Why an event is not deleted.
const MAY_NOT_DELETE: &str = "deleting events needs the role \"admin\", and no API key has it";

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
    pub index: Option<Arc<str>>,
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
    /// The event is gone, durably.
    Deleted {
        /// The index that it was sent to, else that of its day.
        index: String,
        /// Number that it had in the log.
        sequence: u64,
    },
    /// It would change or delete what is not there.
    Missing,
    /// It cannot be stored: why, and what to do.
    Rejected(String),
    /// The store did not take it; it may be sent again.
    Failed(Error),
}

/// A request.
pub struct BulkRequest<'a> {
    /// Its body, as it was sent.
    pub body: Bytes,
    /// Where its items are.
    pub shape: BulkBody,
    /// What the caller says of its events.
    pub options: &'a IngestOptions,
    /// Who deletes events for the caller; without, items that want that are refused.
    pub deleting: Option<&'a DslSearch>,
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
                ItemOutcome::Dropped | ItemOutcome::Deleted { .. } => {}
                ItemOutcome::Missing if item.action == BulkAction::Delete => {}
                ItemOutcome::Missing | ItemOutcome::Rejected(_) | ItemOutcome::Failed(_) => counts.2 += 1,
            }
        }
        counts
    }
}

impl Ingest {
    /// Decodes the items and does what they say, in their order; when it returns, what it says so of is durable.
    ///
    /// # Errors
    /// `Malformed` for a body that is empty, undecodable or without items, `TooLarge` for one that unpacks to too much,
    /// `Throttled` when too many requests wait; what the store answers when it took nothing at all.
    pub async fn accept_bulk(&self, scope: &Scope, request: BulkRequest<'_>) -> Result<BulkReport> {
        let BulkRequest { body, shape, options, deleting } = request;
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
        let BulkBatch { events, items, redactions } = batch;
        let items = match items.iter().any(is_deletion) {
            true => self.in_order(scope, &events, &items, deleting).await?,
            false => self.store_items(scope, events, items).await?,
        };
        Ok(BulkReport { items, redactions })
    }

    /// Stores and deletes by turns, as the items stand.
    async fn in_order(
        &self,
        scope: &Scope,
        events: &EventBatch,
        items: &[BulkItem],
        deleting: Option<&DslSearch>,
    ) -> Result<Vec<BulkAnswer>> {
        let (mut answers, mut rows) = (Vec::with_capacity(items.len()), events.rows());
        let mut deletions_left = DELETIONS_MAX;
        for run in items.chunk_by(|left, right| is_deletion(left) == is_deletion(right)) {
            let done = if run.first().is_some_and(is_deletion) {
                let (now, later) = run.split_at(run.len().min(deletions_left));
                deletions_left -= now.len();
                let done = delete_items(scope, now, deleting).await;
                let too_many = Error::new(ErrorKind::Throttled, TOO_MANY_DELETIONS).with_retry_after_s(1);
                done.map(|mut done| {
                    done.extend(later.iter().cloned().map(|item| failed(item, &too_many)));
                    done
                })
            } else {
                let mut events = EventBatch::default();
                rows.by_ref().take(run.iter().map(event_count).sum()).for_each(|row| events.push_row(row));
                self.store_items(scope, events, run.to_vec()).await
            };
            match done {
                Ok(done) => answers.extend(done),
                Err(error) if answers.is_empty() => return Err(error),
                Err(error) => answers.extend(run.iter().cloned().map(|item| failed(item, &error))),
            }
        }
        Ok(answers)
    }

    /// Stores the events of these items, none of which deletes.
    async fn store_items(&self, scope: &Scope, events: EventBatch, items: Vec<BulkItem>) -> Result<Vec<BulkAnswer>> {
        let mut fates = Vec::with_capacity(events.len());
        let mut failure: Option<Error> = None;
        for events in bounded(events) {
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
        Ok(items.into_iter().map(|item| answer_of(item, &mut fates)).collect())
    }
}

const fn is_deletion(item: &BulkItem) -> bool {
    matches!(item.fate, BulkFate::Deletion)
}

/// Events of the batch that the item became.
const fn event_count(item: &BulkItem) -> usize {
    match item.fate {
        BulkFate::Event(_) => 1,
        BulkFate::Several(_, count) => count,
        BulkFate::Dropped | BulkFate::Deletion | BulkFate::Rejected(_) => 0,
    }
}

/// What items say of which nothing was done: those that were refused anyway, and those that may be sent again.
fn failed(item: BulkItem, error: &Error) -> BulkAnswer {
    let BulkItem { action, id, index, fate } = item;
    let outcome = match fate {
        BulkFate::Rejected(reason) => ItemOutcome::Rejected(reason),
        BulkFate::Dropped => ItemOutcome::Dropped,
        BulkFate::Event(_) | BulkFate::Several(..) | BulkFate::Deletion => ItemOutcome::Failed(error.clone()),
    };
    BulkAnswer { action, id, index, outcome }
}

/// Deletes the events that these items name, all of which do.
async fn delete_items(scope: &Scope, items: &[BulkItem], deleting: Option<&DslSearch>) -> Result<Vec<BulkAnswer>> {
    let Some(dsl) = deleting else {
        let error = Error::new(ErrorKind::Forbidden, MAY_NOT_DELETE);
        return Ok(items.iter().cloned().map(|item| failed(item, &error)).collect());
    };
    let named = |item: &'_ BulkItem| (item.index.clone().unwrap_or_default(), item.id.clone().unwrap_or_default());
    let named: Vec<(Arc<str>, String)> = items.iter().map(named).collect();
    let documents: Vec<(&str, &str)> = named.iter().map(|(index, id)| (&**index, id.as_str())).collect();
    let fates = dsl.delete_documents(scope, &documents).await?;
    let answer = |(item, fate): (&BulkItem, DocumentFate)| {
        let BulkItem { action, id, index, .. } = item.clone();
        let name = index.as_deref().unwrap_or_default();
        let outcome = match fate {
            DocumentFate::Deleted { index, sequence } => ItemOutcome::Deleted { index, sequence },
            DocumentFate::NoDocument => ItemOutcome::Missing,
            DocumentFate::NoIndex => ItemOutcome::Rejected(format!("{NO_SUCH_INDEX} [{name}]")),
            DocumentFate::Several(indices) => ItemOutcome::Rejected(several_indices(name, &indices)),
        };
        BulkAnswer { action, id, index, outcome }
    };
    Ok(items.iter().zip(fates).map(answer).collect())
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
        BulkFate::Deletion => ItemOutcome::Failed(Error::internal("a deletion was taken for an event")),
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
    use async_trait::async_trait;
    use vigie_domain::Timestamp;
    use vigie_domain::ports::{AppendOutcome, IndexInfo, LogStore};
    use vigie_testkit::LinearStore;

    use super::*;
    use crate::door::{Door, DoorStore};
    use crate::test_shop::{NOW, Shop};

    fn request<'a>(body: &str, options: &'a IngestOptions, deleting: Option<&'a DslSearch>) -> BulkRequest<'a> {
        BulkRequest { body: body.to_owned().into(), shape: BulkBody::Lines(None), options, deleting }
    }

    async fn send(shop: &Shop, body: &str) -> Result<BulkReport> {
        let options = IngestOptions::default();
        let dsl = DslSearch::new(shop.store.clone(), Arc::new(|| NOW));
        shop.ingest.accept_bulk(&shop.scope, request(body, &options, Some(&dsl))).await
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
                ItemOutcome::Deleted { sequence, .. } => format!("{id} deleted {sequence}"),
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
    async fn items_are_done_in_their_order() {
        let shop = Shop::new();
        let index =
            |id: &str, n: i64| format!("{{\"index\":{{\"_index\":\"till\",\"_id\":\"{id}\"}}}}\n{{\"n\":{n}}}\n");
        let delete = |index: &str, id: &str| format!("{{\"delete\":{{\"_index\":\"{index}\",\"_id\":\"{id}\"}}}}\n");
        let items = [
            index("a", 1),
            delete("till", "a"),
            index("a", 2),
            index("b", 3),
            delete("till", "b"),
            delete("till", "b"),
            delete("shop", "a"),
            delete("till", "c"),
        ];
        let report = send(&shop, &items.concat()).await.unwrap();
        let expected = [
            "a stored 0",
            "a deleted 0",
            "a stored 1",
            "b stored 2",
            "b deleted 2",
            "b missing",
            "a rejected",
            "c missing",
        ];
        assert_eq!(told(&report), expected);
        assert_eq!(report.counts(), (3, 0, 1));
        let a = shop.store.get(&shop.scope, &EventId::of_index("till", "a")).await.unwrap().unwrap();
        assert_eq!(a.source.iter().find(|(name, _)| name == "n").unwrap().1, vigie_domain::Value::Int(2));
        // One id is another event in each index, and one of its own where none was named.
        let same = [
            index("x", 1),
            index("x", 1).replace("till", "shop"),
            "{\"index\":{\"_id\":\"x\"}}\n{\"n\":1}\n".to_owned(),
        ];
        send(&shop, &same.concat()).await.unwrap();
        let report = send(&shop, &delete("till", "x")).await.unwrap();
        assert_eq!(told(&report), ["x deleted 3"]);
        for (id, is_there) in [("~till/x", false), ("~shop/x", true), ("x", true)] {
            let found = shop.store.get(&shop.scope, &EventId(id.into())).await.unwrap();
            assert_eq!(found.is_some(), is_there, "{id}");
        }
    }

    #[tokio::test]
    async fn a_request_deletes_so_many_events_at_most() {
        let shop = Shop::new();
        let body = "{\"delete\":{\"_index\":\"ecommerce-logs\",\"_id\":\"a\"}}\n".repeat(DELETIONS_MAX + 1);
        let told = told(&send(&shop, &body).await.unwrap());
        assert_eq!(
            (told[DELETIONS_MAX - 1].as_str(), told[DELETIONS_MAX].as_str()),
            ("a missing", "a failed Throttled")
        );
    }

    #[tokio::test]
    async fn nobody_deletes_who_may_not() {
        let shop = Shop::new();
        let body =
            "{\"index\":{\"_index\":\"till\",\"_id\":\"a\"}}\n{}\n{\"delete\":{\"_index\":\"till\",\"_id\":\"a\"}}\n";
        let options = IngestOptions::default();
        let report = shop.ingest.accept_bulk(&shop.scope, request(body, &options, None)).await.unwrap();
        assert_eq!(told(&report), ["a stored 0", "a failed Forbidden"]);
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
        let body = "{\"index\":{\"_id\":\"a\"}}\n{\"@timestamp\":\"2001-01-01T00:00:00Z\"}\n";
        for (any_time, expected) in [(false, 0), (true, 1)] {
            let options = IngestOptions { any_time, ..IngestOptions::default() };
            let sent = shop.ingest.accept_bulk(&shop.scope, request(body, &options, None)).await;
            assert_eq!(sent.unwrap().counts().0, expected);
        }
        let first = Timestamp::from_seconds(978_307_200);
        assert_eq!(shop.store.indices(&shop.scope).await.unwrap()[0].day, first.day());
    }
}
