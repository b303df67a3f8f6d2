//! Pipelines over HTTP: who may try one, what it answers, and what it does to events that are sent.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;
use vigie_app::accounts::Role;

use crate::app::{Answer, TestApp, request};

const PIPELINE: &str = "version = 1\n[[stage]]\ntype = 'kv'\n[[stage]]\ntype = 'drop'\nwhen = 'level:debug'\n";

async fn list(app: &TestApp, authorization: &str) -> Answer {
    app.send(request(Method::GET, "/api/pipelines", &[("authorization", authorization)], Body::empty())).await
}

#[tokio::test]
async fn an_analyst_tries_a_pipeline_and_a_viewer_does_not() {
    let app = TestApp::new();
    let bearer = async |role| format!("Bearer {}", app.token(role).await);
    let (viewer, analyst) = (bearer(Role::Viewer).await, bearer(Role::Analyst).await);
    let asked = json!({"pipeline": PIPELINE, "lines": "a=1 level=info\na=2 level=debug\n"});
    app.post("/api/pipelines/test", &asked).await.assert_problem(401);
    app.post_with("/api/pipelines/test", &asked, &[("authorization", &viewer)]).await.assert_problem(403);
    list(&app, &viewer).await.assert_problem(403);

    let headers = [("authorization", analyst.as_str())];
    let answer = app.post_with("/api/pipelines/test", &asked, &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let records = answer.json()["records"].clone();
    assert_eq!(records.as_array().map(Vec::len), Some(2), "{records}");
    assert_eq!((&records[0]["line"], &records[1]["events"]), (&json!(1), &json!([])), "{records}");
    assert_eq!((&records[1]["steps"][1]["type"], &records[1]["steps"][1]["did"]), (&json!("drop"), &json!("dropped")));

    let wrong = json!({"pipeline": "version = 1\n[[stage]]\ntype = 'kv'\nfeild = 'x'", "lines": ""});
    let answer = app.post_with("/api/pipelines/test", &wrong, &headers).await;
    answer.assert_problem(422);
    assert!(answer.text().contains("feild"), "{}", answer.text());
    let answer = list(&app, &analyst).await;
    assert_eq!(answer.json()["pipelines"][0]["stage_count"], json!(0), "{}", answer.text());
}

#[tokio::test]
async fn a_file_in_the_folder_changes_what_is_sent() {
    let app = TestApp::new();
    let folder = app.folder().join("data/pipelines");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("default.toml"), PIPELINE).unwrap();
    assert!(app.state.pipelines.refresh((app.state.clock)()).is_empty());
    let bearer = format!("Bearer {}", app.token(Role::Analyst).await);
    let headers = [("authorization", bearer.as_str())];
    let answer = app.post_with("/api/logs/ingest", &json!({"message": "x=1", "level": "debug"}), &headers).await;
    assert_eq!((answer.status, &answer.json()["dropped"]), (200, &json!(1)), "{}", answer.text());
    let sent = json!({"message": "colour=red", "client_ip": "78.46.0.1"});
    assert_eq!(app.post_with("/api/logs/ingest", &sent, &headers).await.status, 200);
    let asked = json!({"query": "colour:red AND geo.country:DE"});
    let answer = app.post_with("/api/logs/search", &asked, &headers).await;
    assert_eq!(answer.json()["total"], json!(1), "{}", answer.text());
}
