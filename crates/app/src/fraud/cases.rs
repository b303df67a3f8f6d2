//! Cases: payments that somebody is to look at, who looks, and what they found.
//!
//! A case is there as soon as its decision is; what people do with it is kept beside the logs, from the first thing that they do.
//! Two people cannot hold one case: whoever writes second is told who was first.

use std::collections::HashSet;
use std::sync::Arc;

use vigie_domain::ports::{Document, Hit, LogStore, MetadataStore};
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use vigie_domain::{Error, ErrorKind, EventId, Result, Scope, Timestamp};
use vigie_pipeline::{RedactionCounts, Redactor};

use super::case::{
    Case, CaseChange, CaseFilter, CaseOutcome, CaseRecord, CaseState, Escalation, NOTES_MAX, Note, TagChange,
};
use super::{FraudDetection, Label, decision_of, suspicious};
use crate::Clock;
use crate::accounts::Caller;
use crate::listing::{ListRequest, Listed};
use crate::records::{encoded, record_of};

/// Where what people do is kept; the id of a case is that of its decision.
const CASES: &str = "fraud_cases";
/// Bytes of a note at most.
const NOTE_BYTES_MAX: usize = 4_000;
/// How often a change is tried again that somebody else came before.
const TRIES_MAX: usize = 50;
/// How far a case may be put off.
const SNOOZE_NANOS_MAX: i64 = 180 * NANOS_PER_DAY;
/// Nanoseconds of an hour.
const NANOS_PER_HOUR: i64 = 3_600 * NANOS_PER_SECOND;
/// Cases that are changed together at most.
pub const CHANGED_MAX: usize = 200;
/// Pages of decisions that are looked through for open cases at most.
const PAGES_MAX: usize = 20;

/// What people do with cases.
pub struct FraudCases {
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    detection: Arc<FraudDetection>,
    redactor: Arc<Redactor>,
    due_nanos: i64,
    clock: Clock,
}

impl FraudCases {
    /// Over these stores.
    pub fn new(
        (logs, metadata): (Arc<dyn LogStore>, Arc<dyn MetadataStore>),
        detection: Arc<FraudDetection>,
        redactor: Arc<Redactor>,
        clock: Clock,
    ) -> Self {
        Self { logs, metadata, detection, redactor, due_nanos: NANOS_PER_DAY, clock }
    }

    /// With cases that are due so many hours after their payment, instead of a day.
    #[must_use]
    pub fn due_after_hours(self, hours: u32) -> Self {
        Self { due_nanos: i64::from(hours) * NANOS_PER_HOUR, ..self }
    }

    /// A page of cases, the newest payment first.
    ///
    /// # Errors
    /// As [`ListRequest`] for the page, else what the stores answer.
    pub async fn list(
        &self,
        scope: &Scope,
        caller: &Caller,
        asked: &CaseFilter,
        list: &ListRequest,
    ) -> Result<Listed<Case>> {
        let limit = list.limit()?;
        let (mut entries, mut page, now) = (Vec::new(), list.clone(), (self.clock)());
        for _ in 0..PAGES_MAX {
            page.limit = Some(limit - entries.len());
            let found = suspicious(self.logs.as_ref(), scope, asked.range, &page).await?;
            for decision in found.entries {
                let case = self.with_record(decision).await?.0;
                if case.is_asked(asked, caller, now) {
                    entries.push(case);
                }
            }
            page.cursor = found.next_cursor;
            if page.cursor.is_none() || entries.len() >= limit {
                break;
            }
        }
        let total = entries.len() as u64;
        Ok(Listed {
            is_total_exact: page.cursor.is_none() && list.cursor.is_none(),
            next_cursor: page.cursor,
            total,
            entries,
        })
    }

    /// One case.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id, else what the stores answer.
    pub async fn get(&self, scope: &Scope, id: &str) -> Result<Case> {
        Ok(self.found(scope, id).await?.0)
    }

    /// Takes a case, so that nobody else does.
    ///
    /// # Errors
    /// `Conflict` when somebody else holds it or it is closed; `Forbidden` when it is escalated to others.
    pub async fn take(&self, scope: &Scope, caller: &Caller, id: &str) -> Result<Case> {
        let now = (self.clock)();
        self.change(scope, id, |record| record.take(caller, now)).await
    }

    /// Gives a case back that the caller holds.
    ///
    /// # Errors
    /// `Conflict` when the caller does not hold it.
    pub async fn release(&self, scope: &Scope, caller: &Caller, id: &str) -> Result<Case> {
        self.change(scope, id, |record| {
            record.refuse_closed()?;
            record.refuse_others(caller)?;
            if record.state != CaseState::Taken {
                return Err(Error::new(ErrorKind::Conflict, "nobody holds the case; take it first"));
            }
            record.let_go();
            Ok(())
        })
        .await
    }

    /// Puts a case off: until then nobody is to look, and it is in no queue but its own. Without a time, it is back at once. Whoever puts
    /// off a case that nobody holds takes it.
    ///
    /// # Errors
    /// `Invalid` when the time is past or more than 180 days off; `Conflict` when somebody else holds it or it is closed.
    pub async fn snooze(&self, scope: &Scope, caller: &Caller, (id, until): (&str, Option<Timestamp>)) -> Result<Case> {
        let now = (self.clock)();
        if until.is_some_and(|until| until <= now || until > now.saturating_add_nanos(SNOOZE_NANOS_MAX)) {
            let words = "\"until\" is past, or more than 180 days off: send a time between";
            return Err(Error::invalid_field("until", words));
        }
        self.change(scope, id, |record| {
            record.take(caller, now)?;
            record.snoozed_until = until;
            Ok(())
        })
        .await
    }

    /// Leaves a case to somebody who may change rules, and says why; what may never be stored is taken out of that. Nobody holds it then.
    ///
    /// # Errors
    /// `Invalid` when the reason is empty or too long; `Conflict` when somebody else holds the case, or it is closed or escalated already.
    pub async fn escalate(&self, scope: &Scope, caller: &Caller, (id, reason): (&str, &str)) -> Result<Case> {
        let escalation = Escalation::new(caller, (self.clock)(), self.kept_text("reason", reason)?);
        self.change(scope, id, |record| record.escalate(caller, escalation.clone())).await
    }

    /// Gives an escalated case back to everybody. Who escalated it may, while nobody holds it, and who may change rules.
    ///
    /// # Errors
    /// `Conflict` when it is not escalated, somebody else holds it or it is closed; `Forbidden` for others.
    pub async fn deescalate(&self, scope: &Scope, caller: &Caller, id: &str) -> Result<Case> {
        self.change(scope, id, |record| record.deescalate(caller)).await
    }

    /// What somebody wrote, as it is kept.
    fn kept_text(&self, field: &str, text: &str) -> Result<String> {
        let text = text.trim();
        if text.is_empty() || text.len() > NOTE_BYTES_MAX {
            let words = format!("\"{field}\" has {} bytes; write 1 to {NOTE_BYTES_MAX}", text.len());
            return Err(Error::invalid_field(field, words));
        }
        Ok(self.redactor.redact_text(text, &mut RedactionCounts::default()).into_owned())
    }

    /// Writes something down; what may never be stored is taken out of it.
    ///
    /// # Errors
    /// `Invalid` when it is empty or too long, or the case has as many notes as it may.
    pub async fn note(&self, scope: &Scope, caller: &Caller, (id, text): (&str, &str)) -> Result<Case> {
        let text = self.kept_text("text", text)?;
        let note = Note { at: (self.clock)(), by: caller.username.clone(), text };
        self.change(scope, id, |record| {
            if record.notes.len() >= NOTES_MAX {
                return Err(Error::invalid(format!("the case has {NOTES_MAX} notes, as many as there may be")));
            }
            record.notes.push(note.clone());
            Ok(())
        })
        .await
    }

    /// Puts tags on a case and takes others off; whoever holds it.
    ///
    /// # Errors
    /// `Invalid` when it would have too many, or one holds what may never be stored.
    pub async fn tag(&self, scope: &Scope, (id, change): (&str, &TagChange)) -> Result<Case> {
        if let Some(tag) = change.add.iter().find(|tag| self.is_redacted(tag)) {
            let words = format!("a tag of {} characters holds a card number or another secret", tag.chars().count());
            return Err(Error::invalid_field("add", words));
        }
        self.change(scope, id, |record| record.tag(change)).await
    }

    /// Whether a text holds what may never be stored.
    fn is_redacted(&self, text: &str) -> bool {
        self.redactor.redact_text(text, &mut RedactionCounts::default()) != text
    }

    /// Says what was found; the payment is labelled so. Whoever closes a case that nobody holds takes it first.
    ///
    /// # Errors
    /// `Conflict` when somebody else holds it, or it is closed already; `Forbidden` when it is escalated to others.
    pub async fn close(&self, scope: &Scope, caller: &Caller, (id, outcome): (&str, CaseOutcome)) -> Result<Case> {
        let now = (self.clock)();
        let case = self
            .change(scope, id, |record| {
                record.refuse_closed()?;
                record.refuse_others(caller)?;
                record.refuse_juniors(caller)?;
                record.hold(caller, CaseState::Closed);
                (record.outcome, record.closed_at) = (Some(outcome), Some(now));
                Ok(())
            })
            .await?;
        let payment = payment_of(&case.decision);
        let stores = (self.logs.as_ref(), self.metadata.as_ref());
        self.detection.label(stores, &caller.username, &[(payment, outcome.label())]).await?;
        Ok(case)
    }

    /// Opens a closed case again; the payment counts as no fraud until somebody says so again.
    ///
    /// # Errors
    /// `Conflict` when it is not closed; `Forbidden` when it was escalated to others.
    pub async fn reopen(&self, scope: &Scope, caller: &Caller, id: &str) -> Result<Case> {
        let case = self
            .change(scope, id, |record| {
                if record.state != CaseState::Closed {
                    return Err(Error::new(ErrorKind::Conflict, "the case is not closed"));
                }
                record.refuse_juniors(caller)?;
                record.hold(caller, CaseState::Taken);
                (record.outcome, record.closed_at) = (None, None);
                Ok(())
            })
            .await?;
        let stores = (self.logs.as_ref(), self.metadata.as_ref());
        self.detection.label(stores, &caller.username, &[(payment_of(&case.decision), Label::Legitimate)]).await?;
        Ok(case)
    }

    /// Does the same with several cases, each alone: what became of each, in their order; an id that is said twice counts once.
    ///
    /// # Errors
    /// `Invalid` when there are none or too many.
    pub async fn change_all(
        &self,
        scope: &Scope,
        caller: &Caller,
        (ids, change): (&[String], CaseChange),
    ) -> Result<Vec<(String, Result<Case>)>> {
        if ids.is_empty() || ids.len() > CHANGED_MAX {
            let words = format!("\"ids\" names {} cases; name 1 to {CHANGED_MAX}", ids.len());
            return Err(Error::invalid_field("ids", words));
        }
        let mut seen = HashSet::new();
        let mut changed = Vec::with_capacity(ids.len());
        for id in ids.iter().filter(|id| seen.insert(id.as_str())) {
            let outcome = match change {
                CaseChange::Take => self.take(scope, caller, id).await,
                CaseChange::Release => self.release(scope, caller, id).await,
                CaseChange::Close(outcome) => self.close(scope, caller, (id.as_str(), outcome)).await,
            };
            changed.push((id.clone(), outcome));
        }
        Ok(changed)
    }

    async fn found(&self, scope: &Scope, id: &str) -> Result<(Case, Option<u64>)> {
        let decision = decision_of(self.logs.as_ref(), scope, &EventId(id.to_owned())).await?;
        let missing = || Error::not_found(format!("there is no case \"{id}\"; take the id of a decision"));
        self.with_record(decision.ok_or_else(missing)?).await
    }

    /// A case and the revision of what people did with it.
    async fn with_record(&self, decision: Hit) -> Result<(Case, Option<u64>)> {
        let document = self.metadata.get(CASES, &decision.id.0).await?;
        let revision = document.as_ref().map(|document| document.revision);
        let record = match document {
            Some(document) => record_of(CASES, document)?,
            None => CaseRecord::untouched(),
        };
        let due_at = decision.position.timestamp.saturating_add_nanos(self.due_nanos);
        Ok((Case { decision, record, due_at }, revision))
    }

    /// Changes what people did with a case, unless somebody else changes it at the same time: then it is looked at anew.
    async fn change(&self, scope: &Scope, id: &str, change: impl Fn(&mut CaseRecord) -> Result<()>) -> Result<Case> {
        for _ in 0..TRIES_MAX {
            let (mut case, revision) = self.found(scope, id).await?;
            change(&mut case.record)?;
            match self.written(id, revision, &case.record).await {
                Ok(_) => return Ok(case),
                Err(error) if error.kind == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others change the case at the same time; try again"))
    }

    async fn written(&self, id: &str, revision: Option<u64>, record: &CaseRecord) -> Result<Document> {
        match revision {
            None => self.metadata.insert(CASES, id, encoded(record)?, &[]).await,
            Some(revision) => self.metadata.replace(CASES, id, revision, encoded(record)?).await,
        }
    }

    /// Labels of payments, from elsewhere.
    ///
    /// # Errors
    /// As [`FraudDetection::label`].
    pub async fn label(&self, caller: &Caller, labels: &[(String, Label)]) -> Result<super::LabelReport> {
        let stores = (self.logs.as_ref(), self.metadata.as_ref());
        self.detection.label(stores, &caller.username, labels).await
    }
}

fn payment_of(decision: &Hit) -> String {
    let named = decision.source.iter().find(|(name, _)| name == "transaction_id");
    named.and_then(|(_, value)| value.as_text()).unwrap_or_default().to_owned()
}
