//! A query made ready to decide: predicates read once, then asked of single values.
//!
//! Every store decides by this, whatever its columns are: what matches depends on the value alone, never on how it lies.

use super::field_matcher::FieldMatcher;
use super::glob::PATTERN_BYTES_MAX;
use super::text_matcher::TextMatcher;
use super::{Predicate, Query};
use crate::error::{Error, ErrorDetail, Result};
use crate::event::{Event, EventId, pseudo_fields};
use crate::scope::{Scope, hides};
use crate::time::{Timestamp, parse_instant};
use crate::value::Value;

/// One scalar as a store holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number that is not whole.
    Float(f64),
    /// A number literal that neither holds.
    BigNumber(&'a str),
    /// A string.
    Text(&'a str),
    /// An instant of an instant column.
    Instant(Timestamp),
}

impl<'a> Scalar<'a> {
    /// The scalar of a value; `None` for null, lists and objects.
    pub fn from_value(value: &'a Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Float(number) => Some(Self::Float(*number)),
            Value::BigNumber(literal) => Some(Self::BigNumber(literal)),
            Value::Text(text) => Some(Self::Text(text)),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }

    /// The instant that a value of a field of instants is. A date without a year would depend on when it is asked for, so it
    /// is none.
    pub fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Text(text) => parse_instant(text, Timestamp::default()),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::BigNumber(_) => None,
        }
    }

    /// The same of a field that only an index calls one of instants: what is sent to it as a number is milliseconds since the
    /// epoch, as for Elasticsearch's `epoch_millis`.
    pub fn told_instant(self) -> Option<Timestamp> {
        const NANOS_PER_MILLI: i64 = 1_000_000;
        match self {
            Self::Int(millis) => millis.checked_mul(NANOS_PER_MILLI).map(Timestamp::from_nanos),
            Self::Float(millis) => {
                let nanos = millis * NANOS_PER_MILLI as f64;
                (nanos.abs() < i64::MAX as f64).then(|| Timestamp::from_nanos(nanos as i64))
            }
            Self::Instant(_) | Self::Text(_) | Self::Bool(_) | Self::BigNumber(_) => self.instant(),
        }
    }
}

/// A query made ready.
#[derive(Debug)]
pub enum Matcher {
    /// Every event.
    All,
    /// No event.
    Nothing,
    /// All of these.
    And(Vec<Matcher>),
    /// Any of these.
    Or(Vec<Matcher>),
    /// Not this.
    Not(Box<Matcher>),
    /// Any value of a field passes.
    Field(FieldMatcher),
    /// Any string has the words.
    FreeText(TextMatcher),
}

impl Matcher {
    /// Makes the query ready for a caller: their restriction is added, hidden fields match nothing.
    ///
    /// # Errors
    /// `Malformed` when a time cannot be read or a pattern is too long; the detail names the field.
    pub fn compile(query: &Query, scope: &Scope, now: Timestamp) -> Result<Self> {
        let matcher = compile(query, &scope.hidden_fields, now)?;
        match &scope.restriction {
            None => Ok(matcher),
            // The restriction may use fields that the caller does not see.
            Some(restriction) => Ok(Self::And(vec![compile(restriction, &[], now)?, matcher])),
        }
    }

    /// Whether the event matches.
    pub fn matches(&self, event: &Event, id: &EventId) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::And(parts) => parts.iter().all(|part| part.matches(event, id)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(event, id)),
            Self::Not(part) => !part.matches(event, id),
            Self::Field(field) => field.matches_event(event, id),
            Self::FreeText(text) => {
                let mut is_match = false;
                event.for_each_leaf(&mut |canonical, value| {
                    is_match |= text.covers(canonical) && value.as_text().is_some_and(|value| text.matches(value));
                });
                is_match
            }
        }
    }
}

fn compile(query: &Query, hidden: &[String], now: Timestamp) -> Result<Matcher> {
    let all = |parts: &[Query]| parts.iter().map(|part| compile(part, hidden, now)).collect::<Result<Vec<_>>>();
    Ok(match query {
        Query::All => Matcher::All,
        Query::Nothing => Matcher::Nothing,
        Query::And(parts) => Matcher::And(all(parts)?),
        Query::Or(parts) => {
            // However many ids are asked for, the id of an event is looked at once.
            let (ids, others): (Vec<&Query>, Vec<&Query>) = parts.iter().partition(|part| id_of(part).is_some());
            if ids.len() < 2 || hides(hidden, pseudo_fields::ID) {
                return Ok(Matcher::Or(all(parts)?));
            }
            let ids = ids.into_iter().filter_map(id_of).map(str::to_owned).collect();
            let of_ids = Matcher::Field(FieldMatcher::of_ids(ids, hidden));
            let others = others.into_iter().map(|part| compile(part, hidden, now));
            Matcher::Or([Ok(of_ids)].into_iter().chain(others).collect::<Result<_>>()?)
        }
        Query::Not(part) => Matcher::Not(Box::new(compile(part, hidden, now)?)),
        Query::FreeText(pattern) => Matcher::FreeText(TextMatcher::new(pattern, hidden)?),
        Query::Field { field, predicate } => {
            if hides(hidden, field) {
                Matcher::Nothing
            } else {
                Matcher::Field(FieldMatcher::new(field, predicate, hidden, now)?)
            }
        }
    })
}

/// The id that an event must have.
fn id_of(query: &Query) -> Option<&str> {
    match query {
        Query::Field { field, predicate: Predicate::Equals(id) } if field == pseudo_fields::ID => Some(id),
        _ => None,
    }
}

/// Refuses a pattern that is too long.
///
/// # Errors
/// `Malformed`, naming the field.
pub(super) fn check_pattern(pattern: &str, field: &str) -> Result<()> {
    if pattern.len() <= PATTERN_BYTES_MAX {
        return Ok(());
    }
    Err(malformed(
        field,
        format!("the pattern has {} bytes, at most {PATTERN_BYTES_MAX} are allowed; shorten it", pattern.len()),
    ))
}

/// The error of a question that cannot be read, naming its field.
pub(super) fn malformed(field: &str, message: String) -> Error {
    let detail = ErrorDetail { field: field.to_owned(), span: None, message: message.clone() };
    Error::malformed(message).with_detail(detail)
}
