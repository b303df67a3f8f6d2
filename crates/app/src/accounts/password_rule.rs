//! Which passwords are accepted. It asks for length, not for composition (NIST SP 800-63B §3.1.1.2,
//! OWASP ASVS 5 §6.2), and refuses what guessers try first.
//!
//! Existing passwords are never judged by it: a stricter rule locks nobody out.

use vigie_domain::{Error, Result};

use super::username::Username;

/// Shortest password, in characters: it is the only factor.
pub(super) const PASSWORD_CHARS_MIN: usize = 15;
/// Longest password, in characters.
pub(super) const PASSWORD_CHARS_MAX: usize = 1024;
/// What no password may contain.
const PRODUCT_NAME: &str = "vigie";
/// Names shorter than this occur in harmless passwords.
const NAME_CHARS_MIN: usize = 4;
/// A password that repeats so few characters over and over is as weak as they are.
const REPEATED_CHARS_MAX: usize = 6;

/// The most common passwords of 15 characters and more, letters and digits only, lower case, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Refuses a password that is too short, too long or easy to guess, and says which.
pub(super) fn check_new_password(password: &str, username: &Username) -> Result<()> {
    let refuse = |message: String| Err(Error::invalid_field("password", message));
    let length = password.chars().count();
    if length < PASSWORD_CHARS_MIN {
        return refuse(format!(
            "the password has {length} characters and needs at least {PASSWORD_CHARS_MIN}; several words together are easy to remember"
        ));
    }
    if length > PASSWORD_CHARS_MAX {
        return refuse(format!("the password has {length} characters; at most {PASSWORD_CHARS_MAX} are allowed"));
    }
    let lower = password.to_lowercase();
    if lower.contains(PRODUCT_NAME) {
        return refuse(format!("the password contains \"{PRODUCT_NAME}\", the product's name; choose another"));
    }
    if contains_name(&lower, username) {
        return refuse("the password contains the user name, or its part before the @; choose another".to_owned());
    }
    if is_common(&lower) {
        return refuse(
            "the password is one of the most common ones or repeats a few characters; choose another".to_owned(),
        );
    }
    Ok(())
}

/// Whether the lower-case password contains the name, or its part before the `@`.
fn contains_name(lower: &str, username: &Username) -> bool {
    let name = username.folded();
    let local_part = name.split('@').next().unwrap_or(name);
    [name, local_part].into_iter().any(|part| part.len() >= NAME_CHARS_MIN && lower.contains(part))
}

/// Whether guessers try the lower-case password early. Blanks and punctuation change nothing.
fn is_common(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let plain: String = letters.iter().collect();
    COMMON.lines().any(|common| common == plain)
        || repeats_itself(&letters)
        || repeats_itself(&lower.chars().collect::<Vec<_>>())
}

/// Whether it is the same few characters again and again, the last time perhaps cut off.
fn repeats_itself(chars: &[char]) -> bool {
    (1..=REPEATED_CHARS_MAX.min(chars.len() / 2))
        .any(|period| chars.iter().zip(&chars[period..]).all(|(earlier, later)| earlier == later))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_passwords_pass_and_guessable_ones_do_not() {
        let check = |password: &str, refused_because: Option<&str>| {
            let username = Username::parse("Camille@shop.example").unwrap();
            let answer = check_new_password(password, &username).map_err(|error| error.message);
            match refused_because {
                None => assert_eq!(answer, Ok(()), "{password}"),
                Some(words) => assert!(answer.clone().is_err_and(|m| m.contains(words)), "{password}: {answer:?}"),
            }
        };
        check("quiet-lantern-42-orbit", None);
        check("fifteen chars !", None);
        check("un été à Saint-Malo, sans pluie", None);
        check(&"quiet lantern! ".repeat(68), None);
        check("fourteen chars", Some("14 characters"));
        check("ééééééé", Some("7 characters"));
        check("", Some("0 characters"));
        check(&"x".repeat(1025), Some("at most 1024"));
        check("my Vigie password", Some("product's name"));
        check("i am camille of the shop", Some("user name"));
        check("CAMILLE@shop.example!", Some("user name"));
        check("123456789012345", Some("most common"));
        check("Correct Horse Battery Staple", Some("most common"));
        check("password-password", Some("most common"));
        check("aaaaaaaaaaaaaaaaaaaa", Some("repeats"));
        check("abc123abc123abc123a", Some("repeats"));
        check("!!!!!!!!!!!!!!!!", Some("repeats"));
    }

    #[test]
    fn the_list_holds_long_plain_passwords_once() {
        let mut seen = std::collections::HashSet::new();
        for common in COMMON.lines() {
            assert!(common.chars().count() >= 12, "{common} is too short to be here");
            assert!(common.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{common} is not plain");
            assert!(seen.insert(common), "{common} is there twice");
        }
        assert!(seen.len() >= 100, "{} are too few", seen.len());
    }
}
