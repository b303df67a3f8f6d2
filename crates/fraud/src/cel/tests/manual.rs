//! The examples of the manual are rules, and its refusal is told as it says.

use super::super::Rule;
use crate::rules::RuleSet;

const MANUAL: &str = include_str!("../../../../../docs/fraud-rules.md");

#[test]
fn examples_of_the_manual_are_told_as_it_says() {
    let schema = RuleSet::schema();
    let examples: Vec<&str> = MANUAL.split("```").skip(1).step_by(2).map(str::trim).collect();
    let (refused, rules) = examples.split_last().unwrap();
    assert_eq!(rules.len(), 8);
    for rule in rules {
        assert!(Rule::compile(rule, schema).is_ok(), "{rule}: {:?}", Rule::compile(rule, schema));
    }
    let (text, told) = refused.split_once('\n').unwrap();
    let (marks, message) = told.split_once(' ').unwrap();
    let error = Rule::compile(text, schema).unwrap_err();
    assert_eq!((error.message.as_str(), error.span), (message, (0, marks.len())));
}
