//! Decides whether strings have words: sequences of them, or a pattern for one.

use super::glob::glob_matches;
use super::matcher::check_pattern;
use super::{Needle, TextPattern, tokens};
use crate::error::Result;
use crate::scope::hides;

/// Decides whether a string has the words.
#[derive(Debug)]
pub struct TextMatcher {
    words: WordTest,
    hidden: Vec<String>,
}

impl TextMatcher {
    /// Words to look for in every string but those of hidden fields.
    pub(super) fn new(pattern: &TextPattern, hidden: &[String]) -> Result<Self> {
        Ok(Self { words: WordTest::new(pattern, "query")?, hidden: hidden.to_vec() })
    }

    /// Whether strings of this field are looked at.
    pub fn covers(&self, canonical: &str) -> bool {
        !hides(&self.hidden, canonical)
    }

    /// Whether the string has the words.
    pub fn matches(&self, text: &str) -> bool {
        self.words.matches(text)
    }

    /// What every string that passes holds.
    pub fn needle(&self) -> Needle<'_> {
        self.words.needle()
    }
}

/// Words that follow one another, or a pattern for one word.
#[derive(Debug)]
pub(super) enum WordTest {
    /// Folded words.
    Sequence(Vec<String>),
    /// A folded pattern.
    Wildcard(String),
}

impl WordTest {
    /// Folds what is looked for.
    pub(super) fn new(pattern: &TextPattern, field: &str) -> Result<Self> {
        match pattern {
            TextPattern::Words(text) => Ok(Self::Sequence(tokens::words(text))),
            TextPattern::Wildcard(pattern) => {
                check_pattern(pattern, field)?;
                Ok(Self::Wildcard(tokens::fold(pattern)))
            }
        }
    }

    /// What every string that passes holds.
    pub(super) fn needle(&self) -> Needle<'_> {
        match self {
            Self::Sequence(words) if !words.is_empty() => Needle::Words(words),
            Self::Sequence(_) | Self::Wildcard(_) => Needle::Unknown,
        }
    }

    /// A sequence without words matches nothing: nobody asked for anything.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Sequence(words) => match words.as_slice() {
                [] => false,
                [word] => has_word(text, word),
                [first, ..] => has_word(text, first) && has_sequence(text, words),
            },
            Self::Wildcard(pattern) => tokens::raw_words(text).any(|word| glob_matches(pattern, &tokens::fold(word))),
        }
    }
}

/// Whether the text has the folded word. Most texts are ASCII and most words are not in them: then only places where
/// the word's first letter stands are looked at.
fn has_word(text: &str, word: &str) -> bool {
    if !text.is_ascii() {
        return tokens::raw_words(text).any(|found| tokens::folds_to(found, word));
    }
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else { return false };
    let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|start| {
        let end = start + word.len();
        text.get(start..end).is_some_and(|found| found.eq_ignore_ascii_case(word))
            && is_edge(start.checked_sub(1).and_then(|before| text.get(before)))
            && is_edge(text.get(end))
    })
}

fn has_sequence(text: &str, words: &[String]) -> bool {
    let mut rest = tokens::raw_words(text);
    loop {
        let mut candidate = rest.clone();
        let is_here = words.iter().all(|word| candidate.next().is_some_and(|found| tokens::folds_to(found, word)));
        if is_here {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}
