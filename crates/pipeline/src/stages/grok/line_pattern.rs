//! A pattern that lines are asked for outside of a pipeline, such as where an event begins.

use std::fmt;

use super::Pattern;

/// A pattern of `grok`: expressions, and `%{NAME}` for those that have a name.
pub struct LinePattern {
    text: String,
    pattern: Pattern,
}

impl LinePattern {
    /// Makes it ready.
    ///
    /// # Errors
    /// In words, when it is no expression or names one that is unknown.
    pub fn new(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), pattern: super::pattern(text, &[])? })
    }

    /// Whether it is found in the line; a search that is given up has found nothing.
    pub fn is_match(&self, line: &[u8]) -> bool {
        match std::str::from_utf8(line) {
            Ok(line) => self.pattern.engine.is_match(line),
            Err(_) => self.pattern.engine.is_match(&String::from_utf8_lossy(line)),
        }
    }
}

impl fmt::Debug for LinePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinePattern").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_asked_for_names_and_expressions() {
        let check = |pattern: &str, line: &str, expected: bool| {
            assert_eq!(LinePattern::new(pattern).unwrap().is_match(line.as_bytes()), expected, "{pattern} in {line}");
        };
        check("^%{TIMESTAMP_ISO8601} ", "2026-11-23T14:04:05Z x", true);
        check("^%{TIMESTAMP_ISO8601} ", " 2026-11-23T14:04:05Z x", false);
        check("^(?!.*(?:^\\s+at |^Caused by:))", "\tat a.B.c(B.java:1)", false);
        check("^(?!.*(?:^\\s+at |^Caused by:))", "pay failed", true);
        assert!(LinePattern::new("^\\d").unwrap().is_match(b"1 \xff"));
        assert!(LinePattern::new("^%{NOSUCH}").unwrap_err().contains("NOSUCH"));
    }
}
