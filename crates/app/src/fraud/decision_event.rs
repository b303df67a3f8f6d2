//! A verdict as the `fraud` event that is stored of it.

use vigie_domain::{Event, EventId, LogType, Object, Timestamp, Value};
use vigie_fraud::learning::Opinion;
use vigie_fraud::rules::Decision;
use vigie_fraud::scoring::Verdict;
use vigie_fraud::stream::{Activity, Field};

/// What stands before the name of the payment.
const ID_PREFIX: &str = "fraud-";
/// Who says so: `service` of the events.
pub(super) const MADE_BY: &str = "vigie";
/// What scores were made by when no model judges.
const RULES_ALONE: &str = "rules";

/// The id of the decision on a payment, and of its event.
pub fn decision_id(transaction_id: &str) -> EventId {
    EventId(format!("{ID_PREFIX}{transaction_id}"))
}

/// The fields of the payment that its decision repeats.
const REPEATED: [(&str, Field); 6] = [
    ("user_id", Field::User),
    ("client_ip", Field::ClientIp),
    ("device_id", Field::Device),
    ("card_hash", Field::Card),
    ("email_hash", Field::Email),
    ("currency", Field::Currency),
];

/// The event of a verdict; it has the time of the payment.
pub(super) fn decision_event(verdict: &Verdict, activity: &Activity<'_>, ingested_at: Timestamp) -> Event {
    let rules: Vec<Value> = verdict.reasons.iter().map(|reason| Value::text(reason.rule.as_str())).collect();
    let (score, decision) = (verdict.score, verdict.decision.as_str());
    let is_suspect = verdict.decision != Decision::Allow;
    let message = match verdict.reasons.first() {
        None => format!("payment {} scored {score}: {decision}", verdict.transaction_id),
        Some(first) => format!("payment {} scored {score}: {decision}, {}", verdict.transaction_id, first.text_en),
    };
    let named = |opinion: &Opinion| format!("model-{}", opinion.version);
    let model_version = verdict.model.as_ref().map_or_else(|| RULES_ALONE.to_owned(), named);
    let mut body: Object = vec![
        ("log_type".into(), Value::text(LogType::Fraud.as_str())),
        ("level".into(), Value::text(if is_suspect { "WARN" } else { "INFO" })),
        ("service".into(), Value::text(MADE_BY)),
        ("message".into(), Value::text(message)),
        ("transaction_id".into(), Value::text(verdict.transaction_id.as_str())),
        ("amount".into(), Value::number(verdict.amount.units()).unwrap_or(Value::Null)),
        ("fraud_score".into(), Value::Int(i64::from(score))),
        ("fraud_detected".into(), Value::Bool(is_suspect)),
        ("decision".into(), Value::text(decision)),
        ("fraud_indicators".into(), Value::List(rules.clone())),
        ("rules".into(), Value::List(rules)),
        ("model_version".into(), Value::text(model_version)),
    ];
    for (name, field) in REPEATED {
        body.extend(activity.text(field).map(|text| (name.into(), Value::text(text))));
    }
    if !verdict.reasons.is_empty() {
        let reason = |reason: &vigie_fraud::scoring::Reason| {
            Value::Object(vec![
                ("rule".into(), Value::text(reason.rule.as_str())),
                ("points".into(), Value::Int(i64::from(reason.points))),
                ("text".into(), Value::text(reason.text_en.as_str())),
                ("text_fr".into(), Value::text(reason.text_fr.as_str())),
            ])
        };
        body.push(("reasons".into(), Value::List(verdict.reasons.iter().map(reason).collect())));
    }
    if !verdict.shadow_rules.is_empty() {
        let shadow = verdict.shadow_rules.iter().map(|rule| Value::text(rule.as_str()));
        body.push(("shadow_rules".into(), Value::List(shadow.collect())));
    }
    if let Some(opinion) = &verdict.model {
        body.push(("model_score".into(), Value::Int(i64::from(opinion.points))));
    }
    if let Some(opinion) = &verdict.challenger {
        body.push(("challenger_version".into(), Value::text(named(opinion))));
        body.push(("challenger_score".into(), Value::Int(i64::from(opinion.points))));
    }
    if verdict.is_late {
        body.push(("is_late".into(), Value::Bool(true)));
    }
    let id = Some(decision_id(&verdict.transaction_id));
    Event { id, timestamp: verdict.at, ingested_at, log_type: LogType::Fraud, body }
}
