//! A case: a payment that somebody is to look at, and what people did about it.
//!
//! Not how it is kept (`cases`). Invariant: a case that somebody holds is changed by nobody else, notes aside.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::Hit;
use vigie_domain::{Error, ErrorKind, Result, Scope, TimeRange, Timestamp};

use super::Label;
use crate::accounts::{Caller, Permission};

/// Notes of a case at most.
pub(super) const NOTES_MAX: usize = 200;
/// Tags of a case at most.
const TAGS_MAX: usize = 20;
/// Characters of a tag at most.
const TAG_LENGTH_MAX: usize = 40;

/// What somebody found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// It was fraud.
    Confirmed,
    /// It was none, and it was right to look.
    Valuable,
    /// It was none, and nobody should have looked.
    FalsePositive,
}

impl CaseOutcome {
    /// What it says about the payment.
    pub const fn label(self) -> Label {
        match self {
            Self::Confirmed => Label::Fraud,
            Self::Valuable | Self::FalsePositive => Label::Legitimate,
        }
    }

    /// The outcome of that name.
    ///
    /// # Errors
    /// `Invalid` for any other name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "confirmed" => Ok(Self::Confirmed),
            "valuable" => Ok(Self::Valuable),
            "false_positive" => Ok(Self::FalsePositive),
            _ => {
                let words =
                    format!("\"{name}\" is no outcome; choose \"confirmed\", \"valuable\" or \"false_positive\"");
                Err(Error::invalid_field("outcome", words))
            }
        }
    }

    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Valuable => "valuable",
            Self::FalsePositive => "false_positive",
        }
    }
}

/// What is done with several cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseChange {
    /// They are taken.
    Take,
    /// They are given back.
    Release,
    /// They are closed.
    Close(CaseOutcome),
}

/// How far a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Nobody holds it.
    Open,
    /// Somebody looks at it.
    Taken,
    /// Somebody found something.
    Closed,
}

impl CaseState {
    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Closed => "closed",
        }
    }
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
}

/// A case that is too much for who looked at it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// Since when.
    pub at: Timestamp,
    by_id: String,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Escalation {
    pub(super) fn new(caller: &Caller, at: Timestamp, reason: String) -> Self {
        Self { at, by_id: caller.user_id.clone(), by: caller.username.clone(), reason }
    }
}

/// Tags that are put on a case and taken off, as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    pub(super) add: BTreeSet<String>,
    remove: BTreeSet<String>,
}

impl TagChange {
    /// These tags, as people write them.
    ///
    /// # Errors
    /// `Invalid` when one is none, or there are none.
    pub fn new(add: &[String], remove: &[String]) -> Result<Self> {
        if add.is_empty() && remove.is_empty() {
            return Err(Error::invalid_field("add", "no tag is named; name some in \"add\" or \"remove\""));
        }
        let kept = |field: &str, tags: &[String]| tags.iter().map(|tag| tag_of(field, tag)).collect::<Result<_>>();
        Ok(Self { add: kept("add", add)?, remove: kept("remove", remove)? })
    }
}

/// A tag as it is kept: small letters, without spaces around.
///
/// # Errors
/// `Invalid` for what is no tag, naming the field that it came in.
pub fn tag_of(field: &str, text: &str) -> Result<String> {
    let tag = text.trim().to_lowercase();
    let is_usual = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':' | ' ');
    let length = tag.chars().count();
    if length == 0 || length > TAG_LENGTH_MAX || !tag.chars().all(is_usual) {
        let words = format!("\"{text}\" is no tag: send 1 to {TAG_LENGTH_MAX} letters, digits, spaces, -, _, . or :");
        return Err(Error::invalid_field(field, words));
    }
    Ok(tag)
}

/// What people did with a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    tenant: String,
    /// How far it is.
    pub state: CaseState,
    holder_id: Option<String>,
    /// Who holds or closed it.
    pub holder: Option<String>,
    /// Since when somebody holds it.
    pub taken_at: Option<Timestamp>,
    /// What was found.
    pub outcome: Option<CaseOutcome>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// Until then nobody is to look.
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
    /// Why somebody who may change rules is to decide it; kept when they did.
    #[serde(default)]
    pub escalation: Option<Escalation>,
    /// What was written, the oldest first.
    pub notes: Vec<Note>,
    /// Words that people find it by, in order.
    #[serde(default)]
    pub tags: BTreeSet<String>,
}

impl CaseRecord {
    /// What nobody did anything with.
    pub(super) fn untouched() -> Self {
        Self {
            tenant: Scope::MAIN_TENANT.to_owned(),
            state: CaseState::Open,
            holder_id: None,
            holder: None,
            taken_at: None,
            outcome: None,
            closed_at: None,
            snoozed_until: None,
            escalation: None,
            notes: Vec::new(),
            tags: BTreeSet::new(),
        }
    }

    /// Whether nobody is to look now.
    pub fn is_snoozed(&self, now: Timestamp) -> bool {
        self.state != CaseState::Closed && self.snoozed_until.is_some_and(|until| now < until)
    }

    /// Whether somebody who may change rules is to decide it.
    pub const fn is_escalated(&self) -> bool {
        self.escalation.is_some() && !matches!(self.state, CaseState::Closed)
    }

    pub(super) fn is_held_by(&self, caller: &Caller) -> bool {
        self.holder_id.as_deref() == Some(caller.user_id.as_str())
    }

    /// Refuses a change to a closed case.
    pub(super) fn refuse_closed(&self) -> Result<()> {
        if self.state != CaseState::Closed {
            return Ok(());
        }
        let by = self.holder.as_deref().unwrap_or("somebody");
        Err(Error::new(ErrorKind::Conflict, format!("the case was closed by {by}; open it again first")))
    }

    /// Refuses a change to a case that somebody else holds.
    pub(super) fn refuse_others(&self, caller: &Caller) -> Result<()> {
        if self.holder_id.is_none() || self.is_held_by(caller) {
            return Ok(());
        }
        let by = self.holder.as_deref().unwrap_or("somebody else");
        Err(Error::new(ErrorKind::Conflict, format!("the case is held by {by}; ask them to give it back")))
    }

    /// Refuses a caller who may not decide a case that was escalated.
    pub(super) fn refuse_juniors(&self, caller: &Caller) -> Result<()> {
        let Some(Escalation { by, .. }) = &self.escalation else { return Ok(()) };
        caller
            .require(Permission::FraudRules)
            .map_err(|error| Error::new(error.kind, format!("the case was escalated by {by}; {}", error.message)))
    }

    /// Nobody's until somebody takes it who may change rules.
    pub(super) fn escalate(&mut self, caller: &Caller, escalation: Escalation) -> Result<()> {
        self.refuse_closed()?;
        if let Some(Escalation { by, .. }) = &self.escalation {
            return Err(Error::new(ErrorKind::Conflict, format!("the case was escalated by {by} already")));
        }
        self.refuse_others(caller)?;
        self.let_go();
        (self.escalation, self.snoozed_until) = (Some(escalation), None);
        Ok(())
    }

    /// For everybody again, as who escalated it may say while nobody took it, and who may change rules.
    pub(super) fn deescalate(&mut self, caller: &Caller) -> Result<()> {
        self.refuse_closed()?;
        let Some(escalation) = &self.escalation else {
            return Err(Error::new(ErrorKind::Conflict, "the case is not escalated"));
        };
        if escalation.by_id != caller.user_id {
            self.refuse_juniors(caller)?;
        }
        self.refuse_others(caller)?;
        self.let_go();
        self.escalation = None;
        Ok(())
    }

    /// Held by the caller, since now unless they held it before.
    pub(super) fn take(&mut self, caller: &Caller, now: Timestamp) -> Result<()> {
        self.refuse_closed()?;
        self.refuse_others(caller)?;
        self.refuse_juniors(caller)?;
        if self.state == CaseState::Open {
            self.taken_at = Some(now);
        }
        self.hold(caller, CaseState::Taken);
        Ok(())
    }

    /// With these tags, and without those.
    pub(super) fn tag(&mut self, TagChange { add, remove }: &TagChange) -> Result<()> {
        self.tags.retain(|tag| !remove.contains(tag));
        self.tags.extend(add.iter().cloned());
        if self.tags.len() > TAGS_MAX {
            let words = format!("the case would have {} tags; {TAGS_MAX} at most are kept", self.tags.len());
            return Err(Error::invalid_field("add", words));
        }
        Ok(())
    }

    /// The caller's from now on.
    pub(super) fn hold(&mut self, caller: &Caller, state: CaseState) {
        self.state = state;
        self.holder_id = Some(caller.user_id.clone());
        self.holder = Some(caller.username.clone());
    }

    /// Nobody's from now on.
    pub(super) fn let_go(&mut self) {
        (self.state, self.holder, self.holder_id, self.taken_at) = (CaseState::Open, None, None, None);
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What Vigie said.
    pub decision: Hit,
    /// What people did.
    pub record: CaseRecord,
    /// When somebody is to have closed it.
    pub due_at: Timestamp,
}

impl Case {
    /// Whether it is among the cases asked for.
    pub(super) fn is_asked(&self, asked: &CaseFilter, caller: &Caller, now: Timestamp) -> bool {
        let record = &self.record;
        if asked.tag.as_ref().is_some_and(|tag| !record.tags.contains(tag)) {
            return false;
        }
        let is_waiting = record.state != CaseState::Closed && !record.is_snoozed(now);
        match asked.list {
            CaseList::Open => is_waiting && !record.is_escalated(),
            CaseList::Late => is_waiting && self.due_at < now,
            CaseList::Escalated => is_waiting && record.is_escalated(),
            CaseList::Mine => record.state == CaseState::Taken && record.is_held_by(caller),
            CaseList::Snoozed => record.is_snoozed(now),
            CaseList::All => true,
        }
    }
}

/// Which cases are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFilter {
    /// How far they are.
    pub list: CaseList,
    /// A tag that they have, as it is kept.
    pub tag: Option<String>,
    /// When their payments were made.
    pub range: TimeRange,
}

/// How far cases are that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseList {
    /// Those that nobody closed, and that are neither snoozed nor escalated.
    Open,
    /// Those that nobody closed or snoozed and that were due before now.
    Late,
    /// Those that somebody escalated and nobody closed or snoozed since.
    Escalated,
    /// Those that the caller holds.
    Mine,
    /// Those that nobody is to look at now.
    Snoozed,
    /// All.
    All,
}
