//! Names of users: which are allowed, and when two of them are the same.
//!
//! Only ASCII, so that no two names look alike and differ; letter case is shown but does not count.

use vigie_domain::{Error, Result};

/// Longest name, in characters: the longest e-mail address there can be.
pub(super) const USERNAME_CHARS_MAX: usize = 254;

/// A name that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Username {
    shown: String,
    folded: String,
}

impl Username {
    /// Checks the name that a person typed; blanks around it do not count.
    pub(super) fn parse(typed: &str) -> Result<Self> {
        let shown = typed.trim();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
        if shown.is_empty() || shown.len() > USERNAME_CHARS_MAX || !shown.chars().all(is_allowed) {
            let message = format!(
                "a user name has 1 to {USERNAME_CHARS_MAX} characters, only ASCII letters, digits and . _ @ + -; choose another"
            );
            return Err(Error::invalid_field("username", message));
        }
        Ok(Self { shown: shown.to_owned(), folded: fold(shown) })
    }

    /// As it was typed.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The same for all spellings of one name.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }
}

/// What all spellings of one name have in common.
pub(super) fn fold(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascii_without_blanks() {
        let check = |typed: &str, expected: Option<&str>| {
            let name = Username::parse(typed).ok();
            assert_eq!(name.as_ref().map(Username::folded), expected, "{typed:?}");
        };
        check("admin@localhost", Some("admin@localhost"));
        check("  Anne-Marie+shop@Example.FR ", Some("anne-marie+shop@example.fr"));
        check("a", Some("a"));
        check(&"x".repeat(254), Some(&"x".repeat(254)));
        check(&"x".repeat(255), None);
        check("", None);
        check("   ", None);
        check("anne marie", None);
        check("аdmin", None); // a Cyrillic letter that looks like "a"
        check("admin\0", None);
        check("<script>", None);
    }

    #[test]
    fn the_case_is_shown_but_does_not_count() {
        let name = Username::parse("Anne").unwrap();
        assert_eq!((name.shown(), name.folded()), ("Anne", "anne"));
    }
}
