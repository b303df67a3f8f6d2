//! From activities to verdicts: what is remembered and the rules in force, together.
//!
//! Not a service: whoever owns one calls it in order of arrival, and stores what it says.

use std::sync::Arc;

use vigie_domain::fraud::features::{Bounds, SnapshotError};
use vigie_domain::{Timestamp, fraud::features::Amount};

use crate::cel::Slot;
use crate::rules::{Decision, Hit, RuleSet};
use crate::stream::{Activity, Arrival, Field, SIGNALS, ShopHistory};

/// Why a payment is suspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule that fired.
    pub rule: String,
    /// What it adds to the score.
    pub points: u8,
    /// What is told of it, in English.
    pub text_en: String,
    /// The same in French.
    pub text_fr: String,
}

/// What is said of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Names the payment.
    pub transaction_id: String,
    /// When it was made.
    pub at: Timestamp,
    /// What is paid.
    pub amount: Amount,
    /// 0 to 100.
    pub score: u8,
    /// What follows from it.
    pub decision: Decision,
    /// Why, the heaviest reason first.
    pub reasons: Vec<Reason>,
    /// Rules in shadow that fired.
    pub shadow_rules: Vec<String>,
    /// Whether it came too late to be counted by those after it.
    pub is_late: bool,
}

/// A rule that failed and is to be switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: String,
    /// What went wrong.
    pub why: String,
}

/// What an activity led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is remembered; there is nothing to judge.
    Noted,
    /// A payment that was judged before.
    Known,
    /// A payment that is judged now, and the rules that failed meanwhile.
    Judged(Box<Verdict>, Vec<Failure>),
}

/// Remembers and judges.
#[derive(Debug)]
pub struct Scorer {
    shop: ShopHistory,
    rules: Arc<RuleSet>,
}

impl Scorer {
    /// Knows nothing yet.
    pub fn new(bounds: Bounds, rules: Arc<RuleSet>) -> Self {
        Self { shop: ShopHistory::new(bounds), rules }
    }

    /// Puts other rules in force.
    pub fn set_rules(&mut self, rules: Arc<RuleSet>) {
        self.rules = rules;
    }

    /// The rules in force.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Remembers an activity and judges it when it is a payment that is not known yet.
    pub fn score(&mut self, activity: &Activity<'_>) -> Outcome {
        let arrival = self.shop.arrive(activity);
        if !activity.is_transaction() {
            return Outcome::Noted;
        }
        match arrival {
            Arrival::Known => Outcome::Known,
            Arrival::New => self.judge(activity, false),
            Arrival::TooLate => self.judge(activity, true),
        }
    }

    /// Remembers an activity that was judged before.
    pub fn recall(&mut self, activity: &Activity<'_>) -> Arrival {
        self.shop.arrive(activity)
    }

    /// Notes that a payment was fraud; false when that was known, or the payment is not.
    pub fn mark_fraud(&mut self, activity: &Activity<'_>) -> bool {
        self.shop.mark_fraud(activity)
    }

    /// Takes back that a payment was fraud; false when nobody said so.
    pub fn clear_fraud(&mut self, activity: &Activity<'_>) -> bool {
        self.shop.clear_fraud(activity)
    }

    fn judge(&self, activity: &Activity<'_>, is_late: bool) -> Outcome {
        let values = self.shop.signals(activity);
        debug_assert_eq!(values.len(), SIGNALS.len());
        let judgement = self.rules.judge(&values);
        let failure = |(rule, why): &(&crate::rules::RuleDefinition, String)| Failure {
            rule: rule.name.clone(),
            why: why.clone(),
        };
        let verdict = Verdict {
            transaction_id: activity.text(Field::TransactionId).unwrap_or_default().to_owned(),
            at: activity.at,
            amount: activity.amount,
            score: judgement.score,
            decision: judgement.decision,
            reasons: judgement.hits.iter().map(|hit| reason(hit, &values)).collect(),
            shadow_rules: judgement.shadow_hits.iter().map(|hit| hit.rule.name.clone()).collect(),
            is_late,
        };
        Outcome::Judged(Box::new(verdict), judgement.failures.iter().map(failure).collect())
    }

    /// Appends what is remembered.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        self.shop.write_snapshot(out);
    }

    /// Goes on from what was remembered.
    ///
    /// # Errors
    /// When the bytes are not what [`Self::write_snapshot`] writes.
    pub fn restore(&mut self, bytes: &mut &[u8], bounds: Bounds) -> Result<(), SnapshotError> {
        self.shop = ShopHistory::read_snapshot(bytes, bounds)?;
        Ok(())
    }
}

fn reason(hit: &Hit<'_>, values: &[Slot<'_>]) -> Reason {
    Reason {
        rule: hit.rule.name.clone(),
        points: hit.rule.points,
        text_en: hit.reason_en(values),
        text_fr: hit.reason_fr(values),
    }
}
