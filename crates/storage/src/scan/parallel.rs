//! Work for one question on several threads: as many as the machine has cores, up to a bound.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::Run;
use super::matching::Candidates;
use crate::error::StorageError;
use crate::part::{PAGE_ROWS, Rows};

/// Threads that work for one question at most.
const THREADS_MAX: usize = 4;
/// Pieces of a part have at least so many rows: each reads the dictionaries again.
const PIECE_ROWS_MIN: usize = 16 * PAGE_ROWS;

/// Asked once: the system reads several files of its own to tell, which takes longer than a small question does.
fn threads() -> usize {
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX));
    *THREADS
}

/// Does `count` pieces of work; the results are in their order.
///
/// # Errors
/// The first error in that order, or that the question is not under way any more.
pub fn run<T: Send>(
    under_way: &Run,
    count: usize,
    work: impl Fn(usize) -> Result<T, StorageError> + Sync,
) -> Result<Vec<T>, StorageError> {
    let threads = fold(
        under_way,
        count,
        || Ok(Vec::new()),
        |done: &mut Vec<(usize, Result<T, StorageError>)>, number| {
            done.push((number, work(number)));
            Ok(())
        },
    )?;
    let mut done: Vec<(usize, Result<T, StorageError>)> = threads.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Does `count` pieces of work, each thread adding to a state of its own; the states are returned, at least one.
///
/// # Errors
/// One of the errors, or that the question is not under way any more; the thread that met it stops.
pub fn fold<S: Send>(
    under_way: &Run,
    count: usize,
    begin: impl Fn() -> Result<S, StorageError> + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), StorageError> + Sync,
) -> Result<Vec<S>, StorageError> {
    let threads = threads().min(count);
    let next = AtomicUsize::new(0);
    let states = Mutex::new(Vec::with_capacity(threads));
    let take = || {
        let worked = begin().and_then(|mut state| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(state);
                }
                under_way.check()?;
                work(&mut state, number)?;
            }
        });
        states.lock().unwrap_or_else(PoisonError::into_inner).push(worked);
    };
    std::thread::scope(|scope| {
        // The calling thread works too.
        (1..threads).for_each(|_| drop(scope.spawn(take)));
        take();
    });
    states.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

/// So many things in slices of similar size that can be worked on at once, each of so many at least.
pub fn slices(count: usize, slice_min: usize) -> Vec<Range<usize>> {
    let slices = (count / slice_min).clamp(1, threads());
    let border = |number: usize| count * number / slices;
    (0..slices).map(|number| border(number)..border(number + 1)).collect()
}

/// The rows in pieces of similar size that can be worked on at once; none when there are no rows.
pub fn split(found: Candidates) -> Vec<Candidates> {
    let count = found.rows.count();
    if count == 0 {
        return Vec::new();
    }
    let pieces = (count / PIECE_ROWS_MIN).clamp(1, threads());
    if pieces == 1 {
        return vec![found];
    }
    let per_piece = count.div_ceil(pieces).next_multiple_of(PAGE_ROWS);
    let (mut split, mut piece) = (Vec::with_capacity(pieces), Rows::default());
    for range in found.rows.ranges() {
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + per_piece - piece.count());
            piece.push(start..end);
            start = end;
            if piece.count() == per_piece {
                split.push(std::mem::take(&mut piece));
            }
        }
    }
    split.push(piece);
    split.retain(|piece| !piece.is_empty());
    split.into_iter().map(|rows| Candidates { rows, time: found.time }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::filter::TimeCheck;
    use super::*;

    #[test]
    fn everything_is_in_one_slice() {
        for (count, slice_min) in [(0, 5), (1, 5), (9, 5), (10, 5), (1_000, 7), (1_001, 1_000)] {
            let slices = slices(count, slice_min);
            assert!(slices.len() <= threads());
            assert_eq!(slices.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            assert!(slices.len() == 1 || slices.iter().all(|slice| slice.len() >= slice_min), "{slices:?}");
        }
    }

    #[test]
    fn every_row_is_in_one_piece() {
        let mut rows = Rows::run(3..PIECE_ROWS_MIN);
        rows.push(PIECE_ROWS_MIN + 5..PIECE_ROWS_MIN * 9 + 7);
        let numbers: Vec<u32> = rows.numbers().collect();
        let pieces = split(Candidates { rows, time: TimeCheck::Done });
        assert!(pieces.len() >= threads().min(2));
        assert_eq!(pieces.iter().flat_map(|piece| piece.rows.numbers()).collect::<Vec<_>>(), numbers);
        assert!(split(Candidates { rows: Rows::default(), time: TimeCheck::Done }).is_empty());
    }

    #[test]
    fn results_are_in_order_and_the_first_error_is_told() {
        assert_eq!(
            run(&Run::free(), 100, |number| Ok(number * 2)).unwrap(),
            (0..100).map(|number| number * 2).collect::<Vec<_>>()
        );
        let error = run(&Run::free(), 10, |number| match number {
            3 | 7 => Err(StorageError::Damaged(number.to_string())),
            _ => Ok(()),
        });
        assert_eq!(error.unwrap_err().to_string(), "3");
    }

    #[test]
    fn states_add_up() {
        let run = Run::free();
        let states = fold(
            &run,
            100,
            || Ok(0),
            |sum, number| {
                *sum += number;
                Ok(())
            },
        );
        assert_eq!(states.unwrap().iter().sum::<usize>(), 4_950);
        assert_eq!(fold(&run, 0, || Ok(7), |_, _| Ok(())).unwrap(), [7]);
    }
}
