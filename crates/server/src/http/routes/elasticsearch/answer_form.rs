//! How an answer is written: as JSON unless `format` or `Accept` asks for YAML; tables of `_cat` as text unless one of both is asked for.

use std::fmt::Write as _;

use axum::http::{HeaderMap, Uri, header};
use serde_json::Value as Json;

use super::params::last_of;

/// The media type of answers in YAML.
pub(super) const YAML: &str = "application/yaml";

/// How the client wants the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As JSON.
    Json,
    /// As YAML.
    Yaml,
}

impl Form {
    /// The one that is asked for: by `format`, else by what `Accept` names first.
    pub(super) fn asked(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        if let Some(format) = last_of(uri.query(), "format") {
            return match format.as_str() {
                "json" => Some(Self::Json),
                "yaml" => Some(Self::Yaml),
                _ => None,
            };
        }
        let accepted = headers.get(header::ACCEPT)?.to_str().ok()?;
        let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
        match first {
            "application/json" => Some(Self::Json),
            YAML => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// The same address, asking for JSON.
pub(super) fn asking_for_json(uri: &Uri) -> Uri {
    let query = uri.query().map_or_else(String::new, |query| format!("{query}&"));
    format!("{}?{query}format=json", uri.path()).parse().unwrap_or_else(|_| uri.clone())
}

/// A value as a document of YAML: a line for each member, texts in JSON's quotes.
pub(super) fn yaml(value: &Json) -> String {
    let mut text = "---".to_owned();
    add(value, 0, &mut text);
    text.push('\n');
    text
}

/// Adds a value behind a key or a dash: what has no members on the same line, else its members below.
fn add(value: &Json, depth: usize, text: &mut String) {
    // Writing to a text cannot fail.
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            for (name, inner) in fields {
                let _ = write!(text, "\n{:depth$}{}:", "", Json::from(name.as_str()));
                add(inner, depth + 2, text);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(text, "\n{:depth$}-", "");
                add(item, depth + 2, text);
            }
        }
        scalar => {
            let _ = write!(text, " {scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use saphyr_parser::{Event, Parser};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_is_asked_for_by_the_address_or_else_by_the_header() {
        let check = |uri: &str, accept: &str, expected: Option<Form>| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Form::asked(&uri.parse().unwrap(), &headers), expected, "{uri} {accept}");
        };
        check("/_cat/indices", "*/*", None);
        check("/_cat/indices", "text/plain, application/json", None);
        check("/_cat/indices", "application/json; charset=utf-8", Some(Form::Json));
        check("/_cat/indices", "application/yaml", Some(Form::Yaml));
        check("/_cat/indices?format=json", "application/yaml", Some(Form::Json));
        check("/_cat/indices?v&format=yaml", "*/*", Some(Form::Yaml));
        check("/_cat/indices?format=text", "application/json", None);
        assert_eq!(Form::asked(&Uri::from_static("/"), &HeaderMap::new()), None);
        assert_eq!(asking_for_json(&"/a?v&format=yaml".parse().unwrap()), "/a?v&format=yaml&format=json");
        assert_eq!(asking_for_json(&"/a".parse().unwrap()), "/a?format=json");
    }

    #[test]
    fn yaml_has_a_line_for_each_member() {
        let value = json!({"took": 3, "hits": {"total": {"value": 1}, "hits": [{"_id": "1", "_source": {}}, []]}, "none": null});
        let expected = r#"---
"took": 3
"hits":
  "total":
    "value": 1
  "hits":
    -
      "_id": "1"
      "_source": {}
    - []
"none": null
"#;
        assert_eq!(yaml(&value), expected);
        assert_eq!(yaml(&json!([])), "--- []\n");
    }

    #[test]
    fn yaml_is_read_as_what_was_written() {
        let awkward =
            ["", "yes", "null", "- a: b", "# no comment", "a\nb\t\u{7f}\u{2028}", "\"quoted\" \\ é 💳", "1e3"];
        let value = json!({"a": awkward, "b": [[1, -2.5, true, null], {"c": {"d: e": []}}], "": {}});
        let scalars = |event: &Event<'_>| match event {
            Event::Scalar(text, ..) => Some(text.to_string()),
            _ => None,
        };
        let text = yaml(&value);
        let events: Vec<Event<'_>> = Parser::new_from_str(&text).map(|event| event.unwrap().0).collect();
        let found: Vec<String> = events.iter().filter_map(scalars).collect();
        let expected = ["a"].into_iter().chain(awkward).chain(["b", "1", "-2.5", "true", "null", "c", "d: e", ""]);
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
}
