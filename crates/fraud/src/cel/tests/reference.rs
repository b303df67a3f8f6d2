//! A plain walk through the tree of a rule: no closures, nothing worked out beforehand, every value of its own.
//!
//! It shares with what is compiled only the tree, the calendar's source and the reasons; what is said twice is meant to be said twice.

use std::cmp::Ordering;

use jiff::tz::Offset;
use vigie_domain::Timestamp;

use super::super::frame::{Cause, Elapsed, Stop};
use super::super::functions::{One, Part, Two};
use super::super::syntax::{Arithmetic, Comparison, Loop, Node, Quantifier, Syntax};
use super::super::{Kind, Slot};
use super::NAMES;

/// Any value.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Instant(i64),
    Duration(i64),
    List(Vec<Value>),
}

type Walked = Result<Value, Stop>;

/// What a rule says.
pub(super) fn evaluate(node: &Node, slots: &[Slot<'_>]) -> Result<bool, Stop> {
    match walk(node, slots, &[])? {
        Value::Bool(value) => Ok(value),
        other => panic!("a rule that is {other:?}"),
    }
}

/// `loops` are names and texts, the innermost last.
fn walk(node: &Node, slots: &[Slot<'_>], loops: &[(String, String)]) -> Walked {
    let go = |node: &Node| walk(node, slots, loops);
    let fail = |cause| Err(Stop::Failed(node.span, cause));
    match &node.syntax {
        Syntax::Null => panic!("null is no value"),
        Syntax::Bool(value) => Ok(Value::Bool(*value)),
        Syntax::Int(value) => Ok(Value::Int(*value)),
        Syntax::Double(value) => Ok(Value::Double(*value)),
        Syntax::Text(value) => Ok(Value::Text(value.clone())),
        Syntax::Instant(value) => Ok(Value::Instant(value.as_nanos())),
        Syntax::Duration(Elapsed(value)) => Ok(Value::Duration(*value)),
        Syntax::List(values) => Ok(Value::List(values.iter().map(|value| go(value).unwrap()).collect())),
        Syntax::Name(name) => read(name, node, slots, loops),
        Syntax::Has(name) => Ok(Value::Bool(!is_missing(name, slots))),
        Syntax::Not(inner) => Ok(Value::Bool(go(inner)? == Value::Bool(false))),
        Syntax::Negate(inner) => match go(inner)? {
            Value::Int(value) if value == i64::MIN => fail(Cause::Overflow),
            Value::Int(value) => Ok(Value::Int(-value)),
            Value::Double(value) => Ok(Value::Double(-value)),
            other => panic!("- of {other:?}"),
        },
        Syntax::And(terms) => settle(terms.iter().map(go).collect(), false),
        Syntax::Or(terms) => settle(terms.iter().map(go).collect(), true),
        Syntax::Compare(comparison, sides) => compare(*comparison, sides, slots, loops),
        Syntax::Arithmetic(operator, sides) => {
            let (left, right) = pair(go(&sides[0]), go(&sides[1]))?;
            calculate(*operator, left, right).or_else(fail)
        }
        Syntax::In(sides) => {
            let (value, list) = pair(go(&sides[0]), go(&sides[1]))?;
            let Value::List(values) = list else { panic!("in {list:?}") };
            Ok(Value::Bool(values.iter().any(|known| order(&value, known) == Some(Ordering::Equal))))
        }
        Syntax::Choose(parts) => go(if go(&parts[0])? == Value::Bool(true) { &parts[1] } else { &parts[2] }),
        Syntax::One(function, value) => call_one(*function, go(value)?).or_else(fail),
        Syntax::Two(function, values) => {
            let (left, right) = pair(go(&values[0]), go(&values[1]))?;
            Ok(call_two(*function, left, right))
        }
        Syntax::Loop(quantifier, looped) => walk_loop(*quantifier, looped, slots, loops),
    }
}

fn read(name: &str, node: &Node, slots: &[Slot<'_>], loops: &[(String, String)]) -> Walked {
    if let Some((_, text)) = loops.iter().rev().find(|(variable, _)| variable == name) {
        return Ok(Value::Text(text.clone()));
    }
    let place = NAMES.iter().position(|(known, _)| *known == name).unwrap();
    match (slots[place], NAMES[place].1) {
        (Slot::Missing, _) => Err(Stop::Missing(place as u32)),
        (Slot::Bool(value), Kind::Bool) => Ok(Value::Bool(value)),
        (Slot::Int(value), Kind::Int) => Ok(Value::Int(value)),
        (Slot::Double(value), Kind::Double) => Ok(Value::Double(value)),
        (Slot::Text(value), Kind::Text) => Ok(Value::Text(value.to_owned())),
        (Slot::Instant(value), Kind::Instant) => Ok(Value::Instant(value)),
        (Slot::Texts(values), Kind::Texts) => Ok(Value::List(values.iter().cloned().map(Value::Text).collect())),
        (_, _) => Err(Stop::Failed(node.span, Cause::OtherKind)),
    }
}

fn is_missing(name: &Node, slots: &[Slot<'_>]) -> bool {
    let Syntax::Name(name) = &name.syntax else { panic!("no name") };
    slots[NAMES.iter().position(|(known, _)| known == name).unwrap()] == Slot::Missing
}

/// All terms of a chain or rounds of a loop.
fn settle(terms: Vec<Walked>, deciding: bool) -> Walked {
    if terms.contains(&Ok(Value::Bool(deciding))) {
        return Ok(Value::Bool(deciding));
    }
    match terms.into_iter().filter_map(Result::err).min() {
        Some(stop) => Err(stop),
        None => Ok(Value::Bool(!deciding)),
    }
}

fn pair(left: Walked, right: Walked) -> Result<(Value, Value), Stop> {
    match (left, right) {
        (Err(left), Err(right)) => Err(left.min(right)),
        (left, right) => Ok((left?, right?)),
    }
}

fn walk_loop(quantifier: Quantifier, looped: &Loop, slots: &[Slot<'_>], loops: &[(String, String)]) -> Walked {
    let list = walk(&looped.list, slots, loops)?;
    let Value::List(values) = list else { panic!("a loop over {list:?}") };
    let rounds = values.into_iter().map(|value| {
        let Value::Text(text) = value else { panic!("a loop over {value:?}") };
        let inner = [loops, &[(looped.variable.clone(), text)]].concat();
        walk(&looped.body, slots, &inner)
    });
    settle(rounds.collect(), quantifier == Quantifier::Exists)
}

fn compare(comparison: Comparison, sides: &[Node; 2], slots: &[Slot<'_>], loops: &[(String, String)]) -> Walked {
    let null_side = sides.iter().position(|side| matches!(side.syntax, Syntax::Null));
    if let Some(null_side) = null_side {
        let is_null = is_missing(&sides[1 - null_side], slots);
        return Ok(Value::Bool(is_null == (comparison == Comparison::Equal)));
    }
    let (left, right) = pair(walk(&sides[0], slots, loops), walk(&sides[1], slots, loops))?;
    let order = order(&left, &right);
    Ok(Value::Bool(match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::Unequal => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Int(right)) => left.partial_cmp(right),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Double(right)) => exactly(*left, *right),
        (Value::Double(left), Value::Int(right)) => exactly(*right, *left).map(Ordering::reverse),
        (Value::Text(left), Value::Text(right)) => left.chars().partial_cmp(right.chars()),
        (Value::Instant(left), Value::Instant(right)) => left.partial_cmp(right),
        (Value::Duration(left), Value::Duration(right)) => left.partial_cmp(right),
        (left, right) => panic!("{left:?} with {right:?}"),
    }
}

/// By whole numbers of 128 bits, then by what is behind the point.
fn exactly(int: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // Conversion stops at the ends of the range, which are beyond all ints.
    let whole = double.floor() as i128;
    Some(match i128::from(int).cmp(&whole) {
        Ordering::Equal if double > double.floor() => Ordering::Less,
        order => order,
    })
}

fn calculate(operator: Arithmetic, left: Value, right: Value) -> Result<Value, Cause> {
    let within = |result: i128| i64::try_from(result).map_err(|_| Cause::Overflow);
    let of_ints = |left: i64, right: i64| {
        let (left, right) = (i128::from(left), i128::from(right));
        match operator {
            Arithmetic::Add => within(left + right),
            Arithmetic::Subtract => within(left - right),
            Arithmetic::Multiply => within(left * right),
            Arithmetic::Divide | Arithmetic::Remainder if right == 0 => Err(Cause::DivisionByZero),
            Arithmetic::Divide => within(left / right),
            // The remainder of the least int by -1 overflows on the way, in CEL as in Rust.
            Arithmetic::Remainder => within(left / right).and(within(left % right)),
        }
    };
    let of_doubles = |left: f64, right: f64| match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => panic!("% of doubles"),
    };
    Ok(match (left, right) {
        (Value::Int(left), Value::Int(right)) => Value::Int(of_ints(left, right)?),
        (Value::Double(left), Value::Double(right)) => Value::Double(of_doubles(left, right)),
        (Value::Int(left), Value::Double(right)) => Value::Double(of_doubles(left as f64, right)),
        (Value::Double(left), Value::Int(right)) => Value::Double(of_doubles(left, right as f64)),
        (Value::Instant(left), Value::Instant(right)) => Value::Duration(of_ints(left, right)?),
        (Value::Instant(left), Value::Duration(right)) => Value::Instant(of_ints(left, right)?),
        (Value::Duration(left), Value::Instant(right)) => Value::Instant(of_ints(left, right)?),
        (Value::Duration(left), Value::Duration(right)) => Value::Duration(of_ints(left, right)?),
        (left, right) => panic!("{operator:?} of {left:?} and {right:?}"),
    })
}

fn call_one(function: One, value: Value) -> Result<Value, Cause> {
    Ok(match (function, value) {
        (One::Size, Value::Text(text)) => Value::Int(text.chars().count() as i64),
        (One::Size, Value::List(values)) => Value::Int(values.len() as i64),
        (One::LowerAscii, Value::Text(text)) => Value::Text(text.to_ascii_lowercase()),
        (One::Abs, Value::Int(value)) => Value::Int(value.checked_abs().ok_or(Cause::Overflow)?),
        (One::Abs, Value::Double(value)) => Value::Double(value.abs()),
        (One::ToInt, Value::Int(value)) => Value::Int(value),
        (One::ToInt, Value::Double(value)) => {
            let is_int = value.is_finite() && i64::try_from(value as i128).is_ok();
            Value::Int(if is_int { value as i64 } else { return Err(Cause::NoNumber) })
        }
        (One::ToInt, Value::Text(text)) => Value::Int(text.parse().map_err(|_| Cause::NoNumber)?),
        (One::ToInt, Value::Instant(nanos)) => Value::Int(nanos.div_euclid(1_000_000_000)),
        (One::ToDouble, Value::Int(value)) => Value::Double(value as f64),
        (One::ToDouble, Value::Double(value)) => Value::Double(value),
        (One::ToDouble, Value::Text(text)) => Value::Double(text.parse().map_err(|_| Cause::NoNumber)?),
        (One::Calendar(part), Value::Instant(nanos)) => {
            let civil = Offset::UTC.to_datetime(Timestamp::from_nanos(nanos).to_jiff());
            Value::Int(match part {
                Part::Hours => nanos.div_euclid(3_600_000_000_000).rem_euclid(24),
                Part::DayOfWeek => (nanos.div_euclid(86_400_000_000_000) + 4).rem_euclid(7),
                Part::DayOfMonth => i64::from(civil.day()) - 1,
                Part::Date => i64::from(civil.day()),
                Part::Month => i64::from(civil.month()) - 1,
                Part::FullYear => i64::from(civil.year()),
            })
        }
        (function, value) => panic!("{function:?} of {value:?}"),
    })
}

fn call_two(function: Two, left: Value, right: Value) -> Value {
    match (function, left, right) {
        (Two::Contains, Value::Text(text), Value::Text(part)) => Value::Bool(text.contains(&part)),
        (Two::StartsWith, Value::Text(text), Value::Text(part)) => Value::Bool(text.starts_with(&part)),
        (Two::EndsWith, Value::Text(text), Value::Text(part)) => Value::Bool(text.ends_with(&part)),
        (Two::Matches, Value::Text(text), Value::Text(pattern)) => {
            Value::Bool(regex::Regex::new(&pattern).unwrap().is_match(&text))
        }
        (Two::Min, Value::Int(left), Value::Int(right)) => Value::Int(left.min(right)),
        (Two::Max, Value::Int(left), Value::Int(right)) => Value::Int(left.max(right)),
        (Two::Min | Two::Max, left, right) => {
            let (left, right) = (number(left), number(right));
            let least = if left < right { left } else { right };
            let greatest = if left > right { left } else { right };
            let chosen = if function == Two::Min { least } else { greatest };
            Value::Double(if left.is_nan() || right.is_nan() { f64::NAN } else { chosen })
        }
        (function, left, right) => panic!("{function:?} of {left:?} and {right:?}"),
    }
}

fn number(value: Value) -> f64 {
    match value {
        Value::Int(value) => value as f64,
        Value::Double(value) => value,
        other => panic!("{other:?} is no number"),
    }
}
