//! What every answer gets, and what is told about every request: id, timing, headers, log line, metrics.
//!
//! The log line holds the route's template and never the path, query, body, user or address.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::Instant;
use vigie_domain::Error;

use super::error::{PROBLEM_JSON, Problem};
use super::routes::elasticsearch::is_below;
use super::state::AppState;

/// The header that names a request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// An id longer than this is not taken over from the client.
const REQUEST_ID_LENGTH_MAX: usize = 64;
/// A library's bare error text beyond this is left out.
const BARE_ERROR_BYTES_MAX: usize = 4 * 1024;
/// What API answers may load when a browser shows them: nothing.
const API_CSP: &str = "default-src 'none'; frame-ancestors 'none'";

/// Once reached over https, never over plain http again, for a year.
const HSTS: &str = "max-age=31536000";

/// The id of a request, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Answers the request, and tells about it.
pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path();
    let is_api = path.starts_with("/api/") || is_below(path);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| if is_api { "unknown".to_owned() } else { "ui".to_owned() });
    request.extensions_mut().insert(RequestId(id.clone()));

    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            Problem::from(Error::internal(format!("a handler panicked: {}", panic_words(&*panic)))).into_response()
        }
    };
    let response = name_problem(response, &id).await;
    let mut response = if let Some(problem) = response.extensions().get::<Problem>().cloned() {
        if let Some(cause) = problem.cause() {
            tracing::error!(request_id = %id, route, cause, "a request failed inside vigie");
        }
        with_request_id(response, &problem, &id)
    } else {
        response
    };

    let duration = started.elapsed();
    let status = response.status();
    add_headers(response.headers_mut(), &id, duration, is_api);
    if state.cookies.is_https {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    state.metrics.record_request(&method, &route, status, duration);
    let duration_ms = (duration.as_secs_f64() * 1e4).round() / 10.0;
    if is_probe(&route) {
        tracing::debug!(request_id = %id, method = %method, route, status = status.as_u16(), duration_ms, "answered");
    } else {
        tracing::info!(request_id = %id, method = %method, route, status = status.as_u16(), duration_ms, "answered");
    }
    response
}

/// What machines ask every few seconds would drown everything else.
fn is_probe(route: &str) -> bool {
    matches!(route, "/health" | "/livez" | "/readyz" | "/metrics")
}

/// The client's own id when it is harmless, else a random one.
fn request_id(headers: &HeaderMap) -> String {
    let is_sane = |id: &&str| {
        (1..=REQUEST_ID_LENGTH_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    match headers.get(&X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_sane) {
        Some(id) => id.to_owned(),
        None => format!("{:016x}", rand::random::<u64>()),
    }
}

/// Bare refusals of the libraries below become problems: no answer has another shape.
async fn name_problem(response: Response, id: &str) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_bare = content_type.is_none_or(|content_type| content_type.starts_with("text/plain"));
    if !is_error || !is_bare || content_type == Some(PROBLEM_JSON) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let words = axum::body::to_bytes(body, BARE_ERROR_BYTES_MAX).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => "this path does not take this method; see the \"Allow\" header".to_owned(),
        _ if words.trim().is_empty() => "the request was refused".to_owned(),
        _ => words.trim().to_lowercase(),
    };
    let mut named = Problem::from_status(status, detail).respond(Some(id));
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        named.headers_mut().insert(header::ALLOW, allow.clone());
    }
    named
}

/// The same answer with the id of the request in the problem's body; headers and cookies stay.
fn with_request_id(response: Response, problem: &Problem, id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = serde_json::to_vec(&problem.view(Some(id))).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

fn add_headers(headers: &mut HeaderMap, id: &str, duration: Duration, is_api: bool) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("app;dur={:.1}", duration.as_secs_f64() * 1e3)) {
        headers.insert(SERVER_TIMING, value);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut insert_default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    insert_default(header::CONTENT_SECURITY_POLICY, API_CSP);
    if is_api {
        insert_default(header::CACHE_CONTROL, "no-store");
    }
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &str, is_kept: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(sent).unwrap());
        assert_eq!(request_id(&headers) == sent, is_kept, "{sent}");
    }

    #[test]
    fn only_harmless_ids_are_taken_over() {
        check("7f3a-01.x_Y", true);
        check("", false);
        check("a b", false);
        check("<script>", false);
        check(&"a".repeat(REQUEST_ID_LENGTH_MAX), true);
        check(&"a".repeat(REQUEST_ID_LENGTH_MAX + 1), false);
    }
}
