//! What may never be stored: doing it again finds no card, and a text without digits and signs of secrets stays.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_fuzz::REDACTOR;
use vigie_pipeline::{RedactionCounts, RedactionKind};

fuzz_target!(|text: &str| {
    let mut counts = RedactionCounts::default();
    let once = REDACTOR.redact_text(text, &mut counts).into_owned();
    let mut again = RedactionCounts::default();
    REDACTOR.redact_text(&once, &mut again);
    assert!(counts.total() > 0 || once == text, "changed without a count: {text:?}");
    assert_eq!(again.of(RedactionKind::Card), 0, "{text:?} leaves a card in {once:?}");
});
