//! The examples of the manual are rules, and its refusal is told as it says.

use super::super::{Kind, Rule, Schema};

const MANUAL: &str = include_str!("../../../../../docs/fraud-rules.md");
const NAMES: [(&str, Kind); 10] = [
    ("transaction.amount", Kind::Double),
    ("transaction.at", Kind::Instant),
    ("transaction.billing_country", Kind::Text),
    ("transaction.shipping_country", Kind::Text),
    ("user.count_1h", Kind::Int),
    ("user.count_24h", Kind::Int),
    ("user.countries", Kind::Texts),
    ("user.created_at", Kind::Instant),
    ("user.email", Kind::Text),
    ("user.mean_amount", Kind::Double),
];

#[test]
fn examples_of_the_manual_are_told_as_it_says() {
    let schema = Schema::new(&NAMES);
    let examples: Vec<&str> = MANUAL.split("```").skip(1).step_by(2).map(str::trim).collect();
    let (refused, rules) = examples.split_last().unwrap();
    assert_eq!(rules.len(), 8);
    for rule in rules {
        assert!(Rule::compile(rule, &schema).is_ok(), "{rule}: {:?}", Rule::compile(rule, &schema));
    }
    let (text, told) = refused.split_once('\n').unwrap();
    let (marks, message) = told.split_once(' ').unwrap();
    let error = Rule::compile(text, &schema).unwrap_err();
    assert_eq!((error.message.as_str(), error.span), (message, (0, marks.len())));
}
