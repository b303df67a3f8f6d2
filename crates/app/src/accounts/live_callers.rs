//! What was last read of proofs and their users: spares the store a look at every request.
//!
//! It remembers only that a proof (a session, a password, an API key) was good, for at most a second, and forgets it
//! at once when this process ends it. What another process changes is therefore seen within that second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vigie_domain::{Timestamp, time::NANOS_PER_SECOND};

use super::caller::Caller;

/// How old an answer may be.
const AGE_MAX_NANOS: i64 = NANOS_PER_SECOND;
/// Proofs that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// Whom a proof that was good when it was looked at belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveCaller {
    pub(super) caller: Caller,
    /// When the proof ends by itself.
    pub(super) expires_at: Timestamp,
}

/// Remembers proofs that were good a moment ago, by a name that no two of them share.
#[derive(Default)]
pub(super) struct LiveCallers {
    remembered: Mutex<Remembered>,
}

/// How often something had been forgotten when a look at the store began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

#[derive(Default)]
struct Remembered {
    forgotten_count: u64,
    by_proof: HashMap<String, (Timestamp, LiveCaller)>,
}

impl LiveCallers {
    /// The caller of the proof, when it was looked at within the last second.
    pub(super) fn get(&self, proof: &str, now: Timestamp) -> Option<Caller> {
        let remembered = self.lock();
        let (looked_at, live) = remembered.by_proof.get(proof)?;
        (is_fresh(*looked_at, now) && now < live.expires_at).then(|| live.caller.clone())
    }

    /// To be asked for before looking into the store.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.lock().forgotten_count)
    }

    /// Remembers what a look at the store that began in `generation` found, unless something was
    /// forgotten since: it might be that very proof.
    pub(super) fn remember(&self, proof: &str, live: LiveCaller, looked_at: Timestamp, generation: Generation) {
        let mut remembered = self.lock();
        if remembered.forgotten_count != generation.0 {
            return;
        }
        if remembered.by_proof.len() >= REMEMBERED_MAX {
            remembered.by_proof.retain(|_, (earlier, _)| is_fresh(*earlier, looked_at));
        }
        if remembered.by_proof.len() < REMEMBERED_MAX {
            remembered.by_proof.insert(proof.to_owned(), (looked_at, live));
        }
    }

    /// Forgets the proof.
    pub(super) fn forget(&self, proof: &str) {
        let mut remembered = self.lock();
        remembered.forgotten_count += 1;
        remembered.by_proof.remove(proof);
    }

    /// Forgets all proofs of the user.
    pub(super) fn forget_all_of(&self, user_id: &str) {
        let mut remembered = self.lock();
        remembered.forgotten_count += 1;
        remembered.by_proof.retain(|_, (_, live)| live.caller.user_id != user_id);
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
    use super::super::{Proof, Role};
    use super::*;

    fn live(user_id: &str) -> LiveCaller {
        let proof = Proof::Session { id: "s".into() };
        let caller = Caller { user_id: user_id.into(), username: "anne".into(), role: Role::Viewer, proof };
        LiveCaller { caller, expires_at: Timestamp::from_seconds(1_000) }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_answer_is_given_for_a_second() {
        let remembered = LiveCallers::default();
        remembered.remember("s1", live("u1"), at(5_000), remembered.generation());
        let check =
            |millis: i64, expected: bool| assert_eq!(remembered.get("s1", at(millis)).is_some(), expected, "{millis}");
        check(5_000, true);
        check(5_999, true);
        check(6_000, false);
        check(4_999, false);
        assert_eq!(remembered.get("s2", at(5_000)), None);
    }

    #[test]
    fn an_expired_proof_is_not_given_however_fresh() {
        let remembered = LiveCallers::default();
        remembered.remember("s1", live("u1"), at(999_900), remembered.generation());
        assert!(remembered.get("s1", at(999_999)).is_some());
        assert!(remembered.get("s1", at(1_000_000)).is_none());
    }

    #[test]
    fn what_was_forgotten_meanwhile_is_not_remembered() {
        let remembered = LiveCallers::default();
        let before = remembered.generation();
        remembered.forget("s1");
        remembered.remember("s1", live("u1"), at(0), before);
        assert_eq!(remembered.get("s1", at(0)), None);
        remembered.remember("s1", live("u1"), at(0), remembered.generation());
        remembered.remember("s2", live("u1"), at(0), remembered.generation());
        remembered.remember("s3", live("u2"), at(0), remembered.generation());
        remembered.forget_all_of("u1");
        let left = ["s1", "s2", "s3"].map(|id| remembered.get(id, at(0)).is_some());
        assert_eq!(left, [false, false, true]);
    }

    #[test]
    fn the_memory_is_bounded() {
        let remembered = LiveCallers::default();
        for number in 0..REMEMBERED_MAX + 10 {
            remembered.remember(&number.to_string(), live("u1"), at(0), remembered.generation());
        }
        assert_eq!(remembered.lock().by_proof.len(), REMEMBERED_MAX);
        remembered.remember("late", live("u1"), at(1_000), remembered.generation());
        assert_eq!(remembered.lock().by_proof.len(), 1, "what was too old made room");
    }
}
