//! `vigie user`: adds users and sets new passwords, also while a server runs on the same data folder.

use clap::{Args, Subcommand};
use rand::Rng;
use serde_json::json;
use vigie_app::accounts::{Accounts, Role, User};

use super::{Console, Failure, FolderArguments, Outcome, runtime};
use crate::config::{Environment, Settings, USER_PASSWORD_VARIABLE};
use crate::wire;

const EXAMPLES: &str = "\
The password is taken from the variable VIGIE_USER_PASSWORD; without it, one is made and printed once.

Examples:
  vigie user add marie@example.com --role analyst
  VIGIE_USER_PASSWORD=… vigie user reset admin@localhost";

/// Groups of a made password, and characters in each: 20 of 32 characters are 100 random bits.
const PASSWORD_GROUPS: usize = 5;
const PASSWORD_GROUP_CHARS: usize = 4;
/// Characters that are not mistaken for one another.
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";

/// What about users.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct UserArguments {
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Add a user.
    Add {
        /// The user's name, such as an e-mail address.
        username: String,
        /// What the user may do: viewer, analyst, moderator or admin.
        #[arg(long, default_value = "viewer", value_parser = parse_role)]
        role: Role,
        /// Write the user as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Set a new password and end the user's sessions.
    Reset {
        /// The user's name.
        username: String,
        /// Write the user as JSON.
        #[arg(long)]
        json: bool,
    },
}

fn parse_role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: vigie_domain::Error| error.message)
}

pub(super) fn run(
    arguments: &UserArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let given = environment.get(USER_PASSWORD_VARIABLE);
    let made = if given.is_none() { Some(made_password()) } else { None };
    let password = given.or(made.as_deref()).unwrap_or_default();
    let metadata = wire::open_metadata(settings)?;
    let accounts = wire::open_accounts(settings, metadata)?;
    let changed = runtime()?.block_on(change(&accounts, &arguments.action, password));
    let (user, is_json) = changed.map_err(|error| {
        let is_about_password = error.details.iter().any(|detail| detail.field == "password");
        if is_about_password { Failure::of_variable(USER_PASSWORD_VARIABLE, error) } else { error.into() }
    })?;
    if is_json {
        let shown = json!({"id": user.id, "username": user.username, "role": user.role, "password": made});
        console.line(&shown.to_string())?;
        return Ok(Outcome::Done);
    }
    console.line(&format!("user \"{}\" has the role {}", user.username, user.role))?;
    match made {
        Some(password) => console.line(&format!("password (shown once): {password}"))?,
        None => console.line(&format!("password: the one in {USER_PASSWORD_VARIABLE}"))?,
    }
    Ok(Outcome::Done)
}

async fn change(accounts: &Accounts, action: &UserAction, password: &str) -> vigie_domain::Result<(User, bool)> {
    match action {
        UserAction::Add { username, role, json } => Ok((accounts.add_user(username, *role, password).await?, *json)),
        UserAction::Reset { username, json } => Ok((accounts.reset_password(username, password).await?, *json)),
    }
}

fn made_password() -> String {
    let mut random = rand::rng();
    let mut group = || -> String {
        (0..PASSWORD_GROUP_CHARS)
            .map(|_| char::from(PASSWORD_ALPHABET[random.random_range(0..PASSWORD_ALPHABET.len())]))
            .collect()
    };
    (0..PASSWORD_GROUPS).map(|_| group()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_are_long_and_differ() {
        let (first, second) = (made_password(), made_password());
        assert_eq!(first.len(), PASSWORD_GROUPS * PASSWORD_GROUP_CHARS + PASSWORD_GROUPS - 1);
        assert_ne!(first, second);
    }
}
