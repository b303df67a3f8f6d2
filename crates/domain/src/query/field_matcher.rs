//! Decides whether values of one field pass a predicate, by what the value is.

use std::collections::HashSet;
use std::net::IpAddr;

use regex::Regex;

use super::edge::Edge;
use super::glob::glob_matches;
use super::intervals::IntervalsTest;
use super::matcher::{Scalar, check_pattern, malformed};
use super::text_matcher::WordTest;
use super::value_pattern::{FuzzyTest, compile_regexp};
use super::{Bound, Needle, Predicate, TextPattern, tokens};
use crate::error::Result;
use crate::event::{Event, EventId, pseudo_fields};
use crate::mapping::{self, FieldKind};
use crate::scope::hides;
use crate::time::{Timestamp, parse_expression};

/// Reads the instant that a value is.
type ReadInstant = fn(Scalar<'_>) -> Option<Timestamp>;
/// What values of a field are taken for, and how the instants among them are read.
type TakenFor = (Option<FieldKind>, ReadInstant);

/// Decides whether a value of one field passes.
#[derive(Debug)]
pub struct FieldMatcher {
    field: String,
    below: String,
    hidden: Vec<String>,
    test: Test,
    /// Whether values are searched by their words.
    by_words: bool,
}

#[derive(Debug)]
enum Test {
    Exists,
    Words(WordTest),
    Equals(EqualsTest),
    Wildcard(String),
    Regexp(Regex),
    Fuzzy(FuzzyTest),
    Instants {
        lower: Edge<Timestamp>,
        upper: Edge<Timestamp>,
        read: ReadInstant,
    },
    Addresses {
        lower: Edge<IpAddr>,
        upper: Edge<IpAddr>,
    },
    Numbers {
        lower: Edge<f64>,
        upper: Edge<f64>,
    },
    Texts {
        lower: Edge<String>,
        upper: Edge<String>,
    },
    Network(ipnet::IpNet),
    Intervals(IntervalsTest),
    /// One of these ids, also as what its sender called it in an index.
    Ids(HashSet<String>),
    Nothing,
}

#[derive(Debug)]
struct EqualsTest {
    text: String,
    ignores_case: bool,
    /// The words of the text.
    words: Vec<String>,
    int: Option<i64>,
    number: Option<f64>,
    flag: Option<bool>,
    address: Option<IpAddr>,
    instant: Option<(Timestamp, ReadInstant)>,
}

impl FieldMatcher {
    /// Reads what the predicate compares with.
    pub(super) fn new(field: &str, predicate: &Predicate, hidden: &[String], now: Timestamp) -> Result<Self> {
        let mut kind: TakenFor = (mapping::kind_of(field), instant_of);
        let mut predicate = predicate;
        while let Predicate::OfKind(told, inner) = predicate {
            kind = (Some(*told), told_instant_of);
            predicate = inner;
        }
        let by_words = kind.0 == Some(FieldKind::Text);
        let test = match predicate {
            Predicate::Exists => Test::Exists,
            Predicate::Equals(text) if field == pseudo_fields::ID => Test::Ids(HashSet::from([text.clone()])),
            Predicate::Equals(text) if by_words => {
                Test::Words(WordTest::new(&TextPattern::Words(text.clone()), field)?)
            }
            Predicate::Wildcard(pattern) if by_words => {
                Test::Words(WordTest::new(&TextPattern::Wildcard(pattern.clone()), field)?)
            }
            Predicate::Equals(text) => Test::Equals(EqualsTest::new(field, kind, text, now)?),
            Predicate::Wildcard(pattern) => {
                check_pattern(pattern, field)?;
                Test::Wildcard(pattern.clone())
            }
            Predicate::Regexp(pattern) => {
                Test::Regexp(compile_regexp(pattern).map_err(|words| malformed(field, words))?)
            }
            Predicate::Fuzzy { word, mistakes_max, exact_prefix, swaps_count_once } => {
                let word = if by_words { tokens::fold(word) } else { word.clone() };
                Test::Fuzzy(FuzzyTest::new(&word, *mistakes_max, *exact_prefix, *swaps_count_once))
            }
            Predicate::Range { lower, upper } => range_test(field, kind, [lower, upper], now)?,
            Predicate::Network(network) => Test::Network(*network),
            Predicate::Intervals(intervals) => Test::Intervals(IntervalsTest::new(intervals, field)?),
            // Taken off above.
            Predicate::OfKind(..) => Test::Nothing,
        };
        let (field, below) = (field.to_owned(), format!("{field}."));
        Ok(Self { field, below, hidden: hidden.to_vec(), test, by_words })
    }

    /// Whether an event has one of these ids, looked up together.
    pub(super) fn of_ids(ids: HashSet<String>, hidden: &[String]) -> Self {
        let (field, below) = (pseudo_fields::ID.to_owned(), format!("{}.", pseudo_fields::ID));
        Self { field, below, hidden: hidden.to_vec(), test: Test::Ids(ids), by_words: false }
    }

    /// The ids of which one passes, if nothing else does.
    pub fn ids(&self) -> Option<impl Iterator<Item = &str>> {
        match &self.test {
            Test::Ids(ids) => Some(ids.iter().map(String::as_str)),
            _ => None,
        }
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

    /// The field if no other is covered, as those below it may be.
    pub fn only_field(&self) -> Option<&str> {
        (!matches!(self.test, Test::Exists)).then_some(&self.field)
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
            Test::Regexp(regexp) => self.any_piece(scalar, &|piece| regexp.is_match(piece)),
            Test::Fuzzy(fuzzy) => self.any_piece(scalar, &|piece| fuzzy.matches(piece)),
            Test::Instants { lower, upper, read } => {
                read(scalar).is_some_and(|at| lower.is_above_lower(&at) && upper.is_below_upper(&at))
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
            Test::Ids(ids) => match scalar {
                Scalar::Text(text) => {
                    ids.contains(text) || EventId::sent_in(text).is_some_and(|sent| ids.contains(sent))
                }
                _ => false,
            },
            Test::Intervals(intervals) => matches!(scalar, Scalar::Text(text) if intervals.matches(text)),
        }
    }

    /// Whether a folded word of a text passes, or the whole of another value.
    fn any_piece(&self, scalar: Scalar<'_>, passes: &dyn Fn(&str) -> bool) -> bool {
        let of_text = |text: &str| match self.by_words {
            true => tokens::raw_words(text).any(|word| passes(&tokens::fold(word))),
            false => passes(text),
        };
        match scalar {
            Scalar::Text(text) => of_text(text),
            other => as_text(other).is_some_and(|text| of_text(&text)),
        }
    }

    /// What every string that passes holds. Values that are no strings may pass without it.
    pub fn needle(&self) -> Needle<'_> {
        match &self.test {
            Test::Words(words) => words.needle(),
            Test::Equals(test) => test.needle(),
            Test::Intervals(test) if !test.needed.is_empty() => Needle::Words(&test.needed),
            Test::Exists
            | Test::Wildcard(_)
            | Test::Regexp(_)
            | Test::Fuzzy(_)
            | Test::Instants { .. }
            | Test::Addresses { .. }
            | Test::Numbers { .. }
            | Test::Texts { .. }
            | Test::Network(_)
            | Test::Intervals(_)
            | Test::Ids(_)
            | Test::Nothing => Needle::Unknown,
        }
    }

    /// Whether any value of the event's field passes.
    pub(super) fn matches_event(&self, event: &Event, id: &EventId) -> bool {
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
    fn new(field: &str, (kind, read): TakenFor, text: &str, now: Timestamp) -> Result<Self> {
        let instant = match kind {
            Some(FieldKind::Instant) => Some((read_time(field, text, now)?, read)),
            _ => None,
        };
        Ok(Self {
            text: text.to_owned(),
            ignores_case: field == "level",
            words: tokens::words(text),
            int: text.parse().ok(),
            number: parse_number(text),
            flag: text.parse().ok(),
            // One of version 4 is written in one way only, so that its text says it all.
            address: (kind == Some(FieldKind::Ip)).then(|| text.parse().ok()).flatten().filter(IpAddr::is_ipv6),
            instant,
        })
    }

    fn needle(&self) -> Needle<'_> {
        // An instant and an address of version 6 are written in several ways.
        if self.instant.is_some() || self.address.is_some() {
            Needle::Unknown
        } else if !self.ignores_case {
            Needle::Value(&self.text)
        } else if self.words.is_empty() {
            Needle::Unknown
        } else {
            Needle::Words(&self.words)
        }
    }

    fn matches(&self, scalar: Scalar<'_>) -> bool {
        if let Some((instant, read)) = self.instant {
            return read(scalar) == Some(instant);
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

fn range_test(field: &str, (kind, read): TakenFor, [lower, upper]: [&Bound; 2], now: Timestamp) -> Result<Test> {
    if kind == Some(FieldKind::Instant) {
        let edge = |bound: &Bound| match bound {
            Bound::Open => Ok(Edge::Open),
            Bound::Inclusive(text) => read_time(field, text, now).map(Edge::Inclusive),
            Bound::Exclusive(text) => read_time(field, text, now).map(Edge::Exclusive),
        };
        return Ok(Test::Instants { lower: edge(lower)?, upper: edge(upper)?, read });
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
    scalar.instant()
}

fn told_instant_of(scalar: Scalar<'_>) -> Option<Timestamp> {
    scalar.told_instant()
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
