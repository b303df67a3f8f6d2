//! Lines of Java's log4j, log4j 2, logback and Spring Boot, Python's logging and PHP's Monolog: date, level, and around
//! them in some order thread, logger and process, then the message. Stack traces below a line belong to it.

use vigie_domain::{Object, Value};

use super::continuation::is_continuation;
use super::joined::Joining;
use super::number::typed_by_content;
use super::{Draft, push_text, stack_trace};
use crate::detect::Head;
use crate::tag;

/// Words between the date and the level; with more, the line is prose.
const WORDS_BEFORE_LEVEL_MAX: usize = 4;

/// The levels of these loggers. They are written in capitals; other words are prose.
const LEVELS: [&str; 16] = [
    "TRACE",
    "DEBUG",
    "INFO",
    "NOTICE",
    "WARN",
    "WARNING",
    "ERROR",
    "FATAL",
    "CRITICAL",
    "SEVERE",
    "FINE",
    "FINER",
    "FINEST",
    "ALERT",
    "EMERGENCY",
    "VERBOSE",
];

/// How sure it is: half of the lines that begin a record have date and level.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut records, mut matching) = (0_usize, 0_usize);
    let mut previous = std::borrow::Cow::Borrowed("");
    for line in head.lines() {
        let line = String::from_utf8_lossy(line);
        let is_match = Parts::of(&line).is_some();
        records += usize::from(is_match || !is_continuation(&previous, &line));
        matching += usize::from(is_match);
        previous = line;
    }
    if matching > 0 && matching * 2 >= records { 85 } else { 0 }
}

/// All that does not begin with date and level goes on with the record.
pub(crate) const JOINING: Joining =
    Joining { continues: |_, line| Parts::of(line).is_none(), continues_over_blank: |_, _| true, parse };

/// Whether the text begins with a date and a level as these loggers write them.
pub(crate) fn is_record(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// The draft of a record; one that does not begin with date and level is kept as a message and tagged.
pub(crate) fn parse(record: &str) -> Draft {
    parse_record(record).map_or_else(
        || {
            let mut draft = Draft::default();
            stack_trace::push_message(&mut draft.body, record);
            draft.tag(tag::LOG4J_PARSE_FAILURE);
            draft
        },
        Draft::new,
    )
}

/// The fields of a record; `None` when it does not begin with date and level.
pub(crate) fn parse_record(record: &str) -> Option<Object> {
    let parts = Parts::of(record)?;
    let mut body = Object::new();
    // Without a date it has the time of its arrival. Gunicorn sets its zone off with a space.
    let name = if parts.time.contains('-') { "@timestamp" } else { "time_of_day" };
    push_text(&mut body, name, &parts.time.replace(" +", "+").replace(" -", "-"));
    push_text(&mut body, "level", parts.level);
    push_text(&mut body, "logger", parts.logger);
    push_text(&mut body, "thread", parts.thread);
    if !parts.process.is_empty() {
        body.push(("process".into(), Value::Object(vec![("pid".into(), typed_by_content(parts.process))])));
    }
    stack_trace::push_message(&mut body, parts.message);
    Some(body)
}

/// What a line holds; empty where there is nothing.
#[derive(Debug, Default)]
struct Parts<'r> {
    time: &'r str,
    level: &'r str,
    logger: &'r str,
    thread: &'r str,
    process: &'r str,
    message: &'r str,
}

impl<'r> Parts<'r> {
    /// `None` when the text does not begin with a date and have a level near to it.
    fn of(text: &'r str) -> Option<Self> {
        let bracketed = text.strip_prefix('[');
        let (time, rest) = split_time(bracketed.unwrap_or(text))?;
        let mut rest = if bracketed.is_some() { rest.strip_prefix(']')? } else { rest };
        if !rest.starts_with([' ', '[', '|']) {
            return None;
        }
        let mut parts = Self { time, ..Self::default() };
        for _ in 0..=WORDS_BEFORE_LEVEL_MAX {
            rest = rest.trim_start_matches([' ', '-', '|']);
            if let Some((level, after)) = split_level(rest) {
                parts.level = level;
                parts.read_after_level(after);
                return Some(parts);
            }
            rest = parts.read_before_level(rest)?;
        }
        None
    }

    /// `[thread]`, `channel.LEVEL` or `logger - `; gives what follows it.
    fn read_before_level(&mut self, rest: &'r str) -> Option<&'r str> {
        if let Some((content, after)) = split_bracket(rest) {
            let slot = if is_number(content) { &mut self.process } else { &mut self.thread };
            if slot.is_empty() {
                *slot = content;
                return Some(after);
            }
            return None;
        }
        let (word, after) = rest.split_once(' ')?;
        let channel = word.rsplit_once('.').filter(|(_, level)| LEVELS.contains(&level.trim_end_matches(':')));
        if let Some((channel, _)) = channel {
            self.logger = channel;
            return Some(&rest[channel.len() + 1..]);
        }
        if is_number(word) && self.process.is_empty() {
            self.process = word;
            return Some(after);
        }
        let is_set_off = after.trim_start_matches(' ').starts_with(['-', '|']);
        let is_before_level = split_level(after.trim_start_matches([' ', '-', '|'])).is_some();
        if !is_name(word) || !self.logger.is_empty() || !(is_set_off || is_before_level) {
            return None;
        }
        self.logger = word;
        Some(after)
    }

    /// `pid --- [application] [thread] logger : message`, most of which may be missing.
    fn read_after_level(&mut self, text: &'r str) {
        self.message = text.trim_start_matches([' ', ':', '|']);
        let mut rest = text.trim_start_matches([' ', '|']);
        if let Some((pid, after)) = rest.split_once(" --- ").filter(|(pid, _)| is_number(pid)) {
            self.process = pid;
            rest = after;
        }
        let rest = rest.strip_prefix("- ").unwrap_or(rest);
        self.message = rest.trim_start_matches([' ', ':', '|']);
        let mut after_brackets = rest;
        let mut last = "";
        while let Some((content, after)) = split_bracket(after_brackets) {
            (last, after_brackets) = (content, after.trim_start_matches(' '));
        }
        if let Some((logger, message)) = split_logger(after_brackets) {
            if self.thread.is_empty() {
                self.thread = last;
            }
            self.logger = if self.logger.is_empty() { logger } else { self.logger };
            self.message = message;
            return;
        }
        // Elasticsearch and its like: the logger itself stands in the bracket.
        if let Some((logger, message)) =
            split_bracket(rest).filter(|(logger, _)| logger.contains('.') && is_name(logger))
            && self.logger.is_empty()
        {
            self.logger = logger;
            self.message = message.trim_start_matches(' ');
        }
    }
}

/// `logger - message`, `logger : message`, `shop.logger: message` or `shop.cart.Logger message`.
fn split_logger(text: &str) -> Option<(&str, &str)> {
    let end = text.find(' ').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let rest = rest.trim_start_matches(' ');
    if is_name(word) {
        for separator in ["- ", ": ", "| "] {
            if let Some(message) = rest.strip_prefix(separator) {
                return Some((word, message));
            }
        }
        let is_class = word.rsplit('.').next().is_some_and(|class| class.starts_with(char::is_uppercase));
        return (is_class && word.matches('.').count() >= 2).then_some((word, rest));
    }
    let logger = word.strip_suffix(':').filter(|logger| is_name(logger) && logger.contains('.'))?;
    Some((logger, rest))
}

/// A level in capitals, bare or in brackets, and what follows it.
fn split_level(text: &str) -> Option<(&str, &str)> {
    if let Some((content, rest)) = split_bracket(text) {
        return LEVELS.contains(&content).then_some((content, rest));
    }
    let (word, rest) = text.split_at(text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len()));
    let is_ended = rest.is_empty() || rest.starts_with([' ', ':', '[', '|', '\n']);
    (LEVELS.contains(&word) && is_ended).then_some((word, rest))
}

/// The content of the bracket at the beginning, without the spaces that pad it, and what follows.
fn split_bracket(text: &str) -> Option<(&str, &str)> {
    const CONTENT_BYTES_MAX: usize = 128;
    let inner = text.strip_prefix('[')?;
    let end = inner.bytes().take(CONTENT_BYTES_MAX).position(|byte| byte == b']')?;
    let content = inner[..end].trim();
    (!content.contains('\n')).then_some((content, &inner[end + 1..]))
}

/// A date with a clock (ISO 8601, its fraction after a point or comma), or a clock with a fraction, and what follows it.
fn split_time(text: &str) -> Option<(&str, &str)> {
    const DATE: &[u8] = b"0000-00-00";
    const CLOCK: &[u8] = b"00:00:00";
    let bytes = text.as_bytes();
    let has_shape = |at: usize, shape: &[u8]| {
        let found = bytes.get(at..at + shape.len()).unwrap_or_default();
        found.len() == shape.len()
            && found.iter().zip(shape).all(|(byte, of)| if *of == b'0' { byte.is_ascii_digit() } else { byte == of })
    };
    let has_date = has_shape(0, DATE) && matches!(bytes.get(DATE.len()), Some(b'T' | b' '));
    let clock_at = if has_date { DATE.len() + 1 } else { 0 };
    if !has_shape(clock_at, CLOCK) {
        return None;
    }
    let mut end = clock_at + CLOCK.len();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if matches!(bytes.get(end), Some(b'.' | b',')) && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    } else if !has_date {
        return None;
    }
    let zone_digits = 4;
    if has_date && bytes.get(end) == Some(&b'Z') {
        end += 1;
    } else if has_date && matches!(bytes.get(end..end + 2), Some(b" +" | b" -")) && digits(end + 2) == zone_digits {
        end += 2 + zone_digits;
    } else if has_date && matches!(bytes.get(end), Some(b'+' | b'-')) && digits(end + 1) >= 2 {
        end += 1 + digits(end + 1);
        if bytes.get(end) == Some(&b':') && digits(end + 1) == 2 {
            end += 3;
        }
    }
    Some(text.split_at(end))
}

fn is_number(text: &str) -> bool {
    const DIGITS_MAX: usize = 10;
    (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the word can be the name of a logger: letters, digits and what joins the parts of one.
fn is_name(word: &str) -> bool {
    const NAME_BYTES_MAX: usize = 256;
    word.len() <= NAME_BYTES_MAX
        && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphanumeric() || "._$-/\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, expected: &str) {
        let Draft { body, tags, .. } = parse(record);
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{record}");
        assert!(tags.is_empty(), "{record}");
    }

    #[test]
    fn patterns_of_java() {
        check(
            "2026-11-23 14:04:05,123 [main] INFO  shop.cart.Cart - emptied - twice",
            r#"{"@timestamp":"2026-11-23 14:04:05,123","level":"INFO","logger":"shop.cart.Cart","thread":"main","message":"emptied - twice"}"#,
        );
        check(
            "2026-11-23 14:04:05.123 WARN [pool-1] c.s.Cart: slow",
            r#"{"@timestamp":"2026-11-23 14:04:05.123","level":"WARN","logger":"c.s.Cart","thread":"pool-1","message":"slow"}"#,
        );
        check(
            "2026-11-23T14:04:05.123+01:00  INFO 4711 --- [cart] [nio-8080-exec-1] s.c.CartController   : order: placed",
            r#"{"@timestamp":"2026-11-23T14:04:05.123+01:00","level":"INFO","logger":"s.c.CartController","thread":"nio-8080-exec-1","process":{"pid":4711},"message":"order: placed"}"#,
        );
        check(
            "14:04:05.123 [main] DEBUG shop.Cart - hello",
            r#"{"time_of_day":"14:04:05.123","level":"DEBUG","logger":"shop.Cart","thread":"main","message":"hello"}"#,
        );
        check(
            "[2026-11-23T14:04:05,123][INFO ][o.e.n.Node               ] [node-1] started",
            r#"{"@timestamp":"2026-11-23T14:04:05,123","level":"INFO","logger":"o.e.n.Node","message":"[node-1] started"}"#,
        );
        check(
            "[2026-11-23 14:04:05,123] INFO [Server id=0] started (kafka.Server)",
            r#"{"@timestamp":"2026-11-23 14:04:05,123","level":"INFO","message":"[Server id=0] started (kafka.Server)"}"#,
        );
        check(
            "2026-11-23 14:04:05,123 ERROR shop.cart.Cart no card",
            r#"{"@timestamp":"2026-11-23 14:04:05,123","level":"ERROR","logger":"shop.cart.Cart","message":"no card"}"#,
        );
    }

    #[test]
    fn patterns_of_python_and_php() {
        check(
            "2026-11-23 14:04:05,123 - cart - ERROR - pay failed",
            r#"{"@timestamp":"2026-11-23 14:04:05,123","level":"ERROR","logger":"cart","message":"pay failed"}"#,
        );
        check(
            "2026-11-23 14:04:05 | INFO     | shop.cart:pay:7 - paid",
            r#"{"@timestamp":"2026-11-23 14:04:05","level":"INFO","message":"shop.cart:pay:7 - paid"}"#,
        );
        check(
            "[2026-11-23T14:04:05.123456+00:00] production.ERROR: pay failed {\"id\":7} []",
            r#"{"@timestamp":"2026-11-23T14:04:05.123456+00:00","level":"ERROR","logger":"production","message":"pay failed {\"id\":7} []"}"#,
        );
        check(
            "[2026-11-23 14:04:05 +0000] [4711] [INFO] Booting worker",
            r#"{"@timestamp":"2026-11-23 14:04:05+0000","level":"INFO","process":{"pid":4711},"message":"Booting worker"}"#,
        );
    }

    #[test]
    fn plain_messages() {
        check(
            "2026-11-23 14:04:05 INFO Total: 5",
            r#"{"@timestamp":"2026-11-23 14:04:05","level":"INFO","message":"Total: 5"}"#,
        );
        check("2026-11-23 14:04:05 ERROR: x", r#"{"@timestamp":"2026-11-23 14:04:05","level":"ERROR","message":"x"}"#);
        check("2026-11-23 14:04:05 INFO", r#"{"@timestamp":"2026-11-23 14:04:05","level":"INFO"}"#);
    }

    #[test]
    fn a_trace_goes_to_its_own_fields() {
        check(
            "2026-11-23 14:04:05,123 ERROR [main] a.B - failed\na.b.CException: no\n\tat a.B.c(B.java:1)",
            r#"{"@timestamp":"2026-11-23 14:04:05,123","level":"ERROR","logger":"a.B","thread":"main","message":"failed","error_type":"a.b.CException","error_message":"no","stack_trace":"a.b.CException: no\n\tat a.B.c(B.java:1)"}"#,
        );
    }

    #[test]
    fn other_lines_go_on_with_the_record() {
        for line in [
            "",
            "hello",
            "INFO hello",
            "2026-11-23 hello",
            "2026-11-23 14:04:05 hello",
            "2026-11-23 14:04:05 INFORMATION",
            "2026-11-23 14:04:05,INFO,a",
            "2026-11-23T14:04:05Z web-1 app[1]: ERROR x",
            "14:04:05 INFO x",
            "[2026-11-23 14:04:05 ERROR x",
        ] {
            assert!((JOINING.continues)("", line), "{line}");
        }
        assert_eq!(parse("hello").tags, [tag::LOG4J_PARSE_FAILURE]);
    }
}
