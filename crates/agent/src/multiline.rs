//! Which lines of a file are one event: each for itself, with the stack trace below it, or up to the next line that begins
//! an event as a pattern says.
//!
//! It looks at bytes and nothing else. The last event of a block is open: what belongs to it may not be written yet.

use std::ops::Range;
use std::time::Duration;

use vigie_inputs::Joining;
use vigie_pipeline::{JOINED_LINES_MAX, is_chained, is_continuation};

/// Bytes of an event of several lines; what follows is another. Less than what is read of a file at once.
const JOINED_BYTES_MAX: usize = 256 * 1024;
/// Blank lines that may stand within a traceback.
const BLANK_LINES_MAX: usize = 2;
/// How long an event stays open unless the settings say otherwise.
pub const FLUSH_DEFAULT: Duration = Duration::from_millis(1_000);

/// How lines are joined, and for how long an event waits for more.
#[derive(Clone, Debug)]
pub struct Multiline {
    /// How lines are joined.
    pub joining: Joining,
    /// An event that nothing was added to for so long is whole.
    pub flush_after: Duration,
}

impl Default for Multiline {
    fn default() -> Self {
        Self { joining: Joining::Traces, flush_after: FLUSH_DEFAULT }
    }
}

/// The events of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Where each lies, with its last line feed; blank lines lie between them.
    pub events: Vec<Range<usize>>,
    /// Whether more lines may belong to the last one.
    pub is_open: bool,
}

/// An event that is being put together.
struct Joined {
    range: Range<usize>,
    last_line: Range<usize>,
    line_count: usize,
    blank_count: usize,
}

impl Multiline {
    /// The events of whole lines.
    pub fn split(&self, block: &[u8]) -> Split {
        let mut split = Split::default();
        let mut joined: Option<Joined> = None;
        let mut start = 0;
        while start < block.len() {
            let end = memchr::memchr(b'\n', &block[start..]).map_or(block.len(), |at| start + at + 1);
            let line = start..end;
            start = end;
            if block[line.clone()].trim_ascii().is_empty() {
                if let Some(joined) = &mut joined {
                    joined.blank_count += 1;
                }
                continue;
            }
            match &mut joined {
                Some(event) if self.goes_on(event, block, &line) && event.has_room(&line) => event.add(line),
                _ => {
                    let next = Joined { range: line.clone(), last_line: line, line_count: 1, blank_count: 0 };
                    split.events.extend(joined.replace(next).map(|event| event.range));
                }
            }
        }
        if let Some(event) = joined {
            split.is_open =
                !matches!(self.joining, Joining::Off) && event.has_room(&(event.range.end..event.range.end));
            split.events.push(event.range);
        }
        split
    }

    fn goes_on(&self, event: &Joined, block: &[u8], line: &Range<usize>) -> bool {
        match &self.joining {
            Joining::Off => false,
            Joining::Start(pattern) => !pattern.is_match(without_end(&block[line.clone()])),
            Joining::Traces => {
                let text = |range: &Range<usize>| String::from_utf8_lossy(without_end(&block[range.clone()]));
                let (last, line) = (text(&event.last_line), text(line));
                event.blank_count <= BLANK_LINES_MAX
                    && is_continuation(&last, &line)
                    && (event.blank_count == 0 || is_chained(&last, &line))
            }
        }
    }
}

impl Joined {
    /// Whether the line may still be part of it.
    fn has_room(&self, line: &Range<usize>) -> bool {
        self.line_count + self.blank_count < JOINED_LINES_MAX && line.end - self.range.start <= JOINED_BYTES_MAX
    }

    fn add(&mut self, line: Range<usize>) {
        self.line_count += 1 + std::mem::take(&mut self.blank_count);
        self.range.end = line.end;
        self.last_line = line;
    }
}

/// A line or several without the end of the last one.
pub fn without_end(lines: &[u8]) -> &[u8] {
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    lines.strip_suffix(b"\r").unwrap_or(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(joining: Joining, block: &str, expected: &[&str], is_open: bool) {
        let multiline = Multiline { joining, flush_after: FLUSH_DEFAULT };
        let split = multiline.split(block.as_bytes());
        let events: Vec<&str> = split.events.iter().map(|range| &block[range.clone()]).collect();
        assert_eq!((events.as_slice(), split.is_open), (expected, is_open), "{block:?}");
    }

    #[test]
    fn lines_alone() {
        check(Joining::Off, "", &[], false);
        check(Joining::Off, "a\n\n b\r\n  \nc", &["a\n", " b\r\n", "c"], false);
    }

    #[test]
    fn stack_traces_go_on() {
        check(Joining::Traces, "\n \n", &[], false);
        check(Joining::Traces, "a\nb\n\tat x.Y(Y.java:1)\n", &["a\n", "b\n\tat x.Y(Y.java:1)\n"], true);
        check(Joining::Traces, "a\n\n  b\n", &["a\n", "  b\n"], true);
        let chained = "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'\n\n\
                       During handling of the above exception, another exception occurred:\n\n\
                       Traceback (most recent call last):\n  File \"b.py\", line 1\nKeyError: 'b'\n";
        check(Joining::Traces, &format!("{chained}next\n"), &[chained, "next\n"], true);
    }

    #[test]
    fn a_pattern_begins_events() {
        let start = || Joining::starting_with(r"^\d+ ").unwrap();
        check(start(), "x\n1 a\nb\n\nc\n2 d\n", &["x\n", "1 a\nb\n\nc\n", "2 d\n"], true);
    }

    #[test]
    fn events_are_bounded_and_a_full_one_is_not_open() {
        let lines = "a\n".to_owned() + &" b\n".repeat(JOINED_LINES_MAX + 4);
        let split = Multiline::default().split(lines.as_bytes());
        assert_eq!((split.events.len(), split.events[0].end), (2, 2 + 3 * (JOINED_LINES_MAX - 1)));
        let full = "a\n".to_owned() + &" b\n".repeat(JOINED_LINES_MAX - 1);
        let split = Multiline::default().split(full.as_bytes());
        assert_eq!((split.events.len(), split.events[0].len(), split.is_open), (1, full.len(), false));
        let long = format!("a\n {}\n", "b".repeat(JOINED_BYTES_MAX));
        assert_eq!(Multiline::default().split(long.as_bytes()).events.len(), 2);
    }
}
