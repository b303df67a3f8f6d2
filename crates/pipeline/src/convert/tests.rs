//! What drafts become.

use vigie_domain::{LogType, TimeRange, Timestamp};

use super::*;
use std::sync::Arc;

/// 2026-11-23T14:04:05Z.
const RECEIVED_S: i64 = 1_795_442_645;

fn options() -> DecodeOptions {
    let redactor = Redactor::new(&[7; 32]).unwrap();
    DecodeOptions::new(Timestamp::from_seconds(RECEIVED_S), Arc::new(redactor))
}

fn draft(json: &str) -> Draft {
    match serde_json::from_str(json) {
        Ok(Value::Object(body)) => Draft::new(body),
        other => panic!("{json}: {other:?}"),
    }
}

fn converted(json: &str, options: &DecodeOptions) -> Result<Event, Refusal> {
    convert(draft(json), options, &mut RedactionCounts::default())
}

fn check_with(options: &DecodeOptions, json: &str, expected: &str) -> Event {
    let event = converted(json, options).unwrap();
    assert_eq!(serde_json::to_string(&Value::Object(event.body.clone())).unwrap(), expected, "{json}");
    event
}

fn check(json: &str, expected: &str) -> Event {
    check_with(&options(), json, expected)
}

#[test]
fn the_time_is_found_under_its_names() {
    let event = check(
        r#"{"@timestamp":"2026-11-23T13:00:00+01:00","a":1}"#,
        r#"{"@timestamp":"2026-11-23T12:00:00.000Z","a":1,"log_type":"other"}"#,
    );
    assert_eq!(event.timestamp, Timestamp::from_seconds(1_795_435_200));
    check(
        r#"{"ts":1795435200.25,"date":"2020-01-01"}"#,
        r#"{"ts":1795435200.25,"date":"2020-01-01","log_type":"other","@timestamp":"2026-11-23T12:00:00.250Z"}"#,
    );
    check(
        r#"{"timestamp":null,"time":"1795435200000"}"#,
        r#"{"timestamp":null,"time":"1795435200000","log_type":"other","@timestamp":"2026-11-23T12:00:00.000Z"}"#,
    );
    let by_field = DecodeOptions { time_field: Some("order.at".into()), ..options() };
    check_with(
        &by_field,
        r#"{"order":{"at":"2026-11-23"},"@timestamp":5}"#,
        r#"{"order":{"at":"2026-11-23"},"@timestamp":"2026-11-23T00:00:00.000Z","log_type":"other","@timestamp_original":5}"#,
    );
}

#[test]
fn without_a_time_it_is_that_of_arrival() {
    let event =
        check(r"{}", r#"{"log_type":"other","@timestamp":"2026-11-23T14:04:05.000Z","tags":["_no_timestamp"]}"#);
    assert_eq!((event.timestamp, event.ingested_at), (options().received_at, options().received_at));
    check(
        r#"{"time":"soon","tags":"mine"}"#,
        r#"{"time":"soon","tags":["mine","_dateparsefailure"],"log_type":"other","@timestamp":"2026-11-23T14:04:05.000Z"}"#,
    );
    check(
        r#"{"@timestamp":"soon"}"#,
        r#"{"@timestamp":"2026-11-23T14:04:05.000Z","log_type":"other","@timestamp_original":"soon","tags":["_dateparsefailure"]}"#,
    );
    check(
        r#"{"@timestamp":"9999-12-31T23:59:59Z"}"#,
        r#"{"@timestamp":"2026-11-23T14:04:05.000Z","log_type":"other","@timestamp_original":"9999-12-31T23:59:59Z","tags":["_dateparsefailure"]}"#,
    );
}

#[test]
fn outside_the_window_is_refused() {
    let window =
        TimeRange { from: Timestamp::from_seconds(RECEIVED_S - 1000), to: Timestamp::from_seconds(RECEIVED_S) };
    let options = DecodeOptions { window: Some(window), ..options() };
    let refused = |json: &str| converted(json, &options).unwrap_err().reason;
    assert_eq!(
        refused(r#"{"@timestamp":"1970-01-01"}"#),
        "@timestamp 1970-01-01T00:00:00.000Z is outside the accepted window 2026-11-23T13:47:25.000Z to 2026-11-23T14:04:05.000Z; send any_time=true to keep it"
    );
    assert!(refused(r#"{"ts":"9999-12-31T23:59:59Z"}"#).starts_with("ts 9999-12-31T23:59:59Z is outside"));
    assert!(converted(r#"{"ts":"2026-11-23T14:00:00Z"}"#, &options).is_ok());
    assert!(converted(r#"{"ts":"soon"}"#, &options).is_ok());
}

/// Checks what stands between the time and the end.
fn check_rest(json: &str, expected: &str) -> Event {
    let sent = json.replacen('{', r#"{"@timestamp":"2026-11-23T12:00:00.000Z","#, 1);
    let expected = expected.replacen('{', r#"{"@timestamp":"2026-11-23T12:00:00.000Z","#, 1);
    check(&sent, &expected)
}

#[test]
fn the_level_has_one_spelling_and_what_was_sent_stays() {
    check_rest(r#"{"level":"warning"}"#, r#"{"level":"WARN","log_type":"other","level_original":"warning"}"#);
    check_rest(r#"{"level":"INFO"}"#, r#"{"level":"INFO","log_type":"other"}"#);
    check_rest(r#"{"level":3}"#, r#"{"level":"ERROR","log_type":"error","level_original":3}"#);
    check_rest(r#"{"level":"banana"}"#, r#"{"level":"banana","log_type":"other","tags":["_unknown_level"]}"#);
    check_rest(r#"{"severity":"crit"}"#, r#"{"severity":"crit","log_type":"error","level":"FATAL"}"#);
    check_rest(r#"{"severity":"DEBUG"}"#, r#"{"severity":"DEBUG","log_type":"other"}"#);
    check_rest(r#"{"log":{"level":"warn"}}"#, r#"{"log":{"level":"warn"},"log_type":"other","level":"WARN"}"#);
    check_rest(
        r#"{"severity":"x","level":"info"}"#,
        r#"{"severity":"x","level":"INFO","log_type":"other","level_original":"info"}"#,
    );
}

#[test]
fn the_log_type_is_given_named_or_detected() {
    let event = check_rest(r#"{"log_type":"User-Behavior"}"#, r#"{"log_type":"user_behavior"}"#);
    assert_eq!(event.log_type, LogType::UserBehavior);
    let event = check_rest(
        r#"{"log_type":"payments","fraud_score":1}"#,
        r#"{"log_type":"payments","fraud_score":1,"tags":["_unknown_log_type"]}"#,
    );
    assert_eq!(event.log_type, LogType::Fraud);
    let given = DecodeOptions { log_type: Some(LogType::Transaction), ..options() };
    let event = check_with(
        &given,
        r#"{"@timestamp":"2026-11-23","log_type":"error"}"#,
        r#"{"@timestamp":"2026-11-23T00:00:00.000Z","log_type":"transaction","log_type_original":"error"}"#,
    );
    assert_eq!(event.log_type, LogType::Transaction);
}

#[test]
fn values_take_the_kind_of_their_field() {
    check_rest(
        r#"{"log_type":"transaction","amount":"12.50","items":[{"quantity":"2","price":"0.10"},{"quantity":"two"}]}"#,
        r#"{"log_type":"transaction","amount":12.5,"items":[{"quantity":2,"price":0.1},{"quantity":"two"}],"tags":["_type_conflict"]}"#,
    );
    check_rest(r#"{"log_type":"error","amount":"12.50"}"#, r#"{"log_type":"error","amount":"12.50"}"#);
    check_rest(
        r#"{"http":{"response":{"status_code":"404"}},"method":"GET"}"#,
        r#"{"http":{"response":{"status_code":404}},"method":"GET","log_type":"performance"}"#,
    );
    check_rest(r#"{"user_id":42,"user_agent":"curl"}"#, r#"{"user_id":42,"user_agent":"curl","log_type":"other"}"#);
}

#[test]
fn an_error_message_is_also_the_message() {
    check_rest(r#"{"error_message":"x"}"#, r#"{"error_message":"x","log_type":"error","message":"x"}"#);
    check_rest(r#"{"error_message":"x","msg":"y"}"#, r#"{"error_message":"x","msg":"y","log_type":"error"}"#);
}

#[test]
fn the_id_leaves_the_body() {
    let id = |json: &str| converted(json, &options()).map(|event| event.id.map(|id| id.0)).map_err(|r| r.reason);
    assert_eq!(id(r#"{"_id":"order-1"}"#), Ok(Some("order-1".into())));
    assert_eq!(id(r#"{"_id":7}"#), Ok(Some("7".into())));
    assert_eq!(id(r#"{"_id":""}"#), Ok(None));
    assert_eq!(id(r#"{"_id":null}"#), Ok(None));
    assert!(id(r#"{"_id":"~1f"}"#).is_err());
    assert!(id(&format!(r#"{{"_id":"{}"}}"#, "x".repeat(513))).is_err());
    check_rest(r#"{"_id":"a"}"#, r#"{"log_type":"other"}"#);
}

#[test]
fn columns_are_renamed_first() {
    let options =
        DecodeOptions { rename: vec![("TX".into(), "amount".into()), ("AT".into(), "ts".into())], ..options() };
    check_with(
        &options,
        r#"{"TX":"1.50","AT":"2026-11-23","currency":"EUR"}"#,
        r#"{"amount":1.5,"ts":"2026-11-23","currency":"EUR","log_type":"transaction","@timestamp":"2026-11-23T00:00:00.000Z"}"#,
    );
}

#[test]
fn what_may_never_be_stored_is_taken_out_before_anything_quotes_it() {
    check(
        r#"{"ts":"2026-11-23T14:00:00Z","pan":4111111111111111,"card_hash":"x","card_bin":"x","card_last4":"x","cvv":"123"}"#,
        r#"{"ts":"2026-11-23T14:00:00Z","pan":"411111******1111","card_hash":"x","card_bin":"x","card_last4":"x","cvv":"[redacted:cvv]","log_type":"other","@timestamp":"2026-11-23T14:00:00.000Z"}"#,
    );
    let id = |json: &str| converted(json, &options()).unwrap().id.unwrap().0;
    assert_eq!(id(r#"{"_id":"4111111111111111-7"}"#).len(), 64);
    assert_ne!(id(r#"{"_id":"4111111111111111-7"}"#), id(r#"{"_id":"4111111111111111-8"}"#));
    assert_eq!(id(r#"{"_id":"order-7"}"#), "order-7");
    let window = TimeRange { from: Timestamp::from_seconds(RECEIVED_S), to: Timestamp::MAX };
    let narrow = DecodeOptions { window: Some(window), ..options() };
    let refusal = converted(r#"{"ts":"2020-01-01","note":"4111 1111 1111 1111"}"#, &narrow).unwrap_err();
    assert!(!format!("{refusal:?}").contains("4111 1111"), "{refusal:?}");
}
