//! What is refused, and how: one shape, one id, no secret.

use axum::body::Body;
use axum::extract::Multipart;
use axum::http::Method;
use serde_json::json;
use vigie_app::accounts::Permission;
use vigie_domain::Error;
use vigie_domain::error::ErrorDetail;
use vigie_server::http::body::BodyLimit;
use vigie_server::http::error::ApiResult;
use vigie_server::http::extract::RawBody;
use vigie_server::http::routes::Routes;

use crate::app::{TestApp, request};

async fn panics() -> &'static str {
    panic!("the secret is 42")
}

async fn fails() -> ApiResult<&'static str> {
    Err(Error::internal("part /secret/path is damaged"))?
}

async fn misunderstands() -> ApiResult<&'static str> {
    let detail = ErrorDetail { field: "query".to_owned(), span: Some((6, 9)), message: "expected a value".to_owned() };
    Err(Error::malformed("the query is not understood").with_detail(detail))?
}

async fn measures(RawBody(body): RawBody) -> String {
    body.len().to_string()
}

async fn measures_file(mut form: Multipart) -> ApiResult<String> {
    let Some(field) = form.next_field().await? else { return Err(Error::malformed("no file"))? };
    Ok(field.bytes().await?.len().to_string())
}

fn odd_app() -> TestApp {
    TestApp::with_routes(
        Routes::new()
            .get("/api/panics", Permission::Public, panics)
            .get("/api/fails", Permission::Public, fails)
            .get("/api/misunderstands", Permission::Public, misunderstands)
            .post("/api/small", Permission::Public, measures)
            .post_body("/api/large", Permission::Public, BodyLimit::Ingest, measures)
            .post_body("/api/file", Permission::Public, BodyLimit::Ingest, measures_file),
    )
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = TestApp::new();
    app.get("/api/nope").await.assert_problem(404);
    app.get("/api/").await.assert_problem(404);
    let wrong_method = app.send(request(Method::DELETE, "/api/auth/me", &[], Body::empty())).await;
    wrong_method.assert_problem(405);
    assert!(wrong_method.header("allow").contains("GET"));
}

#[tokio::test]
async fn a_panic_is_an_internal_error_without_words() {
    let app = odd_app();
    for path in ["/api/panics", "/api/fails"] {
        let answer = app.get(path).await;
        answer.assert_problem(500);
        assert!(!answer.text().contains("secret"), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_place_that_is_wrong_is_named() {
    let answer = odd_app().get("/api/misunderstands").await;
    answer.assert_problem(400);
    let expected = json!([{"field": "query", "span": [6, 9], "message": "expected a value"}]);
    assert_eq!(answer.json()["errors"], expected);
}

#[tokio::test]
async fn bodies_are_bounded_by_sort() {
    let app = odd_app();
    let check = async |path: &str, size: usize, expected: u16| {
        let body = Body::from(vec![b'x'; size]);
        let answer = app.send(request(Method::POST, path, &[], body)).await;
        assert_eq!(answer.status, expected, "{path} {size}: {}", answer.text());
        if expected == 413 {
            answer.assert_problem(413);
            assert!(answer.json()["detail"].as_str().unwrap().contains("bytes"));
        }
    };
    check("/api/small", 2 * 1024 * 1024, 200).await;
    check("/api/small", 2 * 1024 * 1024 + 1, 413).await;
    check("/api/large", 2 * 1024 * 1024 + 1, 200).await;
    check("/api/large", 64 * 1024 * 1024 + 1, 413).await;
}

#[tokio::test]
async fn forms_are_bounded_by_their_route_alone() {
    let app = odd_app();
    let send = async |size: usize, announced: bool| {
        let file = "x".repeat(size);
        let form = format!("--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n{file}\r\n--b--\r\n");
        let body = if announced {
            Body::from(form)
        } else {
            Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(form)]))
        };
        let headers = [("content-type", "multipart/form-data; boundary=b")];
        app.send(request(Method::POST, "/api/file", &headers, body)).await
    };
    assert_eq!(send(3 * 1024 * 1024, true).await.text(), (3 * 1024 * 1024).to_string());
    send(64 * 1024 * 1024, true).await.assert_problem(413);
    let unannounced = send(64 * 1024 * 1024, false).await;
    unannounced.assert_problem(413);
    assert!(unannounced.text().contains("ingest.body_bytes_max"), "{}", unannounced.text());
}

#[tokio::test]
async fn json_routes_read_json_only() {
    let app = TestApp::new();
    let send = async |content_type: &str, body: &'static str| {
        let headers = [("content-type", content_type)];
        app.send(request(Method::POST, "/api/auth/login", &headers, Body::from(body))).await
    };
    send("text/plain", "{}").await.assert_problem(415);
    send("application/json", "{").await.assert_problem(400);
    send("application/json", "[]").await.assert_problem(422);
    send("application/json", "{\"username\":\"a\"}").await.assert_problem(422);
}

#[tokio::test]
async fn every_answer_carries_id_timing_and_protection() {
    let app = TestApp::new();
    for path in ["/livez", "/", "/api/nope", "/api/openapi.json"] {
        let answer = app.send(request(Method::GET, path, &[("x-request-id", "req-7")], Body::empty())).await;
        assert_eq!(answer.header("x-request-id"), "req-7", "{path}");
        assert!(answer.header("server-timing").starts_with("app;dur="), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
    assert_eq!(app.get("/api/nope").await.header("cache-control"), "no-store");
    assert_ne!(app.get("/livez").await.header("x-request-id"), app.get("/livez").await.header("x-request-id"));
}

#[tokio::test]
async fn health_and_metrics_are_public() {
    let app = TestApp::new();
    for path in ["/health", "/livez", "/readyz"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("ok")), "{path}");
    }
    let verbose = app.get("/readyz?verbose").await.json();
    assert_eq!(verbose["checks"].as_array().map(Vec::len), Some(3), "{verbose}");
    app.state.readiness.stop();
    assert_eq!(app.get("/readyz").await.status, 503);
    assert_eq!(app.get("/livez").await.status, 200);
    let metrics = app.get("/metrics").await.text();
    assert!(metrics.contains("route=\"/readyz\",status=\"5xx\"} 1"), "{metrics}");
}
