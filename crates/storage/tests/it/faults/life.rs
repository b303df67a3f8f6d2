//! A short life of a log store with everything in it, and the ledger of what it promised.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use vigie_domain::ports::{Append, Fields, Hit, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::{Query, parse};
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Day, Event, EventId, LogType, Result, Scope, TimeRange, Timestamp, Value};
use vigie_storage::care::{self, BackupPlan, LifecyclePolicy, ScrubMode, back_up, restore, scrub};
use vigie_storage::files::SharedFiles;
use vigie_storage::{EngineOptions, FatalHandler, LogEngine};

use super::disk::Disk;

/// 2026-11-23.
const DAY: Day = Day(20_780);
/// The day after, which is held.
const HELD_DAY: Day = Day(20_781);
const LOGS: &str = "/data/logs";
const BACKUPS: &str = "/backups";
/// Every number that the script sends lies below.
pub const SENT_MAX: i64 = 1_000;

/// What the store answered, in order.
#[derive(Clone, Debug)]
pub enum Promise {
    /// These events are stored.
    Stored(Range<i64>),
    /// From now on the index may be deleted for its age.
    MayGo(Day),
    /// From now on these may be gone.
    MayBeDeleted(Range<i64>),
    /// These are gone.
    Deleted(Range<i64>),
    /// A backup of everything promised before.
    BackedUp { number: u64, event_count: u64 },
}

/// What a batch is known by when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// By nothing: sent again, it is stored again.
    No,
    /// By the ids of its events.
    ById,
    /// By a key.
    ByKey,
}

/// Batches in the order in which the script sends them: numbers and what they are known by.
const BATCHES: [(Range<i64>, Known); 9] = [
    (0..5, Known::ByKey),
    (5..11, Known::ById),
    (11..15, Known::No),
    (15..20, Known::ById),
    (20..24, Known::ByKey),
    (24..29, Known::ById),
    (29..33, Known::No),
    (33..38, Known::ById),
    (38..42, Known::ByKey),
];

fn known_by(number: i64) -> Known {
    BATCHES.iter().find(|(numbers, _)| numbers.contains(&number)).map_or(Known::No, |(_, known)| *known)
}

/// The event of that number, always the same: of two days and log types, with values that no column holds as well.
pub fn event(number: i64) -> Event {
    let batch = BATCHES.iter().position(|(numbers, _)| numbers.contains(&number)).unwrap_or_default();
    let is_of_held_day = batch % 3 == 1 || batch > 6;
    let day = if is_of_held_day { HELD_DAY } else { DAY };
    let odd = if number % 5 == 0 { Value::text(format!("order {number}")) } else { Value::Int(number * 1_000_003) };
    Event {
        id: (known_by(number) == Known::ById).then(|| EventId(format!("id-{number}"))),
        timestamp: day.start().saturating_add_nanos(number * 1_000_000),
        ingested_at: HELD_DAY.end(),
        log_type: if number % 4 == 0 { LogType::Error } else { LogType::Transaction },
        body: vec![
            ("n".into(), Value::Int(number)),
            ("message".into(), Value::text(format!("payment {number} refused"))),
            ("odd".into(), odd),
        ],
    }
}

fn batch(number: usize) -> Append {
    let (numbers, known) = &BATCHES[number];
    let key = (*known == Known::ByKey).then(|| format!("upload/{number}"));
    Append { key, events: numbers.clone().map(event).collect() }
}

/// What time it is for a store.
type Clock = Arc<AtomicI64>;

fn options(disk: &Disk, clock: &Clock) -> EngineOptions {
    let clock = clock.clone();
    EngineOptions {
        files: Arc::new(disk.clone()),
        free_bytes_min: 0,
        merge_fan_in: 2,
        gather_after: Some(Duration::from_secs(600)),
        // Small, so that the log goes on in another segment now and then, as it does in a long life.
        segment_bytes_max: 600,
        lifecycle: LifecyclePolicy { recompress_after_days: Some(7), delete_after_days: Some(90) },
        clock: Arc::new(move || Timestamp::from_nanos(clock.load(Ordering::Relaxed))),
        ..EngineOptions::new(LOGS)
    }
}

/// Opens the store on the disk; nothing ages.
pub fn open(disk: &Disk) -> Result<LogEngine> {
    LogEngine::open(EngineOptions { lifecycle: LifecyclePolicy::default(), ..options(disk, &Clock::default()) })
}

/// A life that goes on as well as it can, whatever fails.
pub struct Life {
    disk: Disk,
    clock: Clock,
    engine: Option<LogEngine>,
    has_failed: Arc<AtomicBool>,
    story: Story,
}

/// What happened in a life.
#[derive(Default)]
pub struct Story {
    /// What was promised.
    pub promises: Vec<Promise>,
    /// Answers that were not right. An error is no answer.
    pub wrong: Vec<String>,
    /// How often the store stopped because its log could not be synced.
    pub stops: usize,
}

impl Life {
    /// Lives on the disk from beginning to end.
    pub async fn live(disk: &Disk) -> Story {
        let clock = Clock::new(AtomicI64::new(HELD_DAY.end().as_nanos()));
        let mut life =
            Self { disk: disk.clone(), clock, engine: None, has_failed: Arc::default(), story: Story::default() };
        life.open();
        life.append(0).await;
        life.append(1).await;
        life.settle().await;
        life.append(2).await;
        life.settle().await;
        life.append(3).await;
        life.append(1).await;
        life.look().await;
        life.back_up().await;
        life.append(4).await;
        // Some of two batches, of which one has ids.
        life.delete(13..18).await;
        life.look().await;
        life.restart();
        life.append(5).await;
        life.look().await;
        life.pass(8).await;
        life.append(6).await;
        if care::hold(&life.files(), Path::new(LOGS), HELD_DAY).is_err() {
            life.promise(Promise::MayGo(HELD_DAY));
        }
        life.settle().await;
        life.promise(Promise::MayGo(DAY));
        life.pass(91).await;
        life.append(7).await;
        life.back_up().await;
        life.restart();
        life.append(8).await;
        life.look().await;
        life.engine = None;
        life.story
    }

    fn files(&self) -> SharedFiles {
        Arc::new(self.disk.clone())
    }

    fn promise(&mut self, promise: Promise) {
        self.story.promises.push(promise);
        self.disk.note(self.story.promises.len());
    }

    fn open(&mut self) {
        // A start that fails is tried again, as whoever runs the store would.
        let has_failed = self.has_failed.clone();
        let on_fatal: FatalHandler = Arc::new(move |_| has_failed.store(true, Ordering::Relaxed));
        let options = || EngineOptions { on_fatal: on_fatal.clone(), ..options(&self.disk, &self.clock) };
        self.engine = (0..3).find_map(|_| LogEngine::open(options()).ok());
    }

    fn restart(&mut self) {
        self.engine = None;
        self.open();
    }

    /// Sends a batch. One that is known when it comes again is sent again after a failure, as a careful sender does.
    async fn append(&mut self, number: usize) {
        let (numbers, known) = BATCHES[number].clone();
        for _ in 0..3 {
            let Some(engine) = &self.engine else { return };
            let is_stored = engine.append(&Scope::main(), batch(number)).await.is_ok();
            self.restart_if_failed();
            if is_stored {
                return self.promise(Promise::Stored(numbers));
            }
            if known == Known::No {
                return;
            }
        }
    }

    /// Deletes these, and again after a failure.
    async fn delete(&mut self, numbers: Range<i64>) {
        self.promise(Promise::MayBeDeleted(numbers.clone()));
        let query = parse(&format!("n:>={} n:<{}", numbers.start, numbers.end)).unwrap();
        let selection = Selection { query, range: TimeRange::ALL };
        for _ in 0..3 {
            let Some(engine) = &self.engine else { return };
            let is_done = engine.delete(&Scope::main(), &selection).await.is_ok();
            self.restart_if_failed();
            if is_done {
                return self.promise(Promise::Deleted(numbers));
            }
        }
    }

    /// The process ends when its log cannot be synced, and whoever runs it starts it again.
    fn restart_if_failed(&mut self) {
        if self.has_failed.swap(false, Ordering::Relaxed) {
            self.story.stops += 1;
            self.restart();
        }
    }

    /// Until new events are in parts and what follows from that is done.
    async fn settle(&self) {
        for _ in 0..3 {
            if let Some(engine) = &self.engine {
                engine.flush().await;
            }
        }
    }

    /// What is answered now is right.
    async fn look(&mut self) {
        let Some(engine) = &self.engine else { return };
        let Ok(hits) = hits(engine).await else { return };
        let wrong = checked(&hits).and_then(|found| compare(&self.story.promises, &found)).err();
        self.story.wrong.extend(wrong);
    }

    async fn pass(&self, days: i64) {
        self.clock.fetch_add(days * NANOS_PER_DAY, Ordering::Relaxed);
        for _ in 0..2 {
            self.settle().await;
        }
    }

    async fn back_up(&mut self) {
        let Some(engine) = &self.engine else { return };
        let Ok(logs) = engine.snapshot().await else { return };
        let plan = BackupPlan {
            logs: &logs,
            logs_path: "logs",
            others: &[],
            target: Path::new(BACKUPS),
            taken_at: Timestamp::default(),
        };
        if let Ok(report) = back_up(&plan) {
            self.promise(Promise::BackedUp { number: report.number, event_count: report.event_count });
        }
    }
}

/// Numbers that must be there.
pub fn owed(promises: &[Promise]) -> BTreeSet<i64> {
    let may_go = |number: &i64| {
        let day = event(*number).timestamp.day();
        promises.iter().any(|promise| matches!(promise, Promise::MayGo(gone) if *gone == day))
    };
    let mut owed = BTreeSet::new();
    for promise in promises {
        match promise {
            Promise::Stored(numbers) => owed.extend(numbers.clone()),
            Promise::MayBeDeleted(numbers) => owed.retain(|number| !numbers.contains(number)),
            Promise::MayGo(_) | Promise::Deleted(_) | Promise::BackedUp { .. } => {}
        }
    }
    owed.retain(|number| !may_go(number));
    owed
}

/// Numbers that must not be there.
fn deleted(promises: &[Promise]) -> BTreeSet<i64> {
    let mut deleted = BTreeSet::new();
    for promise in promises {
        match promise {
            Promise::Deleted(numbers) => deleted.extend(numbers.clone()),
            Promise::Stored(numbers) => deleted.retain(|number| !numbers.contains(number)),
            Promise::MayGo(_) | Promise::MayBeDeleted(_) | Promise::BackedUp { .. } => {}
        }
    }
    deleted
}

/// What is stored is what was promised.
fn compare(promises: &[Promise], stored: &BTreeSet<i64>) -> std::result::Result<(), String> {
    let lost: Vec<_> = owed(promises).difference(stored).copied().collect();
    let left: Vec<_> = deleted(promises).intersection(stored).copied().collect();
    match (lost.as_slice(), left.as_slice()) {
        ([], []) => Ok(()),
        ([], left) => Err(format!("{left:?} were deleted and are there")),
        (lost, _) => Err(format!("lost {lost:?}")),
    }
}

/// Everything that is stored.
pub async fn hits(engine: &LogEngine) -> Result<Vec<Hit>> {
    let request = SearchRequest {
        selection: Selection { query: Query::All, range: TimeRange::ALL },
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: 10_000,
        count_total: true,
        fields: Fields::All,
    };
    Ok(engine.search(&Scope::main(), &request).await?.hits)
}

/// The numbers of what is stored; each event is as it was sent, and there once.
pub async fn checked_numbers(engine: &LogEngine) -> std::result::Result<BTreeSet<i64>, String> {
    checked(&hits(engine).await.map_err(|error| format!("cannot be searched: {error}"))?)
}

fn checked(hits: &[Hit]) -> std::result::Result<BTreeSet<i64>, String> {
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    for hit in hits {
        let number = match hit.source.iter().find(|(name, _)| name == "n") {
            Some((_, Value::Int(number))) if (0..SENT_MAX).contains(number) => *number,
            other => return Err(format!("an event that nobody sent: {other:?}")),
        };
        *found.entry(number).or_default() += 1;
        if hit.source != event(number).body {
            return Err(format!("event {number} has come to be {:?}", hit.source));
        }
    }
    match found.iter().find(|(_, count)| **count > 1) {
        Some((number, count)) => Err(format!("event {number} is stored {count} times")),
        None => Ok(found.into_keys().collect()),
    }
}

/// Opens what is on the disk, now healthy, and compares it with what was promised. Answers the store.
pub async fn check(disk: &Disk, promises: &[Promise]) -> std::result::Result<LogEngine, String> {
    let engine = open(disk).map_err(|error| format!("does not open: {error}"))?;
    compare(promises, &checked_numbers(&engine).await?)?;
    Ok(engine)
}

/// Sends again what was not promised and is known when it is sent again, and answers all promises.
pub async fn send_rest(engine: &LogEngine, promises: &[Promise]) -> std::result::Result<Vec<Promise>, String> {
    let mut promises = promises.to_vec();
    let promised = owed(&promises);
    for (number, (numbers, known)) in BATCHES.iter().enumerate() {
        // Of a deleted index nothing is remembered, so its events may be sent as new ones.
        let is_owed = numbers.clone().all(|number| promised.contains(&number));
        let may_go = promises.iter().any(|promise| matches!(promise, Promise::MayGo(_)));
        if *known == Known::No || is_owed || may_go {
            continue;
        }
        engine.append(&Scope::main(), batch(number)).await.map_err(|error| format!("refuses events: {error}"))?;
        promises.push(Promise::Stored(numbers.clone()));
    }
    Ok(promises)
}

/// Every byte of the store matches its checksum; nobody uses it meanwhile.
pub fn check_bytes(disk: &Disk) -> std::result::Result<(), String> {
    let files: SharedFiles = Arc::new(disk.clone());
    let report = scrub(&files, Path::new(LOGS), ScrubMode::Look).map_err(|error| error.to_string())?;
    if report.is_clean() { Ok(()) } else { Err(format!("damaged: {report:?}")) }
}

/// The latest finished backup can be restored and holds what it said.
pub async fn check_backup(disk: &Disk, promises: &[Promise]) -> std::result::Result<(), String> {
    let latest = promises.iter().enumerate().rev().find_map(|(place, promise)| match promise {
        Promise::BackedUp { number, event_count } => Some((place, *number, *event_count)),
        _ => None,
    });
    let Some((place, number, event_count)) = latest else { return Ok(()) };
    let (files, data) = (Arc::new(disk.clone()) as SharedFiles, Path::new("/restored"));
    restore(&files, Path::new(BACKUPS), Some(number), data).map_err(|error| error.to_string())?;
    let options = EngineOptions { files, free_bytes_min: 0, ..EngineOptions::new(data.join("logs")) };
    let engine = LogEngine::open(options).map_err(|error| format!("the backup does not open: {error}"))?;
    let stored = checked_numbers(&engine).await?;
    if stored.len() as u64 != event_count {
        return Err(format!("the backup holds {} events, it said {event_count}", stored.len()));
    }
    let lost: Vec<_> = owed(&promises[..place]).difference(&stored).copied().collect();
    if lost.is_empty() { Ok(()) } else { Err(format!("the backup lost {lost:?}")) }
}
