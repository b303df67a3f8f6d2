//! Roles, what each of them may do, and the permissions that routes ask for.
//!
//! Roles are ordered: each may do everything that the one before may.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vigie_domain::Error;

/// What a user is, from the least to the most powerful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads logs, dashboards and analytics.
    Viewer,
    /// Also sends and uploads logs, and keeps searches.
    Analyst,
    /// Also looks after users.
    Moderator,
    /// May do everything.
    Admin,
}

/// What a caller needs in order to use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Nothing, not even a login.
    Public,
    /// Any valid login.
    Authenticated,
    /// Reading logs and what is computed from them.
    LogsRead,
    /// Asking SQL of logs, which may cost more than a search.
    LogsSql,
    /// Taking every event that matches away as a file.
    LogsExport,
    /// Saving searches, and having one's own remembered.
    SearchesKeep,
    /// Sending events.
    LogsIngest,
    /// Uploading files of events.
    LogsUpload,
    /// Deleting events.
    LogsDelete,
    /// Having transactions judged for fraud.
    FraudScore,
    /// Saying what turned out about payments: cases and labels.
    FraudDecide,
    /// Changing what payments are suspected for.
    FraudRules,
    /// Trying pipelines and seeing which are in force.
    PipelinesTest,
    /// Making and deleting API keys: one's own, and as an admin everybody's.
    KeysManage,
    /// Creating and changing users.
    UsersManage,
    /// Changing the installation itself.
    Administer,
}

impl Role {
    /// Every role, from the least to the most powerful.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Analyst, Self::Moderator, Self::Admin];

    /// Whether a user of this role has the permission.
    pub fn allows(self, permission: Permission) -> bool {
        permission.least_role().is_none_or(|least| self >= least)
    }

    /// The name used in the API, in tokens and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            Error::invalid(format!("unknown role \"{text}\"; use one of viewer, analyst, moderator, admin"))
        })
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 16] = [
        Self::Public,
        Self::Authenticated,
        Self::LogsRead,
        Self::LogsSql,
        Self::LogsExport,
        Self::SearchesKeep,
        Self::LogsIngest,
        Self::LogsUpload,
        Self::LogsDelete,
        Self::FraudScore,
        Self::FraudDecide,
        Self::FraudRules,
        Self::PipelinesTest,
        Self::KeysManage,
        Self::UsersManage,
        Self::Administer,
    ];

    /// The name used in the table of routes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Authenticated => "authenticated",
            Self::LogsRead => "logs:read",
            Self::LogsSql => "logs:sql",
            Self::LogsExport => "logs:export",
            Self::SearchesKeep => "searches:keep",
            Self::LogsIngest => "logs:ingest",
            Self::LogsUpload => "logs:upload",
            Self::LogsDelete => "logs:delete",
            Self::FraudScore => "fraud:score",
            Self::FraudDecide => "fraud:decide",
            Self::FraudRules => "fraud:rules",
            Self::PipelinesTest => "pipelines:test",
            Self::KeysManage => "keys:manage",
            Self::UsersManage => "users:manage",
            Self::Administer => "administer",
        }
    }

    /// The least powerful role that has it; `None` when no login is needed.
    pub const fn least_role(self) -> Option<Role> {
        match self {
            Self::Public => None,
            Self::Authenticated | Self::LogsRead => Some(Role::Viewer),
            Self::LogsSql
            | Self::LogsExport
            | Self::SearchesKeep
            | Self::LogsIngest
            | Self::LogsUpload
            | Self::FraudScore
            | Self::FraudDecide
            | Self::PipelinesTest
            | Self::KeysManage => Some(Role::Analyst),
            Self::FraudRules | Self::UsersManage => Some(Role::Moderator),
            Self::LogsDelete | Self::Administer => Some(Role::Admin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_begins_at_its_role() {
        let check = |permission: Permission, allowed: [bool; 4]| {
            assert_eq!(Role::ALL.map(|role| role.allows(permission)), allowed, "{}", permission.as_str());
        };
        check(Permission::Public, [true, true, true, true]);
        check(Permission::Authenticated, [true, true, true, true]);
        check(Permission::LogsRead, [true, true, true, true]);
        check(Permission::LogsSql, [false, true, true, true]);
        check(Permission::LogsExport, [false, true, true, true]);
        check(Permission::SearchesKeep, [false, true, true, true]);
        check(Permission::LogsIngest, [false, true, true, true]);
        check(Permission::LogsUpload, [false, true, true, true]);
        check(Permission::LogsDelete, [false, false, false, true]);
        check(Permission::FraudScore, [false, true, true, true]);
        check(Permission::FraudDecide, [false, true, true, true]);
        check(Permission::FraudRules, [false, false, true, true]);
        check(Permission::PipelinesTest, [false, true, true, true]);
        check(Permission::KeysManage, [false, true, true, true]);
        check(Permission::UsersManage, [false, false, true, true]);
        check(Permission::Administer, [false, false, false, true]);
    }

    #[test]
    fn role_names_are_read_back_and_others_refused() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for text in ["", "Admin", "root", " admin"] {
            assert!(text.parse::<Role>().is_err(), "{text}");
        }
    }
}
