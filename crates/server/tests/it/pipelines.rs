//! Inputs and dead letters over HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;
use vigie_app::ingest::Frames;
use vigie_domain::Scope;

use crate::app::{Answer, TestApp, request};

async fn ask(app: &TestApp, bearer: &str, method: Method, path: &str, body: &Json) -> Answer {
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    app.send(request(method, path, &headers, Body::from(body.to_string()))).await
}

/// A server that holds two dead letters: one that is too old, one that is no text.
async fn app_with_letters() -> (TestApp, String) {
    let app = TestApp::new();
    let bearer = format!("Bearer {}", app.token(Role::Admin).await);
    let frames = Frames {
        input: "tcp",
        sender: Some([192, 0, 2, 1].into()),
        key: "test/1".to_owned(),
        size_bytes: 100,
        fill: Arc::new(|assembler| {
            assembler.push_line(br#"{"@timestamp":"2001-01-01T00:00:00Z","message":"old"}"#);
            assembler.push_line(b"a\0\xff");
            assembler.push_line(b"stored");
        }),
    };
    app.state.ingest.accept_framed(&Scope::main(), &frames, &app.state.letters).await.unwrap();
    (app, bearer)
}

#[tokio::test]
async fn letters_are_listed_with_sender_and_reason() {
    let (app, bearer) = app_with_letters().await;
    let answer = ask(&app, &bearer, Method::GET, "/api/pipelines/dead-letters", &Json::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let listed = answer.json();
    assert_eq!((listed["total"].as_u64(), &listed["next_cursor"]), (Some(2), &Json::Null));
    let letters = listed["dead_letters"].as_array().unwrap();
    assert_eq!((letters[0]["raw_base64"].as_str(), &letters[0]["raw"]), (Some("YQD/"), &Json::Null));
    assert!(letters[1]["raw"].as_str().unwrap().contains("2001-01-01"));
    assert_eq!((letters[1]["input"].as_str(), letters[1]["sender"].as_str()), (Some("tcp"), Some("192.0.2.1")));
    assert!(
        letters[1]["reason"].as_str().unwrap().contains("store the dead letter after all"),
        "{}",
        letters[1]["reason"]
    );
    ask(&app, &bearer, Method::GET, "/api/pipelines/dead-letters?limit=0", &Json::Null).await.assert_problem(422);
}

#[tokio::test]
async fn letters_are_replayed_and_deleted() {
    let (app, bearer) = app_with_letters().await;
    let path = "/api/pipelines/dead-letters";
    for wrong in [json!({}), json!({"all": true, "ids": ["x"]})] {
        for action in ["replay", "delete"] {
            ask(&app, &bearer, Method::POST, &format!("{path}/{action}"), &wrong).await.assert_problem(422);
        }
    }
    let replayed = ask(&app, &bearer, Method::POST, &format!("{path}/replay"), &json!({"all": true})).await;
    assert_eq!(replayed.json(), json!({"stored": 1, "refused": 1}));
    let listed = ask(&app, &bearer, Method::GET, path, &Json::Null).await.json();
    let ids = json!({"ids": [listed["dead_letters"][0]["id"]]});
    assert_eq!(listed["total"], 1);
    for (parameters, is_dry) in [("?dry_run=true", true), ("", false)] {
        let deleted = ask(&app, &bearer, Method::POST, &format!("{path}/delete{parameters}"), &ids).await;
        assert_eq!(deleted.json(), json!({"dry_run": is_dry, "deleted": 1}));
    }
    let stats = ask(&app, &bearer, Method::GET, "/api/logs/stats", &Json::Null).await.json();
    assert_eq!(stats["total_logs"], 2, "the stored one and the replayed one");
}

#[tokio::test]
async fn letters_are_counted_for_those_who_watch() {
    let (app, bearer) = app_with_letters().await;
    let inputs = ask(&app, &bearer, Method::GET, "/api/pipelines/inputs", &Json::Null).await.json();
    assert_eq!(inputs["dead_letters"]["count"], 2);
    assert_eq!(inputs["inputs"], json!([]), "a server in a test has no sockets");
    assert!(app.state.metrics.encode().unwrap().contains("vigie_dead_letters 2"));
}
