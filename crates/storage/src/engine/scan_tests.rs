//! Scans over the units of an engine, with bounds that no caller can set so exactly.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{AggregateRequest, Append, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Query, parse};
use vigie_domain::{Event, LogType, Scope, TimeRange, Timestamp, Value};

use super::*;

/// Batches, and parts made of them.
const BATCHES: usize = 6;
/// Events of a batch.
const BATCH_EVENTS: usize = 300;
/// Threads that may each look once more.
const THREADS_MAX: usize = 4;

fn event(number: usize) -> Event {
    let timestamp = Timestamp::from_seconds(1_795_392_000 + number as i64);
    let body = vec![
        ("service".into(), Value::text(["cart", "web", "payment"][number % 3])),
        ("user_id".into(), Value::text(format!("u-{number}"))),
        ("n".into(), Value::Int(number as i64)),
    ];
    Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }
}

/// An engine with a part for every batch but the last, which lies in memory.
async fn engine() -> (LogEngine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) }).unwrap();
    for batch in 0..BATCHES {
        if batch > 0 {
            engine.flush().await;
        }
        let events = (batch * BATCH_EVENTS..(batch + 1) * BATCH_EVENTS).map(event).collect();
        engine.append(&Scope::main(), Append { key: None, events }).await.unwrap();
    }
    (engine, folder)
}

fn asked(query: &str) -> (Filter, Selection) {
    let selection = Selection { query: parse(query).unwrap(), range: TimeRange::ALL };
    (LogEngine::filter(&selection, &Scope::main()).unwrap(), selection)
}

fn aggregate(engine: &LogEngine, run: &Run, asked: Aggregation) -> std::result::Result<AggregateResult, StorageError> {
    let (filter, selection) = self::asked("service:cart OR service:web");
    let questions = [Question::new(&asked, &Scope::main(), Timestamp::default()).unwrap()];
    let request = AggregateRequest { selection, aggregations: vec![asked] };
    scan::aggregate(run, &engine.units(TimeRange::ALL), &filter, &questions, &request)
}

fn search(engine: &LogEngine, run: &Run, count_total: bool) -> std::result::Result<SearchResult, StorageError> {
    let (filter, selection) = asked("service:cart OR service:web");
    let (order, limit) = (SortOrder::OldestFirst, BATCHES * BATCH_EVENTS);
    let request = SearchRequest { selection, order, after: None, skip: 0, limit, count_total };
    scan::search(run, engine.units(TimeRange::ALL), &filter, &request, &Scope::main())
}

/// However early the asker leaves, no thread goes on for longer than to its next look.
fn assert_stops_soon<T: std::fmt::Debug>(ask: impl Fn(&Run) -> std::result::Result<T, StorageError>, looks_min: usize) {
    let whole = Run::new(None);
    ask(&whole).unwrap();
    assert!(whole.looks() >= looks_min, "{} looks are too few", whole.looks());
    for max in 0..whole.looks() {
        let run = Run::left_after(max);
        let result = ask(&run);
        assert!(matches!(result, Err(StorageError::AskerLeft)), "{result:?} after {max} looks");
        assert!(run.looks() <= max + THREADS_MAX, "{} looks, the asker left after {max}", run.looks());
    }
}

#[tokio::test]
async fn scans_stop_when_the_asker_has_left() {
    let (engine, _folder) = engine().await;
    let terms = || Aggregation::terms("users", "user_id", 5).with(Aggregation::stats("n", "n"));
    // Each unit is a task, and of each a page is decided and read.
    assert_stops_soon(|run| aggregate(&engine, run, terms()), BATCHES * 3);
    assert_stops_soon(|run| search(&engine, run, true), BATCHES * 3);
    assert_stops_soon(|run| search(&engine, run, false), BATCHES * 3);
    let id = EventId("nobody".to_owned());
    let restriction = Matcher::compile(&Query::All, &Scope::main(), Timestamp::default()).unwrap();
    let units = engine.units(TimeRange::ALL);
    assert_stops_soon(|run| scan::find_id(run, &units, &id, &restriction, &Scope::main()), BATCHES);
    assert_stops_soon(|run| fields_of(run, &units, &Scope::main()), BATCHES);
}
