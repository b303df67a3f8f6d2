//! What a caller sends to prove who they are, as far as it can be read from the header `Authorization`.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vigie_app::accounts::KeyText;
use vigie_domain::{Error, ErrorKind, Result};

/// What proves who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// An access token (RFC 6750).
    Bearer(String),
    /// User name and password (RFC 7617).
    Basic {
        /// The user's name.
        username: String,
        /// The user's password.
        password: String,
    },
    /// An API key, plain or as clients of Elasticsearch send it.
    Key(KeyText),
}

impl Credentials {
    /// The credentials of these headers; `None` when there is no such header.
    ///
    /// # Errors
    /// `Unauthenticated` when they cannot be read. The words never repeat what was sent, it may be secret.
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>> {
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = sent.next() else { return Ok(None) };
        if sent.next().is_some() {
            return Err(unreadable("the header \"Authorization\" was sent twice; send it once"));
        }
        let value = value.to_str().unwrap_or_default().trim();
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Ok(Some(Self::Bearer(rest.to_owned()))),
            "basic" => read_basic(rest).map(Some),
            // Senders to Splunk's event collector know no other word for it.
            "apikey" | "splunk" => read_key(rest).map(Some),
            _ => Err(unreadable(
                "the header \"Authorization\" cannot be read; send \"Bearer TOKEN\", \"ApiKey KEY\" or \"Basic\" with USER:PASSWORD in base64",
            )),
        }
    }
}

/// Everything behind the first colon is the password; a name has none.
fn read_basic(encoded: &str) -> Result<Credentials> {
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let (username, password) = pair.ok_or_else(|| {
        unreadable("the Basic credentials cannot be read; send the base64 of USER:PASSWORD, in UTF-8")
    })?;
    Ok(Credentials::Basic { username: username.to_owned(), password: password.to_owned() })
}

fn read_key(text: &str) -> Result<Credentials> {
    let words = "the API key cannot be read; send it as it was shown when it was made, or the base64 of ID:SECRET";
    KeyText::parse(text).map(Credentials::Key).ok_or_else(|| unreadable(words))
}

fn unreadable(words: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<Credentials>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        Credentials::read(&headers).map_err(|error| error.message)
    }

    fn basic(text: impl AsRef<[u8]>) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn every_scheme_is_read_in_any_letter_case() {
        let check = |value: &str, expected: Credentials| assert_eq!(read(&[value]), Ok(Some(expected)), "{value}");
        let pair = |username: &str, password: &str| Credentials::Basic {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        assert_eq!(read(&[]), Ok(None));
        check("Bearer abc", Credentials::Bearer("abc".to_owned()));
        check("bearer  abc ", Credentials::Bearer("abc".to_owned()));
        check(&basic("anne:secret"), pair("anne", "secret"));
        check(&basic("anne:a:b c"), pair("anne", "a:b c"));
        check(&basic("anne:été"), pair("anne", "été"));
        let key = |text: &str| Credentials::Key(KeyText::parse(text).unwrap());
        check("ApiKey vigie_0a_sec-ret", key("vigie_0a_sec-ret"));
        check("Splunk vigie_0a_sec-ret", key("vigie_0a_sec-ret"));
        check(&basic("0a:sec-ret").replace("Basic", "apikey"), key("vigie_0a_sec-ret"));
        check(&basic("anne:").replace("Basic", "BASIC "), pair("anne", ""));
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_repeating_it() {
        let check = |values: &[&str], words: &str| {
            let message = read(values).unwrap_err();
            assert!(message.contains(words) && !message.contains("s3cret"), "{values:?}: {message}");
        };
        check(&["s3cret"], "cannot be read");
        check(&[""], "cannot be read");
        check(&["Digest s3cret"], "cannot be read");
        check(&["Basic s3cret"], "USER:PASSWORD");
        check(&[&basic("s3cret")], "USER:PASSWORD");
        check(&[&basic(b"s3cret:\xff")], "USER:PASSWORD");
        check(&["ApiKey s3cret"], "API key");
        check(&["ApiKey"], "API key");
        check(&["Bearer a", "Bearer s3cret"], "twice");
    }
}
