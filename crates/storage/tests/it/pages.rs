//! Parts of several pages: pruning, positions and counts by page answer as a linear scan does.

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Query, parse};
use vigie_domain::{Event, EventId, LogType, Scope, TimeRange, Timestamp, Value};
use vigie_storage::{EngineOptions, LogEngine};
use vigie_testkit::LinearStore;
use vigie_testkit::differential::{assert_same_answer, assert_same_search};

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;
/// More than three pages of 8,192.
const EVENTS: i64 = 30_000;
const HOUR_NS: i64 = 3_600_000_000_000;

/// Two events a second, later ones sent first; the word `gateway` stands in one stretch of them and once elsewhere.
fn event(number: i64) -> Event {
    let timestamp = Timestamp::from_seconds(DAY_S + (EVENTS - number) / 2);
    let word = if (9_000..9_010).contains(&number) || number == 29_999 { "Gateway timeout" } else { "all is well" };
    let body = vec![
        ("message".into(), Value::text(format!("{word} in step {number}"))),
        ("order_id".into(), Value::text(format!("o-{number:06}"))),
        ("service".into(), Value::text(["cart", "web", "payment"][(number % 3) as usize])),
        ("amount".into(), Value::number(number as f64 / 8.0).unwrap()),
    ];
    let id = match number % 1_000 {
        7 => Some(EventId(format!("sent-{number}"))),
        8 => Some(EventId::of_index("shop", &number.to_string())),
        _ => None,
    };
    Event { id, timestamp, ingested_at: Timestamp::from_seconds(DAY_S), log_type: LogType::Transaction, body }
}

/// The same events in the double and in one part.
async fn stores() -> (LinearStore, LogEngine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) }).unwrap();
    let double = LinearStore::default();
    for batch in (0..EVENTS).collect::<Vec<_>>().chunks(5_000) {
        let batch = Append { key: None, events: batch.iter().map(|number| event(*number)).collect() };
        double.append(&Scope::main(), batch.clone()).await.unwrap();
        engine.append(&Scope::main(), batch).await.unwrap();
    }
    engine.flush().await;
    (double, engine, folder)
}

/// The same events in the double and in parts merged from others whose times overlap.
async fn merged_stores() -> (LinearStore, LogEngine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions { free_bytes_min: 0, merge_fan_in: 3, ..EngineOptions::new(folder.path()) };
    let engine = LogEngine::open(options).unwrap();
    let double = LinearStore::default();
    for first in 0..6 {
        let numbers = (0..EVENTS / 6).map(|step| event(step * 6 + first));
        let batch = Append { key: None, events: numbers.collect() };
        double.append(&Scope::main(), batch.clone()).await.unwrap();
        engine.append(&Scope::main(), batch).await.unwrap();
        engine.flush().await;
    }
    engine.flush().await;
    let parts = std::fs::read_dir(folder.path().join("indices/2026.11.23")).unwrap().count() / 2;
    assert!(parts < 6, "{parts} parts are left");
    (double, engine, folder)
}

fn seconds(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Timestamp::from_seconds(DAY_S + from), to: Timestamp::from_seconds(DAY_S + to) }
}

#[tokio::test]
async fn answers_are_those_of_a_linear_scan() {
    assert_same_answers(stores().await).await;
    assert_same_answers(merged_stores().await).await;
}

async fn assert_same_answers((double, engine, _folder): (LinearStore, LogEngine, tempfile::TempDir)) {
    let questions = [
        Aggregation::leaf("span", AggregationKind::DateHistogram { interval_ns: HOUR_NS, offset_ns: 7 }),
        Aggregation::terms("type", "log_type", 5),
        Aggregation::terms("service", "service", 2).with(Aggregation::stats("amount", "amount")),
        Aggregation::cardinality("orders", "order_id"),
    ];
    let queries = [
        "",
        "gateway",
        "message:\"gateway timeout\"",
        "order_id:\"o-012345\"",
        "service:web AND step AND gateway",
        "service:web OR gateway",
        "NOT service:web AND amount>3700",
        "absent",
    ];
    for query in queries {
        for range in
            [TimeRange::ALL, seconds(0, 1), seconds(4_095, 4_097), seconds(5_000, 12_001), seconds(20_000, 30_000)]
        {
            let selection = Selection { query: parse(query).unwrap(), range };
            assert_same_search(&double, &engine, &selection).await;
            for question in &questions {
                assert_same_answer(&double, &engine, &selection, question).await;
            }
        }
    }
}

#[tokio::test]
async fn pages_of_hits_go_through_every_event_once() {
    let (double, engine, _folder) = stores().await;
    for order in [SortOrder::NewestFirst, SortOrder::OldestFirst] {
        let selection = Selection { query: Query::equals("service", "payment"), range: seconds(3_000, 14_000) };
        let mut request = SearchRequest {
            selection,
            order,
            after: None,
            skip: 0,
            limit: 900,
            count_total: false,
            fields: Fields::All,
        };
        loop {
            let expected = double.search(&Scope::main(), &request).await.unwrap().hits;
            assert_eq!(engine.search(&Scope::main(), &request).await.unwrap().hits, expected);
            let Some(last) = expected.last() else { break };
            request.after = Some(last.position);
        }
    }
}

#[tokio::test]
async fn events_are_found_by_both_sorts_of_id() {
    let (double, engine, _folder) = stores().await;
    for number in [0, 1, 8_191, 8_192, 16_384, 29_999] {
        let id = EventId::from_sequence(number);
        let expected = double.get(&Scope::main(), &id).await.unwrap();
        assert!(expected.is_some());
        assert_eq!(engine.get(&Scope::main(), &id).await.unwrap(), expected, "{number}");
    }
    let sent = EventId("sent-17007".into());
    assert_eq!(engine.get(&Scope::main(), &sent).await.unwrap(), double.get(&Scope::main(), &sent).await.unwrap());
    assert_eq!(engine.get(&Scope::main(), &EventId("sent-1".into())).await.unwrap(), None);
}

#[tokio::test]
async fn ids_are_looked_for_in_their_pages_alone() {
    let (double, engine, _folder) = stores().await;
    let check = async |query: Query, pages: u64| {
        let selection = Selection { query, range: TimeRange::ALL };
        assert_same_search(&double, &engine, &selection).await;
        let request = SearchRequest {
            selection: selection.clone(),
            order: SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: 10,
            count_total: true,
            fields: Fields::All,
        };
        let result = engine.search(&Scope::main(), &request).await.unwrap();
        let most = pages * 8_192 + result.hits.len() as u64;
        assert!(result.stats.rows_scanned <= most, "{}: {:?} are more than {most}", selection.query, result.stats);
    };
    let id = |id: &str| Query::equals("_id", id);
    check(id("sent-17007"), 1).await;
    check(id(&EventId::from_sequence(8_192).0), 1).await;
    check(id("~shop/9008"), 1).await;
    check(id("9008"), 1).await;
    check(id("nothing"), 0).await;
    check(id("~ffffff"), 0).await;
    let several = || vec![id("sent-17007"), id("sent-29007"), id("17008"), id("never")];
    check(Query::Or(several()), 2).await;
    check(Query::Or([several(), vec![id("sent-7")]].concat()), 3).await;
    check(Query::Or([several(), vec![Query::equals("service", "no")]].concat()), 2).await;
    check(Query::equals("service", "web").and(Query::Or(several())), 4).await;
    check(Query::Not(Box::new(id("sent-17007"))), 4).await;
    // Without a letter or a digit in it, nothing is known of where it is.
    check(id("-"), 4).await;
}

#[tokio::test]
async fn what_was_counted_of_a_part_is_not_counted_again() {
    let (_double, engine, _folder) = stores().await;
    let selection = Selection { query: parse("service:web OR gateway").unwrap(), range: TimeRange::ALL };
    let request = AggregateRequest { selection, aggregations: vec![Aggregation::stats("amount", "amount")] };
    let first = engine.aggregate(&Scope::main(), &request).await.unwrap();
    let again = engine.aggregate(&Scope::main(), &request).await.unwrap();
    assert_eq!((&first.answers, first.total), (&again.answers, again.total));
    assert!(first.stats.rows_scanned > 0 && again.stats.rows_scanned == 0, "{:?}, {:?}", first.stats, again.stats);
    assert!(engine.query_numbers().kept_hits > 0);
}
