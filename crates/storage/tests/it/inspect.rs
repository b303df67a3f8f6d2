//! What parts hold, and what a query reads of them.

use std::path::Path;

use vigie_domain::ports::{Append, LogStore};
use vigie_domain::query::{Query, parse};
use vigie_domain::{Event, LogType, Scope, Text, TimeRange, Timestamp, Value};
use vigie_storage::care::{Inspection, PartPlan, PartView, inspect};
use vigie_storage::files::os;
use vigie_storage::{EngineOptions, LogEngine};

/// 2026-11-23T00:00:00Z.
const DAY_S: i64 = 1_795_392_000;

/// One part of three pages; one event of the second says "gateway".
async fn three_pages(folder: &Path) {
    store(folder, &|number| {
        let message = if number == 10_000 { "gateway".to_owned() } else { format!("order {number}") };
        ("message".into(), Value::text(message))
    })
    .await;
}

/// One part of 20,000 events with one field each.
async fn store(folder: &Path, field: &dyn Fn(i64) -> (Text, Value)) {
    let event = |number: i64| Event {
        id: None,
        timestamp: Timestamp::from_seconds(DAY_S + number),
        ingested_at: Timestamp::from_seconds(DAY_S),
        log_type: LogType::Error,
        body: vec![field(number)],
    };
    let options = EngineOptions { free_bytes_min: 0, ..EngineOptions::new(folder) };
    let engine = LogEngine::open(options).unwrap();
    engine.append(&Scope::main(), Append { key: None, events: (0..20_000).map(event).collect() }).await.unwrap();
    engine.flush().await;
}

fn look(folder: &Path, part: Option<&str>, query: Option<&Query>, range: TimeRange) -> PartView {
    let [view] = inspect(&os(), folder, &Inspection { part, query, range }).unwrap().try_into().unwrap();
    view
}

#[tokio::test]
async fn parts_and_their_columns_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    three_pages(folder.path()).await;
    let view = look(folder.path(), None, None, TimeRange::ALL);
    assert_eq!((view.event_count, view.day.as_str(), view.log_type), (20_000, "2026.11.23", LogType::Error));
    assert!(view.columns.is_empty() && view.plan.is_none());
    let view = look(folder.path(), Some(&view.part), None, TimeRange::ALL);
    let column = |name: &str| view.columns.iter().find(|column| column.name == name).unwrap();
    assert!(column("message").filter_bytes > 10_000, "{view:?}");
    assert!(column("message").false_positive_share.is_some_and(|share| share > 0.0 && share < 0.05), "{view:?}");
    assert_eq!((column("@timestamp").filter_bytes, column("@timestamp").false_positive_share), (0, None));
    let sum: u64 = view.columns.iter().map(|column| column.size_bytes).sum();
    assert!(sum < view.size_bytes && sum * 2 > view.size_bytes, "{sum} of {}", view.size_bytes);
    let nowhere = Inspection { part: Some("nowhere"), query: None, range: TimeRange::ALL };
    assert!(inspect(&os(), folder.path(), &nowhere).unwrap_err().message.contains("no part"));
}

#[tokio::test]
async fn a_query_is_explained_by_time_and_by_clause() {
    let folder = tempfile::tempdir().unwrap();
    three_pages(folder.path()).await;
    let plan =
        |text: &str, range| -> PartPlan { look(folder.path(), None, Some(&parse(text).unwrap()), range).plan.unwrap() };
    let found = plan("message:gateway AND level:*", TimeRange::ALL);
    assert_eq!((found.page_count, found.pages_in_time, found.pages_read), (3, 3, 0));
    let clauses: Vec<_> = found.clauses.iter().map(|clause| (clause.clause.as_str(), clause.pages)).collect();
    assert_eq!(clauses, [("message:gateway", 1), ("level:*", 0)]);
    let end = Timestamp::from_seconds(DAY_S + 8_192);
    let found = plan("gateway", TimeRange { from: Timestamp::MIN, to: end });
    assert_eq!((found.pages_in_time, found.clauses[0].pages, found.pages_read), (1, 1, 0));
    let found = plan("", TimeRange::ALL);
    assert_eq!((found.pages_read, found.clauses.len()), (3, 0));
}

#[tokio::test]
async fn words_in_lists_leave_out_pages() {
    let (of_many, of_few) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tags = |number: i64, usual: String| {
        let odd = match number {
            3 => Value::Int(7),
            10_000 => Value::text("Vip customer"),
            _ => Value::text(usual),
        };
        ("tags".into(), Value::List(vec![odd, Value::text("shop")]))
    };
    store(of_many.path(), &|number| tags(number, format!("order{number}"))).await;
    store(of_few.path(), &|number| tags(number, "usual".to_owned())).await;
    let pages_read = |folder: &Path, text: &str| {
        look(folder, None, Some(&parse(text).unwrap()), TimeRange::ALL).plan.unwrap().pages_read
    };
    for (text, expected) in [
        ("vip", 1),
        ("\"vip customer\"", 1),
        // Numbers pass too, and lie in the first page.
        ("tags:\"Vip customer\"", 2),
        ("tags:7", 1),
        ("shop", 3),
        ("tags:v*", 3),
        ("NOT tags:shop", 3),
    ] {
        assert_eq!(pages_read(of_many.path(), text), expected, "{text}");
    }
    // Few values are a dictionary, and that has one filter for all pages.
    assert_eq!(["vip", "nowhere"].map(|text| pages_read(of_few.path(), text)), [3, 0]);
}
