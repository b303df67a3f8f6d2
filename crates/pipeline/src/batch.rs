//! What decoding gives: events, and the records that became none, each with line and reason.

use vigie_domain::EventBatch;

use crate::redact::{RedactionCounts, Redactor};

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
    /// What was taken out of both, because it may never be stored.
    pub redactions: RedactionCounts,
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
    /// Its beginning, at most `REJECT_RAW_MAX` bytes, without what may never be stored.
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

/// Bytes beyond what is shown that are read, so that what begins before its end is known for what it is.
const BEYOND_SHOWN: usize = 512;
/// Digits at the end of a cut text from which on they may be the beginning of a card number.
const CUT_DIGITS_MIN: usize = 7;

/// The beginning of a record as text of at most `REJECT_RAW_MAX` bytes, without what may never be stored.
pub(crate) fn shown(raw: &[u8], redactor: &Redactor, counts: &mut RedactionCounts) -> String {
    let beginning = String::from_utf8_lossy(&raw[..raw.len().min(REJECT_RAW_MAX + BEYOND_SHOWN)]);
    let mut text = redactor.redact_text(&beginning, counts).into_owned();
    if raw.len() >= REJECT_RAW_MAX {
        text.truncate(text.floor_char_boundary(REJECT_RAW_MAX));
        leave_out_cut_number(&mut text);
    }
    text.truncate(text.floor_char_boundary(REJECT_RAW_MAX));
    text
}

/// A card number that was cut is none any more: what could be one is not shown.
pub(crate) fn leave_out_cut_number(text: &mut String) {
    let is_part = |sign: &char| sign.is_numeric() || matches!(sign, ' ' | '-' | '.' | '_' | '+' | '%');
    let number: String = text.chars().rev().take_while(is_part).collect();
    if number.chars().filter(|sign| sign.is_numeric()).count() >= CUT_DIGITS_MIN {
        text.truncate(text.len() - number.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[u8], expected: &str) {
        let redactor = Redactor::new(&[7; 32]).unwrap();
        assert_eq!(shown(raw, &redactor, &mut RedactionCounts::default()), expected);
    }

    #[test]
    fn what_is_shown_never_exceeds_its_bound() {
        check(b"abc", "abc");
        check(&[0xff; 5_000], &"\u{fffd}".repeat(REJECT_RAW_MAX / 3));
        check("é".repeat(2_000).as_bytes(), &"é".repeat(REJECT_RAW_MAX / 2));
    }

    #[test]
    fn cards_are_not_shown_where_the_text_is_cut() {
        let filler = "a ".repeat(507);
        check(b"{\"pan\": 4111111111111111", "{\"pan\": 411111******1111");
        // Cut by what read it, in the middle of the number.
        check(format!("{filler}4111111111").as_bytes(), filler.trim_end());
        // Cut here, in the middle of the number.
        check(format!("{filler}4111111111111111 and more").as_bytes(), &format!("{filler}411111****"));
        check(format!("{filler}4111 1111 1111 1112 and more").as_bytes(), filler.trim_end());
        check(
            format!("{}123456", "b".repeat(REJECT_RAW_MAX - 6)).as_bytes(),
            &format!("{}123456", "b".repeat(REJECT_RAW_MAX - 6)),
        );
    }
}
