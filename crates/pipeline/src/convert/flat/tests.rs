//! The short way and the long way give the same events.

use std::sync::Arc;

use proptest::prelude::*;
use vigie_domain::{EventBatch, TimeRange, Timestamp};

use super::LINES_BEFORE;
use crate::{Batch, BulkBatch, DecodeOptions, Pipeline, Redactor, decode_bulk, decode_bytes};

fn options(pipeline: Option<&str>) -> DecodeOptions {
    DecodeOptions {
        pipeline: pipeline.map(|text| Arc::new(Pipeline::from_toml(text).unwrap())),
        format: Some(crate::Format::Ndjson),
        ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), Arc::new(Redactor::new(&[7; 32]).unwrap()))
    }
}

/// Every line in a body of its own, which is too short for the short way.
fn one_by_one(lines: &[&str], options: &DecodeOptions) -> Batch {
    let mut all = Batch::default();
    for line in lines {
        let one = decode_bytes(line.as_bytes(), options).unwrap();
        one.events.rows().for_each(|row| all.events.push_row(row));
        all.redactions.add(&one.redactions);
        all.rejects.extend(one.rejects);
    }
    all
}

/// All lines in one body, behind as many as go the long way.
fn together(lines: &[&str], options: &DecodeOptions) -> Batch {
    let mut body = "{\"n\":1}\n".repeat(LINES_BEFORE);
    lines.iter().for_each(|line| body.extend([line, "\n"]));
    let mut batch = decode_bytes(body.as_bytes(), options).unwrap();
    let mut events = EventBatch::default();
    batch.events.rows().skip(LINES_BEFORE).for_each(|row| events.push_row(row));
    batch.events = events;
    batch.rejects.iter_mut().for_each(|reject| reject.line = 1);
    batch
}

/// How many of the lines go the short way.
fn short(lines: &[&str], options: &DecodeOptions) -> usize {
    let mut flat = super::FlatLines::new(options).unwrap();
    flat.lines = LINES_BEFORE;
    let mut events = EventBatch::default();
    lines
        .iter()
        .filter(|line| flat.push(line.as_bytes(), super::SentWith::default(), options, &mut events).is_some())
        .count()
}

fn check(lines: &[&str], options: &DecodeOptions) {
    let (alone, together) = (one_by_one(lines, options), together(lines, options));
    for (one, other) in alone.events.events().zip(together.events.events()) {
        assert_eq!(one, other);
    }
    assert_eq!(alone, together);
}

const ORDINARY: [&str; 10] = [
    r#"{"@timestamp":"2026-11-23T14:04:05.678Z","log_type":"error","level":"ERROR","message":"down","n":1.5}"#,
    r#"{"@timestamp":"2026-11-23T14:04:05Z","level":"warn","service":"cart","client_ip":"78.46.0.1","a":null}"#,
    r#"{ "ts" : 1795442645 , "severity" : "notice" , "msg" : "x" , "client_ip" : "10.0.0.1" }"#,
    r#"{"time":"2026-11-23 14:04:05","amount":12.5,"currency":"EUR","transaction_id":"t1","card_hash":"ab"}"#,
    r#"{"timestamp":"2026-11-23T14:04:05.678Z","date":"2020-01-01T00:00:00.000Z","level":3,"message":"é 日本"}"#,
    r#"{"@timestamp":"2026-11-23T14:04:05.678Z","user_agent":"Mozilla/5.0 (Windows NT 10.0) Firefox/130.0","page":"/"}"#,
    r#"{"@timestamp":"2026-11-23T14:04:05.678Z","userAgent":"curl/8.5.0","geo":"x","ip":"78.46.0.1"}"#,
    r#"{"@timestamp":"2026-11-23T14:04:05.678Z","log_type":"User-Behavior","trace_id":"de6f65de81a660e404c930c02bcf95ba"}"#,
    r#"{"@timestamp":"2026-11-23T14:04:05.678Z","geo.country":"DE","client_ip":"78.46.0.1","ok":true}"#,
    r#"{"@timestamp":"2026-11-23T14:04:05.678Z","level":"critical","id":9007199254740993,"big":58.65947130554738}"#,
];

const ODD: [&str; 24] = [
    "{}",
    "{",
    "not JSON",
    r#"{"a":1,"a":2,"ts":1795442645}"#,
    r#"{"ts":1795442645,"password":"hunter22"}"#,
    r#"{"ts":1795442645,"note":"card 4111 1111 1111 1111"}"#,
    r#"{"ts":1795442645,"note":4111111111111111}"#,
    r#"{"ts":1795442645,"a":"\u00e9\n"}"#,
    r#"{"ts":1795442645,"a":{"b":1},"c":[1,2]}"#,
    r#"{"ts":1795442645,"a":123456789012345678901234567890}"#,
    r#"{"ts":"soon","message":"x"}"#,
    r#"{"ts":"","message":"x"}"#,
    r#"{"message":"no time"}"#,
    r#"{"ts":1795442645,"_id":"mine"}"#,
    r#"{"ts":1795442645,"level":"loud"}"#,
    r#"{"ts":1795442645,"level":null,"severity":"warn"}"#,
    r#"{"ts":1795442645,"level":"info","severity":"warn"}"#,
    r#"{"ts":1795442645,"log_type":"nonsense"}"#,
    r#"{"ts":1795442645,"log_type":null,"error_message":"declined"}"#,
    r#"{"ts":1795442645,"client_ip":"example.com"}"#,
    r#"{"ts":1795442645,"client_ip":"3ffe::1"}"#,
    r#"{"ts":1795442645,"amount":"12.50","currency":"EUR","status_code":200.5}"#,
    r#"{"@timestamp":null,"ts":1795442645,"source.address":"78.46.0.1"}"#,
    r#"{"ts":"1800-01-01T00:00:00Z","level_original":"x","level":"warning"}"#,
];

#[test]
fn both_ways_give_the_same_events() {
    let odd_between: Vec<&str> = ORDINARY.into_iter().chain(ODD).chain(ORDINARY).collect();
    for pipeline in [None, Some("version = 1"), Some("version = 1\n[enrich]\ngeoip = false")] {
        let options = options(pipeline);
        check(&odd_between, &options);
        let from = Timestamp::from_seconds(1_795_000_000);
        let window = Some(TimeRange { from, to: Timestamp::from_seconds(1_796_000_000) });
        check(&odd_between, &DecodeOptions { window, ..options });
    }
}

#[test]
fn ordinary_lines_go_the_short_way_and_odd_ones_do_not() {
    let options = options(Some("version = 1"));
    assert_eq!(short(&ORDINARY, &options), ORDINARY.len());
    assert_eq!(short(&ODD, &options), 0);
}

#[test]
fn a_sender_that_names_fields_after_values_goes_the_long_way() {
    let options = options(Some("version = 1"));
    let lines: Vec<String> = (0..9_000).map(|n| format!("{{\"ts\":1795442645,\"f{n}\":{n},\"x{n}\":1}}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert!(short(&lines, &options) <= 16);
    check(&lines[..300], &options);
}

#[test]
fn what_is_learned_of_a_body_is_bounded() {
    let options = options(Some("version = 1"));
    // Each line is one field longer than the one before, so that each has a shape of its own.
    let mut line = r#"{"ts":1795442645"#.to_owned();
    let mut lines = Vec::new();
    for number in 0..300 {
        line.push_str(&format!(",\"f{number}\":1"));
        lines.push(format!("{line}}}"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let learned = short(&lines, &options);
    assert!((150..200).contains(&learned), "{learned} lines went the short way");
    assert_eq!(short(&[&lines[..20], &lines[..20], lines.as_slice()].concat(), &options), learned + 40);
    check(&lines, &options);
}

/// What may differ between requests with one document and with many.
fn events_of(batch: &BulkBatch, skipped: usize) -> Vec<(vigie_domain::Event, Option<String>)> {
    let events = batch.events.events().skip(skipped);
    let stored = batch.items.iter().filter(|item| matches!(item.fate, crate::BulkFate::Event(_))).skip(skipped);
    events.zip(stored.map(|item| item.id.clone())).collect()
}

fn check_bulk(action: &str, lines: &[&str], options: &DecodeOptions) {
    let item = |line: &str| format!("{action}\n{line}\n");
    let mut alone = Vec::new();
    for line in lines {
        alone.extend(events_of(&decode_bulk(item(line).as_bytes(), None, options).unwrap(), 0));
    }
    let mut body = item("{\"n\":1}").repeat(LINES_BEFORE);
    lines.iter().for_each(|line| body.push_str(&item(line)));
    let all = decode_bulk(body.as_bytes(), None, options).unwrap();
    assert_eq!(alone, events_of(&all, LINES_BEFORE), "{action}");
}

#[test]
fn documents_of_bulk_requests_are_the_same_too() {
    let lines: Vec<&str> = ORDINARY.into_iter().chain(ODD).filter(|line| line.ends_with('}')).collect();
    let mut options = options(Some("version = 1"));
    options.window =
        Some(TimeRange { from: Timestamp::from_seconds(1_795_000_000), to: Timestamp::from_seconds(1_796_000_000) });
    let mut made = crate::MadeIndices::default();
    made.add("made", Some("made"));
    options.made_indices = Arc::new(made);
    for action in [
        r#"{"index":{}}"#.to_owned(),
        r#"{"create":{"_index":"ecommerce-logs-2026.11.23"}}"#.to_owned(),
        r#"{"index":{"_index":"shop"}}"#.to_owned(),
        r#"{"index":{"_index":"shop","_id":"mine"}}"#.to_owned(),
        r#"{"index":{"_id":"mine"}}"#.to_owned(),
        r#"{"index":{"_id":"4111111111111111"}}"#.to_owned(),
        r#"{"index":{"_index":"made","_id":"mine"}}"#.to_owned(),
    ] {
        check_bulk(&action, &lines, &options);
    }
}

/// A field as senders have them: known or not, of the right kind or not.
fn any_field() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "@timestamp",
        "timestamp",
        "date",
        "log_type",
        "level",
        "severity",
        "log.level",
        "message",
        "msg",
        "service",
        "error_message",
        "client_ip",
        "ip",
        "source.address",
        "geo.country",
        "geo",
        "user_agent",
        "agent",
        "user_agent.name",
        "amount",
        "currency",
        "transaction_id",
        "order_id",
        "status_code",
        "response_time_ms",
        "cache_hit",
        "action",
        "page",
        "session_id",
        "password",
        "api_key",
        "level_original",
        "tags",
        "x",
        "y",
        "_id",
        "@timestamp_original",
        "a\\\"b",
    ]);
    let value = prop_oneof![
        4 => prop::sample::select(vec![
            "\"2026-11-23T14:04:05.678Z\"", "\"2026-11-23T14:04:05+01:00\"", "1795442645", "\"error\"", "\"INFO\"",
            "\"warning\"", "\"transaction\"", "\"78.46.0.1\"", "\"10.0.0.1\"", "\"EUR\"", "12.5", "200", "true", "null",
            "\"\"", "\" \"", "\"curl/8.5.0\"", "\"4111111111111111\"", "4111111111111111", "\"a=b token=abcdefgh\"", "[1]",
            "{\"a\":1}", "1e3", "-0", "0.1", "123456789012345678901", "\"\\n\"", "58.65947130554738", "\"/cart\"",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,20}".prop_map(|text| format!("\"{text}\"")),
    ];
    (name, value, "[ ]?").prop_map(|(name, value, space)| format!("\"{name}\":{space}{value}"))
}

proptest! {
    #[test]
    fn both_ways_give_the_same_events_of_anything(
        lines in prop::collection::vec(prop::collection::vec(any_field(), 1..7), 1..6), is_enriched in any::<bool>()
    ) {
        let lines: Vec<String> = lines.into_iter().map(|fields| format!("{{{}}}", fields.join(","))).collect();
        // Twice: what was learned of a line is used for the next.
        let lines: Vec<&str> = lines.iter().chain(&lines).map(String::as_str).collect();
        check(&lines, &options(is_enriched.then_some("version = 1")));
    }
}
