//! The same text read as Lucene's classic query parser reads it, which Elasticsearch's `query_string` is: conditions of a group are
//! required, excluded or optional, and AND binds no tighter than OR.
//!
//! Source: `QueryParserBase.addClause` of Lucene. A group that only excludes matches what is not excluded.

use super::parse::{self, Operator, Parsed, Parser};
use super::{Query, QueryError};

/// What joins conditions with nothing between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultOperator {
    /// Every one must match.
    And,
    /// One must match.
    Or,
}

/// Reads a query as Lucene does; empty text means every event.
///
/// # Errors
/// As `parse`.
pub fn parse_lucene(text: &str, operator: DefaultOperator) -> Result<Query, QueryError> {
    parse::read(text, Some(operator))
}

/// How a condition counts in its group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occur {
    Must,
    Should,
    MustNot,
}

impl Parser<'_> {
    /// The conditions of a group.
    pub(super) fn clauses(&mut self, field: Option<&str>, default: DefaultOperator) -> Parsed {
        let mut clauses: Vec<(Occur, Query)> = Vec::new();
        let mut joined = None;
        loop {
            let sign = self.sign();
            let query = self.condition(field)?;
            if let Some((before, _)) = clauses.last_mut().filter(|(before, _)| *before != Occur::MustNot) {
                match (joined, default) {
                    (Some(Operator::And), _) => *before = Occur::Must,
                    (Some(Operator::Or), DefaultOperator::And) => *before = Occur::Should,
                    _ => {}
                }
            }
            let is_required = match default {
                DefaultOperator::Or => joined == Some(Operator::And),
                DefaultOperator::And => joined != Some(Operator::Or),
            };
            let occur = sign.unwrap_or(if is_required { Occur::Must } else { Occur::Should });
            clauses.push((occur, query));
            joined = self.operator().filter(|operator| *operator != Operator::Not);
            if joined.is_some() {
                self.take_operator();
            } else if self.operator().is_none() && self.is_at_group_end() {
                return Ok(matching(clauses));
            }
        }
    }

    /// What stands before a condition: `+`, `-`, `!` or NOT.
    fn sign(&mut self) -> Option<Occur> {
        if self.operator() == Some(Operator::Not) {
            self.take_operator();
            return Some(Occur::MustNot);
        }
        let occur = match self.scan.peek().filter(|_| self.scan.is_prefix())? {
            '!' | '-' => Occur::MustNot,
            '+' => Occur::Must,
            _ => return None,
        };
        self.scan.advance();
        Some(occur)
    }
}

/// What matches the group: optional conditions count only where none is required.
fn matching(clauses: Vec<(Occur, Query)>) -> Query {
    let (mut must, mut should, mut must_not) = (Vec::new(), Vec::new(), Vec::new());
    for (occur, query) in clauses {
        match occur {
            Occur::Must => must.push(query),
            Occur::Should => should.push(query),
            Occur::MustNot => must_not.push(Query::Not(Box::new(query))),
        }
    }
    if must.is_empty() {
        must.extend(Query::any(should));
    }
    must.into_iter().chain(must_not).fold(Query::All, Query::and)
}

#[cfg(test)]
mod tests {
    use super::DefaultOperator::{And, Or};
    use super::*;
    use crate::query::parse;

    /// Read as Lucene does, the text means what the other text means here.
    fn check(text: &str, operator: DefaultOperator, expected: &str) {
        assert_eq!(parse_lucene(text, operator), parse(expected), "{text} with {operator:?}");
    }

    #[test]
    fn conditions_are_required_excluded_or_optional() {
        for operator in [And, Or] {
            check("", operator, "");
            check("*", operator, "*");
            check("a:1", operator, "a:1");
            check("NOT a:1", operator, "NOT a:1");
            check("a:1 AND b:2", operator, "a:1 AND b:2");
            check("a:1 OR b:2", operator, "a:1 OR b:2");
            check("a:1 AND NOT b:2", operator, "a:1 NOT b:2");
            check("a:1 -b:2", operator, "a:1 NOT b:2");
            check("+a:1 +b:2", operator, "a:1 AND b:2");
        }
        check("a:1 b:2", And, "a:1 AND b:2");
        check("a:1 b:2", Or, "a:1 OR b:2");
        check("a:1 b:2 -c:3", Or, "(a:1 OR b:2) AND NOT c:3");
        check("+a:1 b:2", Or, "a:1");
        check("a:(x y)", Or, "a:(x OR y)");
        check("a:(x y)", And, "a:(x AND y)");
    }

    #[test]
    fn and_binds_no_tighter_than_or() {
        check("a:1 OR b:2 AND c:3", Or, "b:2 AND c:3");
        check("a:1 AND b:2 OR c:3", Or, "a:1 AND b:2");
        check("a:1 AND b:2 OR c:3", And, "a:1");
        check("a:1 OR (b:2 AND c:3)", Or, "a:1 OR (b:2 AND c:3)");
        check("a:1 OR NOT b:2", Or, "a:1 AND NOT b:2");
        check("a:and && b:not", Or, r#"a:"and" AND b:"not""#);
    }

    #[test]
    fn errors_name_their_place() {
        for text in ["a:1 AND", "a:1 OR OR b:2", "(a:1", "a:", "NOT"] {
            assert!(parse_lucene(text, Or).is_err(), "{text}");
        }
    }
}
