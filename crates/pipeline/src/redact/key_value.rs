//! Finds secrets by the name before them: `password=…`, `"cvv": "123"`, `Cookie: …`, `<secret>…</secret>`, `'token' => '…'`,
//! and passwords in URLs. It begins at what parts name and value and looks back; nothing is parsed as a whole.

use memchr::memchr3_iter;

use super::kind::{MARK_START, RedactionKind};
use super::names::kind_of_name;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;
/// Spaces before and after what parts name and value.
const SPACES_MAX: usize = 3;
/// Bytes of a user's name and password in a URL.
const USERINFO_BYTES_MAX: usize = 512;
/// Letters of a word that is taken for prose and not for a token.
const PROSE_LETTERS_MAX: usize = 15;
/// How credentials begin in a header `Authorization`.
const SCHEMES: [&str; 9] =
    ["Basic ", "Bearer ", "Digest ", "Token ", "ApiKey ", "Negotiate ", "NTLM ", "Hawk ", "AWS4-HMAC-SHA256 "];
/// Values that say that there is none.
const NOTHING: [&str; 9] = ["null", "nil", "none", "true", "false", "undefined", "missing", "empty", "required"];

/// Calls `visit` with the place and kind of every secret that has a name.
pub(super) fn find_pairs(bytes: &[u8], visit: &mut dyn FnMut(usize, usize, RedactionKind)) {
    let mut done = 0;
    for at in memchr3_iter(b'=', b':', b'>', bytes) {
        if at >= done
            && let Some((start, end, kind)) = pair_at(bytes, at, 1)
        {
            visit(start, end, kind);
            done = end;
        }
    }
}

/// The secret that is parted from its name by the `length` bytes at `at`.
pub(super) fn pair_at(bytes: &[u8], at: usize, length: usize) -> Option<(usize, usize, RedactionKind)> {
    let rest = &bytes[at + length..];
    if bytes[at] == b':' && rest.starts_with(b"//") {
        let (start, end) = url_password(bytes, at + length + 2)?;
        return Some((start, end, RedactionKind::Password));
    }
    let name = name_before(bytes, at)?;
    let kind = kind_of_name(name.word)?;
    let is_only_sometimes_one = name.word.eq_ignore_ascii_case(b"pass") && bytes[at] != b'=';
    if is_only_sometimes_one || (bytes[at] == b'>' && !matches!(name.opener, Some(b'<' | b':'))) {
        return None;
    }
    let value = Value { bytes, start: after_spaces(bytes, at + length), is_encoded: length > 1, parting: bytes[at] };
    let (start, end) = value.extent(&name, kind)?;
    (!is_empty(&bytes[start..end])).then_some((start, end, kind))
}

/// A name in a text.
struct Name<'t> {
    word: &'t [u8],
    /// What stands before it.
    opener: Option<u8>,
    /// Whether quotes of its own end it.
    is_quoted: bool,
}

/// The word that ends before `at`, quotes, brackets and spaces passed over.
fn name_before(bytes: &[u8], at: usize) -> Option<Name<'_>> {
    let mut end = at;
    let passed = |end: usize| bytes[..end].iter().rev().take(SPACES_MAX).take_while(|byte| **byte == b' ').count();
    end -= passed(end);
    let before_quotes = end;
    if bytes[..end].ends_with(b"%22") {
        end -= 3;
    }
    while end > 0
        && matches!(bytes[end - 1], b'"' | b'\'' | b'`' | b'\\' | b']')
        && before_quotes - end < 2 * SPACES_MAX
    {
        end -= 1;
    }
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = bytes[..end].iter().rev().take(NAME_BYTES_MAX).take_while(is_word).count();
    let (before, word) = bytes[..end].split_at(end - length);
    (length > 0).then_some(Name { word, opener: before.last().copied(), is_quoted: end < before_quotes })
}

fn after_spaces(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    // `=>`, `==`, `:=`.
    let rest = rest.strip_prefix(b">").or_else(|| rest.strip_prefix(b"=")).unwrap_or(rest);
    let spaces = rest.iter().take(SPACES_MAX).take_while(|byte| **byte == b' ').count();
    bytes.len() - rest.len() + spaces
}

/// What follows a name.
struct Value<'t> {
    bytes: &'t [u8],
    start: usize,
    /// Whether what parts it from its name is escaped, as what ends it then is.
    is_encoded: bool,
    parting: u8,
}

impl Value<'_> {
    fn extent(&self, name: &Name<'_>, kind: RedactionKind) -> Option<(usize, usize)> {
        let rest = &self.bytes[self.start..];
        if self.parting == b'>' {
            let length = memchr::memchr(b'<', rest).unwrap_or(rest.len());
            return Some((self.start, self.start + length));
        }
        let slashes = rest.iter().take(SPACES_MAX).take_while(|byte| **byte == b'\\').count();
        let extent = match rest.get(slashes) {
            Some(quote @ (b'"' | b'\'' | b'`')) => self.quoted(slashes + 1, *quote),
            _ if rest.starts_with(b"%22") => self.until(3, |rest| rest.starts_with(b"%22") || ends_word(rest)),
            _ => return self.bare(name, kind),
        };
        let (start, end) = extent;
        (kind != RedactionKind::Cvv || is_cvv(&self.bytes[start..end])).then_some(extent)
    }

    /// Up to the quote that closes it, or to the end.
    fn quoted(&self, skipped: usize, quote: u8) -> (usize, usize) {
        let slashes = skipped - 1;
        let start = self.start + skipped;
        let mut at = start;
        while let Some(found) = memchr::memchr(quote, &self.bytes[at..]) {
            let end = at + found;
            let before = self.bytes[start..end].iter().rev().take_while(|byte| **byte == b'\\').count();
            // As many backslashes as before the opening quote close it; two for each one are a backslash themselves.
            if before == slashes || (slashes == 0 && before % 2 == 0) {
                return (start, end - slashes);
            }
            at = end + 1;
        }
        (start, self.bytes.len())
    }

    /// A value without quotes.
    fn bare(&self, name: &Name<'_>, kind: RedactionKind) -> Option<(usize, usize)> {
        let rest = &self.bytes[self.start..];
        if self.parting == b':' && !name.is_quoted {
            match kind {
                RedactionKind::Cookie => return self.cookies(name),
                RedactionKind::Token if SCHEMES.iter().any(|scheme| begins_with(rest, scheme)) => {
                    return Some(self.header(name));
                }
                _ => {}
            }
        }
        let (start, end) = self.until(0, |rest| ends_word(rest) || (self.is_encoded && rest.starts_with(b"%26")));
        let value = &self.bytes[start..end];
        let is_secret = match kind {
            RedactionKind::Cvv => is_cvv(value),
            // The shell's own variable.
            RedactionKind::Password => !(name.word.eq_ignore_ascii_case(b"pwd") && value.starts_with(b"/")),
            _ => self.parting == b'=' || !is_prose(value),
        };
        is_secret.then_some((start, end))
    }

    /// A header of cookies: pairs up to the end of the line, or of the quotes that the header stands in.
    fn cookies(&self, name: &Name<'_>) -> Option<(usize, usize)> {
        let (start, end) = self.header(name);
        memchr::memchr(b'=', &self.bytes[start..end]).map(|_| (start, end))
    }

    fn header(&self, name: &Name<'_>) -> (usize, usize) {
        let quote = name.opener.filter(|opener| matches!(opener, b'"' | b'\''));
        let ends = |rest: &[u8]| {
            let is_quote = quote.is_some() && rest.first() == quote.as_ref();
            is_quote || matches!(rest, [b'\r' | b'\n', ..] | [b'\\', b'r' | b'n' | b'"', ..])
        };
        self.until(0, ends)
    }

    fn until(&self, skipped: usize, ends: impl Fn(&[u8]) -> bool) -> (usize, usize) {
        let start = (self.start + skipped).min(self.bytes.len());
        let length = (start..self.bytes.len()).find(|at| ends(&self.bytes[*at..])).unwrap_or(self.bytes.len());
        (start, length)
    }
}

/// Whether a value without quotes ends before these bytes. Signs that passwords have as well end it only where prose, a list
/// or code goes on.
fn ends_word(rest: &[u8]) -> bool {
    match rest {
        [b' ' | b'\t' | b'\r' | b'\n' | b'&' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\', ..] => true,
        [b',' | b';' | b'|', after @ ..] => {
            let word = after
                .iter()
                .take(NAME_BYTES_MAX)
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                .count();
            after.first().is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
                || (word > 0 && matches!(after.get(word), Some(b'=' | b':' | b' ')))
        }
        [b')' | b']' | b'}', after @ ..] => after.first().is_none_or(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b')' | b']' | b'}' | b'"' | b'.')
        }),
        _ => false,
    }
}

/// Three or four digits.
fn is_cvv(value: &[u8]) -> bool {
    matches!(value.len(), 3 | 4) && value.iter().all(u8::is_ascii_digit)
}

/// `token: expired` says something about a token.
fn is_prose(value: &[u8]) -> bool {
    value.len() <= PROSE_LETTERS_MAX
        && value.iter().all(|byte| byte.is_ascii_alphabetic() || byte.is_ascii_punctuation())
}

/// Whether there is no secret: nothing, a word for nothing, stars, or a mark that stands there already.
pub(super) fn is_empty(value: &[u8]) -> bool {
    value.starts_with(MARK_START.as_bytes())
        || value.iter().all(|byte| matches!(byte, b'*' | b'.' | b' '))
        || NOTHING.iter().any(|nothing| value.eq_ignore_ascii_case(nothing.as_bytes()))
}

fn begins_with(rest: &[u8], word: &str) -> bool {
    rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// The password in `//user:password@host`, `start` being behind the slashes.
fn url_password(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let ends =
        |byte: &&u8| !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b' ' | b'\t' | b'\r' | b'\n');
    let length = bytes[start..].iter().take(USERINFO_BYTES_MAX).take_while(ends).count();
    let authority = &bytes[start..start + length];
    let userinfo = &authority[..memchr::memrchr(b'@', authority)?];
    let password = memchr::memchr(b':', userinfo)? + 1;
    (!is_empty(&userinfo[password..])).then_some((start + password, start + userinfo.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        find_pairs(text.as_bytes(), &mut |start, end, kind| found.push(format!("{kind} {}", &text[start..end])));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn values_of_secret_names_are_found() {
        check("password=hunter2", &["password hunter2"]);
        check("POST /login?user=a&pwd=b%40c&next=/ HTTP/1.1", &["password b%40c"]);
        check("login failed, password: hunter2, user: bob", &["password hunter2"]);
        check(r#"{"user":"bob","password":"hun\"ter2"}"#, &[r#"password hun\"ter2"#]);
        check(r#"body {\"apiKey\": \"a b\", \"n\":1}"#, &["api_key a b"]);
        check("'client_secret' => 'x y'", &["secret x y"]);
        check("Server=db;User Id=sa;Password=p,w;Timeout=3", &["password p,w"]);
        check("<soap:password>hunter2</soap:password>", &["password hunter2"]);
        check("params[\"password\"] = 'x'", &["password x"]);
        check("access_token=abc&refresh_token=def", &["token abc", "token def"]);
        check("connect(user=x, password=y)", &["password y"]);
        check("api_key: 9f8e7d6c", &["api_key 9f8e7d6c"]);
        check("--token=abc", &["token abc"]);
    }

    #[test]
    fn cvv_is_three_or_four_digits() {
        check("cvv=123&exp=1228", &["cvv 123"]);
        check(r#""cvv": "1234""#, &["cvv 1234"]);
        check("cvc:999 declined", &["cvv 999"]);
        check("cvv: match", &[]);
        check("cvv=12345", &[]);
    }

    #[test]
    fn headers_are_found_to_their_end() {
        check("GET /\nCookie: a=b; c=d\nHost: x", &["cookie a=b; c=d"]);
        check("Set-Cookie: sid=9; Path=/; HttpOnly", &["cookie sid=9; Path=/; HttpOnly"]);
        check("curl -H 'Cookie: a=b; c' -v", &["cookie a=b; c"]);
        check("Authorization: Bearer abc.def\r\nHost: x", &["token Bearer abc.def"]);
        check(r#"{"Authorization": "Basic dTpw"}"#, &["token Basic dTpw"]);
        check("authorization: declined by issuer", &[]);
        check("bad cookie: session expired", &[]);
    }

    #[test]
    fn passwords_in_urls_are_found() {
        check("postgres://app:s3cr3t@db:5432/x", &["password s3cr3t"]);
        check("amqp://u:p@ss@mq/ and https://host:8080/a@b", &["password p@ss"]);
        check("https://user@host/", &[]);
    }

    #[test]
    fn what_is_no_secret_stays() {
        check("", &[]);
        check("=:>", &[]);
        check("session_id=abc trace_id=def order_id=5", &[]);
        check("PWD=/home/app", &[]);
        check("password=&token=null&secret=***", &[]);
        check("password=[redacted:password]", &[]);
        check("Unexpected token: }", &[]);
        check("token: expired", &[]);
        check("at a.b.Secret(Secret.java:12)", &[]);
        check("14:04:05 key=value => a > b", &[]);
    }
}
