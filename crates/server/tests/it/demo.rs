//! The demo: an empty store is filled once, exactly, also across an interruption.

use vigie_domain::ports::{AggregateRequest, Selection};
use vigie_domain::query::Query;
use vigie_domain::{Scope, TimeRange};
use vigie_server::config::DemoSettings;
use vigie_server::demo::{DemoPorts, fill};

use crate::app::TestApp;

const SETTINGS: DemoSettings = DemoSettings { events: 4_500, hours: 24, rate_per_s: 1, seed: 7 };

/// Events of the shop: what is said of its payments is not its own.
async fn count(app: &TestApp) -> u64 {
    let query = Query::Not(Box::new(Query::equals("service", "vigie")));
    let selection = Selection { query, range: TimeRange::ALL };
    let request = AggregateRequest { selection, aggregations: Vec::new() };
    app.ports.logs.aggregate(&Scope::main(), &request).await.unwrap().total
}

#[tokio::test]
async fn an_empty_store_is_filled_once() {
    let app = TestApp::new();
    let ports = DemoPorts::of(&app.state, &app.ports);
    assert!(fill(&SETTINGS, &ports).await.unwrap().is_some());
    assert_eq!(count(&app).await, 4_500);
    assert!(fill(&SETTINGS, &ports).await.unwrap().is_none());
    assert_eq!(count(&app).await, 4_500);
    let metrics = app.state.metrics.encode().unwrap();
    assert!(metrics.contains("vigie_events_accepted_total 4500"), "{metrics}");
    assert!(metrics.contains("vigie_events_rejected_total 0"), "{metrics}");
}

#[tokio::test]
async fn an_interrupted_fill_goes_on_without_doubles() {
    let app = TestApp::new();
    let ports = DemoPorts::of(&app.state, &app.ports);
    assert!(fill(&SETTINGS, &ports).await.unwrap().is_some());
    let state = app.ports.metadata.get("demo", "fill").await.unwrap().unwrap();
    let mut interrupted = state.body.clone();
    interrupted["is_done"] = false.into();
    app.ports.metadata.replace("demo", "fill", state.revision, interrupted).await.unwrap();
    assert!(fill(&SETTINGS, &ports).await.unwrap().is_some());
    assert_eq!(count(&app).await, 4_500);
}

#[tokio::test]
async fn a_store_with_events_is_left_alone() {
    let app = TestApp::new();
    let scope = Scope::main();
    app.state.ingest.accept(&scope, "an event of somebody\n".into(), &Default::default()).await.unwrap();
    assert!(fill(&SETTINGS, &DemoPorts::of(&app.state, &app.ports)).await.unwrap().is_none());
    assert_eq!(count(&app).await, 1);
}
