//! Errors in Elasticsearch's shape: `{"error": {"root_cause": […], "type": …, "reason": …}, "status": …}`.
//!
//! What kind of failure has which status is decided in `http/error.rs`; here are only the names that clients know, and
//! the few statuses by which they decide whether to send again.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_domain::Error;

use crate::http::error::Problem;

/// What went wrong, as clients of Elasticsearch know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: StatusCode,
    /// The name of the sort of failure.
    pub kind: &'static str,
    /// What is wrong and what to do.
    pub reason: String,
}

impl Failure {
    /// A failure that only this API knows.
    pub fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into() }
    }

    /// What the body tells of it, without the status.
    pub fn error(&self) -> Json {
        let mut cause = json!({"type": self.kind, "reason": self.reason});
        if let Some(index) = self.index() {
            cause["index"] = Json::from(index);
        }
        let mut error = json!({ "root_cause": [cause] });
        if let (Json::Object(error), Json::Object(cause)) = (&mut error, cause) {
            error.extend(cause);
        }
        error
    }

    /// The index that is not there.
    fn index(&self) -> Option<&str> {
        let named = self.reason.strip_prefix("no such index [").filter(|_| self.kind == "index_not_found_exception")?;
        named.split_once(']').map(|(index, _)| index)
    }

    /// The body of the answer.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(json!({"error": self.error(), "status": self.status.as_u16()}).to_string())
    }
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        let view = problem.view(None);
        let name = view.r#type.rsplit(':').next().unwrap_or_default();
        let (kind, status) = match name {
            "unauthenticated" | "forbidden" => ("security_exception", problem.status()),
            // In the words of `vigie_app::dsl` and of the routes alike.
            "not_found" if view.detail.starts_with("no such index [") => {
                ("index_not_found_exception", problem.status())
            }
            "not_found" => ("resource_not_found_exception", problem.status()),
            "conflict" => ("status_exception", problem.status()),
            "too_large" => ("content_too_long_exception", problem.status()),
            "throttled" => ("es_rejected_execution_exception", problem.status()),
            // Clients give events up whose status says that they are wrong, and send those again that are too many.
            "disk_full" => ("cluster_block_exception", StatusCode::TOO_MANY_REQUESTS),
            "unavailable" | "timed_out" => ("unavailable_shards_exception", problem.status()),
            "unsupported_media_type" => ("media_type_header_exception", problem.status()),
            "invalid" => ("illegal_argument_exception", StatusCode::BAD_REQUEST),
            "internal" => ("exception", problem.status()),
            _ => ("illegal_argument_exception", problem.status()),
        };
        Self { status, kind, reason: view.detail }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&Problem::from(error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (self.status, content_type, self.to_bytes()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;

    #[test]
    fn each_kind_has_the_name_and_status_that_clients_decide_by() {
        let check = |kind: ErrorKind, status: u16, name: &str| {
            let failure = Failure::from(Error::new(kind, "no room"));
            assert_eq!((failure.status.as_u16(), failure.kind), (status, name), "{kind:?}");
        };
        check(ErrorKind::Malformed, 400, "illegal_argument_exception");
        check(ErrorKind::Invalid, 400, "illegal_argument_exception");
        check(ErrorKind::Unauthenticated, 401, "security_exception");
        check(ErrorKind::Forbidden, 403, "security_exception");
        check(ErrorKind::NotFound, 404, "resource_not_found_exception");
        check(ErrorKind::Conflict, 409, "status_exception");
        check(ErrorKind::TooLarge, 413, "content_too_long_exception");
        check(ErrorKind::Throttled, 429, "es_rejected_execution_exception");
        check(ErrorKind::DiskFull, 429, "cluster_block_exception");
        check(ErrorKind::Unavailable, 503, "unavailable_shards_exception");
        check(ErrorKind::TimedOut, 503, "unavailable_shards_exception");
        check(ErrorKind::Internal, 500, "exception");
        let no_index = Failure::from(Error::not_found("no such index [shop]"));
        assert_eq!((no_index.status.as_u16(), no_index.kind), (404, "index_not_found_exception"));
    }

    #[test]
    fn the_body_is_what_clients_parse() {
        let failure = Failure::new(StatusCode::NOT_FOUND, "x_exception", "no \"x\"");
        let expected = r#"{"error":{"root_cause":[{"type":"x_exception","reason":"no \"x\""}],"type":"x_exception","reason":"no \"x\""},"status":404}"#;
        assert_eq!(failure.to_bytes(), expected);
        let failure = Failure::new(StatusCode::NOT_FOUND, "index_not_found_exception", "no such index [a]").error();
        assert_eq!((&failure["index"], &failure["root_cause"][0]["index"]), (&json!("a"), &json!("a")));
    }
}
