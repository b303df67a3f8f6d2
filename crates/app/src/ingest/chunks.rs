//! Appending many events in bounded batches. Where a batch ends depends on the events alone, so that a batch that is
//! sent again has the key that it had.

use vigie_domain::ports::{Append, LogStore};
use vigie_domain::{EventBatch, Result, Scope};

/// Events of one append.
const APPEND_EVENTS_MAX: usize = 5_000;
/// Bytes of one append, roughly; a larger event goes alone.
const APPEND_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What became of events: both counts add up to their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Stored now.
    pub(crate) stored: u64,
    /// Stored before.
    pub(crate) deduplicated: u64,
}

/// Appends the events in bounded batches, each with its own key below `key`.
pub(crate) async fn append_all(
    store: &dyn LogStore,
    scope: &Scope,
    events: EventBatch,
    key: Option<&str>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (number, batch) in bounded(events).enumerate() {
        let key = key.map(|key| format!("{key}/{number}"));
        let appended = store.append(scope, Append { key, events: batch }).await?;
        outcome.stored += appended.stored as u64;
        outcome.deduplicated += appended.deduplicated() as u64;
    }
    Ok(outcome)
}

/// The events in bounded batches, each made when it is asked for: all of them at once would take the memory twice.
pub(super) fn bounded(mut events: EventBatch) -> impl Iterator<Item = EventBatch> {
    let ends = ends_of(&events);
    let is_one = ends.len() == 1;
    let mut start = 0;
    ends.into_iter().map(move |end| {
        if is_one {
            return std::mem::take(&mut events);
        }
        let mut batch = EventBatch::default();
        (start..end).for_each(|place| batch.push_row(events.row(place)));
        start = end;
        batch
    })
}

/// Where the batches end.
fn ends_of(events: &EventBatch) -> Vec<usize> {
    let (mut ends, mut start, mut size_bytes) = (Vec::new(), 0, 0);
    for (place, row) in events.rows().enumerate() {
        size_bytes += row.size_bytes();
        let is_full = place - start >= APPEND_EVENTS_MAX || size_bytes > APPEND_BYTES_MAX;
        if is_full && place > start {
            ends.push(place);
            (start, size_bytes) = (place, row.size_bytes());
        }
    }
    ends.extend((events.len() > start).then_some(events.len()));
    ends
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, LogType, Timestamp, Value};

    use super::*;

    fn batches_of(sizes: &[usize]) -> Vec<usize> {
        let event = |size: &usize| Event {
            id: None,
            timestamp: Timestamp::default(),
            ingested_at: Timestamp::default(),
            log_type: LogType::Other,
            body: vec![("message".into(), Value::text("x".repeat(*size)))],
        };
        let events: EventBatch = sizes.iter().map(event).collect();
        let batches: Vec<EventBatch> = bounded(events.clone()).collect();
        assert!(batches.iter().flat_map(EventBatch::events).eq(events.events()), "every event is in one batch");
        batches.iter().map(EventBatch::len).collect()
    }

    #[test]
    fn batches_are_bounded_in_events_and_bytes() {
        assert_eq!(batches_of(&[]), [0; 0]);
        assert_eq!(batches_of(&[1; 5_000]), [5_000]);
        assert_eq!(batches_of(&[1; 5_001]), [5_000, 1]);
        let third = APPEND_BYTES_MAX / 3;
        assert_eq!(batches_of(&[third; 5]), [2, 2, 1]);
        assert_eq!(batches_of(&[1, APPEND_BYTES_MAX * 2, 1]), [1, 1, 1]);
    }
}
