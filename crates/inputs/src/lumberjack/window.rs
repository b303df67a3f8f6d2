//! Windows: after how many events a sender waits, and what it is answered.
//!
//! The answer is the sequence number of the window's last event, never how many there were: senders whose numbers run on
//! across windows would wait for ever.

use super::frame::{SentEvent, Version};
use crate::cut::{Cut, CutReason};

/// Events of a window at most.
const WINDOW_EVENTS_MAX: u32 = 100_000;
/// Bytes of a window's events at most, unpacked.
const WINDOW_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a sender is answered when everything up to it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) version: Version,
    pub(super) sequence: u32,
}

impl Ack {
    /// As it is sent.
    pub(super) const fn bytes(self) -> [u8; 6] {
        let [a, b, c, d] = self.sequence.to_be_bytes();
        [self.version.byte(), b'A', a, b, c, d]
    }
}

/// Follows the windows of a connection.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// Events that are to come.
    left: u32,
    bytes: usize,
    /// The latest event of a window that is not finished.
    last: Option<Ack>,
}

impl Windows {
    /// Whether events of a window are to come.
    pub(super) const fn is_open(&self) -> bool {
        self.left > 0
    }

    /// A window of so many events begins. One before it that is not finished ends here, and is answered.
    ///
    /// # Errors
    /// When it is too large.
    pub(super) fn begin(&mut self, events: u32) -> Result<Option<Ack>, Cut> {
        if events > WINDOW_EVENTS_MAX {
            let words = format!(
                "a window of {events} events was announced; {WINDOW_EVENTS_MAX} are accepted, so set bulk_max_size lower"
            );
            return Err(Cut::new(CutReason::TooLarge, words));
        }
        self.left = events;
        self.bytes = 0;
        Ok(self.last.take())
    }

    /// An event came; what it is answered, if it is the last of its window. One outside of any is a window of its own.
    ///
    /// # Errors
    /// When the window is too large.
    pub(super) fn count(&mut self, event: &SentEvent) -> Result<Option<Ack>, Cut> {
        self.bytes = self.bytes.saturating_add(event.size_bytes);
        if self.bytes > WINDOW_BYTES_MAX {
            let words = format!("a window has more than {WINDOW_BYTES_MAX} bytes; set bulk_max_size lower");
            return Err(Cut::new(CutReason::TooLarge, words));
        }
        let ack = Ack { version: event.version, sequence: event.sequence };
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            self.last = Some(ack);
            return Ok(None);
        }
        self.bytes = 0;
        self.last = None;
        Ok(Some(ack))
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Content;
    use super::*;

    fn event(sequence: u32, size_bytes: usize) -> SentEvent {
        SentEvent { version: Version::Two, sequence, size_bytes, content: Content::Json(Vec::new()) }
    }

    /// `W` with a size, or an event with its number; the sequence numbers that are answered.
    fn check(sent: &[(char, u32)], expected: &[u32]) {
        let mut windows = Windows::default();
        let answer = |(kind, number): &(char, u32)| match kind {
            'W' => windows.begin(*number).unwrap(),
            _ => windows.count(&event(*number, 1)).unwrap(),
        };
        let acks: Vec<u32> = sent.iter().filter_map(answer).map(|ack| ack.sequence).collect();
        assert_eq!(acks, expected, "{sent:?}");
    }

    #[test]
    fn the_last_event_of_a_window_is_answered() {
        check(&[('W', 2), ('J', 1), ('J', 2)], &[2]);
        check(&[('W', 2), ('J', 1), ('J', 2), ('W', 2), ('J', 3), ('J', 4)], &[2, 4]);
        check(&[('W', 2), ('J', 7), ('J', 90)], &[90]);
        check(&[('W', 2), ('J', u32::MAX), ('J', 0)], &[0]);
        check(&[('W', 0)], &[]);
        check(&[('W', 0), ('J', 5)], &[5]);
        check(&[('J', 5), ('J', 6)], &[5, 6]);
        check(&[('W', 3), ('J', 1), ('J', 2), ('W', 1), ('J', 3)], &[2, 3]);
        check(&[('W', 3), ('J', 1)], &[]);
        check(&[('W', 1), ('J', 1), ('W', 1), ('W', 1), ('J', 2)], &[1, 2]);
    }

    #[test]
    fn windows_are_bounded_in_events_and_bytes() {
        let mut windows = Windows::default();
        assert!(windows.begin(WINDOW_EVENTS_MAX).is_ok());
        assert_eq!(windows.begin(WINDOW_EVENTS_MAX + 1).unwrap_err().reason, CutReason::TooLarge);
        assert_eq!(windows.begin(3), Ok(None));
        assert_eq!(windows.count(&event(1, WINDOW_BYTES_MAX)), Ok(None));
        assert_eq!(windows.count(&event(2, 1)).unwrap_err().reason, CutReason::TooLarge);
    }

    #[test]
    fn an_answer_has_the_version_of_the_event() {
        assert_eq!(Ack { version: Version::Two, sequence: 0x0102_0304 }.bytes(), *b"2A\x01\x02\x03\x04");
        assert_eq!(Ack { version: Version::One, sequence: 5 }.bytes(), *b"1A\0\0\0\x05");
    }
}
