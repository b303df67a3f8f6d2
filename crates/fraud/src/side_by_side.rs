//! The same work on many things, on all processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// What `work` makes of each item, in their order. Of fewer than `steps_min` steps in all it is not worth a thread.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    (steps, steps_min): (usize, usize),
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    if threads < 2 || steps < steps_min {
        return items.iter().map(work).collect();
    }
    let work_on = |share: &[T]| share.iter().map(&work).collect::<Vec<R>>();
    let (own, others) = items.split_at(items.len().div_ceil(threads));
    thread::scope(|scope| {
        let others: Vec<_> = others.chunks(own.len()).map(|share| scope.spawn(|| work_on(share))).collect();
        let mut done = work_on(own);
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 17] {
            let items: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = items.iter().map(|item| 3 * item).collect();
            for steps_min in [0, usize::MAX] {
                assert_eq!(side_by_side(&items, (1, steps_min), |item| 3 * item), expected, "{count}");
            }
        }
    }
}
