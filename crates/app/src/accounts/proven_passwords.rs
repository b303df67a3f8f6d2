//! Passwords that were proven a moment ago, so that a client that sends one with every request pays for one Argon2
//! hash a minute and not for one a request.
//!
//! No password is kept: only an HMAC-SHA-256 of it under a key that is made at start and never leaves this process.
//! Whether the user is still the one who proved it is asked of the store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::digest::CtOutput;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Error, Result, Timestamp};

use super::permission::Role;
use super::random::random_bytes;
use super::users::StoredUser;

/// How long a proven password is remembered, in seconds.
const REMEMBERED_S: i64 = 60;
/// Accounts that are remembered.
const REMEMBERED_MAX: usize = 1_000;
/// How many hashes may be waited for at once; requests with the same password share one.
const TURNS: usize = 16;

/// Tells an account with a password from all others without holding either. Compared in constant time.
#[derive(Clone)]
pub(super) struct Mark(CtOutput<Hmac<Sha256>>);

/// Who proved a password, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proven {
    pub(super) user_id: String,
    /// The user's `session_epoch` then.
    pub(super) epoch: u64,
    /// The user's role then.
    pub(super) role: Role,
    proven_at: Timestamp,
}

/// Remembers proven passwords, at most one of each account.
pub(super) struct ProvenPasswords {
    keyed: Hmac<Sha256>,
    by_account: Mutex<HashMap<String, (Mark, Proven)>>,
    turns: [tokio::sync::Mutex<()>; TURNS],
}

impl Proven {
    /// That user, now.
    pub(super) fn of(user: &StoredUser, now: Timestamp) -> Self {
        let record = &user.record;
        Self { user_id: user.id.clone(), epoch: record.session_epoch, role: record.role, proven_at: now }
    }

    /// Until when it is remembered.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.proven_at.saturating_add_nanos(REMEMBERED_S * NANOS_PER_SECOND)
    }

    /// Not either when the clock has stepped back since.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.proven_at <= now && now < self.expires_at()
    }
}

impl ProvenPasswords {
    /// Nothing proven yet.
    pub(super) fn new() -> Result<Self> {
        let keyed = Hmac::new_from_slice(&random_bytes::<32>()?)
            .map_err(|cause| Error::internal(format!("a key for passwords cannot be used: {cause}")))?;
        Ok(Self { keyed, by_account: Mutex::default(), turns: std::array::from_fn(|_| tokio::sync::Mutex::default()) })
    }

    /// What stands for the password of the account.
    pub(super) fn mark(&self, account: &str, password: &str) -> Mark {
        let mut hmac = self.keyed.clone();
        // The length parts the two, so that no other pair gives the same bytes.
        hmac.update(&(account.len() as u64).to_le_bytes());
        hmac.update(account.as_bytes());
        hmac.update(password.as_bytes());
        Mark(hmac.finalize())
    }

    /// Who proved this password of the account within the last minute.
    pub(super) fn get(&self, account: &str, mark: &Mark, now: Timestamp) -> Option<Proven> {
        let by_account = self.lock();
        let (known, proven) = by_account.get(account)?;
        (known.0 == mark.0 && proven.is_fresh(now)).then(|| proven.clone())
    }

    /// Waits for whoever computes the hash of the same password.
    pub(super) async fn turn(&self, mark: &Mark) -> tokio::sync::MutexGuard<'_, ()> {
        let first = mark.0.clone().into_bytes().first().copied().unwrap_or_default();
        self.turns[usize::from(first) % TURNS].lock().await
    }

    /// Remembers a proven password in place of the one before. When there is no room, it is not.
    pub(super) fn remember(&self, account: &str, mark: Mark, proven: Proven) {
        let mut by_account = self.lock();
        if by_account.len() >= REMEMBERED_MAX {
            by_account.retain(|_, (_, earlier)| earlier.is_fresh(proven.proven_at));
        }
        if by_account.len() < REMEMBERED_MAX || by_account.contains_key(account) {
            by_account.insert(account.to_owned(), (mark, proven));
        }
    }

    /// Forgets what the user proved.
    pub(super) fn forget_all_of(&self, user_id: &str) {
        self.lock().retain(|_, (_, proven)| proven.user_id != user_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Mark, Proven)>> {
        // Every change is a single insertion or removal: a panic leaves no half-made state.
        self.by_account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_700_000_000 + second)
    }

    fn proven(user_id: &str, second: i64) -> Proven {
        Proven { user_id: user_id.into(), epoch: 1, role: Role::Viewer, proven_at: at(second) }
    }

    #[test]
    fn only_the_same_account_and_password_are_recognised_for_a_minute() {
        let passwords = ProvenPasswords::new().unwrap();
        passwords.remember("anne", passwords.mark("anne", "secret"), proven("u1", 0));
        let check = |account: &str, password: &str, second: i64, expected: bool| {
            let mark = passwords.mark(account, password);
            assert_eq!(passwords.get(account, &mark, at(second)).is_some(), expected, "{account} {password} {second}");
        };
        check("anne", "secret", 0, true);
        check("anne", "secret", 59, true);
        check("anne", "secret", 60, false);
        check("anne", "secret", -1, false);
        check("anne", "secret2", 1, false);
        check("anne", "", 1, false);
        check("bruno", "secret", 1, false);
        assert!(passwords.get("anne", &passwords.mark("ann", "esecret"), at(1)).is_none());
        let other_process = ProvenPasswords::new().unwrap();
        assert!(passwords.get("anne", &other_process.mark("anne", "secret"), at(1)).is_none());
        passwords.forget_all_of("u1");
        check("anne", "secret", 1, false);
    }

    #[test]
    fn the_memory_is_bounded() {
        let passwords = ProvenPasswords::new().unwrap();
        let remember = |account: &str, second: i64| {
            passwords.remember(account, passwords.mark(account, "secret"), proven("u1", second));
        };
        (0..REMEMBERED_MAX + 10).for_each(|number| remember(&number.to_string(), 0));
        assert_eq!(passwords.lock().len(), REMEMBERED_MAX);
        remember("7", 59);
        assert!(passwords.get("7", &passwords.mark("7", "secret"), at(60)).is_some(), "it takes its own place");
        remember("late", 60);
        assert_eq!(passwords.lock().len(), 2, "what was too old made room");
    }
}
