//! A whole server in this process, without a socket, over stores in memory.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt;
use vigie_app::accounts::{Accounts, AccountsSettings, HashCost, Role, TokenKeys};
use vigie_server::config::{Environment, Settings};
use vigie_server::http::routes::elasticsearch::is_below;
use vigie_server::http::routes::push::has_own_refusals;
use vigie_server::http::routes::{Route, Routes};
use vigie_server::http::state::AppState;
use vigie_server::http::{all_routes, application_of};
use vigie_server::wire::{self, Ports, Stores};
use vigie_testkit::{LinearStore, MemoryMetadataStore};

/// The password of every user that `TestApp::token` adds.
pub(crate) const PASSWORD: &str = "quiet-lantern-42-orbit";

/// A whole server in this process.
pub(crate) struct TestApp {
    pub(crate) router: Router,
    pub(crate) table: Vec<Route>,
    pub(crate) state: AppState,
    pub(crate) ports: Ports,
    folder: TempDir,
}

/// What it answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::with_routes(all_routes())
    }

    pub(crate) fn with_routes(routes: Routes) -> Self {
        Self::in_memory(routes, test_settings())
    }

    /// One that takes no larger files than this.
    pub(crate) fn with_uploads_up_to(bytes_max: u64) -> Self {
        let (folder, mut settings) = test_settings();
        settings.upload.bytes_max = bytes_max;
        Self::in_memory(all_routes(), (folder, settings))
    }

    fn in_memory(routes: Routes, house: (TempDir, Settings)) -> Self {
        let ports = Ports {
            logs: Arc::new(LinearStore::default()),
            sql: None,
            metadata: Arc::new(MemoryMetadataStore::default()),
            backups: None,
            query_numbers: None,
            exceeding: None,
            redactor: wire::redactor(&[7; 32]).unwrap(),
        };
        Self::with_ports(routes, ports, house)
    }

    /// Over stores on disk in a folder of its own, backups beside it.
    pub(crate) fn on_disk() -> Self {
        let (folder, settings) = test_settings();
        let stores = Stores::open(&settings, Arc::new(|_| {})).unwrap();
        wire::open_accounts(&settings, stores.metadata.clone()).unwrap();
        Self::with_ports(all_routes(), stores.ports(), (folder, settings))
    }

    /// The folder that is removed with this.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn with_ports(routes: Routes, ports: Ports, (folder, settings): (TempDir, Settings)) -> Self {
        let keys = TokenKeys::from_secrets(&std::array::from_fn(|index| index as u8), None).unwrap();
        let cheap = AccountsSettings { hash_cost: HashCost::FOR_TESTS };
        let accounts = Accounts::open_with(ports.metadata.clone(), keys, wire::clock(), cheap).unwrap();
        let state = wire::app_state(&settings, &ports, accounts, Vec::new()).unwrap();
        let (router, table) = application_of(routes, state.clone());
        Self { router, table, state, ports, folder }
    }

    /// An access token of a new user with that role.
    pub(crate) async fn token(&self, role: Role) -> String {
        let username = format!("{role}@example.com");
        self.state.accounts.add_user(&username, role, PASSWORD).await.unwrap();
        let answer = self.post("/api/auth/login", &json!({"username": username, "password": PASSWORD})).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[], Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: &Json, headers: &[(&str, &str)]) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(request(Method::POST, path, &headers, Body::from(body.to_string()))).await
    }
}

fn test_settings() -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let flags = [("data.dir", path("data")), ("backup.dir", path("backups"))];
    let settings = Settings::load(None, &Environment::default(), &flags).unwrap();
    (folder, settings)
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether it is a problem with this status, in the one shape that problems have.
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|words| !words.is_empty()), "{field}: {problem}");
        }
    }

    /// Whether it refuses with this status, in the one shape that refusals have below this path.
    pub(crate) fn assert_refusal(&self, path: &str, status: u16) {
        if has_own_refusals(path) {
            assert_eq!(self.status, status, "{path}: {}", self.text());
            assert_eq!(self.header("content-type"), "application/json", "{path}");
            assert!(self.json()["code"].as_u64().is_some_and(|code| code > 0), "{path}: {}", self.text());
            return;
        }
        if !is_below(path) {
            return self.assert_problem(status);
        }
        assert_eq!(self.status, status, "{path}: {}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("x-elastic-product"), "Elasticsearch");
        let answer = self.json();
        assert_eq!(answer["status"], status);
        for place in ["/error/type", "/error/reason", "/error/root_cause/0/type", "/error/root_cause/0/reason"] {
            let words = answer.pointer(place).and_then(Json::as_str).unwrap_or_default();
            assert!(!words.is_empty(), "{place}: {answer}");
        }
    }
}

pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path).header(header::HOST, "localhost:8642");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body).unwrap()
}

/// `Authorization` with user name and password.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}
