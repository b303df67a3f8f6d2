//! Settings of fraud detection.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use vigie_app::fraud::FraudSettings as Detection;
use vigie_domain::fraud::features::Bounds;
use vigie_fraud::rules::Thresholds;

use super::ConfigError;

/// The highest score.
const SCORE_MAX: u8 = 100;

/// Judging payments as they arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FraudSettings {
    /// Whether payments are judged.
    pub enabled: bool,
    /// Score from which on somebody looks.
    pub review_score: u8,
    /// Score from which on a payment is refused.
    pub block_score: u8,
    /// Whether a change of a rule waits until a second person approves it.
    pub rules_need_second: bool,
    /// Whether a model that was trained here and is clearly better than what judges is put in force by itself.
    pub auto_promotion: bool,
    /// Hours after its payment at which a case is due.
    pub case_due_hours: u32,
    /// Keys that are remembered, of each kind.
    pub keys_max: usize,
    /// Events of a key that are remembered singly.
    pub kept_max: usize,
    /// Seconds between two snapshots of what is remembered.
    pub snapshot_every_s: u64,
}

impl FraudSettings {
    /// As fraud detection has them, with the file that what is remembered is kept in.
    pub fn detection(&self, snapshot: PathBuf) -> Detection {
        Detection { thresholds: self.thresholds(), bounds: self.bounds(), snapshot: Some(snapshot) }
    }

    /// From which score on what is done.
    pub const fn thresholds(&self) -> Thresholds {
        Thresholds { review_score: self.review_score, block_score: self.block_score }
    }

    /// How much is remembered.
    pub const fn bounds(&self) -> Bounds {
        Bounds { keys_max: self.keys_max, kept_max: self.kept_max }
    }

    /// Refuses values that decide nothing or remember nothing.
    ///
    /// # Errors
    /// When there is one, by its name.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (review, block) = (self.review_score, self.block_score);
        if review == 0 || review > block || block > SCORE_MAX {
            let words = format!(
                "fraud.review_score = {review} and fraud.block_score = {block}: use 1 to {SCORE_MAX}, the first not above the second"
            );
            return Err(ConfigError(words));
        }
        let positive = [
            ("case_due_hours", u64::from(self.case_due_hours)),
            ("keys_max", self.keys_max as u64),
            ("kept_max", self.kept_max as u64),
            ("snapshot_every_s", self.snapshot_every_s),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => {
                Err(ConfigError(format!("fraud.{key} = 0 would leave no time or remember nothing; use 1 or more")))
            }
            None => Ok(()),
        }
    }
}
