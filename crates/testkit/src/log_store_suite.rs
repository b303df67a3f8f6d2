//! What every `LogStore` must do. `log_store_suite!(make)` makes a test of each case.

use std::collections::BTreeMap;

use serde_json::json;
use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{
    AggregateRequest, Append, AppendOutcome, Fields, Hit, IndexInfo, LogStore, SearchRequest, SearchResult, Selection,
    SortOrder,
};
use vigie_domain::query::{Query, parse};
use vigie_domain::{Event, EventId, LogType, Object, Scope, TimeRange, Timestamp, Value};

pub use crate::aggregation_cases::*;
pub use crate::deletion_cases::*;
pub use crate::source_cases::*;

/// Makes a test of every case; `make` is an expression that gives a fresh store and what must outlive it.
#[macro_export]
macro_rules! log_store_suite {
    ($make:expr) => {
        $crate::log_store_suite!(@cases $make;
            appended_events_are_found_at_once
            order_ties_and_pages
            ranges_are_half_open
            events_are_found_by_id
            batches_and_ids_are_stored_once
            what_is_deleted_is_gone
            sources_come_back_as_they_were_sent
            lines_are_the_events_that_a_search_finds
            only_the_fields_that_are_asked_for_are_found
            buckets_metrics_and_children
            a_value_stands_for_those_that_are_missing
            buckets_of_combinations_and_of_other_instants
            events_are_ranked_by_values_and_found_by_place
            events_are_ranked_one_of_each_value
            buckets_of_all_levels_are_bounded_together
            values_of_several_types_are_told_apart
            fields_and_indices_are_listed
            scopes_restrict_and_hide
            words_are_found_in_every_string
            addresses_are_found_and_come_back_as_they_were_sent
        );
    };
    (@cases $make:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (store, _house) = $make;
                $crate::log_store_suite::$case(&store).await;
            }
        )*
    };
}

/// 2026-11-23T00:00:00Z.
pub(crate) const DAY_S: i64 = 1_795_392_000;
pub(crate) const SECOND_NS: i64 = 1_000_000_000;

pub(crate) fn body(json: &str) -> Object {
    match serde_json::from_str(json).unwrap() {
        Value::Object(body) => body,
        other => panic!("no object: {other:?}"),
    }
}

pub(crate) fn event(second: i64, json: &str) -> Event {
    let at = Timestamp::from_seconds(DAY_S + second);
    Event { id: None, timestamp: at, ingested_at: at, log_type: LogType::Transaction, body: body(json) }
}

pub(crate) async fn append(store: &dyn LogStore, events: Vec<Event>) -> AppendOutcome {
    store.append(&Scope::main(), Append { key: None, events: events.into() }).await.unwrap()
}

pub(crate) fn selection(query: &str) -> Selection {
    Selection { query: parse(query).unwrap(), range: TimeRange::ALL }
}

pub(crate) fn request(query: &str) -> SearchRequest {
    SearchRequest {
        selection: selection(query),
        order: SortOrder::NewestFirst,
        after: None,
        skip: 0,
        limit: 100,
        count_total: true,
        fields: Fields::All,
    }
}

pub(crate) async fn search(store: &dyn LogStore, request: SearchRequest) -> SearchResult {
    store.search(&Scope::main(), &request).await.unwrap()
}

/// The numbers `n` of what was found.
pub(crate) fn numbers(result: &SearchResult) -> Vec<i64> {
    let number = |source: &Object| match source.iter().find(|(name, _)| name == "n") {
        Some((_, Value::Int(number))) => *number,
        _ => -1,
    };
    result.hits.iter().map(|hit| number(&hit.source)).collect()
}

fn numbered(second: i64, n: i64) -> Event {
    event(second, &json!({ "n": n }).to_string())
}

/// What was acknowledged is searched at once, total included.
pub async fn appended_events_are_found_at_once(store: &dyn LogStore) {
    assert!(search(store, request("")).await.hits.is_empty());
    let outcome =
        append(store, vec![event(1, r#"{"n":1,"service":"cart"}"#), event(2, r#"{"n":2,"service":"web"}"#)]).await;
    assert_eq!((outcome.stored, outcome.known), (2, vec![]));
    let found = search(store, request("service:cart")).await;
    assert_eq!((numbers(&found), found.total), (vec![1], Some(1)));
    let nothing = append(store, Vec::new()).await;
    assert_eq!((nothing.stored, nothing.known), (0, vec![]));
}

/// Newest and oldest first, ties in order of arrival, pages by skip and by position.
pub async fn order_ties_and_pages(store: &dyn LogStore) {
    append(store, vec![numbered(5, 1), numbered(3, 2), numbered(5, 3)]).await;
    append(store, vec![numbered(5, 4), numbered(100_000, 5), numbered(-100_000, 6)]).await;
    assert_eq!(numbers(&search(store, request("")).await), [5, 4, 3, 1, 2, 6]);
    let oldest = SearchRequest { order: SortOrder::OldestFirst, ..request("") };
    assert_eq!(numbers(&search(store, oldest.clone()).await), [6, 2, 1, 3, 4, 5]);
    let page = SearchRequest { skip: 1, limit: 2, ..oldest.clone() };
    assert_eq!(numbers(&search(store, page.clone()).await), [2, 1]);
    for order in [SortOrder::NewestFirst, SortOrder::OldestFirst] {
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let next = SearchRequest { order, after, limit: 2, count_total: false, ..request("") };
            let result = search(store, next).await;
            assert_eq!(result.total, None);
            let Some(last) = result.hits.last() else { break };
            after = Some(last.position);
            seen.extend(numbers(&result));
        }
        let whole = SearchRequest { order, ..request("") };
        assert_eq!(seen, numbers(&search(store, whole).await));
    }
    let none = SearchRequest { limit: 0, ..request("") };
    assert_eq!(search(store, none).await.total, Some(6));
}

/// The start of a range is within, its end is not.
pub async fn ranges_are_half_open(store: &dyn LogStore) {
    append(store, (0..5).map(|second| numbered(second, second)).collect()).await;
    let at = |second: i64| Timestamp::from_seconds(DAY_S + second);
    let mut ranged = request("");
    ranged.selection.range = TimeRange { from: at(1), to: at(3) };
    let found = search(store, ranged).await;
    assert_eq!((numbers(&found), found.total), (vec![2, 1], Some(2)));
}

/// By a sender's id and by the id that was made.
pub async fn events_are_found_by_id(store: &dyn LogStore) {
    let named = Event { id: Some(EventId("order-7".into())), ..numbered(1, 1) };
    append(store, vec![named, numbered(2, 2)]).await;
    let hits = search(store, request("")).await.hits;
    for hit in &hits {
        let found = store.get(&Scope::main(), &hit.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(hit));
    }
    assert_eq!(hits[1].id, EventId("order-7".into()));
    for unknown in ["order-8", "~ffffffff", "", "~zz"] {
        assert_eq!(store.get(&Scope::main(), &EventId(unknown.into())).await.unwrap(), None, "{unknown}");
    }
}

/// A key and an id are stored once, also within one batch.
pub async fn batches_and_ids_are_stored_once(store: &dyn LogStore) {
    let keyed = |n: i64| Append { key: Some("request/1".into()), events: vec![numbered(n, n)].into() };
    let scope = Scope::main();
    let fate = |outcome: &AppendOutcome| (outcome.stored, outcome.known.clone());
    assert_eq!(fate(&store.append(&scope, keyed(1)).await.unwrap()), (1, vec![]));
    assert_eq!(fate(&store.append(&scope, keyed(2)).await.unwrap()), (0, vec![0]));
    let named = |id: &str, n: i64| Event { id: Some(EventId(id.into())), ..numbered(n, n) };
    let first = append(store, vec![named("a", 3), named("a", 4), named("b", 5), numbered(6, 6)]).await;
    assert_eq!(fate(&first), (3, vec![1]));
    let second = append(store, vec![named("b", 7), named("c", 8), numbered(9, 9)]).await;
    assert_eq!(fate(&second), (2, vec![0]));
    let third = append(store, vec![named("c", 10), named("b", 11)]).await;
    assert_eq!(fate(&third), (0, vec![0, 1]));
    assert_eq!(numbers(&search(store, request("")).await), [9, 8, 6, 5, 3, 1]);
    // Those that are stored are numbered one after the other, so that each has a name.
    for (outcome, place, n) in [(&first, 2, 6), (&second, 1, 9)] {
        let made = EventId::from_sequence(outcome.first_sequence + place);
        let found = store.get(&scope, &made).await.unwrap();
        assert_eq!(found.map(|hit| hit.source), Some(body(&format!("{{\"n\":{n}}}"))));
    }
}

/// A field whose values are of several types answers by value.
pub async fn values_of_several_types_are_told_apart(store: &dyn LogStore) {
    let sent = [
        r#"{"n":1,"x":5}"#,
        r#"{"n":2,"x":"5"}"#,
        r#"{"n":3,"x":5.5}"#,
        r#"{"n":4,"x":true}"#,
        r#"{"n":5,"x":[5,"5",5]}"#,
    ];
    append(store, (0..).zip(sent).map(|(second, json)| event(second, json)).collect()).await;
    let found = async |query: &str| {
        numbers(&search(store, SearchRequest { order: SortOrder::OldestFirst, ..request(query) }).await)
    };
    assert_eq!(found("x:5").await, [1, 2, 5]);
    assert_eq!(found("x>5").await, [3]);
    assert_eq!(found("x:true").await, [4]);
    assert_eq!(found("NOT x:5").await, [3, 4]);
    // Below a list an alias is no alias, whatever the list itself is called.
    let listed = [r#"{"n":6,"app":[{"name":"z"}]}"#, r#"{"n":7,"ts":[{"y":"zz"}]}"#];
    append(store, (5..).zip(listed).map(|(second, json)| event(second, json)).collect()).await;
    assert_eq!(found("app.name:z").await, [6]);
    assert!(found("service:z").await.is_empty());
    assert_eq!(found("zz").await, [7]);
    let terms = aggregate(store, "", Aggregation::terms("t", "x", 10)).await;
    let expected = [(Value::Int(5), 2), (Value::text("5"), 2), (Value::Bool(true), 1), (Value::Float(5.5), 1)];
    assert_eq!(counts(&terms), expected);
}

/// Names of fields and days of events.
pub async fn fields_and_indices_are_listed(store: &dyn LogStore) {
    let other =
        Event { log_type: LogType::Error, ..event(86_400, r#"{"service.name":"x","deep":{"er":[{"est":1}]}}"#) };
    append(store, vec![event(1, r#"{"app":"x","amount":1,"gone":null}"#), other]).await;
    let fields = store.fields(&Scope::main(), TimeRange::ALL).await.unwrap();
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["@timestamp", "amount", "deep.er.est", "log_type", "service"]);
    assert_eq!(fields[4].log_types, [LogType::Transaction, LogType::Error]);
    let indices = store.indices(&Scope::main()).await.unwrap();
    let listed: Vec<_> = indices.iter().map(|index| (index.day.to_string(), counts_of(index))).collect();
    let expected = [
        ("2026.11.23".to_owned(), vec![(LogType::Transaction, 1)]),
        ("2026.11.24".to_owned(), vec![(LogType::Error, 1)]),
    ];
    assert_eq!(listed, expected);
}

/// The events of each log type of an index; what holds none is not listed.
fn counts_of(index: &IndexInfo) -> Vec<(LogType, u64)> {
    let mut counts = BTreeMap::new();
    for segment in &index.segments {
        assert!(segment.events_count > 0, "{index:?}");
        *counts.entry(segment.log_type).or_default() += segment.events_count;
    }
    assert_eq!(index.events_count(), counts.values().sum::<u64>());
    counts.into_iter().collect()
}

/// What a caller may not see is not found, not counted and not shown.
pub async fn scopes_restrict_and_hide(store: &dyn LogStore) {
    append(
        store,
        vec![
            event(1, r#"{"n":1,"service":"cart","person":{"email":"a@b.example","name":"anne"}}"#),
            event(2, r#"{"n":2,"service":"web","person":{"email":"c@d.example","name":"carl"}}"#),
        ],
    )
    .await;
    let scope = Scope {
        restriction: Some(Query::equals("service", "cart")),
        hidden_fields: vec!["person.email".into()],
        ..Scope::main()
    };
    let result = store.search(&scope, &request("")).await.unwrap();
    assert_eq!((numbers(&result), result.total), (vec![1], Some(1)));
    assert_eq!(result.hits[0].source, body(r#"{"n":1,"service":"cart","person":{"name":"anne"}}"#));
    for query in ["person.email:*", "example", "person.email:a@b.example", "n:2"] {
        assert_eq!(store.search(&scope, &request(query)).await.unwrap().total, Some(0), "{query}");
    }
    let asked =
        AggregateRequest { selection: selection(""), aggregations: vec![Aggregation::terms("t", "person.email", 5)] };
    let counted = store.aggregate(&scope, &asked).await.unwrap();
    assert_eq!((counted.total, counts(&counted.answers[0].1)), (1, Vec::new()));
    let other = search(store, request("n:2")).await.hits.remove(0).id;
    assert_eq!(store.get(&scope, &other).await.unwrap(), None);
    append(store, vec![event(100_000, r#"{"n":3,"service":"web"}"#)]).await;
    let indices = async |scope: &Scope| {
        let indices = store.indices(scope).await.unwrap();
        indices.iter().map(counts_of).collect::<Vec<_>>()
    };
    let transactions = |count| vec![(LogType::Transaction, count)];
    assert_eq!(indices(&Scope::main()).await, [transactions(2), transactions(1)]);
    assert_eq!(indices(&scope).await, [transactions(1)], "only what the scope may see is counted");
    let fields = store.fields(&scope, TimeRange::ALL).await.unwrap();
    assert!(fields.iter().all(|field| field.name != "person.email"));
}

/// Free text looks at every string, also at those that a store may keep as something else.
pub async fn words_are_found_in_every_string(store: &dyn LogStore) {
    append(
        store,
        vec![
            event(1, r#"{"account_created_at":"2026-11-20T10:00:00.000Z"}"#),
            event(2, r#"{"card_hash":"A1-b2","amount":1}"#),
            event(3, r#"{"tags":["x",{"y":"Deep b2"}],"amount":2026}"#),
        ],
    )
    .await;
    for (query, expected) in [("2026", 1), ("b2", 2), ("\"a1 b2\"", 1), ("deep", 1), ("*", 3), ("absent", 0)] {
        assert_eq!(search(store, request(query)).await.total, Some(expected), "{query}");
    }
}

/// Also those that a store may keep as numbers.
pub async fn addresses_are_found_and_come_back_as_they_were_sent(store: &dyn LogStore) {
    let sent = [
        "10.0.0.1",
        "10.0.1.1",
        "10.0.0.100",
        "192.168.0.255",
        "255.255.255.255",
        "0.0.0.0",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "010.0.0.1",
        "10.0.0.1 ",
        "10.0.0.256",
        "localhost",
    ];
    let events = (0..).zip(sent).map(|(second, address)| {
        event(second, &format!(r#"{{"client_ip":"{address}","peer":"{address}","n":{second}}}"#))
    });
    append(store, events.chain([event(99, r#"{"n":99}"#), event(98, r#"{"client_ip":7,"n":98}"#)]).collect()).await;
    for (query, expected) in [
        ("client_ip:10.0.0.1", 1),
        ("peer:10.0.0.1", 1),
        ("peer:\"10.0.0.1 \"", 1),
        ("client_ip:10.0.0.2", 0),
        ("client_ip:0.0.0.0", 1),
        ("client_ip:\"2001:db8:0::1\"", 1),
        ("client_ip:10.0.0.0/24", 2),
        ("client_ip:10.0.0.*", 4),
        ("peer:*.1", 4),
        ("NOT client_ip:10.0.0.1", 13),
        ("client_ip:*", 13),
        ("NOT client_ip:*", 1),
        ("localhost", 1),
        ("\"10.0.1.1\"", 1),
    ] {
        assert_eq!(search(store, request(query)).await.total, Some(expected), "{query}");
    }
    let found = search(store, SearchRequest { order: SortOrder::OldestFirst, ..request("peer:*") }).await;
    let addresses =
        |hit: &Hit| ["client_ip", "peer"].map(|name| hit.source.iter().find(|(sent, _)| sent == name).cloned());
    for (hit, address) in found.hits.iter().zip(sent) {
        let expected = ["client_ip", "peer"].map(|name| Some((name.into(), Value::text(address))));
        assert_eq!(addresses(hit), expected);
    }
    let asked =
        AggregateRequest { selection: selection(""), aggregations: vec![Aggregation::terms("addresses", "peer", 100)] };
    let counted = store.aggregate(&Scope::main(), &asked).await.unwrap();
    let mut expected = sent;
    expected.sort_unstable();
    assert_eq!(counts(&counted.answers[0].1), expected.map(|address| (Value::text(address), 1)));
}

#[cfg(test)]
mod tests {
    crate::log_store_suite!((crate::LinearStore::default(), ()));
}
