//! Rules as people change them: kept beside the logs with every version, put in force at once.
//!
//! Rules that every shop begins with are changed like any other; deleting one of them brings its first version back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result, Scope, Timestamp};
use vigie_fraud::cel::Rule;
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, RuleDefinition, RuleError, RuleSet};
use vigie_fraud::scoring::{LIST_PREFIX, MODEL_REASON};

use super::FraudDetection;
use crate::Clock;
use crate::accounts::Caller;
use crate::records::{encoded, of_main_tenant, record_of};

/// Where rules are kept that were changed or added; the id of one is its name.
const RULES: &str = "fraud_rules";
/// Where changes wait for a second person; the id of one is the name of its rule.
const PROPOSALS: &str = "fraud_rule_proposals";
/// Where all versions of them are kept.
const VERSIONS: &str = "fraud_rule_versions";
/// Rules that are read at once.
const RULES_MAX: usize = 1_000;
/// Versions of a rule that are listed, the newest first.
const VERSIONS_MAX: usize = 100;
/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of the name of an owner at most.
const OWNER_BYTES_MAX: usize = 100;
/// Bytes of a reason at most.
const REASON_BYTES_MAX: usize = 500;

/// One version of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVersion {
    tenant: String,
    /// Of the rule.
    pub name: String,
    /// 1 for the first that somebody wrote, one more for each change.
    pub version: u64,
    /// The rule; `None` when it was deleted.
    pub rule: Option<RuleDefinition>,
    /// Who changed it.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// A change that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleProposal {
    /// What would be in force: its version, and who asks for it.
    pub change: RuleVersion,
    /// Who may not approve it.
    asked_by_id: String,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleChange {
    /// It is in force.
    InForce(RuleVersion),
    /// It waits for a second person.
    Proposed(RuleVersion),
}

/// A text that is a rule, or why it is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// It is: what it reads, and what it costs.
    Rule {
        /// Names of the signals.
        signals: Vec<&'static str>,
        /// 1,000 at most.
        cost: u32,
    },
    /// It is none.
    NoRule {
        /// Why.
        message: String,
        /// Where, in bytes.
        span: (usize, usize),
    },
}

/// Rules as people change them.
pub struct RuleBook {
    metadata: Arc<dyn MetadataStore>,
    detection: Arc<FraudDetection>,
    clock: Clock,
    /// Whether a change needs a second person.
    needs_second: bool,
    /// One change at a time: what is in force is all that is kept.
    changing: tokio::sync::Mutex<()>,
}

impl RuleBook {
    /// Of this detection, kept there.
    pub fn new(metadata: Arc<dyn MetadataStore>, detection: Arc<FraudDetection>, clock: Clock) -> Self {
        Self { metadata, detection, clock, needs_second: false, changing: tokio::sync::Mutex::default() }
    }

    /// With changes that wait until a second person approves them, when that is asked.
    #[must_use]
    pub fn needing_second(self, needs_second: bool) -> Self {
        Self { needs_second, ..self }
    }

    /// Whether a text is a rule.
    pub fn check(text: &str) -> Checked {
        match Rule::compile(text, RuleSet::schema()) {
            Ok(rule) => {
                let names: Vec<&'static str> = RuleSet::schema().names().map(|(name, _)| name).collect();
                let signals = rule.uses().iter().filter_map(|place| names.get(*place).copied()).collect();
                Checked::Rule { signals, cost: rule.cost() }
            }
            Err(error) => Checked::NoRule { message: error.message, span: error.span },
        }
    }

    /// Adds a rule or changes one; it is in force when this returns, or waits for a second person. `expected` is the version that the
    /// change is made of: 0 for none. A rule that names no owner keeps the one that it had, or becomes the caller's.
    ///
    /// # Errors
    /// `Invalid` when the rule is wrong; `Conflict` when somebody else changed it meanwhile, or there are too many.
    pub async fn put(&self, caller: &Caller, rule: RuleDefinition, expected: Option<u64>) -> Result<RuleChange> {
        let mut rule = checked(rule)?;
        let name = rule.name.clone();
        if rule.owner.is_empty() {
            rule.owner = self.owner(&name).await?.unwrap_or_else(|| caller.username.clone());
        }
        self.change(caller, &name, Some(rule), expected).await
    }

    /// Whose a rule is; `None` when nobody's.
    async fn owner(&self, name: &str) -> Result<Option<String>> {
        let kept = self.metadata.get(RULES, name).await?.map(version_of).transpose()?;
        Ok(kept.and_then(|version| version.rule).map(|rule| rule.owner).filter(|owner| !owner.is_empty()))
    }

    /// Deletes a rule; one that every shop begins with is as it was then.
    ///
    /// # Errors
    /// `NotFound` when nobody added or changed it; `Conflict` when somebody changed it meanwhile.
    pub async fn delete(&self, caller: &Caller, name: &str, expected: Option<u64>) -> Result<RuleChange> {
        match self.metadata.get(RULES, name).await? {
            Some(document) if version_of(document.clone())?.rule.is_some() => {
                self.change(caller, name, None, expected).await
            }
            _ => Err(Error::not_found(format!("nobody added or changed a rule \"{name}\""))),
        }
    }

    /// Puts an earlier version in force again, as a new one.
    ///
    /// # Errors
    /// `NotFound` when there is no such version.
    pub async fn roll_back(&self, caller: &Caller, name: &str, version: u64) -> Result<RuleChange> {
        let kept = self.metadata.get(VERSIONS, &version_id(name, version)).await?;
        let missing = || Error::not_found(format!("rule \"{name}\" has no version {version}"));
        let earlier = version_of(kept.ok_or_else(missing)?)?;
        self.change(caller, name, earlier.rule, None).await
    }

    /// Changes that wait for a second person, by name.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn proposals(&self) -> Result<Vec<RuleProposal>> {
        let request = FindRequest { filters: Vec::new(), limit: RULES_MAX, after: None };
        let found = self.metadata.find(PROPOSALS, &request).await?;
        let mut proposals =
            found.into_iter().map(|document| record_of(PROPOSALS, document)).collect::<Result<Vec<RuleProposal>>>()?;
        proposals.sort_by(|left, right| left.change.name.cmp(&right.change.name));
        Ok(proposals)
    }

    /// Puts a change in force that somebody else asked for.
    ///
    /// # Errors
    /// `NotFound` when none waits; `Forbidden` for whoever asked for it; `Conflict` when the rule was changed since.
    pub async fn approve(&self, caller: &Caller, name: &str) -> Result<RuleVersion> {
        let _one_at_a_time = self.changing.lock().await;
        let RuleProposal { change, asked_by_id } = self.proposal(name).await?;
        if asked_by_id == caller.user_id {
            let words = format!("you asked for this change of rule \"{name}\"; somebody else has to approve it");
            return Err(Error::new(ErrorKind::Forbidden, words));
        }
        let (revision, before) = self.kept(name).await?;
        refuse_stale(name, before, Some(change.version - 1))?;
        let approved = self.put_in_force(revision, change).await?;
        self.metadata.delete(PROPOSALS, name).await?;
        Ok(approved)
    }

    /// Drops a change that waits for a second person.
    ///
    /// # Errors
    /// `NotFound` when none waits.
    pub async fn reject(&self, name: &str) -> Result<RuleVersion> {
        let _one_at_a_time = self.changing.lock().await;
        let proposal = self.proposal(name).await?;
        self.metadata.delete(PROPOSALS, name).await?;
        Ok(proposal.change)
    }

    /// A change that waits for a second person.
    ///
    /// # Errors
    /// `NotFound` when none waits.
    pub async fn proposal(&self, name: &str) -> Result<RuleProposal> {
        let missing = || Error::not_found(format!("no change of rule \"{name}\" waits for a second person"));
        record_of(PROPOSALS, self.metadata.get(PROPOSALS, name).await?.ok_or_else(missing)?)
    }

    /// Versions of a rule, the newest first.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn versions(&self, name: &str) -> Result<Vec<RuleVersion>> {
        let filters = vec![of_main_tenant(), Filter { field: "name".to_owned(), value: name.into() }];
        let request = FindRequest { filters, limit: VERSIONS_MAX, after: None };
        let found = self.metadata.find(VERSIONS, &request).await?;
        let mut versions = found.into_iter().map(version_of).collect::<Result<Vec<_>>>()?;
        versions.sort_by_key(|version| std::cmp::Reverse(version.version));
        Ok(versions)
    }

    /// The version of each rule that somebody added or changed.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn changed(&self) -> Result<Vec<RuleVersion>> {
        changed(self.metadata.as_ref()).await
    }

    async fn change(
        &self,
        caller: &Caller,
        name: &str,
        rule: Option<RuleDefinition>,
        expected: Option<u64>,
    ) -> Result<RuleChange> {
        let _one_at_a_time = self.changing.lock().await;
        let (revision, before) = self.kept(name).await?;
        refuse_stale(name, before, expected)?;
        let change = RuleVersion {
            tenant: Scope::MAIN_TENANT.to_owned(),
            name: name.to_owned(),
            version: before + 1,
            rule,
            changed_by: caller.username.clone(),
            changed_at: (self.clock)(),
        };
        if !self.needs_second {
            return Ok(RuleChange::InForce(self.put_in_force(revision, change).await?));
        }
        // What cannot be in force is not asked of anybody.
        self.with_change(&change).await?;
        let proposal = RuleProposal { change: change.clone(), asked_by_id: caller.user_id.clone() };
        let body = encoded(&proposal)?;
        match self.metadata.get(PROPOSALS, name).await? {
            None => self.metadata.insert(PROPOSALS, name, body, &[]).await?,
            Some(other) => self.metadata.replace(PROPOSALS, name, other.revision, body).await?,
        };
        Ok(RuleChange::Proposed(change))
    }

    /// The revision and the version of a rule as it is kept; version 0 of one that nobody changed.
    async fn kept(&self, name: &str) -> Result<(Option<u64>, u64)> {
        match self.metadata.get(RULES, name).await? {
            Some(document) => Ok((Some(document.revision), version_of(document)?.version)),
            None => Ok((None, 0)),
        }
    }

    /// The rules that would be in force.
    async fn with_change(&self, change: &RuleVersion) -> Result<RuleSet> {
        let mut all = changed(self.metadata.as_ref()).await?;
        all.retain(|known| known.name != change.name);
        all.push(change.clone());
        in_force(&all, &self.detection)
    }

    async fn put_in_force(&self, revision: Option<u64>, change: RuleVersion) -> Result<RuleVersion> {
        let rules = self.with_change(&change).await?;
        let (name, body) = (change.name.as_str(), encoded(&change)?);
        match revision {
            None => self.metadata.insert(RULES, name, body.clone(), &[]).await?,
            Some(revision) => self.metadata.replace(RULES, name, revision, body.clone()).await?,
        };
        self.metadata.insert(VERSIONS, &version_id(name, change.version), body, &[]).await?;
        self.detection.put_in_force(rules);
        Ok(change)
    }
}

/// Refuses a change that was made of another version than the one that is kept.
fn refuse_stale(name: &str, before: u64, expected: Option<u64>) -> Result<()> {
    match expected.filter(|expected| *expected != before) {
        None => Ok(()),
        Some(expected) => {
            let words = format!(
                "rule \"{name}\" is at version {before}, not {expected}: somebody changed it; look at it again"
            );
            Err(Error::new(ErrorKind::Conflict, words))
        }
    }
}

impl FraudDetection {
    /// Puts the rules in force that people changed before.
    pub(super) async fn recall_rules(&self, metadata: &dyn MetadataStore) -> Result<()> {
        let rules = in_force(&changed(metadata).await?, self)?;
        self.put_in_force(rules);
        Ok(())
    }
}

/// The rules that every shop begins with, as they were changed, and those that were added.
fn in_force(changed: &[RuleVersion], detection: &FraudDetection) -> Result<RuleSet> {
    let begins = BUILTIN_RULES.iter().map(Builtin::definition);
    let change =
        |name: &str| changed.iter().find(|version| version.name == name).and_then(|version| version.rule.clone());
    let mut rules: Vec<RuleDefinition> = begins.map(|rule| change(&rule.name).unwrap_or(rule)).collect();
    let is_added = |version: &&RuleVersion| !BUILTIN_RULES.iter().any(|rule| rule.name() == version.name);
    rules.extend(changed.iter().filter(is_added).filter_map(|version| version.rule.clone()));
    RuleSet::new(rules, detection.settings.thresholds).map_err(|error| refused(&error))
}

/// Why rules cannot be in force, by the field that is wrong.
pub(super) fn refused(error: &RuleError) -> Error {
    let field = match error {
        RuleError::Count { .. } => return Error::new(ErrorKind::Conflict, error.to_string()),
        RuleError::Expression { .. } => "expression",
        RuleError::Name { .. } => "name",
        RuleError::Points { .. } => "points",
    };
    Error::invalid_field(field, error.to_string())
}

async fn changed(metadata: &dyn MetadataStore) -> Result<Vec<RuleVersion>> {
    let request = FindRequest { filters: vec![of_main_tenant()], limit: RULES_MAX, after: None };
    let found = metadata.find(RULES, &request).await?;
    let mut versions = found.into_iter().map(version_of).collect::<Result<Vec<_>>>()?;
    versions.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(versions)
}

fn checked(rule: RuleDefinition) -> Result<RuleDefinition> {
    let is_name_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if rule.name.is_empty() || rule.name.len() > NAME_BYTES_MAX || !rule.name.chars().all(is_name_letter) {
        let words =
            format!("a rule is called by 1 to {NAME_BYTES_MAX} letters a-z, digits and _; not \"{}\"", rule.name);
        return Err(Error::invalid_field("name", words));
    }
    if rule.name.starts_with(LIST_PREFIX) || rule.name == MODEL_REASON {
        let words = format!("\"{}\" is what lists or models say; call the rule otherwise", rule.name);
        return Err(Error::invalid_field("name", words));
    }
    if rule.owner.len() > OWNER_BYTES_MAX || rule.owner.contains(char::is_control) {
        let words = format!("an owner is a line of {OWNER_BYTES_MAX} bytes at most: the name of a person or a team");
        return Err(Error::invalid_field("owner", words));
    }
    for (field, text) in [("reason", &rule.reason_en), ("reason_fr", &rule.reason_fr)] {
        if text.trim().is_empty() || text.len() > REASON_BYTES_MAX {
            let words = format!("\"{field}\" says why, in 1 to {REASON_BYTES_MAX} bytes; this one has {}", text.len());
            return Err(Error::invalid_field(field, words));
        }
    }
    match RuleBook::check(&rule.expression) {
        Checked::Rule { .. } => Ok(rule),
        Checked::NoRule { message, span: (from, to) } => {
            Err(Error::invalid_field("expression", format!("bytes {from} to {to}: {message}")))
        }
    }
}

fn version_id(name: &str, version: u64) -> String {
    format!("{name}@{version}")
}

fn version_of(document: Document) -> Result<RuleVersion> {
    record_of(RULES, document)
}
