//! Errors as the API answers them: `application/problem+json` (RFC 9457).
//!
//! This is the only place that turns an `ErrorKind` into an HTTP status. It does not know the id of
//! the request: `observe` writes that into the body on the way out.

use std::error::Error as StdError;

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_domain::error::ErrorDetail;
use vigie_domain::{Error, ErrorKind};

use super::body::BodyError;

/// When a caller may try again after `Throttled`, in seconds, unless the use case says otherwise.
const THROTTLED_RETRY_AFTER_S: u64 = 60;
/// When a caller may try again after `Unavailable`, in seconds, unless the use case says otherwise.
const UNAVAILABLE_RETRY_AFTER_S: u64 = 5;
/// When a caller may try again after `TimedOut`, in seconds: asked again at once, it would take as long.
const TIMED_OUT_RETRY_AFTER_S: u64 = 30;
/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a handler answers with: a view, or a problem.
pub type ApiResult<T> = Result<T, Problem>;

/// A failed request, ready to be answered.
#[derive(Clone, Debug)]
pub struct Problem {
    sort: &'static Sort,
    detail: String,
    errors: Vec<ProblemDetail>,
    retry_after_s: Option<u64>,
    /// What really happened; logged once, never shown.
    cause: Option<String>,
}

/// A sort of problem.
#[derive(Debug)]
struct Sort {
    status: StatusCode,
    /// Its name for programs.
    name: &'static str,
    /// Its name for people.
    title: &'static str,
}

const fn sort(status: StatusCode, name: &'static str, title: &'static str) -> Sort {
    Sort { status, name, title }
}

static MALFORMED: Sort = sort(StatusCode::BAD_REQUEST, "malformed", "malformed request");
static INVALID: Sort = sort(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "invalid content");
static UNAUTHENTICATED: Sort = sort(StatusCode::UNAUTHORIZED, "unauthenticated", "not signed in");
static FORBIDDEN: Sort = sort(StatusCode::FORBIDDEN, "forbidden", "not allowed");
static NOT_FOUND: Sort = sort(StatusCode::NOT_FOUND, "not_found", "not found");
static CONFLICT: Sort = sort(StatusCode::CONFLICT, "conflict", "conflict");
static TOO_LARGE: Sort = sort(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "too large");
static THROTTLED: Sort = sort(StatusCode::TOO_MANY_REQUESTS, "throttled", "too many requests");
static UNAVAILABLE: Sort = sort(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available");
static TIMED_OUT: Sort = sort(StatusCode::SERVICE_UNAVAILABLE, "timed_out", "took too long");
static DISK_FULL: Sort = sort(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "disk full");
static INTERNAL: Sort = sort(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error");
static MEDIA_TYPE: Sort = sort(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "unsupported media type");
static METHOD: Sort = sort(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "method not allowed");
static TIMEOUT: Sort = sort(StatusCode::REQUEST_TIMEOUT, "request_timeout", "request timeout");

/// The body of every error.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// Names the sort of problem; stable.
    #[schema(example = "urn:vigie:problem:malformed")]
    pub r#type: String,
    /// The sort of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// Names the request in Vigie's own logs.
    pub request_id: Option<String>,
    /// The places that are wrong, when they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemDetail>,
}

/// One place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetail {
    /// The field or parameter.
    pub field: String,
    /// Byte span `[start, end)` within its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<[usize; 2]>,
    /// What is wrong there.
    pub message: String,
}

impl Problem {
    fn of(sort: &'static Sort, detail: impl Into<String>) -> Self {
        Self { sort, detail: detail.into(), errors: Vec::new(), retry_after_s: None, cause: None }
    }

    /// The body is of a media type that the route does not read.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::of(&MEDIA_TYPE, detail)
    }

    /// The path exists, but not with this method.
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::of(&METHOD, detail)
    }

    /// The client sent its request too slowly.
    pub fn request_timeout(detail: impl Into<String>) -> Self {
        Self::of(&TIMEOUT, detail)
    }

    /// A bare status that a library answered with, in our shape.
    pub fn from_status(status: StatusCode, detail: impl Into<String>) -> Self {
        let kind = match status {
            StatusCode::METHOD_NOT_ALLOWED => return Self::method_not_allowed(detail),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => return Self::unsupported_media_type(detail),
            StatusCode::REQUEST_TIMEOUT => return Self::request_timeout(detail),
            StatusCode::UNAUTHORIZED => ErrorKind::Unauthenticated,
            StatusCode::FORBIDDEN => ErrorKind::Forbidden,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::CONFLICT => ErrorKind::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            StatusCode::UNPROCESSABLE_ENTITY => ErrorKind::Invalid,
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::Throttled,
            StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Unavailable,
            StatusCode::INSUFFICIENT_STORAGE => ErrorKind::DiskFull,
            status if status.is_server_error() => ErrorKind::Internal,
            _ => ErrorKind::Malformed,
        };
        Error::new(kind, detail).into()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.sort.status
    }

    /// What is wrong and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// When the caller may try again, if it is worth it.
    pub const fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// What really happened, for the log; only of internal errors.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The body for the request with this id.
    pub fn view(&self, request_id: Option<&str>) -> ProblemView {
        ProblemView {
            r#type: format!("urn:vigie:problem:{}", self.sort.name),
            title: self.sort.title.to_owned(),
            status: self.sort.status.as_u16(),
            detail: self.detail.clone(),
            request_id: request_id.map(ToOwned::to_owned),
            errors: self.errors.clone(),
        }
    }

    /// The answer to the request with this id. The problem stays in its extensions, for `observe`.
    pub fn respond(self, request_id: Option<&str>) -> Response {
        let mut response = (self.status(), Json(self.view(request_id))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"vigie\", ApiKey realm=\"vigie\""),
            );
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Self::of(sort_of(error.kind), error.message);
        problem.errors = error.details.into_iter().map(ProblemDetail::from).collect();
        problem.retry_after_s = error.retry_after_s;
        match error.kind {
            ErrorKind::Throttled => {
                problem.retry_after_s.get_or_insert(THROTTLED_RETRY_AFTER_S);
            }
            ErrorKind::Unavailable => {
                problem.retry_after_s.get_or_insert(UNAVAILABLE_RETRY_AFTER_S);
            }
            ErrorKind::TimedOut => {
                problem.retry_after_s.get_or_insert(TIMED_OUT_RETRY_AFTER_S);
            }
            ErrorKind::Internal => {
                let shown = "something went wrong inside vigie; its log has the cause under this request id".to_owned();
                problem.cause = Some(std::mem::replace(&mut problem.detail, shown));
                problem.errors.clear();
            }
            ErrorKind::Malformed
            | ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::TooLarge
            | ErrorKind::DiskFull => {}
        }
        problem
    }
}

fn sort_of(kind: ErrorKind) -> &'static Sort {
    match kind {
        ErrorKind::Malformed => &MALFORMED,
        ErrorKind::Invalid => &INVALID,
        ErrorKind::Unauthenticated => &UNAUTHENTICATED,
        ErrorKind::Forbidden => &FORBIDDEN,
        ErrorKind::NotFound => &NOT_FOUND,
        ErrorKind::Conflict => &CONFLICT,
        ErrorKind::TooLarge => &TOO_LARGE,
        ErrorKind::TimedOut => &TIMED_OUT,
        ErrorKind::Throttled => &THROTTLED,
        ErrorKind::Unavailable => &UNAVAILABLE,
        ErrorKind::DiskFull => &DISK_FULL,
        ErrorKind::Internal => &INTERNAL,
    }
}

impl From<ErrorDetail> for ProblemDetail {
    fn from(detail: ErrorDetail) -> Self {
        Self { field: detail.field, span: detail.span.map(|(start, end)| [start, end]), message: detail.message }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { .. } => Error::new(ErrorKind::TooLarge, error.to_string()).into(),
            BodyError::TooSlow { .. } => Self::request_timeout(error.to_string()),
        }
    }
}

impl From<axum::Error> for Problem {
    fn from(error: axum::Error) -> Self {
        BodyError::within(&error).map_or_else(
            || Error::malformed("the request body could not be read to its end; send it again").into(),
            Self::from,
        )
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        match BodyError::within(&error) {
            Some(body_error) => body_error.into(),
            None => {
                let reason = error.source().map_or_else(|| error.body_text(), ToString::to_string);
                Error::malformed(format!("the multipart body is broken: {}", reason.to_lowercase())).into()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ErrorKind, expected: u16) {
        let problem = Problem::from(Error::new(kind, "the disk \"/dev/sda\" broke"));
        assert_eq!(problem.status().as_u16(), expected, "{kind:?}");
    }

    #[test]
    fn each_kind_has_one_status() {
        check(ErrorKind::Malformed, 400);
        check(ErrorKind::Invalid, 422);
        check(ErrorKind::Unauthenticated, 401);
        check(ErrorKind::Forbidden, 403);
        check(ErrorKind::NotFound, 404);
        check(ErrorKind::Conflict, 409);
        check(ErrorKind::TooLarge, 413);
        check(ErrorKind::TimedOut, 503);
        check(ErrorKind::Throttled, 429);
        check(ErrorKind::Unavailable, 503);
        check(ErrorKind::DiskFull, 507);
        check(ErrorKind::Internal, 500);
    }

    #[test]
    fn the_cause_of_an_internal_error_is_kept_from_the_caller() {
        let problem = Problem::from(Error::internal("part 7 of /var/lib/vigie is damaged"));
        let shown = serde_json::to_string(&problem.view(Some("r1"))).unwrap();
        assert!(!shown.contains("/var/lib"), "{shown}");
        assert!(shown.contains("\"request_id\":\"r1\""), "{shown}");
        assert_eq!(problem.cause(), Some("part 7 of /var/lib/vigie is damaged"));
    }

    #[test]
    fn answers_say_what_a_client_needs() {
        let header = |kind: ErrorKind, name: header::HeaderName| {
            Problem::from(Error::new(kind, "no")).into_response().headers().get(name).is_some()
        };
        assert!(header(ErrorKind::Unauthenticated, header::WWW_AUTHENTICATE));
        // Every 429 and every 503 says when.
        assert!(header(ErrorKind::Throttled, header::RETRY_AFTER));
        assert!(header(ErrorKind::Unavailable, header::RETRY_AFTER));
        assert!(header(ErrorKind::TimedOut, header::RETRY_AFTER));
        assert!(!header(ErrorKind::NotFound, header::RETRY_AFTER));
    }
}
