//! Who one is by a password: once, for a session, or with every request (Basic, RFC 7617).
//!
//! Both go the same way, with the same back-off and the same lines in the log. Whoever tries in vain learns nothing
//! of whether the user exists, is disabled or has another password.

use std::net::IpAddr;

use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use super::caller::{Caller, Proof};
use super::live_callers::LiveCaller;
use super::password_rule::PASSWORD_CHARS_MAX;
use super::proven_passwords::{Mark, Proven};
use super::service::{Accounts, Session, may_go_on};
use super::username::{USERNAME_CHARS_MAX, Username, fold};
use super::users::StoredUser;

impl Accounts {
    /// Begins a session for whoever knows the password.
    ///
    /// # Errors
    /// `Unauthenticated` when name and password do not belong together; `Throttled` after too many
    /// failed logins of the account or the address, or when too many log in at once.
    pub async fn login(&self, username: &str, password: &str, address: IpAddr) -> Result<Session> {
        let now = self.now();
        let user = self.prove_password(username, password, (address, now)).await?;
        let granted = self.sessions.begin(&user.id, user.record.session_epoch, now).await?;
        tracing::info!(user_id = user.id, session_id = granted.session.id, "a user logged in");
        self.session_of(&user, granted, now)
    }

    /// Whom the user name and the password of a request belong to. What was proven is remembered for a minute, and
    /// no longer once the user's password, role or right to log in has changed; in another process, for a second more.
    ///
    /// # Errors
    /// As `login`; nobody waits who was right within the last minute.
    pub async fn authenticate_password(&self, username: &str, password: &str, address: IpAddr) -> Result<Caller> {
        let account = account_of(username);
        let mark = self.proven_passwords.mark(&account, password);
        if let Some(caller) = self.caller_of_proven(&account, &mark).await? {
            return Ok(caller);
        }
        // Of many requests that a client begins with, one computes the hash and the others wait for it.
        let _turn = self.proven_passwords.turn(&mark).await;
        if let Some(caller) = self.caller_of_proven(&account, &mark).await? {
            return Ok(caller);
        }
        let now = self.now();
        let user = self.prove_password(username, password, (address, now)).await?;
        tracing::info!(user_id = user.id, "a user sent their password with a request");
        self.proven_passwords.remember(&account, mark, Proven::of(&user, now));
        Ok(Caller::of(user, Proof::Password))
    }

    async fn caller_of_proven(&self, account: &str, mark: &Mark) -> Result<Option<Caller>> {
        let now = self.now();
        let Some(proven) = self.proven_passwords.get(account, mark, now) else {
            return Ok(None);
        };
        let live_name = format!("password of {}", proven.user_id);
        if let Some(caller) = self.live.get(&live_name, now).filter(|caller| caller.role == proven.role) {
            return Ok(Some(caller));
        }
        let generation = self.live.generation();
        let user = self.users.get(&proven.user_id).await?;
        let is_unchanged = |user: &StoredUser| may_go_on(user, proven.epoch) && user.record.role == proven.role;
        let Some(user) = user.filter(is_unchanged) else {
            self.proven_passwords.forget_all_of(&proven.user_id);
            return Ok(None);
        };
        let caller = Caller::of(user, Proof::Password);
        let live = LiveCaller { caller: caller.clone(), expires_at: proven.expires_at() };
        self.live.remember(&live_name, live, now, generation);
        Ok(Some(caller))
    }

    /// The user whose name and password these are; a wrong one counts towards the back-off.
    async fn prove_password(
        &self,
        username: &str,
        password: &str,
        (address, now): (IpAddr, Timestamp),
    ) -> Result<StoredUser> {
        let attempt = self.failed_logins.begin(&account_of(username), address, now)?;
        match self.user_with_password(username, password).await {
            Ok(Some(user)) => {
                self.failed_logins.succeeded(&attempt);
                Ok(user)
            }
            Ok(None) => {
                self.failed_logins.failed(&attempt);
                Err(wrong_login())
            }
            Err(error) => {
                self.failed_logins.forget(&attempt);
                Err(error)
            }
        }
    }

    /// The user of that name, when the password is theirs and they may log in. The work is the same
    /// for everyone.
    async fn user_with_password(&self, username: &str, password: &str) -> Result<Option<StoredUser>> {
        let user = match Username::parse(username) {
            Ok(name) => self.users.by_name(name.folded()).await?,
            Err(_) => None,
        };
        let is_possible = password.chars().nth(PASSWORD_CHARS_MAX).is_none();
        let (password, user) = if is_possible { (password, user) } else { ("", None) };
        let stored_hash = user.as_ref().map(|user| user.record.password_hash.as_str());
        let is_right = self.hasher.verify(password, stored_hash).await?;
        if let Some(user) = user.as_ref().filter(|user| !is_right || !user.record.enabled) {
            tracing::warn!(user_id = user.id, enabled = user.record.enabled, "a login was refused");
        }
        Ok(user.filter(|user| is_right && user.record.enabled))
    }
}

/// What failed logins are counted by, and proven passwords remembered by.
fn account_of(username: &str) -> String {
    fold(username).chars().take(USERNAME_CHARS_MAX).collect()
}

fn wrong_login() -> Error {
    Error::new(ErrorKind::Unauthenticated, "user name and password do not belong together; check both")
}
