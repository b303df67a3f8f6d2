//! OpenTelemetry logs (OTLP): the request's log records to events, from protobuf and from JSON, and the answers in both.
//!
//! A request is read whole or not at all; a record that cannot be an event is refused by itself. Protocol:
//! <https://opentelemetry.io/docs/specs/otlp/>; messages: `opentelemetry/proto/logs/v1/logs.proto`.

mod answer;
mod binary;
mod json;
mod record;

use std::str::FromStr;

use crate::error::DecodeError;
use crate::framed::Assembler;

pub use answer::{Failure, RpcCode, failure, partial_success, success};

/// Levels of lists and objects in each other within a value.
pub const VALUE_DEPTH_MAX: usize = 20;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Binary Protocol Buffers.
    Protobuf,
    /// JSON, as OTLP maps it: ids in hexadecimal, long numbers as strings.
    Json,
}

impl Encoding {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// A media type that is none of OTLP's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content type {0:?} is none of OTLP; send application/x-protobuf or application/json")]
pub struct UnknownMediaType(String);

impl FromStr for Encoding {
    type Err = UnknownMediaType;

    fn from_str(content_type: &str) -> Result<Self, UnknownMediaType> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/x-protobuf" | "application/protobuf" => Ok(Self::Protobuf),
            "application/json" => Ok(Self::Json),
            _ => Err(UnknownMediaType(content_type.chars().take(100).collect())),
        }
    }
}

/// Whether the same request again would be the same records again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// Each record has a time of its own, so the same bytes are the same records: the sender has had no answer.
    Same,
    /// Some record has none, so the same bytes may well be new records.
    MayBeNew,
}

/// Puts the records of an `ExportLogsServiceRequest` into the assembler.
///
/// # Errors
/// When it cannot be read; what was put in until then is then to be forgotten.
pub fn push_logs(request: &[u8], encoding: Encoding, assembler: &mut Assembler<'_>) -> Result<Recurrence, DecodeError> {
    let pushed = match encoding {
        Encoding::Protobuf => binary::push_request(request, assembler).map_err(|broken| broken.to_string()),
        Encoding::Json => json::push_request(request, assembler),
    };
    pushed.map_err(|reason| DecodeError::Protocol { protocol: "OTLP", reason })
}

#[cfg(test)]
mod tests;
