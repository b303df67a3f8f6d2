//! F10: senders that name fields after values. Columns and shapes of an index are bounded in memory, in parts, in merges and
//! in recompressed parts, across a restart; every event is found and comes back as it was sent.

use std::path::Path;
use std::sync::Arc;

use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Event, LogType, Scope, TimeRange, Timestamp, Value};
use vigie_storage::care::{Inspection, LifecyclePolicy, inspect};
use vigie_storage::{EngineOptions, Exceeding, LogEngine};
use vigie_testkit::LinearStore;
use vigie_testkit::differential::{assert_same_answer, assert_same_search};

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;
const FIELDS_MAX: usize = 50;
const BATCHES: i64 = 4;
const BATCH_EVENTS: i64 = 1_500;

/// An event with a field of its own beside those that all have.
fn event(number: i64) -> Event {
    let timestamp = Timestamp::from_seconds(DAY_S + number);
    let service = ["cart", "web", "payment"][(number % 3) as usize];
    let mut body = vec![
        ("service".into(), Value::text(service)),
        (format!("f{number}").into(), Value::text(format!("Odd value {number}"))),
        ("retries".into(), Value::Int(number % 7)),
    ];
    if number % 100 == 0 {
        body.push(("retries".into(), Value::List(vec![Value::Int(number)])));
        body.push(("service".into(), Value::text("twice")));
    }
    Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Other, body }
}

fn open(folder: &Path, now: Timestamp) -> LogEngine {
    let lifecycle = LifecyclePolicy { recompress_after_days: Some(7), delete_after_days: None };
    let options = EngineOptions {
        free_bytes_min: 0,
        fields_max: FIELDS_MAX,
        merge_fan_in: 2,
        lifecycle,
        clock: Arc::new(move || now),
        ..EngineOptions::new(folder)
    };
    LogEngine::open(options).unwrap()
}

async fn append(store: &dyn LogStore, batch: i64) {
    let events = (batch * BATCH_EVENTS..(batch + 1) * BATCH_EVENTS).map(event).collect();
    store.append(&Scope::main(), Append { key: None, events }).await.unwrap();
}

/// Parts of the store, and the columns of the widest.
fn parts_and_columns(folder: &Path) -> (usize, usize) {
    let files = vigie_storage::files::os();
    let asked = Inspection { part: None, query: None, range: TimeRange::ALL };
    let parts = inspect(&files, folder, &asked).unwrap();
    let columns = |part: &str| {
        let asked = Inspection { part: Some(part), query: None, range: TimeRange::ALL };
        inspect(&files, folder, &asked).unwrap()[0].columns.len()
    };
    (parts.len(), parts.iter().map(|part| columns(&part.part)).max().unwrap_or_default())
}

async fn assert_same_answers(double: &LinearStore, engine: &LogEngine) {
    let last = BATCHES * BATCH_EVENTS - 1;
    let queries = [
        String::new(),
        "service:web AND f1:*".to_owned(),
        "service:twice".to_owned(),
        "retries:3".to_owned(),
        "retries:200".to_owned(),
        format!("f{last}:\"Odd value {last}\""),
        "f3000:* OR f10:*".to_owned(),
        "\"odd value 2999\"".to_owned(),
        "f99999:*".to_owned(),
    ];
    let questions = ["service", "retries", "f2999", "f3"].map(|field| Aggregation::terms("values", field, 10));
    for query in queries {
        let selection = Selection { query: parse(&query).unwrap(), range: TimeRange::ALL };
        assert_same_search(double, engine, &selection).await;
        for question in &questions {
            assert_same_answer(double, engine, &selection, question).await;
        }
    }
}

#[tokio::test]
async fn columns_are_bounded_and_nothing_is_lost() {
    let (folder, double) = (tempfile::tempdir().unwrap(), LinearStore::default());
    let day_end = Timestamp::from_seconds(DAY_S);
    let engine = open(folder.path(), day_end);
    for batch in 0..BATCHES / 2 {
        append(&double, batch).await;
        append(&engine, batch).await;
        engine.flush().await;
    }
    append(&double, BATCHES / 2).await;
    append(&engine, BATCHES / 2).await;
    assert_same_answers(&double, &engine).await;
    drop(engine);

    // What the index has is known again after a restart, from its parts and from the log.
    let engine = open(folder.path(), day_end);
    append(&double, BATCHES - 1).await;
    append(&engine, BATCHES - 1).await;
    for _ in 0..4 {
        engine.flush().await;
    }
    let (parts, columns) = parts_and_columns(folder.path());
    // Beside the dynamic columns: time, number, arrival, shape, overflow and service.
    assert!(parts < BATCHES as usize && columns <= FIELDS_MAX + 6, "{columns} columns in one of {parts} parts");
    assert_same_answers(&double, &engine).await;
    let Exceeding { columns: values, depth } = engine.exceeding();
    assert_eq!((values >= 2 * BATCH_EVENTS as u64 - FIELDS_MAX as u64, depth), (true, 0), "{values} are counted");
    drop(engine);

    let engine = open(folder.path(), Timestamp::from_nanos(day_end.as_nanos() + 30 * NANOS_PER_DAY));
    for _ in 0..4 {
        engine.flush().await;
    }
    let (parts, columns) = parts_and_columns(folder.path());
    assert!(parts == 1 && columns <= FIELDS_MAX + 6, "{columns} columns in one of {parts} recompressed parts");
    assert_same_answers(&double, &engine).await;
}

#[tokio::test]
async fn older_parts_with_too_many_columns_together_are_recompressed_apart() {
    let folder = tempfile::tempdir().unwrap();
    let day = Timestamp::from_seconds(DAY_S);
    // As of a program, or a setting, that let each batch have a thousand columns of its own.
    for batch in 0..3 {
        let lifecycle = LifecyclePolicy::default();
        let options = EngineOptions {
            free_bytes_min: 0,
            fields_max: 10_000,
            merge_fan_in: 10,
            lifecycle,
            ..EngineOptions::new(folder.path())
        };
        let engine = LogEngine::open(options).unwrap();
        let odd = |number: i64| {
            let fields = (0..5).map(|field| (format!("f{batch}_{}", number * 5 + field).into(), Value::Int(field)));
            Event { body: fields.collect(), ..event(batch * 1_000 + number) }
        };
        engine.append(&Scope::main(), Append { key: None, events: (0..200).map(odd).collect() }).await.unwrap();
        engine.flush().await;
    }
    let engine = open(folder.path(), Timestamp::from_nanos(day.as_nanos() + 30 * NANOS_PER_DAY));
    for _ in 0..6 {
        engine.flush().await;
    }
    let files = vigie_storage::files::os();
    let parts = inspect(&files, folder.path(), &Inspection { part: None, query: None, range: TimeRange::ALL }).unwrap();
    let are_small = parts.iter().all(|part| part.is_recompressed);
    assert!(parts.len() == 3 && are_small, "{} parts: one would have three thousand columns", parts.len());
    let selection = Selection { query: parse("f2_999:*").unwrap(), range: TimeRange::ALL };
    let order = SortOrder::NewestFirst;
    let request =
        SearchRequest { selection, order, after: None, skip: 0, limit: 5, count_total: true, fields: Fields::All };
    assert_eq!(engine.search(&Scope::main(), &request).await.unwrap().total, Some(1));
}
