//! Rules in force: modes, scores, failures.

use super::{Decision, Effect, Mode, RuleDefinition, RuleError, RuleSet, Thresholds};
use crate::cel::Slot;
use crate::stream::{SIGNALS, Signal};

fn rule(name: &str, expression: &str, points: u8, mode: Mode) -> RuleDefinition {
    let (reason_en, reason_fr) = ("{transaction.amount} paid".to_owned(), "{transaction.amount} payés".to_owned());
    RuleDefinition { mode, reason_en, reason_fr, ..RuleDefinition::draft(name, expression, points) }
}

fn paid(amount: f64) -> Vec<Slot<'static>> {
    let mut values = vec![Slot::Missing; SIGNALS.len()];
    values[1] = Slot::Double(amount);
    values
}

#[test]
fn a_rule_in_shadow_never_changes_a_decision() {
    let rules = RuleSet::new(
        vec![
            rule("large", "transaction.amount > 100.0", 50, Mode::Active),
            rule("huge", "transaction.amount > 1000.0", 50, Mode::Shadow),
            rule("never", "transaction.amount > 0.0", 50, Mode::Off),
        ],
        Thresholds::default(),
    )
    .unwrap();
    let values = paid(5_000.0);
    let judgement = rules.judge(&values);
    assert_eq!((judgement.score, judgement.decision), (50, Decision::Review));
    assert_eq!(judgement.hits[0].reason_en(&values), "5,000 paid");
    assert_eq!(judgement.shadow_hits[0].rule.name, "huge");
    let mut activated: Vec<RuleDefinition> = rules.definitions().cloned().collect();
    activated[1].mode = Mode::Active;
    let rules = rules.with(activated).unwrap();
    assert_eq!(rules.judge(&values).decision, Decision::Block);
    assert_eq!(rules.judge(&paid(1.0)).hits, []);
}

#[test]
fn actions_are_obeyed_whatever_the_points_say() {
    let check = |actions: &[(Option<Effect>, Mode)], expected: (u8, Decision), heaviest: &[u8]| {
        let acting = |(place, (action, mode)): (usize, &(Option<Effect>, Mode))| {
            let rule = rule(&format!("rule_{place}"), "transaction.amount > 0.0", 30, *mode);
            RuleDefinition { action: *action, ..rule }
        };
        let rules = RuleSet::new(actions.iter().enumerate().map(acting).collect(), Thresholds::default()).unwrap();
        let values = paid(1.0);
        let judgement = rules.judge(&values);
        assert_eq!((judgement.score, judgement.decision), expected, "{actions:?}");
        assert_eq!(judgement.hits.iter().map(|hit| hit.points).collect::<Vec<_>>(), heaviest, "{actions:?}");
    };
    use Effect::{Allow, Block, Review};
    use Mode::{Active, Shadow};
    check(&[(None, Active)], (30, Decision::Allow), &[30]);
    check(&[(Some(Review), Active)], (45, Decision::Review), &[45]);
    check(&[(None, Active), (Some(Block), Active)], (100, Decision::Block), &[100, 30]);
    check(&[(Some(Allow), Active), (None, Active), (None, Active)], (90, Decision::Allow), &[30, 30, 30]);
    check(&[(Some(Allow), Active), (Some(Review), Active)], (60, Decision::Allow), &[45, 30]);
    check(&[(Some(Block), Active), (Some(Allow), Active)], (100, Decision::Block), &[100, 30]);
    check(&[(Some(Block), Shadow), (None, Active)], (30, Decision::Allow), &[30]);
}

#[test]
fn what_is_missing_fires_nothing_and_what_fails_is_told() {
    let rules = RuleSet::new(
        vec![
            rule("country", "transaction.ip_country == 'NG'", 90, Mode::Active),
            rule("divided", "user.count_10m / user.count_1h > 1", 90, Mode::Active),
        ],
        Thresholds::default(),
    )
    .unwrap();
    let mut values = paid(1.0);
    let place = |name: &str| Signal::place(name).unwrap();
    values[place("user.count_10m")] = Slot::Int(1);
    values[place("user.count_1h")] = Slot::Int(0);
    let judgement = rules.judge(&values);
    assert_eq!((judgement.score, judgement.decision, judgement.hits.len()), (0, Decision::Allow, 0));
    assert_eq!(judgement.failures.len(), 1);
    assert_eq!(judgement.failures[0].0.name, "divided");
}

#[test]
fn rules_that_cannot_be_in_force_are_refused() {
    let check = |rules: Vec<RuleDefinition>, expected: &str| {
        let error = RuleSet::new(rules, Thresholds::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        error
    };
    let fine = || rule("a", "transaction.amount > 1.0", 1, Mode::Active);
    check(vec![fine(), fine()], "a name of its own");
    check(vec![rule("", "true", 1, Mode::Active)], "a name of its own");
    check(vec![rule("a", "true", 101, Mode::Active)], "101 points");
    let error = check(vec![rule("a", "transaction.amout > 1.0", 1, Mode::Active)], "transaction.amount");
    assert!(matches!(error, RuleError::Expression { .. }));
}
