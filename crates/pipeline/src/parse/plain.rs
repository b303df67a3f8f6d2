//! Plain lines: each line that is not blank is one event with the line as its message, and so is a stack trace with the
//! line before it. Also the reader of formats with one event a line.

use vigie_domain::Object;

use super::joined::Joining;
use super::lines::{Line, LineReader};
use super::{Bytes, Draft, Record, RecordReader, binary_reason, continuation, draft_of_text, stack_trace, too_large};
use crate::detect::Head;
use crate::error::DecodeError;

/// Everything can be read as lines; every other format is more sure of its own.
pub(crate) const fn score(_head: &Head<'_>) -> u8 {
    5
}

/// Lines of a stack trace go on with the line before them.
pub(crate) const JOINING: Joining = Joining {
    continues: continuation::is_continuation,
    continues_over_blank: continuation::is_chained,
    parse: |text| {
        let mut body = Object::new();
        stack_trace::push_message(&mut body, text);
        Draft::new(body)
    },
};

/// Reads lines, and makes of each what `parse` makes of it.
pub(crate) struct TextLineReader<'a> {
    lines: LineReader<'a>,
    buffer: Vec<u8>,
    parse: fn(&str) -> Draft,
    record_bytes_max: usize,
}

impl<'a> TextLineReader<'a> {
    /// Every line goes through `parse`.
    pub(crate) fn new(input: Bytes<'a>, parse: fn(&str) -> Draft, record_bytes_max: usize) -> Self {
        Self { lines: LineReader::new(input, record_bytes_max), buffer: Vec::new(), parse, record_bytes_max }
    }
}

impl RecordReader for TextLineReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        loop {
            self.buffer.clear();
            let (size_bytes, outcome) = match self.lines.append_line(&mut self.buffer)? {
                Line::End => return Ok(None),
                Line::TooLong(size) => (size, Err(too_large(size, self.record_bytes_max))),
                Line::Whole if self.buffer.trim_ascii().is_empty() => continue,
                Line::Whole => {
                    let outcome = binary_reason(&self.buffer)
                        .map_or_else(|| draft_of_text(&self.buffer, |text| Ok((self.parse)(text))), Err);
                    (self.buffer.len(), outcome)
                }
            };
            return Ok(Some(Record { line: self.lines.line(), size_bytes, outcome }));
        }
    }

    fn raw(&self) -> &[u8] {
        &self.buffer
    }
}
