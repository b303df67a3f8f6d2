//! NDJSON: one JSON object a line. A line that is a list gives one event per element; a broken one is rejected alone.

use std::collections::VecDeque;

use vigie_domain::Value;

use super::json_value::{object_of, parse_json};
use super::lines::{Line, LineReader};
use super::{Bytes, Draft, Record, RecordReader, binary_reason, draft_of_text, too_large};
use crate::detect::Head;
use crate::error::DecodeError;
use crate::tag;

/// How sure it is that these are JSON lines: most lines look like whole objects, or the only one begins like one.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut lines, mut whole) = (0_usize, 0_usize);
    for line in head.lines() {
        lines += 1;
        whole += usize::from(is_document(line));
    }
    let begins_object = head.first_bytes(b'{').is_some_and(|next| matches!(next, b'"' | b'}'));
    match (lines, whole) {
        (0 | 1, _) if begins_object => 95,
        // A list that spans one line is a document of its own format.
        (_, 1) if !begins_object => 0,
        (_, 1..) if whole * 2 >= lines => 95,
        _ => 0,
    }
}

fn is_document(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    (line.starts_with(b"{") && line.ends_with(b"}")) || (line.starts_with(b"[{") && line.ends_with(b"}]"))
}

/// Reads JSON lines.
pub(crate) struct NdjsonReader<'a> {
    lines: LineReader<'a>,
    buffer: Vec<u8>,
    /// What is in the buffer, when it was offered and not taken.
    offered: Option<Line>,
    /// Elements of a line that is a list.
    pending: VecDeque<Result<Draft, String>>,
    record_bytes_max: usize,
}

impl<'a> NdjsonReader<'a> {
    /// A reader of lines up to the bound.
    pub(crate) fn new(input: Bytes<'a>, record_bytes_max: usize) -> Self {
        let lines = LineReader::new(input, record_bytes_max);
        Self { lines, buffer: Vec::new(), offered: None, pending: VecDeque::new(), record_bytes_max }
    }

    fn next_line(&mut self) -> Result<Line, DecodeError> {
        self.buffer.clear();
        self.lines.append_line(&mut self.buffer)
    }

    fn parse_line(&mut self) -> Result<Draft, String> {
        draft_of_text(&self.buffer, |text| match parse_json(text)? {
            Value::List(items) => {
                self.pending = items.into_iter().map(|item| object_of(item).map(Draft::new)).collect();
                Ok(Draft::default())
            }
            value => object_of(value).map(Draft::new),
        })
        .map_err(|reason| binary_reason(&self.buffer).unwrap_or(reason))
    }
}

impl RecordReader for NdjsonReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        loop {
            if let Some(outcome) = self.pending.pop_front() {
                return Ok(Some(Record { line: self.lines.line(), size_bytes: 0, outcome }));
            }
            let line = match self.offered.take() {
                Some(line) => line,
                None => self.next_line()?,
            };
            let size_bytes = match line {
                Line::End => return Ok(None),
                Line::TooLong(size) => {
                    let outcome = Err(too_large(size, self.record_bytes_max));
                    return Ok(Some(Record { line: self.lines.line(), size_bytes: size, outcome }));
                }
                Line::Whole if self.buffer.trim_ascii().is_empty() => continue,
                Line::Whole => self.buffer.len(),
            };
            let is_list = self.buffer.trim_ascii_start().starts_with(b"[");
            let mut outcome = self.parse_line();
            if let (true, Ok(list)) = (is_list, &mut outcome) {
                let is_lossy = list.tags.contains(&tag::INVALID_UTF8);
                for draft in self.pending.iter_mut().flatten().filter(|_| is_lossy) {
                    draft.tag(tag::INVALID_UTF8);
                }
                match self.pending.pop_front() {
                    Some(first) => outcome = first,
                    None => continue,
                }
            }
            return Ok(Some(Record { line: self.lines.line(), size_bytes, outcome }));
        }
    }

    fn offer(&mut self, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<Option<usize>, DecodeError> {
        if !self.pending.is_empty() || self.offered.is_some() {
            return Ok(None);
        }
        let line = self.next_line()?;
        if line == Line::Whole && take(&self.buffer) {
            return Ok(Some(self.buffer.len()));
        }
        self.offered = Some(line);
        Ok(None)
    }

    fn raw(&self) -> &[u8] {
        &self.buffer
    }
}
