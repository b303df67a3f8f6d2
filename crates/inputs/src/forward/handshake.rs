//! The handshake of the forward protocol: each side shows that it knows the shared key, without sending it.
//! <https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1#handshake-phase>
//!
//! Pure: whoever calls brings the nonce and sends the bytes. Users and passwords are not asked for.

use std::fmt::Write;
use std::hint::black_box;

use sha2::{Digest, Sha512};

use super::msgpack::{Reader, Token};

/// Bytes of a nonce.
pub(super) const NONCE_BYTES: usize = 16;
/// How this side calls itself; a sender of the same name would take itself for its server.
const SERVER_NAME: &str = "vigie-input-forward";

/// The key that both sides know, and the nonce of one connection.
pub(super) struct Handshake<'k> {
    key: &'k [u8],
    nonce: [u8; NONCE_BYTES],
}

/// What is answered, and whether the sender may go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pong {
    pub(super) bytes: Vec<u8>,
    /// Why it may not.
    pub(super) refusal: Option<&'static str>,
}

impl<'k> Handshake<'k> {
    pub(super) const fn new(key: &'k [u8], nonce: [u8; NONCE_BYTES]) -> Self {
        Self { key, nonce }
    }

    /// What this side begins with: `["HELO", {"nonce": …, "auth": "", "keepalive": true}]`.
    pub(super) fn helo(&self) -> Vec<u8> {
        let mut bytes = vec![0x92];
        push_text(&mut bytes, "HELO");
        bytes.push(0x83);
        push_text(&mut bytes, "nonce");
        bytes.extend_from_slice(&[0xc4, NONCE_BYTES as u8]);
        bytes.extend_from_slice(&self.nonce);
        push_text(&mut bytes, "auth");
        push_text(&mut bytes, "");
        push_text(&mut bytes, "keepalive");
        bytes.push(0xc3);
        bytes
    }

    /// The answer to `["PING", hostname, salt, digest, user, password]`.
    pub(super) fn pong(&self, ping: &[u8]) -> Pong {
        let Some(ping) = Ping::of(ping) else { return refuse("a PING was expected") };
        let expected = self.digest(ping.salt, ping.hostname);
        if !is_same(expected.as_bytes(), ping.digest) {
            return refuse("the shared key is another one");
        }
        let own = self.digest(ping.salt, SERVER_NAME.as_bytes());
        Pong { bytes: pong_bytes(true, "", SERVER_NAME, &own), refusal: None }
    }

    /// `sha512(salt + name + nonce + key)` in hexadecimal.
    fn digest(&self, salt: &[u8], name: &[u8]) -> String {
        let hash = Sha512::new().chain_update(salt).chain_update(name).chain_update(self.nonce).chain_update(self.key);
        let mut text = String::new();
        for byte in hash.finalize() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// What a sender shows.
struct Ping<'p> {
    hostname: &'p [u8],
    salt: &'p [u8],
    digest: &'p [u8],
}

impl<'p> Ping<'p> {
    /// `None` when it is none.
    fn of(bytes: &'p [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let Token::List(4..=6) = reader.token().ok()? else { return None };
        let mut text = || match reader.token() {
            Ok(Token::Text(text) | Token::Binary(text)) => Some(text),
            _ => None,
        };
        let is_ping = text()? == b"PING";
        let ping = Self { hostname: text()?, salt: text()?, digest: text()? };
        is_ping.then_some(ping)
    }
}

fn refuse(refusal: &'static str) -> Pong {
    Pong { bytes: pong_bytes(false, refusal, "", ""), refusal: Some(refusal) }
}

fn pong_bytes(is_accepted: bool, reason: &str, name: &str, digest: &str) -> Vec<u8> {
    let mut bytes = vec![0x95];
    push_text(&mut bytes, "PONG");
    bytes.push(if is_accepted { 0xc3 } else { 0xc2 });
    [reason, name, digest].iter().for_each(|text| push_text(&mut bytes, text));
    bytes
}

/// Texts of up to 255 bytes, which are all that is written here.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&[0xd9, text.len() as u8]);
    bytes.extend_from_slice(text.as_bytes());
}

/// Compares in a time that does not tell where the two differ.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differences =
        left.iter().zip(right).fold(0, |differences, (left, right)| black_box(differences | (left ^ right)));
    left.len() == right.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `printf` and `sha512sum` give it of `salt` + `shop-1` + sixteen times `n` + `secret`.
    const DIGEST: &str = "819ce49229369a0874b84c1cdb697d83204c74df19b85f67a8e397c447662dd14f7ac46abc1f4eae6b7bb07bec73d6a236f1cfec359eb77a60c5714393d70bd7";
    const OWN_DIGEST: &str = "3e7be606feb1c241dd0b9d03f6a0c707663ca062b55be203c82ae48fac7079151f13bda23c0a55f3a466cee9c7ecc66046cc8b4ac327352ed43a4c3ec830d3cf";

    fn ping(name: &str, digest: &str) -> Vec<u8> {
        let mut bytes = vec![0x96];
        [name, "shop-1", "salt", digest, "", ""].iter().for_each(|text| push_text(&mut bytes, text));
        bytes
    }

    fn handshake() -> Handshake<'static> {
        Handshake::new(b"secret", [b'n'; NONCE_BYTES])
    }

    #[test]
    fn who_knows_the_key_is_let_in() {
        let pong = handshake().pong(&ping("PING", DIGEST));
        assert_eq!(pong.refusal, None);
        assert_eq!(pong.bytes, pong_bytes(true, "", SERVER_NAME, OWN_DIGEST));
    }

    #[test]
    fn who_does_not_is_refused() {
        let refusal = |bytes: &[u8]| handshake().pong(bytes).refusal;
        let wrong = Some("the shared key is another one");
        assert_eq!(refusal(&ping("PING", &DIGEST[..127])), wrong);
        assert_eq!(refusal(&ping("PING", &DIGEST.replace('a', "b"))), wrong);
        assert_eq!(refusal(&ping("PING", "")), wrong);
        let no_ping = Some("a PING was expected");
        assert_eq!(refusal(&ping("PONG", DIGEST)), no_ping);
        assert_eq!(refusal(&[0xc0]), no_ping);
        assert_eq!(refusal(&ping("PING", DIGEST)[..20]), no_ping);
        assert_eq!(refusal(b""), no_ping);
    }

    #[test]
    fn the_greeting_is_as_specified() {
        let helo = handshake().helo();
        let value = Reader::new(&helo).value().ok().map(|value| serde_json::to_string(&value).unwrap());
        assert_eq!(value.unwrap(), r#"["HELO",{"nonce":"nnnnnnnnnnnnnnnn","auth":"","keepalive":true}]"#);
    }
}
