//! Indices age by a clock that tests move by hand.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use vigie_domain::ports::{Append, Fields, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::{Day, ErrorKind, Event, LogType, Scope, TimeRange, Timestamp, Value};
use vigie_storage::care::{self, LifecyclePolicy, ScrubMode, scrub};
use vigie_storage::files::os;
use vigie_storage::{EngineOptions, LogEngine};

/// 2026-11-23.
const DAY: Day = Day(20_780);
const POLICY: LifecyclePolicy = LifecyclePolicy { recompress_after_days: Some(7), delete_after_days: Some(90) };

const GATHER_AFTER: Duration = Duration::from_secs(600);

/// An engine and its clock.
struct Aging {
    engine: LogEngine,
    now: Arc<AtomicI64>,
}

impl Aging {
    /// Opened on the day after the events' own.
    fn open(folder: &Path) -> Self {
        Self::gathering(folder, None)
    }

    fn gathering(folder: &Path, gather_after: Option<Duration>) -> Self {
        let now = Arc::new(AtomicI64::new(DAY.end().as_nanos()));
        let clock = now.clone();
        let options = EngineOptions {
            free_bytes_min: 0,
            lifecycle: POLICY,
            gather_after,
            clock: Arc::new(move || Timestamp::from_nanos(clock.load(Ordering::Relaxed))),
            ..EngineOptions::new(folder)
        };
        Self { engine: LogEngine::open(options).unwrap(), now }
    }

    /// Events of this day that arrive now, as a part.
    async fn append(&self, day: Day, numbers: std::ops::Range<i64>) {
        let now = Timestamp::from_nanos(self.now.load(Ordering::Relaxed));
        let event = |number: i64| Event {
            id: None,
            timestamp: day.start().saturating_add_nanos(number),
            ingested_at: now,
            log_type: if number % 2 == 0 { LogType::Error } else { LogType::Transaction },
            body: vec![("n".into(), Value::Int(number)), ("message".into(), Value::text("payment refused"))],
        };
        let append = Append { key: None, events: numbers.map(event).collect() };
        self.engine.append(&Scope::main(), append).await.unwrap();
        self.engine.flush().await;
    }

    /// So many days pass; then everything that is due is done.
    async fn pass(&self, days: i64) {
        self.pass_time(Duration::from_secs(days as u64 * 86_400)).await;
    }

    async fn pass_time(&self, time: Duration) {
        self.now.fetch_add(time.as_nanos() as i64, Ordering::Relaxed);
        for _ in 0..8 {
            self.engine.flush().await;
        }
    }

    async fn count(&self) -> u64 {
        let request = SearchRequest {
            selection: Selection { query: Query::All, range: TimeRange::ALL },
            order: SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: 1,
            count_total: true,
            fields: Fields::All,
        };
        self.engine.search(&Scope::main(), &request).await.unwrap().total.unwrap()
    }
}

fn part_count(folder: &Path, day: Day) -> usize {
    let found = care::explain(&os(), folder, None, &POLICY).unwrap();
    found.iter().find(|index| index.index == day.index_name()).map_or(0, |index| index.part_count)
}

#[tokio::test]
async fn an_index_is_rewritten_after_a_week_and_deleted_after_ninety_days() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::open(folder.path());
    for round in 0..3 {
        aging.append(DAY, round * 10..(round + 1) * 10).await;
    }
    aging.pass(6).await;
    assert_eq!(part_count(folder.path(), DAY), 6);
    aging.pass(1).await;
    assert_eq!((part_count(folder.path(), DAY), aging.count().await), (2, 30), "one part per log type");
    aging.pass(82).await;
    assert_eq!(aging.count().await, 30);
    aging.pass(1).await;
    assert_eq!((part_count(folder.path(), DAY), aging.count().await), (0, 0));
    drop(aging);
    let report = scrub(&os(), folder.path(), ScrubMode::Look).unwrap();
    assert!(report.is_clean() && report.unlisted.is_empty() && report.part_count == 0, "{report:?}");
    assert_eq!(Aging::open(folder.path()).count().await, 0);
}

#[tokio::test]
async fn an_import_of_old_logs_is_not_deleted_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::open(folder.path());
    let old = Day(DAY.0 - 400);
    aging.append(old, 0..10).await;
    aging.pass(89).await;
    assert_eq!(aging.count().await, 10);
    drop(aging);
    // When it came to be is known after a restart as well.
    let aging = Aging::open(folder.path());
    aging.pass(89).await;
    assert_eq!(aging.count().await, 10);
    aging.pass(1).await;
    assert_eq!(aging.count().await, 0);
}

#[tokio::test]
async fn a_held_index_is_rewritten_but_not_deleted_until_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::open(folder.path());
    aging.append(DAY, 0..10).await;
    aging.append(DAY, 10..20).await;
    assert!(care::hold(&os(), folder.path(), Day(1)).unwrap_err().message.contains("no index"));
    care::hold(&os(), folder.path(), DAY).unwrap();
    care::hold(&os(), folder.path(), DAY).unwrap();
    aging.pass(1_000).await;
    assert_eq!((part_count(folder.path(), DAY), aging.count().await), (2, 20));
    assert_eq!(care::held_days(&*os(), folder.path()).unwrap().len(), 1);
    care::release(&os(), folder.path(), DAY).unwrap();
    assert!(care::release(&os(), folder.path(), DAY).unwrap_err().message.contains("not held"));
    aging.pass(0).await;
    assert_eq!(aging.count().await, 0);
}

#[tokio::test]
async fn nothing_of_a_held_index_is_deleted_by_a_query_either() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::open(folder.path());
    let other = Day(DAY.0 - 1);
    aging.append(DAY, 0..10).await;
    aging.append(other, 0..10).await;
    care::hold(&os(), folder.path(), DAY).unwrap();
    let delete =
        async |range: TimeRange| aging.engine.delete(&Scope::main(), &Selection { query: Query::All, range }).await;
    let error = delete(TimeRange::ALL).await.unwrap_err();
    assert!(error.kind == ErrorKind::Conflict && error.message.contains(&DAY.index_name()), "{error}");
    assert_eq!(aging.count().await, 20, "nor is anything of the others");
    assert_eq!(delete(TimeRange { from: other.start(), to: other.end() }).await.unwrap(), 10);
    care::release(&os(), folder.path(), DAY).unwrap();
    assert_eq!(delete(TimeRange::ALL).await.unwrap(), 10);
    assert_eq!(aging.count().await, 0);
}

#[tokio::test]
async fn late_events_wait_a_day_before_their_index_is_rewritten_again() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::open(folder.path());
    aging.append(DAY, 0..10).await;
    aging.pass(8).await;
    aging.append(DAY, 10..20).await;
    aging.pass(0).await;
    assert_eq!(part_count(folder.path(), DAY), 4);
    aging.pass(1).await;
    assert_eq!((part_count(folder.path(), DAY), aging.count().await), (2, 20));
}

#[tokio::test]
async fn what_comes_next_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::open(folder.path());
    aging.append(DAY, 0..10).await;
    let [index] = care::explain(&os(), folder.path(), Some(DAY), &POLICY).unwrap().try_into().unwrap();
    assert_eq!((index.event_count, index.is_held, index.age_from.as_str()), (10, false, "2026-11-24T00:00:00.000Z"));
    let steps: Vec<_> = index.steps.iter().map(|step| (step.due_at.as_str(), step.what.as_str())).collect();
    assert_eq!(
        steps,
        [
            ("2026-12-01T00:00:00.000Z", "transaction rewritten to one small part"),
            ("2026-12-01T00:00:00.000Z", "error rewritten to one small part"),
            ("2027-02-22T00:00:00.000Z", "deleted"),
        ]
    );
    assert!(index.steps[2].why.contains("90 days"), "{index:?}");
    care::hold(&os(), folder.path(), DAY).unwrap();
    let [index] = care::explain(&os(), folder.path(), Some(DAY), &POLICY).unwrap().try_into().unwrap();
    assert!(index.is_held && index.steps.len() == 2, "{index:?}");
    assert!(care::explain(&os(), folder.path(), Some(Day(1)), &POLICY).is_err());
}

#[tokio::test]
async fn the_parts_of_an_index_become_one_once_no_event_came_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let aging = Aging::gathering(folder.path(), Some(GATHER_AFTER));
    for round in 0..3 {
        aging.append(DAY, round * 10..(round + 1) * 10).await;
    }
    aging.append(Day(DAY.0 - 1), 0..10).await;
    aging.pass_time(GATHER_AFTER - Duration::from_secs(1)).await;
    assert_eq!(part_count(folder.path(), DAY), 6);
    // One that came just now keeps those of its type apart.
    aging.append(DAY, 30..31).await;
    aging.pass_time(Duration::from_secs(1)).await;
    assert_eq!(part_count(folder.path(), DAY), 5);
    aging.pass_time(GATHER_AFTER).await;
    assert_eq!((part_count(folder.path(), DAY), aging.count().await), (2, 41), "one part per log type");
    // One late event is not worth writing sixteen others again, two are.
    aging.append(DAY, 31..32).await;
    aging.append(DAY, 32..33).await;
    aging.pass_time(GATHER_AFTER).await;
    assert_eq!(part_count(folder.path(), DAY), 4);
    aging.append(DAY, 34..35).await;
    aging.pass_time(GATHER_AFTER).await;
    assert_eq!((part_count(folder.path(), DAY), aging.count().await), (3, 44));
    drop(aging);
    let report = scrub(&os(), folder.path(), ScrubMode::Look).unwrap();
    assert!(report.is_clean() && report.unlisted.is_empty(), "{report:?}");
}
