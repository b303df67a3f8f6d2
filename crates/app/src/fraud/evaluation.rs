//! What rules are worth on events that say which of them are attacks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use vigie_domain::event_batch::{Row, ValueRef};
use vigie_domain::{EventBatch, mapping};
use vigie_fraud::rules::{Decision, RuleSet};
use vigie_fraud::scoring::{Outcome, Scorer};
use vigie_fraud::stream::{ActivityReader, Field};

/// Where the label of an event says which attack it belongs to.
const ATTACK_FIELD: &str = "label.attack";

/// What was found of one kind of attack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindReport {
    /// Attacks: what one device did.
    pub attack_count: u64,
    /// Those with a payment that was flagged.
    pub found_count: u64,
    /// Payments of them.
    pub payment_count: u64,
    /// Those that were flagged.
    pub flagged_count: u64,
}

impl KindReport {
    /// The share of attacks that were found.
    pub fn recall(&self) -> f64 {
        share(self.found_count, self.attack_count)
    }
}

/// What was found of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluationReport {
    /// By kind of attack.
    pub kinds: BTreeMap<String, KindReport>,
    /// For each kind, payments flagged for the reason that weighed most with most of its own: all, and those of attacks.
    pub precision: BTreeMap<String, (u64, u64)>,
    /// Payments that belong to no attack.
    pub clean_count: u64,
    /// Those that were flagged all the same.
    pub clean_flagged_count: u64,
    /// How often each rule fired for payments of no attack.
    pub clean_by_rule: BTreeMap<String, u64>,
}

impl EvaluationReport {
    /// Of the payments that were flagged with the main reason of this kind, the share that belongs to attacks.
    pub fn precision_of(&self, kind: &str) -> f64 {
        self.precision.get(kind).map_or(0.0, |(all, right)| share(*right, *all))
    }

    /// The share of payments of no attack that were flagged.
    pub fn false_alert_share(&self) -> f64 {
        share(self.clean_flagged_count, self.clean_count)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One payment, judged.
struct Judged {
    attack: Option<String>,
    device: String,
    decision: Decision,
    rules: Vec<String>,
}

/// Judges labelled events in the order in which they come.
pub struct Evaluation {
    reader: ActivityReader,
    scorer: Scorer,
    judged: Vec<Judged>,
}

impl Evaluation {
    /// Of these rules.
    pub fn new(rules: Arc<RuleSet>, bounds: vigie_domain::fraud::features::Bounds) -> Self {
        Self { reader: ActivityReader::default(), scorer: Scorer::new(bounds, rules), judged: Vec::new() }
    }

    /// Takes events in.
    pub fn take(&mut self, events: &EventBatch) {
        for row in events.rows() {
            let Some(activity) = self.reader.read(&row) else { continue };
            if let Outcome::Judged(verdict, _) = self.scorer.score(&activity) {
                self.judged.push(Judged {
                    attack: attack_of(&row),
                    device: activity.text(Field::Device).unwrap_or_default().to_owned(),
                    decision: verdict.decision,
                    rules: verdict.reasons.into_iter().map(|reason| reason.rule).collect(),
                });
            }
        }
    }

    /// What was found.
    pub fn report(&self) -> EvaluationReport {
        let mut report = EvaluationReport::default();
        let mut attacks: HashMap<(&str, &str), bool> = HashMap::new();
        let mut reasons: HashMap<&str, HashMap<&str, u64>> = HashMap::new();
        for judged in &self.judged {
            let is_flagged = judged.decision != Decision::Allow;
            let Some(attack) = judged.attack.as_deref() else {
                report.clean_count += 1;
                report.clean_flagged_count += u64::from(is_flagged);
                for rule in &judged.rules {
                    *report.clean_by_rule.entry(rule.clone()).or_default() += 1;
                }
                continue;
            };
            *attacks.entry((attack, &judged.device)).or_default() |= is_flagged;
            let kind = report.kinds.entry(attack.to_owned()).or_default();
            kind.payment_count += 1;
            kind.flagged_count += u64::from(is_flagged);
            if let Some(heaviest) = judged.rules.first().filter(|_| is_flagged) {
                *reasons.entry(attack).or_default().entry(heaviest).or_default() += 1;
            }
        }
        for ((attack, _), is_found) in attacks {
            let kind = report.kinds.entry(attack.to_owned()).or_default();
            kind.attack_count += 1;
            kind.found_count += u64::from(is_found);
        }
        for (attack, counts) in reasons {
            let main = counts.into_iter().max_by_key(|(rule, count)| (*count, *rule)).map(|(rule, _)| rule);
            report.precision.insert(attack.to_owned(), main.map_or((0, 0), |rule| self.flagged_with(rule)));
        }
        report
    }

    /// Payments flagged with this reason, and how many of them belong to attacks.
    fn flagged_with(&self, rule: &str) -> (u64, u64) {
        let with =
            |judged: &&Judged| judged.decision != Decision::Allow && judged.rules.iter().any(|name| name == rule);
        let flagged: Vec<&Judged> = self.judged.iter().filter(with).collect();
        (flagged.len() as u64, flagged.iter().filter(|judged| judged.attack.is_some()).count() as u64)
    }
}

/// The attack that an event says it belongs to.
pub(super) fn attack_of(row: &Row<'_>) -> Option<String> {
    let layout = row.layout();
    let mut leaves = layout.leaves().iter().zip(row.values());
    leaves.find_map(|(leaf, value)| match value {
        ValueRef::Text(text) if mapping::canonical(&leaf.path()) == ATTACK_FIELD => Some(text.to_owned()),
        _ => None,
    })
}
