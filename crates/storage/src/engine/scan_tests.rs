//! Scans over the units of an engine, with bounds that no caller can set so exactly.

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::{Event, LogType, Scope, TimeRange, Timestamp, Value};

use super::*;
use crate::scan::{Budget, MemoryBounds, Pool};

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
    engine_that_keeps(EngineOptions::new("").kept_bytes_max).await
}

/// One that keeps so many bytes of what it counted.
async fn engine_that_keeps(kept_bytes_max: usize) -> (LogEngine, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions { free_bytes_min: 0, kept_bytes_max, ..EngineOptions::new(folder.path()) };
    let engine = LogEngine::open(options).unwrap();
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
    let request = SearchRequest { selection, order, after: None, skip: 0, limit, count_total, fields: Fields::All };
    scan::search(run, engine.units(TimeRange::ALL), &filter, &request, &Scope::main())
}

/// However early the asker leaves, no thread goes on for longer than to its next look.
fn assert_stops_soon<T: std::fmt::Debug>(ask: impl Fn(&Run) -> std::result::Result<T, StorageError>, looks_min: usize) {
    let whole = Run::free();
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

/// Questions of every kind, nested ones among them.
fn questions() -> Vec<Aggregation> {
    let filters = ["n:7", "service:web"].map(|text| (text.to_owned(), parse(text).unwrap())).to_vec();
    let percentiles = AggregationKind::Percentiles { field: "n".into(), percents: vec![95.0] };
    let minutes = AggregationKind::DateHistogram { interval_ns: 60_000_000_000, offset_ns: 0 };
    vec![
        Aggregation::terms("users", "user_id", 5).with(Aggregation::stats("n", "n")),
        Aggregation::cardinality("users", "user_id"),
        Aggregation::terms("users", "user_id", 5).with(Aggregation::leaf("of", AggregationKind::Filters(filters))),
        Aggregation::leaf("minutes", minutes).with(Aggregation::leaf("p", percentiles.clone())),
        Aggregation::leaf("p", percentiles),
    ]
}

/// With less memory than the work takes it is refused, with enough it is done; either way nothing is held after it.
fn assert_bounded<T>(name: &str, ask: impl Fn(&Run) -> std::result::Result<T, StorageError>) {
    for (refusals, one_bytes_max) in (10..30).map(|power| 1_usize << power).enumerate() {
        let pool = Pool::new(MemoryBounds { one_bytes_max, all_bytes_max: usize::MAX });
        let result = ask(&Run::new(None, Budget::new(&pool), &Run::free().kept));
        assert_eq!(pool.held_bytes(), 0, "{name} within {one_bytes_max} bytes");
        match result {
            Ok(_) => {
                assert!(refusals > 2, "{name} is refused below {one_bytes_max} bytes only");
                let pool = Pool::new(MemoryBounds { one_bytes_max, all_bytes_max: 1_024 });
                let busy = ask(&Run::new(None, Budget::new(&pool), &Run::free().kept));
                assert!(matches!(busy, Err(StorageError::Busy { bytes_max: 1_024 })));
                assert_eq!(pool.held_bytes(), 0);
                return;
            }
            Err(StorageError::TooMuchMemory { bytes_max }) => assert_eq!(bytes_max, one_bytes_max),
            Err(other) => panic!("{name} within {one_bytes_max} bytes: {other}"),
        }
    }
    panic!("{name} is never done");
}

#[tokio::test]
async fn what_scans_hold_is_counted_and_given_back() {
    let (engine, _folder) = engine().await;
    for question in questions() {
        assert_bounded(&format!("{question:?}"), |run| aggregate(&engine, run, question.clone()));
    }
    assert_bounded("a page of events", |run| search(&engine, run, true));
    assert_bounded("a page of events that are not counted", |run| search(&engine, run, false));
}

#[tokio::test]
async fn a_question_past_its_memory_is_refused_and_others_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let query_memory = MemoryBounds { one_bytes_max: 128 * 1024, all_bytes_max: 160 * 1024 };
    let options = EngineOptions { free_bytes_min: 0, query_memory, ..EngineOptions::new(folder.path()) };
    let engine = LogEngine::open(options).unwrap();
    let events = (0..4_000).map(event).collect();
    engine.append(&Scope::main(), Append { key: None, events }).await.unwrap();
    let selection = Selection { query: Query::All, range: TimeRange::ALL };
    let ask = async |asked: Aggregation| {
        let request = AggregateRequest { selection: selection.clone(), aggregations: vec![asked] };
        engine.aggregate(&Scope::main(), &request).await
    };
    let error = ask(Aggregation::terms("users", "user_id", 5)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::TooLarge, None), "{error}");
    assert!(error.message.contains("query.bytes_max"), "{error}");
    assert_eq!(engine.queries.memory().held_bytes(), 0);
    let answer = ask(Aggregation::terms("services", "service", 5)).await.unwrap();
    assert_eq!(answer.total, 4_000);
    let other = Budget::new(engine.queries.memory());
    let held = other.hold(120 * 1024).unwrap();
    let percentiles = AggregationKind::Percentiles { field: "n".into(), percents: vec![95.0] };
    let error = ask(Aggregation::leaf("p", percentiles)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(1)), "{error}");
    assert!(error.message.contains("query.all_bytes_max"), "{error}");
    drop(held);
    assert_eq!(engine.queries.memory().held_bytes(), 0);
}

#[tokio::test]
async fn what_was_counted_of_a_part_is_not_counted_again() {
    let (engine, _folder) = engine().await;
    let ask = async |query: &str, asked: Vec<Aggregation>, scope: &Scope| {
        let selection = Selection { query: parse(query).unwrap(), range: TimeRange::ALL };
        engine.aggregate(scope, &AggregateRequest { selection, aggregations: asked }).await.unwrap()
    };
    let by_service = |name: &str, size| Aggregation::terms(name, "service", size).with(Aggregation::stats("n", "n"));
    let all = (BATCHES * BATCH_EVENTS) as u64;
    let first = ask("service:*", vec![by_service("a", 2)], &Scope::main()).await;
    assert!(first.stats.rows_scanned >= all, "{first:?}");
    let again =
        ask("service:*", vec![by_service("b", 3), Aggregation::terms("c", "log_type", 1)], &Scope::main()).await;
    let in_memory = BATCH_EVENTS as u64;
    assert!(again.stats.rows_scanned >= all, "one of the questions is new");
    let again =
        ask("service:*", vec![by_service("b", 3), Aggregation::terms("c", "log_type", 1)], &Scope::main()).await;
    assert_eq!((again.total, again.stats.rows_scanned, again.stats.bytes_read), (all, in_memory, 0));
    let hiding = Scope { hidden_fields: vec!["service".to_owned()], ..Scope::main() };
    assert_eq!(ask("service:*", vec![by_service("a", 2)], &hiding).await.total, 0, "others' answers are others'");
    let restricted = Scope { restriction: Some(parse("service:web").unwrap()), ..Scope::main() };
    assert_eq!(ask("service:*", vec![by_service("a", 2)], &restricted).await.total, all / 3);
}

#[tokio::test]
async fn a_page_of_events_counts_what_matches_once() {
    let (engine, _folder) = engine().await;
    let page = async |limit: usize, from: i64, to: i64| {
        let at = |second: i64| Timestamp::from_seconds(1_795_392_000 + second);
        let range = TimeRange { from: at(from), to: at(to) };
        let selection = Selection { query: parse("service:web OR n:6").unwrap(), range };
        let order = SortOrder::OldestFirst;
        let request =
            SearchRequest { selection, order, after: None, skip: 0, limit, count_total: true, fields: Fields::All };
        let result = engine.search(&Scope::main(), &request).await.unwrap();
        (result.total.unwrap(), result.stats.rows_scanned)
    };
    let (parts, all) = ((BATCHES - 1) * BATCH_EVENTS, BATCHES * BATCH_EVENTS);
    let in_memory = BATCH_EVENTS as u64;
    let (total, scanned) = page(0, 0, parts as i64).await;
    assert!(scanned >= parts as u64);
    assert_eq!(total, parts as u64 / 3 + 1);
    assert_eq!(page(0, 0, parts as i64).await, (total, 0));
    assert_eq!(page(0, -5, parts as i64).await, (total, 0), "a range that covers the part is one whatever it is");
    let (cut, scanned) = page(0, 0, parts as i64 - 3).await;
    assert!(cut == total - 1 && scanned > 0, "one that cuts it is another");
    let (more, scanned) = page(5, 0, all as i64).await;
    assert!(more > total, "{more} match");
    // Both conditions are asked of each row that is looked at.
    assert!(scanned < 2 * parts as u64 + in_memory, "{scanned}: parts behind a full page are not read again");
}

#[tokio::test]
async fn events_in_memory_are_not_looked_at_for_other_times_and_log_types() {
    let folder = tempfile::tempdir().unwrap();
    let engine = LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) }).unwrap();
    for batch in 0..BATCHES {
        let events = (batch * BATCH_EVENTS..(batch + 1) * BATCH_EVENTS).map(event).collect();
        engine.append(&Scope::main(), Append { key: None, events }).await.unwrap();
    }
    let scanned = async |query: &str, from: usize, to: usize| {
        let at = |second: usize| Timestamp::from_seconds(1_795_392_000 + second as i64);
        let selection = Selection { query: parse(query).unwrap(), range: TimeRange { from: at(from), to: at(to) } };
        let request = AggregateRequest { selection, aggregations: vec![Aggregation::terms("s", "service", 3)] };
        engine.aggregate(&Scope::main(), &request).await.unwrap().stats.rows_scanned as usize
    };
    let all = BATCHES * BATCH_EVENTS;
    assert_eq!(scanned("service:web", 0, all).await, all);
    assert_eq!(scanned("service:web", all - 5, all).await, BATCH_EVENTS);
    assert_eq!(scanned("log_type:error service:web", 0, all).await, 0);
    assert_eq!(scanned("log_type:(error OR transaction)", 0, all).await, all);
    assert_eq!(scanned("NOT log_type:transaction", 0, all).await, all, "a negation is decided row by row");
}

/// What a page of numbers over time asks: of all events and of each span, of fields with few values and with many.
fn over_time(interval_ns: i64) -> Vec<Aggregation> {
    let filters = ["service:web", "n:[100 TO 900]"].map(|text| (text.to_owned(), parse(text).unwrap())).to_vec();
    let of_all = vec![
        Aggregation::cardinality("users", "user_id"),
        Aggregation::terms("services", "service", 5).with(Aggregation::stats("n", "n")),
        Aggregation::stats("n", "n"),
        Aggregation::leaf("p", AggregationKind::Percentiles { field: "n".into(), percents: vec![50.0, 95.0] }),
        Aggregation::leaf("some", AggregationKind::Filters(filters))
            .with(Aggregation::cardinality("of them", "user_id"))
            .with(Aggregation::cardinality("services", "service")),
        Aggregation::terms("users by name", "user_id", 3),
    ];
    let spans = Aggregation::leaf("spans", AggregationKind::DateHistogram { interval_ns, offset_ns: 0 });
    let spans = of_all.iter().cloned().fold(spans, Aggregation::with);
    of_all.into_iter().chain([spans, Aggregation::cardinality("last", "service")]).collect()
}

#[tokio::test]
async fn questions_asked_together_and_again_have_the_answers_that_they_have_alone() {
    let (engine, _folder) = engine().await;
    let (plain, _plain_folder) = engine_that_keeps(0).await;
    let ask = async |engine: &LogEngine, query: &str, aggregations: Vec<Aggregation>| {
        let selection = Selection { query: parse(query).unwrap(), range: TimeRange::ALL };
        engine.aggregate(&Scope::main(), &AggregateRequest { selection, aggregations }).await.unwrap()
    };
    for (query, interval_ns) in
        [("", 60_000_000_000), ("service:cart OR service:web", 7_000_000_000), ("n:[5 TO 6]", 1_000_000_000_000)]
    {
        let questions = over_time(interval_ns);
        let mut alone = Vec::new();
        for question in &questions {
            alone.extend(ask(&plain, query, vec![question.clone()]).await.answers);
        }
        let first = ask(&engine, query, questions.clone()).await;
        let again = ask(&engine, query, questions.clone()).await;
        assert_eq!(first.answers, alone, "{query:?}");
        assert_eq!((again.total, &again.answers), (first.total, &alone), "{query:?}");
        // In another order, with some of what is asked kept and some not.
        let mut turned = questions;
        turned.reverse();
        alone.reverse();
        assert_eq!(ask(&engine, query, turned).await.answers, alone, "{query:?}, turned");
    }
    // Beside what is too large to be kept, the others are.
    let pair = || vec![Aggregation::cardinality("users", "user_id"), Aggregation::stats("n", "n")];
    let spans = AggregationKind::DateHistogram { interval_ns: 60_000_000_000, offset_ns: 0 };
    for questions in [pair(), vec![pair().into_iter().fold(Aggregation::leaf("spans", spans), Aggregation::with)]] {
        let first = ask(&engine, "service:payment", questions.clone()).await;
        let again = ask(&engine, "service:payment", questions).await;
        assert_eq!((again.total, again.answers), (first.total, first.answers));
        assert!(again.stats.bytes_read < first.stats.bytes_read, "{:?} {:?}", first.stats, again.stats);
    }
}
