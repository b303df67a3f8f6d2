//! Lines of a byte stream, each within a bound; a longer one is passed over without being kept.

use std::io;

use memchr::memchr;

use super::Bytes;
use crate::batch::REJECT_RAW_MAX;
use crate::error::DecodeError;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line within the bound; its bytes are in the buffer, without the line end.
    Whole,
    /// A longer one of so many bytes; the buffer holds its beginning.
    TooLong(usize),
    /// There is no further line.
    End,
}

/// Reads lines that end with LF or CR LF; the last may end with neither.
pub(crate) struct LineReader<'a> {
    input: Bytes<'a>,
    /// Bytes that were read and given back, and how many of them are used again.
    returned: Vec<u8>,
    returned_used: usize,
    line_bytes_max: usize,
    line: u64,
    line_end: &'static [u8],
}

impl<'a> LineReader<'a> {
    /// Lines of at most `line_bytes_max` bytes.
    pub(crate) fn new(input: Bytes<'a>, line_bytes_max: usize) -> Self {
        Self { input, returned: Vec::new(), returned_used: 0, line_bytes_max, line: 0, line_end: b"" }
    }

    /// 1-based number of the line last read.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// What ended the line last read: LF, CR LF or nothing.
    pub(crate) const fn line_end(&self) -> &'static [u8] {
        self.line_end
    }

    /// Puts the next line at the end of `buffer`.
    pub(crate) fn append_line(&mut self, buffer: &mut Vec<u8>) -> Result<Line, DecodeError> {
        let start = buffer.len();
        let mut size = 0;
        loop {
            let room = (self.line_bytes_max + 2).saturating_sub(buffer.len() - start);
            let (taken, ended) = self.take(buffer, room)?;
            size += taken;
            if ended || taken == 0 {
                break;
            }
        }
        if size == 0 {
            return Ok(Line::End);
        }
        self.line += 1;
        Ok(self.finish(buffer, start, size))
    }

    /// Reads up to and with the line end, or what is there at once; at most `room` bytes of it are kept.
    fn take(&mut self, buffer: &mut Vec<u8>, room: usize) -> Result<(usize, bool), DecodeError> {
        let is_returned = self.returned_used < self.returned.len();
        let available = if is_returned { &self.returned[self.returned_used..] } else { fill(&mut self.input)? };
        let (taken, ended) = memchr(b'\n', available).map_or((available.len(), false), |at| (at + 1, true));
        buffer.extend_from_slice(&available[..taken.min(room)]);
        if is_returned {
            self.returned_used += taken;
        } else {
            self.input.consume(taken);
        }
        Ok((taken, ended))
    }

    fn finish(&mut self, buffer: &mut Vec<u8>, start: usize, size: usize) -> Line {
        if size <= self.line_bytes_max + 2 {
            let line = &buffer[start..];
            self.line_end = [&b"\r\n"[..], b"\n"].into_iter().find(|end| line.ends_with(end)).unwrap_or_default();
            buffer.truncate(buffer.len() - self.line_end.len());
            if buffer.len() - start <= self.line_bytes_max {
                return Line::Whole;
            }
        }
        buffer.truncate(start + REJECT_RAW_MAX);
        Line::TooLong(size)
    }

    /// Gives back bytes that end `lines` lines further on than the line to go on with.
    pub(crate) fn give_back(&mut self, bytes: &[u8], lines: u64) {
        let mut returned = bytes.to_vec();
        returned.extend_from_slice(&self.returned[self.returned_used..]);
        self.returned = returned;
        self.returned_used = 0;
        self.line -= lines;
    }
}

/// What is there at once of the input; empty at its end.
pub(super) fn fill<'b>(input: &'b mut Bytes<'_>) -> Result<&'b [u8], DecodeError> {
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(DecodeError::from_read(error));
        }
    }
    // Asked again because a loop cannot return what it borrowed; this call reads nothing.
    input.fill_buf().map_err(DecodeError::from_read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, line_bytes_max: usize, expected: &[(Line, &str)]) {
        for capacity in [1, 2, 3, 4096] {
            let input = io::BufReader::with_capacity(capacity, input.as_bytes());
            let mut reader = LineReader::new(Box::new(input), line_bytes_max);
            for (line, text) in expected {
                let mut buffer = Vec::new();
                assert_eq!(reader.append_line(&mut buffer).unwrap(), *line);
                assert_eq!(std::str::from_utf8(&buffer).unwrap(), *text);
            }
            assert_eq!(reader.append_line(&mut Vec::new()).unwrap(), Line::End);
        }
    }

    #[test]
    fn lines_end_in_either_way() {
        check("", 9, &[]);
        check("a\nb\r\n\nc", 9, &[(Line::Whole, "a"), (Line::Whole, "b"), (Line::Whole, ""), (Line::Whole, "c")]);
        check("a\rb\n\r\n", 9, &[(Line::Whole, "a\rb"), (Line::Whole, "")]);
    }

    #[test]
    fn longer_lines_are_passed_over() {
        check(
            "123\n1234\n123\r\n12345678",
            3,
            &[(Line::Whole, "123"), (Line::TooLong(5), "1234"), (Line::Whole, "123"), (Line::TooLong(8), "12345")],
        );
    }

    #[test]
    fn what_was_given_back_is_read_again() {
        let mut reader = LineReader::new(Box::new("a\nb\nc\n".as_bytes()), 9);
        let mut buffer = Vec::new();
        reader.append_line(&mut buffer).unwrap();
        reader.append_line(&mut buffer).unwrap();
        assert_eq!((reader.line(), &buffer[..]), (2, &b"ab"[..]));
        reader.give_back(b"b\n", 1);
        buffer.clear();
        reader.append_line(&mut buffer).unwrap();
        assert_eq!((reader.line(), &buffer[..]), (2, &b"b"[..]));
        buffer.clear();
        reader.append_line(&mut buffer).unwrap();
        assert_eq!((reader.line(), &buffer[..]), (3, &b"c"[..]));
    }
}
