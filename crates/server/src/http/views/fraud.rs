//! What is said of payments, as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use vigie_app::fraud::FraudStats;
use vigie_app::listing::Listed;
use vigie_domain::ports::Hit;
use vigie_domain::{Event, Object, TimeRange, Timestamp, Value};

/// What is said of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudDecision)]
pub struct DecisionView {
    /// Names the decision: `GET /api/fraud/decisions/{id}`.
    #[schema(example = "fraud-tx-4711")]
    pub decision_id: String,
    /// Names the payment.
    pub transaction_id: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub at: String,
    /// Whether somebody is to look at it, or it is to be refused.
    pub is_fraud: bool,
    /// 0 to 100.
    pub fraud_score: i64,
    /// `allow`, `review` or `block`.
    #[schema(example = "review")]
    pub decision: String,
    /// The rules that fired.
    pub indicators: Vec<String>,
    /// Why, the heaviest reason first.
    pub reasons: Vec<ReasonView>,
    /// What the score was made by.
    pub model_version: String,
    /// What is paid.
    pub amount: Option<f64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Who pays.
    pub user_id: Option<String>,
    /// From which address.
    pub client_ip: Option<String>,
}

/// Why a payment is suspected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudReason)]
pub struct ReasonView {
    /// The rule.
    pub rule: String,
    /// What it adds to the score.
    pub points: i64,
    /// What it says of this payment, in English.
    pub text: String,
    /// The same in French.
    pub text_fr: String,
}

/// What is said of the payments sent, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudDetections)]
pub struct DetectionsView {
    /// One for each payment.
    pub decisions: Vec<DecisionView>,
    /// How long it took.
    pub took_ms: u64,
}

/// Decisions that somebody is to look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuspiciousActivities)]
pub struct ActivitiesView {
    /// The newest first.
    pub activities: Vec<DecisionView>,
    /// How many there are in all.
    pub total: u64,
    /// Asks for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// What was judged in a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudStats)]
pub struct FraudStatsView {
    /// First instant of the period.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past it.
    #[schema(format = DateTime)]
    pub to: String,
    /// Payments judged.
    pub judged: u64,
    /// Those that went through.
    pub allowed: u64,
    /// Those that somebody is to look at.
    pub to_review: u64,
    /// Those that are to be refused.
    pub blocked: u64,
    /// How often each rule fired, the most frequent first.
    pub rules: Vec<RuleCountView>,
}

/// How often a rule fired.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRuleCount)]
pub struct RuleCountView {
    /// The rule.
    pub rule: String,
    /// How often.
    pub count: u64,
}

fn value<'a>(body: &'a Object, name: &str) -> Option<&'a Value> {
    body.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn text(body: &Object, name: &str) -> Option<String> {
    value(body, name).and_then(Value::as_text).map(str::to_owned)
}

fn whole(body: &Object, name: &str) -> i64 {
    match value(body, name) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}

fn list<'a>(body: &'a Object, name: &str) -> &'a [Value] {
    match value(body, name) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn amount(body: &Object) -> Option<f64> {
    match value(body, "amount")? {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

impl From<Hit> for DecisionView {
    fn from(hit: Hit) -> Self {
        Self::of(hit.id.0, hit.position.timestamp, &hit.source)
    }
}

impl From<Event> for DecisionView {
    fn from(event: Event) -> Self {
        Self::of(event.id.map(|id| id.0).unwrap_or_default(), event.timestamp, &event.body)
    }
}

impl DecisionView {
    fn of(decision_id: String, at: Timestamp, body: &Object) -> Self {
        let reason = |reason: &Value| match reason {
            Value::Object(reason) => Some(ReasonView {
                rule: text(reason, "rule").unwrap_or_default(),
                points: whole(reason, "points"),
                text: text(reason, "text").unwrap_or_default(),
                text_fr: text(reason, "text_fr").unwrap_or_default(),
            }),
            _ => None,
        };
        let names = |name: &str| list(body, name).iter().filter_map(Value::as_text).map(str::to_owned).collect();
        Self {
            transaction_id: text(body, "transaction_id").unwrap_or_default(),
            at: at.to_string(),
            is_fraud: value(body, "fraud_detected") == Some(&Value::Bool(true)),
            fraud_score: whole(body, "fraud_score"),
            decision: text(body, "decision").unwrap_or_default(),
            indicators: names("fraud_indicators"),
            reasons: list(body, "reasons").iter().filter_map(reason).collect(),
            model_version: text(body, "model_version").unwrap_or_default(),
            amount: amount(body),
            currency: text(body, "currency"),
            user_id: text(body, "user_id"),
            client_ip: text(body, "client_ip"),
            decision_id,
        }
    }
}

impl From<Listed<Hit>> for ActivitiesView {
    fn from(listed: Listed<Hit>) -> Self {
        Self {
            activities: listed.entries.into_iter().map(DecisionView::from).collect(),
            total: listed.total,
            next_cursor: listed.next_cursor,
        }
    }
}

impl FraudStatsView {
    /// The numbers of a period.
    pub fn new(range: TimeRange, stats: FraudStats) -> Self {
        let of =
            |decision: &str| stats.by_decision.iter().find(|(name, _)| name == decision).map_or(0, |(_, count)| *count);
        Self {
            from: range.from.to_string(),
            to: range.to.to_string(),
            judged: stats.judged_count,
            allowed: of("allow"),
            to_review: of("review"),
            blocked: of("block"),
            rules: stats
                .by_rule
                .iter()
                .map(|(rule, count)| RuleCountView { rule: rule.clone(), count: *count })
                .collect(),
        }
    }
}
