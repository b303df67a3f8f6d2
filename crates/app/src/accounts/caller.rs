//! Who makes a request, how they proved it, and what they may therefore do.
//!
//! A proof never adds to a role, it only takes away: an API key may do what its owner's role and one of its scopes
//! both allow.

use vigie_domain::{Error, ErrorKind, Result};

use super::key_scope::{KeyScope, names};
use super::permission::{Permission, Role};
use super::users::StoredUser;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the user.
    pub user_id: String,
    /// Name of the user.
    pub username: String,
    /// What the user may do.
    pub role: Role,
    /// How they proved who they are.
    pub proof: Proof,
}

/// How a caller proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By an access token.
    Session {
        /// Id of the session.
        id: String,
    },
    /// By user name and password, sent with the request.
    Password,
    /// By an API key.
    Key {
        /// Id of the key.
        id: String,
        /// What it may be used for.
        scopes: Vec<KeyScope>,
    },
}

impl Caller {
    /// The user as a caller.
    pub(super) fn of(user: StoredUser, proof: Proof) -> Self {
        Self { user_id: user.id, username: user.record.username, role: user.record.role, proof }
    }

    /// Refuses a caller without the permission, and says what is missing.
    ///
    /// # Errors
    /// `Forbidden` when the role, or the scopes of the API key, do not include it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        let has = self.role;
        if let Some(needed) = permission.least_role().filter(|least| has < *least) {
            let words = format!("this needs the role \"{needed}\" and you are \"{has}\"; ask an admin for it");
            return Err(Error::new(ErrorKind::Forbidden, words));
        }
        let Proof::Key { scopes, .. } = &self.proof else { return Ok(()) };
        if permission == Permission::Authenticated || scopes.iter().any(|scope| scope.covers(permission)) {
            return Ok(());
        }
        let has = names(scopes);
        let words = match KeyScope::covering(permission) {
            Some(needed) => {
                format!("this needs an API key with the scope \"{needed}\" and yours has {has}; make another")
            }
            None => "no API key may do this, whatever its scopes; sign in instead".to_owned(),
        };
        Err(Error::new(ErrorKind::Forbidden, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: Role, scopes: Option<&[KeyScope]>, permission: Permission, refused_because: Option<&str>) {
        let proof = match scopes {
            None => Proof::Password,
            Some(scopes) => Proof::Key { id: "k".into(), scopes: scopes.to_vec() },
        };
        let caller = Caller { user_id: "u".into(), username: "anne".into(), role, proof };
        let answer = caller.require(permission).map_err(|error| error.message);
        let is_right = match (refused_because, &answer) {
            (None, answer) => answer.is_ok(),
            (Some(words), Err(message)) => message.contains(words),
            (Some(_), Ok(())) => false,
        };
        assert!(is_right, "{role} {scopes:?} {}: {answer:?}", permission.as_str());
    }

    #[test]
    fn role_and_scope_must_both_allow() {
        check(Role::Analyst, None, Permission::LogsIngest, None);
        check(Role::Viewer, None, Permission::LogsIngest, Some("the role \"analyst\" and you are \"viewer\""));
        check(Role::Analyst, Some(&[KeyScope::Ingest]), Permission::LogsIngest, None);
        check(Role::Viewer, Some(&[KeyScope::Ingest]), Permission::LogsIngest, Some("the role \"analyst\""));
        check(Role::Admin, Some(&[KeyScope::Ingest]), Permission::LogsRead, Some("\"read\" and yours has \"ingest\""));
        check(Role::Viewer, Some(&[KeyScope::Score, KeyScope::Read]), Permission::LogsRead, None);
        check(Role::Viewer, Some(&[KeyScope::Ingest]), Permission::Authenticated, None);
        check(Role::Admin, Some(&KeyScope::ALL), Permission::KeysManage, Some("no API key may do this"));
        check(Role::Admin, Some(&KeyScope::ALL), Permission::UsersManage, Some("no API key may do this"));
    }
}
