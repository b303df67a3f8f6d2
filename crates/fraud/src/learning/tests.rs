//! A model learns a fraud that rules do not see, is judged by newer payments, and uses no label before it was known.

use std::sync::Arc;

use vigie_domain::fraud::features::Bounds;
use vigie_domain::{Event, EventBatch, LogType, TimeRange, Timestamp, Value};

use super::{Learner, LearningError, Lessons, LiveModel, RARE_WHEN_HIGH, Trained};
use crate::dice::Dice;
use crate::rules::{RuleSet, Thresholds};
use crate::stream::{ActivityReader, Replay, ShopHistory};
use crate::{Imported, Settings, import_xgboost};

const BOUNDS: Bounds = Bounds { keys_max: 5_000, kept_max: 100 };

/// Payments half a minute apart; one in thirty is a fraud of 300 euros or more, hours after a card's usual small payment.
fn payments(count: i64) -> Vec<(Event, bool)> {
    let mut dice = Dice::new(7);
    let payment = |number: i64| {
        let is_fraud = dice.is_within(1.0 / 30.0);
        let amount = if is_fraud { 300 + number % 97 } else { 10 + number % 89 };
        let user = number % 211;
        let body = format!(
            r#"{{"transaction_id":"t-{number}","amount":{amount},"currency":"EUR","user_id":"u-{user}","card_hash":"c-{user}"}}"#
        );
        let Ok(Value::Object(body)) = serde_json::from_str(&body) else { panic!("{body} is no object") };
        let timestamp = Timestamp::from_seconds(1_795_392_000 + 30 * number);
        (Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }, is_fraud)
    };
    (0..count).map(payment).collect()
}

/// What is learnt of these payments when a fraud is known that many seconds after it was made.
fn learnt(payments: &[(Event, bool)], delay_s: i64) -> Result<Trained, LearningError> {
    learnt_by(Learner::Trees, payments, Some(delay_s))
}

/// The same by a learner; without a delay nothing is ever known.
fn learnt_by(learner: Learner, payments: &[(Event, bool)], delay_s: Option<i64>) -> Result<Trained, LearningError> {
    lessons(payments, delay_s).train(learner, &Settings { tree_count: 30, ..Settings::default() })
}

/// What is learnt from.
fn lessons(payments: &[(Event, bool)], delay_s: Option<i64>) -> Lessons {
    let rules = Arc::new(RuleSet::new(Vec::new(), Thresholds::default()).unwrap());
    let mut lessons = Lessons::new(rules, TimeRange::ALL, BOUNDS);
    let mut reader = ActivityReader::default();
    for (event, is_fraud) in payments {
        let mut batch = EventBatch::default();
        batch.push(event);
        let row = batch.rows().next().unwrap();
        let delay_s = delay_s.filter(|_| *is_fraud);
        let known_at = delay_s.map(|delay_s| event.timestamp.saturating_add_nanos(delay_s * 1_000_000_000));
        lessons.take(&[(reader.read(&row).unwrap(), known_at)]);
    }
    lessons
}

#[test]
fn a_model_finds_what_rules_do_not_see_and_says_by_what() {
    let Trained { report, .. } = learnt(&payments(3_000), 60).unwrap();
    assert_eq!((report.training_count, report.test_count), (2_400, 600));
    let (model, rules) = (report.model.unwrap(), report.rules.unwrap());
    assert!(model.area_under_roc > 0.99, "{report:?}");
    let gain = report.gain.unwrap();
    assert!(gain.over.is_none() && gain.is_clear() && gain.mean > 0.5, "{gain:?}");
    assert!((rules.area_under_roc - 0.5).abs() < 1e-9, "no rule says anything: {report:?}");
    assert!(report.flagged_fraud_count > 0 && report.flagged_fraud_count == report.flagged_count, "{report:?}");
    let heaviest: Vec<&str> = report.weights.iter().take(3).map(|(name, _)| name.as_str()).collect();
    assert!(heaviest.contains(&"transaction.amount"), "{heaviest:?}");
}

#[test]
fn what_is_rare_is_found_without_any_label_and_says_by_what() {
    let payments = payments(3_000);
    let Trained { model, report } = learnt_by(Learner::Tails, &payments, None).unwrap();
    assert_eq!((report.training_fraud_count, report.test_fraud_count, report.model), (0, 0, None));
    assert_eq!(report.flagged_count, 3, "half a percent of 600: {report:?}");
    // Labels that are known change nothing of what is learnt, and say how good it is.
    let labelled = learnt_by(Learner::Tails, &payments, Some(60)).unwrap();
    assert_eq!(labelled.model, model);
    let quality = labelled.report.model.unwrap();
    assert!(quality.area_under_roc > 0.95, "{:?}", labelled.report);
    assert_eq!((labelled.report.flagged_count, labelled.report.flagged_fraud_count), (3, 3));
    assert_eq!(labelled.report.weights.len(), 12);
    assert_eq!(LiveModel::from_json(&model.to_json().unwrap()).unwrap(), model);
    let few = learnt_by(Learner::Tails, &payments[..999], None).unwrap_err();
    assert!(few.to_string().starts_with("999 payments: 1000 are needed"), "{few}");
}

#[test]
fn what_is_watched_without_labels_are_signals_in_numbers() {
    let names: Vec<&str> = super::numeric_signals().map(|place| crate::stream::SIGNALS[place].name).collect();
    assert!(RARE_WHEN_HIGH.iter().all(|name| names.contains(name)));
}

#[test]
fn a_label_that_comes_too_late_teaches_nothing() {
    let payments = payments(3_000);
    let day = 86_400;
    let prompt = learnt(&payments, 60).unwrap().report;
    let late = learnt(&payments, day / 3).unwrap().report;
    assert!(late.training_fraud_count < prompt.training_fraud_count);
    assert_eq!(late.test_fraud_count, prompt.test_fraud_count);
    let never = learnt(&payments, 400 * day).unwrap_err();
    assert!(matches!(never, LearningError::FewFrauds { training: 0, test } if test > 0), "{never}");
    assert!(matches!(learnt(&payments[..100], 60).unwrap_err(), LearningError::FewFrauds { .. }));
}

#[test]
fn a_model_that_was_kept_judges_the_same_and_points_rise_with_suspicion() {
    let payments = payments(3_000);
    let Trained { model, .. } = learnt(&payments, 60).unwrap();
    let kept = LiveModel::from_json(&model.to_json().unwrap()).unwrap();
    assert_eq!(kept, model);
    let (mut replay, mut reader) = (Replay::new(ShopHistory::new(BOUNDS)), ActivityReader::default());
    let (mut most_of_good, mut most_of_frauds) = (0, 0);
    for (event, is_fraud) in &payments {
        let mut batch = EventBatch::default();
        batch.push(event);
        let row = batch.rows().next().unwrap();
        let activity = reader.read(&row).unwrap();
        replay.take(&activity, None);
        let values = replay.signals(&activity);
        let points = kept.points(&values, Thresholds::default());
        let most = if *is_fraud { &mut most_of_frauds } else { &mut most_of_good };
        *most = points.max(*most);
        if points >= Thresholds::default().review_score {
            assert_eq!(
                crate::stream::SIGNALS[kept.heaviest(&values, 1)[0]].name.split('.').next(),
                Some("transaction")
            );
        }
    }
    assert!(most_of_frauds >= 80 && most_of_good < 45, "{most_of_frauds} {most_of_good}");
}

#[test]
fn what_is_no_model_is_refused() {
    let Trained { model, .. } = learnt(&payments(3_000), 60).unwrap();
    let text = model.to_json().unwrap();
    let check = |text: String, expected: &str| {
        let error = LiveModel::from_json(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("{}".to_owned(), "not a model");
    check(text.replace("user.count_1h", "user.count_2h"), "user.count_2h");
    check(text.replace("\"format\":1", "\"format\":9"), "another version");
    let cut = text.split("\"review_cut\":").nth(1).unwrap().split(',').next().unwrap();
    check(text.replace(&format!("\"review_cut\":{cut}"), "\"review_cut\":1e300"), "not in order");
}

/// A model of XGBoost with one tree: payments of 200 and more are frauds.
fn imported(feature: &str) -> Imported {
    let model = include_str!("../../samples/xgboost/large_amounts.json").replace("transaction.amount", feature);
    import_xgboost(model.as_bytes()).unwrap()
}

#[test]
fn a_model_that_learnt_elsewhere_is_judged_by_all_payments() {
    let payments = payments(3_000);
    let Trained { model, report } = lessons(&payments, Some(60)).judge(imported("transaction.amount")).unwrap();
    let frauds = payments.iter().filter(|(_, is_fraud)| *is_fraud).count() as u64;
    assert_eq!((report.learner, report.training_count), (Learner::Imported, 0));
    assert_eq!((report.test_count, report.test_fraud_count), (3_000, frauds));
    assert!((report.model.unwrap().area_under_roc - 1.0).abs() < 1e-9, "{report:?}");
    assert_eq!((report.flagged_count, report.flagged_fraud_count), (frauds, frauds));
    assert_eq!((report.weights[0].0.as_str(), report.gain), ("transaction.amount", None));
    // A model that is as good as the one that judges gains nothing.
    let again = lessons(&payments, Some(60)).beside(Some((4, Arc::new(model.clone()))));
    let gain = again.train(Learner::Trees, &Settings::default()).unwrap().report.gain.unwrap();
    assert!(gain.over == Some(4) && !gain.is_clear(), "{gain:?}");
    assert_eq!(LiveModel::from_json(&model.to_json().unwrap()).unwrap(), model);
    let refused = |feature: &str| lessons(&payments, None).judge(imported(feature)).unwrap_err().to_string();
    assert!(refused("amount").contains("\"amount\", which is no signal"), "{}", refused("amount"));
    let few = lessons(&payments[..900], None).judge(imported("transaction.amount")).unwrap_err();
    assert!(matches!(few, LearningError::FewPayments(900)), "{few}");
    let trained = learnt_by(Learner::Imported, &payments, None).unwrap_err();
    assert!(matches!(trained, LearningError::LearntElsewhere), "{trained}");
}

#[test]
fn what_is_learnt_from_is_written_as_a_table() {
    let payments = payments(60);
    let lessons = lessons(&payments, Some(60));
    let text: String = (0..).map_while(|piece| lessons.csv_lines(piece * 7, 7)).collect();
    assert_eq!(Some(&text), lessons.csv_lines(0, 1_000).as_ref());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 61);
    let cells = |line: usize| lines[line].split(',').collect::<Vec<_>>();
    assert_eq!(cells(0)[..3], ["at", "fraud_known_at", "transaction.amount"]);
    assert!(lines.iter().all(|line| line.split(',').count() == cells(0).len()));
    assert_eq!(cells(1)[0], "2026-11-23T00:00:00.000Z");
    for (line, (_, is_fraud)) in (1..).zip(&payments) {
        assert_eq!(!cells(line)[1].is_empty(), *is_fraud, "{}", lines[line]);
        assert_eq!(cells(line)[2].parse::<f64>().unwrap() >= 200.0, *is_fraud);
    }
}
