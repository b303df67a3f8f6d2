//! Which lines go on with the record before them: stack traces of Java, JavaScript and PHP, tracebacks of Python.
//!
//! It looks at two lines and nothing else, so that whoever follows a file can ask it too.

use std::borrow::Cow;

/// Lines of one record; those that follow begin another.
pub const JOINED_LINES_MAX: usize = 1_000;

/// Blank lines that may stand within a record, between two lines of it.
pub const JOINED_BLANK_LINES_MAX: usize = 2;

/// How a traceback of Python begins.
pub(super) const TRACEBACK: &str = "Traceback (most recent call last):";

/// What PHP writes before the frames.
pub(super) const STACK_OF_PHP: &str = "Stack trace:";

/// What stands between two tracebacks of Python of which one led to the other.
const BETWEEN_TRACEBACKS: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];

/// Whether `line` belongs to the same record as `previous`, the last line of it that is not blank.
pub fn is_continuation(previous: &str, line: &str) -> bool {
    if line.starts_with([' ', '\t']) || is_within_trace(line) {
        return true;
    }
    if BETWEEN_TRACEBACKS.contains(&line) {
        return exception_of(previous).is_some();
    }
    // What the log said of it comes first, then the trace; a trace that follows another one is of its own.
    if line == TRACEBACK || exception_of(line).is_some_and(|exception| exception.is_qualified) {
        return BETWEEN_TRACEBACKS.contains(&previous)
            || is_python_frame(previous)
            || !(is_indented(previous) || is_within_trace(previous) || exception_of(previous).is_some());
    }
    exception_of(line).is_some() && (is_python_frame(previous) || previous == TRACEBACK)
}

/// Whether it belongs to it even when blank lines stand between: tracebacks of which one led to the other.
pub fn is_chained(previous: &str, line: &str) -> bool {
    BETWEEN_TRACEBACKS.contains(&previous) || BETWEEN_TRACEBACKS.contains(&line)
}

/// Whether lines may go on with one that begins a record: not with JSON, which is complete, and not with nothing.
pub fn may_go_on(first: &[u8]) -> bool {
    let text = first.trim_ascii_start();
    match text.first() {
        None | Some(b'{') => false,
        Some(b'[') => begins_with_date(&text[1..]),
        Some(_) => true,
    }
}

/// Whether a line of a stream belongs to the same record as `previous`, the last line of it that is not blank. The first
/// byte tells it of most lines.
pub fn goes_on(previous: &[u8], line: &[u8], is_after_blank: bool) -> bool {
    match line.first() {
        None => return false,
        Some(b' ' | b'\t') if is_json_object(line) => return false,
        Some(b' ' | b'\t' | b'.' | b'#') => {}
        Some(first) if first.is_ascii_alphabetic() || !first.is_ascii() => {}
        Some(_) => return false,
    }
    let (previous, line) = (text_of(previous), text_of(line));
    let (previous, line) = (previous.trim_end_matches('\r'), line.trim_end_matches('\r'));
    is_continuation(previous, line) && (!is_after_blank || is_chained(previous, line))
}

/// Most lines are UTF-8, which is told faster than where it ends.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// `2026-`: no number of JSON.
fn begins_with_date(text: &[u8]) -> bool {
    const YEAR_BYTES: usize = 4;
    text.get(YEAR_BYTES) == Some(&b'-') && text[..YEAR_BYTES].iter().all(u8::is_ascii_digit)
}

fn is_json_object(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.first() == Some(&b'{') && text.last() == Some(&b'}')
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Whether the line is one that only stands within a trace.
fn is_within_trace(line: &str) -> bool {
    let is_numbered = |rest: &str| rest.split_once(' ').is_some_and(|(number, _)| number.parse::<u16>().is_ok());
    line.starts_with("Caused by: ")
        || line.starts_with("Suppressed: ")
        || line == STACK_OF_PHP
        || line.strip_prefix("... ").is_some_and(|rest| rest.ends_with(" more"))
        || line.strip_prefix('#').is_some_and(is_numbered)
        || is_java_frame(line)
}

/// `at shop.Cart.pay(Cart.java:42)`, indented or not.
pub(super) fn is_java_frame(line: &str) -> bool {
    let rest = line.trim().strip_prefix("at ");
    rest.is_some_and(|rest| rest.ends_with(')') && rest.contains('(') || is_indented(line) && rest.contains(':'))
}

/// `  File "cart.py", line 7, in pay`, or the code below it.
fn is_python_frame(line: &str) -> bool {
    line.starts_with("    ") && !is_java_frame(line) || line.starts_with("  File \"") || line.starts_with("  + ")
}

/// What the last line of a traceback, or the first of a stack trace, says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exception<'l> {
    /// Its class, with package or module.
    pub(super) class: &'l str,
    /// What follows the class; empty when nothing does.
    pub(super) message: &'l str,
    /// Whether the class is one of Java by its package and its ending: such a line is not prose.
    pub(super) is_qualified: bool,
}

/// The exception that a line names at its beginning: `package.Class` or `Class`, then the end or `: message`.
pub(super) fn exception_of(line: &str) -> Option<Exception<'_>> {
    const THREAD: &str = "Exception in thread \"";
    const PHP: &str = "PHP Fatal error:  Uncaught ";
    let line = line.strip_prefix(PHP).or_else(|| line.strip_prefix("Uncaught ")).unwrap_or(line);
    let line = line.strip_prefix(THREAD).and_then(|rest| rest.split_once("\" ")).map_or(line, |(_, rest)| rest);
    let is_of_class = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '\\');
    let (class, rest) = line.split_at(line.find(|c| !is_of_class(c)).unwrap_or(line.len()));
    let message = match rest.strip_prefix(':') {
        Some(message) => message,
        None if rest.is_empty() => rest,
        None => return None,
    };
    if !message.is_empty() && !message.starts_with(' ') {
        return None;
    }
    let name = class.rsplit(['.', '$', '\\']).next().filter(|name| name.starts_with(char::is_uppercase))?;
    let is_shouted = name.chars().all(|c| c.is_uppercase() || c == '_');
    let is_qualified =
        class.matches('.').count() >= 2 && ["Exception", "Error", "Throwable"].iter().any(|end| name.ends_with(end));
    (!is_shouted).then(|| Exception { class, message: message.trim(), is_qualified })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(previous: &str, line: &str, expected: bool) {
        assert_eq!(is_continuation(previous, line), expected, "{previous:?} then {line:?}");
    }

    #[test]
    fn stack_traces_of_java_go_on() {
        check("2026-11-23 ERROR pay failed", "java.lang.IllegalStateException: no card", true);
        check("java.lang.IllegalStateException: no card", "\tat shop.Cart.pay(Cart.java:42)", true);
        check("\tat shop.Cart.pay(Cart.java:42)", "at shop.Cart.run(Cart.java:1)", true);
        check("\tat shop.Cart.pay(Cart.java:42)", "Caused by: java.io.IOException: gone", true);
        check("Caused by: java.io.IOException: gone", "\t... 12 more", true);
        check("\t... 12 more", "java.lang.IllegalStateException: again", false);
        check("java.lang.IllegalStateException: a", "java.lang.IllegalStateException: b", false);
        check("\t... 12 more", "2026-11-23 INFO next", false);
    }

    #[test]
    fn tracebacks_of_python_go_on() {
        check("ERROR pay failed", TRACEBACK, true);
        check(TRACEBACK, "  File \"cart.py\", line 7, in pay", true);
        check("    raise ValueError(\"no card\")", "ValueError: no card", true);
        check("    pay()", "shop.errors.Declined", true);
        check("ValueError: no card", BETWEEN_TRACEBACKS[0], true);
        check(BETWEEN_TRACEBACKS[1], TRACEBACK, true);
        check("ValueError: no card", TRACEBACK, false);
        check("ValueError: no card", "ValueError: no card", false);
        check("    pay()", "INFO: next", false);
        check("    pay()", "the next line", false);
    }

    #[test]
    fn traces_of_others_go_on() {
        check("TypeError: x is not a function", "    at pay (/srv/cart.js:7:3)", true);
        check("PHP Fatal error:  Uncaught Exception: x in /a.php:3", "Stack trace:", true);
        check("Stack trace:", "#0 /srv/a.php(7): pay()", true);
        check("#0 /srv/a.php(7): pay()", "  thrown in /srv/a.php on line 3", true);
    }

    #[test]
    fn prose_does_not_go_on() {
        check("cart service started", "order shipped", false);
        check("cart service started", "Order: 7", false);
        check("cart service started", "at last (it works", false);
        check("cart service started", "# 7 comments", false);
        check("", "www.shop.example", false);
    }

    #[test]
    fn json_is_complete() {
        for line in ["", " ", "{}", " {\"a\":1}", "[1]", "[12345678901234]", "[{\"a\":1}]", "[\"2026-\"]"] {
            assert!(!may_go_on(line.as_bytes()), "{line}");
        }
        for line in ["words", "[2026-11-23 14:04:05] x", "<34>1 x", "10.0.0.1 - -"] {
            assert!(may_go_on(line.as_bytes()), "{line}");
        }
        assert!(goes_on(b"pay failed\r", b"\tat a.B.c(B.java:1)\r", false));
        assert!(goes_on(b"pay failed", b"a.b.CException: no", false));
        assert!(!goes_on(b"pay failed", b"  {\"a\":1}", false));
        assert!(!goes_on(b"pay failed", b"<34>1 x", false));
        assert!(!goes_on(b"pay failed", b"", false));
        assert!(!goes_on(b"pay failed", b"\tat a.B.c(B.java:1)", true));
        assert!(goes_on(b"KeyError: 'sku'", BETWEEN_TRACEBACKS[0].as_bytes(), true));
    }

    #[test]
    fn exceptions_are_named() {
        let named = |line| exception_of(line).map(|exception| (exception.class, exception.message));
        assert_eq!(named("KeyError: 'sku'"), Some(("KeyError", "'sku'")));
        assert_eq!(named("shop.errors.Declined"), Some(("shop.errors.Declined", "")));
        assert_eq!(named("Exception in thread \"main\" a.b.CException: x"), Some(("a.b.CException", "x")));
        for line in ["", "ERROR: x", "hello: x", "Https://shop", "Total 5", ": x"] {
            assert_eq!(named(line), None, "{line}");
        }
    }
}
