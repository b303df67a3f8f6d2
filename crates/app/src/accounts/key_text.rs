//! API keys as text: how they are made, shown, read and hashed.
//!
//! `vigie_ID_SECRET`: secret scanners know the beginning, the id finds the key, 256 random bits prove it. Clients of
//! Elasticsearch send base64 of `ID:SECRET` (or of `ID:` and the whole key) instead; both are read.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use vigie_domain::Result;

use super::random::{hex, random_bytes, random_id};

/// What every key begins with.
const PREFIX: &str = "vigie_";
/// Longest text that is looked at, in bytes; ours have 82, and 104 or 156 as base64.
const TEXT_BYTES_MAX: usize = 512;

/// An API key with its secret. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText {
    id: String,
    secret: String,
}

impl KeyText {
    /// A key that nobody can guess.
    pub(super) fn random() -> Result<Self> {
        Ok(Self { id: random_id()?, secret: URL_SAFE_NO_PAD.encode(random_bytes::<32>()?) })
    }

    /// Reads what a client sent, in either form; `None` when it cannot be a key.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        if let Some(plain) = Self::parse_plain(text) {
            return Some(plain);
        }
        let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (id, secret) = decoded.split_once(':')?;
        match Self::parse_plain(secret) {
            Some(whole) => (whole.id == id).then_some(whole),
            None => Self::of_parts(id, secret),
        }
    }

    fn parse_plain(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        Self::of_parts(id, secret)
    }

    fn of_parts(id: &str, secret: &str) -> Option<Self> {
        let is_secret = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_key = !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit());
        let is_key = is_key && !secret.is_empty() && secret.chars().all(is_secret);
        is_key.then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// Whether a token is a key in its plain form.
    pub fn is_plain(text: &str) -> bool {
        Self::parse_plain(text).is_some()
    }

    /// The plain form, for `Authorization: ApiKey`.
    pub fn plain(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }

    /// The form of Elasticsearch's clients, for `Authorization: ApiKey`.
    pub fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.id, self.secret))
    }

    /// Finds the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What is stored of the secret. It has 256 random bits, so that a fast hash is enough.
    pub(super) fn sha256(&self) -> String {
        let mut hash = Sha256::new_with_prefix(b"vigie api key\0");
        hash.update(self.id.as_bytes());
        hash.update(b"\0");
        hash.update(self.secret.as_bytes());
        hex(&hash.finalize())
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyText").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_key_is_read_back() {
        let key = KeyText::random().unwrap();
        let whole = STANDARD.encode(format!("{}:{}", key.id, key.plain()));
        for text in [key.plain(), key.encoded(), whole] {
            assert_eq!(KeyText::parse(&text).as_ref(), Some(&key));
        }
        assert!(KeyText::is_plain(&key.plain()) && !KeyText::is_plain(&key.encoded()));
        assert_eq!((key.plain().len(), key.encoded().len()), (82, 104));
        assert!(!format!("{key:?}").contains(&key.secret));
        let other = KeyText::random().unwrap();
        assert!(other.id != key.id && other.secret != key.secret && other.sha256() != key.sha256());
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        let check = |text: &str| assert!(KeyText::parse(text).is_none(), "{text:?}");
        check("");
        check("vigie_");
        check("vigie_0a");
        check("vigie_0a_");
        check("vigie_xy_secret");
        check("vigie_0a_sec ret");
        check("no.such.token");
        check(&STANDARD.encode("0a"));
        check(&STANDARD.encode("0a:"));
        check(&STANDARD.encode(":secret"));
        check(&STANDARD.encode("anne@example.com:pass word"));
        check(&STANDARD.encode("0a:vigie_0b_secret"));
        check(&STANDARD.encode([0xff, b':', b'a']));
        check(&format!("vigie_0a_{}", "x".repeat(600)));
    }
}
