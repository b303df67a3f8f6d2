//! The one closed syntax tree of questions about events. What people type, the Elasticsearch DSL and the
//! product's own panels all become this.

mod bounds;
mod edge;
mod field_matcher;
pub mod glob;
mod intervals;
mod join;
mod lucene;
mod matcher;
mod needle;
mod parse;
mod print;
mod scan;
mod text_matcher;
pub mod tokens;
mod value_pattern;

use serde::{Deserialize, Serialize};

pub use bounds::{CLAUSES_MAX, DEPTH_MAX, QueryCost, TEXT_BYTES_MAX, WILDCARDS_MAX};
pub use field_matcher::FieldMatcher;
pub use intervals::{IntervalRelation, Intervals};
pub use lucene::{DefaultOperator, parse_lucene};
pub use matcher::{Matcher, Scalar};
pub use needle::Needle;
pub use parse::parse;
pub use text_matcher::TextMatcher;
pub use value_pattern::compile_regexp;

use crate::mapping::{self, FieldKind};
use crate::time::{TimeExpressionError, Timestamp, parse_expression};

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// What was expected, with an example.
    pub message: String,
    /// The bytes concerned, `[start, end)`.
    pub span: (usize, usize),
}

/// Which events are meant. Field names in it are canonical (`mapping::canonical`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Query {
    /// Every event.
    All,
    /// No event.
    Nothing,
    /// Events that match all of these; at least two.
    And(Vec<Query>),
    /// Events that match any of these; at least two.
    Or(Vec<Query>),
    /// Events that do not match.
    Not(Box<Query>),
    /// Events with any string that has these words.
    FreeText(TextPattern),
    /// Events with any value of the field that passes.
    Field {
        /// Canonical name.
        field: String,
        /// What a value must pass.
        predicate: Predicate,
    },
}

/// Words to look for in strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TextPattern {
    /// One or more words that follow one another, as typed.
    Words(String),
    /// A pattern with `*` (any run) and `?` (any one character) for a single word.
    Wildcard(String),
}

/// What one value must pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Predicate {
    /// Any value but null.
    Exists,
    /// This value: as a whole for keywords, numbers, booleans, instants and addresses; as words that follow one another for text.
    Equals(String),
    /// A pattern with `*` and `?`: for the whole value of keywords, for a single word of text.
    Wildcard(String),
    /// A regular expression: for the whole value of keywords, for a single folded word of text.
    Regexp(String),
    /// A word with mistakes in it: the whole value of keywords, a single folded word of text.
    Fuzzy {
        /// The word.
        word: String,
        /// How many signs may be left out, added or taken for others.
        mistakes_max: u8,
        /// Signs at the beginning that must be as they are.
        exact_prefix: usize,
        /// Whether two signs that changed places are one mistake.
        swaps_count_once: bool,
    },
    /// Between two bounds.
    Range {
        /// The lower one.
        lower: Bound,
        /// The upper one.
        upper: Bound,
    },
    /// An address within this network.
    Network(ipnet::IpNet),
    /// The same of a field whose values are to be taken as of that kind, whatever they are otherwise.
    OfKind(FieldKind, Box<Predicate>),
    /// Words of a text that stand so to one another.
    Intervals(Intervals),
}

/// One end of a range; its text is read by the kind of the values met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// No bound.
    Open,
    /// The bound itself is within.
    Inclusive(String),
    /// The bound itself is not within.
    Exclusive(String),
}

impl Query {
    /// `field` has a value that equals `value`.
    pub fn equals(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Field { field: field.into(), predicate: Predicate::Equals(value.into()) }
    }

    /// `field` has a value.
    pub fn exists(field: impl Into<String>) -> Self {
        Self::Field { field: field.into(), predicate: Predicate::Exists }
    }

    /// One of them must match; `None` when there are none.
    pub fn any(queries: Vec<Self>) -> Option<Self> {
        match queries.len() {
            0 => None,
            1 => queries.into_iter().next(),
            _ => Some(Self::Or(queries)),
        }
    }

    /// Both must match; `All` on either side disappears, and chains stay flat.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, query) | (query, Self::All) => query,
            (Self::And(mut queries), Self::And(more)) => {
                queries.extend(more);
                Self::And(queries)
            }
            (Self::And(mut queries), query) => {
                queries.push(query);
                Self::And(queries)
            }
            (query, Self::And(mut queries)) => {
                queries.insert(0, query);
                Self::And(queries)
            }
            (left, right) => Self::And(vec![left, right]),
        }
    }

    /// What deciding it takes.
    pub fn cost(&self) -> QueryCost {
        match self {
            Self::All | Self::Nothing => QueryCost::default(),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().map(Self::cost).fold(QueryCost::default(), QueryCost::plus)
            }
            Self::Not(part) => part.cost(),
            Self::FreeText(TextPattern::Wildcard(_)) => QueryCost { clauses: 1, wildcards: 1 },
            Self::FreeText(_) => QueryCost { clauses: 1, wildcards: 0 },
            Self::Field { predicate, .. } => predicate.cost(),
        }
    }

    /// The query with every relative time in it (`now-15m`) made an instant.
    ///
    /// # Errors
    /// When the text compared with an instant is no time.
    pub fn resolved(self, now: Timestamp) -> Result<Self, TimeExpressionError> {
        let all =
            |queries: Vec<Self>| queries.into_iter().map(|query| query.resolved(now)).collect::<Result<Vec<_>, _>>();
        let instant = |text: String| parse_expression(&text, now).map(|at| at.to_string());
        let bound = |bound: Bound| match bound {
            Bound::Open => Ok(Bound::Open),
            Bound::Inclusive(text) => instant(text).map(Bound::Inclusive),
            Bound::Exclusive(text) => instant(text).map(Bound::Exclusive),
        };
        let resolved = |predicate: Predicate| {
            Ok::<_, TimeExpressionError>(match predicate {
                Predicate::Equals(text) => Predicate::Equals(instant(text)?),
                Predicate::Range { lower, upper } => Predicate::Range { lower: bound(lower)?, upper: bound(upper)? },
                other => other,
            })
        };
        Ok(match self {
            Self::And(queries) => Self::And(all(queries)?),
            Self::Or(queries) => Self::Or(all(queries)?),
            Self::Not(query) => Self::Not(Box::new(query.resolved(now)?)),
            Self::Field { field, predicate: Predicate::OfKind(FieldKind::Instant, predicate) } => {
                let predicate = Box::new(resolved(*predicate)?);
                Self::Field { field, predicate: Predicate::OfKind(FieldKind::Instant, predicate) }
            }
            Self::Field { field, predicate } if mapping::kind_of(&field) == Some(FieldKind::Instant) => {
                Self::Field { predicate: resolved(predicate)?, field }
            }
            other => other,
        })
    }
}

impl Predicate {
    fn cost(&self) -> QueryCost {
        match self {
            Self::Wildcard(_) | Self::Regexp(_) | Self::Fuzzy { .. } => QueryCost { clauses: 1, wildcards: 1 },
            Self::OfKind(_, inner) => inner.cost(),
            Self::Intervals(intervals) => {
                let (clauses, wildcards) = intervals.counts();
                QueryCost { clauses, wildcards }
            }
            Self::Exists | Self::Equals(_) | Self::Range { .. } | Self::Network(_) => {
                QueryCost { clauses: 1, wildcards: 0 }
            }
        }
    }
}

#[cfg(test)]
mod matcher_tests;
#[cfg(test)]
mod parse_tests;
