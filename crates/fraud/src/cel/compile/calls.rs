//! Functions and methods.

use std::cmp::Ordering;
use std::str::FromStr;

use jiff::civil::DateTime;
use regex::{Error, Regex, RegexBuilder};
use vigie_domain::Timestamp;

use super::super::CompileError;
use super::super::bounds::{PATTERN_BYTES_MAX, PATTERN_DEPTH_MAX};
use super::super::frame::{Cause, Scalar, Stop};
use super::super::functions::{One, Part, Two};
use super::super::instants::civil;
use super::super::operand::{Operand, binary, unary};
use super::super::syntax::{Node, Span, Syntax};
use super::super::texts::{ListSource, TextSource, test, test_both};
use super::arithmetic::overflow;
use super::comparison::exact_int;
use super::{Compiler, Typed, as_double};

impl<'r> Compiler<'r> {
    pub(super) fn call_one(&mut self, function: One, node: &'r Node, span: Span) -> Result<Typed, CompileError> {
        let value = self.typed(node)?;
        let kind = value.kind();
        let (typed, takes) = match function {
            One::Size => (size(value), "size() is for texts and lists of texts"),
            One::LowerAscii => (lowered(value), "lowerAscii() is for texts"),
            One::Abs => (absolute(value, span), "abs() is for numbers"),
            One::ToInt => (to_int(value, span), "int() is for numbers, texts and instants"),
            One::ToDouble => (to_double(value, span), "double() is for numbers and texts"),
            One::Calendar(part) => (calendar(part, value), "parts of a date are asked of an instant"),
        };
        typed.ok_or_else(|| CompileError::new(node.span, format!("{takes}, not {kind}")))
    }

    pub(super) fn call_two(&mut self, function: Two, nodes: &'r [Node; 2], span: Span) -> Result<Typed, CompileError> {
        match function {
            Two::Matches => self.matches(nodes),
            Two::Contains => self.both_texts(nodes, "contains", |text, part| text.contains(part)),
            Two::StartsWith => self.both_texts(nodes, "startsWith", |text, part| text.starts_with(part)),
            Two::EndsWith => self.both_texts(nodes, "endsWith", |text, part| text.ends_with(part)),
            Two::Min => self.extreme(nodes, span, Ordering::Less),
            Two::Max => self.extreme(nodes, span, Ordering::Greater),
        }
    }

    fn both_texts(
        &mut self,
        nodes: &'r [Node; 2],
        name: &str,
        test: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
    ) -> Result<Typed, CompileError> {
        let (text, part) = (self.text(&nodes[0], name)?, self.text(&nodes[1], name)?);
        Ok(Typed::Bool(test_both(text, part, test)))
    }

    fn text(&mut self, node: &'r Node, name: &str) -> Result<TextSource, CompileError> {
        match self.typed(node)? {
            Typed::Text(text) => Ok(text),
            other => Err(CompileError::new(node.span, format!("{name}() is for texts, not {}", other.kind()))),
        }
    }

    fn matches(&mut self, nodes: &'r [Node; 2]) -> Result<Typed, CompileError> {
        let text = self.text(&nodes[0], "matches")?;
        let Syntax::Text(pattern) = &nodes[1].syntax else {
            let message = "a pattern is a text that is written out: x.matches('^[a-z]+$')";
            return Err(CompileError::new(nodes[1].span, message));
        };
        let pattern = compile_pattern(pattern).map_err(|message| CompileError::new(nodes[1].span, message))?;
        Ok(Typed::Bool(test(text, move |text| Ok(pattern.is_match(text)))))
    }

    /// Of two numbers the one that is `wanted` of the other; NaN if one of them is.
    fn extreme(&mut self, nodes: &'r [Node; 2], span: Span, wanted: Ordering) -> Result<Typed, CompileError> {
        let of_doubles = move |left, right| {
            Typed::Double(binary(left, right, move |a: f64, b: f64| {
                Ok(if a.is_nan() || a.partial_cmp(&b) == Some(wanted) { a } else { b })
            }))
        };
        Ok(match (self.typed(&nodes[0])?, self.typed(&nodes[1])?) {
            (Typed::Int(left), Typed::Int(right)) => {
                Typed::Int(binary(left, right, move |a: i64, b: i64| Ok(if a.cmp(&b) == wanted { a } else { b })))
            }
            (Typed::Double(left), Typed::Double(right)) => of_doubles(left, right),
            (Typed::Int(left), Typed::Double(right)) => of_doubles(as_double(left), right),
            (Typed::Double(left), Typed::Int(right)) => of_doubles(left, as_double(right)),
            (left, right) => {
                let message = format!("min() and max() are for numbers, not {} and {}", left.kind(), right.kind());
                return Err(CompileError::new(span, message));
            }
        })
    }
}

/// A pattern that is bounded in memory and in time: matching takes as long as the text is.
fn compile_pattern(pattern: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).nest_limit(PATTERN_DEPTH_MAX);
    builder.build().map_err(|error| match error {
        Error::CompiledTooBig(_) => "the pattern is too large: repeat less in it".to_owned(),
        // The last line of several says what is wrong.
        other => {
            let told = other.to_string();
            let last = told.lines().last().unwrap_or_default();
            format!("the pattern cannot be read: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
    })
}

/// Characters of a text, texts of a list.
fn size(value: Typed) -> Option<Typed> {
    match value {
        Typed::Text(TextSource::Constant(text)) => Some(Typed::Int(Operand::Constant(text.chars().count() as i64))),
        Typed::Text(text) => Some(Typed::Int(Operand::worked_out(move |frame| {
            Ok(text.read(frame)?.look(|text| text.chars().count()) as i64)
        }))),
        Typed::Texts(ListSource::Constant(texts)) => Some(Typed::Int(Operand::Constant(texts.len() as i64))),
        Typed::Texts(texts) => Some(Typed::Int(Operand::worked_out(move |frame| Ok(texts.read(frame)?.len() as i64)))),
        Typed::Bool(_) | Typed::Int(_) | Typed::Double(_) => None,
        Typed::Instant(_) | Typed::Duration(_) | Typed::Numbers(_) => None,
    }
}

fn lowered(value: Typed) -> Option<Typed> {
    if let Typed::Text(text) = value { Some(Typed::Text(text.lowered())) } else { None }
}

fn absolute(value: Typed, span: Span) -> Option<Typed> {
    match value {
        Typed::Int(value) => {
            Some(Typed::Int(unary(value, move |value: i64| value.checked_abs().ok_or(overflow(span)))))
        }
        Typed::Double(value) => Some(Typed::Double(unary(value, |value: f64| Ok(value.abs())))),
        Typed::Bool(_) | Typed::Text(_) | Typed::Instant(_) | Typed::Duration(_) => None,
        Typed::Texts(_) | Typed::Numbers(_) => None,
    }
}

/// Doubles are cut towards zero, instants become whole seconds since 1970.
fn to_int(value: Typed, span: Span) -> Option<Typed> {
    let no_number = Stop::Failed(span, Cause::NoNumber);
    let int = match value {
        Typed::Int(value) => value,
        Typed::Double(value) => unary(value, move |value: f64| exact_int(value.trunc()).ok_or(no_number)),
        Typed::Text(text) => parsed(text, no_number),
        Typed::Instant(at) => unary(at, |at: Timestamp| Ok(at.as_seconds())),
        Typed::Bool(_) | Typed::Duration(_) | Typed::Texts(_) | Typed::Numbers(_) => return None,
    };
    Some(Typed::Int(int))
}

fn to_double(value: Typed, span: Span) -> Option<Typed> {
    match value {
        Typed::Int(value) => Some(Typed::Double(as_double(value))),
        Typed::Double(value) => Some(Typed::Double(value)),
        Typed::Text(text) => Some(Typed::Double(parsed(text, Stop::Failed(span, Cause::NoNumber)))),
        Typed::Bool(_) | Typed::Instant(_) | Typed::Duration(_) | Typed::Texts(_) | Typed::Numbers(_) => None,
    }
}

/// A number that is written in a text.
fn parsed<T: Scalar + FromStr>(text: TextSource, no_number: Stop) -> Operand<T> {
    Operand::worked_out(move |frame| text.read(frame)?.look(|text| text.parse().map_err(|_| no_number)))
}

fn calendar(part: Part, value: Typed) -> Option<Typed> {
    let Typed::Instant(at) = value else { return None };
    let of: fn(DateTime) -> i64 = match part {
        Part::Hours => |civil| civil.hour().into(),
        Part::DayOfWeek => |civil| civil.weekday().to_sunday_zero_offset().into(),
        Part::DayOfMonth => |civil| i64::from(civil.day()) - 1,
        Part::Date => |civil| civil.day().into(),
        Part::Month => |civil| i64::from(civil.month()) - 1,
        Part::FullYear => |civil| civil.year().into(),
    };
    Some(Typed::Int(unary(at, move |at: Timestamp| Ok(of(civil(at))))))
}
