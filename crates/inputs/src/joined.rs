//! Lines that go on with the one before them, such as those of a stack trace: which bytes of a stream are one event.
//!
//! It looks at the bytes alone, so that the same bytes are the same events each time. Of the last event it is not known
//! whether more of it will come: whoever reads the stream decides how long to wait.

use vigie_pipeline::{Assembler, JOINED_LINES_MAX};

use crate::line_form::{Joining, LineForm, LineFormat};
use crate::lines::{Each, Frame};

/// Bytes of an event of several lines; lines beyond it are another event.
pub(crate) const JOINED_BYTES_MAX: usize = 256 * 1024;

/// One event of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joined<'a> {
    /// Where it begins.
    pub(crate) start: usize,
    /// Its line or lines, without the last line feed.
    pub(crate) bytes: &'a [u8],
    /// How many lines.
    line_count: usize,
    /// Lines that go on with it have no room in it.
    is_cut: bool,
    /// Nothing follows it, so that lines may still go on with it.
    is_open: bool,
}

/// The events of some frames.
pub(crate) struct EachJoined<'a> {
    bytes: &'a [u8],
    frames: Each<'a>,
    joining: &'a Joining,
    bytes_max: usize,
}

impl<'a> EachJoined<'a> {
    /// Of these frames; a record has at most `record_bytes_max` bytes.
    pub(crate) fn new(frames: Each<'a>, joining: &'a Joining, record_bytes_max: usize) -> Self {
        Self { bytes: frames.bytes(), frames, joining, bytes_max: JOINED_BYTES_MAX.min(record_bytes_max) }
    }

    /// Adds what goes on with a line.
    fn join(&mut self, first: Frame<'a>) -> Joined<'a> {
        let mut joined =
            Joined { start: first.start, bytes: first.content, line_count: 1, is_cut: false, is_open: false };
        let mut last = first.content;
        loop {
            let mut ahead = self.frames;
            let mut blank_count = 0;
            let next = loop {
                match ahead.next_frame() {
                    Some(frame) if !frame.is_counted && frame.content.trim_ascii().is_empty() => blank_count += 1,
                    next => break next,
                }
            };
            let Some(line) = next else {
                joined.is_open = self.joining.may_hold_blank(blank_count);
                if joined.is_open {
                    // Blank lines behind it may turn out to lie within it.
                    self.frames = ahead;
                }
                return joined;
            };
            let may_hold = !line.is_counted && self.joining.may_hold_blank(blank_count);
            if !may_hold || !self.joining.goes_on(last, line.content, blank_count > 0) {
                return joined;
            }
            let end = line.start + line.content.len();
            if joined.line_count >= JOINED_LINES_MAX || end - joined.start > self.bytes_max {
                joined.is_cut = true;
                return joined;
            }
            joined.bytes = &self.bytes[joined.start..end];
            joined.line_count += 1;
            last = line.content;
            self.frames = ahead;
        }
    }
}

impl<'a> Iterator for EachJoined<'a> {
    type Item = Joined<'a>;

    fn next(&mut self) -> Option<Joined<'a>> {
        let frame = self.frames.next_frame()?;
        if !frame.is_counted && self.joining.may_go_on(frame.content) {
            return Some(self.join(frame));
        }
        Some(Joined { start: frame.start, bytes: frame.content, line_count: 1, is_cut: false, is_open: false })
    }
}

/// How many bytes at the beginning of whole frames are events that nothing goes on with any more.
pub(crate) fn settled(frames: Each<'_>, joining: &Joining, record_bytes_max: usize) -> usize {
    let bytes = frames.bytes();
    let is_json_whole = match joining {
        Joining::Off => return bytes.len(),
        Joining::Traces => true,
        Joining::Start(_) => false,
    };
    // Most streams are of JSON. A line of it, and what a frame with a length ends with, is waited for by nothing.
    let content = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let last_line = &content[memchr::memrchr(b'\n', content).map_or(0, |at| at + 1)..];
    if is_json_whole && last_line.first() == Some(&b'{') {
        return bytes.len();
    }
    let last = EachJoined::new(frames, joining, record_bytes_max).last();
    last.filter(|last| last.is_open).map_or(bytes.len(), |last| last.start)
}

/// Puts the events of the frames into the assembler.
pub(crate) fn push_all(frames: Each<'_>, form: &LineForm, assembler: &mut Assembler<'_>) {
    for event in EachJoined::new(frames, &form.joining, assembler.record_bytes_max()) {
        match form.format {
            LineFormat::Plain => assembler.push_plain(event.bytes, event.is_cut),
            LineFormat::Auto if event.line_count == 1 && !event.is_cut => assembler.push_line(event.bytes),
            LineFormat::Auto => assembler.push_joined_lines(event.bytes, event.is_cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: &[&str], settled_bytes: usize) {
        let events = EachJoined::new(Each::new(bytes.as_bytes()), &Joining::Traces, 100)
            .map(|event| String::from_utf8_lossy(event.bytes));
        let events: Vec<_> = events.filter(|event| !event.trim().is_empty()).collect();
        assert_eq!(events, expected, "{bytes:?}");
        assert_eq!(settled(Each::new(bytes.as_bytes()), &Joining::Traces, 100), settled_bytes, "{bytes:?}");
    }

    #[test]
    fn lines_of_a_trace_are_one_event() {
        check("", &[], 0);
        check("one\ntwo\n", &["one", "two"], 4);
        check("one\n\tat a.B.c(B.java:1)\ntwo\n", &["one\n\tat a.B.c(B.java:1)", "two"], 24);
        check("one\n\tat a.B.c(B.java:1)\n", &["one\n\tat a.B.c(B.java:1)"], 0);
        check("{\"a\":1}\n", &["{\"a\":1}"], 8);
        check("{\"a\":1}\n  words\n", &["{\"a\":1}", "  words"], 8);
        check("words\n  {\"a\":1}\n", &["words", "  {\"a\":1}"], 16);
        check("one\n\n\ntwo\n\n\n\n", &["one", "two"], 13);
        check("one\n\n", &["one"], 0);
        check("one\n7 {\"a\":1}\tat a.B.c(B.java:1)\n", &["one", "{\"a\":1}", "\tat a.B.c(B.java:1)"], 13);
    }

    #[test]
    fn a_line_of_a_file_has_no_length_before_it() {
        let bytes = b"404 {not\n  found}\n";
        let events =
            |frames| EachJoined::new(frames, &Joining::Traces, 100).map(|event| event.bytes).collect::<Vec<_>>();
        assert_eq!(events(Each::of_lines(bytes)), [b"404 {not\n  found}"]);
        assert_eq!(events(Each::new(bytes)), [&b"{not\n  found}\n"[..]]);
    }

    #[test]
    fn events_are_bounded_in_lines_and_bytes() {
        let bytes = "one\n".to_owned() + &" x\n".repeat(2 * JOINED_LINES_MAX);
        let counts = |bytes: &str, bytes_max| {
            EachJoined::new(Each::new(bytes.as_bytes()), &Joining::Traces, bytes_max)
                .map(|event| (event.line_count, event.is_cut))
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(&bytes, usize::MAX), [(1_000, true), (1_000, true), (1, false)]);
        let bytes = format!("one\n {0}\n {0}\n", "x".repeat(40));
        assert_eq!(counts(&bytes, 60), [(2, true), (1, false)]);
    }

    #[test]
    fn what_is_settled_does_not_change_with_what_comes() {
        let bytes = "one\n\tat a.B.c(B.java:1)\n{\"a\":1}\ntwo\n  more\n\nthree\nKeyError: 1\n";
        let whole: Vec<_> =
            EachJoined::new(Each::new(bytes.as_bytes()), &Joining::Traces, 1_000).map(|event| event.bytes).collect();
        for (cut, _) in bytes.match_indices('\n') {
            let part = &bytes.as_bytes()[..=cut];
            let settled = settled(Each::new(part), &Joining::Traces, 1_000);
            let first = EachJoined::new(Each::new(&part[..settled]), &Joining::Traces, 1_000).map(|event| event.bytes);
            let rest = EachJoined::new(Each::new(&bytes.as_bytes()[settled..]), &Joining::Traces, 1_000)
                .map(|event| event.bytes);
            let joined: Vec<_> = first.chain(rest).filter(|bytes| !bytes.is_empty()).collect();
            let expected: Vec<_> = whole.iter().copied().filter(|bytes| !bytes.is_empty()).collect();
            assert_eq!(joined, expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_pattern_or_nothing_joins_lines() {
        let bytes = "x\n1 a\nb\n\n\n\n c\n2 {\n}\n";
        let check = |joining: &Joining, expected: &[&str], settled_bytes: usize| {
            let events = EachJoined::new(Each::of_lines(bytes.as_bytes()), joining, 100);
            let events: Vec<_> = events.map(|event| String::from_utf8_lossy(event.bytes)).collect();
            let events: Vec<&str> = events.iter().map(AsRef::as_ref).filter(|text: &&str| !text.is_empty()).collect();
            assert_eq!(events, expected, "{joining:?}");
            assert_eq!(settled(Each::of_lines(bytes.as_bytes()), joining, 100), settled_bytes, "{joining:?}");
        };
        check(&Joining::Off, &["x", "1 a", "b", " c", "2 {", "}"], bytes.len());
        let start = Joining::starting_with(r"^\d ").unwrap();
        check(&start, &["x", "1 a\nb\n\n\n\n c", "2 {\n}"], 14);
    }
}
