//! From activities to verdicts: what is remembered and the rules in force, together.
//!
//! Not a service: whoever owns one calls it in order of arrival, and stores what it says.

use std::sync::Arc;

use vigie_domain::fraud::features::{Bounds, SnapshotError};
use vigie_domain::{Timestamp, fraud::features::Amount};

use crate::cel::Slot;
use crate::learning::{LiveModel, Opinion};
use crate::lists::{Listed, Lists};
use crate::rules::{Decision, Effect, Hit, Language, RuleSet, told};
use crate::stream::{Activity, Arrival, Field, SIGNALS, ShopHistory};

/// What names of reasons begin with that come from lists; no rule may be called so.
pub const LIST_PREFIX: &str = "list_";

/// What the reason of a model is called; no rule may be called so.
pub const MODEL_REASON: &str = "model";
/// Signals that the reason of a model names.
const MODEL_SIGNALS_MAX: usize = 3;

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
    /// What the model in force says of it.
    pub model: Option<Opinion>,
    /// What the model says that is tried in shadow.
    pub challenger: Option<Opinion>,
    /// Entries of lists that name something of it, the strongest first.
    pub listed: Vec<Listed>,
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

/// Models that judge, each with its version.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// The one whose points count.
    pub active: Option<(u64, Arc<LiveModel>)>,
    /// One that is tried in shadow: what it says is noted and changes no decision.
    pub challenger: Option<(u64, Arc<LiveModel>)>,
}

/// Remembers and judges.
#[derive(Debug)]
pub struct Scorer {
    shop: ShopHistory,
    rules: Arc<RuleSet>,
    lists: Arc<Lists>,
    models: Models,
}

impl Scorer {
    /// Knows nothing yet.
    pub fn new(bounds: Bounds, rules: Arc<RuleSet>) -> Self {
        Self { shop: ShopHistory::new(bounds), rules, lists: Arc::default(), models: Models::default() }
    }

    /// Puts other rules in force.
    pub fn set_rules(&mut self, rules: Arc<RuleSet>) {
        self.rules = rules;
    }

    /// Puts other lists in force.
    pub fn set_lists(&mut self, lists: Arc<Lists>) {
        self.lists = lists;
    }

    /// Puts other models in force.
    pub fn set_models(&mut self, models: Models) {
        self.models = models;
    }

    /// The models that judge.
    pub const fn models(&self) -> &Models {
        &self.models
    }

    /// The lists in force.
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
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
        let listed = self.lists.find(activity);
        let thresholds = self.rules.thresholds();
        let opinion = |(version, model): &(u64, Arc<LiveModel>)| Opinion {
            version: *version,
            points: model.points(&values, thresholds),
        };
        let model = self.models.active.as_ref().map(opinion);
        let challenger = self.models.challenger.as_ref().map(opinion);
        let model_points = model.as_ref().map_or(0, |opinion| opinion.points);
        let strongest = listed.first();
        let points = u32::from(judgement.score.max(model_points));
        let effect = Effect::obeyed(strongest.map(|listed| listed.effect), judgement.effect);
        let (score, decision) = thresholds.decide_with(points, effect);
        let of_list = strongest.map(|listed| listed_reason(listed, thresholds.score_of(listed.effect)));
        let mut reasons: Vec<Reason> = judgement.hits.iter().map(|hit| reason(hit, &values)).collect();
        if let Some((_, model)) = self.models.active.as_ref().filter(|_| model_points >= thresholds.review_score) {
            reasons.push(model_reason(model, model_points, &values));
            reasons.sort_by_key(|reason| std::cmp::Reverse(reason.points));
        }
        let reasons = of_list.into_iter().chain(reasons).collect();
        let verdict = Verdict {
            transaction_id: activity.text(Field::TransactionId).unwrap_or_default().to_owned(),
            at: activity.at,
            amount: activity.amount,
            score,
            decision,
            reasons,
            shadow_rules: judgement.shadow_hits.iter().map(|hit| hit.rule.name.clone()).collect(),
            model,
            challenger,
            listed,
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

fn listed_reason(Listed { kind, value, effect }: &Listed, points: u8) -> Reason {
    let (what, what_fr) = kind.words();
    let (does, does_fr) = match effect {
        Effect::Block => ("to be refused", "à refuser"),
        Effect::Review => ("to be looked at", "à vérifier"),
        Effect::Allow => ("let through", "à laisser passer"),
    };
    Reason {
        rule: format!("{LIST_PREFIX}{}", effect.as_str()),
        points,
        text_en: format!("{what} {value} is on the list of those {does}"),
        text_fr: format!("{what_fr} {value} est sur la liste de ceux {does_fr}"),
    }
}

/// What a model says, with the signals that weigh most.
fn model_reason(model: &LiveModel, points: u8, values: &[Slot<'_>]) -> Reason {
    let heaviest = model.heaviest(values, MODEL_SIGNALS_MAX);
    let signals =
        |language: Language| heaviest.iter().map(|place| told(*place, language, values)).collect::<Vec<_>>().join(", ");
    Reason {
        rule: MODEL_REASON.to_owned(),
        points,
        text_en: format!("the model finds suspicious: {}", signals(Language::English)),
        text_fr: format!("le modèle trouve suspect : {}", signals(Language::French)),
    }
}

fn reason(hit: &Hit<'_>, values: &[Slot<'_>]) -> Reason {
    Reason {
        rule: hit.rule.name.clone(),
        points: hit.points,
        text_en: hit.reason_en(values),
        text_fr: hit.reason_fr(values),
    }
}
