//! What decoding gives: events, and the records that became none, each with line and reason.

use vigie_domain::EventBatch;

/// Input records in a full batch.
pub const RECORDS_PER_BATCH: usize = 5_000;

/// Input bytes after which a batch ends, however few its records: events take up to 30 times the memory of their bytes.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of a rejected record that are kept to show it.
pub const REJECT_RAW_MAX: usize = 1024;

/// The outcome of some consecutive input records; each is in exactly one of the two lists, or counted as dropped. A pipeline
/// may make several events of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// What became events, in the order of input.
    pub events: EventBatch,
    /// What did not, in the order of input.
    pub rejects: Vec<Reject>,
    /// Records that the pipeline let go, as it says.
    pub dropped: u64,
}

impl Batch {
    /// Records that it holds; what a pipeline made several events of counts as several.
    pub const fn record_count(&self) -> usize {
        self.events.len() + self.rejects.len() + self.dropped as usize
    }
}

/// A record that became no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// 1-based line on which the record begins; in formats without lines, its number.
    pub line: u64,
    /// Why, and what to do.
    pub reason: String,
    /// Its beginning, at most `REJECT_RAW_MAX` bytes.
    pub raw: String,
}

impl Reject {
    /// The same, naming the file of an archive that it comes from.
    pub(crate) fn in_archive(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name {
            self.reason = format!("in {name:?}: {}", self.reason);
        }
        self
    }
}

/// The beginning of a record as text of at most `REJECT_RAW_MAX` bytes.
pub(crate) fn shown(raw: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&raw[..raw.len().min(REJECT_RAW_MAX)]).into_owned();
    let end = text.floor_char_boundary(REJECT_RAW_MAX);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_never_exceeds_its_bound() {
        assert_eq!(shown(b"abc"), "abc");
        assert_eq!(shown(&[0xff; 5_000]).len(), REJECT_RAW_MAX - REJECT_RAW_MAX % 3);
        assert_eq!(shown("é".repeat(2_000).as_bytes()).len(), REJECT_RAW_MAX);
    }
}
