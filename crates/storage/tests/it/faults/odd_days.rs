//! Events of odd days, and a clock that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use vigie_domain::ports::{Append, LogStore};
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Event, LogType, Scope, Timestamp, Value};
use vigie_storage::care::LifecyclePolicy;
use vigie_storage::{EngineOptions, LogEngine};

use super::disk::Disk;
use super::life::check_bytes;

const HOUR_NANOS: i64 = NANOS_PER_DAY / 24;
/// 2026-11-23.
const TODAY_NANOS: i64 = 20_780 * NANOS_PER_DAY;

#[tokio::test]
async fn the_first_and_the_last_instant_are_kept_and_age_by_their_arrival() {
    let disk = Disk::new();
    let now = Arc::new(AtomicI64::new(TODAY_NANOS));
    let clock = now.clone();
    let options = EngineOptions {
        files: Arc::new(disk.clone()),
        free_bytes_min: 0,
        lifecycle: LifecyclePolicy { recompress_after_days: None, delete_after_days: Some(90) },
        clock: Arc::new(move || Timestamp::from_nanos(clock.load(Ordering::Relaxed))),
        ..EngineOptions::new("/data/logs")
    };
    let engine = LogEngine::open(options).unwrap();
    let instants = [Timestamp::MIN, Timestamp::from_nanos(0), Timestamp::from_nanos(TODAY_NANOS), Timestamp::MAX];
    let event = |timestamp: Timestamp| Event {
        id: None,
        timestamp,
        ingested_at: Timestamp::from_nanos(TODAY_NANOS),
        log_type: LogType::Other,
        body: vec![("message".into(), Value::text("an odd day"))],
    };
    engine
        .append(&Scope::main(), Append { key: None, events: instants.map(event).into_iter().collect() })
        .await
        .unwrap();
    let settled_days = async || {
        for _ in 0..8 {
            engine.flush().await;
        }
        engine.indices(&Scope::main()).await.unwrap().len()
    };
    assert_eq!(settled_days().await, 4);
    // The clock an hour ahead and an hour behind: nothing is older than it was.
    for hours in [1, -1] {
        now.store(TODAY_NANOS + hours * HOUR_NANOS, Ordering::Relaxed);
        assert_eq!(settled_days().await, 4);
    }
    // 90 days later all that arrived today is gone but today itself, which ended later, and the day to come.
    now.store(TODAY_NANOS + 90 * NANOS_PER_DAY, Ordering::Relaxed);
    assert_eq!(settled_days().await, 2);
    now.store(TODAY_NANOS + 91 * NANOS_PER_DAY, Ordering::Relaxed);
    assert_eq!(settled_days().await, 1);
    drop(engine);
    check_bytes(&disk).unwrap();
}
