//! Facts about the whole shop, measured on what it sends.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vigie_domain::time::{Timestamp, parse_instant};

use crate::stream::EVENTS_PER_VISIT;
use crate::{ATTACK_KINDS, GeneratedEvent, LiveShop, ShopOptions, past};

const FROM: Timestamp = Timestamp::from_seconds(1_763_856_000);

fn day(seed: u64, events: u64) -> Vec<GeneratedEvent> {
    past(ShopOptions { seed, from: FROM, to: FROM.day().end(), events }).collect()
}

fn read(events: &[GeneratedEvent]) -> Vec<Value> {
    let value = |event: &GeneratedEvent| {
        serde_json::from_str(&event.json).unwrap_or_else(|error| panic!("{error} in {}", event.json))
    };
    events.iter().map(value).collect()
}

/// A field under the first of its names that is there; dots reach into objects.
fn field<'a>(event: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| {
        let nested = || event.pointer(&format!("/{}", name.replace('.', "/")));
        event.get(*name).or_else(nested).filter(|value| !value.is_object())
    })
}

fn text<'a>(event: &'a Value, names: &[&str]) -> &'a str {
    field(event, names).and_then(Value::as_str).unwrap_or("")
}

/// The type it says, or what its fields show for the services that say none.
fn type_of(event: &Value) -> &str {
    match text(event, &["log_type"]) {
        "" if field(event, &["error_type"]).is_some() => "error",
        "" if field(event, &["response_time_ms"]).is_some() => "performance",
        "" => "other",
        said => said,
    }
}

fn shares<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, f64> {
    let mut counts = BTreeMap::new();
    let mut total = 0.0;
    for name in names {
        *counts.entry(name).or_insert(0.0) += 1.0;
        total += 1.0;
    }
    counts.values_mut().for_each(|count| *count *= 100.0 / total);
    counts
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    assert_eq!(day(7, 3_000), day(7, 3_000));
    assert_ne!(day(7, 300)[..20], day(8, 300)[..20]);
}

#[test]
fn a_past_has_exactly_so_many_events_in_time_order_and_in_range() {
    let check = |events: u64, seconds: i64| {
        let to = FROM.saturating_add_nanos(seconds * 1_000_000_000);
        let made: Vec<_> = past(ShopOptions { seed: 5, from: FROM, to, events }).collect();
        assert_eq!(made.len() as u64, events, "{events} events in {seconds} s");
        assert!(made.is_sorted_by_key(|event| event.timestamp));
        assert!(made.iter().all(|event| FROM <= event.timestamp && event.timestamp < to));
    };
    for (events, seconds) in
        [(0, 60), (1, 60), (17, 1), (999, 3_600), (5_000, 60), (12_000, 86_400), (9_000, 2_592_000)]
    {
        check(events, seconds);
    }
    assert_eq!(past(ShopOptions { seed: 5, from: FROM, to: FROM, events: 9 }).count(), 0);
}

#[test]
fn the_written_time_is_the_time_of_the_event() {
    for event in day(3, 4_000) {
        let value: Value = serde_json::from_str(&event.json).unwrap();
        let written = match field(&value, &["@timestamp", "timestamp"]).and_then(Value::as_str) {
            Some(text) => parse_instant(text, FROM),
            None => value.get("ts").and_then(Value::as_i64).map(Timestamp::from_millis),
        };
        assert_eq!(written.map(Timestamp::as_millis), Some(event.timestamp.as_millis()), "{}", event.json);
    }
}

#[test]
fn types_and_levels_have_the_shares_of_a_shop() {
    let events = read(&day(11, 30_000));
    let types = shares(events.iter().map(type_of));
    let levels = shares(events.iter().map(|event| text(event, &["level", "log.level"])));
    let check = |shares: &BTreeMap<&str, f64>, name: &str, from: f64, to: f64| {
        let share = shares.get(name).copied().unwrap_or(0.0);
        assert!((from..=to).contains(&share), "{name}: {share:.2} % of {shares:?}");
    };
    check(&types, "user_behavior", 36.0, 44.0);
    check(&types, "performance", 31.0, 39.0);
    check(&types, "transaction", 14.5, 20.5);
    check(&types, "error", 3.8, 6.2);
    check(&types, "fraud", 0.9, 2.1);
    check(&levels, "INFO", 78.0, 90.0);
    check(&levels, "DEBUG", 1.0, 9.0);
    check(&levels, "WARN", 3.0, 7.0);
    check(&levels, "ERROR", 3.0, 5.5);
    check(&levels, "FATAL", 0.001, 0.2);
}

#[test]
fn every_kind_of_attack_is_there_and_few_transactions_belong_to_one() {
    let events = read(&day(1, 60_000));
    let labels: BTreeSet<_> = events.iter().filter_map(|event| event.pointer("/label/attack")?.as_str()).collect();
    assert_eq!(labels, ATTACK_KINDS.into_iter().collect());
    let transactions: Vec<_> = events.iter().filter(|event| type_of(event) == "transaction").collect();
    let attacks = transactions.iter().filter(|event| event.get("label").is_some()).count();
    let share = attacks as f64 * 100.0 / transactions.len() as f64;
    assert!((0.4..=1.3).contains(&share), "{share:.2} %");
}

#[test]
fn fewer_visits_reach_each_later_step_of_the_funnel() {
    let events = read(&day(2, 30_000));
    let mut steps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.get("label").is_none()) {
        let session = text(event, &["session_id", "sessionId", "session.id"]);
        let paid = type_of(event) == "transaction" && text(event, &["status"]) == "completed" && !session.is_empty();
        let step = if paid { "paid" } else { text(event, &["action"]) };
        steps.entry(step).or_default().insert(session);
    }
    let views = steps["product_view"].len() as f64;
    for (step, percent) in [("add_to_cart", 38.0), ("checkout", 21.0), ("paid", 18.0)] {
        let share = steps[step].len() as f64 * 100.0 / views;
        assert!((share - percent).abs() < 3.5, "{step}: {share:.1} % of viewing visits");
    }
    assert!(steps["checkout"].len() >= steps["paid"].len() && steps["add_to_cart"].len() > steps["checkout"].len());
}

#[test]
fn a_live_shop_gives_the_same_however_often_it_is_asked() {
    let end = FROM.saturating_add_nanos(40 * 1_000_000_000);
    let at_once = LiveShop::new(4, FROM, 50.0).until(end);
    let mut shop = LiveShop::new(4, FROM, 50.0);
    let steps = (0..=400).flat_map(|tenth| shop.until(FROM.saturating_add_nanos(tenth * 100_000_000)));
    assert_eq!(steps.collect::<Vec<_>>(), at_once);
    assert!((1_200..2_800).contains(&at_once.len()), "{}", at_once.len());
    assert!(at_once.is_sorted_by_key(|event| event.timestamp) && at_once[0].timestamp >= FROM);
    assert!(LiveShop::new(4, FROM, 50.0).until(FROM.saturating_add_nanos(-1)).is_empty());
}

#[test]
fn a_mean_visit_has_as_many_events_as_the_rate_counts_on() {
    let mut shop = LiveShop::new(6, FROM, 100.0);
    let events = shop.until(FROM.saturating_add_nanos(120 * 1_000_000_000)).len() as f64;
    let ratio = events / 12_000.0;
    assert!((0.9..1.1).contains(&ratio), "{:.2} events per visit, not {EVENTS_PER_VISIT}", ratio * EVENTS_PER_VISIT);
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[test]
fn no_line_holds_what_looks_like_a_card_number_or_a_private_address() {
    assert!(passes_luhn(b"4111111111111111"));
    for event in day(9, 20_000) {
        for run in event.json.as_bytes().split(|byte| !byte.is_ascii_digit()) {
            // Thirteen digits that begin with 1 are milliseconds since 1970.
            let card = (13..=19).contains(&run.len()) && run[0] != b'1' && passes_luhn(run);
            assert!(!card, "{}", event.json);
        }
        for private in ["\"10.", "\"192.168.", "\"127.", "\"fe80:", "\"fd00:", "@gmail"] {
            assert!(!event.json.contains(private), "{private} in {}", event.json);
        }
    }
}

#[test]
fn the_day_has_a_deployment_and_an_outage() {
    let events = read(&day(12, 30_000));
    let deployed = events.iter().filter(|event| text(event, &["event_action"]) == "deployment").count();
    let timeouts = events.iter().filter(|event| {
        text(event, &["service"]) == "payment" && field(event, &["status_code"]).and_then(Value::as_i64) == Some(504)
    });
    assert_eq!(deployed, 1);
    assert!(timeouts.count() >= 10);
}

#[test]
fn night_risk_is_at_night() {
    for event in
        read(&day(1, 60_000)).iter().filter(|event| event.pointer("/label/attack") == Some(&"night_risk".into()))
    {
        if let Some(at) = event.get("timestamp").and_then(Value::as_str) {
            let hour: u32 = at[11..13].parse().unwrap();
            assert!(!(5..23).contains(&hour), "{at}");
        }
    }
}
