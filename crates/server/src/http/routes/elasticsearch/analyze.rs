//! `_analyze`: the words that a text is found by. They are always found in the same way: runs of letters, digits and `_`, in small
//! letters and without accents; other ways of finding some are refused.

use axum::extract::State;
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use vigie_app::accounts::Permission;
use vigie_app::kept_indices::field_types;
use vigie_domain::Error;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::tokens::{fold, raw_words};

use super::indices::definitions;
use super::params::{NamesInPath, Params};
use super::search::object_of;
use crate::http::error::ApiResult;
use crate::http::extract::JsonAnswer;
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// What a body may say.
const KNOWN: [&str; 5] = ["text", "field", "analyzer", "tokenizer", "explain"];
/// The one way in which words are found, as Elasticsearch calls what comes nearest to it.
const STANDARD: &str = "standard";
/// Words of one request, as Elasticsearch has it.
const TOKENS_MAX: usize = 10_000;
/// How far apart the words of two texts of a list stand.
const GAP: usize = 100;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    let read = Permission::Authenticated;
    routes
        .get("/elasticsearch/_analyze", read, analyze)
        .post("/elasticsearch/_analyze", read, analyze)
        .get("/elasticsearch/{index}/_analyze", read, analyze)
        .post("/elasticsearch/{index}/_analyze", read, analyze)
}

/// How the words of texts are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As texts are searched.
    Folded,
    /// Where words begin and end, as they are written.
    Written,
    /// Each text is one word.
    Whole,
}

/// The words of texts, of a field of the index that is named, or of none.
async fn analyze(
    State(state): State<AppState>,
    (NamesInPath(index), params): (NamesInPath, Params),
    body: Bytes,
) -> ApiResult<JsonAnswer<Json>> {
    params.check(&["index"])?;
    let object = object_of(&body)?;
    if let Some(unknown) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        let words = format!("[{unknown}] is not there in Vigie: the words of a text are always found in the same way");
        return Err(Error::malformed_field(unknown.as_str(), words).into());
    }
    for key in ["analyzer", "tokenizer"] {
        if let Some(other) = object.get(key).filter(|name| **name != STANDARD) {
            let words = format!("the {key} {other} is not there in Vigie; use \"{STANDARD}\"");
            return Err(Error::malformed_field(key, words).into());
        }
    }
    let way = match object.get("field").and_then(Json::as_str) {
        Some(field) if !is_text(&state, &index, field).await? => Way::Whole,
        _ if object.contains_key("tokenizer") => Way::Written,
        _ => Way::Folded,
    };
    let tokens = tokens_of(&texts(&object)?, way)?;
    if object.get("explain") != Some(&Json::Bool(true)) {
        return Ok(JsonAnswer(json!({ "tokens": tokens })));
    }
    let found = json!({"name": STANDARD, "tokens": tokens});
    let step = if way == Way::Written { "tokenizer" } else { "analyzer" };
    Ok(JsonAnswer(json!({"detail": {"custom_analyzer": way == Way::Written, step: found}})))
}

/// Whether a field is searched by its words.
async fn is_text(state: &AppState, index: &str, field: &str) -> ApiResult<bool> {
    let told = match index {
        "" => None,
        index => field_types(&definitions(state).await?, index).kind_of(field),
    };
    Ok(told.or_else(|| mapping::kind_of(mapping::canonical(field))) == Some(FieldKind::Text))
}

/// The texts that a body names: one, or a list.
fn texts(object: &Map<String, Json>) -> ApiResult<Vec<&str>> {
    let wrong = || Error::malformed_field("text", "[text] must be a text or a list of texts");
    let text = |json| Json::as_str(json).ok_or_else(wrong);
    Ok(match object.get("text") {
        Some(Json::Array(list)) => list.iter().map(text).collect::<Result<_, _>>()?,
        Some(json) => vec![text(json)?],
        None => return Err(wrong().into()),
    })
}

/// The words of texts that stand one behind the other; places are counted in UTF-16, as Elasticsearch does.
fn tokens_of(texts: &[&str], way: Way) -> ApiResult<Vec<Json>> {
    let length = |text: &str| text.encode_utf16().count();
    let (mut tokens, mut position, mut start) = (Vec::new(), 0, 0);
    for text in texts {
        let mut rest = (start, *text);
        let words: Vec<&str> = if way == Way::Whole { vec![*text] } else { raw_words(text).collect() };
        for word in words {
            if tokens.len() == TOKENS_MAX {
                let words = format!(
                    "The number of tokens produced by calling _analyze has exceeded the allowed maximum of [{TOKENS_MAX}]."
                );
                return Err(Error::malformed_field("text", words).into());
            }
            let (before, behind) = rest.1.split_once(word).unwrap_or_default();
            let begin = rest.0 + length(before);
            rest = (begin + length(word), behind);
            let token = if way == Way::Folded { fold(word) } else { word.to_owned() };
            let is_number = way != Way::Whole && word.bytes().all(|byte| byte.is_ascii_digit());
            let kind = match way {
                Way::Whole => "word",
                Way::Folded | Way::Written if is_number => "<NUM>",
                Way::Folded | Way::Written => "<ALPHANUM>",
            };
            let place = json!({"token": token, "start_offset": begin, "end_offset": rest.0, "type": kind, "position": position});
            tokens.push(place);
            position += 1;
        }
        start += length(text) + 1;
        position += GAP;
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_with_their_places() {
        let check = |texts: &[&str], way: Way, expected: &[(&str, u64, u64, u64)]| {
            let tokens = tokens_of(texts, way).unwrap();
            let number = |token: &Json, name: &str| token[name].as_u64().unwrap();
            let found: Vec<(&str, u64, u64, u64)> = tokens
                .iter()
                .map(|token| {
                    let text = token["token"].as_str().unwrap();
                    (text, number(token, "start_offset"), number(token, "end_offset"), number(token, "position"))
                })
                .collect();
            assert_eq!(found, expected, "{texts:?} {way:?}");
        };
        check(&["Échec du paiement!"], Way::Folded, &[("echec", 0, 5, 0), ("du", 6, 8, 1), ("paiement", 9, 17, 2)]);
        check(&["Foo Bar", "Baz"], Way::Written, &[("Foo", 0, 3, 0), ("Bar", 4, 7, 1), ("Baz", 8, 11, 102)]);
        check(&["💳 ok ok"], Way::Folded, &[("ok", 3, 5, 0), ("ok", 6, 8, 1)]);
        check(&["Foo Bar"], Way::Whole, &[("Foo Bar", 0, 7, 0)]);
        check(&["", "--"], Way::Folded, &[]);
        assert!(tokens_of(&[&"a ".repeat(TOKENS_MAX + 1)], Way::Folded).is_err());
        assert_eq!(tokens_of(&["a 12"], Way::Folded).unwrap()[1]["type"], "<NUM>");
    }
}
