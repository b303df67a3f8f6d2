//! Disks that are full, read-only, slow, or cannot sync the log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vigie_domain::ports::{Append, AppendOutcome, LogStore};
use vigie_domain::{ErrorKind, Event, LogType, Result, Scope};
use vigie_storage::care::{self, LifecyclePolicy};
use vigie_storage::files::SharedFiles;
use vigie_storage::{EngineOptions, LogEngine};

use super::disk::{Disk, Fault, Kind, Plan};
use super::life::{check_bytes, checked_numbers, event, open};

async fn append(engine: &LogEngine, numbers: std::ops::Range<i64>) -> Result<AppendOutcome> {
    engine.append(&Scope::main(), Append { key: None, events: numbers.map(event).collect() }).await
}

/// Numbers from 100 on have no ids.
const FIRST: i64 = 100;

#[tokio::test]
async fn a_full_disk_refuses_events_answers_questions_and_writes_again_when_there_is_room() {
    let disk = Disk::new();
    let engine = open(&disk).unwrap();
    let mut end = FIRST + 5;
    append(&engine, FIRST..end).await.unwrap();
    engine.flush().await;
    disk.set_capacity(disk.used_bytes() + 1_500);
    let refusal = loop {
        match append(&engine, end..end + 5).await {
            Ok(_) => end += 5,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.kind, ErrorKind::DiskFull, "{refusal}");
    let is_right = async |end| checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..end);
    assert!(is_right(end).await, "what was refused is not stored, all else is");

    // Parts do not fit either. However often that is tried, nothing is left of it.
    let used_bytes = disk.used_bytes();
    for _ in 0..3 {
        engine.flush().await;
        assert!(disk.used_bytes() <= used_bytes, "{} bytes after {used_bytes}", disk.used_bytes());
    }
    assert!(engine.snapshot().await.is_err(), "events in memory are in no snapshot");
    assert!(is_right(end).await);

    disk.set_capacity(u64::MAX);
    append(&engine, end..end + 5).await.unwrap();
    end += 5;
    assert!(is_right(end).await);
    engine.flush().await;
    assert!(is_right(end).await);
    drop(engine);
    check_bytes(&disk).unwrap();
    assert!(checked_numbers(&open(&disk).unwrap()).await.unwrap().into_iter().eq(FIRST..end));
}

#[tokio::test]
async fn events_that_wait_for_parts_which_do_not_fit_are_refused_for_want_of_room() {
    let disk = Disk::new();
    let options = EngineOptions {
        files: Arc::new(disk.clone()),
        free_bytes_min: 0,
        flush_bytes: 1,
        on_fatal: Arc::new(|_| panic!("the disk is only full")),
        ..EngineOptions::new("/data/logs")
    };
    let engine = LogEngine::open(options).unwrap();
    append(&engine, FIRST..FIRST + 1).await.unwrap();
    engine.flush().await;
    // The log still has room when a part has none: memory fills up.
    disk.set_capacity(disk.used_bytes() + 1_200);
    let mut end = FIRST + 1;
    let refusal = loop {
        match append(&engine, end..end + 1).await {
            Ok(_) => end += 1,
            Err(refusal) => break refusal,
        }
        engine.flush().await;
    };
    assert_eq!(refusal.kind, ErrorKind::DiskFull, "{refusal}");
    assert!(checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..end), "questions go on");
    assert!(disk.used_bytes() > 0 && end > FIRST + 1, "the log took some");

    disk.set_capacity(u64::MAX);
    engine.flush().await;
    append(&engine, end..end + 1).await.unwrap();
    assert!(checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..end + 1));
}

#[tokio::test]
async fn a_log_that_cannot_go_on_in_a_new_segment_goes_on_in_the_old_one() {
    let disk = Disk::new();
    let options = EngineOptions {
        files: Arc::new(disk.clone()),
        free_bytes_min: 0,
        segment_bytes_max: 1,
        on_fatal: Arc::new(|_| panic!("the disk is only full")),
        ..EngineOptions::new("/data/logs")
    };
    let engine = LogEngine::open(options).unwrap();
    // Write and sync succeed; only the new segment cannot be made.
    let number = disk.count(Kind::Change) + 2;
    disk.set(Plan::Fail { kind: Kind::Change, number, fault: Fault::Full, lasts: false });
    append(&engine, FIRST..FIRST + 1).await.unwrap();
    append(&engine, FIRST + 1..FIRST + 2).await.unwrap();
    assert_eq!(disk.failed().len(), 1);
    assert!(disk.failed()[0].starts_with("create /data/logs/wal/"), "{:?}", disk.failed());
    drop(engine);
    assert!(checked_numbers(&open(&disk).unwrap()).await.unwrap().into_iter().eq(FIRST..FIRST + 2));
}

#[tokio::test]
async fn after_a_sync_that_failed_nothing_is_accepted_and_nothing_is_synced_again() {
    let disk = Disk::new();
    let fatal_count = Arc::new(AtomicUsize::default());
    let told = fatal_count.clone();
    let options = EngineOptions {
        files: Arc::new(disk.clone()),
        free_bytes_min: 0,
        on_fatal: Arc::new(move |_| _ = told.fetch_add(1, Ordering::Relaxed)),
        ..EngineOptions::new("/data/logs")
    };
    let engine = LogEngine::open(options).unwrap();
    append(&engine, FIRST..FIRST + 5).await.unwrap();
    disk.set(Plan::Fail { kind: Kind::Change, number: disk.count(Kind::Change) + 1, fault: Fault::Io, lasts: false });
    let sync_count = disk.sync_count();
    for first in [FIRST + 5, FIRST + 10, FIRST + 15] {
        let error = append(&engine, first..first + 5).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }
    assert_eq!(disk.failed(), ["sync /data/logs/wal/0000000000000000.wal"]);
    assert_eq!((disk.sync_count(), fatal_count.load(Ordering::Relaxed)), (sync_count + 1, 1));
    assert!(checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..FIRST + 5), "searches go on");
    drop(engine);
    assert!(checked_numbers(&open(&disk).unwrap()).await.unwrap().into_iter().eq(FIRST..FIRST + 5));
}

#[tokio::test]
async fn a_read_only_disk_is_told_in_words() {
    let disk = Disk::new();
    drop(open(&disk).unwrap());
    disk.set(Plan::ReadOnly);
    let error = open(&disk).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("\"/data/logs") && error.message.contains("read-only"), "{error}");
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_stops_the_store_and_keeps_what_it_has() {
    let disk = Disk::new();
    let engine = open(&disk).unwrap();
    append(&engine, FIRST..FIRST + 5).await.unwrap();
    disk.set(Plan::ReadOnly);
    let error = append(&engine, FIRST + 5..FIRST + 10).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    engine.flush().await;
    assert!(checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..FIRST + 5));
    drop(engine);
    disk.set(Plan::Healthy);
    assert!(checked_numbers(&open(&disk).unwrap()).await.unwrap().into_iter().eq(FIRST..FIRST + 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_makes_senders_wait_and_nobody_else() {
    let disk = Disk::new();
    let engine = Arc::new(open(&disk).unwrap());
    append(&engine, FIRST..FIRST + 5).await.unwrap();
    disk.slow_down();
    let answered = Arc::new(AtomicUsize::default());
    let senders: Vec<_> = (1..40)
        .map(|place| {
            let (engine, answered) = (engine.clone(), answered.clone());
            tokio::spawn(async move {
                append(&engine, FIRST + place * 5..FIRST + (place + 1) * 5).await.unwrap();
                answered.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    let waiting = disk.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_a_sync()).await.unwrap();
    assert!(checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..FIRST + 5), "searches go on");
    assert_eq!(answered.load(Ordering::Relaxed), 0, "nothing is acknowledged before it is on disk");
    let sync_count = disk.sync_count();
    disk.go_on();
    for sender in senders {
        sender.await.unwrap();
    }
    assert!(disk.sync_count() - sync_count <= 39);
    assert!(checked_numbers(&engine).await.unwrap().into_iter().eq(FIRST..FIRST + 200));
}

#[tokio::test]
async fn events_go_on_being_written_to_parts_while_others_are_merged() {
    const MERGED: &str = "-00000003.parquet";
    const MERGED_INDEX: &str = "-00000003.index";
    let disk = Disk::new();
    // Both parts together have more pages than are looked at before the first is written.
    let (half, flush_bytes) = (20_500, 10_000);
    let options = EngineOptions {
        files: Arc::new(disk.clone()),
        free_bytes_min: 0,
        merge_fan_in: 2,
        flush_bytes,
        ..EngineOptions::new("/data/logs")
    };
    let engine = LogEngine::open(options).unwrap();
    let append = async |numbers: std::ops::Range<i64>| {
        let events = numbers.map(|number| Event { log_type: LogType::Error, ..event(FIRST + 4 * number) });
        engine.append(&Scope::main(), Append { key: None, events: events.collect() }).await.unwrap();
    };
    append(0..half).await;
    engine.flush().await;
    disk.hold_creation(MERGED);
    append(half..2 * half).await;
    disk.wait_for_a_creation();
    append(2 * half..2 * half + 1_000).await;
    disk.hold_creation(MERGED_INDEX);
    // The merge has written its pages and is about to finish.
    disk.wait_for_a_creation();
    let files: SharedFiles = Arc::new(disk.clone());
    let parts = || care::explain(&files, Path::new("/data/logs"), None, &LifecyclePolicy::default()).unwrap();
    let meanwhile = parts();
    disk.go_on();
    let [index] = meanwhile.try_into().unwrap();
    assert_eq!((index.part_count, index.event_count), (3, 2 * half as u64 + 1_000), "they did not wait for the merge");
    engine.flush().await;
    engine.flush().await;
    let [index] = parts().try_into().unwrap();
    assert_eq!((index.part_count, index.event_count), (2, 2 * half as u64 + 1_000));
}
