//! Walks over the text of a configuration: white space and comments, words, quotations, numbers, patterns, selectors.

use super::tree::Place;

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct LogstashError {
    /// Counted from 1.
    pub line: u32,
    /// Characters from the beginning of the line, counted from 1.
    pub column: u32,
    /// What was expected there, with an example.
    pub message: String,
}

/// Characters of the text that a message shows.
const SHOWN_CHARACTERS: usize = 20;

/// A place in the text.
#[derive(Clone)]
pub(super) struct Cursor<'t> {
    rest: &'t str,
    place: Place,
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

impl<'t> Cursor<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text, place: Place { line: 1, column: 1 } }
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// An error about what stands here.
    pub(super) fn expected(&self, what: &str) -> LogstashError {
        let here: String = self.rest.chars().take_while(|c| *c != '\n').take(SHOWN_CHARACTERS).collect();
        let found = match (self.rest.is_empty(), here.trim().is_empty()) {
            (true, _) => "the end of the text".to_owned(),
            (false, true) => "the end of the line".to_owned(),
            (false, false) => format!("{:?}", here.trim()),
        };
        self.error(self.place, format!("{what} is expected, and {found} found"))
    }

    /// An error about another place.
    pub(super) fn error(&self, place: Place, message: impl Into<String>) -> LogstashError {
        LogstashError { line: place.line, column: place.column, message: message.into() }
    }

    /// Goes on by so many bytes, which end between characters.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        for character in taken.chars() {
            if character == '\n' {
                self.place.line = self.place.line.saturating_add(1);
                self.place.column = 1;
            } else {
                self.place.column = self.place.column.saturating_add(1);
            }
        }
        self.rest = rest;
        taken
    }

    /// Takes this text, if it stands here.
    pub(super) fn take_if(&mut self, text: &str) -> bool {
        let is_here = self.starts_with(text);
        if is_here {
            self.take(text.len());
        }
        is_here
    }

    /// Takes this word, if it stands here and is not the beginning of a longer one.
    pub(super) fn take_word_if(&mut self, word: &str) -> bool {
        let is_here = self.rest.strip_prefix(word).is_some_and(|after| !after.starts_with(is_word));
        if is_here {
            self.take(word.len());
        }
        is_here
    }

    /// Passes over white space and comments.
    pub(super) fn skip_space(&mut self) {
        loop {
            let space =
                self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
            self.take(space);
            if !self.starts_with("#") {
                return;
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    /// A name of a plugin or attribute without quotes; empty when none stands here.
    pub(super) fn name(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !is_word(c) && c != '-').unwrap_or(self.rest.len());
        self.take(end)
    }

    /// A word without quotes; empty when none stands here.
    pub(super) fn word(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !is_word(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Whether a number stands here.
    pub(super) fn is_at_number(&self) -> bool {
        self.rest.strip_prefix('-').unwrap_or(self.rest).starts_with(|c: char| c.is_ascii_digit())
    }

    /// A number as it is written; ask `is_at_number` before.
    pub(super) fn number(&mut self) -> &'t str {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut end = usize::from(self.starts_with("-"));
        end += digits(&self.rest[end..]);
        if let Some(fraction) = self.rest[end..].strip_prefix('.') {
            end += 1 + digits(fraction);
        }
        self.take(end)
    }

    /// The text between two of these signs as it is written: a backslash keeps the sign from ending it, and stays.
    ///
    /// # Errors
    /// When it does not end.
    pub(super) fn enclosed(&mut self, sign: char) -> Result<&'t str, LogstashError> {
        let open = self.place;
        let inner = self.rest.strip_prefix(sign).unwrap_or(self.rest);
        let mut is_escaped = false;
        let end = inner.find(|character| {
            let ends = character == sign && !is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            ends
        });
        let Some(end) = end else {
            return Err(
                self.error(open, format!("the text that begins with {sign} here does not end; add a second {sign}"))
            );
        };
        self.take(sign.len_utf8() + end + sign.len_utf8());
        Ok(&inner[..end])
    }

    /// `[a][b]` as `a.b`; `None` when no bracket stands here.
    ///
    /// # Errors
    /// When a bracket does not end, or nothing stands in it.
    pub(super) fn selector(&mut self) -> Result<Option<String>, LogstashError> {
        let mut names: Vec<&str> = Vec::new();
        while self.starts_with("[") {
            let end = self.rest[1..].find(['[', ']', ',', '\n']);
            let name = match end {
                Some(end) if self.rest[1 + end..].starts_with(']') => &self.rest[1..=end],
                _ => return Err(self.expected("the name of a field in brackets, such as [status] or [http][method],")),
            };
            if name.trim().is_empty() {
                return Err(self.expected("the name of a field in brackets, such as [status],"));
            }
            self.take(name.len() + 2);
            names.push(name);
        }
        Ok((!names.is_empty()).then(|| names.join(".")))
    }
}
