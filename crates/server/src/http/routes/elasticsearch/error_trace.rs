//! `error_trace`: beside each error of an answer, where it came from.
//!
//! Elasticsearch writes the stack of its Java program there. Vigie has none: it writes the line with which such a stack begins, the index
//! (and the shard, where one is said), the name of the exception and its words.

use serde_json::{Map, Value as Json};

use super::params::last_of;

/// What holds documents and numbers of the sender, which may look like errors.
const OF_SENDERS: [&str; 5] = ["_source", "hits", "aggregations", "fields", "doc"];

/// Whether a query string asks for it.
pub(super) fn is_asked(query: Option<&str>) -> bool {
    last_of(query, "error_trace").is_some_and(|said| matches!(said.as_str(), "" | "true"))
}

/// Adds `stack_trace` to the errors of an answer.
pub(super) fn trace(answer: &mut Json) {
    match answer {
        Json::Object(fields) => {
            for (name, inner) in fields.iter_mut().filter(|(name, _)| !OF_SENDERS.contains(&name.as_str())) {
                match inner {
                    Json::Object(error) if name == "error" => trace_error(error),
                    inner => trace(inner),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(trace),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Of an error and what caused it.
fn trace_error(error: &mut Map<String, Json>) {
    if let Some(Json::Array(causes)) = error.get_mut("root_cause") {
        causes.iter_mut().filter_map(Json::as_object_mut).for_each(trace_error);
    }
    let said = |name: &str| error.get(name).and_then(Json::as_str);
    let (Some(kind), Some(reason)) = (said("type"), said("reason")) else { return };
    let place = match (said("index"), said("shard")) {
        (Some(index), Some(shard)) => format!("[[{index}][{shard}]] "),
        (Some(index), None) => format!("[{index}] "),
        (None, _) => String::new(),
    };
    let line = format!("{place}{}[{reason}]", class_of(kind));
    error.insert("stack_trace".to_owned(), Json::String(line));
}

/// What Elasticsearch's program calls an exception whose name in answers this is.
fn class_of(kind: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    kind.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_error_says_where_it_came_from_and_documents_stay_as_they_are() {
        let check = |mut answer: Json, place: &str, expected: Option<&str>| {
            trace(&mut answer);
            let found = answer.pointer(place).and_then(Json::as_str);
            assert_eq!(found, expected, "{answer}");
        };
        let missing = json!({"type": "index_not_found_exception", "reason": "no such index [a]", "index": "a"});
        let line = Some("[a] IndexNotFoundException[no such index [a]]");
        let mut whole = missing.clone();
        whole["root_cause"] = json!([missing]);
        check(json!({"error": whole, "status": 404}), "/error/stack_trace", line);
        check(json!({"error": whole, "status": 404}), "/error/root_cause/0/stack_trace", line);
        check(json!({"responses": [{"error": whole}]}), "/responses/0/error/stack_trace", line);
        let item = json!({"type": "x_exception", "reason": "r", "index": "a", "shard": "0"});
        check(
            json!({"items": [{"index": {"error": item}}]}),
            "/items/0/index/error/stack_trace",
            Some("[[a][0]] XException[r]"),
        );
        check(json!({"error": {"type": "x", "reason": "r"}}), "/error/stack_trace", Some("X[r]"));
        check(json!({"_source": {"error": missing}}), "/_source/error/stack_trace", None);
        check(
            json!({"hits": {"hits": [{"_source": {"error": missing}}]}}),
            "/hits/hits/0/_source/error/stack_trace",
            None,
        );
        check(json!({"error": "a text"}), "/error/stack_trace", None);
        check(json!({"error": {"reason": "no type"}}), "/error/stack_trace", None);
    }

    #[test]
    fn it_is_asked_for_in_the_query_string() {
        let check = |query: &str, expected: bool| assert_eq!(is_asked(Some(query)), expected, "{query}");
        check("error_trace", true);
        check("error_trace=true&pretty", true);
        check("error_trace=false", false);
        check("error_trace=true&error_trace=false", false);
        check("pretty", false);
        assert!(!is_asked(None));
    }
}
