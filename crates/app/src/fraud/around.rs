//! What lies around the payment of a case: how often what it names paid before, and what happened just before and after it.
//!
//! Read from the logs at the moment it is asked for. Not the signals that judged the payment: those are of the moment at which it came.

use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind, Bucket};
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{AggregateRequest, Fields, Hit, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Bound, Predicate, Query};
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::{Entity, EntityKind};

/// Times before a payment over which payments are counted, the shortest first: their names and nanoseconds.
pub const SPANS: [(&str, i64); 4] = [
    ("10m", 600 * NANOS_PER_SECOND),
    ("1h", 3_600 * NANOS_PER_SECOND),
    ("24h", NANOS_PER_DAY),
    ("7d", 7 * NANOS_PER_DAY),
];
/// How far from the payment events are shown.
const NEAR_NANOS: i64 = NANOS_PER_DAY;
/// Events that are shown on each side of it, the nearest.
const NEAR_MAX: usize = 25;
/// The count of payments below a span.
const PAYMENTS: &str = "payments";
/// Those of them that were refused.
const REFUSED: &str = "refused";

/// Payments of a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCount {
    /// How many there were, the one of the case included.
    pub payment_count: u64,
    /// How many of them were refused.
    pub declined_count: u64,
}

/// How often something that the payment names paid before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Velocity {
    /// What.
    pub entity: Entity,
    /// In each of [`SPANS`], the payment at their end.
    pub counts: [SpanCount; SPANS.len()],
}

/// What lies around a payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Around {
    /// Of each that it names.
    pub velocities: Vec<Velocity>,
    /// Events of the same customer, card, device or address, the oldest first, the payment's own among them.
    pub events: Vec<Hit>,
    /// Whether there are earlier ones within a day that are not shown.
    pub has_earlier: bool,
    /// Whether there are later ones.
    pub has_later: bool,
}

/// Looks around payments.
pub struct FraudAround {
    logs: Arc<dyn LogStore>,
}

impl FraudAround {
    /// In this store.
    pub fn new(logs: Arc<dyn LogStore>) -> Self {
        Self { logs }
    }

    /// What lies around the payment that was judged so.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn of(&self, scope: &Scope, decision: &Hit) -> Result<Around> {
        let at = decision.position.timestamp;
        let named = named_by(decision);
        let mut velocities = Vec::with_capacity(named.len());
        for entity in &named {
            velocities.push(Velocity { entity: entity.clone(), counts: self.counts(scope, entity, at).await? });
        }
        let own = text_of(decision, "transaction_id").map(|id| Query::equals("transaction_id", id));
        let theirs = named.iter().map(|(kind, value)| Query::equals(kind.field_name(), value.as_str()));
        let Some(query) = Query::any(own.into_iter().chain(theirs).collect()) else {
            return Ok(Around { velocities, events: Vec::new(), has_earlier: false, has_later: false });
        };
        let query = query.and(Query::Not(Box::new(Query::equals(pseudo_fields::LOG_TYPE, "fraud"))));
        let behind = at.saturating_add_nanos(1);
        let before = TimeRange { from: at.saturating_add_nanos(-NEAR_NANOS), to: behind };
        let (mut events, has_earlier) = self.nearest(scope, (&query, before), SortOrder::NewestFirst).await?;
        events.reverse();
        let after = TimeRange { from: behind, to: at.saturating_add_nanos(NEAR_NANOS) };
        let (later, has_later) = self.nearest(scope, (&query, after), SortOrder::OldestFirst).await?;
        events.extend(later);
        Ok(Around { velocities, events, has_earlier, has_later })
    }

    /// The first events of a range in an order, and whether there are more.
    async fn nearest(
        &self,
        scope: &Scope,
        (query, range): (&Query, TimeRange),
        order: SortOrder,
    ) -> Result<(Vec<Hit>, bool)> {
        let request = SearchRequest {
            selection: Selection { query: query.clone(), range },
            order,
            after: None,
            skip: 0,
            limit: NEAR_MAX + 1,
            count_total: false,
            fields: Fields::All,
        };
        let mut hits = self.logs.search(scope, &request).await?.hits;
        let has_more = hits.len() > NEAR_MAX;
        hits.truncate(NEAR_MAX);
        Ok((hits, has_more))
    }

    async fn counts(&self, scope: &Scope, (kind, value): &Entity, at: Timestamp) -> Result<[SpanCount; SPANS.len()]> {
        let payments = Query::equals(pseudo_fields::LOG_TYPE, "transaction");
        let since = |nanos: i64| at.saturating_add_nanos(-nanos).saturating_add_nanos(1);
        let [.., (_, longest)] = SPANS;
        let range = TimeRange { from: since(longest), to: at.saturating_add_nanos(1) };
        let within = |(name, nanos): &(&str, i64)| {
            let lower = Bound::Inclusive(since(*nanos).to_string());
            let predicate = Predicate::Range { lower, upper: Bound::Open };
            ((*name).to_owned(), Query::Field { field: pseudo_fields::TIMESTAMP.to_owned(), predicate })
        };
        let spans = Aggregation::leaf("spans", AggregationKind::Filters(SPANS.iter().map(within).collect()));
        // Several events tell of one payment: it is pending, then completed or declined.
        let distinct = |name: &str| Aggregation::cardinality(name, "transaction_id");
        let refused = ["declined", "failed"].map(|status| Query::equals("status", status)).to_vec();
        let refused = Query::any(refused).unwrap_or(Query::Nothing);
        let refused = AggregationKind::Filters(vec![(String::new(), refused)]);
        let refused = Aggregation::leaf(REFUSED, refused).with(distinct(PAYMENTS));
        let request = AggregateRequest {
            selection: Selection { query: payments.and(Query::equals(kind.field_name(), value.as_str())), range },
            aggregations: vec![spans.with(distinct(PAYMENTS)).with(refused)],
        };
        let found = self.logs.aggregate(scope, &request).await?;
        let mut counts = [SpanCount::default(); SPANS.len()];
        for (bucket, count) in buckets_of(found.answer("spans")).iter().zip(&mut counts) {
            let refused = buckets_of(child(bucket, REFUSED)).first().map_or(0, distinct_of);
            *count = SpanCount { payment_count: distinct_of(bucket), declined_count: refused };
        }
        Ok(counts)
    }
}

/// What a payment names, by the event of its decision.
fn named_by(decision: &Hit) -> Vec<Entity> {
    let named = |kind: EntityKind| Some((kind, text_of(decision, kind.field_name())?.to_owned()));
    EntityKind::ALL.into_iter().filter_map(named).collect()
}

fn text_of<'h>(hit: &'h Hit, name: &str) -> Option<&'h str> {
    hit.source.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_text())
}

fn buckets_of(answer: Option<&AggregationAnswer>) -> &[Bucket] {
    match answer {
        Some(AggregationAnswer::Buckets { buckets, .. }) => buckets,
        _ => &[],
    }
}

fn child<'b>(bucket: &'b Bucket, name: &str) -> Option<&'b AggregationAnswer> {
    bucket.children.iter().find(|(known, _)| known == name).map(|(_, answer)| answer)
}

/// How many payments the events of a bucket tell of.
fn distinct_of(bucket: &Bucket) -> u64 {
    match child(bucket, PAYMENTS) {
        Some(AggregationAnswer::Cardinality { count, .. }) => *count,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};
    use vigie_domain::EventId;
    use vigie_testkit::LinearStore;

    use super::super::decision_of;
    use super::super::tests::{detection, payment};
    use super::*;
    use crate::ingest::IngestOptions;
    use crate::test_shop::{NOW, Shop, lines};

    /// What lies around payment `t-1`, which was made an hour ago by `u-1` with `c-1` on `d-1`, among these events.
    async fn around(events: &[Json]) -> Around {
        let detection = Arc::new(detection(None));
        let shop = Shop::on(Arc::new(detection.in_front_of(Arc::new(LinearStore::default()))));
        let own = paid(3_600, 1, &json!({}));
        shop.send(&lines(&[&[own], events].concat()), &IngestOptions::default()).await;
        let id = EventId("fraud-t-1".to_owned());
        let decision = decision_of(shop.store.as_ref(), &Scope::main(), &id).await.unwrap().unwrap();
        FraudAround::new(shop.store.clone()).of(&Scope::main(), &decision).await.unwrap()
    }

    fn paid(seconds_ago: i64, number: usize, more: &Json) -> Json {
        let mut body = json!({"user_id": "u-1", "card_hash": "c-1", "device_id": "d-1", "client_ip": "203.0.113.7"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payment(seconds_ago, number, &body)
    }

    fn counts(around: &Around, kind: EntityKind) -> Vec<(u64, u64)> {
        let found = around.velocities.iter().find(|velocity| velocity.entity.0 == kind).unwrap();
        found.counts.iter().map(|count| (count.payment_count, count.declined_count)).collect()
    }

    #[tokio::test]
    async fn payments_before_are_counted_once_each_by_what_they_share() {
        let declined = json!({"status": "declined"});
        let found = around(&[
            paid(3_660, 2, &json!({"status": "pending", "_id": "a"})),
            paid(3_650, 2, &json!({"status": "declined", "_id": "b"})),
            paid(3_600 + 1_800, 3, &json!({"card_hash": "c-9"})),
            paid(3_600 + 7_200, 4, &declined),
            paid(3_600 + 3 * 86_400, 5, &json!({"user_id": "u-9"})),
            paid(3_600 + 8 * 86_400, 6, &json!({})),
            paid(3_599, 7, &json!({})),
        ])
        .await;
        assert_eq!(counts(&found, EntityKind::User), [(2, 1), (3, 1), (4, 2), (4, 2)]);
        assert_eq!(counts(&found, EntityKind::Card), [(2, 1), (2, 1), (3, 2), (4, 2)]);
        assert_eq!(counts(&found, EntityKind::Device)[3], (5, 2));
        assert_eq!(found.velocities.len(), 4, "the payment names no e-mail");
    }

    #[tokio::test]
    async fn events_near_the_payment_come_in_order_without_what_was_said_of_them() {
        let at = |seconds_ago: i64| NOW.saturating_add_nanos(-seconds_ago * NANOS_PER_SECOND).to_string();
        let seen = |seconds_ago: i64, page: String, more: Json| {
            let mut event = json!({"log_type": "user_behavior", "@timestamp": at(seconds_ago), "page": page});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            event
        };
        let of_user = json!({"user_id": "u-1"});
        let mut events: Vec<Json> =
            (0..30).map(|number| seen(3_700 + number, format!("/before/{number}"), of_user.clone())).collect();
        events.push(seen(3_500, "/after".to_owned(), json!({"client_ip": "203.0.113.7"})));
        events.push(seen(3_500, "/elsewhere".to_owned(), json!({"client_ip": "203.0.113.8"})));
        events.push(seen(3_600 + 2 * 86_400, "/long ago".to_owned(), of_user.clone()));
        let found = around(&events).await;
        let pages: Vec<&str> = found
            .events
            .iter()
            .map(|hit| text_of(hit, "page").unwrap_or_else(|| text_of(hit, "transaction_id").unwrap()))
            .collect();
        assert_eq!((pages.len(), found.has_earlier, found.has_later), (NEAR_MAX + 1, true, false));
        assert_eq!((pages[0], &pages[NEAR_MAX - 2..]), ("/before/23", ["/before/0", "t-1", "/after"].as_slice()));
    }
}
