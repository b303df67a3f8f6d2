//! What rules would have done with payments of the past.
//!
//! Not a second scorer: signals and expressions are those of live decisions, each worked out once per payment. Invariant: what is known
//! of a payment at its place in the stream is what was known then; a label weighs on those after it from the instant at which it was given.

use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_domain::fraud::features::{Amount, Bounds};
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{TimeRange, Timestamp};

use crate::cel::{Rule, Slot};
use crate::lists::Lists;
use crate::rules::{Decision, Effect, Mode, RuleDefinition, RuleError, RuleSet, Thresholds};
use crate::stream::{APPROACHED, Activity, Field, Replay, ShopHistory, Told};

/// Days of a week.
const WEEK_NANOS: i64 = 7 * NANOS_PER_DAY;
/// 1970-01-01 was a Thursday: the Monday before lies this far before it.
const MONDAY_NANOS: i64 = -3 * NANOS_PER_DAY;
/// What money without a currency is counted under: ISO 4217 for no currency.
const NO_CURRENCY: &str = "XXX";

/// Sums of money, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money(BTreeMap<String, i128>);

impl Money {
    /// Adds an amount.
    pub fn add(&mut self, currency: Option<&str>, amount: Amount) {
        let currency = currency.unwrap_or(NO_CURRENCY);
        let parts = i128::from(amount.parts());
        match self.0.get_mut(currency) {
            Some(sum) => *sum += parts,
            None => {
                self.0.insert(currency.to_owned(), parts);
            }
        }
    }

    /// Currency and sum in its units; `XXX` where no currency was sent.
    pub fn sums(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(currency, parts)| (currency.as_str(), Amount::units_of_sum(*parts)))
    }
}

/// What a rule hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Payments that it hit.
    pub hit_count: u64,
    /// Those of them that were fraud.
    pub fraud_hit_count: u64,
    /// Money of frauds that it hit and that would not have gone through.
    pub money_saved: Money,
    /// Money of other payments that it hit and that would not have gone through.
    pub good_money_blocked: Money,
}

impl Tally {
    fn count(&mut self, payment: &Judged<'_>) {
        self.hit_count += 1;
        self.fraud_hit_count += u64::from(payment.is_fraud);
        if payment.after != Decision::Allow {
            let money = if payment.is_fraud { &mut self.money_saved } else { &mut self.good_money_blocked };
            money.add(payment.currency, payment.amount);
        }
    }

    /// The share of hits that were fraud; `None` without a hit.
    pub fn precision(&self) -> Option<f64> {
        (self.hit_count > 0).then(|| self.fraud_hit_count as f64 / self.hit_count as f64)
    }
}

/// What is asked about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTrial {
    /// The rule.
    pub name: String,
    /// Whether it would count.
    pub mode: Mode,
    /// Of all payments.
    pub total: Tally,
    /// By week, which begins on Monday at midnight UTC.
    pub weeks: BTreeMap<Timestamp, Tally>,
    /// Rules that hit payments that this one hit, and how many; the most first.
    pub overlaps: Vec<(String, u64)>,
}

/// Payments by what is done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionCounts {
    /// They go through.
    pub allow: u64,
    /// Somebody looks at them.
    pub review: u64,
    /// They are refused.
    pub block: u64,
}

impl DecisionCounts {
    fn count(&mut self, decision: Decision) {
        match decision {
            Decision::Allow => self.allow += 1,
            Decision::Review => self.review += 1,
            Decision::Block => self.block += 1,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BacktestReport {
    /// Payments that were judged.
    pub payment_count: u64,
    /// Those that were fraud.
    pub fraud_count: u64,
    /// The rules that were tried, as they were given.
    pub rules: Vec<RuleTrial>,
    /// With the rules in force.
    pub before: DecisionCounts,
    /// With those that were tried beside or in place of them.
    pub after: DecisionCounts,
    /// Rules that failed for some payment, with the first cause.
    pub failures: BTreeMap<String, String>,
}

/// One rule of the trial.
struct Tried {
    definition: RuleDefinition,
    rule: Rule,
    is_in_force: bool,
    /// Where it stands among those that are tried.
    draft: Option<usize>,
    /// Whether a rule that is tried takes its place.
    is_replaced: bool,
}

/// One payment with what is done with it.
struct Judged<'a> {
    currency: Option<&'a str>,
    amount: Amount,
    is_fraud: bool,
    after: Decision,
}

/// What rules want done with the payment at hand.
#[derive(Clone, Copy, Default)]
struct Wanted {
    points: u32,
    effect: Option<Effect>,
}

impl Wanted {
    fn add(&mut self, rule: &RuleDefinition) {
        self.points += u32::from(rule.points);
        self.effect = self.effect.max(rule.action);
    }

    fn decision(self, of_lists: Option<Effect>, thresholds: Thresholds) -> Decision {
        thresholds.decide_with(self.points, Effect::obeyed(of_lists, self.effect)).1
    }
}

/// What is judged, and by what.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Rules in force.
    pub in_force: Vec<RuleDefinition>,
    /// Rules that are tried; one with the name of a rule in force takes its place.
    pub drafts: Vec<RuleDefinition>,
    /// Lists in force.
    pub lists: Arc<Lists>,
    /// From which scores on something is done.
    pub thresholds: Thresholds,
    /// Payments before it are remembered, not judged.
    pub range: TimeRange,
}

/// Tries rules on payments in the order in which they came.
pub struct Backtest {
    replay: Replay,
    tried: Vec<Tried>,
    lists: Arc<Lists>,
    thresholds: Thresholds,
    range: TimeRange,
    report: BacktestReport,
    /// How often each of `tried` hit what each draft hit.
    overlaps: Vec<Vec<u64>>,
    /// Which of `tried` hit the payment at hand.
    hits: Vec<usize>,
}

impl Backtest {
    /// Nothing was judged yet.
    ///
    /// # Errors
    /// As [`RuleSet::new`] for the drafts.
    pub fn new(trial: Trial, bounds: Bounds) -> Result<Self, RuleError> {
        let Trial { in_force, drafts, lists, thresholds, range } = trial;
        // What may be in force together may be tried together.
        RuleSet::new(drafts.clone(), thresholds)?;
        let is_replaced = |name: &str| drafts.iter().any(|draft| draft.name == name);
        let mut tried = Vec::with_capacity(in_force.len() + drafts.len());
        for definition in in_force.into_iter().filter(|definition| definition.mode != Mode::Off) {
            let is_replaced = is_replaced(&definition.name);
            tried.push(Tried { rule: compiled(&definition)?, definition, is_in_force: true, draft: None, is_replaced });
        }
        let mut rules = Vec::with_capacity(drafts.len());
        for (place, definition) in drafts.into_iter().enumerate() {
            rules.push(RuleTrial {
                name: definition.name.clone(),
                mode: definition.mode,
                total: Tally::default(),
                weeks: BTreeMap::new(),
                overlaps: Vec::new(),
            });
            let rule = compiled(&definition)?;
            tried.push(Tried { rule, definition, is_in_force: false, draft: Some(place), is_replaced: false });
        }
        let signals = tried.iter().flat_map(|tried| tried.rule.uses().iter().copied());
        Ok(Self {
            replay: Replay::new(ShopHistory::for_signals(bounds, signals)),
            overlaps: vec![vec![0; tried.len()]; rules.len()],
            hits: Vec::with_capacity(tried.len()),
            tried,
            lists,
            thresholds,
            range,
            report: BacktestReport { rules, ..BacktestReport::default() },
        })
    }

    /// Takes what happened next, in order.
    pub fn take(&mut self, next: &[Told<'_>]) {
        for some in next.chunks(APPROACHED) {
            self.replay.approach(some.iter().map(|(activity, _)| activity));
            for (activity, fraud_known_at) in some {
                if self.replay.take(activity, *fraud_known_at) && self.range.contains(activity.at) {
                    self.judge(activity, fraud_known_at.is_some());
                }
            }
        }
    }

    fn judge(&mut self, activity: &Activity<'_>, is_fraud: bool) {
        let values = self.replay.signals(activity);
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let (mut before, mut after) = (Wanted::default(), Wanted::default());
        for (place, tried) in self.tried.iter().enumerate() {
            if !fires(tried, &values, &mut self.report.failures) {
                continue;
            }
            hits.push(place);
            if tried.definition.mode == Mode::Active {
                if tried.is_in_force {
                    before.add(&tried.definition);
                }
                if !tried.is_replaced {
                    after.add(&tried.definition);
                }
            }
        }
        drop(values);
        let listed = self.lists.find(activity).first().map(|listed| listed.effect);
        let before = before.decision(listed, self.thresholds);
        let after = after.decision(listed, self.thresholds);
        let currency = activity.text(Field::Currency);
        let payment = Judged { currency, amount: activity.amount, is_fraud, after };
        self.report.payment_count += 1;
        self.report.fraud_count += u64::from(is_fraud);
        self.report.before.count(before);
        self.report.after.count(after);
        let drafts = hits.iter().filter_map(|place| self.tried[*place].draft);
        for draft in drafts {
            let trial = &mut self.report.rules[draft];
            trial.total.count(&payment);
            trial.weeks.entry(week_of(activity.at)).or_default().count(&payment);
            hits.iter().for_each(|place| self.overlaps[draft][*place] += 1);
        }
        self.hits = hits;
    }

    /// What came of it.
    pub fn into_report(self) -> BacktestReport {
        let Self { mut report, tried, overlaps, .. } = self;
        for (draft, (trial, counts)) in report.rules.iter_mut().zip(overlaps).enumerate() {
            let others = tried.iter().zip(counts).filter(|(tried, count)| {
                *count > 0 && tried.draft != Some(draft) && !(tried.is_in_force && tried.definition.name == trial.name)
            });
            trial.overlaps = others.map(|(tried, count)| (tried.definition.name.clone(), count)).collect();
            trial.overlaps.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        }
        report
    }
}

fn compiled(definition: &RuleDefinition) -> Result<Rule, RuleError> {
    let compiled = Rule::compile(&definition.expression, RuleSet::schema());
    compiled.map_err(|error| RuleError::Expression { name: definition.name.clone(), error })
}

/// Whether a rule fires; the first failure of one is noted.
fn fires(tried: &Tried, values: &[Slot<'_>], failures: &mut BTreeMap<String, String>) -> bool {
    match tried.rule.evaluate(values) {
        Ok(fires) => fires,
        Err(crate::cel::EvaluationError::Missing(_)) => false,
        Err(crate::cel::EvaluationError::Failed(why)) => {
            failures.entry(tried.definition.name.clone()).or_insert(why);
            false
        }
    }
}

/// The Monday, at midnight UTC, of the week of an instant.
fn week_of(at: Timestamp) -> Timestamp {
    let since = at.as_nanos().saturating_sub(MONDAY_NANOS).rem_euclid(WEEK_NANOS);
    at.saturating_add_nanos(-since)
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, EventBatch, LogType, Value};

    use super::*;
    use crate::lists::{ListEntry, ListKind};
    use crate::stream::ActivityReader;

    const BOUNDS: Bounds = Bounds { keys_max: 1_000, kept_max: 100 };
    /// 2026-11-23, a Monday.
    const MONDAY_S: i64 = 1_795_392_000;
    const DAY_S: i64 = 86_400;

    fn rule(name: &str, expression: &str, points: u8, mode: Mode) -> RuleDefinition {
        RuleDefinition { mode, ..RuleDefinition::draft(name, expression, points) }
    }

    fn trial(in_force: Vec<RuleDefinition>, drafts: Vec<RuleDefinition>) -> Trial {
        Trial { in_force, drafts, lists: Arc::default(), thresholds: Thresholds::default(), range: TimeRange::ALL }
    }

    /// A payment of that many euros at that second behind Monday, and when it turned out to be fraud.
    fn report(trial: Trial, payments: &[(i64, &str, f64, Option<i64>)]) -> BacktestReport {
        let mut backtest = Backtest::new(trial, BOUNDS).unwrap();
        let mut batch = EventBatch::default();
        for (place, (second, user, amount, _)) in payments.iter().enumerate() {
            let timestamp = Timestamp::from_seconds(MONDAY_S + second);
            let body = format!(
                r#"{{"transaction_id":"t-{place}","amount":{amount},"currency":"EUR","user_id":"{user}","card_hash":"c-{user}"}}"#
            );
            let Ok(Value::Object(body)) = serde_json::from_str(&body) else { panic!("{body} is no object") };
            batch.push(&Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body });
        }
        let mut reader = ActivityReader::default();
        let known_at = |second: &Option<i64>| second.map(|second| Timestamp::from_seconds(MONDAY_S + second));
        let told = batch.rows().zip(payments).map(|(row, payment)| (reader.read(&row).unwrap(), known_at(&payment.3)));
        backtest.take(&told.collect::<Vec<_>>());
        backtest.into_report()
    }

    fn sums(money: &Money) -> Vec<(&str, f64)> {
        money.sums().collect()
    }

    #[test]
    fn hits_money_and_weeks_are_counted() {
        let drafts = vec![
            rule("large", "transaction.amount > 100.0", 50, Mode::Active),
            rule("huge", "transaction.amount > 300.0", 90, Mode::Active),
        ];
        let payments = [
            (0, "a", 20.0, None),
            (10, "b", 150.0, None),
            (20, "c", 200.5, Some(7 * DAY_S)),
            (7 * DAY_S, "d", 400.0, Some(30 * DAY_S)),
            (7 * DAY_S + 1, "e", 50.0, Some(30 * DAY_S)),
        ];
        let report = report(trial(Vec::new(), drafts), &payments);
        assert_eq!((report.payment_count, report.fraud_count), (5, 3));
        let large = &report.rules[0];
        assert_eq!((large.total.hit_count, large.total.fraud_hit_count), (3, 2));
        assert_eq!(large.total.precision(), Some(2.0 / 3.0));
        assert_eq!(sums(&large.total.money_saved), [("EUR", 600.5)]);
        assert_eq!(sums(&large.total.good_money_blocked), [("EUR", 150.0)]);
        let weeks: Vec<(i64, u64)> = large
            .weeks
            .iter()
            .map(|(from, tally)| (from.as_nanos() / 1_000_000_000 - MONDAY_S, tally.hit_count))
            .collect();
        assert_eq!(weeks, [(0, 2), (7 * DAY_S, 1)]);
        assert_eq!(large.overlaps, [("huge".to_owned(), 1)]);
        assert_eq!(report.before, DecisionCounts { allow: 5, review: 0, block: 0 });
        assert_eq!(report.after, DecisionCounts { allow: 2, review: 2, block: 1 });
    }

    #[test]
    fn a_draft_takes_the_place_of_the_rule_of_its_name_and_a_shadow_changes_nothing() {
        let in_force = vec![
            rule("large", "transaction.amount > 10.0", 90, Mode::Active),
            rule("off", "true", 90, Mode::Off),
            rule("other", "transaction.amount > 100.0", 10, Mode::Active),
        ];
        let payments = [(0, "a", 20.0, None), (10, "b", 150.0, None)];
        let stricter = rule("large", "transaction.amount > 100.0", 90, Mode::Active);
        let found = report(trial(in_force.clone(), vec![stricter]), &payments);
        assert_eq!(found.before, DecisionCounts { allow: 0, review: 0, block: 2 });
        assert_eq!(found.after, DecisionCounts { allow: 1, review: 0, block: 1 });
        assert_eq!(found.rules[0].overlaps, [("other".to_owned(), 1)]);
        let shadow = rule("shadow", "transaction.amount > 0.0", 90, Mode::Shadow);
        let found = report(trial(in_force, vec![shadow]), &payments);
        assert_eq!((found.before, found.rules[0].total.hit_count), (found.after, 2));
    }

    #[test]
    fn an_action_is_obeyed_whatever_the_points_say() {
        let acting = |name: &str, expression: &str, effect: Effect| RuleDefinition {
            action: Some(effect),
            ..rule(name, expression, 0, Mode::Active)
        };
        let in_force = vec![rule("large", "transaction.amount > 10.0", 90, Mode::Active)];
        let drafts = vec![
            acting("known", "transaction.amount > 100.0", Effect::Allow),
            acting("tiny", "transaction.amount < 1.0", Effect::Block),
        ];
        let payments = [(0, "a", 20.0, None), (10, "b", 150.0, None), (20, "c", 0.5, Some(30)), (30, "d", 130.0, None)];
        let found = report(trial(in_force, drafts), &payments);
        assert_eq!(found.before, DecisionCounts { allow: 1, review: 0, block: 3 });
        assert_eq!(found.after, DecisionCounts { allow: 2, review: 0, block: 2 });
        assert_eq!(found.rules[1].total.money_saved.sums().collect::<Vec<_>>(), [("EUR", 0.5)]);
    }

    #[test]
    fn a_fraud_weighs_from_when_it_was_known() {
        let draft = || vec![rule("known", "card.fraud_count > 0", 90, Mode::Active)];
        let check = |known_at: Option<i64>, expected: u64| {
            let payments = [(0, "a", 20.0, known_at), (100, "a", 20.0, None), (200, "a", 20.0, None)];
            let hit_count = report(trial(Vec::new(), draft()), &payments).rules[0].total.hit_count;
            assert_eq!(hit_count, expected, "{known_at:?}");
        };
        check(None, 0);
        check(Some(50), 2);
        check(Some(100), 2);
        check(Some(101), 1);
        check(Some(201), 0);
    }

    #[test]
    fn what_lies_before_the_range_is_remembered_and_lists_are_obeyed() {
        let draft = rule("second", "user.count_24h >= 2", 50, Mode::Active);
        let from = Timestamp::from_seconds(MONDAY_S + 50);
        let listed = ListEntry::new(ListKind::User, "b", Effect::Block, None).unwrap();
        let asked = Trial {
            range: TimeRange { from, to: Timestamp::MAX },
            lists: Arc::new(Lists::new([listed])),
            ..trial(Vec::new(), vec![draft])
        };
        let found = report(asked, &[(0, "a", 20.0, None), (60, "a", 20.0, None), (70, "b", 20.0, None)]);
        assert_eq!((found.payment_count, found.rules[0].total.hit_count), (2, 1));
        assert_eq!(found.after, DecisionCounts { allow: 0, review: 1, block: 1 });
    }

    #[test]
    fn what_cannot_be_in_force_is_not_tried_and_what_fails_is_told() {
        let wrong = rule("wrong", "transaction.amout > 1.0", 1, Mode::Active);
        assert!(Backtest::new(trial(Vec::new(), vec![wrong]), BOUNDS).is_err());
        let fails = rule("fails", "1 / user.refund_count_24h > 0", 1, Mode::Active);
        let found = report(trial(Vec::new(), vec![fails]), &[(0, "a", 20.0, None)]);
        assert_eq!(found.failures.keys().collect::<Vec<_>>(), ["fails"]);
    }
}
