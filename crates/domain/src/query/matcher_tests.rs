//! What matches what, a line per case.

use super::*;
use crate::event::{Event, EventId};
use crate::log_type::LogType;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::value::Value;

/// 2026-11-23T14:04:05Z.
const NOW_S: i64 = 1_795_442_645;

fn event(json: &str) -> Event {
    let Ok(Value::Object(body)) = serde_json::from_str(json) else { panic!("no object: {json}") };
    let timestamp = Timestamp::from_seconds(NOW_S - 60);
    Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }
}

fn matches(query: &Query, scope: &Scope, json: &str) -> bool {
    let matcher = Matcher::compile(query, scope, Timestamp::from_seconds(NOW_S)).unwrap();
    matcher.matches(&event(json), &EventId("order-1".into()))
}

fn check(query: Query, json: &str, expected: bool) {
    assert_eq!(matches(&query, &Scope::main(), json), expected, "{query:?} on {json}");
}

fn field(name: &str, predicate: Predicate) -> Query {
    Query::Field { field: name.into(), predicate }
}

fn between(name: &str, lower: Bound, upper: Bound) -> Query {
    field(name, Predicate::Range { lower, upper })
}

fn inclusive(text: &str) -> Bound {
    Bound::Inclusive(text.into())
}

#[test]
fn keywords_are_compared_whole_and_by_case() {
    check(Query::equals("service", "cart"), r#"{"service":"cart"}"#, true);
    check(Query::equals("service", "cart"), r#"{"service.name":"cart"}"#, true);
    check(Query::equals("service", "Cart"), r#"{"service":"cart"}"#, false);
    check(Query::equals("service", "cart"), r#"{"service":"cart api"}"#, false);
    check(Query::equals("level", "error"), r#"{"level":"ERROR"}"#, true);
    check(Query::equals("tags", "b"), r#"{"tags":["a","b"]}"#, true);
    check(Query::equals("service", "cart"), r#"{"service":null}"#, false);
}

#[test]
fn numbers_are_compared_by_value() {
    check(Query::equals("amount", "5.0"), r#"{"amount":5}"#, true);
    check(Query::equals("user_id", "42"), r#"{"user_id":42}"#, true);
    check(Query::equals("user_id", "42"), r#"{"user_id":"42"}"#, true);
    check(Query::equals("user_id", "42.0"), r#"{"user_id":"42"}"#, false);
    check(Query::equals("n", "9007199254740993"), r#"{"n":9007199254740993}"#, true);
    check(Query::equals("n", "9007199254740992"), r#"{"n":9007199254740993}"#, false);
    check(Query::equals("cache_hit", "true"), r#"{"cache_hit":true}"#, true);
}

#[test]
fn texts_are_searched_by_words() {
    check(Query::equals("message", "gateway timeout"), r#"{"message":"Gateway timeout, retry"}"#, true);
    check(Query::equals("message", "timeout gateway"), r#"{"message":"gateway timeout"}"#, false);
    check(Query::equals("message", "echec"), r#"{"message":"Échec du paiement"}"#, true);
    check(Query::equals("message", "pay"), r#"{"message":"payment"}"#, false);
    check(field("message", Predicate::Wildcard("PAY*".into())), r#"{"message":"the payment"}"#, true);
    check(Query::FreeText(TextPattern::Words("cart".into())), r#"{"service":"the-cart"}"#, true);
    check(Query::FreeText(TextPattern::Words("5".into())), r#"{"n":5}"#, false);
    check(Query::FreeText(TextPattern::Words("--".into())), r#"{"a":"--"}"#, false);
    let anywhere = |word: &str, json: &str, expected: bool| {
        check(Query::FreeText(TextPattern::Words(word.into())), json, expected);
    };
    anywhere("out", r#"{"a":"timeout OUT"}"#, true);
    anywhere("out", r#"{"a":"timeout out_of outing"}"#, false);
    anywhere("5xx", r#"{"a":"a 5XX"}"#, true);
    anywhere("é", r#"{"a":"plain E"}"#, true);
    anywhere("timed out", r#"{"a":"it Timed  out"}"#, true);
    anywhere("cafe", r#"{"a":"Café"}"#, true);
}

#[test]
fn ranges_read_their_bounds_by_the_values() {
    check(between("amount", inclusive("5"), Bound::Open), r#"{"amount":5}"#, true);
    check(between("amount", Bound::Exclusive("5".into()), Bound::Open), r#"{"amount":5}"#, false);
    check(between("amount", inclusive("5"), Bound::Open), r#"{"amount":"7"}"#, false);
    check(between("name", inclusive("b"), inclusive("d")), r#"{"name":"c"}"#, true);
    check(between("client_ip", inclusive("10.0.0.9"), inclusive("10.0.0.20")), r#"{"client_ip":"10.0.0.10"}"#, true);
    check(between("client_ip", inclusive("10.0.0.9"), Bound::Open), r#"{"client_ip":"::1"}"#, false);
    check(between("@timestamp", inclusive("now-15m"), Bound::Open), "{}", true);
    check(between("@timestamp", inclusive("now"), Bound::Open), "{}", false);
}

#[test]
fn addresses_networks_patterns_and_existence() {
    check(field("client_ip", Predicate::Network("10.0.0.0/8".parse().unwrap())), r#"{"ip":"10.1.2.3"}"#, true);
    check(field("client_ip", Predicate::Network("10.0.0.0/8".parse().unwrap())), r#"{"ip":"11.1.2.3"}"#, false);
    check(Query::equals("client_ip", "::1"), r#"{"client_ip":"0:0:0:0:0:0:0:1"}"#, true);
    check(field("endpoint", Predicate::Wildcard("/api/*".into())), r#"{"endpoint":"/api/pay"}"#, true);
    check(Query::exists("geo"), r#"{"geo":{"country":"FR"}}"#, true);
    check(Query::exists("coupon"), r#"{"coupon":null}"#, false);
    check(Query::equals("_id", "order-1"), "{}", true);
    check(Query::equals("log_type", "transaction"), "{}", true);
}

#[test]
fn hidden_fields_match_nothing_and_restrictions_always_hold() {
    let hiding = Scope { hidden_fields: vec!["email".into()], ..Scope::main() };
    let json = r#"{"email":"a@b.example","service":"cart"}"#;
    assert!(!matches(&Query::equals("email", "a@b.example"), &hiding, json));
    assert!(!matches(&Query::FreeText(TextPattern::Words("example".into())), &hiding, json));
    let restricted = Scope { restriction: Some(Query::equals("service", "web")), ..Scope::main() };
    assert!(!matches(&Query::All, &restricted, json));
}

#[test]
fn an_unreadable_time_is_named() {
    let query = between("@timestamp", inclusive("soon"), Bound::Open);
    let error = Matcher::compile(&query, &Scope::main(), Timestamp::from_seconds(NOW_S)).unwrap_err();
    assert!(error.message.contains("\"soon\" is no time"), "{error}");
    assert!(query.resolved(Timestamp::from_seconds(NOW_S)).is_err());
}

#[test]
fn relative_times_become_instants() {
    let query = between("@timestamp", inclusive("now-15m"), Bound::Open);
    let resolved = query.resolved(Timestamp::from_seconds(NOW_S)).unwrap();
    assert_eq!(resolved, between("@timestamp", inclusive("2026-11-23T13:49:05.000Z"), Bound::Open));
}
