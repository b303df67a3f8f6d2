//! A server with one user of each role, for tests that ask as several of them.

use axum::body::Body;
use axum::http::Method;
use serde_json::Value as Json;
use vigie_app::accounts::Role;

use crate::app::{Answer, TestApp, request};

/// A server on which one user of each role is signed in.
pub(crate) struct House {
    pub(crate) app: TestApp,
    pub(crate) bearers: Vec<(Role, String)>,
}

impl House {
    pub(crate) async fn new() -> Self {
        let app = TestApp::new();
        let mut bearers = Vec::new();
        for role in Role::ALL {
            bearers.push((role, format!("Bearer {}", app.token(role).await)));
        }
        Self { app, bearers }
    }

    pub(crate) async fn send(&self, authorization: &str, method: Method, path: &str, body: &Json) -> Answer {
        let headers = [("authorization", authorization), ("content-type", "application/json")];
        self.app.send(request(method, path, &headers, Body::from(body.to_string()))).await
    }

    pub(crate) async fn ask(&self, role: Role, method: Method, path: &str, body: &Json) -> Answer {
        let bearer = &self.bearers.iter().find(|(of, _)| *of == role).unwrap().1;
        self.send(bearer, method, path, body).await
    }
}
