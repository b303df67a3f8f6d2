//! Damage on disk: every flipped bit is found and named, and what is whole goes on.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{AggregateRequest, Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Query, parse};
use vigie_domain::{Day, Event, EventId, LogType, Result, Scope, TimeRange, Value};
use vigie_storage::care::{FileKind, ScrubMode, ScrubReport, scrub};
use vigie_storage::files::os;
use vigie_storage::{EngineOptions, LogEngine};

/// 2026-11-23.
const DAY: Day = Day(20_780);

fn event(day: Day, number: i64) -> Event {
    Event {
        id: Some(EventId(format!("{day}-{number}"))),
        timestamp: day.start().saturating_add_nanos(number),
        ingested_at: day.start(),
        log_type: LogType::Error,
        body: vec![("n".into(), Value::Int(number)), ("message".into(), Value::text(format!("timeout {number}")))],
    }
}

fn open(folder: &Path) -> LogEngine {
    LogEngine::open(EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder) }).unwrap()
}

async fn append(engine: &LogEngine, day: Day, numbers: std::ops::Range<i64>) {
    let events = numbers.map(|number| event(day, number)).collect();
    engine.append(&Scope::main(), Append { key: None, events }).await.unwrap();
}

/// How many events of the range are found.
async fn count(engine: &LogEngine, range: TimeRange) -> Result<u64> {
    let request = SearchRequest {
        selection: Selection { query: Query::All, range },
        order: SortOrder::NewestFirst,
        after: None,
        skip: 0,
        limit: 10,
        count_total: true,
        fields: Fields::All,
    };
    Ok(engine.search(&Scope::main(), &request).await?.total.unwrap())
}

/// Questions about the day that do not concern its damaged errors.
async fn assert_others_are_answered(engine: &LogEngine) {
    for query in ["log_type:transaction", "log_type:fraud AND n:1"] {
        let selection = Selection { query: parse(query).unwrap(), range: of_day(DAY) };
        let order = SortOrder::NewestFirst;
        let request = SearchRequest {
            selection: selection.clone(),
            order,
            after: None,
            skip: 0,
            limit: 10,
            count_total: true,
            fields: Fields::All,
        };
        assert_eq!(engine.search(&Scope::main(), &request).await.unwrap().total, Some(0), "{query}");
        let request = AggregateRequest { selection, aggregations: vec![Aggregation::terms("t", "n", 3)] };
        assert_eq!(engine.aggregate(&Scope::main(), &request).await.unwrap().total, 0, "{query}");
    }
}

fn of_day(day: Day) -> TimeRange {
    TimeRange { from: day.start(), to: day.end() }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn file_of(folder: &Path, day: Day, extension: &str) -> PathBuf {
    let found = files(&folder.join(format!("indices/{day}")));
    found.into_iter().find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
}

fn flip(path: &Path, bit: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, bit / 8).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << (bit % 8))], bit / 8).unwrap();
}

fn look(folder: &Path) -> ScrubReport {
    scrub(&os(), folder, ScrubMode::Look).unwrap()
}

/// Two events in a part, two in the log alone.
async fn small_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    append(&engine, DAY, 0..2).await;
    engine.flush().await;
    append(&engine, DAY, 2..3).await;
    append(&engine, DAY, 3..4).await;
    drop(engine);
    folder
}

#[tokio::test]
async fn a_whole_folder_is_clean_and_counted() {
    let folder = small_folder().await;
    let report = look(folder.path());
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.part_count, report.event_count, report.unverified_part_count), (1, 2, 0));
    assert_eq!((report.log_record_count, report.log_event_count), (2, 2));
    assert!(report.unlisted.is_empty(), "{report:?}");
    let _engine = open(folder.path());
    assert!(scrub(&os(), folder.path(), ScrubMode::Look).unwrap_err().message.contains("in use"));
    assert!(scrub(&os(), &folder.path().join("nowhere"), ScrubMode::Look).is_err());
}

#[tokio::test]
async fn every_flipped_bit_of_every_file_is_found() {
    let folder = small_folder().await;
    let part = file_of(folder.path(), DAY, "parquet");
    let index = file_of(folder.path(), DAY, "index");
    let log = files(&folder.path().join("wal")).into_iter().find(|path| path.metadata().unwrap().len() > 0).unwrap();
    let all = [
        (folder.path().join("manifest"), FileKind::Manifest),
        (part, FileKind::Part),
        (index, FileKind::Index),
        (log, FileKind::Log),
    ];
    for (path, kind) in all {
        for bit in 0..path.metadata().unwrap().len() * 8 {
            flip(&path, bit);
            let report = look(folder.path());
            let damaged: Vec<_> = report.damaged.iter().map(|damaged| (damaged.kind, damaged.file.as_str())).collect();
            assert!(damaged.len() == 1 && damaged[0].0 == kind, "{} bit {bit}: {damaged:?}", path.display());
            assert!(path.ends_with(damaged[0].1), "{} bit {bit}: {damaged:?}", path.display());
            flip(&path, bit);
        }
    }
    assert!(look(folder.path()).is_clean());
}

#[tokio::test]
async fn a_damaged_part_is_named_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    append(&engine, DAY, 0..100).await;
    append(&engine, Day(DAY.0 + 1), 0..50).await;
    engine.flush().await;
    drop(engine);
    let part = file_of(folder.path(), DAY, "parquet");
    flip(&part, 800);

    let engine = open(folder.path());
    assert_eq!(count(&engine, of_day(Day(DAY.0 + 1))).await.unwrap(), 50);
    let error = count(&engine, of_day(DAY)).await.unwrap_err();
    assert!(error.message.contains("part \"2026.11.23/error-"), "{error}");
    assert!(error.message.contains("vigie scrub"), "{error}");
    assert_others_are_answered(&engine).await;
    append(&engine, DAY, 100..110).await;
    engine.flush().await;
    drop(engine);

    let report = look(folder.path());
    let [damaged] = report.damaged.as_slice() else { panic!("{report:?}") };
    assert_eq!((damaged.lost_events, damaged.day.as_deref()), (Some(100), Some("2026.11.23")));
    assert_eq!((damaged.log_type, damaged.places[0].byte), (Some(LogType::Error), 0));
    assert!(part.is_file(), "looking changes nothing");

    let report = scrub(&os(), folder.path(), ScrubMode::SetAside).unwrap();
    assert_eq!(report.set_aside.len(), 2, "{report:?}");
    assert!(!part.is_file() && report.set_aside.iter().all(|file| folder.path().join(file).is_file()));
    assert!(look(folder.path()).is_clean());
    assert_eq!(count(&open(folder.path()), TimeRange::ALL).await.unwrap(), 60);
}

#[tokio::test]
async fn a_damaged_index_costs_no_event() {
    let folder = small_folder().await;
    flip(&file_of(folder.path(), DAY, "index"), 8);
    assert_eq!(count(&open(folder.path()), TimeRange::ALL).await.unwrap(), 4);
    let report = scrub(&os(), folder.path(), ScrubMode::SetAside).unwrap();
    assert_eq!(report.damaged[0].lost_events, Some(0), "{report:?}");
    assert_eq!(report.set_aside.len(), 1, "{report:?}");
    let report = look(folder.path());
    assert!(report.is_clean() && report.unverified_part_count == 1, "{report:?}");
    assert_eq!(count(&open(folder.path()), TimeRange::ALL).await.unwrap(), 4);
}

#[tokio::test]
async fn damage_in_a_large_part_concerns_only_the_rows_that_lie_there() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    append(&engine, DAY, 0..40_000).await;
    engine.flush().await;
    drop(engine);
    let part = file_of(folder.path(), DAY, "parquet");
    let lost_at = |byte: u64| {
        flip(&part, byte * 8);
        let report = look(folder.path());
        flip(&part, byte * 8);
        report.damaged[0].lost_events.unwrap()
    };
    let length = part.metadata().unwrap().len();
    // The file ends with what says where everything lies.
    let lost: Vec<u64> = (0..length).step_by(16 * 1024).chain([length - 16]).map(lost_at).collect();
    assert!(lost.iter().any(|lost| *lost < 40_000), "{lost:?} of 40,000");
    assert!(lost.iter().all(|lost| *lost > 0) && lost.last() == Some(&40_000), "{lost:?} of 40,000");
    std::fs::remove_file(&part).unwrap();
    let report = look(folder.path());
    assert_eq!((report.damaged[0].what.as_str(), report.damaged[0].lost_events), ("it is missing", Some(40_000)));
}

#[tokio::test]
async fn damage_in_the_log_says_how_many_events_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    append(&engine, DAY, 0..3).await;
    append(&engine, DAY, 3..10).await;
    append(&engine, DAY, 10..12).await;
    drop(engine);
    let log = files(&folder.path().join("wal")).into_iter().find(|path| path.metadata().unwrap().len() > 0).unwrap();
    let first_length = u64::from(u32::from_le_bytes(std::fs::read(&log).unwrap()[..4].try_into().unwrap()));
    flip(&log, (first_length + 8 + 20) * 8);
    let report = look(folder.path());
    let [damaged] = report.damaged.as_slice() else { panic!("{report:?}") };
    assert_eq!((damaged.lost_events, damaged.places[0].byte), (Some(7), first_length + 8));
    assert_eq!(report.log_event_count, 5);
    assert_eq!(count(&open(folder.path()), TimeRange::ALL).await.unwrap(), 5);
}
