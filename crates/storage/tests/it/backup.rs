//! Backups are consistent under load, incremental, and restored whole or not at all.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vigie_domain::ports::{Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::{Event, LogType, Scope, TimeRange, Timestamp, Value};
use vigie_storage::care::{BackupPlan, BackupReport, ScrubMode, back_up, restore, scrub};
use vigie_storage::files::os;
use vigie_storage::{EngineOptions, LogEngine};

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;

fn open(folder: &Path) -> LogEngine {
    LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder.join("logs")) }).unwrap()
}

async fn append(engine: &LogEngine, numbers: std::ops::Range<i64>) {
    let event = |number| Event {
        id: None,
        timestamp: Timestamp::from_seconds(DAY_S + number),
        ingested_at: Timestamp::from_seconds(DAY_S),
        log_type: LogType::Error,
        body: vec![("n".into(), Value::Int(number))],
    };
    engine.append(&Scope::main(), Append { key: None, events: numbers.map(event).collect() }).await.unwrap();
}

async fn numbers(engine: &LogEngine) -> Vec<i64> {
    let request = SearchRequest {
        selection: Selection { query: Query::All, range: TimeRange::ALL },
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: 1_000_000,
        count_total: true,
        fields: Fields::All,
    };
    let hits = engine.search(&Scope::main(), &request).await.unwrap().hits.into_iter();
    let number = |value: &Value| if let Value::Int(number) = value { *number } else { -1 };
    hits.map(|hit| hit.source.iter().find(|(name, _)| name == "n").map_or(-1, |(_, value)| number(value))).collect()
}

async fn take(engine: &LogEngine, others: &[(PathBuf, String)], target: &Path) -> BackupReport {
    let logs = engine.snapshot().await.unwrap();
    let taken_at = Timestamp::from_seconds(DAY_S);
    back_up(&BackupPlan { logs: &logs, logs_path: "logs", others, target, taken_at }).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_everything_acknowledged_before_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("backups"));
    let engine = Arc::new(open(&data));
    append(&engine, 0..1_000).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (engine, is_over) = (engine.clone(), is_over.clone());
        async move {
            let mut next = 1_000;
            while !is_over.load(Ordering::Relaxed) {
                append(&engine, next..next + 10).await;
                if next % 200 == 0 {
                    engine.flush().await;
                }
                next += 10;
            }
            next
        }
    });
    let mut reports = Vec::new();
    for _ in 0..5 {
        reports.push(take(&engine, &[], &target).await);
    }
    is_over.store(true, Ordering::Relaxed);
    let sent = load.await.unwrap();
    for report in &reports {
        let restored = folder.path().join(format!("restored-{}", report.number));
        let told = restore(&os(), &target, Some(report.number), &restored).unwrap();
        assert_eq!(told.event_count, report.event_count);
        assert!(scrub(&os(), &restored.join("logs"), ScrubMode::Look).unwrap().is_clean());
        let engine = open(&restored);
        let found = numbers(&engine).await;
        assert_eq!(found.len() as u64, report.event_count);
        let distinct: BTreeSet<i64> = found.iter().copied().collect();
        assert_eq!(distinct.len(), found.len(), "an event came back twice");
        assert!((0..1_000).all(|number| distinct.contains(&number)), "an acknowledged event is missing");
        assert!(found.iter().all(|number| *number < sent), "an event was never sent");
        append(&engine, 1_000_000..1_000_001).await;
        assert_eq!(numbers(&engine).await.len(), found.len() + 1);
    }
}

#[tokio::test]
async fn what_is_there_is_not_copied_again() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backups");
    let engine = open(&folder.path().join("data"));
    append(&engine, 0..5_000).await;
    let first = take(&engine, &[], &target).await;
    append(&engine, 5_000..5_001).await;
    let second = take(&engine, &[], &target).await;
    assert!(second.copied_bytes < second.size_bytes && second.size_bytes > first.size_bytes, "{first:?} {second:?}");
    assert_eq!((first.number, first.event_count, second.number, second.event_count), (1, 5_000, 2, 5_001));
    assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let restored = folder.path().join("restored");
    assert_eq!(restore(&os(), &target, None, &restored).unwrap().number, 2);
    assert_eq!(numbers(&open(&restored)).await.len(), 5_001);
}

#[tokio::test]
async fn other_files_come_back_with_their_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "secret").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
    let engine = open(&folder.path().join("data"));
    let others = [(key, "keys/key".to_owned()), (folder.path().join("gone"), "uploads/gone".to_owned())];
    take(&engine, &others, &folder.path().join("backups")).await;
    let restored = folder.path().join("a/restored");
    restore(&os(), &folder.path().join("backups"), None, &restored).unwrap();
    let key = restored.join("keys/key");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "secret");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o400);
    assert!(!restored.join("uploads").exists());
}

#[tokio::test]
async fn nothing_is_restored_over_data_or_out_of_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (target, restored) = (folder.path().join("backups"), folder.path().join("restored"));
    let refused = |words: &str| {
        let error = restore(&os(), &target, None, &restored).unwrap_err().message;
        assert!(error.contains(words), "{error}");
    };
    refused("it has: none");
    let engine = open(&folder.path().join("data"));
    append(&engine, 0..10).await;
    take(&engine, &[], &target).await;
    std::fs::create_dir(&restored).unwrap();
    std::fs::write(restored.join("x"), "mine").unwrap();
    refused("is not empty");
    std::fs::remove_file(restored.join("x")).unwrap();

    let day = target.join("parts/2026.11.23");
    let file = std::fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[7] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    refused("fails its checksum");
    assert_eq!(std::fs::read_dir(&restored).unwrap().count(), 0);
    std::fs::write(&file, whole).unwrap();
    assert_eq!(restore(&os(), &target, None, &restored).unwrap().event_count, 10);
}

#[tokio::test]
async fn a_damaged_part_is_not_taken_for_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(&folder.path().join("data"));
    append(&engine, 0..10).await;
    let logs = engine.snapshot().await.unwrap();
    let day = folder.path().join("data/logs/indices/2026.11.23");
    for file in std::fs::read_dir(day).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let target = folder.path().join("backups");
    let taken_at = Timestamp::from_seconds(DAY_S);
    let plan = BackupPlan { logs: &logs, logs_path: "logs", others: &[], target: &target, taken_at };
    let error = back_up(&plan).unwrap_err().message;
    assert!(error.contains("part \"2026.11.23/error-") && error.contains("vigie scrub"), "{error}");
    assert!(restore(&os(), &target, None, &folder.path().join("restored")).is_err());
}
