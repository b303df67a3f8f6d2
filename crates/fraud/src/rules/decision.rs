//! From a score to what is done.

use serde::{Deserialize, Serialize};

/// What is done with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It goes through.
    Allow,
    /// Somebody looks at it.
    Review,
    /// It is refused.
    Block,
}

impl Decision {
    /// As events and answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

/// Scores, 0 to 100, from which on something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// From here on somebody looks.
    pub review_score: u8,
    /// From here on it is refused.
    pub block_score: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { review_score: 45, block_score: 80 }
    }
}

impl Thresholds {
    /// What a score leads to.
    pub const fn decide(&self, score: u8) -> Decision {
        if score >= self.block_score {
            Decision::Block
        } else if score >= self.review_score {
            Decision::Review
        } else {
            Decision::Allow
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_lead_to_decisions() {
        let check =
            |score: u8, expected: Decision| assert_eq!(Thresholds::default().decide(score), expected, "{score}");
        check(0, Decision::Allow);
        check(44, Decision::Allow);
        check(45, Decision::Review);
        check(79, Decision::Review);
        check(80, Decision::Block);
        check(100, Decision::Block);
    }
}
