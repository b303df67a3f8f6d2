//! Finds secrets that have no name: keys that begin as their makers' keys do, JSON Web Tokens, `Bearer …`, `Basic …`, private
//! keys in PEM, `cvv 123`, `--password …`; and names whose `=` is escaped as `%3D`.

use aho_corasick::{AhoCorasick, BuildError, packed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::key_value::{is_empty, pair_at};
use super::kind::RedactionKind::{self, ApiKey, Cvv, Password, PrivateKey, Secret, Token};

/// What follows where a pattern was found.
#[derive(Clone, Copy)]
enum Sign {
    /// So many signs of a key at least.
    Key(RedactionKind, usize),
    /// The rest of a JSON Web Token.
    Jwt,
    Bearer,
    Basic,
    Pem,
    Cvv,
    /// A name, whose value comes after a space.
    Flag,
    /// An escaped `=`, `:` or quote.
    Escaped,
}

/// Beginnings as their makers publish them.
const SIGNS: &[(&str, Sign)] = &[
    ("sk_live_", Sign::Key(ApiKey, 10)),
    ("sk_test_", Sign::Key(ApiKey, 10)),
    ("rk_live_", Sign::Key(ApiKey, 10)),
    ("rk_test_", Sign::Key(ApiKey, 10)),
    ("whsec_", Sign::Key(Secret, 16)),
    ("AKIA", Sign::Key(ApiKey, 16)),
    ("ASIA", Sign::Key(ApiKey, 16)),
    ("AIza", Sign::Key(ApiKey, 30)),
    ("ya29.", Sign::Key(Token, 20)),
    ("ghp_", Sign::Key(ApiKey, 20)),
    ("gho_", Sign::Key(ApiKey, 20)),
    ("ghu_", Sign::Key(ApiKey, 20)),
    ("ghs_", Sign::Key(ApiKey, 20)),
    ("ghr_", Sign::Key(ApiKey, 20)),
    ("github_pat_", Sign::Key(ApiKey, 20)),
    ("glpat-", Sign::Key(ApiKey, 16)),
    ("xoxb-", Sign::Key(ApiKey, 10)),
    ("xoxp-", Sign::Key(ApiKey, 10)),
    ("xoxa-", Sign::Key(ApiKey, 10)),
    ("xoxr-", Sign::Key(ApiKey, 10)),
    ("xoxs-", Sign::Key(ApiKey, 10)),
    ("xapp-", Sign::Key(ApiKey, 10)),
    ("shpat_", Sign::Key(ApiKey, 20)),
    ("shpss_", Sign::Key(Secret, 20)),
    ("npm_", Sign::Key(ApiKey, 30)),
    ("SG.", Sign::Key(ApiKey, 40)),
    ("sk-proj-", Sign::Key(ApiKey, 20)),
    ("sk-ant-", Sign::Key(ApiKey, 20)),
    ("eyJ", Sign::Jwt),
    ("earer ", Sign::Bearer),
    ("EARER ", Sign::Bearer),
    ("asic ", Sign::Basic),
    ("ASIC ", Sign::Basic),
    ("-----BEGIN ", Sign::Pem),
    ("cvv", Sign::Cvv),
    ("CVV", Sign::Cvv),
    ("Cvv", Sign::Cvv),
    ("cvc", Sign::Cvv),
    ("CVC", Sign::Cvv),
    ("ecurity code", Sign::Cvv),
    ("--password ", Sign::Flag),
    ("--token ", Sign::Flag),
    ("--secret ", Sign::Flag),
    ("--api-key ", Sign::Flag),
    ("%3D", Sign::Escaped),
    ("%3d", Sign::Escaped),
    ("%3A", Sign::Escaped),
    ("%3a", Sign::Escaped),
];

/// Signs of each part of a JSON Web Token at least.
const JWT_PART_MIN: usize = 8;
/// Signs of a bearer's token at least; of one without digits, so many that it is no word.
const BEARER_MIN: usize = 8;
/// See `BEARER_MIN`.
const BEARER_LETTERS_MIN: usize = 20;
/// Signs of user name and password in base64 that are decoded.
const BASIC_MAX: usize = 512;
/// Words that may stand between `cvv` and its digits.
const CVV_GAP_MAX: usize = 8;

/// Finds secrets without names.
#[derive(Debug)]
pub(super) struct Credentials {
    /// Looks at many bytes at once; not every processor can.
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
}

impl Credentials {
    /// Ready to search.
    ///
    /// # Errors
    /// When the patterns are too many for the automaton; a bug.
    pub(super) fn new() -> Result<Self, BuildError> {
        let patterns = || SIGNS.iter().map(|(pattern, _)| pattern);
        Ok(Self { packed: packed::Searcher::new(patterns()), automaton: AhoCorasick::new(patterns())? })
    }

    /// Calls `visit` with the place and kind of every secret.
    pub(super) fn find(&self, bytes: &[u8], visit: &mut dyn FnMut(usize, usize, RedactionKind)) {
        let mut done = 0;
        let mut at_match = |found: aho_corasick::Match| {
            let Some((_, sign)) = SIGNS.get(found.pattern().as_usize()) else { return };
            if found.start() >= done
                && let Some((start, end, kind)) = at_sign(bytes, *sign, (found.start(), found.end()))
            {
                visit(start, end, kind);
                done = end;
            }
        };
        match &self.packed {
            Some(packed) => packed.find_iter(bytes).for_each(&mut at_match),
            None => self.automaton.find_iter(bytes).for_each(&mut at_match),
        }
    }
}

fn at_sign(bytes: &[u8], sign: Sign, (start, end): (usize, usize)) -> Option<(usize, usize, RedactionKind)> {
    match sign {
        Sign::Key(kind, least) => {
            let key = &bytes[end..end + count(&bytes[end..], is_key_sign)];
            let length = key.len() - key.iter().rev().take_while(|byte| **byte == b'.').count();
            (length >= least && begins_word(bytes, start)).then_some((start, end + length, kind))
        }
        Sign::Jwt => jwt(bytes, start).map(|end| (start, end, Token)),
        Sign::Bearer => bearer(bytes, start, end).map(|end_of_token| (end, end_of_token, Token)),
        Sign::Basic => basic(bytes, start, end).map(|end_of_basic| (end, end_of_basic, Password)),
        Sign::Pem => private_key(bytes, start).map(|end| (start, end, PrivateKey)),
        Sign::Cvv => cvv(bytes, end).map(|(start, end)| (start, end, Cvv)),
        Sign::Flag => {
            let length = count(&bytes[end..], |byte| !byte.is_ascii_whitespace());
            let kind = super::names::kind_of_name(&bytes[start..end - 1])?;
            (!is_empty(&bytes[end..end + length])).then_some((end, end + length, kind))
        }
        Sign::Escaped => pair_at(bytes, start, end - start),
    }
}

fn count(rest: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    rest.iter().take_while(|byte| is_part(**byte)).count()
}

const fn is_key_sign(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether nothing that belongs to a word stands before; `%3D` and `\n` do not.
fn begins_word(bytes: &[u8], start: usize) -> bool {
    match &bytes[..start] {
        [.., b'%', first, second] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() => true,
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., before] => !before.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// RFC 7519: header, payload and signature, which may be empty.
fn jwt(bytes: &[u8], start: usize) -> Option<usize> {
    let header = count(&bytes[start..], is_base64url);
    let dot = start + header;
    if header < JWT_PART_MIN || bytes.get(dot) != Some(&b'.') || !begins_word(bytes, start) {
        return None;
    }
    let payload = count(&bytes[dot + 1..], is_base64url);
    let end = dot + 1 + payload;
    let signature = bytes.get(end).filter(|byte| **byte == b'.').map(|_| 1 + count(&bytes[end + 1..], is_base64url));
    (payload >= JWT_PART_MIN).then_some(end + signature.unwrap_or(0))
}

/// RFC 6750.
fn bearer(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let is_bearer = start > 0 && bytes[start - 1].eq_ignore_ascii_case(&b'b');
    let length = count(&bytes[end..], |byte| is_key_sign(byte) || matches!(byte, b'~' | b'+' | b'/' | b'='));
    let token = &bytes[end..end + length];
    let is_token = length >= BEARER_LETTERS_MIN || (length >= BEARER_MIN && token.iter().any(u8::is_ascii_digit));
    (is_bearer && is_token).then_some(end + length)
}

/// RFC 7617: what is decoded has a colon.
fn basic(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let is_basic = start > 0 && bytes[start - 1].eq_ignore_ascii_case(&b'b');
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let length = count(&bytes[end..], is_base64);
    if !is_basic || length > BASIC_MAX {
        return None;
    }
    let decoded = STANDARD_NO_PAD.decode(&bytes[end..end + length]).ok()?;
    let padding = count(&bytes[end + length..], |byte| byte == b'=').min(2);
    let is_pair = decoded.contains(&b':') && std::str::from_utf8(&decoded).is_ok();
    is_pair.then_some(end + length + padding)
}

/// RFC 7468; one that is cut short ends with the text.
fn private_key(bytes: &[u8], start: usize) -> Option<usize> {
    const LABEL_MAX: usize = 48;
    let label = &bytes[start..bytes.len().min(start + LABEL_MAX)];
    memchr::memmem::find(label, b"PRIVATE KEY")?;
    let closing = memchr::memmem::find(&bytes[start..], b"-----END ");
    let Some(closing) = closing.map(|found| start + found + b"-----END ".len()) else { return Some(bytes.len()) };
    let dashes = memchr::memmem::find(&bytes[closing..], b"-----").map(|found| closing + found + b"-----".len());
    Some(dashes.unwrap_or(bytes.len()))
}

/// Three or four digits after the word, with a little between them.
fn cvv(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let rest = &bytes[end..];
    let gap = rest.iter().take(CVV_GAP_MAX).take_while(|byte| !byte.is_ascii_digit()).count();
    let is_gap = |gap: &[u8]| {
        let words = std::str::from_utf8(gap).unwrap_or("?").trim_matches([' ', ':', '=', '#', '(', '"', '\'']);
        !gap.is_empty() && matches!(words, "" | "is" | "code" | "no" | "no.")
    };
    // `cvv2 123`, `cvc2: 123`.
    let (gap_start, gap) = match rest {
        [b'2', after @ ..] => (1, after.iter().take(CVV_GAP_MAX).take_while(|byte| !byte.is_ascii_digit()).count()),
        _ => (0, gap),
    };
    let start = end + gap_start + gap;
    let digits = count(&bytes[start..], |byte| byte.is_ascii_digit());
    let ends = !bytes.get(start + digits).is_some_and(u8::is_ascii_alphanumeric);
    (is_gap(&rest[gap_start..gap_start + gap]) && matches!(digits, 3 | 4) && ends).then_some((start, start + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        let credentials = Credentials::new().unwrap();
        credentials.find(text.as_bytes(), &mut |start, end, kind| found.push(format!("{kind} {}", &text[start..end])));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_sign_passes_the_first_look() {
        for (pattern, _) in SIGNS {
            let found = super::super::prescan::prospects(format!("{pattern}0000000000000000").as_bytes());
            assert!(found.has_word, "{pattern}");
        }
    }

    /// Put together here, so that no scanner of secrets takes this file for a leak.
    fn key(start: &str, rest: &str) -> String {
        format!("{start}{rest}")
    }

    #[test]
    fn keys_are_told_by_how_they_begin() {
        let rest = "4eC39HqLyjWDarjtT1zdp7dc4eC39HqLyjWDarjt";
        for start in ["sk_live_", "rk_test_", "AIza", "ghp_", "github_pat_", "glpat-", "xoxb-", "shpat_", "npm_"] {
            let key = key(start, rest);
            check(&format!("used {key}, refused"), &[&format!("api_key {key}")]);
            check(&format!("x{key}"), &[]);
        }
        check("id AKIAIOSFODNN7EXAMPLE.", &["api_key AKIAIOSFODNN7EXAMPLE"]);
        check("AKIA is a prefix; sk_live_ too", &[]);
    }

    #[test]
    fn tokens_are_found() {
        let jwt = key("eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N");
        check(&format!("got {jwt}!"), &[&format!("token {jwt}")]);
        check("eyJhbGciOiJIUzI1NiJ9 alone", &[]);
        check("sent Bearer abc123def, refused", &["token abc123def"]);
        check("bearer authentication failed", &[]);
        check("Basic dXNlcjpwYXNz", &["password dXNlcjpwYXNz"]);
        check("Basic information about Basic things", &[]);
        check("mysql --password hunter2 -u x", &["password hunter2"]);
    }

    #[test]
    fn private_keys_are_found_whole() {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        check(&format!("a {pem} b"), &[&format!("private_key {pem}")]);
        check("-----BEGIN PRIVATE KEY-----\nMIIE", &["private_key -----BEGIN PRIVATE KEY-----\nMIIE"]);
        check("-----BEGIN CERTIFICATE-----\nMIIE", &[]);
    }

    #[test]
    fn cvv_in_prose_is_found() {
        check("card 41 cvv 123 exp 12/28", &["cvv 123"]);
        check("CVC2 is 1234", &["cvv 1234"]);
        check("Security code: 999", &["cvv 999"]);
        check("cvv check took 120ms", &[]);
        check("cvv 12345", &[]);
        check("cvv123 and cvc mismatch", &[]);
    }

    #[test]
    fn escaped_pairs_are_found() {
        check("next=%2Flogin%3Fpassword%3Dhunter2%26a%3Db", &["password hunter2"]);
        check("%7B%22password%22%3A%22hunter2%22%7D", &["password hunter2"]);
        check("a%3Db", &[]);
    }
}
