//! Events in the protocols that other platforms take: OpenTelemetry, Loki, GELF, Splunk's event collector.
//!
//! Whoever sends in one of them understands its refusals only in its own shape: `speak` gives problems that shape,
//! wherever they come from.

mod gelf;
mod hec;
mod loki;
mod otlp;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use super::Routes;
use crate::http::error::Problem;
use crate::http::otlp::{LOGS_PATH, encoding_of, refuse};

/// Adds the routes of these files.
pub fn routes(routes: Routes) -> Routes {
    let routes = otlp::routes(routes);
    let routes = loki::routes(routes);
    let routes = gelf::routes(routes);
    hec::routes(routes)
}

/// Whether refusals of this path have the shape of its protocol, and are no problems.
pub fn has_own_refusals(path: &str) -> bool {
    Dialect::of(path).is_some()
}

/// Whose refusals a path has.
#[derive(Clone, Copy)]
enum Dialect {
    Otlp,
    Hec,
}

impl Dialect {
    fn of(path: &str) -> Option<Self> {
        match path {
            LOGS_PATH => Some(Self::Otlp),
            _ if path.starts_with(hec::PREFIX) => Some(Self::Hec),
            _ => None,
        }
    }

    fn refuse(self, problem: &Problem, headers: &HeaderMap) -> Response {
        match self {
            Self::Otlp => refuse(problem, encoding_of(headers)),
            Self::Hec => hec::refuse(problem, headers),
        }
    }
}

/// Answers requests of these protocols in their own shape; others pass.
pub async fn speak(request: Request, next: Next) -> Response {
    let Some(dialect) = Dialect::of(request.uri().path()) else { return next.run(request).await };
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    let mut refusal = dialect.refuse(problem, &headers);
    for (name, value) in response.headers() {
        refusal.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    refusal.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
    refusal
}
