//! What is listed, what of it a payment names, and what follows.

use std::sync::Arc;

use vigie_domain::fraud::features::Bounds;
use vigie_domain::{Event, EventBatch, LogType, Timestamp, Value};

use super::{ListEntry, ListKind, Lists};
use crate::rules::{Decision, Effect, RuleDefinition, RuleSet, Thresholds};
use crate::scoring::{Outcome, Scorer, Verdict};
use crate::stream::ActivityReader;

use Effect::{Allow, Block, Review};

const BOUNDS: Bounds = Bounds { keys_max: 1_000, kept_max: 100 };
const PAYMENT: &str = r#"{"transaction_id":"t-1","amount":20.5,"user_id":"u-1","card_hash":"c-1","card_bin":"49707012","device_id":"d-1",
    "client_ip":"203.0.113.7","email_domain":"Mail.Example","billing_country":"FR","shipping_country":"FR","card_country":"GB"}"#;

fn entry(kind: ListKind, value: &str, effect: Effect) -> ListEntry {
    ListEntry::new(kind, value, effect, None).unwrap()
}

/// What is said of the payment at second 1,000 with these entries and a rule of that many points that always fires.
fn verdict(entries: Vec<ListEntry>, points: u8) -> Verdict {
    let rule = RuleDefinition::draft("always", "transaction.amount > 0.0", points);
    let rules = RuleSet::new(vec![rule], Thresholds::default()).unwrap();
    let mut scorer = Scorer::new(BOUNDS, Arc::new(rules));
    scorer.set_lists(Arc::new(Lists::new(entries)));
    let Ok(Value::Object(body)) = serde_json::from_str(PAYMENT) else { panic!("the payment is no object") };
    let timestamp = Timestamp::from_seconds(1_000);
    let mut batch = EventBatch::default();
    batch.push(&Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body });
    let (row, mut reader) = (batch.rows().next().unwrap(), ActivityReader::default());
    match scorer.score(&reader.read(&row).unwrap()) {
        Outcome::Judged(verdict, _) => *verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_spelled_as_payments_are_compared() {
    let check = |kind: ListKind, value: &str, expected: Result<&str, &str>| {
        let found = ListEntry::new(kind, value, Block, None);
        match (found, expected) {
            (Ok(entry), Ok(expected)) => assert_eq!(entry.value, expected, "{kind:?} {value}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, expected) => panic!("{kind:?} {value}: {found:?}, not {expected:?}"),
        }
    };
    check(ListKind::Card, " c-1 ", Ok("c-1"));
    check(ListKind::Card, "", Err("has 0 bytes"));
    check(ListKind::User, &"u".repeat(257), Err("has 257 bytes"));
    check(ListKind::Bin, "497070", Ok("497070"));
    check(ListKind::Bin, "49707", Err("the first 6 to 8 digits"));
    check(ListKind::Bin, "4970ab", Err("the first 6 to 8 digits"));
    check(ListKind::Ip, "203.0.113.9/24", Ok("203.0.113.0/24"));
    check(ListKind::Ip, "203.0.113.0/40", Err("no address and no network"));
    check(ListKind::EmailDomain, "someone@Mail.Example", Ok("mail.example"));
    check(ListKind::EmailDomain, "mail", Err("no domain"));
    check(ListKind::Country, "fr", Ok("FR"));
    check(ListKind::Country, "FRA", Err("two letters"));
}

#[test]
fn an_entry_of_each_kind_is_found() {
    let check = |kind: ListKind, value: &str, expected: bool| {
        let listed = verdict(vec![entry(kind, value, Block)], 0).listed;
        assert_eq!(listed.iter().any(|listed| listed.kind == kind), expected, "{kind:?} {value}");
    };
    check(ListKind::Card, "c-1", true);
    check(ListKind::Card, "c-2", false);
    check(ListKind::Bin, "497070", true);
    check(ListKind::Bin, "49707012", true);
    check(ListKind::Bin, "4970702", false);
    check(ListKind::Ip, "203.0.113.7", true);
    check(ListKind::Ip, "203.0.113.0/28", true);
    check(ListKind::Ip, "203.0.113.8/29", false);
    check(ListKind::EmailDomain, "mail.example", true);
    check(ListKind::Device, "d-1", true);
    check(ListKind::User, "u-1", true);
    check(ListKind::User, "U-1", false);
    check(ListKind::Country, "gb", true);
    check(ListKind::Country, "de", false);
}

#[test]
fn block_beats_allow_and_allow_beats_review_and_rules() {
    let check = |entries: &[(ListKind, &str, Effect)], points: u8, expected: (Decision, u8, &str)| {
        let listed = entries.iter().map(|(kind, value, effect)| entry(*kind, value, *effect)).collect();
        let verdict = verdict(listed, points);
        assert_eq!((verdict.decision, verdict.score, verdict.reasons[0].rule.as_str()), expected, "{entries:?}");
    };
    let card = |effect| (ListKind::Card, "c-1", effect);
    let country = |effect| (ListKind::Country, "FR", effect);
    check(&[], 50, (Decision::Review, 50, "always"));
    check(&[card(Block)], 10, (Decision::Block, 100, "list_block"));
    check(&[card(Allow)], 90, (Decision::Allow, 90, "list_allow"));
    check(&[card(Review)], 10, (Decision::Review, 45, "list_review"));
    check(&[card(Review)], 90, (Decision::Block, 90, "list_review"));
    check(&[country(Allow), card(Block)], 10, (Decision::Block, 100, "list_block"));
    check(&[country(Review), card(Allow)], 90, (Decision::Allow, 90, "list_allow"));
    check(&[country(Block), card(Allow)], 10, (Decision::Block, 100, "list_block"));
    check(&[country(Allow), card(Review)], 90, (Decision::Allow, 90, "list_allow"));
}

#[test]
fn an_entry_counts_until_it_expires() {
    let check = |expires_at: i64, expected: Decision| {
        let entry =
            ListEntry { expires_at: Some(Timestamp::from_seconds(expires_at)), ..entry(ListKind::User, "u-1", Block) };
        assert_eq!(verdict(vec![entry], 0).decision, expected, "{expires_at}");
    };
    check(1_001, Decision::Block);
    check(1_000, Decision::Allow);
    check(1, Decision::Allow);
}
