//! Rules that are in force together, compiled.

use std::sync::LazyLock;

use super::decision::SCORE_MAX;
use super::reason::{Language, render};
use super::{Decision, Effect, Mode, RuleDefinition, Thresholds};
use crate::cel::{CompileError, EvaluationError, Rule, Schema, Slot};
use crate::stream::SIGNALS;

/// Rules at most.
const RULES_MAX: usize = 1_000;

/// The names that rules speak of.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::new(&SIGNALS.map(|signal| (signal.name, signal.kind()))));

/// Why rules are not in force.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// One does not compile.
    #[error("rule \"{name}\": {error}")]
    Expression {
        /// Of the rule.
        name: String,
        /// What is wrong with its expression.
        error: CompileError,
    },
    /// Two have the same name, or one has none.
    #[error("rule \"{name}\": give each rule a name of its own")]
    Name {
        /// The name.
        name: String,
    },
    /// One weighs more than a score can be.
    #[error("rule \"{name}\" has {points} points: give 0 to {SCORE_MAX}")]
    Points {
        /// Of the rule.
        name: String,
        /// Its points.
        points: u8,
    },
    /// There are too many.
    #[error("{count} rules: {RULES_MAX} at most are in force at once")]
    Count {
        /// How many.
        count: usize,
    },
}

#[derive(Debug)]
struct Compiled {
    definition: RuleDefinition,
    rule: Rule,
}

/// Rules in force.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Compiled>,
    thresholds: Thresholds,
}

/// A rule that fired.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'a> {
    /// Which.
    pub rule: &'a RuleDefinition,
    /// What it weighs: its points, and at least the score that its action leads to.
    pub points: u8,
    /// The signals that it read, by place in [`SIGNALS`].
    pub uses: &'a [usize],
}

impl Hit<'_> {
    /// What is told of it, in English.
    pub fn reason_en(&self, values: &[Slot<'_>]) -> String {
        render(&self.rule.reason_en, Language::English, values)
    }

    /// What is told of it, in French.
    pub fn reason_fr(&self, values: &[Slot<'_>]) -> String {
        render(&self.rule.reason_fr, Language::French, values)
    }
}

/// What rules say of a payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement<'a> {
    /// 0 to 100.
    pub score: u8,
    /// The strongest action of the rules that fired.
    pub effect: Option<Effect>,
    /// What follows from both.
    pub decision: Decision,
    /// What fired and counts, the heaviest first.
    pub hits: Vec<Hit<'a>>,
    /// What fired in shadow.
    pub shadow_hits: Vec<Hit<'a>>,
    /// Rules that failed, with why: they are to be switched off.
    pub failures: Vec<(&'a RuleDefinition, String)>,
}

impl RuleSet {
    /// Puts rules in force.
    ///
    /// # Errors
    /// When one does not compile, weighs too much or has the name of another, or when there are too many.
    pub fn new(definitions: Vec<RuleDefinition>, thresholds: Thresholds) -> Result<Self, RuleError> {
        if definitions.len() > RULES_MAX {
            return Err(RuleError::Count { count: definitions.len() });
        }
        let mut rules: Vec<Compiled> = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let is_taken = rules.iter().any(|known| known.definition.name == definition.name);
            if is_taken || definition.name.is_empty() {
                return Err(RuleError::Name { name: definition.name });
            }
            if definition.points > SCORE_MAX {
                return Err(RuleError::Points { name: definition.name, points: definition.points });
            }
            let rule = Rule::compile(&definition.expression, &SCHEMA)
                .map_err(|error| RuleError::Expression { name: definition.name.clone(), error })?;
            rules.push(Compiled { definition, rule });
        }
        Ok(Self { rules, thresholds })
    }

    /// The rules.
    pub fn definitions(&self) -> impl ExactSizeIterator<Item = &RuleDefinition> {
        self.rules.iter().map(|compiled| &compiled.definition)
    }

    /// From which scores on something is done.
    pub const fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The names that rules speak of.
    pub fn schema() -> &'static Schema {
        &SCHEMA
    }

    /// Other rules with the same thresholds.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(&self, definitions: Vec<RuleDefinition>) -> Result<Self, RuleError> {
        Self::new(definitions, self.thresholds)
    }

    /// What the rules say of a payment with these signals, in the order of [`SIGNALS`]. A rule that asks for what was not sent does
    /// not fire.
    pub fn judge(&self, values: &[Slot<'_>]) -> Judgement<'_> {
        let mut judgement = Judgement {
            score: 0,
            effect: None,
            decision: Decision::Allow,
            hits: Vec::new(),
            shadow_hits: Vec::new(),
            failures: Vec::new(),
        };
        for Compiled { definition, rule } in &self.rules {
            let hits = match definition.mode {
                Mode::Off => continue,
                Mode::Active => &mut judgement.hits,
                Mode::Shadow => &mut judgement.shadow_hits,
            };
            match rule.evaluate(values) {
                Ok(true) => {
                    let least = definition.action.map_or(0, |effect| self.thresholds.score_of(effect));
                    let points = definition.points.max(least);
                    hits.push(Hit { rule: definition, points, uses: rule.uses() });
                }
                Ok(false) | Err(EvaluationError::Missing(_)) => {}
                Err(EvaluationError::Failed(why)) => judgement.failures.push((definition, why)),
            }
        }
        judgement.hits.sort_by_key(|hit| std::cmp::Reverse(hit.points));
        judgement.effect = judgement.hits.iter().filter_map(|hit| hit.rule.action).max();
        let sum = judgement.hits.iter().map(|hit| u32::from(hit.rule.points)).sum();
        (judgement.score, judgement.decision) = self.thresholds.decide_with(sum, judgement.effect);
        judgement
    }
}
