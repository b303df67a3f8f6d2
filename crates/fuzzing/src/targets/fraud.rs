//! What fraud detection reads from people: lists, rules, models that were trained elsewhere.

use vigie_fraud::cel::{CompileError, Rule};
use vigie_fraud::lists::{ListEntry, ListKind};
use vigie_fraud::rules::Effect;
use vigie_fraud::rules::RuleSet;
use vigie_fraud::{Imported, Model, import_xgboost};

/// Values of lists: the first byte says of which kind. What is spelled as payments are compared is spelled so again.
pub fn fraud_list(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let kind = ListKind::ALL[usize::from(*first) % ListKind::ALL.len()];
    if let Ok(entry) = ListEntry::new(kind, text, Effect::Block, None) {
        let again = ListEntry::new(kind, &entry.value, Effect::Block, None);
        assert_eq!(again.as_ref(), Ok(&entry), "{text:?}");
    }
}

/// Rules of fraud detection: what is wrong lies within the text, and a rule answers the same for the same payment.
pub fn fraud_rule(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Rule::compile(text, RuleSet::schema()) {
        Ok(rule) => assert_eq!(rule.evaluate(&[]), rule.evaluate(&[])),
        Err(CompileError { span: (start, end), .. }) => {
            assert!(text.get(start..end).is_some(), "{start}..{end} of {text:?}");
        }
    }
}

/// Models of XGBoost: what is taken over scores every row, its reasons add up, and it is kept as it is.
pub fn xgboost_model(bytes: &[u8]) {
    let Ok(Imported { features, model }) = import_xgboost(bytes) else { return };
    for value in [f64::NAN, -1.0, 0.5, 1e9] {
        let row = vec![value; features.len()];
        let (contributions, mean) = model.contributions(&row);
        assert_eq!(contributions.len(), features.len());
        assert!(!model.log_odds(&row).is_nan() && !mean.is_nan());
    }
    let kept = model.to_json().ok().and_then(|text| Model::from_json(&text).ok());
    assert_eq!(kept, Some(model));
}
