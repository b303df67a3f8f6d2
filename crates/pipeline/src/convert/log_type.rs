//! Which log type an event is: what the caller says, else what it says itself, else what its fields tell.

use std::sync::LazyLock;

use vigie_domain::event::pseudo_fields::LOG_TYPE;
use vigie_domain::{Level, LogType, Value};

use super::known::bit;
use super::survey::Survey;
use super::{top, top_mut};
use crate::parse::Draft;
use crate::tag;

/// What an event sent as its type stays under this name when the caller says another.
const LOG_TYPE_ORIGINAL: &str = "log_type_original";

/// How a type is told by its fields.
pub(super) struct Rule {
    log_type: LogType,
    /// Canonical names; the event is of the type if it has all fields of any one sign.
    pub(super) signs: &'static [&'static [&'static str]],
}

/// One rule per type, the surest first: a judgement also has an amount, a payment may also have an error.
pub(super) const RULES: &[Rule] = &[
    Rule {
        log_type: LogType::Fraud,
        signs: &[
            &["fraud_score"],
            &["fraud_detected"],
            &["fraud_indicators"],
            &["decision", "transaction_id"],
            &["decision", "case_id"],
        ],
    },
    Rule {
        log_type: LogType::Transaction,
        signs: &[
            &["amount", "currency"],
            &["amount", "transaction_id"],
            &["amount", "order_id"],
            &["amount", "payment_method"],
            &["transaction_id", "status"],
            &["transaction_id", "payment_method"],
            &["order_id", "currency"],
            &["order_id", "payment_method"],
            &["transaction_type"],
        ],
    },
    Rule { log_type: LogType::Error, signs: &[&["error_type"], &["error_code"], &["error_message"], &["stack_trace"]] },
    Rule {
        log_type: LogType::UserBehavior,
        signs: &[
            &["action", "session_id"],
            &["action", "user_id"],
            &["action", "page"],
            &["action", "product_id"],
            &["page", "session_id"],
            &["page", "user_id"],
            &["search_query"],
        ],
    },
    Rule {
        log_type: LogType::Performance,
        signs: &[
            &["response_time_ms"],
            &["db_query_time_ms"],
            &["endpoint", "method"],
            &["endpoint", "status_code"],
            &["method", "status_code"],
            &["status_code", "bytes_sent"],
            &["cpu_percent"],
            &["memory_mb"],
            &["cache_hit"],
            // Logstash's names in web access logs.
            &["request", "response", "client_ip"],
        ],
    },
];

/// The type; the body names it afterwards, unless it names one that does not exist.
pub(super) fn resolve(draft: &mut Draft, survey: &Survey, given: Option<LogType>) -> LogType {
    let sent = top(&draft.body, LOG_TYPE).filter(|value| **value != Value::Null);
    let named = sent.map(|value| value.as_text().and_then(|text| text.parse::<LogType>().ok()));
    match (given, named) {
        (Some(log_type), _) => {
            set(draft, log_type, named != Some(Some(log_type)));
            log_type
        }
        (None, Some(Some(log_type))) => {
            set(draft, log_type, false);
            log_type
        }
        (None, Some(None)) => {
            draft.tag(tag::UNKNOWN_LOG_TYPE);
            detect(survey)
        }
        (None, None) => {
            let log_type = detect(survey);
            set(draft, log_type, false);
            log_type
        }
    }
}

/// Writes the type into the body, and keeps what was sent if it said something else.
fn set(draft: &mut Draft, log_type: LogType, keeps_original: bool) {
    let word = Value::text(log_type.as_str());
    let Some(value) = top_mut(&mut draft.body, LOG_TYPE) else {
        draft.body.push((LOG_TYPE.into(), word));
        return;
    };
    let sent = std::mem::replace(value, word);
    if keeps_original && sent != Value::Null {
        draft.body.push((LOG_TYPE_ORIGINAL.into(), sent));
    }
}

/// The type that the fields tell.
fn detect(survey: &Survey) -> LogType {
    told_by_fields(survey.seen).unwrap_or_else(|| told_by_level(survey.level.as_ref().and_then(|sent| sent.level)))
}

/// The type that known fields with a value tell, each by its bit.
pub(super) fn told_by_fields(seen: u128) -> Option<LogType> {
    static MASKS: LazyLock<Vec<(LogType, u128)>> = LazyLock::new(|| {
        let mask = |sign: &[&str]| sign.iter().map(|name| bit(name)).fold(0, |mask, bit| mask | bit);
        RULES.iter().flat_map(|rule| rule.signs.iter().map(move |sign| (rule.log_type, mask(sign)))).collect()
    });
    MASKS.iter().find(|(_, mask)| seen & mask == *mask).map(|(log_type, _)| *log_type)
}

/// The type of an event whose fields tell none.
pub(super) fn told_by_level(level: Option<Level>) -> LogType {
    if level.is_some_and(|level| level >= Level::Error) { LogType::Error } else { LogType::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: LogType) {
        let Ok(Value::Object(body)) = serde_json::from_str(json) else { unreachable!() };
        assert_eq!(detect(&Survey::of(&body)), expected, "{json}");
    }

    #[test]
    fn fields_tell_the_type() {
        check(r#"{"fraud_score":7,"transaction_id":"t","amount":1}"#, LogType::Fraud);
        check(r#"{"transaction_id":"t","amount":1,"error_message":"declined"}"#, LogType::Transaction);
        check(r#"{"order_id":5,"currency":"EUR","taxful_total_price":36.98}"#, LogType::Transaction);
        check(r#"{"error":{"type":"Timeout"},"endpoint":"/pay","method":"POST"}"#, LogType::Error);
        check(r#"{"action":"search","session_id":"s"}"#, LogType::UserBehavior);
        check(r#"{"url.path":"/","http":{"request":{"method":"GET"}}}"#, LogType::Performance);
        check(r#"{"clientip":"1.2.3.4","request":"/","response":200}"#, LogType::Performance);
        check(r#"{"level":"critical","message":"down"}"#, LogType::Error);
        check(r#"{"level":"info","message":"up"}"#, LogType::Other);
        check(r#"{"fraud_score":null}"#, LogType::Other);
        check("{}", LogType::Other);
    }

    #[test]
    fn every_type_but_other_has_one_rule() {
        let ruled: Vec<LogType> = RULES.iter().map(|rule| rule.log_type).collect();
        for log_type in LogType::ALL {
            let count = ruled.iter().filter(|other| **other == log_type).count();
            assert_eq!(count, usize::from(log_type != LogType::Other), "{log_type}");
        }
    }
}
