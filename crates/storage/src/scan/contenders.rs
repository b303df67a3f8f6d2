//! Rows that may be on a page of events. Of a row of a part the index tells between which places in time order it lies, and mostly that
//! is enough to know whether it is on the page: where exactly it lies would have to be read.

use std::cmp::Ordering;

use vigie_domain::Position;
use vigie_domain::ports::SortOrder;

use super::fetch::Spot;

/// `Less` when `left` comes before `right` on the page.
pub(super) fn compare(order: SortOrder, left: Position, right: Position) -> Ordering {
    match order {
        SortOrder::NewestFirst => right.cmp(&left),
        SortOrder::OldestFirst => left.cmp(&right),
    }
}

/// A matching row and the places between which it lies, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contender {
    /// It lies there or behind.
    pub(super) first: Position,
    /// It lies there or before; the same place once it is known exactly.
    pub(super) last: Position,
    pub(super) spot: Spot,
}

impl Contender {
    /// A row that lies exactly there.
    pub(super) const fn at(position: Position, spot: Spot) -> Self {
        Self { first: position, last: position, spot }
    }

    /// Whether it is known exactly where it lies.
    pub(super) fn is_placed(&self) -> bool {
        self.first == self.last
    }
}

/// Leaves those that may be among the first so many, in the order of the last places that they may have.
pub(super) fn leave_possible(order: SortOrder, size: usize, contenders: &mut Vec<Contender>) {
    // Those of a part lie in the order of time or against it, and others are runs in order, which this sort finds out.
    contenders.sort_by(|left, right| compare(order, left.last, right.last));
    match size.checked_sub(1).and_then(|worst| contenders.get(worst)).map(|contender| contender.last) {
        // So many lie there or before: who surely lies behind is not among them.
        Some(worst) => contenders.retain(|contender| compare(order, contender.first, worst).is_le()),
        None => contenders.truncate(size),
    }
}

/// Takes those out of which it is not sure that they are among the first so many.
pub(super) fn take_unsure(order: SortOrder, size: usize, contenders: &mut Vec<Contender>) -> Vec<Contender> {
    let mut firsts: Vec<Position> = contenders.iter().map(|contender| contender.first).collect();
    firsts.sort_by(|left, right| compare(order, *left, *right));
    let Some(one_too_many) = firsts.get(size) else { return Vec::new() };
    // At most so many others can lie before those.
    let (sure, unsure) =
        contenders.iter().copied().partition(|contender| compare(order, contender.last, *one_too_many).is_lt());
    *contenders = sure;
    unsure
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vigie_domain::Timestamp;

    use super::*;

    fn place(number: i64) -> Position {
        Position { timestamp: Timestamp::from_nanos(number), sequence: number as u64 }
    }

    proptest! {
        #[test]
        fn the_first_are_found_whatever_is_known_of_them(
            known in prop::collection::vec((0..20_i64, 0..20_i64), 0..40),
            size in 0..45_usize,
            is_newest_first in any::<bool>(),
            split in 0..40_usize,
        ) {
            let order = if is_newest_first { SortOrder::NewestFirst } else { SortOrder::OldestFirst };
            // Row n lies at place n * 7 of 0..40 and is known to lie at most so far before and behind it.
            let exactly = |row: usize| place((row * 7 % 41) as i64 * 10 + 1_000);
            let contender = |(row, (before, behind)): (usize, &(i64, i64))| {
                let at = exactly(row).timestamp.as_nanos();
                let (early, late) = (place(at - before * 10), place(at + behind * 10));
                let (first, last) = if is_newest_first { (late, early) } else { (early, late) };
                Contender { first, last, spot: Spot { unit: 0, row } }
            };
            let all: Vec<Contender> = known.iter().enumerate().map(contender).collect();
            let mut left: Vec<Contender> = Vec::new();
            for piece in [&all[..split.min(all.len())], &all[split.min(all.len())..]] {
                left.extend(piece);
                leave_possible(order, size, &mut left);
            }
            let mut unsure = take_unsure(order, size, &mut left);
            unsure.sort_by(|left, right| compare(order, exactly(left.spot.row), exactly(right.spot.row)));
            left.extend(unsure.into_iter().take(size - left.len()));
            let mut found: Vec<usize> = left.iter().map(|contender| contender.spot.row).collect();
            found.sort_unstable();
            let mut expected: Vec<usize> = (0..known.len()).collect();
            expected.sort_by(|left, right| compare(order, exactly(*left), exactly(*right)));
            expected.truncate(size);
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn only_those_at_the_border_are_unsure() {
        let rows = [(0, 9), (10, 19), (18, 29), (20, 39), (40, 49)];
        let contender = |(row, (first, last)): (usize, &(i64, i64))| Contender {
            first: place(*first),
            last: place(*last),
            spot: Spot { unit: 0, row },
        };
        let mut contenders: Vec<Contender> = rows.iter().enumerate().map(contender).collect();
        leave_possible(SortOrder::OldestFirst, 3, &mut contenders);
        let rows = |contenders: &[Contender]| contenders.iter().map(|one| one.spot.row).collect::<Vec<_>>();
        assert_eq!(rows(&contenders), [0, 1, 2, 3]);
        let unsure = take_unsure(SortOrder::OldestFirst, 3, &mut contenders);
        assert_eq!((rows(&contenders), rows(&unsure)), (vec![0, 1], vec![2, 3]));
    }
}
