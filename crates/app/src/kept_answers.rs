//! First answers to requests that carry a key of their own (`Idempotency-Key`): asked again, the same is answered.
//!
//! Kept in memory for a day and within bounds. Losing one loses no event: a batch that comes again with its key is
//! recognised by the log store, also after a restart; its answer then counts the events as stored before.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use crate::Clock;

/// How long an answer is kept.
const KEPT_NS: i64 = NANOS_PER_DAY;
/// Answers that are kept; one more makes the oldest go.
const ANSWERS_MAX: usize = 20_000;
/// Bytes of all bodies that are kept; the oldest go when there are more.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// When a request may come again that came while the same was being answered, in seconds.
const RETRY_AFTER_S: u64 = 1;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 256;

/// A request, told apart from all others: by who asks what, under which key, with which content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question([u8; 32]);

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The status, as the one who answers means it.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// Whether a request is the first of its kind.
pub enum Asked {
    /// It was answered before.
    Again(KeptAnswer),
    /// Nobody has asked it.
    First(Open),
}

/// A request that is being answered. Dropped without an answer, it may be asked again.
pub struct Open {
    answers: Arc<KeptAnswers>,
    question: Question,
}

/// Keeps first answers.
pub struct KeptAnswers {
    clock: Clock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_question: HashMap<Question, KeptAnswer>,
    /// When each answer was given, oldest first.
    ages: VecDeque<(Timestamp, Question)>,
    bytes: usize,
    /// What is being answered; bounded by the number of connections.
    open: HashSet<Question>,
}

impl Question {
    /// The request of this user, route and key. The content is part of it: a key that is used twice by mistake
    /// answers each request with what became of it.
    pub fn new(user_id: &str, route: &str, key: &str, content: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in [user_id.as_bytes(), route.as_bytes(), key.as_bytes()].iter().chain(content) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// Refuses a key that is empty or too long.
///
/// # Errors
/// `Malformed`, with the header as its place.
pub fn check_key(key: &str) -> Result<()> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(());
    }
    Err(Error::malformed_field("Idempotency-Key", format!("the idempotency key must have 1 to {KEY_BYTES_MAX} bytes")))
}

impl KeptAnswers {
    /// No answer yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// What was answered first within the last day, or room for the first answer.
    ///
    /// # Errors
    /// `Conflict` while the same request is being answered.
    pub fn ask(self: &Arc<Self>, question: Question) -> Result<Asked> {
        let mut kept = self.lock();
        kept.forget_until((self.clock)().saturating_add_nanos(-KEPT_NS));
        if let Some(answer) = kept.by_question.get(&question) {
            return Ok(Asked::Again(answer.clone()));
        }
        if !kept.open.insert(question) {
            let words = "the same request with this Idempotency-Key is being answered; ask again in a second";
            return Err(Error::new(ErrorKind::Conflict, words).with_retry_after_s(RETRY_AFTER_S));
        }
        Ok(Asked::First(Open { answers: Arc::clone(self), question }))
    }

    fn keep(&self, question: Question, answer: KeptAnswer) {
        let now = (self.clock)();
        let mut kept = self.lock();
        kept.forget_until(now.saturating_add_nanos(-KEPT_NS));
        if answer.body.len() > BYTES_MAX {
            return;
        }
        while kept.ages.len() >= ANSWERS_MAX || kept.bytes + answer.body.len() > BYTES_MAX {
            kept.forget_oldest();
        }
        kept.bytes += answer.body.len();
        kept.ages.push_back((now, question));
        kept.by_question.insert(question, answer);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // The worst that a panic could leave behind is an answer that is kept for too long.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Keeps the first answer.
    pub fn answer(self, answer: KeptAnswer) {
        self.answers.keep(self.question, answer);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.answers.lock().open.remove(&self.question);
    }
}

impl Kept {
    fn forget_until(&mut self, instant: Timestamp) {
        while self.ages.front().is_some_and(|(at, _)| *at <= instant) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.ages.pop_front().and_then(|(_, question)| self.by_question.remove(&question));
        self.bytes -= oldest.map_or(0, |answer| answer.body.len());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn answers() -> (Arc<KeptAnswers>, Arc<AtomicI64>) {
        let now_s = Arc::new(AtomicI64::new(1_800_000_000));
        let told = Arc::clone(&now_s);
        (Arc::new(KeptAnswers::new(Arc::new(move || Timestamp::from_seconds(told.load(Ordering::SeqCst))))), now_s)
    }

    fn answer(size_bytes: usize) -> KeptAnswer {
        KeptAnswer { status: 200, body: Bytes::from(vec![b'x'; size_bytes]) }
    }

    fn question(key: &str) -> Question {
        Question::new("u1", "POST /api/logs/ingest", key, &[b"body"])
    }

    /// The size of the kept answer; without one, an answer of this size is given.
    fn ask(answers: &Arc<KeptAnswers>, key: &str, size_bytes: usize) -> Option<usize> {
        match answers.ask(question(key)).unwrap() {
            Asked::Again(kept) => Some(kept.body.len()),
            Asked::First(open) => {
                open.answer(answer(size_bytes));
                None
            }
        }
    }

    #[test]
    fn the_first_answer_is_kept_for_a_day() {
        let (answers, now_s) = answers();
        assert_eq!(ask(&answers, "k", 1), None);
        now_s.fetch_add(86_399, Ordering::SeqCst);
        assert_eq!(ask(&answers, "k", 2), Some(1));
        now_s.fetch_add(1, Ordering::SeqCst);
        assert_eq!(ask(&answers, "k", 3), None);
        assert_eq!(answers.lock().bytes, 3);
    }

    #[test]
    fn the_same_is_answered_once_at_a_time() {
        let (answers, _) = answers();
        let open = answers.ask(question("k")).unwrap();
        let busy = answers.ask(question("k")).err().unwrap();
        assert_eq!((busy.kind, busy.retry_after_s), (ErrorKind::Conflict, Some(1)));
        assert_eq!(ask(&answers, "another", 1), None);
        drop(open);
        assert_eq!(ask(&answers, "k", 1), None, "what was not answered may be asked again");
        assert!(answers.lock().open.is_empty());
    }

    #[test]
    fn requests_are_told_apart() {
        let base = Question::new("u", "r", "k", &[b"a", b"b"]);
        let check = |other: Question| assert_ne!(other, base);
        check(Question::new("v", "r", "k", &[b"a", b"b"]));
        check(Question::new("u", "s", "k", &[b"a", b"b"]));
        check(Question::new("u", "r", "l", &[b"a", b"b"]));
        check(Question::new("u", "r", "k", &[b"ab"]));
        check(Question::new("u", "rk", "", &[b"a", b"b"]));
        assert_eq!(Question::new("u", "r", "k", &[b"a", b"b"]), base);
    }

    #[test]
    fn the_memory_is_bounded_and_the_oldest_goes_first() {
        let (answers, _) = answers();
        for number in 0..=ANSWERS_MAX {
            ask(&answers, &number.to_string(), 1);
        }
        assert_eq!(answers.lock().bytes, ANSWERS_MAX);
        assert_eq!((ask(&answers, "1", 1), ask(&answers, "0", 1)), (Some(1), None));
        ask(&answers, "large", BYTES_MAX);
        assert_eq!(answers.lock().by_question.len(), 1);
        assert_eq!(answers.lock().ages.len(), 1);
        ask(&answers, "too large", BYTES_MAX + 1);
        assert_eq!(ask(&answers, "too large", 1), None);
    }

    #[test]
    fn keys_have_a_length() {
        let check = |key: &str, is_right: bool| assert_eq!(check_key(key).is_ok(), is_right);
        check("a", true);
        check(&"a".repeat(256), true);
        check("", false);
        check(&"a".repeat(257), false);
    }
}
