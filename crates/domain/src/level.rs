//! Severity: six levels, and the many spellings that senders use for them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Finest detail.
    Trace,
    /// For developers.
    Debug,
    /// Normal life.
    Info,
    /// Look at it some day.
    Warn,
    /// Something failed.
    Error,
    /// A process or the shop is down.
    Fatal,
}

impl Level {
    /// Every level, mildest first.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Its one spelling in stored events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The level that a word means, whatever its case; `None` when it is none.
    ///
    /// Words are those of syslog (RFC 5424 §6.2.1), log4j, Python, Go, nginx and OpenTelemetry.
    pub fn from_word(word: &str) -> Option<Self> {
        if let Some(level) = Self::ALL.into_iter().find(|level| level.as_str() == word) {
            return Some(level);
        }
        let folded = word.trim().to_ascii_lowercase();
        Some(match folded.as_str() {
            "trace" | "trace2" | "trace3" | "trace4" | "finest" | "finer" | "verbose" | "silly" => Self::Trace,
            "debug" | "debug2" | "debug3" | "debug4" | "fine" | "dbg" | "d" => Self::Debug,
            "info" | "info2" | "info3" | "info4" | "information" | "informational" | "notice" | "log" | "i" | "ok" => {
                Self::Info
            }
            "warn" | "warn2" | "warn3" | "warn4" | "warning" | "w" => Self::Warn,
            "error" | "error2" | "error3" | "error4" | "err" | "severe" | "failure" | "e" => Self::Error,
            "fatal" | "fatal2" | "fatal3" | "fatal4" | "critical" | "crit" | "alert" | "emerg" | "emergency"
            | "panic" | "f" => Self::Fatal,
            _ => return folded.parse().ok().and_then(Self::from_number),
        })
    }

    /// The level that a number means: syslog 0–7 (0 is worst); bunyan, pino and Python's in tens from 10.
    ///
    /// OpenTelemetry's severity numbers overlap with both and come with their text; they are read by the OTLP input.
    pub const fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0..=2 => Self::Fatal,
            3 => Self::Error,
            4 => Self::Warn,
            5 | 6 => Self::Info,
            7 => Self::Debug,
            10 => Self::Trace,
            20 => Self::Debug,
            30 => Self::Info,
            40 => Self::Warn,
            50 => Self::Error,
            60 => Self::Fatal,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: Option<Level>) {
        assert_eq!(Level::from_word(word), expected, "{word}");
    }

    #[test]
    fn words_of_many_senders_mean_a_level() {
        check("warning", Some(Level::Warn));
        check("ERR", Some(Level::Error));
        check("Critical", Some(Level::Fatal));
        check("notice", Some(Level::Info));
        check("3", Some(Level::Error));
        check("30", Some(Level::Info));
        check("FINEST", Some(Level::Trace));
        check("banana", None);
        check("", None);
    }

    #[test]
    fn every_level_reads_its_own_name() {
        for level in Level::ALL {
            check(level.as_str(), Some(level));
        }
    }
}
