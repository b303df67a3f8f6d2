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
    lists: Vec<Vec<Ranked>>,
    /// Bytes of the events.
    event_bytes: usize,
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

/// Puts the events in order and leaves out those behind the first so many.
pub fn cut(ranking: &Ranking, events: &mut Vec<Ranked>, size: usize) {
    events.sort_unstable_by(|left, right| ranking.compare(left, right));
    events.truncate(size);
}

impl Top {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.lists.capacity() * size_of::<Vec<Ranked>>() + 2 * self.event_bytes
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
            let keys: Vec<Value> = ranking.keys.iter().zip(&fields).map(key_of).collect();
            let position: Position = chunk.position(row as usize);
            if ranking.is_after(&keys, position.sequence) {
                self.add(ranking, size, parent, Ranked { values: keys, position });
            }
        }
    }

    fn add(&mut self, ranking: &Ranking, size: usize, parent: u32, event: Ranked) {
        let list = slot(&mut self.lists, parent);
        // Once it was cut, the last of the first so many is the one to come before.
        if list.len() >= size && ranking.compare(&event, &list[size - 1]).is_gt() {
            return;
        }
        self.event_bytes += bytes_of(&event);
        list.push(event);
        // From the first time on that there are enough, the first so many are in order.
        if list.len() == size {
            cut(ranking, list, size);
        } else if list.len() >= size.saturating_mul(2) {
            let before = bytes_of_all(list);
            cut(ranking, list, size);
            self.event_bytes -= before - bytes_of_all(list);
        }
    }

    /// The first events of each of so many parents, in order.
    pub fn finish(mut self, ranking: &Ranking, size: usize, parent_count: usize) -> impl Iterator<Item = Vec<Ranked>> {
        self.lists.resize_with(parent_count, Vec::new);
        self.lists.into_iter().map(move |mut list| {
            cut(ranking, &mut list, size);
            list
        })
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::Timestamp;
    use vigie_domain::aggregation::RankKey;

    use super::*;

    #[test]
    fn the_first_are_kept_and_no_more_than_twice_as_many() {
        for (size, is_ascending) in [(1, true), (3, false), (7, true)] {
            let ranking = Ranking { keys: vec![RankKey::new("n", is_ascending)], is_latest_first: false, after: None };
            let mut top = Top::default();
            let numbers: Vec<i64> = (0..500).map(|place| place * 7_919 % 101).collect();
            for (sequence, number) in (0..).zip(&numbers) {
                let position = Position { timestamp: Timestamp::default(), sequence };
                top.add(&ranking, size, 0, Ranked { values: vec![Value::Int(*number)], position });
                assert!(top.lists[0].len() < 2 * size.max(1));
            }
            assert_eq!(top.event_bytes, bytes_of_all(&top.lists[0]));
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
