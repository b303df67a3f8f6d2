//! What was last read of sessions and their users: spares the store a look at every request.
//!
//! It remembers only that a session was good, for at most a second, and forgets it at once when this
//! process ends it. What another process changes is therefore seen within that second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vigie_domain::{Timestamp, time::NANOS_PER_SECOND};

use super::permission::Role;

/// How old an answer may be.
const AGE_MAX_NANOS: i64 = NANOS_PER_SECOND;
/// Sessions that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// A session that was good when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveSession {
    pub(super) user_id: String,
    pub(super) username: String,
    pub(super) role: Role,
    pub(super) expires_at: Timestamp,
}

/// Remembers sessions that were good a moment ago.
#[derive(Default)]
pub(super) struct LiveSessions {
    remembered: Mutex<Remembered>,
}

/// How often something had been forgotten when a look at the store began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

#[derive(Default)]
struct Remembered {
    forgotten_count: u64,
    by_id: HashMap<String, (Timestamp, LiveSession)>,
}

impl LiveSessions {
    /// The session, when it was looked at within the last second.
    pub(super) fn get(&self, id: &str, now: Timestamp) -> Option<LiveSession> {
        let remembered = self.lock();
        let (looked_at, session) = remembered.by_id.get(id)?;
        (is_fresh(*looked_at, now) && now < session.expires_at).then(|| session.clone())
    }

    /// To be asked for before looking into the store.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.lock().forgotten_count)
    }

    /// Remembers what a look at the store that began in `generation` found, unless something was
    /// forgotten since: it might be that very session.
    pub(super) fn remember(&self, id: &str, session: LiveSession, looked_at: Timestamp, generation: Generation) {
        let mut remembered = self.lock();
        if remembered.forgotten_count != generation.0 {
            return;
        }
        if remembered.by_id.len() >= REMEMBERED_MAX {
            remembered.by_id.retain(|_, (earlier, _)| is_fresh(*earlier, looked_at));
        }
        if remembered.by_id.len() < REMEMBERED_MAX {
            remembered.by_id.insert(id.to_owned(), (looked_at, session));
        }
    }

    /// Forgets the session.
    pub(super) fn forget(&self, id: &str) {
        let mut remembered = self.lock();
        remembered.forgotten_count += 1;
        remembered.by_id.remove(id);
    }

    /// Forgets all sessions of the user.
    pub(super) fn forget_all_of(&self, user_id: &str) {
        let mut remembered = self.lock();
        remembered.forgotten_count += 1;
        remembered.by_id.retain(|_, (_, session)| session.user_id != user_id);
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        // Every change is a single insertion or removal: a panic leaves no half-made state.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an answer of `looked_at` may still be given; not when the clock has stepped back since.
fn is_fresh(looked_at: Timestamp, now: Timestamp) -> bool {
    looked_at <= now && now < looked_at.saturating_add_nanos(AGE_MAX_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(user_id: &str) -> LiveSession {
        let expires_at = Timestamp::from_seconds(1_000);
        LiveSession { user_id: user_id.into(), username: "anne".into(), role: Role::Viewer, expires_at }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_answer_is_given_for_a_second() {
        let live = LiveSessions::default();
        live.remember("s1", session("u1"), at(5_000), live.generation());
        let check =
            |millis: i64, expected: bool| assert_eq!(live.get("s1", at(millis)).is_some(), expected, "{millis}");
        check(5_000, true);
        check(5_999, true);
        check(6_000, false);
        check(4_999, false);
        assert_eq!(live.get("s2", at(5_000)), None);
    }

    #[test]
    fn an_expired_session_is_not_given_however_fresh() {
        let live = LiveSessions::default();
        live.remember("s1", session("u1"), at(999_900), live.generation());
        assert!(live.get("s1", at(999_999)).is_some());
        assert!(live.get("s1", at(1_000_000)).is_none());
    }

    #[test]
    fn what_was_forgotten_meanwhile_is_not_remembered() {
        let live = LiveSessions::default();
        let before = live.generation();
        live.forget("s1");
        live.remember("s1", session("u1"), at(0), before);
        assert_eq!(live.get("s1", at(0)), None);
        live.remember("s1", session("u1"), at(0), live.generation());
        live.remember("s2", session("u1"), at(0), live.generation());
        live.remember("s3", session("u2"), at(0), live.generation());
        live.forget_all_of("u1");
        let left = ["s1", "s2", "s3"].map(|id| live.get(id, at(0)).is_some());
        assert_eq!(left, [false, false, true]);
    }

    #[test]
    fn the_memory_is_bounded() {
        let live = LiveSessions::default();
        for number in 0..REMEMBERED_MAX + 10 {
            live.remember(&number.to_string(), session("u1"), at(0), live.generation());
        }
        assert_eq!(live.lock().by_id.len(), REMEMBERED_MAX);
        live.remember("late", session("u1"), at(1_000), live.generation());
        assert_eq!(live.lock().by_id.len(), 1, "what was too old made room");
    }
}
