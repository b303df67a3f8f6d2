//! How lines become events: which of them are one event, and whether their text is told by its form or left whole.
//!
//! It looks at the bytes alone, so that the same bytes are the same events each time.

use std::fmt;
use std::sync::Arc;

use vigie_pipeline::{JOINED_BLANK_LINES_MAX, LinePattern, goes_on, may_go_on};

/// Which lines are one event.
#[derive(Clone, Debug, Default)]
pub enum Joining {
    /// Each for itself.
    Off,
    /// Stack traces and indented lines go on with the line before them.
    #[default]
    Traces,
    /// An event begins where a line matches.
    Start(Arc<LinePattern>),
}

impl Joining {
    /// Events begin where lines match the pattern, one of grok: expressions, and `%{NAME}` for those that have a name.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn starting_with(pattern: &str) -> Result<Self, String> {
        LinePattern::new(pattern).map(|pattern| Self::Start(Arc::new(pattern)))
    }

    /// Whether lines may go on with one that begins an event.
    pub(crate) fn may_go_on(&self, first: &[u8]) -> bool {
        match self {
            Self::Off => false,
            Self::Traces => may_go_on(first),
            Self::Start(_) => !first.trim_ascii().is_empty(),
        }
    }

    /// Whether so many blank lines may stand within an event.
    pub(crate) const fn may_hold_blank(&self, blank_count: usize) -> bool {
        match self {
            Self::Off | Self::Traces => blank_count <= JOINED_BLANK_LINES_MAX,
            Self::Start(_) => true,
        }
    }

    /// Whether a line belongs to the same event as `previous`, the last line of it that is not blank.
    pub(crate) fn goes_on(&self, previous: &[u8], line: &[u8], is_after_blank: bool) -> bool {
        match self {
            Self::Off => false,
            Self::Traces => goes_on(previous, line, is_after_blank),
            Self::Start(pattern) => !pattern.is_match(line.strip_suffix(b"\r").unwrap_or(line)),
        }
    }
}

/// What is made of the lines of one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineFormat {
    /// It is told by its content: JSON, an access log, syslog and the others, else text.
    #[default]
    Auto,
    /// The message is the text as it came, whatever it looks like.
    Plain,
}

/// The text names no format of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLineFormat(pub String);

impl fmt::Display for UnknownLineFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no format of lines; use \"auto\" or \"plain\"", self.0)
    }
}

impl std::str::FromStr for LineFormat {
    type Err = UnknownLineFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "plain" => Ok(Self::Plain),
            other => Err(UnknownLineFormat(other.to_owned())),
        }
    }
}

/// How lines become events.
#[derive(Clone, Debug, Default)]
pub struct LineForm {
    /// What is made of each event.
    pub format: LineFormat,
    /// Which lines are one event.
    pub joining: Joining,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_tells_where_events_begin() {
        let joining = Joining::starting_with(r"^\d{4}-").unwrap();
        assert!(!joining.goes_on(b"2026-11-23 a", b"2026-11-24 b\r", false));
        assert!(joining.goes_on(b"2026-11-23 a", b"} 2026-11-24", true));
        assert!(joining.may_go_on(b"{\"a\":"), "JSON may be on several lines where a pattern says so");
        assert!(!joining.may_go_on(b"  "));
        assert!(Joining::starting_with("(").unwrap_err().contains("no expression"));
    }

    #[test]
    fn formats_of_lines_have_names() {
        assert_eq!("plain".parse(), Ok(LineFormat::Plain));
        assert_eq!("auto".parse(), Ok(LineFormat::Auto));
        let error = "json".parse::<LineFormat>().unwrap_err().to_string();
        assert_eq!(error, "\"json\" is no format of lines; use \"auto\" or \"plain\"");
    }
}
