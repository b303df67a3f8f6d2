//! The engine passes the suite of every log store, and answers as a linear scan does.

use std::path::Path;

use async_trait::async_trait;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Hit, IndexInfo, Lines, LogStore,
    SearchRequest, SearchResult, Selection,
};
use vigie_domain::query::parse;
use vigie_domain::{Event, EventId, LogType, Position, Result, Scope, TimeRange, Timestamp, Value};
use vigie_storage::{EngineOptions, LogEngine};
use vigie_testkit::LinearStore;
use vigie_testkit::differential::{assert_same_answer, assert_same_search};
use vigie_testkit::generate::{any_aggregation, any_event, any_query, any_range};

fn options(folder: &Path) -> EngineOptions {
    EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder) }
}

fn engine() -> (LogEngine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (LogEngine::open(options(folder.path())).unwrap(), folder)
}

mod in_memory {
    vigie_testkit::log_store_suite!(super::engine());
}

mod in_parts {
    vigie_testkit::log_store_suite!(super::flushing_engine());
}

/// An engine that writes parts after every batch.
struct FlushingEngine(LogEngine);

fn flushing_engine() -> (FlushingEngine, tempfile::TempDir) {
    let (engine, folder) = engine();
    (FlushingEngine(engine), folder)
}

#[async_trait]
impl LogStore for FlushingEngine {
    async fn append(&self, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        let outcome = self.0.append(scope, batch).await;
        self.0.flush().await;
        outcome
    }

    async fn delete(&self, scope: &Scope, selection: &Selection) -> Result<u64> {
        self.0.delete(scope, selection).await
    }

    async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchResult> {
        self.0.search(scope, request).await
    }

    async fn lines(&self, scope: &Scope, request: &SearchRequest) -> Result<Lines> {
        self.0.lines(scope, request).await
    }

    async fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<AggregateResult> {
        self.0.aggregate(scope, request).await
    }

    async fn get(&self, scope: &Scope, id: &EventId) -> Result<Option<Hit>> {
        self.0.get(scope, id).await
    }

    async fn at(&self, scope: &Scope, positions: &[Position]) -> Result<Vec<Hit>> {
        self.0.at(scope, positions).await
    }

    async fn fields(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FieldInfo>> {
        self.0.fields(scope, range).await
    }

    async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>> {
        self.0.indices(scope).await
    }
}

/// Events spread over parts, memory chunks and open rows.
async fn store_everywhere(engine: &LogEngine, double: &LinearStore, events: &[Event]) {
    let scope = Scope::main();
    let pieces = events.chunks(events.len().div_ceil(7).max(1));
    for (number, piece) in pieces.enumerate() {
        let batch = || Append { key: None, events: piece.to_vec().into() };
        double.append(&scope, batch()).await.unwrap();
        engine.append(&scope, batch()).await.unwrap();
        if number == 3 {
            engine.flush().await;
        }
    }
}

#[test]
fn the_engine_answers_as_a_linear_scan_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 1, max_shrink_iters: 0, failure_persistence: None, ..Config::default() });
    let question = || (any_query(), any_range(), any_aggregation());
    runner
        .run(&(vec(any_event(), 2_000), vec(question(), 500)), |(events, questions)| {
            let folder = tempfile::tempdir().unwrap();
            let double = LinearStore::default();
            let engine = LogEngine::open(options(folder.path())).unwrap();
            runtime.block_on(async {
                store_everywhere(&engine, &double, &events).await;
                for (query, range, question) in &questions {
                    let selection = Selection { query: query.clone(), range: *range };
                    assert_same_search(&double, &engine, &selection).await;
                    assert_same_answer(&double, &engine, &selection, question).await;
                }
            });
            Ok(())
        })
        .unwrap();
}

/// Strings without a dictionary and with one, short and long, whole numbers under the same name: one string is one bucket
/// wherever it lies.
#[tokio::test]
async fn terms_are_those_of_a_linear_scan_whatever_columns_they_lie_in() {
    const EVENTS: i64 = 4_200;
    let event = |number: i64| {
        let user = match number % 7 {
            // Of one log type: columns of the other hold nothing but strings.
            0 if number % 2 == 0 => Value::Int(number % 50),
            1 => Value::text(format!("a longer name than others: user {}", number % 900)),
            2 => Value::text("é".repeat((number % 15) as usize)),
            3 => Value::Null,
            _ => Value::text(format!("u{}", number * 31 % 1_700)),
        };
        // Those of the last days are few, so that their parts have a dictionary.
        let user = if number > EVENTS * 5 / 7 { Value::text(format!("u{}", number % 40)) } else { user };
        let timestamp = Timestamp::from_seconds(1_795_392_000 + number * 60);
        let body = vec![("user_id".into(), user), ("n".into(), Value::Int(number))];
        Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::ALL[(number % 2) as usize], body }
    };
    let events: Vec<Event> = (0..EVENTS).map(event).collect();
    let (engine, _folder) = engine();
    let double = LinearStore::default();
    store_everywhere(&engine, &double, &events).await;
    for query in ["*", "n>100 AND n<3000", "user_id:u31", "NOT user_id:u31"] {
        let selection = Selection { query: parse(query).unwrap(), range: TimeRange::ALL };
        for size in [0, 1, 10, 5_000] {
            let asked = Aggregation::terms("users", "user_id", size);
            assert_same_answer(&double, &engine, &selection, &asked).await;
            assert_same_answer(&double, &engine, &selection, &asked.with(Aggregation::stats("n", "n"))).await;
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 40, failure_persistence: None, ..Config::default() })]

    #[test]
    fn small_stores_answer_as_a_linear_scan_does(
        events in vec(any_event(), 1..25),
        questions in vec((any_query(), any_range(), any_aggregation()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (double, engine) = (LinearStore::default(), LogEngine::open(options(folder.path())).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            store_everywhere(&engine, &double, &events).await;
            for (query, range, question) in &questions {
                let selection = Selection { query: query.clone(), range: *range };
                assert_same_search(&double, &engine, &selection).await;
                assert_same_answer(&double, &engine, &selection, question).await;
            }
        });
    }

    /// Asked again and again while events come, parts are written and merged: what is kept of parts never shows.
    #[test]
    fn kept_answers_are_those_of_a_linear_scan(
        events in vec(any_event(), 8..60),
        questions in vec((any_query(), any_range(), any_aggregation()), 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let options = EngineOptions { merge_fan_in: 2, ..options(folder.path()) };
        let (double, engine) = (LinearStore::default(), LogEngine::open(options).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for (number, piece) in events.chunks(events.len().div_ceil(5)).enumerate() {
                let batch = || Append { key: None, events: piece.to_vec().into() };
                double.append(&Scope::main(), batch()).await.unwrap();
                engine.append(&Scope::main(), batch()).await.unwrap();
                if number != 2 {
                    engine.flush().await;
                }
                for (query, range, question) in questions.iter().chain(&questions) {
                    let selection = Selection { query: query.clone(), range: *range };
                    assert_same_answer(&double, &engine, &selection, question).await;
                    assert_same_search(&double, &engine, &selection).await;
                }
            }
            // Some questions are answered without counting anything, so that nothing need be kept.
            assert_eq!(engine.query_numbers().held_bytes, 0);
        });
    }
}
