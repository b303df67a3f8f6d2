//! Why a text is no rule, and why a rule gave no answer.

use super::syntax::Span;

/// Why a text is no rule. The first thing that is wrong, not all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {}: {message}", span.0)]
pub struct CompileError {
    /// What is wrong and what to write, without the place.
    pub message: String,
    /// The part of the text that is meant: its first byte and the one behind its last. Always at borders of characters.
    pub span: (usize, usize),
}

impl CompileError {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span: (span.start.into(), span.end.into()) }
    }
}

/// Why a rule gave no answer for a payment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A value that the answer depends on is not there; the slot. Of several the first in the schema.
    #[error("slot {0} has no value")]
    Missing(usize),
    /// The rule cannot be worked out for these values: overflow, division by zero, a text that is no number.
    #[error("{0}")]
    Failed(String),
}
