//! Text with fields in it: `order %{order_id} of %{[user][name]}`, as Logstash writes it.
//!
//! A field that the event does not have stays as it is written, so that what is missing can be seen.

use vigie_domain::{Object, Text, Value};

use super::field_path::FieldPath;

/// Pieces of one text.
const PIECES_MAX: usize = 200;

/// Text with fields in it, made ready.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Field { path: FieldPath, written: String },
}

impl Template {
    /// Reads the text.
    ///
    /// # Errors
    /// In words, when a field in it is none, or it has too many.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(start) = rest.find("%{") {
            let Some(length) = rest[start..].find('}') else { break };
            let written = &rest[start..=start + length];
            let name = &written[2..written.len() - 1];
            if let Some(format) = name.strip_prefix('+') {
                return Err(format!(
                    "{written:?}: dates are not written here; add the field {format:?} by a date stage"
                ));
            }
            if start > 0 {
                pieces.push(Piece::Text(rest[..start].to_owned()));
            }
            pieces.push(Piece::Field { path: FieldPath::parse(name)?, written: written.to_owned() });
            rest = &rest[start + length + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if pieces.len() > PIECES_MAX {
            return Err(format!("the text has more than {PIECES_MAX} fields and pieces; shorten it"));
        }
        Ok(Self { pieces })
    }

    /// The text for this event.
    pub(crate) fn render(&self, body: &Object) -> Text {
        let mut text = Text::default();
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Field { path, written } => match path.get(body) {
                    None | Some(Value::Null) => text.push_str(written),
                    Some(value) => push_plain(&mut text, value),
                },
            }
        }
        text
    }
}

/// Appends a value as text: strings as they are, all else as JSON has it.
pub(crate) fn push_plain(text: &mut Text, value: &Value) {
    match value {
        Value::Text(plain) => text.push_str(plain),
        Value::BigNumber(literal) => text.push_str(literal),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Object(_) => {
            text.push_str(&serde_json::to_string(value).unwrap_or_default());
        }
    }
}

/// A value as text.
pub(crate) fn plain(value: &Value) -> Text {
    let mut text = Text::default();
    push_plain(&mut text, value);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_put_into_text() {
        let Ok(Value::Object(body)) = serde_json::from_str(r#"{"a":"x","n":1.5,"o":{"l":[1,"y"]},"z":null}"#) else {
            unreachable!()
        };
        let check = |text: &str, expected: &str| {
            assert_eq!(Template::parse(text).unwrap().render(&body), expected, "{text}");
        };
        check("plain", "plain");
        check("%{a}", "x");
        check("%{a}-%{n} %{[o][l]}!", "x-1.5 [1,\"y\"]!");
        check("%{missing} %{z}", "%{missing} %{z}");
        check("50 % %{open", "50 % %{open");
        check("", "");
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for text in ["%{}", "%{a..b}", "%{+yyyy.MM.dd}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        assert!(Template::parse(&"%{a}".repeat(300)).is_err());
    }
}
