//! Records of one or several lines: a line that goes on with the one before it belongs to the same record.
//!
//! Nothing is dropped: lines beyond the bounds of a record begin another, and both say so.

use super::continuation::{JOINED_BLANK_LINES_MAX, JOINED_LINES_MAX};
use super::lines::{Line, LineReader};
use super::{Bytes, Draft, Record, RecordReader, binary_reason, draft_of_text, too_large};
use crate::error::DecodeError;
use crate::tag;

/// How a format with records of several lines is read.
#[derive(Clone, Copy)]
pub(crate) struct Joining {
    /// Whether the second line goes on with the first, which is the last of the record that is not blank.
    pub(crate) continues: fn(&str, &str) -> bool,
    /// Whether it does so even when blank lines stand between them.
    pub(crate) continues_over_blank: fn(&str, &str) -> bool,
    /// What the lines of a record, with LF between them, become.
    pub(crate) parse: fn(&str) -> Draft,
}

/// Reads records of lines.
pub(crate) struct JoinedReader<'a> {
    lines: LineReader<'a>,
    joining: Joining,
    record_bytes_max: usize,
    /// The record last read.
    record: Vec<u8>,
    /// The line after it.
    ahead: Vec<u8>,
    ahead_state: Ahead,
}

/// What was read beyond the record.
enum Ahead {
    /// Nothing yet.
    Unread,
    /// A line that is not blank, and its number.
    Line(u64),
    /// A line that was too long, its number and its bytes.
    TooLong(u64, usize),
    /// Reading failed; the record before it comes first.
    Failed(DecodeError),
    /// There is nothing more.
    End,
}

/// How a record came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// A line that goes on with it has no room in it.
    Full,
}

impl<'a> JoinedReader<'a> {
    /// A reader of records up to the bound, and of at most `JOINED_LINES_MAX` lines.
    pub(crate) fn new(input: Bytes<'a>, joining: Joining, record_bytes_max: usize) -> Self {
        let lines = LineReader::new(input, record_bytes_max);
        Self { lines, joining, record_bytes_max, record: Vec::new(), ahead: Vec::new(), ahead_state: Ahead::Unread }
    }

    /// Reads the next line that is not blank; gives how many blank ones stood before it.
    fn read_ahead(&mut self) -> usize {
        let mut blank_count = 0;
        loop {
            self.ahead.clear();
            self.ahead_state = match self.lines.append_line(&mut self.ahead) {
                Err(error) => Ahead::Failed(error),
                Ok(Line::End) => Ahead::End,
                Ok(Line::TooLong(size)) => Ahead::TooLong(self.lines.line(), size),
                Ok(Line::Whole) if self.ahead.trim_ascii().is_empty() => {
                    blank_count += 1;
                    continue;
                }
                Ok(Line::Whole) => Ahead::Line(self.lines.line()),
            };
            return blank_count;
        }
    }

    /// Whether the line ahead goes on with the one that begins there in the record.
    fn goes_on(&self, last_start: usize, blank_count: usize) -> bool {
        if !matches!(self.ahead_state, Ahead::Line(_)) || blank_count > JOINED_BLANK_LINES_MAX {
            return false;
        }
        let last = String::from_utf8_lossy(&self.record[last_start..]);
        let ahead = String::from_utf8_lossy(&self.ahead);
        (self.joining.continues)(&last, &ahead)
            && (blank_count == 0 || (self.joining.continues_over_blank)(&last, &ahead))
            && binary_reason(&self.ahead).is_none()
    }

    /// Adds the lines that go on with the one in the record.
    fn join(&mut self) -> Ending {
        let mut last_start = 0;
        for line_count in 1_usize.. {
            let blank_count = self.read_ahead();
            if !self.goes_on(last_start, blank_count) {
                break;
            }
            let size_bytes = self.record.len() + 1 + blank_count + self.ahead.len();
            if line_count >= JOINED_LINES_MAX || size_bytes > self.record_bytes_max {
                return Ending::Full;
            }
            self.record.extend(std::iter::repeat_n(b'\n', 1 + blank_count));
            last_start = self.record.len();
            self.record.extend_from_slice(&self.ahead);
        }
        Ending::Whole
    }
}

impl RecordReader for JoinedReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        if matches!(self.ahead_state, Ahead::Unread) {
            self.read_ahead();
        }
        std::mem::swap(&mut self.record, &mut self.ahead);
        let line = match std::mem::replace(&mut self.ahead_state, Ahead::Unread) {
            Ahead::Line(line) => line,
            Ahead::TooLong(line, size_bytes) => {
                let outcome = Err(too_large(size_bytes, self.record_bytes_max));
                return Ok(Some(Record { line, size_bytes, outcome }));
            }
            Ahead::Failed(error) => return Err(error),
            Ahead::End | Ahead::Unread => {
                self.ahead_state = Ahead::End;
                return Ok(None);
            }
        };
        if let Some(reason) = binary_reason(&self.record) {
            return Ok(Some(Record { line, size_bytes: self.record.len(), outcome: Err(reason) }));
        }
        let ending = self.join();
        let outcome = draft_of_text(&self.record, |text| {
            let mut draft = (self.joining.parse)(text);
            if ending == Ending::Full {
                draft.tag(tag::MULTILINE_LIMIT);
            }
            Ok(draft)
        });
        Ok(Some(Record { line, size_bytes: self.record.len(), outcome }))
    }

    fn raw(&self) -> &[u8] {
        &self.record
    }
}

#[cfg(test)]
mod tests {
    use super::super::continuation::is_continuation;
    use super::*;

    const MESSAGES: Joining = Joining {
        continues: is_continuation,
        continues_over_blank: |_, line| line.starts_with("  "),
        parse: Draft::message,
    };

    fn check(input: &str, record_bytes_max: usize, expected: &[(u64, &str)]) {
        let mut reader = JoinedReader::new(Box::new(input.as_bytes()), MESSAGES, record_bytes_max);
        let mut actual = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let text = match record.outcome {
                Ok(draft) if draft.tags.is_empty() => draft.body[0].1.as_text().unwrap_or_default().to_owned(),
                Ok(draft) => format!("{:?} {}", draft.tags, draft.body[0].1.as_text().unwrap_or_default()),
                Err(_) => format!("rejected {}", String::from_utf8_lossy(reader.raw())),
            };
            actual.push((record.line, text));
        }
        let actual: Vec<(u64, &str)> = actual.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn lines_that_go_on_are_joined() {
        check("", 99, &[]);
        check("\n\na\n b\r\n\tc\nd\n", 99, &[(3, "a\n b\n\tc"), (6, "d")]);
        check("a\n\n  b\n\n c\n\n\n\n  d", 99, &[(1, "a\n\n  b"), (5, " c"), (9, "  d")]);
        check(" a\nb", 99, &[(1, " a"), (2, "b")]);
    }

    #[test]
    fn records_are_bounded() {
        check("a\n bcd\n e", 6, &[(1, "[\"_multilinelimit\"] a\n bcd"), (3, " e")]);
        let lines = "a\n".to_owned() + &" b\n".repeat(2 * JOINED_LINES_MAX);
        let mut reader = JoinedReader::new(Box::new(lines.as_bytes()), MESSAGES, 1 << 20);
        let mut starts = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            starts.push(record.line);
        }
        assert_eq!(starts, [1, 1_001, 2_001]);
    }

    /// Gives an error once its bytes are read.
    struct Torn(&'static [u8]);

    impl std::io::Read for Torn {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::other("torn")),
                size => Ok(size),
            }
        }
    }

    #[test]
    fn a_record_comes_before_the_error_that_cuts_it() {
        let mut reader = JoinedReader::new(Box::new(std::io::BufReader::new(Torn(b"a\n b\n"))), MESSAGES, 99);
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(record.outcome, Ok(Draft::message("a\n b")));
        assert!(reader.next_record().is_err());
    }

    #[test]
    fn lines_that_are_refused_are_refused_alone() {
        check("a\n b\0\n c\n", 99, &[(1, "a"), (2, "rejected  b\0"), (3, " c")]);
        check("a\n 12345678\nb\n", 5, &[(1, "a"), (2, "rejected  123456"), (3, "b")]);
    }
}
