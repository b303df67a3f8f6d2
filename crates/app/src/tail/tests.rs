//! Whole tails over a store in memory: who is told what, and what is counted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use vigie_domain::query;
use vigie_domain::{ErrorKind, Scope};
use vigie_testkit::LinearStore;

use super::*;
use crate::door::DoorStore;
use crate::ingest::IngestOptions;
use crate::test_shop::{Shop, event, lines};

const BOUNDS: TailBounds = TailBounds {
    tails_max: 100,
    of_user_max: 10,
    batches_max: 64,
    bytes_max: 1_000_000,
    rate_default: 7,
    rate_max: 1_000,
    moment_bytes_max: 100_000,
};

/// A shop whose store tells tails.
struct House {
    shop: Shop,
    store: Arc<LinearStore>,
    tails: Arc<Tails>,
}

impl House {
    fn new(bounds: TailBounds) -> Self {
        let (store, tails) = (Arc::new(LinearStore::default()), Arc::new(Tails::new(bounds)));
        let shop = Shop::on(Arc::new(DoorStore::new(store.clone(), tails.clone())));
        Self { shop, store, tails }
    }

    fn tail(&self, scope: Scope, query: &str, rate: usize) -> Tail {
        let mut tail = self.tails.open("anne", scope).unwrap();
        self.ask(&mut tail, query, rate);
        tail
    }

    fn ask(&self, tail: &mut Tail, query: &str, rate: usize) {
        let input = TailInput { query: query.to_owned(), rate: Some(rate), ..TailInput::default() };
        tail.ask(&self.shop.search, &input, 1).unwrap();
    }

    async fn send(&self, messages: &[&str]) {
        let events: Vec<Json> =
            messages.iter().map(|message| event(1, &json!({"message": message, "user_id": "u7"}))).collect();
        self.shop.send(&lines(&events), &IngestOptions::default()).await;
    }
}

/// Lets the tail look at all that was told.
async fn listen(tail: &mut Tail) {
    let everything = tokio::time::timeout(Duration::from_millis(1), tail.listen());
    assert!(everything.await.is_err(), "listening never ends by itself");
}

fn messages(tail: &mut Tail) -> Vec<String> {
    let text = |hit: &vigie_domain::ports::Hit| {
        hit.source.iter().find(|(name, _)| name == "message").and_then(|(_, value)| value.as_text()).map(str::to_owned)
    };
    tail.take().iter().filter_map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn what_matches_is_told_with_the_id_that_a_search_finds() {
    let house = House::new(BOUNDS);
    house.send(&["before"]).await;
    let mut tail = house.tail(Scope::main(), "message:paid", 100);
    house.send(&["cart", "paid one", "paid two"]).await;
    listen(&mut tail).await;
    let hits = tail.take();
    assert_eq!(hits.len(), 2);
    for hit in &hits {
        assert_eq!(house.shop.search.get(&Scope::main(), &hit.id.0).await.unwrap(), *hit);
    }
    assert_eq!(tail.stats(), TailStats { matched: 2, sent: 2, ..TailStats::default() });
}

#[tokio::test(start_paused = true)]
async fn what_was_not_stored_is_not_told() {
    let house = House::new(BOUNDS);
    let mut tail = house.tail(Scope::main(), "", 100);
    let known = event(1, &json!({"_id": "a", "message": "once"}));
    let fresh = event(1, &json!({"_id": "b", "message": "fresh"}));
    house.shop.send(&lines(std::slice::from_ref(&known)), &IngestOptions::default()).await;
    house.shop.send(&lines(&[known.clone(), fresh, known]), &IngestOptions::default()).await;
    house.store.fail_next_appends(1);
    let body = lines(&[event(1, &json!({"message": "lost"}))]).into();
    assert!(house.shop.ingest.accept(&Scope::main(), body, &IngestOptions::default()).await.is_err());
    listen(&mut tail).await;
    let stored = house.shop.total().await;
    assert_eq!(stored, 2);
    assert_eq!(messages(&mut tail), ["once", "fresh"]);
    assert_eq!(tail.stats(), TailStats { matched: 2, sent: 2, ..TailStats::default() });
}

#[tokio::test(start_paused = true)]
async fn a_scope_limits_a_tail_as_it_limits_a_search() {
    let house = House::new(BOUNDS);
    let restriction = Some(query::parse("message:paid").unwrap());
    let scope = Scope { restriction, hidden_fields: vec!["user_id".into()], ..Scope::main() };
    let mut all = house.tail(scope.clone(), "", 100);
    let mut hidden = house.tail(scope.clone(), "user_id:u7", 100);
    let mut other = house.tail(Scope { tenant: "other".into(), ..Scope::main() }, "", 100);
    house.send(&["cart", "paid"]).await;
    for tail in [&mut all, &mut hidden, &mut other] {
        listen(tail).await;
    }
    let hits = all.take();
    assert_eq!(hits.len(), 1);
    assert!(hits[0].source.iter().all(|(name, _)| name != "user_id"), "{:?}", hits[0].source);
    assert_eq!(hidden.stats().matched, 0, "a hidden field cannot be asked for");
    assert_eq!(other.stats(), TailStats::default());
}

#[tokio::test(start_paused = true)]
async fn above_its_rate_a_tail_samples_and_counts() {
    let house = House::new(BOUNDS);
    let mut tail = house.tail(Scope::main(), "", 10);
    house.send(&["x"; 300]).await;
    listen(&mut tail).await;
    assert_eq!(tail.take().len(), 10);
    assert_eq!(tail.stats(), TailStats { matched: 300, sent: 10, sampled_out: 290, ..TailStats::default() });
    assert_eq!(house.tails.numbers(), TailNumbers { open: 1, sent: 10, sampled_out: 290, dropped: 0 });
}

#[tokio::test(start_paused = true)]
async fn who_does_not_keep_up_is_told_how_much_was_dropped() {
    let house = House::new(TailBounds { batches_max: 2, ..BOUNDS });
    let mut tail = house.tail(Scope::main(), "", 100);
    for text in ["1", "2", "3", "4", "5"] {
        house.send(&[text, text]).await;
    }
    listen(&mut tail).await;
    assert_eq!(messages(&mut tail), ["4", "4", "5", "5"]);
    assert_eq!(tail.stats(), TailStats { matched: 4, sent: 4, dropped: 6, ..TailStats::default() });
}

#[tokio::test(start_paused = true)]
async fn batches_beyond_the_bytes_are_dropped_and_their_room_comes_back() {
    let house = House::new(TailBounds { bytes_max: 2_000, ..BOUNDS });
    let mut tail = house.tail(Scope::main(), "", 100);
    let large = "x".repeat(1_200);
    house.send(&[&large]).await;
    house.send(&[&large]).await;
    listen(&mut tail).await;
    assert_eq!(tail.take().len(), 1);
    assert_eq!(tail.stats().dropped, 1, "told although no batch follows");
    house.send(&[&large]).await;
    listen(&mut tail).await;
    assert_eq!(tail.take().len(), 1);
    assert_eq!(tail.stats(), TailStats { matched: 2, sent: 2, dropped: 1, ..TailStats::default() });
    assert_eq!(house.tails.held_bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_paused_tail_counts_and_a_new_question_begins_at_zero() {
    let house = House::new(BOUNDS);
    let mut tail = house.tail(Scope::main(), "", 100);
    tail.pause(true);
    house.send(&["one", "two"]).await;
    listen(&mut tail).await;
    assert!(tail.take().is_empty());
    assert_eq!(tail.stats(), TailStats { matched: 2, withheld: 2, ..TailStats::default() });
    tail.pause(false);
    house.send(&["unasked"]).await;
    house.ask(&mut tail, "message:three", 100);
    house.send(&["three", "four"]).await;
    listen(&mut tail).await;
    assert_eq!(messages(&mut tail), ["three"]);
    assert_eq!(tail.stats(), TailStats { matched: 1, sent: 1, ..TailStats::default() });
}

#[tokio::test(start_paused = true)]
async fn a_wrong_question_changes_nothing() {
    let house = House::new(BOUNDS);
    let mut tail = house.tail(Scope::main(), "message:one", 100);
    let ask = |tail: &mut Tail, query: &str, rate: usize| {
        let input = TailInput { query: query.to_owned(), rate: Some(rate), ..TailInput::default() };
        tail.ask(&house.shop.search, &input, 1).unwrap_err()
    };
    let error = ask(&mut tail, "level:(error", 100);
    assert_eq!(error.kind, ErrorKind::Malformed);
    assert!(error.details[0].field == "query" && error.details[0].span.is_some(), "{error:?}");
    assert_eq!(ask(&mut tail, "", 0).kind, ErrorKind::Invalid);
    assert_eq!(ask(&mut tail, "", BOUNDS.rate_max + 1).kind, ErrorKind::Invalid);
    house.send(&["one", "two"]).await;
    listen(&mut tail).await;
    assert_eq!(messages(&mut tail), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_tail_has_the_rate_and_the_room_of_its_bounds() {
    let house = House::new(TailBounds { moment_bytes_max: 2_000, ..BOUNDS });
    let mut tail = house.tails.open("anne", Scope::main()).unwrap();
    assert_eq!(tail.ask(&house.shop.search, &TailInput::default(), 1).unwrap(), BOUNDS.rate_default);
    let large = "x".repeat(1_200);
    house.send(&[&large, &large]).await;
    listen(&mut tail).await;
    assert_eq!(tail.take().len(), 1);
    assert_eq!(tail.stats(), TailStats { matched: 2, sent: 1, dropped: 1, ..TailStats::default() });
}

#[tokio::test(start_paused = true)]
async fn tails_are_bounded_for_each_user_and_for_all() {
    let tails = Arc::new(Tails::new(TailBounds { tails_max: 3, of_user_max: 2, ..BOUNDS }));
    let open = |user: &str| tails.open(user, Scope::main());
    let refused = |user: &str| {
        let error = open(user).err().unwrap();
        assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Throttled, Some(RETRY_AFTER_S)));
        error.message
    };
    let (first, _second) = (open("anne").unwrap(), open("anne").unwrap());
    assert!(refused("anne").contains("you have 2"));
    let _third = open("bob").unwrap();
    assert!(refused("carl").contains("3 live tails are open"));
    drop(first);
    assert_eq!(tails.numbers().open, 2);
    assert!(open("carl").is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_and_waited_for() {
    let tails = Arc::new(Tails::new(BOUNDS));
    let tail = tails.open("anne", Scope::main()).unwrap();
    tails.stop();
    tails.stopped().await;
    assert_eq!(tails.open("bob", Scope::main()).err().unwrap().kind, ErrorKind::Unavailable);
    assert!(!tails.ended(Duration::from_secs(1)).await);
    let (ended, ()) = tokio::join!(tails.ended(Duration::from_secs(60)), async { drop(tail) });
    assert!(ended);
}

#[tokio::test]
async fn nobody_listening_is_told_nothing() {
    let house = House::new(BOUNDS);
    house.send(&["one"]).await;
    drop(house.tail(Scope::main(), "", 100));
    house.send(&["two"]).await;
    assert_eq!(*house.tails.published(), 0);
}
