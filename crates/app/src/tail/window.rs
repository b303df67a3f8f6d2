//! A uniform sample of the events that matched within a moment, of bounded number and size.
//!
//! Vitter's algorithm R ("Random sampling with a reservoir", 1985): whichever number matches in the end, each event had the same
//! chance to be shown. Only what is shown at last, and what gave way to it, is ever taken apart.

use vigie_domain::ports::Hit;

/// The sample of the present moment.
pub(super) struct Window {
    /// Bytes of one moment's events; those beyond have no room.
    bytes_max: usize,
    /// Events that matched.
    matched: u64,
    /// Those to be shown, with their number among the matched and their size.
    kept: Vec<(u64, usize, Hit)>,
    bytes: usize,
    /// Events that were to be shown and had no room.
    no_room: u64,
}

/// A moment that is over.
pub(super) struct Moment {
    /// What to show, in order of arrival.
    pub(super) hits: Vec<Hit>,
    /// Events that were to be shown and had no room.
    pub(super) no_room: u64,
    /// Events that matched and were not chosen.
    pub(super) sampled_out: u64,
}

impl Window {
    /// Of a moment that begins, with room for so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, matched: 0, kept: Vec::new(), bytes: 0, no_room: 0 }
    }

    /// Takes an event that matched, or leaves it out; at most `count_max` are kept. `hit` is made only of one that is kept.
    pub(super) fn take(&mut self, count_max: usize, size: usize, hit: impl FnOnce() -> Hit) {
        let number = self.matched;
        self.matched += 1;
        let place = if self.kept.len() < count_max {
            self.kept.len()
        } else {
            match usize::try_from(rand::random_range(0..=number)) {
                Ok(place) if place < count_max => place,
                _ => return,
            }
        };
        let freed = self.kept.get(place).map_or(0, |(_, size, _)| *size);
        if self.bytes - freed + size > self.bytes_max {
            self.no_room += 1;
            return;
        }
        self.bytes = self.bytes - freed + size;
        let taken = (number, size, hit());
        match self.kept.get_mut(place) {
            Some(kept) => *kept = taken,
            None => self.kept.push(taken),
        }
    }

    /// Ends the moment; the next one begins.
    pub(super) fn close(&mut self) -> Moment {
        let mut window = std::mem::replace(self, Self::new(self.bytes_max));
        window.kept.sort_unstable_by_key(|(number, ..)| *number);
        let shown = window.kept.len() as u64;
        Moment {
            hits: window.kept.into_iter().map(|(.., hit)| hit).collect(),
            no_room: window.no_room,
            sampled_out: window.matched - shown - window.no_room,
        }
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::event::Position;
    use vigie_domain::{EventId, LogType, Timestamp};

    use super::*;

    const ROOM_BYTES: usize = 1_000;

    fn hit(number: u64) -> Hit {
        Hit {
            id: EventId::from_sequence(number),
            position: Position { timestamp: Timestamp::default(), sequence: number },
            ingested_at: Timestamp::default(),
            log_type: LogType::Other,
            source: Vec::new(),
        }
    }

    fn sequences(moment: &Moment) -> Vec<u64> {
        moment.hits.iter().map(|hit| hit.position.sequence).collect()
    }

    #[test]
    fn all_are_shown_in_order_up_to_the_bound() {
        let mut window = Window::new(ROOM_BYTES);
        (0..10).for_each(|number| window.take(10, 1, || hit(number)));
        let moment = window.close();
        assert_eq!(sequences(&moment), (0..10).collect::<Vec<_>>());
        assert_eq!((moment.sampled_out, moment.no_room), (0, 0));
        assert!(window.close().hits.is_empty(), "the next moment begins empty");
    }

    #[test]
    fn beyond_the_bound_each_has_the_same_chance() {
        let mut shown = [0_u32; 40];
        for _ in 0..4_000 {
            let mut window = Window::new(ROOM_BYTES);
            (0..40).for_each(|number| window.take(10, 1, || hit(number)));
            let moment = window.close();
            let sequences = sequences(&moment);
            assert_eq!((sequences.len(), moment.sampled_out), (10, 30));
            assert!(sequences.is_sorted());
            sequences.iter().for_each(|sequence| shown[*sequence as usize] += 1);
        }
        // 1,000 are expected of each, with a deviation of 27: nine of these are never exceeded by chance.
        assert!(shown.iter().all(|count| count.abs_diff(1_000) < 250), "{shown:?}");
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let mut window = Window::new(ROOM_BYTES);
        (0..3).for_each(|number| window.take(10, ROOM_BYTES / 2, || hit(number)));
        let moment = window.close();
        assert_eq!((sequences(&moment), moment.no_room, moment.sampled_out), (vec![0, 1], 1, 0));
    }
}
