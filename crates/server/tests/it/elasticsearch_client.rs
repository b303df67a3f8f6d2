//! Asks as clients of Elasticsearch do.

use axum::body::Body;
use axum::http::Method;
use serde_json::Value as Json;
use vigie_app::accounts::Role;

use crate::app::{Answer, TestApp, request};

/// A server, and somebody who asks it.
pub struct Client {
    /// The server.
    pub app: TestApp,
    authorization: String,
}

impl Client {
    /// An analyst, who may send and read.
    pub async fn new() -> Self {
        Self::of(Role::Analyst).await
    }

    /// Somebody of that role.
    pub async fn of(role: Role) -> Self {
        let app = TestApp::new();
        let authorization = format!("Bearer {}", app.token(role).await);
        Self { app, authorization }
    }

    /// Somebody else of the same server.
    pub async fn become_one(&mut self, role: Role) {
        self.authorization = format!("Bearer {}", self.app.token(role).await);
    }

    /// The answer, whatever it is.
    pub async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        self.call_with(method, path, body, ("content-type", "application/json")).await
    }

    /// The same, with another header.
    pub async fn call_with(&self, method: Method, path: &str, body: &str, header: (&str, &str)) -> Answer {
        let headers = [("authorization", self.authorization.as_str()), header];
        let path = format!("/elasticsearch{path}");
        self.app.send(request(method, &path, &headers, Body::from(body.to_owned()))).await
    }

    /// The answer, which has to be a success and to warn of nothing.
    pub async fn done(&self, method: Method, path: &str, body: Json) -> Json {
        let answer = self.call(method.clone(), path, &body.to_string()).await;
        assert!(answer.status < 300 && answer.header("warning").is_empty(), "{method} {path}: {}", answer.text());
        answer.json()
    }

    /// The answer to a question.
    pub async fn get(&self, path: &str) -> Json {
        self.call(Method::GET, path, "").await.json()
    }

    /// The answer has this status and kind of error.
    pub async fn refused(&self, method: Method, path: &str, body: Json, (status, kind): (u16, &str)) {
        let answer = self.call(method.clone(), path, &body.to_string()).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["type"], kind, "{method} {path}: {}", answer.text());
    }

    /// The status of what is asked by `HEAD`.
    pub async fn status(&self, path: &str) -> u16 {
        self.call(Method::HEAD, path, "").await.status
    }
}
