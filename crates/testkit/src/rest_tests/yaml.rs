//! YAML documents as JSON values: what the tests are written in, and what a server answers when asked for `application/yaml`.
//!
//! Scalars are read by YAML's core schema; keys are always text. Numbers keep all their digits where JSON's do.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value as Json};

/// Lists and maps within each other.
const DEPTH_MAX: usize = 100;

/// Retries of a text whose lines inside quotes or brackets are not indented.
const REPAIRS_MAX: usize = 2_000;

/// The documents of a file, in order. Empty ones are left out.
///
/// Lines inside quotes or brackets may be indented less than what surrounds them, as other readers of YAML allow: there blanks at the
/// beginning of a line mean nothing, so that they are added.
///
/// # Errors
/// What is wrong, with its line.
pub fn documents(text: &str) -> Result<Vec<Json>, String> {
    let first = match parsed(text) {
        Ok(documents) => return Ok(documents),
        Err(wrong) => wrong,
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (mut indented_to, mut wrong) = (0, first.clone());
    for _ in 0..REPAIRS_MAX {
        let Some(line) = wrong.unindented_line else { break };
        // The line named is where quotes begin, or the one that should be indented: the first that was not tried yet.
        let at = indented_to.max(line);
        let Some(indented) = lines.get_mut(at - 1) else { break };
        if at > line || !wrong.is_quoted {
            indented.insert_str(0, &" ".repeat(DEPTH_MAX));
        }
        indented_to = at + 1;
        match parsed(&lines.join("\n")) {
            Ok(documents) => return Ok(documents),
            Err(next) => wrong = next,
        }
    }
    Err(first.words)
}

/// Why a text is no YAML.
#[derive(Clone)]
struct Wrong {
    words: String,
    /// Counted from 1, when it is only its indentation that is wrong.
    unindented_line: Option<usize>,
    is_quoted: bool,
}

fn parsed(text: &str) -> Result<Vec<Json>, Wrong> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let is_indentation = error.info().starts_with("invalid indentation");
            Wrong {
                words: format!("not readable as YAML: {error}"),
                unindented_line: is_indentation.then(|| error.marker().line().max(1)),
                is_quoted: error.info().contains("quoted"),
            }
        })?;
        builder.add(event).map_err(|what| {
            let words = format!("line {}: {what}", span.start.line());
            Wrong { words, unindented_line: None, is_quoted: false }
        })?;
    }
    Ok(builder.documents.into_iter().filter(|document| !document.is_null()).collect())
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Json>,
    documents: Vec<Json>,
}

enum Open {
    List(usize, Vec<Json>),
    Map(usize, Map<String, Json>, Option<String>),
}

impl Builder {
    fn add(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let value = if is_text { Json::from(text.as_ref()) } else { plain(&text) };
                self.put_anchored(anchor, value)
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or("an alias of an anchor that is not there")?;
                self.put(value)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open::List(anchor, Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(Open::Map(anchor, Map::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(anchor, values)) => self.put_anchored(anchor, Json::Array(values)),
                Some(Open::Map(anchor, fields, _)) => self.put_anchored(anchor, Json::Object(fields)),
                None => Err("an end without a beginning".to_owned()),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} lists and maps within each other"));
        }
        self.open.push(open);
        Ok(())
    }

    fn put_anchored(&mut self, anchor: usize, value: Json) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        self.put(value)
    }

    fn put(&mut self, value: Json) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.documents.push(value),
            Some(Open::List(_, values)) => values.push(value),
            Some(Open::Map(_, fields, key)) => match key.take() {
                Some(name) => drop(fields.insert(name, value)),
                None => {
                    *key = Some(match value {
                        Json::String(text) => text,
                        Json::Null => String::new(),
                        Json::Bool(_) | Json::Number(_) => value.to_string(),
                        Json::Array(_) | Json::Object(_) => return Err("a key is text, not a list or map".to_owned()),
                    });
                }
            },
        }
        Ok(())
    }
}

/// A scalar without quotes, by the core schema.
fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Json::from(text), Json::Number)
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hexadecimal, 16).ok().map(Number::from);
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = plain.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = plain.parse::<u64>() {
        return Some(whole.into());
    }
    let is_number = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    plain.parse::<f64>().ok().filter(|_| is_number).and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_become_json() {
        let check = |text: &str, expected: &[Json]| assert_eq!(documents(text).unwrap(), expected, "{text}");
        check(
            "---\n\"a b\":\n  - do: {x: 1}\n---\nc: [1.5, -2, \"3\", ~, true]\n",
            &[json!({"a b": [{"do": {"x": 1}}]}), json!({"c": [1.5, -2, "3", null, true]})],
        );
        check("a: &x {b: 1}\nc: *x", &[json!({"a": {"b": 1}, "c": {"b": 1}})]);
        check(
            "a: 18446744073709551615\nb: 1e3\nc: 1.2.3\nd: 2020-01-01\ne: 0x1F",
            &[json!({"a": u64::MAX, "b": 1000.0, "c": "1.2.3", "d": "2020-01-01", "e": 31})],
        );
        check("1: x\ntrue: y", &[json!({"1": "x", "true": "y"})]);
        check("a: |\n  /^ x\n  $/\nb: >\n  c\n  d\n", &[json!({"a": "/^ x\n$/\n", "b": "c d\n"})]);
        check("# nothing\n---\n", &[]);
    }

    #[test]
    fn lines_inside_quotes_and_brackets_need_no_indentation() {
        let check = |text: &str, expected: Json| assert_eq!(documents(text).unwrap(), [expected], "{text}");
        check("a:\n  - b: {c: \"d\n  e\n  f\"}\n  - g", json!({"a": [{"b": {"c": "d e f"}}, "g"]}));
        check("a:\n  - b: [\n  1,\n2\n  ]\n  - g", json!({"a": [{"b": [1, 2]}, "g"]}));
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = documents(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("a: [1", "not readable as YAML");
        check("x: 1\n? [a]\n: b", "a key is text");
        check(&"[".repeat(200), "within each other");
    }
}
