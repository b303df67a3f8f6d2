//! The one error of use cases and ports: a kind that callers decide by, and words that a person reads.
//!
//! It knows no HTTP: the server maps a kind to a status in one place.

use std::fmt;

/// Shorthand for results of use cases and ports.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is; decides how a caller reacts, never how it is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request could not be understood.
    Malformed,
    /// The request was understood but its content is wrong.
    Invalid,
    /// The caller did not prove who they are.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// The thing named does not exist.
    NotFound,
    /// Somebody else changed it first, or it exists already.
    Conflict,
    /// A stated bound was exceeded.
    TooLarge,
    /// A stated time was over before there was an answer.
    TimedOut,
    /// Too many requests; come back later.
    Throttled,
    /// A store or service behind is not available.
    Unavailable,
    /// The disk is full, or nearly.
    DiskFull,
    /// A bug or damaged data: nothing the caller can mend.
    Internal,
}

/// A failure with words for a person, and where in the input it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// How callers react.
    pub kind: ErrorKind,
    /// Lower case, no full stop; names the thing, quotes it, says what to do.
    pub message: String,
    /// Where it is wrong, when that is known.
    pub details: Vec<ErrorDetail>,
    /// After how many seconds it is worth trying again, when that is known.
    pub retry_after_s: Option<u64>,
}

/// One place that is wrong: a field, a line or a span of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    /// The field or parameter concerned.
    pub field: String,
    /// Byte span `[start, end)` within it.
    pub span: Option<(usize, usize)>,
    /// What is wrong there and what to do.
    pub message: String,
}

impl Error {
    /// An error of `kind` with `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), retry_after_s: None }
    }

    /// The same error with one more place that is wrong.
    #[must_use]
    pub fn with_detail(mut self, detail: ErrorDetail) -> Self {
        self.details.push(detail);
        self
    }

    /// The same error, worth trying again after so many seconds.
    #[must_use]
    pub fn with_retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// A request that could not be understood.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, message)
    }

    /// A request whose content is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// A field or parameter that could not be understood; `errors[]` of the answer names it.
    pub fn malformed_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::malformed(message).at(field)
    }

    /// A field or parameter whose content is wrong; `errors[]` of the answer names it.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(message).at(field)
    }

    fn at(self, field: impl Into<String>) -> Self {
        let detail = ErrorDetail { field: field.into(), span: None, message: self.message.clone() };
        self.with_detail(detail)
    }

    /// The thing named does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A bug or damaged data.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
