//! What a sender of OTLP is answered, in the encoding in which it asked.
//!
//! Messages: `ExportLogsServiceResponse` of `logs_service.proto`, and `Status` and `RetryInfo` of Google's RPC protos.

use serde_json::json;

use super::Encoding;
use crate::protobuf::{put_bytes, put_varint};

/// The type of the detail that says when to try again.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// How a call ended (`google.rpc.Code`), as far as it is answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpcCode {
    /// It went well.
    Ok = 0,
    /// The request cannot be read.
    InvalidArgument = 3,
    /// The request did not arrive in time.
    DeadlineExceeded = 4,
    /// There is nothing of that name.
    NotFound = 5,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// Too large, or too much at once.
    ResourceExhausted = 8,
    /// This is not spoken here.
    Unimplemented = 12,
    /// Something went wrong inside.
    Internal = 13,
    /// Not now.
    Unavailable = 14,
    /// It is not known who calls.
    Unauthenticated = 16,
}

/// A call that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// How.
    pub code: RpcCode,
    /// What is wrong and what to do.
    pub message: &'a str,
    /// When it is worth trying again, if it is.
    pub retry_after_s: Option<u64>,
}

/// Every record is stored.
pub fn success(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => Vec::new(),
        Encoding::Json => b"{}".to_vec(),
    }
}

/// Some records are not stored, the others are.
pub fn partial_success(encoding: Encoding, rejected_count: u64, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let (mut partial, mut answer) = (Vec::new(), Vec::new());
            put_varint(&mut partial, 1, rejected_count);
            put_bytes(&mut partial, 2, message.as_bytes());
            put_bytes(&mut answer, 1, &partial);
            answer
        }
        Encoding::Json => {
            let partial = json!({"rejectedLogRecords": rejected_count.to_string(), "errorMessage": message});
            json!({"partialSuccess": partial}).to_string().into_bytes()
        }
    }
}

/// Nothing is stored: a `google.rpc.Status`.
pub fn failure(encoding: Encoding, failure: &Failure<'_>) -> Vec<u8> {
    let Failure { code, message, retry_after_s } = *failure;
    match encoding {
        Encoding::Protobuf => {
            let mut status = Vec::new();
            put_varint(&mut status, 1, code as u64);
            put_bytes(&mut status, 2, message.as_bytes());
            if let Some(seconds) = retry_after_s {
                put_bytes(&mut status, 3, &retry_info(seconds));
            }
            status
        }
        Encoding::Json => {
            let details = retry_after_s.map(|s| json!([{"@type": RETRY_INFO, "retryDelay": format!("{s}s")}]));
            let mut status = json!({"code": code as i32, "message": message});
            if let Some(details) = details {
                status["details"] = details;
            }
            status.to_string().into_bytes()
        }
    }
}

/// `RetryInfo` with its delay, as a detail.
fn retry_info(seconds: u64) -> Vec<u8> {
    let (mut delay, mut info, mut detail) = (Vec::new(), Vec::new(), Vec::new());
    put_varint(&mut delay, 1, seconds);
    put_bytes(&mut info, 1, &delay);
    put_bytes(&mut detail, 1, RETRY_INFO.as_bytes());
    put_bytes(&mut detail, 2, &info);
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_the_protocol() {
        let check = |answer: Vec<u8>, expected: &[u8]| assert_eq!(answer, expected, "{}", answer.escape_ascii());
        check(success(Encoding::Protobuf), b"");
        check(success(Encoding::Json), b"{}");
        check(partial_success(Encoding::Protobuf, 3, "no"), b"\x0a\x06\x08\x03\x12\x02no");
        check(
            partial_success(Encoding::Json, 3, "no"),
            br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#,
        );
        let at_once = Failure { code: RpcCode::InvalidArgument, message: "no", retry_after_s: None };
        check(failure(Encoding::Protobuf, &at_once), b"\x08\x03\x12\x02no");
        check(failure(Encoding::Json, &at_once), br#"{"code":3,"message":"no"}"#);
        let later = Failure { code: RpcCode::Unavailable, retry_after_s: Some(5), ..at_once };
        let detail =
            b"\x08\x0e\x12\x02no\x1a\x30\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x05";
        check(failure(Encoding::Protobuf, &later), detail);
        let detail = br#"{"code":14,"message":"no","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"5s"}]}"#;
        check(failure(Encoding::Json, &later), detail);
    }
}
