//! The first events of a ranking while rows are counted: no more than twice as many as are asked for are held of each parent.

use vigie_domain::aggregation::{Ranked, Ranking};
use vigie_domain::{Value, event::Position};

use super::collect::Selected;
use super::field_values::FieldValues;
use super::question::Question;
use super::visit::slot;
use crate::chunk::Chunk;

/// Events of each parent.
#[derive(Default)]
pub struct Top {
    lists: Vec<List>,
    /// Bytes of the events.
    event_bytes: usize,
}

/// Events of one parent.
#[derive(Default)]
struct List {
    events: Vec<Ranked>,
    /// Whether the first so many as are asked for are in order: the last of them is the one to come before.
    is_full: bool,
    was_cut: bool,
}

/// Bytes that an event of a ranking holds.
fn bytes_of(event: &Ranked) -> usize {
    let texts = |value: &Value| match value {
        Value::Text(text) if text.is_heap_allocated() => text.capacity(),
        Value::BigNumber(literal) => literal.capacity(),
        _ => 0,
    };
    size_of::<Ranked>() + event.values.iter().map(|value| size_of::<Value>() + texts(value)).sum::<usize>()
}

/// Bytes that events of a ranking hold.
pub fn bytes_of_all(events: &[Ranked]) -> usize {
    events.iter().map(bytes_of).sum()
}

/// Puts the events in order and leaves out those behind the first so many, and those that are there by another one.
pub fn cut(ranking: &Ranking, events: &mut Vec<Ranked>, size: usize) {
    if ranking.distinct.is_some() {
        let in_groups = |left: &Ranked, right: &Ranked| {
            ranking.compare_distinct(left, right).then_with(|| ranking.compare(left, right))
        };
        events.sort_unstable_by(in_groups);
        events.dedup_by(|later, first| ranking.compare_distinct(later, first).is_eq());
    }
    events.sort_unstable_by(|left, right| ranking.compare(left, right));
    events.truncate(size);
}

impl Top {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.lists.capacity() * size_of::<List>() + 2 * self.event_bytes
    }

    /// Takes the rows that may be among the first.
    pub fn collect(&mut self, (ranking, size): (&Ranking, usize), question: &Question, chunk: &Chunk, rows: &Selected) {
        let fields: Vec<FieldValues<'_>> =
            question.fields.iter().map(|field| FieldValues::asked(chunk, field)).collect();
        let mut values = Vec::new();
        for (row, parent) in rows.pairs().filter(|_| size > 0) {
            let key_of = |(key, field): (&vigie_domain::aggregation::RankKey, &FieldValues<'_>)| {
                field.for_each(row as usize, &mut |scalar| values.push(key.field.value_of(scalar)));
                key.counting(&mut values)
            };
            let keys: Vec<Value> = ranking.all_keys().zip(&fields).map(key_of).collect();
            let position: Position = chunk.position(row as usize);
            if ranking.is_after(&keys, position.sequence) {
                self.add(ranking, size, parent, Ranked { values: keys, position });
            }
        }
    }

    fn add(&mut self, ranking: &Ranking, size: usize, parent: u32, event: Ranked) {
        let list = slot(&mut self.lists, parent);
        if list.is_full && ranking.compare(&event, &list.events[size - 1]).is_gt() {
            return;
        }
        self.event_bytes += bytes_of(&event);
        list.events.push(event);
        let enough = if list.was_cut { size.saturating_mul(2) } else { size };
        if list.events.len() >= enough {
            let before = bytes_of_all(&list.events);
            cut(ranking, &mut list.events, size);
            self.event_bytes -= before - bytes_of_all(&list.events);
            (list.is_full, list.was_cut) = (list.events.len() == size, true);
        }
    }

    /// The first events of each of so many parents, in order.
    pub fn finish(mut self, ranking: &Ranking, size: usize, parent_count: usize) -> impl Iterator<Item = Vec<Ranked>> {
        self.lists.resize_with(parent_count, List::default);
        self.lists.into_iter().map(move |mut list| {
            cut(ranking, &mut list.events, size);
            list.events
        })
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::Timestamp;
    use vigie_domain::aggregation::RankKey;

    use super::*;

    #[test]
    fn one_of_each_value_is_kept() {
        for (groups, size) in [(3, 5), (7, 5), (5, 5), (1, 1)] {
            let distinct = Some(RankKey::new("group", true));
            let ranking = Ranking { distinct, ..Ranking::by(vec![RankKey::new("n", true)]) };
            let mut top = Top::default();
            for sequence in 0..500_u64 {
                let number = (sequence * 7_919 % 503) as i64;
                let position = Position { timestamp: Timestamp::default(), sequence };
                let values = vec![Value::Int(number), Value::Int(number % groups)];
                top.add(&ranking, size, 0, Ranked { values, position });
                assert!(top.lists[0].events.len() < 2 * size.max(1));
            }
            assert_eq!(top.event_bytes, bytes_of_all(&top.lists[0].events));
            let found = top.finish(&ranking, size, 1).next().unwrap();
            let found: Vec<&Value> = found.iter().map(|event| &event.values[1]).collect();
            let expected: Vec<Value> = (0..groups.min(size as i64)).map(Value::Int).collect();
            assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{groups} {size}");
        }
    }

    #[test]
    fn the_first_are_kept_and_no_more_than_twice_as_many() {
        for (size, is_ascending) in [(1, true), (3, false), (7, true)] {
            let ranking = Ranking::by(vec![RankKey::new("n", is_ascending)]);
            let mut top = Top::default();
            let numbers: Vec<i64> = (0..500).map(|place| place * 7_919 % 101).collect();
            for (sequence, number) in (0..).zip(&numbers) {
                let position = Position { timestamp: Timestamp::default(), sequence };
                top.add(&ranking, size, 0, Ranked { values: vec![Value::Int(*number)], position });
                assert!(top.lists[0].events.len() < 2 * size.max(1));
            }
            assert_eq!(top.event_bytes, bytes_of_all(&top.lists[0].events));
            let mut expected = numbers.clone();
            expected.sort_unstable_by(|left, right| if is_ascending { left.cmp(right) } else { right.cmp(left) });
            let found = top.finish(&ranking, size, 1).next().unwrap();
            let found: Vec<&Value> = found.iter().map(|event| &event.values[0]).collect();
            assert_eq!(
                found,
                expected[..size]
                    .iter()
                    .map(|number| Value::Int(*number))
                    .collect::<Vec<_>>()
                    .iter()
                    .collect::<Vec<_>>()
            );
        }
    }
}
