//! Appending many events in bounded batches. Where a batch ends depends on the events alone, so that a batch that is
//! sent again has the key that it had.

use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::{Append, LogStore};
use vigie_domain::{Event, Object, Result, Scope, Value};

/// Events of one append.
const APPEND_EVENTS_MAX: usize = 5_000;
/// Bytes of one append, roughly; a larger event goes alone.
const APPEND_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a value takes beside its text.
const VALUE_BYTES: usize = 16;

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
    events: Vec<Event>,
    key: Option<&str>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut events = events.into_iter().peekable();
    for number in 0.. {
        let batch = next_batch(&mut events);
        if batch.is_empty() {
            break;
        }
        let key = key.map(|key| format!("{key}/{number}"));
        let appended = store.append(scope, Append { key, events: batch }).await?;
        outcome.stored += appended.stored as u64;
        outcome.deduplicated += appended.deduplicated as u64;
    }
    Ok(outcome)
}

fn next_batch(events: &mut std::iter::Peekable<std::vec::IntoIter<Event>>) -> Vec<Event> {
    let mut batch = Vec::new();
    let mut size_bytes = 0;
    while let Some(event) = events.peek() {
        size_bytes += object_bytes(&event.body);
        let is_full = batch.len() >= APPEND_EVENTS_MAX || size_bytes > APPEND_BYTES_MAX;
        if is_full && !batch.is_empty() {
            break;
        }
        batch.extend(events.next());
    }
    batch
}

/// Roughly what an object takes. Its own time is left out: for an event without one it is that of arrival, and its
/// text may have another length when the event is sent again.
fn object_bytes(object: &Object) -> usize {
    let counted = object.iter().filter(|(name, _)| name != pseudo_fields::TIMESTAMP);
    counted.map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    VALUE_BYTES
        + match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
            Value::BigNumber(literal) => literal.len(),
            Value::Text(text) => text.len(),
            Value::List(items) => items.iter().map(value_bytes).sum(),
            Value::Object(fields) => object_bytes(fields),
        }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{LogType, Timestamp};

    use super::*;

    fn batches_of(sizes: &[usize]) -> Vec<usize> {
        let event = |size: &usize| Event {
            id: None,
            timestamp: Timestamp::default(),
            ingested_at: Timestamp::default(),
            log_type: LogType::Other,
            body: vec![("message".into(), Value::text("x".repeat(*size)))],
        };
        let mut events = sizes.iter().map(event).collect::<Vec<_>>().into_iter().peekable();
        std::iter::from_fn(|| Some(next_batch(&mut events).len()).filter(|len| *len > 0)).collect()
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
