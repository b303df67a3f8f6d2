//! Accounts: users, logins, sessions and what roles may do.
//!
//! No HTTP and no files: whoever wires it passes the store, the keys and the clock in. Nothing that is
//! secret is stored as it is: passwords as Argon2id hashes, refresh tokens and API keys as SHA-256.

mod api_keys;
mod caller;
mod failed_logins;
mod key_scope;
mod key_text;
mod live_callers;
mod password_hash;
mod password_login;
mod password_rule;
pub mod permission;
mod proven_passwords;
mod random;
mod service;
mod sessions;
mod tokens;
mod username;
mod users;
mod verified_tokens;

#[cfg(test)]
mod basic_tests;
#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod login_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod test_house;

pub use api_keys::{ApiKey, KEYS_PER_USER_MAX, MadeKey, NewKey};
pub use caller::{Caller, Proof};
pub use key_scope::KeyScope;
pub use key_text::KeyText;
pub use password_hash::HashCost;
pub use permission::{Permission, Role};
pub(crate) use random::random_id;
pub use service::{Accounts, AccountsSettings, FirstAdmin, Session};
pub use tokens::TokenKeys;
pub use users::User;
