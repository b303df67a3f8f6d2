//! What commands say and how they end.

use std::io::{self, Write};

use crate::config::ConfigError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was done.
    Done,
    /// It failed.
    Failed,
    /// Arguments or settings are wrong.
    Misused,
    /// Some input records were rejected.
    DoneInPart,
    /// Something in the data folder is damaged.
    Damaged,
}

impl Outcome {
    /// The exit code, as `--help` documents it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Misused => 2,
            Self::DoneInPart => 3,
            Self::Damaged => 4,
        }
    }
}

/// Why a command could not be done, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which exit code it means.
    pub outcome: Outcome,
    /// What is wrong and what to do.
    pub words: String,
}

impl Failure {
    /// It could not be done.
    pub fn failed(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, words: words.into() }
    }

    /// What was given in a variable is wrong, when that is why it failed.
    pub fn of_variable(name: &str, error: vigie_domain::Error) -> Self {
        match error.kind {
            vigie_domain::ErrorKind::Invalid => Self::misused(format!("{name}: {}", error.message)),
            _ => error.into(),
        }
    }

    /// A reader that has gone away, as `head` does, has taken what it wanted: there is nothing to say to anybody.
    fn nobody_reads() -> Self {
        Self { outcome: Outcome::Done, words: String::new() }
    }

    /// The arguments are wrong.
    pub fn misused(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Misused, words: words.into() }
    }
}

impl From<vigie_domain::Error> for Failure {
    fn from(error: vigie_domain::Error) -> Self {
        Self::failed(error.message)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::misused(error.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::nobody_reads();
        }
        Self::failed(format!("output could not be written: {error}"))
    }
}

/// The streams of a command.
pub struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    err_is_terminal: bool,
}

impl<'a> Console<'a> {
    /// A console on these streams.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, err_is_terminal: bool) -> Self {
        Self { out, err, err_is_terminal }
    }

    /// Whether somebody looks at standard error, so that a progress bar makes sense.
    pub fn is_watched(&self) -> bool {
        self.err_is_terminal
    }

    /// Writes text as it is to standard output.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Writes one line to standard output.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Writes one line about what is going on to standard error.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Standard output itself.
    pub fn out(&mut self) -> &mut dyn Write {
        self.out
    }

    /// Shows what clap says: help on standard output, complaints on standard error.
    pub(super) fn show_usage(&mut self, error: &clap::Error) -> Outcome {
        let text = error.render();
        if error.use_stderr() {
            // With standard error gone there is nobody left to tell.
            let _ = write!(self.err, "{text}");
            Outcome::Misused
        } else {
            let _ = write!(self.out, "{text}");
            Outcome::Done
        }
    }

    pub(super) fn show_failure(&mut self, failure: &Failure) -> Outcome {
        let _ = self.out.flush();
        if failure.outcome != Outcome::Done {
            let _ = writeln!(self.err, "vigie: {}", printable(&failure.words));
        }
        failure.outcome
    }
}

/// Text from outside without control characters and bidi marks, so that it cannot steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let is_inert = |c: char| {
        !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars().map(|c| if is_inert(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_cannot_steer_a_terminal() {
        assert_eq!(printable("a\x1b[31mb\nc\u{202e}d é"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d é");
    }
}
