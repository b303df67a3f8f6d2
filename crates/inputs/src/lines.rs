//! Lines over TCP and datagrams of lines, as Logstash's `tcp` and `udp` inputs take them: JSON, or text of any kind.
//!
//! Lines of a stack trace are one event with the line before them. A frame may also begin with its length in bytes and a space (RFC 6587, 3.4.1), when JSON or a syslog message follows.

use memchr::{memchr, memrchr};
use vigie_pipeline::Assembler;

use crate::cut::{Cut, CutReason};
use crate::datagrams::DatagramProtocol;
use crate::joined;
use crate::line_form::{LineForm, LineFormat};
use crate::one_way::{Frames, Framing};

/// Digits of a length at most.
const LENGTH_DIGITS_MAX: usize = 9;

/// Lines of any kind.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    form: LineForm,
}

impl Lines {
    /// Lines that become events in this way.
    pub const fn new(form: LineForm) -> Self {
        Self { form }
    }

    /// Of lines that are left whole none begins with a length: it would be taken from the text.
    const fn each<'a>(&self, bytes: &'a [u8]) -> Each<'a> {
        match self.form.format {
            LineFormat::Auto => Each::new(bytes),
            LineFormat::Plain => Each::of_lines(bytes),
        }
    }
}

impl Framing for Lines {
    fn frames(&self, bytes: &[u8], frame_bytes_max: usize) -> Result<Frames, Cut> {
        match self.form.format {
            LineFormat::Auto => whole_frames(bytes, frame_bytes_max),
            LineFormat::Plain => Ok(memrchr(b'\n', bytes).map_or(Frames::Unfinished, |at| Frames::Whole(at + 1))),
        }
    }

    fn push_all(&self, bytes: &[u8], assembler: &mut Assembler<'_>) {
        joined::push_all(self.each(bytes), &self.form, assembler);
    }

    fn settled(&self, bytes: &[u8], frame_bytes_max: usize) -> usize {
        joined::settled(self.each(bytes), &self.form.joining, frame_bytes_max)
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        memchr(b'\n', bytes)
    }
}

impl DatagramProtocol for Lines {
    /// A datagram holds lines; one that is a JSON document over several lines is one record, unless lines are left whole.
    fn push(&self, message: &[u8], assembler: &mut Assembler<'_>) {
        if self.form.format == LineFormat::Plain {
            return joined::push_all(Each::of_lines(message), &self.form, assembler);
        }
        let trimmed = message.trim_ascii();
        let lines = || trimmed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        let is_document =
            |line: &[u8]| matches!((line.first(), line.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
        if matches!(trimmed.first(), Some(b'{' | b'[')) && !lines().all(is_document) {
            return assembler.push_json(trimmed);
        }
        joined::push_all(Each::of_lines(trimmed), &self.form, assembler);
    }
}

/// How many bytes are whole lines or frames with a length.
pub(crate) fn whole_frames(bytes: &[u8], frame_bytes_max: usize) -> Result<Frames, Cut> {
    let mut end = 0;
    while let Some(length) = frame_length(&bytes[end..]) {
        let is_counted = length.header > 0;
        if is_counted && length.content > frame_bytes_max {
            if end > 0 {
                break;
            }
            let words = format!(
                "a frame says that it has {} bytes, more than the {frame_bytes_max} that are accepted",
                length.content
            );
            return Err(Cut::new(CutReason::TooLarge, words));
        }
        let total = length.header.saturating_add(length.content).saturating_add(length.end);
        if total > bytes.len() - end {
            break;
        }
        end += total;
    }
    Ok(if end > 0 { Frames::Whole(end) } else { Frames::Unfinished })
}

/// Bytes of a frame.
struct Length {
    header: usize,
    content: usize,
    end: usize,
}

/// How long the first frame is; `None` when that cannot be told yet.
fn frame_length(bytes: &[u8]) -> Option<Length> {
    if let Some((header, content)) = octet_count(bytes) {
        return Some(Length { header, content, end: 0 });
    }
    line_length(bytes)
}

fn line_length(bytes: &[u8]) -> Option<Length> {
    let content = memchr(b'\n', bytes)?;
    Some(Length { header: 0, content, end: 1 })
}

/// Bytes of a length that stands before a frame, and the length; `None` when the frame does not begin with one.
fn octet_count(bytes: &[u8]) -> Option<(usize, usize)> {
    if !matches!(bytes.first()?, b'1'..=b'9') {
        return None;
    }
    let digits = bytes.iter().take(LENGTH_DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let is_counted = bytes.get(digits) == Some(&b' ') && matches!(bytes.get(digits + 1), Some(b'{' | b'[' | b'<'));
    if !is_counted || digits > LENGTH_DIGITS_MAX {
        return None;
    }
    let length = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((digits + 1, length))
}

/// The content of each frame; the last may lack its end.
#[derive(Clone, Copy)]
pub(crate) struct Each<'a> {
    rest: &'a [u8],
    /// Where the rest begins.
    at: usize,
    /// Whether a frame may begin with its length; else every frame is a line.
    may_be_counted: bool,
}

/// One frame.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// Where its content begins.
    pub(crate) start: usize,
    pub(crate) content: &'a [u8],
    /// Its length stood before it, so nothing goes on with it.
    pub(crate) is_counted: bool,
}

impl<'a> Each<'a> {
    /// Of these bytes.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0, may_be_counted: true }
    }

    /// Of these bytes, where every frame is a line.
    pub(crate) const fn of_lines(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0, may_be_counted: false }
    }

    /// The bytes that are left.
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// The next frame, and where it stands.
    pub(crate) fn next_frame(&mut self) -> Option<Frame<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let length = if self.may_be_counted { frame_length(self.rest) } else { line_length(self.rest) };
        let length = length.unwrap_or(Length { header: 0, content: self.rest.len(), end: 0 });
        let rest = &self.rest[length.header..];
        let content = &rest[..length.content.min(rest.len())];
        let frame = Frame { start: self.at + length.header, content, is_counted: length.header > 0 };
        let after = &rest[(content.len() + length.end).min(rest.len())..];
        self.at += self.rest.len() - after.len();
        self.rest = after;
        Some(frame)
    }
}

impl<'a> Iterator for Each<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.next_frame().map(|frame| frame.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, whole: usize, frames: &[&str]) {
        let expected = if whole > 0 { Frames::Whole(whole) } else { Frames::Unfinished };
        assert_eq!(whole_frames(bytes.as_bytes(), 100), Ok(expected), "{bytes:?}");
        let found: Vec<String> =
            Each::new(bytes.as_bytes()).map(|frame| String::from_utf8_lossy(frame).into()).collect();
        assert_eq!(found, frames, "{bytes:?}");
    }

    #[test]
    fn frames_are_lines_or_have_a_length() {
        check("", 0, &[]);
        check("a", 0, &["a"]);
        check("a\nb", 2, &["a", "b"]);
        check("a\n\nb\n", 5, &["a", "", "b"]);
        check("404 Not found\n", 14, &["404 Not found"]);
        check("7 {\"a\":1}5 {\"b\"", 9, &["{\"a\":1}", "{\"b\""]);
        check("8 {\"a\":\n1}x\n", 12, &["{\"a\":\n1}", "x"]);
        check("8 {\"a\":\n1}\nx\n", 13, &["{\"a\":\n1}", "", "x"]);
        check("12 <13>words\nmo", 15, &["<13>words\nmo"]);
        check("15 <13>words\nmore", 0, &["<13>words\nmore"]);
    }

    #[test]
    fn a_length_that_lies_ends_the_connection_after_what_came_before() {
        let lie = b"4294967295 <13>x";
        assert_eq!(whole_frames(lie, 100), Ok(Frames::Unfinished), "ten digits are no length");
        let lie = b"999999999 <13>x";
        assert_eq!(whole_frames(lie, 100).unwrap_err().reason, CutReason::TooLarge);
        assert_eq!(whole_frames(&[b"a\n".as_slice(), lie].concat(), 100), Ok(Frames::Whole(2)));
    }
}
