//! Readers of what clients say on open connections over text alone, as fuzzing asks them: whatever the text is, they answer and
//! never panic.

use vigie_app::tail::TailInput;

use crate::http::tail::read_request;
use crate::http::views::tail::TailRequest;

/// The events that a message of a live tail's client asks for; `None` when it asks for none, or is no such message.
pub fn read_tail_request(text: &str) -> Option<TailInput> {
    match read_request(text).ok()? {
        TailRequest::Query { query, filters, rate } => Some(TailInput { query, filters, rate }),
        TailRequest::Pause | TailRequest::Resume => None,
    }
}
