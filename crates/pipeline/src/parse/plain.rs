//! Plain lines: each line that is not blank is one event with the line as its message.

use super::lines::{Line, LineReader};
use super::{Bytes, Draft, Record, RecordReader, binary_reason, draft_of_text, too_large};
use crate::detect::Head;
use crate::error::DecodeError;

/// Everything can be read as lines; every other format is more sure of its own.
pub(crate) const fn score(_head: &Head<'_>) -> u8 {
    5
}

/// Reads lines, and makes of each what `parse` makes of it.
pub(crate) struct TextLineReader<'a> {
    lines: LineReader<'a>,
    buffer: Vec<u8>,
    parse: fn(&str) -> Draft,
    record_bytes_max: usize,
}

impl<'a> TextLineReader<'a> {
    /// Every line is a message.
    pub(crate) fn of_messages(input: Bytes<'a>, record_bytes_max: usize) -> Self {
        Self::new(input, Draft::message, record_bytes_max)
    }

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
