//! Values of known fields in the form of their kind: `"12.50"` is 12.5 where a number belongs.
//!
//! A value that does not fit stays as it was sent, and the event is tagged. Numbers in keyword fields stay numbers:
//! they are found by the same digits.

use std::net::IpAddr;

use vigie_domain::mapping::FieldKind;
use vigie_domain::time::parse_instant;
use vigie_domain::{LogType, Timestamp, Value};

use super::known::{Known, known};
use super::survey::Survey;
use crate::parse::Draft;
use crate::parse::number::number_from_literal;
use crate::tag;

/// Converts every value whose field is known; what the survey found at the top is not looked up again.
pub(super) fn convert_values(draft: &mut Draft, survey: &Survey, log_type: LogType, now: Timestamp) {
    let mut walk = Walk { log_type, now, path: String::new(), has_conflict: false };
    let (surveyed, added) = draft.body.split_at_mut(survey.tops.len());
    for ((name, value), top) in surveyed.iter_mut().zip(&survey.tops) {
        match value {
            Value::Object(_) | Value::List(_) => walk.top(name, value),
            scalar => walk.scalar(scalar, *top),
        }
    }
    added.iter_mut().for_each(|(name, value)| walk.top(name, value));
    if walk.has_conflict {
        draft.tag(tag::TYPE_CONFLICT);
    }
}

struct Walk {
    log_type: LogType,
    now: Timestamp,
    path: String,
    has_conflict: bool,
}

impl Walk {
    fn top(&mut self, name: &str, value: &mut Value) {
        self.path.clear();
        self.path.push_str(name);
        self.value(value);
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let length = self.path.len();
                for (name, value) in fields {
                    self.path.push('.');
                    self.path.push_str(name);
                    self.value(value);
                    self.path.truncate(length);
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Null => {}
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_) | Value::Text(_) => {
                self.scalar(value, known(&self.path));
            }
        }
    }

    fn scalar(&mut self, value: &mut Value, known: Option<&Known>) {
        let Some(kind) = known.and_then(|known| known.kind_in(self.log_type)) else { return };
        match fit(value, kind, self.now) {
            Fit::AsSent => {}
            Fit::As(converted) => *value = converted,
            Fit::Not => self.has_conflict = true,
        }
    }
}

/// How a value fits the kind of its field.
#[derive(Debug, PartialEq)]
enum Fit {
    AsSent,
    As(Value),
    Not,
}

fn fit(value: &Value, kind: FieldKind, now: Timestamp) -> Fit {
    match kind {
        FieldKind::Keyword | FieldKind::Text => Fit::AsSent,
        FieldKind::Int => fit_number(value, |number| matches!(number, Value::Int(_))),
        FieldKind::Float | FieldKind::Decimal => fit_number(value, |_| true),
        FieldKind::Bool => fit_bool(value),
        FieldKind::Instant => fit_instant(value, now),
        FieldKind::Ip => {
            let is_address = value.as_text().is_some_and(|text| text.parse::<IpAddr>().is_ok());
            if is_address { Fit::AsSent } else { Fit::Not }
        }
    }
}

fn fit_number(value: &Value, is_fit: impl Fn(&Value) -> bool) -> Fit {
    match value {
        Value::Int(_) | Value::Float(_) | Value::BigNumber(_) if is_fit(value) => Fit::AsSent,
        Value::Text(text) => {
            let text = text.trim();
            let literal = text.strip_prefix('+').unwrap_or(text);
            number_from_literal(literal).filter(is_fit).map_or(Fit::Not, Fit::As)
        }
        _ => Fit::Not,
    }
}

fn fit_bool(value: &Value) -> Fit {
    match value {
        Value::Bool(_) => Fit::AsSent,
        Value::Int(0) => Fit::As(Value::Bool(false)),
        Value::Int(1) => Fit::As(Value::Bool(true)),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Fit::As(Value::Bool(true)),
            "false" | "0" | "no" => Fit::As(Value::Bool(false)),
            _ => Fit::Not,
        },
        _ => Fit::Not,
    }
}

fn fit_instant(value: &Value, now: Timestamp) -> Fit {
    let instant = match value {
        Value::Text(text) => parse_instant(text, now),
        Value::Int(number) => parse_instant(&number.to_string(), now),
        Value::Float(number) => parse_instant(&number.to_string(), now),
        _ => None,
    };
    instant.map_or(Fit::Not, |instant| Fit::As(Value::Text(instant.to_text())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Into<Value>, kind: FieldKind, expected: &Fit) {
        let value = value.into();
        assert_eq!(fit(&value, kind, Timestamp::from_seconds(0)), *expected, "{value:?} as {kind:?}");
    }

    #[test]
    fn text_becomes_what_its_field_holds() {
        check("12.50", FieldKind::Decimal, &Fit::As(Value::Float(12.5)));
        check(" 7 ", FieldKind::Int, &Fit::As(Value::Int(7)));
        check("+7", FieldKind::Int, &Fit::As(Value::Int(7)));
        check("1e3", FieldKind::Int, &Fit::As(Value::Int(1000)));
        check("Yes", FieldKind::Bool, &Fit::As(Value::Bool(true)));
        check(0, FieldKind::Bool, &Fit::As(Value::Bool(false)));
        check("2026-11-23 14:04:05", FieldKind::Instant, &Fit::As(Value::text("2026-11-23T14:04:05.000Z")));
        check(1_795_442_645, FieldKind::Instant, &Fit::As(Value::text("2026-11-23T14:04:05.000Z")));
    }

    #[test]
    fn what_fits_stays() {
        check(7, FieldKind::Int, &Fit::AsSent);
        check(7, FieldKind::Keyword, &Fit::AsSent);
        check("2001:db8::1", FieldKind::Ip, &Fit::AsSent);
        check(true, FieldKind::Bool, &Fit::AsSent);
    }

    #[test]
    fn what_does_not_fit_is_no_fit() {
        check("abc", FieldKind::Decimal, &Fit::Not);
        check("1,5", FieldKind::Decimal, &Fit::Not);
        check("", FieldKind::Int, &Fit::Not);
        check("7.5", FieldKind::Int, &Fit::Not);
        check(Value::Float(7.5), FieldKind::Int, &Fit::Not);
        check(true, FieldKind::Int, &Fit::Not);
        check(2, FieldKind::Bool, &Fit::Not);
        check("soon", FieldKind::Instant, &Fit::Not);
        check("example.com", FieldKind::Ip, &Fit::Not);
        check(1, FieldKind::Ip, &Fit::Not);
    }
}
