//! What was acknowledged is there after a restart, once, whatever happened in between.

use std::path::Path;

use vigie_domain::ports::{Append, Fields, IndexInfo, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::{ErrorKind, Event, EventId, LogType, Scope, TimeRange, Timestamp, Value};
use vigie_storage::{EngineOptions, LogEngine};

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;

fn event(number: i64, id: Option<&str>) -> Event {
    let timestamp = Timestamp::from_seconds(DAY_S + number);
    Event {
        id: id.map(|id| EventId(id.to_owned())),
        timestamp,
        ingested_at: Timestamp::from_seconds(DAY_S),
        log_type: if number % 2 == 0 { LogType::Transaction } else { LogType::Error },
        body: vec![
            ("@timestamp".into(), Value::text(timestamp.to_string())),
            ("n".into(), Value::Int(number)),
            ("service".into(), Value::text("cart")),
        ],
    }
}

fn batch(numbers: std::ops::Range<i64>) -> Append {
    Append { key: None, events: numbers.map(|number| event(number, None)).collect() }
}

fn open(folder: &Path) -> LogEngine {
    LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder) }).unwrap()
}

async fn numbers(engine: &LogEngine) -> Vec<i64> {
    let request = SearchRequest {
        selection: Selection { query: Query::All, range: TimeRange::ALL },
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: 100_000,
        count_total: true,
        fields: Fields::All,
    };
    let result = engine.search(&Scope::main(), &request).await.unwrap();
    assert_eq!(result.total, Some(result.hits.len() as u64));
    let number = |hit: vigie_domain::ports::Hit| match hit.source.iter().find(|(name, _)| name == "n") {
        Some((_, Value::Int(number))) => *number,
        _ => -1,
    };
    result.hits.into_iter().map(number).collect()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.append(&Scope::main(), batch(0..3_000)).await.unwrap();
    engine.append(&Scope::main(), batch(3_000..3_010)).await.unwrap();
    drop(engine);
    let engine = open(folder.path());
    assert_eq!(numbers(&engine).await, (0..3_010).collect::<Vec<_>>());
    engine.append(&Scope::main(), batch(3_010..3_011)).await.unwrap();
    drop(engine);
    assert_eq!(numbers(&open(folder.path())).await, (0..3_011).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_flushed_is_read_from_parts_and_not_twice() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.append(&Scope::main(), batch(0..2_000)).await.unwrap();
    engine.flush().await;
    engine.append(&Scope::main(), batch(2_000..2_500)).await.unwrap();
    assert_eq!(numbers(&engine).await, (0..2_500).collect::<Vec<_>>());
    drop(engine);
    let engine = open(folder.path());
    assert_eq!(numbers(&engine).await, (0..2_500).collect::<Vec<_>>());
    let bytes: u64 = engine.indices(&Scope::main()).await.unwrap().iter().map(IndexInfo::bytes).sum();
    assert!(bytes > 0);
}

#[tokio::test]
async fn a_crash_between_part_and_manifest_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    engine.append(&Scope::main(), batch(0..100)).await.unwrap();
    engine.flush().await;
    let manifest = std::fs::read(folder.path().join("manifest")).unwrap();
    engine.append(&Scope::main(), batch(100..200)).await.unwrap();
    drop(engine);
    let log: Vec<_> =
        std::fs::read_dir(folder.path().join("wal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let copies: Vec<_> = log.iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    let engine = open(folder.path());
    engine.flush().await;
    drop(engine);
    // As if the process had died after the parts were written: the old manifest, the old log, the new parts.
    std::fs::write(folder.path().join("manifest"), manifest).unwrap();
    for (path, bytes) in copies {
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(numbers(&open(folder.path())).await, (0..200).collect::<Vec<_>>());
}

/// Whether a file of the folder has the text in it; of a few events, what is packed still shows it.
fn is_written(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let has_text = |bytes: Vec<u8>| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if path.is_dir() { is_written(&path, text) } else { has_text(std::fs::read(path).unwrap()) }
    })
}

#[tokio::test]
async fn what_was_deleted_is_in_no_file_and_does_not_come_back() {
    const SECRET: &str = "correct-horse-battery-staple";
    let folder = tempfile::tempdir().unwrap();
    let secret = |number: i64, id: &str| {
        let mut event = event(number, Some(id));
        event.body.push(("leaked".into(), Value::text(format!("{id} {SECRET}"))));
        event
    };
    let send = async |engine: &LogEngine, events: Vec<Event>| {
        engine.append(&Scope::main(), Append { key: None, events: events.into() }).await.unwrap().stored
    };
    let engine = open(folder.path());
    send(&engine, vec![secret(0, "a"), event(1, Some("b"))]).await;
    engine.flush().await;
    send(&engine, vec![secret(2, "c"), event(3, Some("d"))]).await;
    let log: Vec<_> =
        std::fs::read_dir(folder.path().join("wal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let copies: Vec<_> = log.iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    assert!(is_written(&folder.path().join("indices"), SECRET) && is_written(&folder.path().join("wal"), SECRET));
    let selection = Selection { query: vigie_domain::query::parse("leaked:*").unwrap(), range: TimeRange::ALL };
    assert_eq!(engine.delete(&Scope::main(), &selection).await.unwrap(), 2);
    assert!(!is_written(folder.path(), SECRET));
    drop(engine);
    // As if a segment of the log that parts have taken over could not be removed.
    for (path, bytes) in copies {
        std::fs::write(path, bytes).unwrap();
    }
    let engine = open(folder.path());
    assert_eq!(numbers(&engine).await, [1, 3]);
    assert_eq!(send(&engine, vec![secret(0, "a"), event(1, Some("b")), secret(2, "c"), event(3, Some("d"))]).await, 2);
    assert_eq!(numbers(&engine).await, [0, 1, 2, 3], "their ids are free, and those of the others are known");
}

#[tokio::test]
async fn small_parts_are_merged_and_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    for round in 0..20 {
        engine.append(&Scope::main(), batch(round * 50..(round + 1) * 50)).await.unwrap();
        engine.flush().await;
    }
    engine.flush().await;
    engine.flush().await;
    assert_eq!(numbers(&engine).await, (0..1_000).collect::<Vec<_>>());
    drop(engine);
    let engine = open(folder.path());
    assert_eq!(numbers(&engine).await, (0..1_000).collect::<Vec<_>>());
    let files = std::fs::read_dir(folder.path().join("indices/2026.11.23")).unwrap();
    let is_part = |path: &Path| path.extension().is_some_and(|extension| extension == "parquet");
    let parts = files.filter(|file| is_part(&file.as_ref().unwrap().path())).count();
    assert!(parts < 20, "40 parts were written, {parts} are left");
}

#[tokio::test]
async fn a_second_process_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let _engine = open(folder.path());
    let error = LogEngine::open(EngineOptions::new(folder.path())).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("in use by another process"), "{error}");
}

#[tokio::test]
async fn keys_and_ids_are_known_across_flush_and_restart() {
    let folder = tempfile::tempdir().unwrap();
    let keyed = || Append { key: Some("upload/1".into()), ..batch(0..10) };
    let with_ids =
        || Append { key: None, events: (10..20).map(|n| event(n, Some(&format!("id-{}", n % 5)))).collect() };
    let engine = open(folder.path());
    assert_eq!(engine.append(&Scope::main(), keyed()).await.unwrap().stored, 10);
    assert_eq!(engine.append(&Scope::main(), with_ids()).await.unwrap().stored, 5);
    engine.flush().await;
    drop(engine);
    let engine = open(folder.path());
    assert_eq!(engine.append(&Scope::main(), keyed()).await.unwrap().deduplicated(), 10);
    let again = engine.append(&Scope::main(), with_ids()).await.unwrap();
    assert_eq!((again.stored, again.deduplicated()), (0, 10));
    assert_eq!(numbers(&engine).await.len(), 15);
}

#[tokio::test]
async fn a_full_disk_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions { free_bytes_min: u64::MAX, ..EngineOptions::new(folder.path()) };
    let engine = LogEngine::open(options).unwrap();
    let error = engine.append(&Scope::main(), batch(0..10)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::DiskFull);
    assert!(numbers(&engine).await.is_empty());
    drop(engine);
    assert!(numbers(&open(folder.path())).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_share_the_log_and_each_event_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = std::sync::Arc::new(open(folder.path()));
    let senders = (0..16).map(|sender| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for step in 0..20 {
                let number = sender * 20 + step;
                engine.append(&Scope::main(), batch(number..number + 1)).await.unwrap();
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    assert_eq!(numbers(&engine).await, (0..320).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_memory_table_past_its_size_is_flushed_while_events_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions { free_bytes_min: 0, flush_bytes: 200_000, ..EngineOptions::new(folder.path()) };
    let engine = LogEngine::open(options.clone()).unwrap();
    for round in 0..30 {
        engine.append(&Scope::main(), batch(round * 200..(round + 1) * 200)).await.unwrap();
    }
    assert_eq!(numbers(&engine).await, (0..6_000).collect::<Vec<_>>());
    drop(engine);
    let engine = LogEngine::open(options).unwrap();
    assert_eq!(numbers(&engine).await, (0..6_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn lists_that_repeat_come_back_from_parts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let mut events = batch(0..200);
    let tag = |event: &mut Event| event.body.push(("tags".into(), Value::List(vec![Value::text("_a")])));
    let mut tagged: Vec<Event> = events.events.events().collect();
    tagged.iter_mut().for_each(tag);
    events.events = tagged.into();
    engine.append(&Scope::main(), events.clone()).await.unwrap();
    engine.flush().await;
    let request = SearchRequest {
        selection: Selection { query: Query::equals("tags", "_a"), range: TimeRange::ALL },
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: 1_000,
        count_total: true,
        fields: Fields::All,
    };
    let hits = engine.search(&Scope::main(), &request).await.unwrap().hits;
    assert!(hits.iter().map(|hit| &hit.source).cloned().eq(events.events.events().map(|event| event.body)));
}

#[tokio::test]
async fn parts_without_their_manifest_are_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    for round in 0..2 {
        engine.append(&Scope::main(), batch(round * 100..(round + 1) * 100)).await.unwrap();
        engine.flush().await;
    }
    drop(engine);
    let manifest = folder.path().join("manifest");
    let bytes = std::fs::read(&manifest).unwrap();
    std::fs::remove_file(&manifest).unwrap();
    let error =
        LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.path()) }).err().unwrap();
    assert!(error.message.contains("restore \"manifest\""), "{error}");
    std::fs::write(&manifest, bytes).unwrap();
    assert_eq!(numbers(&open(folder.path())).await, (0..200).collect::<Vec<_>>());
}
