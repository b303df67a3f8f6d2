//! The regular expressions of `match` and `catch`: Java's, found anywhere in the text.

use regex::{Regex, RegexBuilder};

/// Memory of one compiled expression.
const PATTERN_BYTES_MAX: usize = 16 << 20;

/// The expression inside text of the form `/…/`, or nothing.
pub fn inside(text: &str) -> Option<&str> {
    let inner = text.trim();
    inner.strip_prefix('/')?.strip_suffix('/').filter(|inner| !inner.is_empty())
}

/// Whether blanks and comments in an expression are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blanks {
    /// As in `match`.
    PassedOver,
    /// As in `catch` and in warnings.
    Meant,
}

/// Compiles it.
///
/// # Errors
/// What is wrong with it.
pub fn compile(pattern: &str, blanks: Blanks) -> Result<Regex, String> {
    RegexBuilder::new(&translated(pattern))
        .ignore_whitespace(blanks == Blanks::PassedOver)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| format!("/{pattern}/ is no regular expression: {error}"))
}

/// `$` of Java also stands before a line end that ends the text, a `[` in a class of it nests only where it is closed, and it takes `\` before
/// any sign that is no letter; the rest means the same.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut signs, mut in_class) = (pattern.chars(), false);
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some(escaped) if escaped.is_ascii_alphanumeric() => out.extend(['\\', escaped]),
                Some(escaped) => out.push_str(&escape(escaped)),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str("\\["),
            '[' | ']' => {
                in_class = sign == '[';
                out.push(sign);
            }
            '$' if !in_class => out.push_str("(?:\\n?\\z)"),
            _ => out.push(sign),
        }
    }
    out
}

fn escape(sign: char) -> String {
    if sign.is_whitespace() { format!("\\x{{{:x}}}", u32::from(sign)) } else { regex::escape(&sign.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_found_as_java_finds_them() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(
                compile(pattern, Blanks::PassedOver).unwrap().is_match(text),
                expected,
                "/{pattern}/ in {text:?}"
            );
        };
        check("^ a \\s+ b \n $", "a   b\n", true);
        check("^ $", "", true);
        check("^ $", "x", false);
        check("foo.+bar", "a foo and bar here", true);
        check("^( \\d+ \\n ){2} $", "1\n2\n", true);
        check("^ \\d+ # a count\n $", "12", true);
        check("[*]", "*", true);
        check("\\[x\\] isn\\'t \\/ there", "[x]isn'tthere", false);
        check("\\[x\\]\\ isn\\'t", "[x] isn't", true);
        check("\\<a\\>", "<a>", true);
        assert!(compile("(", Blanks::Meant).is_err());
        assert!(compile("a b", Blanks::Meant).unwrap().is_match("a b"));
    }

    #[test]
    fn only_what_stands_between_slashes_is_one() {
        assert_eq!(inside("/a/"), Some("a"));
        assert_eq!(inside(" /^ a $/\n"), Some("^ a $"));
        assert_eq!((inside("/"), inside("//"), inside("a/"), inside("/a")), (None, None, None, None));
    }
}
