//! Rules of fraud detection, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::fraud::{Checked, RuleChange, RuleProposal, RuleReport, RuleVersion};
use vigie_domain::{Error, Result};
use vigie_fraud::cel::Kind;
use vigie_fraud::rules::{Effect, Mode, RuleDefinition};

/// The rules in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRules)]
pub struct RulesView {
    /// All of them.
    pub rules: Vec<RuleView>,
    /// Changes that wait until a second person approves them.
    pub proposals: Vec<RuleVersionView>,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRule)]
pub struct RuleView {
    /// What it is called.
    pub name: String,
    /// When it fires, in CEL.
    #[schema(example = "user.count_10m >= 3")]
    pub expression: String,
    /// What it adds to the score.
    pub points: u8,
    /// `review`, `allow` or `block` when it is obeyed whatever the points say.
    pub action: Option<&'static str>,
    /// Whom to ask about it; empty for a rule that nobody changed.
    pub owner: String,
    /// `active`, `shadow` or `off`.
    pub mode: String,
    /// What it says, in English; names in braces stand for values.
    pub reason: String,
    /// The same in French.
    pub reason_fr: String,
    /// How often it fired since Vigie started.
    pub hits: u64,
    /// How often it fired in shadow since Vigie started.
    pub shadow_hits: u64,
    /// Why it was switched off, when it failed.
    pub failure: Option<String>,
    /// How often somebody changed it: 0 for a rule as every shop begins with it.
    pub version: u64,
    /// Who changed it last.
    pub changed_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub changed_at: Option<String>,
}

/// A rule to put in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleRequest {
    /// When it fires, in CEL over the signals of `GET /api/fraud/signals`.
    #[schema(example = "transaction.amount > 500.0 && user.count_24h == 1")]
    pub expression: String,
    /// What it adds to the score, 0 to 100.
    pub points: u8,
    /// `review`, `allow` or `block` when it is to be obeyed whatever the points say; by its points alone when left out.
    #[schema(example = "block")]
    pub action: Option<String>,
    /// Whom to ask about it, a person or a team. When left out, whoever it was before, else you.
    pub owner: Option<String>,
    /// `active`, `shadow` (hits are counted, no decision changes) or `off`.
    #[schema(example = "shadow")]
    pub mode: String,
    /// What it says, in English; `{user.count_24h}` stands for a value.
    pub reason: String,
    /// The same in French.
    pub reason_fr: String,
    /// The version that the change was made of; with another one it is refused. 0: there is none yet.
    pub version: Option<u64>,
}

/// One version of a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRuleVersion)]
pub struct RuleVersionView {
    /// What it is called.
    pub name: String,
    /// 1 for the first.
    pub version: u64,
    /// Whether it waits until a second person approves it, and is not in force.
    pub is_proposed: bool,
    /// Whether this version deleted it.
    pub is_deleted: bool,
    /// When it fires.
    pub expression: Option<String>,
    /// What it adds to the score.
    pub points: Option<u8>,
    /// `review`, `allow` or `block` when it is obeyed whatever the points say.
    pub action: Option<&'static str>,
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// `active`, `shadow` or `off`.
    pub mode: Option<&'static str>,
    /// What it says, in English.
    pub reason: Option<String>,
    /// The same in French.
    pub reason_fr: Option<String>,
    /// Who made it.
    pub changed_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub changed_at: String,
}

/// Versions of a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRuleVersions)]
pub struct RuleVersionsView {
    /// The newest first, at most 100.
    pub versions: Vec<RuleVersionView>,
}

/// A text that may be a rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// The text.
    pub expression: String,
}

/// Whether a text is a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRuleCheck)]
pub struct CheckView {
    /// Whether it is.
    pub is_valid: bool,
    /// Signals that it reads.
    pub signals: Vec<&'static str>,
    /// What it costs at most; 1,000 are allowed.
    pub cost: Option<u32>,
    /// Why it is none.
    pub message: Option<String>,
    /// Where the fault begins, in bytes.
    pub from: Option<usize>,
    /// Where it ends.
    pub to: Option<usize>,
}

/// What rules speak of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudSignals)]
pub struct SignalsView {
    /// All of them.
    pub signals: Vec<SignalView>,
}

/// A signal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudSignal)]
pub struct SignalView {
    /// What it is called in rules.
    #[schema(example = "device.card_count_24h")]
    pub name: &'static str,
    /// `bool`, `int`, `double`, `text`, `instant` or `list of texts`.
    #[schema(example = "int")]
    pub kind: String,
}

impl RuleView {
    /// A rule with its last change, if there was one.
    pub fn new(report: RuleReport, change: Option<&RuleVersion>) -> Self {
        let rule = report.rule;
        Self {
            mode: rule.mode.as_str().to_owned(),
            name: rule.name,
            expression: rule.expression,
            points: rule.points,
            action: rule.action.map(Effect::as_str),
            owner: rule.owner,
            reason: rule.reason_en,
            reason_fr: rule.reason_fr,
            hits: report.hit_count,
            shadow_hits: report.shadow_hit_count,
            failure: report.failure,
            version: change.map_or(0, |change| change.version),
            changed_by: change.map(|change| change.changed_by.clone()),
            changed_at: change.map(|change| change.changed_at.to_string()),
        }
    }
}

impl RuleRequest {
    /// The rule of that name.
    ///
    /// # Errors
    /// `Invalid` when there is no such mode or action.
    pub fn into_rule(self, name: String) -> Result<RuleDefinition> {
        let mode = mode_named(&self.mode)?;
        let action = action_named(self.action.as_deref())?;
        let owner = self.owner.unwrap_or_default();
        let Self { expression, points, reason: reason_en, reason_fr, .. } = self;
        Ok(RuleDefinition { name, expression, points, action, owner, mode, reason_en, reason_fr })
    }
}

/// The action of that name; `None` for none.
///
/// # Errors
/// `Invalid` for any other name.
pub(super) fn action_named(name: Option<&str>) -> Result<Option<Effect>> {
    let unknown = |name: &str| {
        let names = Effect::ALL.map(Effect::as_str).join("\", \"");
        let words = format!("\"{name}\" is no action; choose \"{names}\", or leave it out");
        Error::invalid_field("action", words)
    };
    name.map(|name| Effect::named(name).ok_or_else(|| unknown(name))).transpose()
}

/// The mode of that name.
///
/// # Errors
/// `Invalid` when there is none.
pub(super) fn mode_named(name: &str) -> Result<Mode> {
    match name {
        "active" => Ok(Mode::Active),
        "shadow" => Ok(Mode::Shadow),
        "off" => Ok(Mode::Off),
        other => {
            let words = format!("\"{other}\" is no mode; choose \"active\", \"shadow\" or \"off\"");
            Err(Error::invalid_field("mode", words))
        }
    }
}

impl From<RuleChange> for RuleVersionView {
    fn from(change: RuleChange) -> Self {
        match change {
            RuleChange::InForce(version) => version.into(),
            RuleChange::Proposed(version) => Self { is_proposed: true, ..version.into() },
        }
    }
}

impl From<RuleProposal> for RuleVersionView {
    fn from(proposal: RuleProposal) -> Self {
        Self { is_proposed: true, ..proposal.change.into() }
    }
}

impl From<RuleVersion> for RuleVersionView {
    fn from(version: RuleVersion) -> Self {
        let rule = version.rule;
        let of = |text: fn(&RuleDefinition) -> &String| rule.as_ref().map(|rule| text(rule).clone());
        Self {
            name: version.name,
            version: version.version,
            is_proposed: false,
            is_deleted: rule.is_none(),
            expression: of(|rule| &rule.expression),
            points: rule.as_ref().map(|rule| rule.points),
            action: rule.as_ref().and_then(|rule| rule.action).map(Effect::as_str),
            owner: of(|rule| &rule.owner),
            mode: rule.as_ref().map(|rule| rule.mode.as_str()),
            reason: of(|rule| &rule.reason_en),
            reason_fr: of(|rule| &rule.reason_fr),
            changed_by: version.changed_by,
            changed_at: version.changed_at.to_string(),
        }
    }
}

impl From<Checked> for CheckView {
    fn from(checked: Checked) -> Self {
        match checked {
            Checked::Rule { signals, cost } => {
                Self { is_valid: true, signals, cost: Some(cost), message: None, from: None, to: None }
            }
            Checked::NoRule { message, span: (from, to) } => Self {
                is_valid: false,
                signals: Vec::new(),
                cost: None,
                message: Some(message),
                from: Some(from),
                to: Some(to),
            },
        }
    }
}

impl SignalsView {
    /// These names.
    pub fn of(names: impl Iterator<Item = (&'static str, Kind)>) -> Self {
        Self { signals: names.map(|(name, kind)| SignalView { name, kind: kind.to_string() }).collect() }
    }
}
