//! What every `LogStore` must do when events are deleted.

use std::collections::BTreeSet;

use serde_json::json;
use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{AggregateRequest, LogStore, SearchRequest, Selection};
use vigie_domain::query::parse;
use vigie_domain::{Event, EventId, LogType, Scope, TimeRange, Timestamp};

use crate::log_store_suite::{DAY_S, append, event, numbers, request, search, selection};

/// Of days and log types, with ids and without; every question is answered as if they had never been, and they can be stored again.
pub async fn what_is_deleted_is_gone(store: &dyn LogStore) {
    const DAYS: i64 = 3;
    const EVENTS: i64 = 600;
    let event = |n: i64| {
        let (service, user) = (["cart", "web", "pay"][n as usize % 3], format!("user {n}"));
        let body = json!({"n": n, "service": service, "user_id": user, "client_ip": format!("10.0.{}.{}", n / 256, n % 256), "odd": if n % 2 == 0 { json!(n) } else { json!(format!("{n}")) }});
        let log_type = if n % 4 == 0 { LogType::Error } else { LogType::Transaction };
        let id = (n % 5 == 0).then(|| EventId(format!("order-{n}")));
        Event { id, log_type, ..event(n % DAYS * 86_400 + n, &body.to_string()) }
    };
    let batch = |numbers: &mut dyn Iterator<Item = i64>| numbers.map(event).collect::<Vec<_>>();
    append(store, batch(&mut (0..EVENTS))).await;
    let whole = async |store: &dyn LogStore, query: &str| {
        let found = search(store, SearchRequest { limit: 10_000, ..request(query) }).await;
        (numbers(&found).into_iter().collect::<BTreeSet<_>>(), found.total)
    };
    let delete = async |query: &str, range: TimeRange| {
        store.delete(&Scope::main(), &Selection { range, ..selection(query) }).await.unwrap()
    };
    let users = async || {
        let questions = vec![Aggregation::terms("by", "service", 10), Aggregation::cardinality("users", "user_id")];
        let request = AggregateRequest { selection: selection(""), aggregations: questions };
        store.aggregate(&Scope::main(), &request).await.unwrap().answers
    };
    let before = users().await;

    assert_eq!(delete("service:pay n:<0", TimeRange::ALL).await, 0, "nothing matches");
    assert_eq!(whole(store, "").await.1, Some(EVENTS as u64));
    assert_eq!(delete("service:cart", TimeRange::ALL).await, EVENTS as u64 / 3);
    assert_eq!(delete("service:cart", TimeRange::ALL).await, 0, "they are gone already");
    let expected: BTreeSet<i64> = (0..EVENTS).filter(|n| n % 3 != 0).collect();
    assert_eq!(whole(store, "").await, (expected.clone(), Some(expected.len() as u64)));
    assert_eq!(whole(store, "client_ip:10.0.0.3").await.1, Some(0));
    assert_ne!(users().await, before, "nothing of them is counted");
    assert!(store.get(&Scope::main(), &EventId("order-15".into())).await.unwrap().is_none());
    assert!(store.get(&Scope::main(), &EventId("order-25".into())).await.unwrap().is_some());

    // Only what the caller may see.
    let limited = Scope { restriction: Some(parse("service:web").unwrap()), ..Scope::main() };
    let deleted = store.delete(&limited, &selection("log_type:error")).await.unwrap();
    let is_gone = |n: &i64| n % 3 == 0 || n % 3 == 1 && n % 4 == 0;
    assert_eq!(deleted, (0..EVENTS).filter(|n| n % 3 == 1 && n % 4 == 0).count() as u64);
    let expected: BTreeSet<i64> = (0..EVENTS).filter(|n| !is_gone(n)).collect();
    assert_eq!(whole(store, "").await.0, expected);

    // Their ids are nobody's; those of the others are still known.
    let again = append(store, batch(&mut (0..EVENTS).filter(|n| n % 5 == 0))).await;
    assert_eq!(again.stored, (0..EVENTS).filter(|n| n % 5 == 0 && is_gone(n)).count());
    assert!(store.get(&Scope::main(), &EventId("order-15".into())).await.unwrap().is_some());
    let expected: BTreeSet<i64> = (0..EVENTS).filter(|n| !is_gone(n) || n % 5 == 0).collect();
    assert_eq!(whole(store, "").await, (expected.clone(), Some(expected.len() as u64)));

    // A whole day, and then everything.
    let day = Timestamp::from_seconds(DAY_S).day();
    let of_day = expected.iter().filter(|n| *n % DAYS == 0).count();
    assert_eq!(delete("", TimeRange { from: day.start(), to: day.end() }).await, of_day as u64);
    assert_eq!(store.indices(&Scope::main()).await.unwrap().len(), DAYS as usize - 1);
    assert_eq!(delete("", TimeRange::ALL).await, (expected.len() - of_day) as u64);
    assert!(store.indices(&Scope::main()).await.unwrap().is_empty());
    assert_eq!(append(store, batch(&mut (0..EVENTS))).await.stored, EVENTS as usize);
    assert_eq!(users().await, before);
}
