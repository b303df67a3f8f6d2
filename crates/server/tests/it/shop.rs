//! A server with somebody signed in, who sends events and asks about them.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::app::{Answer, TestApp, request};

const BOUNDARY: &str = "boundary-of-tests";

/// A server and the token of somebody who may send and read.
pub(crate) struct Shop {
    pub(crate) app: TestApp,
    authorization: String,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Self::on(TestApp::new()).await
    }

    pub(crate) async fn on(app: TestApp) -> Self {
        let authorization = format!("Bearer {}", app.token(Role::Analyst).await);
        Self { app, authorization }
    }

    /// A server that holds these events.
    pub(crate) async fn with(events: &[Json]) -> Self {
        Self::new().await.holding(events).await
    }

    /// The same server, once it holds these events too.
    pub(crate) async fn holding(self, events: &[Json]) -> Self {
        let answer = self.ingest("/api/logs/ingest", &lines(events), &[]).await;
        assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (200, Some(events.len() as u64)));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.app.send(request(Method::GET, path, &[("authorization", &self.authorization)], Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Answer {
        self.app.post_with(path, body, &[("authorization", &self.authorization)]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.app.send(request(Method::DELETE, path, &[("authorization", &self.authorization)], Body::empty())).await
    }

    pub(crate) async fn ingest(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("authorization", &self.authorization));
        self.app.send(request(Method::POST, path, &headers, Body::from(body.to_owned()))).await
    }

    /// Sends a form with these fields: name, file name, content.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str, &[u8])]) -> Answer {
        self.form_with(path, fields, &[]).await
    }

    pub(crate) async fn form_with(
        &self,
        path: &str,
        fields: &[(&str, &str, &[u8])],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, filename, content) in fields {
            let head = format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut headers = headers.to_vec();
        headers.extend([("authorization", self.authorization.as_str()), ("content-type", content_type.as_str())]);
        self.app.send(request(Method::POST, path, &headers, Body::from(body))).await
    }

    pub(crate) async fn upload(&self, path: &str, filename: &str, content: &[u8]) -> Answer {
        self.form(path, &[("file", filename, content)]).await
    }

    /// How many events are stored.
    pub(crate) async fn total(&self) -> u64 {
        self.get("/api/logs/stats").await.json()["total_logs"].as_u64().unwrap()
    }

    /// An event so many seconds ago, with these fields.
    pub(crate) fn event(seconds_ago: i64, fields: &Json) -> Json {
        let now = vigie_server::wire::clock()();
        let mut event = json!({"@timestamp": now.saturating_add_nanos(-seconds_ago * 1_000_000_000).to_string()});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    }
}

/// The events as NDJSON.
pub(crate) fn lines(events: &[Json]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}
