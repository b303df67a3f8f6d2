//! Events in the order of values that they have.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{AskedField, KeyDirection, cmp_keys};
use crate::event::Position;
use crate::value::Value;

/// An order of events: by the values of fields, then by arrival, so that no two are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The fields, the first of which counts most.
    pub keys: Vec<RankKey>,
    /// Whether of events with equal values the one that came last is the first.
    pub is_latest_first: bool,
    /// Only events behind these values, and of those with just them the ones behind the number in the log if there is one.
    pub after: Option<(Vec<Value>, Option<u64>)>,
    /// Of events whose values of this field are equal, or missing, only the first is there.
    pub distinct: Option<RankKey>,
}

/// A field that events are put in order by.
#[derive(Clone, Debug, PartialEq)]
pub struct RankKey {
    /// Whose values.
    pub field: AskedField,
    /// Whether small values come first.
    pub is_ascending: bool,
    /// Whether events without a value come first; otherwise they come last, whatever the direction.
    pub is_missing_first: bool,
    /// What of several values counts.
    pub mode: RankMode,
}

/// What of several values of an event counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankMode {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The sum of the numbers.
    Sum,
    /// Their mean.
    Mean,
    /// Their median.
    Median,
}

/// An event of a ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Its value for each key and behind them that of the field whose values are distinct, instants as nanoseconds since the
    /// epoch; null where it has none.
    pub values: Vec<Value>,
    /// Where it stands.
    pub position: Position,
}

impl RankKey {
    /// By this field, events without a value last.
    pub fn new(field: impl Into<AskedField>, is_ascending: bool) -> Self {
        let mode = if is_ascending { RankMode::Min } else { RankMode::Max };
        Self { field: field.into(), is_ascending, is_missing_first: false, mode }
    }

    /// The one of the values that counts; null without any.
    pub fn counting(&self, values: &mut Vec<Value>) -> Value {
        let best = |is_better: Ordering, values: &mut Vec<Value>| {
            let better = |best: Value, value: Value| if cmp_keys(&value, &best) == is_better { value } else { best };
            values.drain(..).reduce(better)
        };
        let counting = match self.mode {
            RankMode::Min => best(Ordering::Less, values),
            RankMode::Max => best(Ordering::Greater, values),
            RankMode::Sum | RankMode::Mean | RankMode::Median => {
                let mut numbers: Vec<f64> = values.drain(..).filter_map(|value| value.as_f64()).collect();
                numbers.sort_unstable_by(f64::total_cmp);
                let sum: f64 = numbers.iter().sum();
                let number = match self.mode {
                    RankMode::Mean => sum / numbers.len() as f64,
                    RankMode::Median => super::percentile_of_sorted(&numbers, 50.0).unwrap_or(f64::NAN),
                    _ => sum,
                };
                if numbers.is_empty() { None } else { Value::number(number) }
            }
        };
        counting.unwrap_or(Value::Null)
    }

    fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let (is_ascending, is_missing_first) = (self.is_ascending, self.is_missing_first);
        KeyDirection { is_ascending, is_missing_first }.compare(left, right)
    }
}

impl Ranking {
    /// By these keys, every event, those that came first before others with the same values.
    pub fn by(keys: Vec<RankKey>) -> Self {
        Self { keys, is_latest_first: false, after: None, distinct: None }
    }

    /// The keys, and behind them the field whose values are distinct.
    pub fn all_keys(&self) -> impl Iterator<Item = &RankKey> {
        self.keys.iter().chain(&self.distinct)
    }

    /// How the values of the field that are distinct stand to one another; without such a field no two are equal.
    pub fn compare_distinct(&self, left: &Ranked, right: &Ranked) -> Ordering {
        let [left_value, right_value] = [left, right].map(|event| event.values.get(self.keys.len()));
        match (&self.distinct, left_value, right_value) {
            (Some(_), Some(left), Some(right)) => cmp_keys(left, right),
            _ => left.position.cmp(&right.position),
        }
    }

    /// `Less` when the event with these values comes first, by the values alone.
    pub fn compare_values(&self, left: &[Value], right: &[Value]) -> Ordering {
        let keys = self.keys.iter().zip(left.iter().zip(right));
        keys.map(|(key, (left, right))| key.compare(left, right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// `Less` when the left event comes first.
    pub fn compare(&self, left: &Ranked, right: &Ranked) -> Ordering {
        let by_arrival = || self.by_arrival(left.position.sequence, right.position.sequence);
        self.compare_values(&left.values, &right.values).then_with(by_arrival)
    }

    fn by_arrival(&self, left: u64, right: u64) -> Ordering {
        if self.is_latest_first { right.cmp(&left) } else { left.cmp(&right) }
    }

    /// Whether an event with these values is behind those that the ranking begins after.
    pub fn is_after(&self, values: &[Value], sequence: u64) -> bool {
        let Some((after, number)) = &self.after else { return true };
        let by_number = || number.map_or(Ordering::Equal, |number| self.by_arrival(sequence, number));
        self.compare_values(values, after).then_with(by_number) == Ordering::Greater
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Scalar;
    use crate::time::Timestamp;

    fn ranked(values: &[Value], sequence: u64) -> Ranked {
        Ranked { values: values.to_vec(), position: Position { timestamp: Timestamp::default(), sequence } }
    }

    #[test]
    fn events_without_a_value_come_where_they_are_told_to() {
        let check = |is_ascending: bool, is_missing_first: bool, expected: &str| {
            let key = RankKey { is_missing_first, ..RankKey::new("n", is_ascending) };
            let ranking = Ranking::by(vec![key]);
            let mut events = [ranked(&[Value::Null], 0), ranked(&[Value::Int(2)], 1), ranked(&[Value::Float(1.5)], 2)];
            events.sort_by(|left, right| ranking.compare(left, right));
            let found: String = events.iter().map(|event| event.position.sequence.to_string()).collect();
            assert_eq!(found, expected, "{is_ascending} {is_missing_first}");
        };
        check(true, false, "210");
        check(false, false, "120");
        check(true, true, "021");
        check(false, true, "012");
    }

    #[test]
    fn equal_values_are_told_apart_by_arrival_if_that_is_asked_for() {
        let after = |number: Option<u64>, is_latest_first: bool| {
            let after = Some((vec![Value::Int(1)], number));
            let ranking = Ranking { is_latest_first, after, ..Ranking::by(vec![RankKey::new("n", true)]) };
            [(1, 4), (1, 5), (1, 6), (2, 1)].map(|(n, sequence)| ranking.is_after(&[Value::Int(n)], sequence))
        };
        assert_eq!(after(None, false), [false, false, false, true]);
        assert_eq!(after(Some(5), false), [false, false, true, true]);
        assert_eq!(after(Some(5), true), [true, false, false, true]);
    }

    #[test]
    fn of_several_values_one_counts() {
        let check = |mode: RankMode, expected: Value| {
            let key = RankKey { mode, ..RankKey::new("n", true) };
            let mut values = vec![Value::Int(4), Value::Int(1), Value::Float(2.5), Value::Int(1)];
            assert_eq!(key.counting(&mut values), expected, "{mode:?}");
            assert_eq!(key.counting(&mut vec![]), Value::Null, "{mode:?}");
        };
        check(RankMode::Min, Value::Int(1));
        check(RankMode::Max, Value::Int(4));
        check(RankMode::Sum, Value::Float(8.5));
        check(RankMode::Mean, Value::Float(2.125));
        check(RankMode::Median, Value::Float(1.75));
        let instant = AskedField::from("@timestamp").value_of(Scalar::Text("1970-01-01T00:00:01.000Z"));
        assert_eq!(instant, Value::Int(1_000_000_000));
    }
}
