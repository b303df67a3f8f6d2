//! Reads what people type: the common ground of KQL and Lucene.
//!
//! `level:error AND amount>100 NOT service:"cart api"`; juxtaposition means AND, which binds tighter than OR.
//! Errors say in words what was expected and where.

use super::bounds::{CLAUSES_MAX, DEPTH_MAX, TEXT_BYTES_MAX, WILDCARDS_MAX};
use super::join::join;
use super::lucene::DefaultOperator;
use super::scan::{Scan, Word};
use super::{Bound, Predicate, Query, QueryError, TextPattern};
use crate::mapping::{self, FieldKind};

/// Reads a query; empty text means every event.
///
/// # Errors
/// When the text is no query or exceeds one of the bounds in `bounds`.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    read(text, None)
}

/// Reads a query; with a default operator, as Lucene does.
pub(super) fn read(text: &str, lucene: Option<DefaultOperator>) -> Result<Query, QueryError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the query has {} bytes, at most {TEXT_BYTES_MAX} are allowed; shorten it", text.len());
        return Err(QueryError { message, span: (0, text.len()) });
    }
    let mut parser = Parser { scan: Scan::new(text), lucene, clauses: 0, wildcards: 0, depth: 0 };
    parser.scan.skip_space();
    if parser.scan.is_at_end() {
        return Ok(Query::All);
    }
    let query = parser.conditions(None)?;
    match parser.scan.peek() {
        None => Ok(query),
        Some(')') => Err(parser.error_here("this \")\" closes no group; remove it or open one with \"(\" before")),
        Some(_) => Err(parser.error_here("a condition is not complete here; for example level:error AND amount>100")),
    }
}

pub(super) struct Parser<'a> {
    pub(super) scan: Scan<'a>,
    lucene: Option<DefaultOperator>,
    clauses: usize,
    wildcards: usize,
    depth: usize,
}

/// A word that joins conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    And,
    Or,
    Not,
}

impl Operator {
    const fn of(word: &str) -> Option<Self> {
        match word.as_bytes() {
            b"AND" | b"and" | b"&&" => Some(Self::And),
            b"OR" | b"or" | b"||" => Some(Self::Or),
            b"NOT" | b"not" => Some(Self::Not),
            _ => None,
        }
    }
}

pub(super) type Parsed = Result<Query, QueryError>;

impl Parser<'_> {
    fn error_here(&self, message: &str) -> QueryError {
        QueryError { message: message.to_owned(), span: self.scan.span_here() }
    }

    /// The operator that stands here, if one does: a word of its own that is not the name of a field.
    pub(super) fn operator(&self) -> Option<Operator> {
        let mut ahead = self.scan.clone();
        let word = ahead.bare_word()?;
        let is_field = matches!(ahead.peek(), Some(':' | '<' | '>'));
        // Lucene's operators are written in capitals.
        let is_word = self.lucene.is_some() && word.starts_with(|first: char| first.is_ascii_lowercase());
        if is_field || is_word { None } else { Operator::of(word) }
    }

    pub(super) fn take_operator(&mut self) {
        self.scan.bare_word();
        self.scan.skip_space();
    }

    pub(super) fn is_at_group_end(&self) -> bool {
        matches!(self.scan.peek(), None | Some(')'))
    }

    /// The conditions of a group. `field` is set inside `field:( … )`.
    fn conditions(&mut self, field: Option<&str>) -> Parsed {
        match self.lucene {
            None => self.alternatives(field),
            Some(operator) => self.clauses(field, operator),
        }
    }

    /// Conditions joined by OR.
    fn alternatives(&mut self, field: Option<&str>) -> Parsed {
        let mut parts = vec![self.conjunction(field)?];
        while self.operator() == Some(Operator::Or) {
            self.take_operator();
            parts.push(self.conjunction(field)?);
        }
        Ok(join(parts, Query::Or, |query| match query {
            Query::Or(parts) => Ok(parts),
            other => Err(other),
        }))
    }

    /// Conditions joined by AND or by nothing.
    fn conjunction(&mut self, field: Option<&str>) -> Parsed {
        let mut parts = vec![self.condition(field)?];
        loop {
            match self.operator() {
                Some(Operator::Or) => break,
                Some(Operator::And) => self.take_operator(),
                Some(Operator::Not) => {}
                None if self.is_at_group_end() => break,
                None => {}
            }
            parts.push(self.condition(field)?);
        }
        Ok(join(parts, Query::And, |query| match query {
            Query::And(parts) => Ok(parts),
            other => Err(other),
        }))
    }

    /// One condition, possibly negated.
    pub(super) fn condition(&mut self, field: Option<&str>) -> Parsed {
        self.enter()?;
        let parsed = self.condition_within(field);
        self.depth -= 1;
        parsed
    }

    fn enter(&mut self) -> Result<(), QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error_here(&format!("groups are nested deeper than {DEPTH_MAX}; write fewer parentheses")));
        }
        Ok(())
    }

    fn condition_within(&mut self, field: Option<&str>) -> Parsed {
        if self.operator() == Some(Operator::Not) {
            self.take_operator();
            return Ok(Query::Not(Box::new(self.condition(field)?)));
        }
        if self.operator().is_some() || self.is_at_group_end() {
            return Err(self.error_here("a condition is expected here; for example level:error"));
        }
        match self.scan.peek() {
            Some('!' | '-') if self.scan.is_prefix() => {
                self.scan.advance();
                Ok(Query::Not(Box::new(self.condition(field)?)))
            }
            Some('+') if self.scan.is_prefix() => {
                self.scan.advance();
                self.condition(field)
            }
            Some('(') => self.group(field),
            _ => {
                self.count_clause()?;
                match field {
                    Some(field) => self.value(field),
                    None => self.field_or_text(),
                }
            }
        }
    }

    fn count_clause(&mut self) -> Result<(), QueryError> {
        self.clauses += 1;
        if self.clauses > CLAUSES_MAX {
            return Err(self.error_here(&format!("the query has more than {CLAUSES_MAX} conditions; split it")));
        }
        Ok(())
    }

    /// Counts the word that was read at this place, if it is a pattern.
    fn count_wildcard(&mut self, word: &Word, span: (usize, usize)) -> Result<(), QueryError> {
        self.wildcards += usize::from(word.has_wildcard() && !word.is_only_star());
        if self.wildcards > WILDCARDS_MAX {
            let message = format!("the query has more than {WILDCARDS_MAX} patterns with * or ?; name whole values");
            return Err(QueryError { message, span });
        }
        Ok(())
    }

    fn group(&mut self, field: Option<&str>) -> Parsed {
        let open = self.scan.span_here();
        self.scan.advance();
        self.scan.skip_space();
        let query = self.conditions(field)?;
        if self.scan.peek() != Some(')') {
            return Err(QueryError { message: "this group is not closed; add \")\"".into(), span: open });
        }
        self.scan.advance();
        self.scan.skip_space();
        Ok(query)
    }

    /// `name:value`, `name>value`, or words to look for anywhere.
    fn field_or_text(&mut self) -> Parsed {
        let start = self.scan.clone();
        if self.scan.peek() == Some('"') {
            let text = self.quoted()?;
            self.scan.skip_space();
            return Ok(Query::FreeText(TextPattern::Words(text)));
        }
        let name = self.scan.word(&[':', '<', '>']);
        self.skip_space_before_comparison();
        if !matches!(self.scan.peek(), Some(':' | '<' | '>')) {
            self.scan = start;
            return self.text();
        }
        if name.is_empty() {
            return Err(self.error_here("the name of a field is missing before this; for example amount>100"));
        }
        if self.scan.peek() == Some(':') {
            self.scan.advance();
        }
        if name.text() == "_exists_" {
            let named = self.value_word("_exists_")?;
            return Ok(Query::exists(mapping::canonical(&named.text())));
        }
        if name.is_only_star() && self.scan.clone().word(&[]).is_only_star() {
            self.scan.word(&[]);
            self.scan.skip_space();
            return Ok(Query::All);
        }
        let name = name.text();
        self.scan.skip_space();
        if self.scan.peek() == Some('(') {
            return self.group(Some(mapping::canonical(&name)));
        }
        self.value(mapping::canonical(&name))
    }

    /// `amount > 100` means the same as `amount>100`.
    fn skip_space_before_comparison(&mut self) {
        let mut ahead = self.scan.clone();
        ahead.skip_space();
        if matches!(ahead.peek(), Some('<' | '>')) {
            self.scan = ahead;
        }
    }

    fn text(&mut self) -> Parsed {
        let place = self.scan.span_here();
        let word = self.scan.word(&[]);
        self.count_wildcard(&word, place)?;
        if word.is_empty() {
            return Err(self.error_here("this sign means nothing here; put it in quotes to search for it"));
        }
        self.scan.skip_space();
        Ok(if word.is_only_star() {
            Query::All
        } else if word.has_wildcard() {
            Query::FreeText(TextPattern::Wildcard(word.pattern()))
        } else {
            Query::FreeText(TextPattern::Words(word.text()))
        })
    }

    /// What a field is compared with.
    fn value(&mut self, field: &str) -> Parsed {
        let predicate = match self.scan.peek() {
            Some('<' | '>') => self.comparison(field)?,
            Some('[' | '{') => self.range(field)?,
            Some('"') => Predicate::Equals(self.quoted()?),
            _ => {
                let place = self.scan.span_here();
                let word = self.value_word(field)?;
                self.count_wildcard(&word, place)?;
                predicate_of(field, &word)
            }
        };
        self.scan.skip_space();
        Ok(Query::Field { field: field.to_owned(), predicate })
    }

    fn value_word(&mut self, field: &str) -> Result<Word, QueryError> {
        if self.operator().is_some() {
            return Err(self.error_here(&format!(
                "a value is expected after \"{field}\"; put the word in quotes if it is the value"
            )));
        }
        let word = self.scan.word(&[]);
        if word.is_empty() {
            return Err(self.error_here(&format!(
                "a value is expected after \"{field}\"; for example {field}:word or {field}:\"two words\""
            )));
        }
        self.scan.skip_space();
        Ok(word)
    }

    fn comparison(&mut self, field: &str) -> Result<Predicate, QueryError> {
        let is_greater = self.scan.peek() == Some('>');
        self.scan.advance();
        let is_inclusive = self.scan.peek() == Some('=');
        if is_inclusive {
            self.scan.advance();
        }
        self.scan.skip_space();
        let text = match self.scan.peek() {
            Some('"') => self.quoted()?,
            _ => self.value_word(field)?.text(),
        };
        let bound = if is_inclusive { Bound::Inclusive(text) } else { Bound::Exclusive(text) };
        Ok(if is_greater {
            Predicate::Range { lower: bound, upper: Bound::Open }
        } else {
            Predicate::Range { lower: Bound::Open, upper: bound }
        })
    }

    /// `[1 TO 5]`, `{1 TO 5}` or a mixture; `*` leaves an end open.
    fn range(&mut self, field: &str) -> Result<Predicate, QueryError> {
        let open = self.scan.span_here();
        let is_lower_inclusive = self.scan.peek() == Some('[');
        self.scan.advance();
        self.scan.skip_space();
        let lower = self.bound(field)?;
        let mut ahead = self.scan.clone();
        if !matches!(ahead.bare_word(), Some("TO" | "to")) {
            return Err(self.error_here(&format!("\"TO\" is expected here; for example {field}:[1 TO 5]")));
        }
        self.scan = ahead;
        self.scan.skip_space();
        let upper = self.bound(field)?;
        let is_upper_inclusive = match self.scan.peek() {
            Some(']') => true,
            Some('}') => false,
            _ => return Err(QueryError { message: "this range is not closed; add \"]\"".into(), span: open }),
        };
        self.scan.advance();
        let edge = |text: Option<String>, is_inclusive: bool| match text {
            None => Bound::Open,
            Some(text) if is_inclusive => Bound::Inclusive(text),
            Some(text) => Bound::Exclusive(text),
        };
        Ok(match (edge(lower, is_lower_inclusive), edge(upper, is_upper_inclusive)) {
            (Bound::Open, Bound::Open) => Predicate::Exists,
            (lower, upper) => Predicate::Range { lower, upper },
        })
    }

    fn bound(&mut self, field: &str) -> Result<Option<String>, QueryError> {
        if self.scan.peek() == Some('"') {
            let text = self.quoted()?;
            self.scan.skip_space();
            return Ok(Some(text));
        }
        let word = self.scan.word(&[']', '}']);
        if word.is_empty() {
            return Err(self.error_here(&format!("a bound is expected here; for example {field}:[1 TO 5]")));
        }
        self.scan.skip_space();
        Ok((!word.is_only_star()).then(|| word.text()))
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let open = self.scan.span_here();
        self.scan
            .quoted()
            .ok_or_else(|| QueryError { message: "this quotation is not closed; add a second \"".into(), span: open })
    }
}

fn predicate_of(field: &str, word: &Word) -> Predicate {
    if word.is_only_star() {
        return Predicate::Exists;
    }
    if word.has_wildcard() {
        return Predicate::Wildcard(word.pattern());
    }
    let text = word.text();
    match text.parse() {
        Ok(network) if text.contains('/') && mapping::kind_of(field) == Some(FieldKind::Ip) => {
            Predicate::Network(network)
        }
        _ => Predicate::Equals(text),
    }
}
