//! From a score to what is done.

use serde::{Deserialize, Serialize};

/// The highest score.
pub(super) const SCORE_MAX: u8 = 100;

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

/// What is done whatever the points of rules say; the stronger is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Somebody looks at the payment.
    Review,
    /// It goes through.
    Allow,
    /// It is refused.
    Block,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Review, Self::Allow, Self::Block];

    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }

    /// The effect of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == name)
    }

    /// What is done where a list and rules want something: lists are obeyed first. What a list wants looked at is refused when rules
    /// refuse it.
    pub const fn obeyed(of_lists: Option<Self>, of_rules: Option<Self>) -> Option<Self> {
        match (of_lists, of_rules) {
            (Some(Self::Review), Some(Self::Block)) => Some(Self::Block),
            (Some(effect), _) => Some(effect),
            (None, of_rules) => of_rules,
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

    /// The score that an effect leads to at least.
    pub const fn score_of(&self, effect: Effect) -> u8 {
        match effect {
            Effect::Block => SCORE_MAX,
            Effect::Review => self.review_score,
            Effect::Allow => 0,
        }
    }

    /// The score of these points with an effect, and what is done. Who is let through keeps the score of the points.
    pub fn decide_with(&self, points: u32, effect: Option<Effect>) -> (u8, Decision) {
        let points = points.min(u32::from(SCORE_MAX)) as u8;
        let score = effect.map_or(points, |effect| points.max(self.score_of(effect)));
        match effect {
            Some(Effect::Allow) => (score, Decision::Allow),
            Some(Effect::Block) => (score, Decision::Block),
            Some(Effect::Review) | None => (score, self.decide(score)),
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

    #[test]
    fn effects_go_before_points() {
        let check = |points: u32, effect: Option<Effect>, expected: (u8, Decision)| {
            assert_eq!(Thresholds::default().decide_with(points, effect), expected, "{points} {effect:?}");
        };
        check(120, None, (100, Decision::Block));
        check(20, Some(Effect::Review), (45, Decision::Review));
        check(90, Some(Effect::Review), (90, Decision::Block));
        check(90, Some(Effect::Allow), (90, Decision::Allow));
        check(20, Some(Effect::Block), (100, Decision::Block));
    }

    #[test]
    fn lists_are_obeyed_before_rules() {
        use Effect::{Allow, Block, Review};
        let check = |of_lists: Option<Effect>, of_rules: Option<Effect>, expected: Option<Effect>| {
            assert_eq!(Effect::obeyed(of_lists, of_rules), expected, "{of_lists:?} {of_rules:?}");
        };
        check(None, None, None);
        check(None, Some(Allow), Some(Allow));
        check(Some(Allow), Some(Block), Some(Allow));
        check(Some(Block), Some(Allow), Some(Block));
        check(Some(Review), Some(Allow), Some(Review));
        check(Some(Review), Some(Block), Some(Block));
    }
}
