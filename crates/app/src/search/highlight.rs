//! Where the words of a query are in an event: snippets with marks that no text contains.

use std::collections::BTreeMap;

use vigie_domain::event::for_each_scalar;
use vigie_domain::query::{Intervals, Predicate, Query, TextPattern, glob, tokens};
use vigie_domain::{Object, mapping};

/// Stands before a marked word (a private-use character, never HTML).
pub const HIGHLIGHT_START: char = '\u{E000}';
/// Stands behind a marked word.
pub const HIGHLIGHT_END: char = '\u{E001}';
/// Characters of a snippet.
const SNIPPET_CHARS_MAX: usize = 280;
/// Characters shown before the first mark.
const LEAD_CHARS: usize = 60;
/// Snippets of a field.
const SNIPPETS_MAX: usize = 3;

/// The words that a query looks for.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    anywhere: Vec<WordMark>,
    in_field: Vec<(String, WordMark)>,
}

#[derive(Debug)]
enum WordMark {
    Word(String),
    Pattern(String),
}

impl WordMark {
    fn is_on(&self, word: &str) -> bool {
        match self {
            Self::Word(folded) => tokens::folds_to(word, folded),
            Self::Pattern(pattern) => glob::glob_matches(pattern, &tokens::fold(word)),
        }
    }
}

impl Marks {
    /// The words that events must have; those that they must not have are not marked.
    pub(crate) fn of(query: &Query) -> Self {
        let mut marks = Self::default();
        marks.collect(query);
        marks
    }

    fn collect(&mut self, query: &Query) {
        match query {
            Query::And(parts) | Query::Or(parts) => parts.iter().for_each(|part| self.collect(part)),
            Query::FreeText(TextPattern::Words(words)) => {
                self.anywhere.extend(tokens::words(words).into_iter().map(WordMark::Word));
            }
            Query::FreeText(TextPattern::Wildcard(pattern)) => {
                self.anywhere.push(WordMark::Pattern(tokens::fold(pattern)));
            }
            Query::Field { field, predicate } => self.collect_of(field, predicate),
            Query::All | Query::Nothing | Query::Not(_) => {}
        }
    }

    fn collect_of(&mut self, field: &str, predicate: &Predicate) {
        match predicate {
            Predicate::Equals(text) => {
                let words = tokens::words(text).into_iter().map(|word| (field.to_owned(), WordMark::Word(word)));
                self.in_field.extend(words);
            }
            Predicate::Wildcard(pattern) => {
                self.in_field.push((field.to_owned(), WordMark::Pattern(tokens::fold(pattern))));
            }
            Predicate::OfKind(_, inner) => self.collect_of(field, inner),
            Predicate::Intervals(intervals) => self.collect_near(field, intervals),
            Predicate::Exists
            | Predicate::Regexp(_)
            | Predicate::Fuzzy { .. }
            | Predicate::Range { .. }
            | Predicate::Network(_) => {}
        }
    }

    fn collect_near(&mut self, field: &str, intervals: &Intervals) {
        match intervals {
            Intervals::Word(word) => self.in_field.push((field.to_owned(), WordMark::Word(word.clone()))),
            Intervals::Wildcard(pattern) => {
                self.in_field.push((field.to_owned(), WordMark::Pattern(tokens::fold(pattern))));
            }
            Intervals::All { parts, .. } | Intervals::Any(parts) => {
                parts.iter().for_each(|part| self.collect_near(field, part));
            }
            Intervals::Related { of, .. } => self.collect_near(field, of),
            Intervals::Regexp(_) | Intervals::Fuzzy { .. } => {}
        }
    }

    /// Snippets by the field's name as sent.
    pub(crate) fn snippets(&self, source: &Object) -> BTreeMap<String, Vec<String>> {
        let mut snippets: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in source {
            for_each_scalar(name, value, &mut |path, scalar| {
                if let Some(text) = scalar.as_text()
                    && let Some(snippet) = self.snippet(mapping::canonical(path), text)
                {
                    let found = snippets.entry(path.to_owned()).or_default();
                    if found.len() < SNIPPETS_MAX {
                        found.push(snippet);
                    }
                }
            });
        }
        snippets
    }

    fn is_marked(&self, field: &str, word: &str) -> bool {
        self.anywhere.iter().any(|mark| mark.is_on(word))
            || self.in_field.iter().any(|(named, mark)| named == field && mark.is_on(word))
    }

    fn snippet(&self, field: &str, text: &str) -> Option<String> {
        let start_of = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        let spans: Vec<(usize, usize)> = tokens::raw_words(text)
            .filter(|word| self.is_marked(field, word))
            .map(|word| (start_of(word), start_of(word) + word.len()))
            .collect();
        let first = spans.first()?.0;
        let begin = text[..first].char_indices().rev().nth(LEAD_CHARS).map_or(0, |(index, _)| index);
        let end = text[begin..].char_indices().nth(SNIPPET_CHARS_MAX).map_or(text.len(), |(index, _)| begin + index);
        let mut snippet = String::from(if begin > 0 { "… " } else { "" });
        let mut at = begin;
        for (start, stop) in spans.into_iter().filter(|(_, stop)| *stop <= end) {
            push_text(&mut snippet, &text[at..start]);
            snippet.push(HIGHLIGHT_START);
            push_text(&mut snippet, &text[start..stop]);
            snippet.push(HIGHLIGHT_END);
            at = stop;
        }
        push_text(&mut snippet, &text[at..end]);
        if end < text.len() {
            snippet.push_str(" …");
        }
        Some(snippet)
    }
}

/// Adds text as it is, save for the marks themselves: only words that were searched for are marked.
fn push_text(snippet: &mut String, text: &str) {
    snippet.extend(text.chars().filter(|sign| !matches!(*sign, HIGHLIGHT_START | HIGHLIGHT_END)));
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Value, query};

    use super::*;

    fn check(query: &str, message: &str, expected: Option<&str>) {
        let marks = Marks::of(&query::parse(query).unwrap());
        let source = vec![("message".into(), Value::text(message))];
        let shown = |text: &String| text.replace(HIGHLIGHT_START, "<").replace(HIGHLIGHT_END, ">");
        let found = marks.snippets(&source).get("message").map(|snippets| shown(&snippets[0]));
        assert_eq!(found.as_deref(), expected, "{query} on {message}");
    }

    #[test]
    fn words_that_were_asked_for_are_marked() {
        check("timeout", "Gateway Timeout after 3 s", Some("Gateway <Timeout> after 3 s"));
        check("message:gate*", "gateway timeout", Some("<gateway> timeout"));
        check("service:gateway", "gateway timeout", None);
        check("NOT timeout", "gateway timeout", None);
        check("echec", "un Échec", Some("un <Échec>"));
        check("*", "gateway", None);
        check("b", "\u{E000}a\u{E001} b", Some("a <b>"));
    }

    #[test]
    fn long_texts_are_cut_around_the_first_mark() {
        let long = format!("{} needle {}", "a ".repeat(200), "b ".repeat(400));
        let marks = Marks::of(&query::parse("needle").unwrap());
        let snippet = marks.snippets(&vec![("message".into(), Value::text(long))])["message"][0].clone();
        assert!(snippet.starts_with("… ") && snippet.ends_with(" …"), "{snippet}");
        assert!(snippet.contains("needle") && snippet.chars().count() <= 300, "{snippet}");
    }
}
