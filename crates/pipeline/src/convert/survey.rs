//! One walk over what was sent: which known fields have a value, and the few values that decide about the whole event.

use std::sync::LazyLock;

use vigie_domain::{Level, Object, Value};

use super::known::{Known, bit, known};

/// The bit of the message: asked of every event.
pub(super) static MESSAGE: LazyLock<u128> = LazyLock::new(|| bit("message"));
/// The bit of what stands in for it.
pub(super) static ERROR_MESSAGE: LazyLock<u128> = LazyLock::new(|| bit("error_message"));

/// What the walk found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// What is known of each field at the top, in the order of the body: looking it up is most of the work.
    pub(super) tops: Vec<Option<&'static Known>>,
    /// Bits of the known fields that have a value.
    pub(super) seen: u128,
    /// The first value of `level` under any of its names.
    pub(super) level: Option<SentLevel>,
    /// The first text of `error_message` under any of its names, if there is no message.
    pub(super) error_message: Option<String>,
}

/// A level as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SentLevel {
    /// Whether it was sent as `level` itself.
    pub(super) has_own_name: bool,
    /// What was sent.
    pub(super) sent: Value,
    /// The level that it means; `None` when it means none.
    pub(super) level: Option<Level>,
}

impl Survey {
    /// Looks at a body.
    pub(super) fn of(body: &Object) -> Self {
        let mut survey = Self { tops: Vec::with_capacity(body.len()), ..Self::default() };
        let mut path = String::new();
        for (name, value) in body {
            let top = match value {
                Value::Object(_) | Value::List(_) => {
                    path.clear();
                    path.push_str(name);
                    survey.walk(&mut path, value);
                    None
                }
                Value::Null => None,
                _ => {
                    let top = known(name);
                    survey.note(top, name, value);
                    top
                }
            };
            survey.tops.push(top);
        }
        if survey.has_message() {
            survey.error_message = None;
        }
        survey
    }

    /// Whether there is a message under any of its names.
    pub(super) fn has_message(&self) -> bool {
        self.seen & *MESSAGE != 0
    }

    fn walk_object(&mut self, path: &mut String, fields: &Object) {
        let length = path.len();
        for (name, value) in fields {
            path.push('.');
            path.push_str(name);
            self.walk(path, value);
            path.truncate(length);
        }
    }

    fn walk(&mut self, path: &mut String, value: &Value) {
        match value {
            Value::Object(fields) => self.walk_object(path, fields),
            Value::List(items) => items.iter().for_each(|item| self.walk(path, item)),
            Value::Null => {}
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_) | Value::Text(_) => {
                self.note(known(path), path, value);
            }
        }
    }

    fn note(&mut self, known: Option<&'static Known>, path: &str, value: &Value) {
        let Some(known) = known else { return };
        self.seen |= known.bit;
        match known.canonical {
            "level" => self.note_level(path == "level", value),
            "error_message" if self.error_message.is_none() => {
                self.error_message = value.as_text().map(str::to_owned);
            }
            _ => {}
        }
    }

    /// The field's own name counts before its aliases.
    fn note_level(&mut self, has_own_name: bool, value: &Value) {
        if self.level.as_ref().is_some_and(|noted| noted.has_own_name || !has_own_name) {
            return;
        }
        let level = match value {
            Value::Text(word) if word.trim().is_empty() => return,
            Value::Text(word) => Level::from_word(word),
            Value::Int(number) => Level::from_number(*number),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::BigNumber(_)
            | Value::List(_)
            | Value::Object(_) => None,
        };
        self.level = Some(SentLevel { has_own_name, sent: value.clone(), level });
    }
}
