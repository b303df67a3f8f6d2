//! gRPC's framing of one request and one answer over HTTP/2: a flag, a length, the message; the outcome in trailers.
//!
//! Only unary calls, which is all that OTLP has. <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use vigie_domain::Error;
use vigie_pipeline::otlp::{self, Encoding, Failure, RpcCode};

use super::{retry_after_s, rpc_code};
use crate::http::error::Problem;

/// Flag and length before each message.
const PREFIX_BYTES: usize = 5;
/// What a message may be packed with; which one it is, its first bytes tell.
const READABLE: [&str; 4] = ["identity", "gzip", "deflate", "zstd"];
/// [`READABLE`], for senders.
const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,gzip,deflate,zstd");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether the request is a call.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    let content_type = super::content_type(headers);
    content_type == "application/grpc" || content_type.starts_with("application/grpc+proto")
}

/// The message of a call, packed as it was sent; a packed one is known by its first bytes.
///
/// # Errors
/// When it is packed in a way that cannot be read, or is not one message.
pub(super) fn message_of(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Problem> {
    let prefix: Option<&[u8; PREFIX_BYTES]> = body.first_chunk();
    let Some([flag, length @ ..]) = prefix else {
        return Err(Error::malformed("the call has no message; send one with its length before it").into());
    };
    let message = body.slice(PREFIX_BYTES..);
    let announced = u32::from_be_bytes(*length) as usize;
    if announced != message.len() {
        let words = format!("the message has {} bytes, not the {announced} before it; send it whole", message.len());
        return Err(Error::malformed(words).into());
    }
    let encoding = headers.get(GRPC_ENCODING).map_or("identity", |value| value.to_str().unwrap_or("?"));
    match flag {
        0 => Ok(message),
        1 if READABLE.contains(&encoding) => Ok(message),
        1 => {
            let words = format!("messages packed with \"{encoding}\" cannot be read; use gzip, zstd or none");
            Err(Problem::unsupported_media_type(words))
        }
        _ => Err(Error::malformed(format!("the message has the unknown flag {flag}; use 0 or 1")).into()),
    }
}

/// The answer to a call that went well.
pub(super) fn respond(message: &[u8]) -> Response {
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(0);
    // An answer is a few hundred bytes.
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from(RpcCode::Ok as u16));
    let frames = [Frame::data(Bytes::from(framed)), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
    call_response(Body::new(StreamBody::new(futures_util::stream::iter(frames))))
}

/// The answer to a call that failed; it has no message.
pub(super) fn refuse(problem: &Problem) -> Response {
    let code = rpc_code(problem.status());
    refuse_with(&Failure { code, message: problem.detail(), retry_after_s: retry_after_s(problem) })
}

/// The answer to a call of something that is not there.
pub(super) fn unimplemented(path: &str) -> Response {
    let path: String = path.chars().take(200).collect();
    let message = format!("there is no \"{path}\" here; Vigie takes the logs of OpenTelemetry");
    refuse_with(&Failure { code: RpcCode::Unimplemented, message: &message, retry_after_s: None })
}

fn refuse_with(failure: &Failure<'_>) -> Response {
    let mut response = call_response(Body::empty());
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(failure.code as u16));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(failure.message)) {
        headers.insert(GRPC_MESSAGE, message);
    }
    let details = STANDARD_NO_PAD.encode(otlp::failure(Encoding::Protobuf, failure));
    if let Ok(details) = HeaderValue::from_str(&details) {
        headers.insert(GRPC_DETAILS, details);
    }
    response
}

fn call_response(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
    response.headers_mut().insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    response
}

/// Visible ASCII as it is, the rest as `%` and two digits.
fn percent_encoded(text: &str) -> String {
    let sign = |byte: u8| match byte {
        b'%' => "%25".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Option<&'static str>, body: &'static [u8], expected: Result<&[u8], &str>) {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(GRPC_ENCODING, HeaderValue::from_static(encoding));
        }
        match (message_of(&headers, &Bytes::from_static(body)), expected) {
            (Ok(message), Ok(expected)) => assert_eq!(message, expected),
            (Err(problem), Err(words)) => assert!(problem.detail().contains(words), "{}", problem.detail()),
            (found, _) => panic!("{body:?}: {found:?}"),
        }
    }

    #[test]
    fn a_call_has_one_message() {
        check(None, b"\0\0\0\0\x02ab", Ok(b"ab"));
        check(Some("gzip"), b"\x01\0\0\0\x02ab", Ok(b"ab"));
        check(Some("snappy"), b"\0\0\0\0\x02ab", Ok(b"ab"));
        check(Some("snappy"), b"\x01\0\0\0\x02ab", Err("\"snappy\""));
        check(None, b"", Err("no message"));
        check(None, b"\0\0\0\0", Err("no message"));
        check(None, b"\0\0\0\0\x03ab", Err("2 bytes, not the 3"));
        check(None, b"\0\0\0\0\x01ab", Err("2 bytes, not the 1"));
        check(None, b"\x02\0\0\0\0", Err("unknown flag 2"));
    }

    #[test]
    fn a_failure_is_in_the_headers() {
        let response = refuse(&Problem::from(Error::malformed("50 % of \"é\"")));
        let header = |name: HeaderName| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header(GRPC_STATUS), Some("3"));
        assert_eq!(header(GRPC_MESSAGE), Some("50 %25 of \"%C3%A9\""));
        let details = STANDARD_NO_PAD.decode(header(GRPC_DETAILS).unwrap()).unwrap();
        assert_eq!(details[..2], [8, 3]);
        assert_eq!(unimplemented("/x").headers()[GRPC_STATUS], "12");
    }
}
