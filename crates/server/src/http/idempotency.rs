//! Requests that are safe to send again: the header `Idempotency-Key` names one, and its first answer is kept.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use vigie_app::kept_answers::{Asked, KeptAnswer, Open, Question, check_key};
use vigie_domain::Error;

use super::auth::Caller;
use super::error::{ApiResult, Problem};
use super::extract::JsonBytes;
use super::state::AppState;

/// Names a request, so that sending it again does nothing twice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer was given before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of the request, if it has one.
///
/// # Errors
/// `Malformed` when it is empty, too long or not visible ASCII.
pub fn key(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let words = "the header \"Idempotency-Key\" must be visible ASCII characters";
    let key = value.to_str().map_err(|_| Error::malformed_field("Idempotency-Key", words))?;
    check_key(key)?;
    Ok(Some(key.to_owned()))
}

/// The request of this caller to this route, when it has a key.
pub fn question(caller: &Caller, route: &str, key: Option<&str>, content: &[&[u8]]) -> Option<Question> {
    key.map(|key| Question::new(&caller.account.user_id, route, key, content))
}

/// What is to be done about a request.
pub enum Turn {
    /// It was answered before; this is that answer.
    Answered(KeptAnswer),
    /// It is to be answered; with a key, its answer is to be kept.
    ToAnswer(Option<Open>),
}

impl Turn {
    /// What is to be done about the request.
    ///
    /// # Errors
    /// `Conflict` while the same request is being answered.
    pub fn of(state: &AppState, question: Option<Question>) -> Result<Self, Problem> {
        let Some(question) = question else { return Ok(Self::ToAnswer(None)) };
        Ok(match state.answers.ask(question)? {
            Asked::Again(kept) => Self::Answered(kept),
            Asked::First(open) => Self::ToAnswer(Some(open)),
        })
    }
}

/// The first answer, given again.
pub fn replay(kept: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let replayed = [(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"))];
    (status, replayed, JsonBytes(kept.body)).into_response()
}

/// The first answer, kept if the request has a key.
pub fn answer(open: Option<Open>, status: StatusCode, body: Bytes) -> Response {
    if let Some(open) = open {
        open.answer(KeptAnswer { status: status.as_u16(), body: body.clone() });
    }
    (status, JsonBytes(body)).into_response()
}
