//! One event as one line for people: time, level, type, service, then what says most.

use serde_json::Value as Json;

use crate::cli::output::printable;

/// Characters of the last column.
const WORDS_CHARS_MAX: usize = 200;
/// Fields that say most about an event, best first.
const WORDY_FIELDS: [&str; 6] = ["message", "error_message", "event_action", "action", "request", "endpoint"];

/// The line of a hit.
pub(super) fn row(hit: &Json) -> String {
    let source = &hit["_source"];
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    let service = source["service"].as_str().or_else(|| source["service"]["name"].as_str()).unwrap_or("-");
    let level = text("level");
    let line = format!(
        "{:<24} {:<5} {:<13} {:<16} {}",
        text("@timestamp"),
        if level.is_empty() { "-" } else { level },
        text("log_type"),
        service,
        words(source)
    );
    printable(line.trim_end())
}

fn words(source: &Json) -> String {
    let said = WORDY_FIELDS.iter().find_map(|name| source[*name].as_str()).map(ToOwned::to_owned);
    let said = said.unwrap_or_else(|| source.to_string());
    match said.char_indices().nth(WORDS_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_has_what_people_look_for() {
        let hit = json!({"_source": {"@timestamp": "2026-11-23T14:04:05.678Z", "level": "ERROR", "log_type": "error",
            "service": {"name": "cart"}, "message": "first\nsecond"}});
        assert_eq!(row(&hit), "2026-11-23T14:04:05.678Z ERROR error         cart             first\u{fffd}second");
    }

    #[test]
    fn an_event_without_words_shows_its_fields() {
        assert!(row(&json!({"_source": {"amount": 5}})).ends_with("{\"amount\":5}"));
    }
}
