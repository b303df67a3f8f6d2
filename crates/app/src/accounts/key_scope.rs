//! What an API key may be used for. Managing users, keys and the installation is in no scope: a key that leaks
//! cannot make itself another one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vigie_domain::Error;

use super::permission::Permission;

/// One use of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Sending events, in requests and as files.
    Ingest,
    /// Reading logs and what is computed from them.
    Read,
    /// Having transactions judged for fraud.
    Score,
}

impl KeyScope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Read, Self::Score];

    /// Whether a key with this scope has the permission, as far as its owner has it.
    pub const fn covers(self, permission: Permission) -> bool {
        match self {
            Self::Ingest => matches!(permission, Permission::LogsIngest | Permission::LogsUpload),
            Self::Read => matches!(permission, Permission::LogsRead | Permission::LogsSql | Permission::LogsExport),
            Self::Score => matches!(permission, Permission::FraudScore),
        }
    }

    /// The scope that has the permission, if any has.
    pub fn covering(permission: Permission) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.covers(permission))
    }

    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Score => "score",
        }
    }
}

/// The scopes as they are named to people.
pub(super) fn names(scopes: &[KeyScope]) -> String {
    let quoted: Vec<String> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
    quoted.join(", ")
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyScope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = || names(&Self::ALL);
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| Error::invalid(format!("unknown scope \"{text}\"; use one or more of {}", known())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_covers_what_it_says_and_no_more() {
        let check = |scope: KeyScope, expected: &[Permission]| {
            let covered: Vec<_> = Permission::ALL.into_iter().filter(|asked| scope.covers(*asked)).collect();
            assert_eq!(covered, expected, "{scope}");
        };
        check(KeyScope::Ingest, &[Permission::LogsIngest, Permission::LogsUpload]);
        check(KeyScope::Read, &[Permission::LogsRead, Permission::LogsSql, Permission::LogsExport]);
        check(KeyScope::Score, &[Permission::FraudScore]);
    }

    #[test]
    fn names_are_read_back_and_others_refused() {
        for scope in KeyScope::ALL {
            assert_eq!(scope.as_str().parse::<KeyScope>().unwrap(), scope);
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        for text in ["", "Read", "admin", "ingest,read"] {
            assert!(text.parse::<KeyScope>().is_err(), "{text}");
        }
    }
}
