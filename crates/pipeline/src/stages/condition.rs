//! When a stage is asked: a query such as `status_code:>=500 AND service:web`, decided on the one event.
//!
//! Aliases are followed as in every query. Times relative to now are refused: the same event must take the same way always.

use vigie_domain::event::pseudo_fields;
use vigie_domain::query::{Matcher, Query, parse};
use vigie_domain::{Event, EventId, Scope, Timestamp};

/// Bytes of a condition.
const CONDITION_BYTES_MAX: usize = 4 * 1024;

/// A query made ready to decide about single events.
#[derive(Debug)]
pub(crate) struct Condition {
    matcher: Matcher,
    /// Whether it asks for what is read from the event itself and not from its body.
    asks_pseudo: bool,
}

impl Condition {
    /// Reads the query.
    ///
    /// # Errors
    /// In words, when it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > CONDITION_BYTES_MAX {
            return Err(format!("the condition has {} bytes, more than {CONDITION_BYTES_MAX}; shorten it", text.len()));
        }
        let query = parse(text).map_err(|error| {
            let at = text.get(error.span.0..).unwrap_or_default();
            format!("{text:?} cannot be read at {at:?}: {}", error.message)
        })?;
        let at = |seconds: i64| query.clone().resolved(Timestamp::from_seconds(seconds));
        if at(0).map_err(|error| error.to_string())? != at(1).map_err(|error| error.to_string())? {
            return Err(format!("{text:?} has a time relative to now; write an instant such as 2026-11-23T00:00:00Z"));
        }
        let matcher = Matcher::compile(&query, &Scope::main(), Timestamp::default()).map_err(|error| error.message)?;
        Ok(Self { matcher, asks_pseudo: asks_pseudo(&query) })
    }

    /// Whether the event has to be brought up to date with its body first.
    pub(crate) const fn asks_pseudo(&self) -> bool {
        self.asks_pseudo
    }

    /// Whether the stage is asked.
    pub(crate) fn holds(&self, event: &Event) -> bool {
        match &event.id {
            Some(id) => self.matcher.matches(event, id),
            None => self.matcher.matches(event, &EventId(String::new())),
        }
    }
}

fn asks_pseudo(query: &Query) -> bool {
    match query {
        Query::All | Query::Nothing | Query::FreeText(_) => false,
        Query::And(parts) | Query::Or(parts) => parts.iter().any(asks_pseudo),
        Query::Not(part) => asks_pseudo(part),
        Query::Field { field, .. } => pseudo_fields::is_pseudo(field),
    }
}
