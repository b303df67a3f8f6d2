//! Every payment judged as it arrives, before it is stored.
//!
//! Not the rules and not the features: those are `vigie_fraud`, pure. Here they stand at the door of the log store: each batch is scored
//! in order, what is said of its payments is stored with it, all or none, and what is remembered survives a restart.
//! The main tenant alone is judged.

#[cfg(test)]
mod alert_tests;
mod alerts;
mod around;
mod backtests;
mod case;
#[cfg(test)]
mod case_tests;
mod cases;
mod currencies;
mod decision_event;
mod desk;
mod detect;
mod door;
mod entities;
#[cfg(test)]
mod entity_tests;
mod evaluation;
mod jobs;
mod labels;
mod list_book;
#[cfg(test)]
mod list_tests;
mod model_book;
#[cfg(test)]
mod model_tests;
mod numbers;
mod past;
mod recovery;
mod rule_book;
mod snapshot;
mod stored_decisions;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use tokio::sync::{OnceCell, RwLock};
use vigie_domain::fraud::features::Bounds;
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{Error, Event, EventBatch, Result};
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, Mode, RuleSet, Thresholds};
use vigie_fraud::scoring::{Failure, Outcome, Scorer};
use vigie_fraud::stream::ActivityReader;

pub use alerts::{AlertSettings, FraudAlerts};
pub use around::{Around, FraudAround, SPANS, SpanCount, Velocity};
pub use backtests::{BacktestStatus, Backtests};
pub use case::{
    Case, CaseChange, CaseFilter, CaseList, CaseOutcome, CaseRecord, CaseState, Escalation, Note, TagChange, tag_of,
};
pub use cases::FraudCases;
pub use decision_event::decision_id;
pub use desk::FraudDesk;
pub use detect::{decision_of, detect};
pub use entities::{Entity, EntityKind, EntityProfile, FraudEntities, Link, LinkedUser};
pub use evaluation::{Evaluation, EvaluationReport, KindReport};
pub use jobs::{JobState, JobStatus};
pub use labels::{Label, LabelReport};
pub use list_book::{KeptEntry, ListBook, ListDraft, ListQuestion};
pub use model_book::{ModelBook, ModelRole, ModelVersion, TrainingStatus};
pub use numbers::{FraudStats, Period, stats, suspicious};
pub use past::{PastEvents, Witness};
pub use recovery::Recovery;
pub use rule_book::{Checked, RuleBook, RuleChange, RuleProposal, RuleVersion};

use crate::Clock;
use crate::door::DoorStore;
use decision_event::decision_event;
use stored_decisions::StoredDecisions;

/// Verdicts at most that are kept because it is not known whether they were stored.
const UNCONFIRMED_MAX: usize = 100_000;

/// How payments are judged.
#[derive(Clone, Debug)]
pub struct FraudSettings {
    /// From which score on what is done.
    pub thresholds: Thresholds,
    /// How much is remembered, per kind of key.
    pub bounds: Bounds,
    /// The file that what is remembered is kept in; without one it is read back from the log store at each start.
    pub snapshot: Option<PathBuf>,
}

/// A rule and what it did since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleReport {
    /// The rule.
    pub rule: vigie_fraud::rules::RuleDefinition,
    /// How often it fired and counted.
    pub hit_count: u64,
    /// How often it fired in shadow.
    pub shadow_hit_count: u64,
    /// Why it was switched off.
    pub failure: Option<String>,
}

/// What is remembered, and what was said that may not be stored yet.
struct State {
    reader: ActivityReader,
    scorer: Scorer,
    /// Events of verdicts whose batch was not acknowledged, by payment.
    unconfirmed: HashMap<String, Event>,
    stored: StoredDecisions,
    hits: HashMap<String, (u64, u64)>,
    /// How many payments each entry of lists named, by kind and value.
    list_hits: HashMap<String, u64>,
    failures: HashMap<String, String>,
}

/// Judges payments.
pub struct FraudDetection {
    state: Mutex<State>,
    /// Held to read while a batch is on its way from here to the store, to write while a snapshot is taken.
    gate: RwLock<()>,
    /// Done once, before the first batch.
    recovery: OnceCell<Recovery>,
    settings: FraudSettings,
    /// Where labels are, if anywhere.
    metadata: Option<Arc<dyn MetadataStore>>,
    clock: Clock,
}

/// A batch with what is said of its payments behind it.
struct Scored {
    events: EventBatch,
    /// Payments whose verdicts were added.
    added: Vec<String>,
    failures: Vec<Failure>,
}

impl FraudDetection {
    /// With the rules that every shop begins with, and nothing remembered.
    ///
    /// # Errors
    /// `Internal` when a rule does not compile; a bug.
    pub fn new(settings: FraudSettings, clock: Clock) -> Result<Self> {
        let definitions = BUILTIN_RULES.iter().map(Builtin::definition).collect();
        let rules =
            RuleSet::new(definitions, settings.thresholds).map_err(|error| Error::internal(error.to_string()))?;
        let state = State {
            reader: ActivityReader::default(),
            scorer: Scorer::new(settings.bounds, Arc::new(rules)),
            unconfirmed: HashMap::new(),
            stored: StoredDecisions::default(),
            hits: HashMap::new(),
            list_hits: HashMap::new(),
            failures: HashMap::new(),
        };
        Ok(Self {
            state: Mutex::new(state),
            gate: RwLock::new(()),
            recovery: OnceCell::new(),
            settings,
            metadata: None,
            clock,
        })
    }

    /// With labels that are kept there, so that they are known after a restart.
    #[must_use]
    pub fn with_labels_in(self, metadata: Arc<dyn MetadataStore>) -> Self {
        Self { metadata: Some(metadata), ..self }
    }

    /// A store in front of `store` that judges what it stores.
    pub fn in_front_of(self: &Arc<Self>, store: Arc<dyn LogStore>) -> DoorStore {
        DoorStore::new(store, Arc::new(door::FraudDoor(Arc::clone(self))))
    }

    /// The rules in force and what they did.
    pub fn rules(&self) -> Vec<RuleReport> {
        let state = self.state();
        let report = |rule: &vigie_fraud::rules::RuleDefinition| {
            let (hit_count, shadow_hit_count) = state.hits.get(&rule.name).copied().unwrap_or_default();
            let failure = state.failures.get(&rule.name).cloned();
            RuleReport { rule: rule.clone(), hit_count, shadow_hit_count, failure }
        };
        state.scorer.rules().definitions().map(report).collect()
    }

    /// Puts rules in force; counts go on, what failed may try again.
    fn put_in_force(&self, rules: RuleSet) {
        let mut state = self.state();
        state.failures.clear();
        state.scorer.set_rules(Arc::new(rules));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked left counts behind that are too low, nothing that misleads.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scores a batch in order. Verdicts of payments that are known only because storing them failed before are added again.
    fn score(&self, events: EventBatch) -> Scored {
        Self::score_in(self.state(), events)
    }

    /// The same without waiting, which takes the batch; `None`, and the batch stays, while another one is scored.
    fn try_score(&self, events: &mut EventBatch) -> Option<Scored> {
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Self::score_in(state, std::mem::take(events)))
    }

    fn score_in(mut guard: MutexGuard<'_, State>, mut events: EventBatch) -> Scored {
        let state = &mut *guard;
        let (mut verdicts, mut added, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for row in events.rows() {
            let Some(activity) = state.reader.read(&row) else { continue };
            match state.scorer.score(&activity) {
                Outcome::Noted => {}
                Outcome::Known => {
                    let id = activity.text(vigie_fraud::stream::Field::TransactionId).unwrap_or_default();
                    if let Some(event) = state.unconfirmed.get(id) {
                        added.push(id.to_owned());
                        verdicts.push(event.clone());
                    }
                }
                Outcome::Judged(verdict, failed) => {
                    failures.extend(failed);
                    state.count(&verdict);
                    let event = decision_event(&verdict, &activity, row.ingested_at());
                    if state.unconfirmed.len() < UNCONFIRMED_MAX {
                        state.unconfirmed.insert(verdict.transaction_id.clone(), event.clone());
                    }
                    added.push(verdict.transaction_id);
                    verdicts.push(event);
                }
            }
        }
        state.switch_off(&failures);
        drop(guard);
        verdicts.iter().for_each(|event| events.push(event));
        Scored { events, added, failures }
    }

    /// Notes that the verdicts of these payments are stored. Of those that were `known` to the store, by place, an older one is.
    fn confirm(&self, payments: &[String], known: &HashSet<usize>) {
        let mut state = self.state();
        for (place, payment) in payments.iter().enumerate() {
            let event = state.unconfirmed.remove(payment);
            if let Some(event) = event.filter(|_| !known.contains(&place)) {
                state.stored.note(payment.clone(), event);
            }
        }
    }
}

impl State {
    fn count(&mut self, verdict: &vigie_fraud::scoring::Verdict) {
        for listed in &verdict.listed {
            *self.list_hits.entry(list_book::names(listed.kind, &listed.value)).or_default() += 1;
        }
        for reason in &verdict.reasons {
            self.hits.entry(reason.rule.clone()).or_default().0 += 1;
        }
        for rule in &verdict.shadow_rules {
            self.hits.entry(rule.clone()).or_default().1 += 1;
        }
    }

    /// A rule that fails says nothing from now on, and blocks nobody.
    fn switch_off(&mut self, failures: &[Failure]) {
        for Failure { rule, why } in failures {
            if self.failures.contains_key(rule) {
                continue;
            }
            let definitions = self.scorer.rules().definitions().cloned();
            let switched = definitions.map(|mut definition| {
                if definition.name == *rule {
                    definition.mode = Mode::Off;
                }
                definition
            });
            if let Ok(rules) = self.scorer.rules().with(switched.collect()) {
                self.scorer.set_rules(Arc::new(rules));
            }
            self.failures.insert(rule.clone(), why.clone());
        }
    }
}
