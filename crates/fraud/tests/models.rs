//! Models from outside: what they learn, that a seed decides everything, and that they survive being kept.

use vigie_fraud::{Model, ModelError, Settings, Table, train};

/// Numbers without pattern, the same each time.
fn scattered(number: u64) -> f64 {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f64 / (1_u64 << 24) as f64
}

/// Fraud where the first number is large and the second small, or where the third is missing; the fourth says nothing.
fn labelled(row_count: u64) -> (Table, Vec<bool>) {
    let (mut table, mut labels) = (Table::new(4), Vec::new());
    for row in 0..row_count {
        let third = if row % 11 == 0 { f64::NAN } else { scattered(4 * row + 2) };
        let values = [scattered(4 * row), scattered(4 * row + 1), third, scattered(4 * row + 3)];
        labels.push((values[0] > 0.7 && values[1] < 0.4) || third.is_nan());
        table.push(&values);
    }
    (table, labels)
}

#[test]
fn a_model_learns_what_makes_a_fraud() {
    let (table, labels) = labelled(4_000);
    let model = train(&table, &labels, &Settings::default()).unwrap();
    let check = |row: [f64; 4], least: f64, most: f64| {
        let chance = model.probability(&row);
        assert!(chance >= least && chance <= most, "{row:?}: {chance}");
    };
    check([0.9, 0.1, 0.5, 0.5], 0.8, 1.0);
    check([0.9, 0.9, 0.5, 0.5], 0.0, 0.1);
    check([0.1, 0.1, 0.5, 0.5], 0.0, 0.1);
    check([0.1, 0.9, f64::NAN, 0.5], 0.8, 1.0);
    let (contributions, _) = model.contributions(&[0.9, 0.1, 0.5, 0.5]);
    assert!(contributions[0] > 0.5 && contributions[1] > 0.5 && contributions[3].abs() < 0.2, "{contributions:?}");
}

#[test]
fn a_seed_decides_everything() {
    let (table, labels) = labelled(1_000);
    let trained = |seed: u64| train(&table, &labels, &Settings { seed, ..Settings::default() }).unwrap();
    assert_eq!(trained(7).to_json().unwrap(), trained(7).to_json().unwrap());
    assert_ne!(trained(7), trained(8));
}

#[test]
fn a_kept_model_scores_the_same_bit_for_bit() {
    let (table, labels) = labelled(2_000);
    let model = train(&table, &labels, &Settings::default()).unwrap();
    let restored = Model::from_json(&model.to_json().unwrap()).unwrap();
    assert_eq!(model, restored);
    for row in (0..2_000).map(|row| table.row(row)) {
        assert_eq!(model.log_odds(&row).to_bits(), restored.log_odds(&row).to_bits());
    }
}

#[test]
fn labels_that_cannot_be_learnt_from_are_refused() {
    let (table, labels) = labelled(100);
    let settings = Settings::default();
    assert!(matches!(train(&table, &labels[..99], &settings), Err(ModelError::LabelCount { .. })));
    assert!(matches!(train(&table, &[false; 100], &settings), Err(ModelError::OneKind)));
    assert!(matches!(train(&table, &[true; 100], &settings), Err(ModelError::OneKind)));
}

#[test]
fn a_damaged_model_is_refused() {
    let leaf = r#"{"Leaf":{"value":0.5,"row_count":1}}"#;
    let model =
        |format: u32, nodes: &str| format!(r#"{{"format":{format},"feature_count":2,"base":0.0,"trees":[[{nodes}]]}}"#);
    let split = |feature: usize, left: usize, right: usize, row_count: usize| {
        let split = format!(r#""feature":{feature},"cut":1.0,"left":{left},"right":{right},"row_count":{row_count}"#);
        model(1, &format!(r#"{{"Split":{{{split}}}}},{leaf},{leaf}"#))
    };
    let check = |text: &str, is_read: bool| assert_eq!(Model::from_json(text).is_ok(), is_read, "{text}");
    check(&split(1, 1, 2, 2), true);
    check(&model(1, leaf), true);
    check(&model(2, leaf), false);
    check(&model(1, ""), false);
    // A feature that does not exist, a child before its parent, one that does not exist, rows that do not add up.
    check(&split(2, 1, 2, 2), false);
    check(&split(1, 0, 2, 2), false);
    check(&split(1, 1, 3, 2), false);
    check(&split(1, 1, 2, 3), false);
    check("{}", false);
}
