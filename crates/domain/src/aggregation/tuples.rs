//! Buckets by several values at once.

use std::cmp::Ordering;

use super::{AskedField, CalendarSpans, NumberSpans, cmp_keys};
use crate::query::Scalar;
use crate::time::Timestamp;
use crate::value::Value;

/// Combinations of values of one event; more of them are refused.
pub const TUPLES_PER_EVENT_MAX: usize = 10_000;

/// Buckets of the combinations of values that events have; the key of one is the list of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuples {
    /// What is combined.
    pub keys: Vec<TupleKey>,
    /// In which order buckets come.
    pub order: TupleOrder,
    /// How many buckets at most.
    pub size: usize,
}

/// One of the values that are combined.
#[derive(Clone, Debug, PartialEq)]
pub struct TupleKey {
    /// Whose values; a `missing` of null makes events without one combine with null.
    pub field: AskedField,
    /// How values become keys.
    pub by: KeyBy,
}

/// How values become keys.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyBy {
    /// As they are; instants are nanoseconds since the epoch.
    Value,
    /// By the place of the span of numbers.
    Numbers(NumberSpans),
    /// By the start of the span of time in nanoseconds since the epoch.
    Times(TimeSpans),
}

/// Spans of time that follow one another.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeSpans {
    /// Of one width, above 0; borders are shifted from the epoch by the offset.
    Fixed {
        /// Width in nanoseconds.
        interval_ns: i64,
        /// Shift in nanoseconds.
        offset_ns: i64,
    },
    /// Of the calendar.
    Calendar(CalendarSpans),
}

/// In which order combinations come.
#[derive(Clone, Debug, PartialEq)]
pub enum TupleOrder {
    /// The most frequent first; ties by key.
    MostFirst,
    /// By key.
    Keys {
        /// The direction of each value.
        directions: Vec<KeyDirection>,
        /// Only combinations behind this one.
        after: Option<Vec<Value>>,
    },
}

/// The direction of one value of a combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDirection {
    /// Whether small values come first.
    pub is_ascending: bool,
    /// Whether null comes first; otherwise it comes last, whatever the direction.
    pub is_missing_first: bool,
}

impl TimeSpans {
    /// Where the span that holds the instant begins; the ends of the range of instants are not passed.
    pub fn start_of(&self, at: Timestamp) -> Timestamp {
        match self {
            Self::Fixed { interval_ns, offset_ns } => {
                let (interval, offset) = (i128::from(*interval_ns), i128::from(*offset_ns));
                let start = (i128::from(at.as_nanos()) - offset).div_euclid(interval) * interval + offset;
                Timestamp::from_nanos(start.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
            }
            Self::Calendar(spans) => spans.start_of(at),
        }
    }

    /// Whether they are spans at all.
    pub fn are_valid(&self) -> bool {
        match self {
            Self::Fixed { interval_ns, .. } => *interval_ns > 0,
            Self::Calendar(_) => true,
        }
    }

    /// What tells these spans from others, as text.
    pub fn text(&self) -> String {
        match self {
            Self::Fixed { interval_ns, offset_ns } => format!("{interval_ns} {offset_ns}"),
            Self::Calendar(spans) => spans.text(),
        }
    }
}

impl TupleKey {
    /// Adds the key of a value to those of the event, unless it is there or the value has none.
    pub fn add(&self, scalar: Scalar<'_>, keys: &mut Vec<Value>) {
        let key = match &self.by {
            KeyBy::Value => Some(self.field.value_of(scalar)),
            KeyBy::Numbers(spans) => {
                self.field.value_of(scalar).as_f64().map(|number| Value::Int(spans.place_of(number)))
            }
            KeyBy::Times(spans) => self.field.instant_of(scalar).map(|at| Value::Int(spans.start_of(at).as_nanos())),
        };
        if let Some(key) = key.filter(|key| !keys.contains(key)) {
            keys.push(key);
        }
    }

    /// Adds null when the event has no key and is to be counted all the same.
    pub fn complete(&self, keys: &mut Vec<Value>) {
        if keys.is_empty() && self.field.missing == Some(Value::Null) {
            keys.push(Value::Null);
        }
    }

    /// What tells this key from others, as text.
    pub fn text(&self) -> String {
        match &self.by {
            KeyBy::Value => format!("{:?}", self.field),
            KeyBy::Numbers(spans) => format!("{spans:?} of {:?}", self.field),
            KeyBy::Times(spans) => format!("times {} of {:?}", spans.text(), self.field),
        }
    }
}

impl TupleOrder {
    /// `Less` when the combination on the left comes first; each with how many events it has.
    pub fn compare(&self, left: (&[Value], u64), right: (&[Value], u64)) -> Ordering {
        match self {
            Self::MostFirst => {
                let keys = || left.0.iter().zip(right.0).map(|(left, right)| cmp_keys(left, right));
                right.1.cmp(&left.1).then_with(|| keys().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
            }
            Self::Keys { directions, .. } => compare_keys(directions, left.0, right.0),
        }
    }

    /// Whether the combination is among those that are asked for.
    pub fn takes(&self, keys: &[Value]) -> bool {
        match self {
            Self::Keys { directions, after: Some(after) } => compare_keys(directions, keys, after).is_gt(),
            Self::Keys { after: None, .. } | Self::MostFirst => true,
        }
    }
}

fn compare_keys(directions: &[KeyDirection], left: &[Value], right: &[Value]) -> Ordering {
    let pairs = directions.iter().zip(left.iter().zip(right));
    pairs
        .map(|(direction, (left, right))| direction.compare(left, right))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl KeyDirection {
    /// `Less` when the value on the left comes first.
    pub fn compare(self, left: &Value, right: &Value) -> Ordering {
        let missing_is = if self.is_missing_first { Ordering::Less } else { Ordering::Greater };
        match (left, right) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => missing_is,
            (_, Value::Null) => missing_is.reverse(),
            _ if self.is_ascending => cmp_keys(left, right),
            _ => cmp_keys(right, left),
        }
    }
}

/// Calls `visit` with every combination of one key of each list.
pub fn for_each_tuple(lists: &[Vec<Value>], visit: &mut dyn FnMut(&[Value])) {
    let mut tuple = Vec::with_capacity(lists.len());
    combine(lists, &mut tuple, visit);
}

fn combine(lists: &[Vec<Value>], tuple: &mut Vec<Value>, visit: &mut dyn FnMut(&[Value])) {
    let Some((first, rest)) = lists.split_first() else { return visit(tuple) };
    for key in first {
        tuple.push(key.clone());
        combine(rest, tuple, visit);
        tuple.pop();
    }
}

/// How many combinations the lists have.
pub fn tuple_count(lists: &[Vec<Value>]) -> usize {
    lists.iter().fold(1, |count: usize, list| count.saturating_mul(list.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_come_in_their_order() {
        let direction = |is_ascending, is_missing_first| KeyDirection { is_ascending, is_missing_first };
        let directions = vec![direction(true, true), direction(false, false)];
        let order = TupleOrder::Keys { directions: directions.clone(), after: None };
        let lists = [vec![Value::Int(2), Value::Null], vec![Value::text("a"), Value::Null, Value::text("b")]];
        assert_eq!(tuple_count(&lists), 6);
        let mut tuples = Vec::new();
        for_each_tuple(&lists, &mut |tuple| tuples.push(tuple.to_vec()));
        tuples.sort_by(|left, right| order.compare((left, 1), (right, 2)));
        let shown: Vec<String> = tuples.iter().map(|tuple| Value::List(tuple.clone()).to_json().to_string()).collect();
        assert_eq!(shown, ["[null,\"b\"]", "[null,\"a\"]", "[null,null]", "[2,\"b\"]", "[2,\"a\"]", "[2,null]"]);
        let after = TupleOrder::Keys { directions, after: Some(tuples[3].clone()) };
        assert_eq!(
            tuples.iter().map(|tuple| after.takes(tuple)).collect::<Vec<_>>(),
            [false, false, false, false, true, true]
        );
        let most = TupleOrder::MostFirst;
        assert!(most.compare((&tuples[0], 2), (&tuples[3], 1)).is_lt() && most.takes(&tuples[0]));
        assert!(most.compare((&tuples[1], 2), (&tuples[0], 2)).is_lt());
    }

    #[test]
    fn values_become_keys_once() {
        let check = |by: KeyBy, name: &str, scalars: &[Scalar<'_>], expected: &[Value]| {
            let key = TupleKey { field: AskedField::from(name).or(Some(Value::Null)), by };
            let mut keys = Vec::new();
            scalars.iter().for_each(|scalar| key.add(*scalar, &mut keys));
            key.complete(&mut keys);
            assert_eq!(keys, expected);
        };
        check(
            KeyBy::Value,
            "x",
            &[Scalar::Int(5), Scalar::Text("5"), Scalar::Int(5)],
            &[Value::Int(5), Value::text("5")],
        );
        let tens = || KeyBy::Numbers(NumberSpans { interval: 10.0, offset: 0.0 });
        check(tens(), "x", &[Scalar::Int(5), Scalar::Float(7.5), Scalar::Text("5")], &[Value::Int(0)]);
        check(tens(), "x", &[Scalar::Text("5")], &[Value::Null]);
        let seconds = KeyBy::Times(TimeSpans::Fixed { interval_ns: 1_000_000_000, offset_ns: 0 });
        let at = Scalar::Text("1970-01-01T00:00:01.500Z");
        check(seconds.clone(), "account_created_at", &[at, Scalar::Int(5)], &[Value::Int(1_000_000_000)]);
        check(seconds, "x", &[at], &[Value::Null]);
    }
}
