//! The five log types, and `other` for what is none of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an event tells about. Closed: each has its own mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogType {
    /// A payment and its outcome.
    Transaction,
    /// Something failed.
    Error,
    /// What a visitor did.
    UserBehavior,
    /// How long a request took; web access logs are these.
    Performance,
    /// A judgement of a transaction.
    Fraud,
    /// None of the five.
    Other,
}

impl LogType {
    /// Every log type, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Transaction, Self::Error, Self::UserBehavior, Self::Performance, Self::Fraud, Self::Other];

    /// Its name in events, queries, file names and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Error => "error",
            Self::UserBehavior => "user_behavior",
            Self::Performance => "performance",
            Self::Fraud => "fraud",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for LogType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no log type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no log type; use transaction, error, user_behavior, performance, fraud or other")]
pub struct UnknownLogType(pub String);

impl FromStr for LogType {
    type Err = UnknownLogType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(exact) = Self::ALL.into_iter().find(|log_type| log_type.as_str() == text) {
            return Ok(exact);
        }
        let folded = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        Self::ALL
            .into_iter()
            .find(|log_type| log_type.as_str() == folded)
            .ok_or_else(|| UnknownLogType(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_its_own_name() {
        for log_type in LogType::ALL {
            assert_eq!(log_type.as_str().parse(), Ok(log_type));
        }
    }

    #[test]
    fn case_and_dashes_do_not_matter() {
        assert_eq!("User-Behavior".parse(), Ok(LogType::UserBehavior));
        assert!("payments".parse::<LogType>().is_err());
    }
}
