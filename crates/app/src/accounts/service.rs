//! The accounts use case: adding users, logging in and out, and telling who a caller is.
//!
//! It decides; passwords, API keys, hashing, tokens, sessions and back-off are each in their own file.

use std::fmt;
use std::sync::Arc;

use vigie_domain::ports::MetadataStore;
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use super::api_keys::ApiKeys;
use super::caller::{Caller, Proof};
use super::failed_logins::FailedLogins;
use super::live_callers::{LiveCaller, LiveCallers};
use super::password_hash::{HashCost, Hasher};
use super::password_rule::check_new_password;
use super::permission::Role;
use super::proven_passwords::ProvenPasswords;
use super::random::generated_password;
use super::sessions::{Granted, RefreshToken, Sessions, invalid_refresh_token};
use super::tokens::{ACCESS_TOKEN_S, Access, TokenKeys, invalid_access_token};
use super::username::Username;
use super::users::{StoredUser, User, UserRecord, Users};
use crate::clock::Clock;

/// Name of the user made on the first start.
const FIRST_ADMIN: &str = "admin@localhost";

/// What may differ from one installation to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountsSettings {
    /// What a new password hash costs.
    pub hash_cost: HashCost,
}

/// Users, their logins, their sessions and their API keys.
pub struct Accounts {
    pub(super) users: Users,
    pub(super) sessions: Sessions,
    pub(super) api_keys: ApiKeys,
    pub(super) live: LiveCallers,
    pub(super) failed_logins: FailedLogins,
    pub(super) proven_passwords: ProvenPasswords,
    pub(super) hasher: Hasher,
    token_keys: TokenKeys,
    clock: Clock,
    /// One change at a time that could leave no admin behind.
    admins: tokio::sync::Mutex<()>,
}

/// What a client gets for a login or a refresh. Its tokens are never printed.
pub struct Session {
    /// Proves who the caller is, at every request.
    pub access_token: String,
    /// Good for one refresh.
    pub refresh_token: String,
    /// Seconds until the access token expires.
    pub expires_in_s: u64,
    /// Seconds until the refresh token expires.
    pub refresh_expires_in_s: u64,
    /// Who logged in.
    pub user: User,
}

/// The user made on the first start.
#[derive(PartialEq, Eq)]
pub struct FirstAdmin {
    /// Name to log in with.
    pub username: String,
    /// The password, unless one was given; shown once and stored nowhere.
    pub generated_password: Option<String>,
}

impl Accounts {
    /// Accounts in that store.
    ///
    /// # Errors
    /// `Internal` when the operating system gives no random bytes.
    pub fn open(store: Arc<dyn MetadataStore>, token_keys: TokenKeys, clock: Clock) -> Result<Self> {
        Self::open_with(store, token_keys, clock, AccountsSettings::default())
    }

    /// Accounts in that store, with settings of one's own.
    ///
    /// # Errors
    /// `Invalid` when a setting is out of its range.
    pub fn open_with(
        store: Arc<dyn MetadataStore>,
        token_keys: TokenKeys,
        clock: Clock,
        settings: AccountsSettings,
    ) -> Result<Self> {
        Ok(Self {
            users: Users::new(Arc::clone(&store)),
            sessions: Sessions::new(Arc::clone(&store)),
            api_keys: ApiKeys::new(store),
            live: LiveCallers::default(),
            failed_logins: FailedLogins::default(),
            proven_passwords: ProvenPasswords::new()?,
            hasher: Hasher::new(settings.hash_cost)?,
            token_keys,
            clock,
            admins: tokio::sync::Mutex::new(()),
        })
    }

    /// Makes an admin when there is no user at all; without a password, one is generated.
    ///
    /// # Errors
    /// `Invalid` when the password breaks the rule.
    pub async fn ensure_first_admin(&self, password: Option<String>) -> Result<Option<FirstAdmin>> {
        if !self.users.is_empty().await? {
            return Ok(None);
        }
        let generated_password = if password.is_none() { Some(generated_password()?) } else { None };
        let chosen = password.as_ref().or(generated_password.as_ref()).map_or("", String::as_str);
        match self.add_user(FIRST_ADMIN, Role::Admin, chosen).await {
            Ok(user) => Ok(Some(FirstAdmin { username: user.username, generated_password })),
            // Another process was quicker.
            Err(error) if error.kind == ErrorKind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a user who may log in at once.
    ///
    /// # Errors
    /// `Invalid` when the name or the password breaks its rule; `Conflict` when the name is taken.
    pub async fn add_user(&self, username: &str, role: Role, password: &str) -> Result<User> {
        let username = Username::parse(username)?;
        check_new_password(password, &username)?;
        let password_hash = self.hasher.hash(password).await?;
        let added = self.users.add(UserRecord::new(&username, role, password_hash, self.now())).await?;
        tracing::info!(user_id = added.id, role = role.as_str(), "a user was added");
        Ok(added.user())
    }

    /// Sets a new password and ends all sessions of the user.
    ///
    /// # Errors
    /// `NotFound` when there is no such user; `Invalid` when the password breaks the rule.
    pub async fn reset_password(&self, username: &str, password: &str) -> Result<User> {
        let username = Username::parse(username)?;
        check_new_password(password, &username)?;
        let password_hash = self.hasher.hash(password).await?;
        let now = self.now();
        let changed = self
            .users
            .change(&username, |record| {
                record.password_hash.clone_from(&password_hash);
                record.password_changed_at = now;
                record.session_epoch += 1;
            })
            .await?;
        self.end_all_sessions(&changed.id).await?;
        tracing::info!(user_id = changed.id, "a password was reset and its sessions were ended");
        Ok(changed.user())
    }

    /// Lets a user log in, or no longer; the latter ends all their sessions.
    ///
    /// # Errors
    /// `NotFound` when there is no such user; `Conflict` when nobody could log in as admin any more.
    pub async fn set_enabled(&self, username: &str, enabled: bool) -> Result<User> {
        let username = Username::parse(username)?;
        let _one_at_a_time = self.admins.lock().await;
        if !enabled {
            self.refuse_for_the_last_admin(&username).await?;
        }
        let changed = self
            .users
            .change(&username, |record| {
                record.enabled = enabled;
                record.session_epoch += u64::from(!enabled);
            })
            .await?;
        if !enabled {
            self.end_all_sessions(&changed.id).await?;
        }
        tracing::info!(user_id = changed.id, enabled, "a user was enabled or disabled");
        Ok(changed.user())
    }

    /// Takes a refresh token for a new pair of tokens. It is good once: using it again ends the session.
    ///
    /// # Errors
    /// `Unauthenticated` when it is not the latest one of a session that goes on.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Session> {
        let now = self.now();
        let token = RefreshToken::parse(refresh_token).ok_or_else(invalid_refresh_token)?;
        let session_id = token.session_id();
        let session = self.sessions.get(&session_id, now).await?.ok_or_else(invalid_refresh_token)?;
        let user = self.users.get(&session.record.user_id).await?;
        let Some(user) = user.filter(|user| may_go_on(user, session.record.epoch)) else {
            self.end_session(&session_id).await?;
            return Err(invalid_refresh_token());
        };
        let Some(granted) = self.sessions.rotate(session, &token, now).await? else {
            self.live.forget(&session_id);
            return Err(invalid_refresh_token());
        };
        self.session_of(&user, granted, now)
    }

    /// Ends the caller's session: none of its tokens is accepted any more. Without a session nothing ends.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached; the session then goes on.
    pub async fn logout(&self, caller: &Caller) -> Result<()> {
        match &caller.proof {
            Proof::Session { id } => self.end_session(id).await,
            Proof::Password | Proof::Key { .. } => Ok(()),
        }
    }

    /// Ends the session of a refresh token, for clients whose access token has expired. An old token of
    /// the session does as well; one of no session changes nothing.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached; the session then goes on.
    pub async fn logout_by_refresh_token(&self, refresh_token: &str) -> Result<()> {
        match RefreshToken::parse(refresh_token) {
            Some(token) => self.end_session(&token.session_id()).await,
            None => Ok(()),
        }
    }

    /// Who the bearer of the access token is. What another process changed is seen within a second.
    ///
    /// # Errors
    /// `Unauthenticated` unless the token is ours and valid, its session goes on, and its user is
    /// enabled and still of the role that it names.
    pub async fn authenticate(&self, access_token: &str) -> Result<Caller> {
        let now = self.now();
        let access = self.token_keys.verify(access_token, now)?;
        let caller = self.caller_of_session(&access.session_id, now).await?;
        caller
            .filter(|caller| caller.user_id == access.user_id && caller.role == access.role)
            .ok_or_else(invalid_access_token)
    }

    /// The caller's own user.
    ///
    /// # Errors
    /// `Unauthenticated` when the user is gone.
    pub async fn me(&self, caller: &Caller) -> Result<User> {
        self.users.get(&caller.user_id).await?.map(|user| user.user()).ok_or_else(invalid_access_token)
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whom the session belongs to now, or did within the last second.
    async fn caller_of_session(&self, id: &str, now: Timestamp) -> Result<Option<Caller>> {
        if let Some(caller) = self.live.get(id, now) {
            return Ok(Some(caller));
        }
        let generation = self.live.generation();
        let Some(session) = self.sessions.get(id, now).await? else {
            return Ok(None);
        };
        let user = self.users.get(&session.record.user_id).await?;
        let Some(user) = user.filter(|user| may_go_on(user, session.record.epoch)) else {
            return Ok(None);
        };
        let caller = Caller::of(user, Proof::Session { id: id.to_owned() });
        let live = LiveCaller { caller: caller.clone(), expires_at: session.record.expires_at };
        self.live.remember(id, live, now, generation);
        Ok(Some(caller))
    }

    async fn refuse_for_the_last_admin(&self, username: &Username) -> Result<()> {
        let Some(user) = self.users.by_name(username.folded()).await? else {
            return Ok(());
        };
        if user.record.role == Role::Admin && !self.users.has_other_admin(&user.id).await? {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("\"{}\" is the last admin who may log in; enable or add another first", username.shown()),
            ));
        }
        Ok(())
    }

    async fn end_session(&self, id: &str) -> Result<()> {
        self.sessions.end(id).await?;
        self.live.forget(id);
        Ok(())
    }

    async fn end_all_sessions(&self, user_id: &str) -> Result<()> {
        // The raised epoch has ended them already; this clears away what is left of them.
        self.live.forget_all_of(user_id);
        self.proven_passwords.forget_all_of(user_id);
        self.sessions.end_all_of(user_id).await
    }

    pub(super) fn session_of(&self, user: &StoredUser, granted: Granted, now: Timestamp) -> Result<Session> {
        let Granted { session, refresh_token } = granted;
        let end = session.record.expires_at;
        let expires_at = now.saturating_add_nanos(ACCESS_TOKEN_S * NANOS_PER_SECOND).min(end);
        let access = Access { user_id: user.id.clone(), session_id: session.id, role: user.record.role };
        Ok(Session {
            access_token: self.token_keys.sign(&access, now, expires_at)?,
            refresh_token,
            expires_in_s: seconds_between(now, expires_at),
            refresh_expires_in_s: seconds_between(now, end),
            user: user.user(),
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for FirstAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstAdmin").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Whether what was begun in that epoch goes on.
pub(super) fn may_go_on(user: &StoredUser, epoch: u64) -> bool {
    user.record.enabled && user.record.session_epoch == epoch
}

fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_seconds().saturating_sub(from.as_seconds())).unwrap_or(0)
}
