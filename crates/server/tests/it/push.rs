//! The protocols of OpenTelemetry, Loki and Splunk on the main port: what is stored, what is answered, who may send.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::{KeyScope, NewKey, Role};

use crate::app::{Answer, PASSWORD, TestApp, request};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
/// A request without records, as protobuf: one `ResourceLogs` that is empty.
const NO_RECORDS: &[u8] = b"\x0a\0";

struct Sender {
    app: TestApp,
    token: String,
}

impl Sender {
    async fn new() -> Self {
        let app = TestApp::new();
        let token = app.token(Role::Analyst).await;
        Self { app, token: format!("Bearer {token}") }
    }

    async fn send(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        self.send_as(path, &[("authorization", &self.token), ("content-type", content_type)], body).await
    }

    async fn send_as(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.app.send(request(Method::POST, path, headers, body.into())).await
    }

    async fn stored(&self) -> Vec<Json> {
        let headers = [("authorization", self.token.as_str())];
        let answer = self.app.post_with("/api/logs/search", &json!({"size": 100, "sort": "oldest"}), &headers).await;
        let hits = answer.json()["hits"].as_array().unwrap().clone();
        hits.into_iter().map(|hit| hit["_source"].clone()).collect()
    }

    fn now_nanos(&self) -> i64 {
        (self.app.state.clock)().as_nanos()
    }
}

fn logs_json(records: &Json) -> String {
    json!({"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeLogs": [{"logRecords": records}]}]})
    .to_string()
}

#[tokio::test]
async fn opentelemetry_records_are_stored_and_told() {
    let sender = Sender::new().await;
    let time = sender.now_nanos().to_string();
    let body = logs_json(&json!([{"timeUnixNano": time, "severityNumber": 17, "body": {"stringValue": "refused"}}]));
    let answer = sender.send("/v1/logs", JSON, body.clone()).await;
    assert_eq!((answer.status, answer.text().as_str(), answer.header("content-type")), (200, "{}", JSON));
    let again = sender.send("/v1/logs", JSON, body).await;
    assert_eq!(again.text(), "{}");
    let stored = sender.stored().await;
    assert_eq!(stored.len(), 1, "the same request is stored once");
    assert_eq!((&stored[0]["message"], &stored[0]["level"]), (&json!("refused"), &json!("ERROR")));
    assert_eq!(stored[0]["service.name"], "shop");

    let partly = logs_json(&json!([{"timeUnixNano": "1"}, {"timeUnixNano": time}]));
    let answer = sender.send("/v1/logs", JSON, partly).await;
    assert_eq!(answer.status, 200);
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedLogRecords"], "1");
    assert!(partial["errorMessage"].as_str().unwrap().contains("outside the accepted window"), "{partial}");

    let empty = sender.send("/v1/logs", PROTOBUF, NO_RECORDS).await;
    assert_eq!((empty.status, empty.text().as_str(), empty.header("content-type")), (200, "", PROTOBUF));
}

#[tokio::test]
async fn opentelemetry_refusals_are_a_status_in_the_encoding_of_the_request() {
    let sender = Sender::new().await;
    let check = async |headers: &[(&str, &str)], body: &'static str, status: u16, code: i64| {
        let answer = sender.send_as("/v1/logs", headers, body).await;
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (status, Some(code)), "{}", answer.text());
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
        assert!(!answer.header("x-request-id").is_empty());
    };
    let token = ("authorization", sender.token.as_str());
    check(&[("content-type", JSON)], "{}", 401, 16).await;
    check(&[token, ("content-type", JSON)], "{", 400, 3).await;
    check(&[token, ("content-type", "text/plain")], "{}", 415, 12).await;
    check(&[token], "{}", 415, 12).await;
    check(&[token, ("content-type", JSON), ("content-encoding", "br")], "{}", 415, 12).await;
    let viewer = format!("Bearer {}", sender.app.token(Role::Viewer).await);
    check(&[("authorization", &viewer), ("content-type", JSON)], "{}", 403, 7).await;
    let broken = sender.send("/v1/logs", PROTOBUF, &b"\x0a\x05"[..]).await;
    assert_eq!((broken.status, broken.header("content-type")), (400, PROTOBUF));
    assert_eq!(broken.body[..2], [8, 3]);
}

#[tokio::test]
async fn loki_lines_are_stored() {
    let sender = Sender::new().await;
    let time = sender.now_nanos();
    let push = |values: Json| json!({"streams": [{"stream": {"app": "shop"}, "values": values}]}).to_string();
    let lines = json!([[time.to_string(), "level=warn n=1"], [(time + 1).to_string(), "words", {"trace_id": "ab"}]]);
    let answer = sender.send("/loki/api/v1/push", JSON, push(lines)).await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    let stored = sender.stored().await;
    assert_eq!((&stored[0]["level"], &stored[0]["n"], &stored[0]["app"]), (&json!("WARN"), &json!(1), &json!("shop")));
    assert_eq!((&stored[1]["message"], &stored[1]["trace_id"]), (&json!("words"), &json!("ab")));

    let partly = push(json!([["1", "too old"], [(time + 2).to_string(), "new"]]));
    let refused = sender.send("/loki/api/v1/push", JSON, partly).await;
    refused.assert_problem(400);
    assert!(refused.text().contains("1 of 2 records are refused, the others are stored"), "{}", refused.text());
    assert_eq!(sender.stored().await.len(), 3);

    sender.send("/loki/api/v1/push", PROTOBUF, &b"no block"[..]).await.assert_problem(400);
    sender.send("/loki/api/v1/push", "text/plain", "words").await.assert_problem(415);
    sender.send_as("/loki/api/v1/push", &[("content-type", JSON)], "{}").await.assert_problem(401);
    assert_eq!(sender.app.get("/ready").await.text(), "ready\n");
}

#[tokio::test]
async fn splunk_events_are_stored() {
    let sender = Sender::new().await;
    let username = format!("{}@example.com", Role::Analyst);
    let maker =
        sender.app.state.accounts.authenticate_password(&username, PASSWORD, [127, 0, 0, 1].into()).await.unwrap();
    let new = NewKey { name: "a forwarder".into(), scopes: vec![KeyScope::Ingest], expires_in_days: None };
    let key = format!("Splunk {}", sender.app.state.accounts.make_key(&maker, &new).await.unwrap().text.plain());
    let headers = [("authorization", key.as_str()), ("content-type", JSON)];
    let time = sender.now_nanos() / 1_000_000_000;
    let body = format!(r#"{{"time":{time},"event":"one","host":"web-1"}}{{"time":"{time}.5","event":{{"n":2}}}}"#);
    let answer = sender.send_as("/services/collector", &headers, body).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"text": "Success", "code": 0})));
    let stored = sender.stored().await;
    assert_eq!((&stored[0]["message"], &stored[0]["host"]), (&json!("one"), &json!("web-1")));
    assert_eq!(stored[1]["n"], 2);

    let raw = sender.send_as("/services/collector/raw?channel=c&sourcetype=t", &headers, "a\nb\n").await;
    assert!(raw.json()["ackId"].is_u64(), "{}", raw.text());
    assert_eq!(sender.stored().await.len(), 4);
    let acks = json!({"acks": [raw.json()["ackId"]]}).to_string();
    let acknowledged = sender.send_as("/services/collector/ack?channel=c", &headers, acks.clone()).await;
    assert_eq!(acknowledged.json()["acks"][raw.json()["ackId"].to_string()], true);
    assert_eq!(sender.send_as("/services/collector/ack", &headers, acks).await.json()["code"], 10);
    assert_eq!(sender.app.get("/services/collector/health").await.json()["code"], 17);

    let old = sender.send_as("/services/collector/event", &headers, r#"{"time":1,"event":"old"}"#).await;
    assert_eq!(old.json()["code"], 0, "what may not be stored is kept as a letter");
    assert_eq!(sender.app.state.letters.numbers().count, 1);
}

#[tokio::test]
async fn splunk_refusals_have_its_codes() {
    let sender = Sender::new().await;
    let check = async |authorization: Option<&str>, body: &'static str, status: u16, code: i64| {
        let mut headers = vec![("content-type", JSON)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let answer = sender.send_as("/services/collector/event", &headers, body).await;
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (status, Some(code)), "{body}: {}", answer.text());
        assert!(!answer.json()["text"].as_str().unwrap().is_empty());
    };
    let token = Some(sender.token.as_str());
    check(None, "{}", 401, 2).await;
    check(Some("Splunk vigie_0a_b"), "{}", 401, 4).await;
    check(Some("Splunk"), "{}", 401, 4).await;
    check(token, "", 400, 5).await;
    check(token, "{", 400, 6).await;
    check(token, r#"{"event":"a"}{"time":1}"#, 400, 12).await;
    check(token, r#"{"event":""}"#, 400, 13).await;
    check(token, r#"{"event":"a","fields":[]}"#, 400, 15).await;
    let viewer = format!("Bearer {}", sender.app.token(Role::Viewer).await);
    check(Some(&viewer), r#"{"event":"a"}"#, 403, 4).await;
    assert!(sender.stored().await.is_empty());
}

#[tokio::test]
async fn gelf_messages_are_stored() {
    let sender = Sender::new().await;
    let time = sender.now_nanos() / 1_000_000_000;
    let body = format!(
        "{{\"short_message\":\"one\",\"timestamp\":{time}.25,\"_n\":1}}\n{{\"short_message\":\"two\",\"timestamp\":{time}.5}}"
    );
    assert_eq!(sender.send("/gelf", JSON, body).await.status, 202);
    let list = format!("[\n{{\"short_message\":\"three\",\"timestamp\":{time}.75}}]");
    assert_eq!(sender.send("/gelf", JSON, list).await.status, 202);
    let messages: Vec<Json> = sender.stored().await.iter().map(|event| event["message"].clone()).collect();
    assert_eq!(messages, ["one", "two", "three"]);
    assert_eq!(sender.send("/gelf", JSON, r#"{"short_message":"old","timestamp":1000000000}"#).await.status, 202);
    assert_eq!(sender.app.state.letters.numbers().count, 1);
    sender.send("/gelf", JSON, &b"\x1f\x8b\x08cut"[..]).await.assert_problem(400);
    sender.send_as("/gelf", &[("content-type", JSON)], "{}").await.assert_problem(401);
}
