//! `level` becomes one of six words. What was sent stays: beside it as `level_original`, or under the name it was sent by.

use vigie_domain::{Level, Value};

use super::survey::{SentLevel, Survey};
use super::{top, top_mut};
use crate::parse::Draft;
use crate::tag;

/// Where the level is.
pub(super) const LEVEL: &str = "level";
/// Where what was sent as `level` stays.
pub(super) const LEVEL_ORIGINAL: &str = "level_original";

/// Puts the level's one word where queries find it.
pub(super) fn normalise(draft: &mut Draft, survey: &Survey) {
    let Some(SentLevel { has_own_name, sent, level }) = &survey.level else { return };
    let Some(level) = level else {
        draft.tag(tag::UNKNOWN_LEVEL);
        return;
    };
    if sent.as_text() == Some(level.as_str()) {
        return;
    }
    if !has_own_name {
        draft.body.push((LEVEL.into(), word(*level)));
        return;
    }
    if let Some(value) = top_mut(&mut draft.body, LEVEL).filter(|value| value.is_scalar()) {
        let original = std::mem::replace(value, word(*level));
        // After a pipeline has changed the level, what was sent is there already.
        if top(&draft.body, LEVEL_ORIGINAL).is_none() {
            draft.body.push((LEVEL_ORIGINAL.into(), original));
        }
    }
}

fn word(level: Level) -> Value {
    Value::text(level.as_str())
}
