//! The JSON documents of a byte stream one after the other, or the elements of one long list, by counting brackets.
//!
//! It reads no values: what it hands out may be broken inside. An element above the bound is passed over, not kept.

use super::Bytes;
use super::lines::fill;
use crate::batch::REJECT_RAW_MAX;
use crate::error::DecodeError;

/// How an element ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// As many brackets closed as opened; its bytes are in the buffer.
    Whole,
    /// The input ended first; the buffer holds its beginning.
    Unclosed,
    /// It has so many bytes, more than allowed; the buffer holds its beginning.
    TooLong(usize),
    /// There is none left. The flag says whether the list around them was never closed.
    End(bool),
}

/// Finds elements.
pub(super) struct ElementReader<'a> {
    input: Bytes<'a>,
    element_bytes_max: usize,
    is_list: bool,
    list_is_open: bool,
    current_line: u64,
    line: u64,
    element_size: usize,
    pub(super) buffer: Vec<u8>,
}

/// Where in an element the reader is.
#[derive(Default)]
struct Place {
    depth: u64,
    passed_bytes: usize,
    in_string: bool,
    is_escaped: bool,
}

impl<'a> ElementReader<'a> {
    /// The elements of one list when `is_list`, else documents that follow one another.
    pub(super) const fn new(input: Bytes<'a>, is_list: bool, element_bytes_max: usize) -> Self {
        Self {
            input,
            element_bytes_max,
            is_list,
            list_is_open: false,
            current_line: 1,
            line: 1,
            element_size: 0,
            buffer: Vec::new(),
        }
    }

    /// 1-based line on which the element last read begins; at the end, the last line.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of the element last read.
    pub(super) const fn size_bytes(&self) -> usize {
        self.element_size
    }

    /// Reads the next element into the buffer.
    pub(super) fn next_element(&mut self) -> Result<Element, DecodeError> {
        self.buffer.clear();
        self.element_size = 0;
        if !self.skip_between()? {
            self.line = self.current_line;
            return Ok(Element::End(self.is_list && self.list_is_open));
        }
        self.line = self.current_line;
        let mut place = Place::default();
        loop {
            let chunk = fill(&mut self.input)?;
            if chunk.is_empty() {
                return Ok(self.ended(place.depth == 0 && !place.in_string));
            }
            let (taken, is_done) = place.walk(chunk);
            let room = (self.element_bytes_max + 1).saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&chunk[..taken.min(room)]);
            self.current_line += memchr::memchr_iter(b'\n', &chunk[..taken]).count() as u64;
            self.element_size += taken;
            self.input.consume(taken);
            if is_done {
                return Ok(self.ended(true));
            }
        }
    }

    fn ended(&mut self, is_closed: bool) -> Element {
        if self.element_size > self.element_bytes_max {
            self.buffer.truncate(REJECT_RAW_MAX);
            return Element::TooLong(self.element_size);
        }
        if is_closed { Element::Whole } else { Element::Unclosed }
    }

    /// Passes over white space and commas, and the brackets of the list around; `false` at the end.
    fn skip_between(&mut self) -> Result<bool, DecodeError> {
        loop {
            let chunk = fill(&mut self.input)?;
            let Some(byte) = chunk.first().copied() else { return Ok(false) };
            match byte {
                b'\n' => self.current_line += 1,
                b' ' | b'\t' | b'\r' | b',' => {}
                b'[' if self.is_list && !self.list_is_open => self.list_is_open = true,
                b']' if self.is_list && self.list_is_open => self.list_is_open = false,
                _ => return Ok(true),
            }
            self.input.consume(1);
        }
    }
}

impl Place {
    /// Goes on through the chunk; how many bytes belong to the element, and whether it ends there.
    fn walk(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(byte) = chunk.get(at) {
            at += 1;
            if self.in_string {
                at = self.walk_string(chunk, at - 1);
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                // A bracket that closes nothing belongs to the list around, unless the element begins with it.
                b'}' | b']' if self.depth == 0 && self.passed_bytes + at == 1 => return (1, true),
                b'}' | b']' if self.depth == 0 => return (at - 1, true),
                b'}' | b']' => self.depth -= 1,
                b',' | b'\n' if self.depth == 0 => return (at - 1, true),
                _ => {}
            }
            if self.depth == 0 && matches!(byte, b'}' | b']') {
                return (at, true);
            }
        }
        self.passed_bytes += at;
        (at, false)
    }

    /// The place after the string, or the end of the chunk.
    fn walk_string(&mut self, chunk: &[u8], start: usize) -> usize {
        let mut at = start;
        if self.is_escaped {
            self.is_escaped = false;
            at += 1;
        }
        while let Some(found) = memchr::memchr2(b'"', b'\\', chunk.get(at..).unwrap_or_default()) {
            at += found + 1;
            if chunk[at - 1] == b'"' {
                self.in_string = false;
                return at;
            }
            if at == chunk.len() {
                self.is_escaped = true;
                return at;
            }
            at += 1;
        }
        chunk.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn check(input: &str, is_list: bool, expected: &[(Element, u64, &str)]) {
        for capacity in [1, 2, 3, 7, 4096] {
            let bytes = BufReader::with_capacity(capacity, input.as_bytes());
            let mut reader = ElementReader::new(Box::new(bytes), is_list, 20);
            for (element, line, text) in expected {
                assert_eq!(reader.next_element().unwrap(), *element, "{input} {capacity}");
                assert_eq!((reader.line(), std::str::from_utf8(&reader.buffer).unwrap()), (*line, *text), "{capacity}");
            }
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        check(
            "[{\"a\":1},\n {\"b\":\"]}\\\"\"}\n]\n",
            true,
            &[
                (Element::Whole, 1, "{\"a\":1}"),
                (Element::Whole, 2, "{\"b\":\"]}\\\"\"}"),
                (Element::End(false), 4, ""),
            ],
        );
        check("[]", true, &[(Element::End(false), 1, "")]);
        check(
            "[[1],2,\"a\"]",
            true,
            &[
                (Element::Whole, 1, "[1]"),
                (Element::Whole, 1, "2"),
                (Element::Whole, 1, "\"a\""),
                (Element::End(false), 1, ""),
            ],
        );
    }

    #[test]
    fn documents_follow_one_another() {
        check(
            "{\n \"a\": 1\n}\n{ }",
            false,
            &[(Element::Whole, 1, "{\n \"a\": 1\n}"), (Element::Whole, 4, "{ }"), (Element::End(false), 4, "")],
        );
    }

    #[test]
    fn what_is_broken_has_an_end() {
        check(
            "[{\"a\":1},{\"b\":",
            true,
            &[(Element::Whole, 1, "{\"a\":1}"), (Element::Unclosed, 1, "{\"b\":"), (Element::End(true), 1, "")],
        );
        check(
            "[}x,{}]",
            true,
            &[
                (Element::Whole, 1, "}"),
                (Element::Whole, 1, "x"),
                (Element::Whole, 1, "{}"),
                (Element::End(false), 1, ""),
            ],
        );
        check(
            "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaa\",1]",
            true,
            &[(Element::TooLong(30), 1, "\"aaaaaaaaaaaaaaaaaaaa"), (Element::Whole, 1, "1")],
        );
    }
}
