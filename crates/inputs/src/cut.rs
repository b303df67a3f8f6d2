//! Why a connection was cut off: what the sender did, or what happened to the line.

use std::fmt;

/// Why, as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CutReason {
    /// It broke its protocol.
    Protocol,
    /// A frame is larger than is accepted.
    TooLarge,
    /// A frame was begun and not finished in time.
    Slow,
    /// It was silent for too long where its protocol does not allow it.
    Idle,
    /// It did not prove who it is.
    Refused,
    /// The connection failed.
    Broken,
}

impl CutReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [Self::Protocol, Self::TooLarge, Self::Slow, Self::Idle, Self::Refused, Self::Broken];

    /// Its name in metrics and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Slow => "slow",
            Self::Idle => "idle",
            Self::Refused => "refused",
            Self::Broken => "broken",
        }
    }
}

/// A connection is to be closed before its sender closed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// As it is counted.
    pub reason: CutReason,
    /// In words for whoever runs the sender.
    pub words: String,
}

impl Cut {
    /// For this reason, in these words.
    pub fn new(reason: CutReason, words: impl Into<String>) -> Self {
        Self { reason, words: words.into() }
    }

    /// The sender broke its protocol.
    pub fn protocol(words: impl Into<String>) -> Self {
        Self::new(CutReason::Protocol, words)
    }
}

impl From<std::io::Error> for Cut {
    fn from(error: std::io::Error) -> Self {
        Self::new(CutReason::Broken, format!("the connection failed: {error}"))
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
