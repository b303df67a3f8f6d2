//! OpenTelemetry's protocol (OTLP) over HTTP and gRPC: what both have in common, and the input that speaks both.
//!
//! Errors become what the specification asks for: a `google.rpc.Status` in the encoding of the request, with an HTTP or a
//! gRPC status that says whether it is worth sending again. <https://opentelemetry.io/docs/specs/otlp/>

mod grpc;
mod input;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use vigie_app::ingest::{Repetition, Sent, SentReport};
use vigie_domain::Error;
use vigie_pipeline::otlp::{self, Encoding, Failure, Recurrence, RpcCode};

use super::error::Problem;

pub use input::OtlpInput;

/// The path for logs.
pub const LOGS_PATH: &str = "/v1/logs";
/// Refused records whose reasons are told.
const TOLD_REASONS_MAX: usize = 3;
/// When it is worth sending again what failed for a while, unless it is known better.
const RETRY_AFTER_S: u64 = 5;

/// The request, to be stored.
pub fn sent(encoding: Encoding, body: Bytes) -> Sent<Error> {
    let read = move |bytes: &[u8], assembler: &mut vigie_pipeline::Assembler<'_>| {
        Ok(match otlp::push_logs(bytes, encoding, assembler)? {
            Recurrence::Same => Repetition::IsTheSame,
            Recurrence::MayBeNew => Repetition::MayBeNew,
        })
    };
    Sent { input: "otlp", body, unpacked_bytes: None, refused_max: TOLD_REASONS_MAX, read: Box::new(read) }
}

/// The message that says what became of the request.
pub fn answer(encoding: Encoding, report: &SentReport) -> Vec<u8> {
    if report.rejected == 0 {
        return otlp::success(encoding);
    }
    otlp::partial_success(encoding, report.rejected, &refusals(report))
}

/// How many records were refused, and why the first were.
pub fn refusals(report: &SentReport) -> String {
    let total = report.stored + report.deduplicated + report.rejected;
    let mut reasons: Vec<&str> = report.refused.iter().map(|refused| refused.reason.as_str()).collect();
    reasons.dedup();
    format!("{} of {total} records are refused, the others are stored: {}", report.rejected, reasons.join("; "))
}

/// An answer over HTTP.
pub fn respond(status: StatusCode, encoding: Encoding, message: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(encoding.media_type()));
    response
}

/// The refusal of a request over HTTP.
pub fn refuse(problem: &Problem, encoding: Encoding) -> Response {
    let status = http_status(problem.status());
    let retry_after_s = retry_after_s(problem);
    let failure = Failure { code: rpc_code(problem.status()), message: problem.detail(), retry_after_s };
    let mut response = respond(status, encoding, otlp::failure(encoding, &failure));
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The encoding in which a request is answered whose own cannot be told.
pub fn encoding_of(headers: &HeaderMap) -> Encoding {
    content_type(headers).parse().unwrap_or(Encoding::Json)
}

/// The media type of the body as it was sent.
pub fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A full disk passes, and senders try again only after the statuses of the specification.
fn http_status(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::INSUFFICIENT_STORAGE => StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    }
}

fn retry_after_s(problem: &Problem) -> Option<u64> {
    let is_passing = matches!(
        problem.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE
    );
    problem.retry_after_s().or(is_passing.then_some(RETRY_AFTER_S))
}

/// The code of an HTTP status. Without a time to try again, `ResourceExhausted` says that it is no use.
fn rpc_code(status: StatusCode) -> RpcCode {
    match status {
        StatusCode::UNAUTHORIZED => RpcCode::Unauthenticated,
        StatusCode::FORBIDDEN => RpcCode::PermissionDenied,
        StatusCode::NOT_FOUND => RpcCode::NotFound,
        StatusCode::REQUEST_TIMEOUT => RpcCode::DeadlineExceeded,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => RpcCode::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => RpcCode::Unavailable,
        StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::METHOD_NOT_ALLOWED => RpcCode::Unimplemented,
        status if status.is_server_error() => RpcCode::Internal,
        _ => RpcCode::InvalidArgument,
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::ErrorKind;

    use super::*;

    fn check(kind: ErrorKind, status: u16, code: i32, is_worth_it: bool) {
        let problem = Problem::from(Error::new(kind, "no"));
        let response = refuse(&problem, Encoding::Json);
        assert_eq!(response.status().as_u16(), status, "{kind:?}");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), is_worth_it, "{kind:?}");
        assert_eq!(rpc_code(problem.status()) as i32, code, "{kind:?}");
    }

    #[test]
    fn each_failure_says_whether_to_send_again() {
        check(ErrorKind::Malformed, 400, 3, false);
        check(ErrorKind::Invalid, 400, 3, false);
        check(ErrorKind::Unauthenticated, 401, 16, false);
        check(ErrorKind::Forbidden, 403, 7, false);
        check(ErrorKind::TooLarge, 413, 8, false);
        check(ErrorKind::Throttled, 429, 8, true);
        check(ErrorKind::Unavailable, 503, 14, true);
        check(ErrorKind::TimedOut, 503, 14, true);
        check(ErrorKind::DiskFull, 503, 14, true);
        check(ErrorKind::Internal, 500, 13, false);
    }
}
