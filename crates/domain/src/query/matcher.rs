//! A query made ready to decide: predicates read once, then asked of single values.
//!
//! Every store decides by this, whatever its columns are: what matches depends on the value alone, never on how it lies.

use std::net::IpAddr;

use super::glob::{PATTERN_BYTES_MAX, glob_matches};
use super::{Bound, Predicate, Query, TextPattern, tokens};
use crate::error::{Error, ErrorDetail, Result};
use crate::event::{Event, EventId, pseudo_fields};
use crate::mapping::{self, FieldKind};
use crate::scope::{Scope, hides};
use crate::time::{Timestamp, parse_expression, parse_instant};
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
        Query::Or(parts) => Matcher::Or(all(parts)?),
        Query::Not(part) => Matcher::Not(Box::new(compile(part, hidden, now)?)),
        Query::FreeText(pattern) => {
            Matcher::FreeText(TextMatcher { words: WordTest::new(pattern, "query")?, hidden: hidden.to_vec() })
        }
        Query::Field { field, predicate } => {
            if hides(hidden, field) {
                Matcher::Nothing
            } else {
                Matcher::Field(FieldMatcher::new(field, predicate, hidden, now)?)
            }
        }
    })
}

/// Decides whether a string has the words.
#[derive(Debug)]
pub struct TextMatcher {
    words: WordTest,
    hidden: Vec<String>,
}

impl TextMatcher {
    /// Whether strings of this field are looked at.
    pub fn covers(&self, canonical: &str) -> bool {
        !hides(&self.hidden, canonical)
    }

    /// Whether the string has the words.
    pub fn matches(&self, text: &str) -> bool {
        self.words.matches(text)
    }
}

/// Words that follow one another, or a pattern for one word.
#[derive(Debug)]
enum WordTest {
    Sequence(Vec<String>),
    Wildcard(String),
}

impl WordTest {
    fn new(pattern: &TextPattern, field: &str) -> Result<Self> {
        match pattern {
            TextPattern::Words(text) => Ok(Self::Sequence(tokens::words(text))),
            TextPattern::Wildcard(pattern) => {
                check_pattern(pattern, field)?;
                Ok(Self::Wildcard(tokens::fold(pattern)))
            }
        }
    }

    /// A sequence without words matches nothing: nobody asked for anything.
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Sequence(words) => match words.as_slice() {
                [] => false,
                [word] => tokens::raw_words(text).any(|found| tokens::folds_to(found, word)),
                words => has_sequence(text, words),
            },
            Self::Wildcard(pattern) => tokens::raw_words(text).any(|word| glob_matches(pattern, &tokens::fold(word))),
        }
    }
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

fn check_pattern(pattern: &str, field: &str) -> Result<()> {
    if pattern.len() <= PATTERN_BYTES_MAX {
        return Ok(());
    }
    Err(malformed(
        field,
        format!("the pattern has {} bytes, at most {PATTERN_BYTES_MAX} are allowed; shorten it", pattern.len()),
    ))
}

fn malformed(field: &str, message: String) -> Error {
    let detail = ErrorDetail { field: field.to_owned(), span: None, message: message.clone() };
    Error::malformed(message).with_detail(detail)
}

/// Decides whether a value of one field passes.
#[derive(Debug)]
pub struct FieldMatcher {
    field: String,
    below: String,
    hidden: Vec<String>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Exists,
    Words(WordTest),
    Equals(EqualsTest),
    Wildcard(String),
    Instants { lower: Edge<Timestamp>, upper: Edge<Timestamp> },
    Addresses { lower: Edge<IpAddr>, upper: Edge<IpAddr> },
    Numbers { lower: Edge<f64>, upper: Edge<f64> },
    Texts { lower: Edge<String>, upper: Edge<String> },
    Network(ipnet::IpNet),
    Nothing,
}

#[derive(Debug)]
struct EqualsTest {
    text: String,
    ignores_case: bool,
    int: Option<i64>,
    number: Option<f64>,
    flag: Option<bool>,
    address: Option<IpAddr>,
    instant: Option<Timestamp>,
}

#[derive(Debug)]
enum Edge<T> {
    Open,
    Inclusive(T),
    Exclusive(T),
}

impl<T: PartialOrd> Edge<T> {
    fn is_above_lower(&self, value: &T) -> bool {
        match self {
            Self::Open => true,
            Self::Inclusive(bound) => value >= bound,
            Self::Exclusive(bound) => value > bound,
        }
    }

    fn is_below_upper(&self, value: &T) -> bool {
        match self {
            Self::Open => true,
            Self::Inclusive(bound) => value <= bound,
            Self::Exclusive(bound) => value < bound,
        }
    }
}

impl<T> Edge<T> {
    fn read(bound: &Bound, read: &dyn Fn(&str) -> Option<T>) -> Option<Self> {
        match bound {
            Bound::Open => Some(Self::Open),
            Bound::Inclusive(text) => read(text).map(Self::Inclusive),
            Bound::Exclusive(text) => read(text).map(Self::Exclusive),
        }
    }
}

impl FieldMatcher {
    fn new(field: &str, predicate: &Predicate, hidden: &[String], now: Timestamp) -> Result<Self> {
        let kind = mapping::kind_of(field);
        let test = match predicate {
            Predicate::Exists => Test::Exists,
            Predicate::Equals(text) if mapping::is_text(field) => {
                Test::Words(WordTest::new(&TextPattern::Words(text.clone()), field)?)
            }
            Predicate::Wildcard(pattern) if mapping::is_text(field) => {
                Test::Words(WordTest::new(&TextPattern::Wildcard(pattern.clone()), field)?)
            }
            Predicate::Equals(text) => Test::Equals(EqualsTest::new(field, kind, text, now)?),
            Predicate::Wildcard(pattern) => {
                check_pattern(pattern, field)?;
                Test::Wildcard(pattern.clone())
            }
            Predicate::Range { lower, upper } => range_test(field, kind, [lower, upper], now)?,
            Predicate::Network(network) => Test::Network(*network),
        };
        Ok(Self { field: field.to_owned(), below: format!("{field}."), hidden: hidden.to_vec(), test })
    }

    /// Canonical name of the field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Whether values of the field with this canonical name are looked at: the field itself, and for "exists" also
    /// what lies below it.
    pub fn covers(&self, canonical: &str) -> bool {
        let is_below = || matches!(self.test, Test::Exists) && canonical.starts_with(&self.below);
        canonical == self.field || (is_below() && !hides(&self.hidden, canonical))
    }

    /// Whether the value passes.
    pub fn matches(&self, scalar: Scalar<'_>) -> bool {
        match &self.test {
            Test::Exists => true,
            Test::Nothing => false,
            Test::Words(words) => match scalar {
                Scalar::Text(text) => words.matches(text),
                other => as_text(other).is_some_and(|text| words.matches(&text)),
            },
            Test::Equals(test) => test.matches(scalar),
            Test::Wildcard(pattern) => match scalar {
                Scalar::Text(text) => glob_matches(pattern, text),
                other => as_text(other).is_some_and(|text| glob_matches(pattern, &text)),
            },
            Test::Instants { lower, upper } => {
                instant_of(scalar).is_some_and(|at| lower.is_above_lower(&at) && upper.is_below_upper(&at))
            }
            Test::Addresses { lower, upper } => address_of(scalar).is_some_and(|address| {
                is_same_family(lower, &address)
                    && is_same_family(upper, &address)
                    && lower.is_above_lower(&address)
                    && upper.is_below_upper(&address)
            }),
            Test::Numbers { lower, upper } => {
                number_of(scalar).is_some_and(|number| lower.is_above_lower(&number) && upper.is_below_upper(&number))
            }
            Test::Texts { lower, upper } => match scalar {
                Scalar::Text(text) => {
                    let text = text.to_owned();
                    lower.is_above_lower(&text) && upper.is_below_upper(&text)
                }
                _ => false,
            },
            Test::Network(network) => address_of(scalar).is_some_and(|address| network.contains(&address)),
        }
    }

    fn matches_event(&self, event: &Event, id: &EventId) -> bool {
        match self.field.as_str() {
            pseudo_fields::TIMESTAMP => self.matches(Scalar::Instant(event.timestamp)),
            pseudo_fields::INGESTED_AT => self.matches(Scalar::Instant(event.ingested_at)),
            pseudo_fields::ID => self.matches(Scalar::Text(&id.0)),
            pseudo_fields::LOG_TYPE => self.matches(Scalar::Text(event.log_type.as_str())),
            _ => {
                let mut is_match = false;
                event.for_each_leaf(&mut |canonical, value| {
                    is_match |=
                        self.covers(canonical) && Scalar::from_value(value).is_some_and(|scalar| self.matches(scalar));
                });
                is_match
            }
        }
    }
}

impl EqualsTest {
    fn new(field: &str, kind: Option<FieldKind>, text: &str, now: Timestamp) -> Result<Self> {
        let instant = match kind {
            Some(FieldKind::Instant) => Some(read_time(field, text, now)?),
            _ => None,
        };
        Ok(Self {
            text: text.to_owned(),
            ignores_case: field == "level",
            int: text.parse().ok(),
            number: parse_number(text),
            flag: text.parse().ok(),
            address: (kind == Some(FieldKind::Ip)).then(|| text.parse().ok()).flatten(),
            instant,
        })
    }

    fn matches(&self, scalar: Scalar<'_>) -> bool {
        if let Some(instant) = self.instant {
            return instant_of(scalar) == Some(instant);
        }
        match scalar {
            Scalar::Bool(flag) => self.flag == Some(flag),
            Scalar::Int(number) => match self.int {
                Some(int) => int == number,
                None => self.number == Some(number as f64),
            },
            Scalar::Float(number) => self.number == Some(number),
            Scalar::BigNumber(literal) => {
                literal == self.text || self.number.is_some() && self.number == literal.parse().ok()
            }
            Scalar::Text(text) if self.ignores_case => text.eq_ignore_ascii_case(&self.text),
            Scalar::Text(text) => text == self.text || self.address.is_some_and(|address| text.parse() == Ok(address)),
            Scalar::Instant(instant) => instant.to_string() == self.text,
        }
    }
}

fn range_test(field: &str, kind: Option<FieldKind>, [lower, upper]: [&Bound; 2], now: Timestamp) -> Result<Test> {
    if kind == Some(FieldKind::Instant) {
        let edge = |bound: &Bound| match bound {
            Bound::Open => Ok(Edge::Open),
            Bound::Inclusive(text) => read_time(field, text, now).map(Edge::Inclusive),
            Bound::Exclusive(text) => read_time(field, text, now).map(Edge::Exclusive),
        };
        return Ok(Test::Instants { lower: edge(lower)?, upper: edge(upper)? });
    }
    if kind == Some(FieldKind::Ip) {
        let read = |text: &str| text.parse::<IpAddr>().ok();
        let edges = Edge::read(lower, &read).zip(Edge::read(upper, &read));
        return Ok(edges.map_or(Test::Nothing, |(lower, upper)| Test::Addresses { lower, upper }));
    }
    if let Some((lower, upper)) = Edge::read(lower, &parse_number).zip(Edge::read(upper, &parse_number)) {
        return Ok(Test::Numbers { lower, upper });
    }
    let read = |text: &str| parse_number(text).is_none().then(|| text.to_owned());
    let edges = Edge::read(lower, &read).zip(Edge::read(upper, &read));
    Ok(edges.map_or(Test::Nothing, |(lower, upper)| Test::Texts { lower, upper }))
}

fn read_time(field: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    parse_expression(text, now)
        .map_err(|error| malformed(field, format!("the time of \"{field}\" cannot be read: {error}")))
}

fn parse_number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

fn as_text(scalar: Scalar<'_>) -> Option<String> {
    match scalar {
        Scalar::Bool(flag) => Some(flag.to_string()),
        Scalar::Int(number) => Some(number.to_string()),
        Scalar::Float(number) => Some(number.to_string()),
        Scalar::BigNumber(text) | Scalar::Text(text) => Some(text.to_owned()),
        Scalar::Instant(instant) => Some(instant.to_string()),
    }
}

fn number_of(scalar: Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Int(number) => Some(number as f64),
        Scalar::Float(number) => Some(number),
        Scalar::BigNumber(literal) => literal.parse().ok(),
        Scalar::Bool(_) | Scalar::Text(_) | Scalar::Instant(_) => None,
    }
}

fn instant_of(scalar: Scalar<'_>) -> Option<Timestamp> {
    match scalar {
        Scalar::Instant(instant) => Some(instant),
        // A date without a year would depend on when it is asked for, so it has none here.
        Scalar::Text(text) => parse_instant(text, Timestamp::default()),
        Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_) | Scalar::BigNumber(_) => None,
    }
}

fn address_of(scalar: Scalar<'_>) -> Option<IpAddr> {
    match scalar {
        Scalar::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn is_same_family(edge: &Edge<IpAddr>, address: &IpAddr) -> bool {
    match edge {
        Edge::Open => true,
        Edge::Inclusive(bound) | Edge::Exclusive(bound) => bound.is_ipv4() == address.is_ipv4(),
    }
}
