//! The variables that the process was started with; only those that concern Vigie.

use std::collections::BTreeMap;
use std::fmt;

use super::ConfigError;

/// Variables that begin with this are settings, or among `OTHER_VARIABLES`.
pub(super) const VARIABLE_PREFIX: &str = "VIGIE_";
/// Sets the first admin's password.
pub const ADMIN_PASSWORD_VARIABLE: &str = "VIGIE_ADMIN_PASSWORD";
/// The API key or access token of `import --url`, `query --url` and `tail`, where a flag would be seen by every user of the machine.
pub const TOKEN_VARIABLE: &str = "VIGIE_TOKEN";
/// A password for `user add` and `user reset`.
pub const USER_PASSWORD_VARIABLE: &str = "VIGIE_USER_PASSWORD";
pub(super) const OTHER_VARIABLES: [&str; 3] = [ADMIN_PASSWORD_VARIABLE, TOKEN_VARIABLE, USER_PASSWORD_VARIABLE];

/// What the process was started with, read once.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Values may be secret; only names are shown.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// The variables of this process that concern Vigie.
    ///
    /// # Errors
    /// When one of them is not UTF-8.
    pub fn of_process() -> Result<Self, ConfigError> {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(VARIABLE_PREFIX)) else { continue };
            let value = value
                .into_string()
                .map_err(|_| ConfigError(format!("the variable \"{name}\" is not UTF-8; set it anew")))?;
            variables.insert(name.to_owned(), value);
        }
        Ok(Self(variables))
    }

    /// These variables.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The variables that are settings.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.filter(|(name, _)| !OTHER_VARIABLES.contains(name))
    }
}
