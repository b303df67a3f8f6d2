//! A rule as people write it.

use serde::{Deserialize, Serialize};

use super::Effect;

/// Whether a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its points count.
    Active,
    /// It is evaluated and its hits are counted; no decision changes.
    Shadow,
    /// It is not evaluated.
    Off,
}

impl Mode {
    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDefinition {
    /// What it is called; an indicator of decisions.
    pub name: String,
    /// When it fires, in CEL over the signals.
    pub expression: String,
    /// What it adds to the score, 0 to 100.
    pub points: u8,
    /// What is done when it fires, whatever the points say; `None` when nothing but its points counts.
    #[serde(default)]
    pub action: Option<Effect>,
    /// Whom to ask about it: a person or a team. Empty for rules that nobody changed.
    #[serde(default)]
    pub owner: String,
    /// Whether it counts.
    pub mode: Mode,
    /// What is told of a payment that it fires for; `{name}` stands for the value of a signal, `{name thing|things}` for its
    /// value and the form that goes with it.
    pub reason_en: String,
    /// The same in French.
    pub reason_fr: String,
}

impl RuleDefinition {
    /// A rule to try: active, by its points alone, of nobody, told by its name.
    pub fn draft(name: &str, expression: &str, points: u8) -> Self {
        Self {
            name: name.to_owned(),
            expression: expression.to_owned(),
            points,
            action: None,
            owner: String::new(),
            mode: Mode::Active,
            reason_en: name.to_owned(),
            reason_fr: name.to_owned(),
        }
    }
}
