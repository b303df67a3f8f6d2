//! Who makes a request, how they proved it, and what they may therefore do.

use vigie_domain::{Error, ErrorKind, Result};

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
}

impl Caller {
    /// The user as a caller.
    pub(super) fn of(user: StoredUser, proof: Proof) -> Self {
        Self { user_id: user.id, username: user.record.username, role: user.record.role, proof }
    }

    /// Refuses a caller without the permission, and says what is missing.
    ///
    /// # Errors
    /// `Forbidden` when the role does not include it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        let has = self.role;
        match permission.least_role().filter(|least| has < *least) {
            None => Ok(()),
            Some(needed) => {
                let words = format!("this needs the role \"{needed}\" and you are \"{has}\"; ask an admin for it");
                Err(Error::new(ErrorKind::Forbidden, words))
            }
        }
    }
}
