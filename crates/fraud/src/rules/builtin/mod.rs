//! The rules that every shop begins with: one file each, in the order of the signals that they stand for.

mod account_takeover;
mod automation;
mod card_country_mismatch;
mod card_testing;
mod coupon_reuse;
mod disposable_email;
mod high_amount;
mod impossible_travel;
mod ip_mismatch;
mod known_fraud;
mod linked_fraud;
mod many_refunds;
mod multiple_failed_attempts;
mod new_account;
mod night_purchase;
mod rapid_transactions;
mod shared_card;
mod shared_device;
mod small_amounts;
mod suspicious_location;
mod unusual_amount;

use super::{Mode, RuleDefinition};
use crate::cel::Slot;

/// A rule that every shop begins with.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    name: &'static str,
    expression: &'static str,
    points: u8,
    reason_en: &'static str,
    reason_fr: &'static str,
    /// Signals that it fires for, all others missing.
    #[cfg_attr(not(test), expect(dead_code, reason = "cases of the registry's test"))]
    fires: &'static [(&'static str, Slot<'static>)],
    /// Signals that it stays silent for.
    #[cfg_attr(not(test), expect(dead_code, reason = "cases of the registry's test"))]
    silent: &'static [(&'static str, Slot<'static>)],
}

/// All of them.
pub const BUILTIN_RULES: [Builtin; 21] = [
    card_testing::RULE,
    small_amounts::RULE,
    rapid_transactions::RULE,
    ip_mismatch::RULE,
    suspicious_location::RULE,
    card_country_mismatch::RULE,
    impossible_travel::RULE,
    disposable_email::RULE,
    account_takeover::RULE,
    multiple_failed_attempts::RULE,
    many_refunds::RULE,
    coupon_reuse::RULE,
    automation::RULE,
    high_amount::RULE,
    unusual_amount::RULE,
    new_account::RULE,
    shared_device::RULE,
    shared_card::RULE,
    night_purchase::RULE,
    known_fraud::RULE,
    linked_fraud::RULE,
];

impl Builtin {
    /// What it is called.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// As people write rules.
    pub fn definition(&self) -> RuleDefinition {
        RuleDefinition {
            name: self.name.to_owned(),
            expression: self.expression.to_owned(),
            points: self.points,
            action: None,
            owner: String::new(),
            mode: Mode::Active,
            reason_en: self.reason_en.to_owned(),
            reason_fr: self.reason_fr.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RuleSet, Thresholds};
    use super::*;
    use crate::stream::{SIGNALS, Signal};

    /// Whether the rule fires for these signals and no others.
    fn fires(rule: &Builtin, told: &[(&str, Slot<'static>)]) -> bool {
        let mut values = vec![Slot::Missing; SIGNALS.len()];
        for (name, value) in told {
            let place = Signal::place(name).unwrap_or_else(|| panic!("no signal {name}"));
            values[place] = *value;
        }
        let rules = RuleSet::new(vec![rule.definition()], Thresholds::default()).unwrap();
        let judgement = rules.judge(&values);
        assert_eq!(judgement.failures, [], "{}", rule.name);
        !judgement.hits.is_empty()
    }

    #[test]
    fn every_rule_fires_for_its_case_and_is_silent_for_another() {
        for rule in &BUILTIN_RULES {
            assert!(fires(rule, rule.fires), "{} is silent", rule.name);
            assert!(!fires(rule, rule.silent), "{} fires", rule.name);
            assert!(!fires(rule, &[]), "{} fires for nothing", rule.name);
            assert!((1..=100).contains(&rule.points) && rule.reason_en != rule.reason_fr, "{}", rule.name);
        }
    }

    #[test]
    fn reasons_name_signals_only() {
        for rule in &BUILTIN_RULES {
            for text in [rule.reason_en, rule.reason_fr] {
                for named in text.split('{').skip(1) {
                    let named = named.split('}').next().unwrap_or_default();
                    let (name, forms) = named.split_once(' ').unwrap_or((named, "|"));
                    assert!(Signal::place(name).is_some(), "{}: {name}", rule.name);
                    assert_eq!(forms.matches('|').count(), 1, "{}: {forms}", rule.name);
                }
            }
        }
    }
}
