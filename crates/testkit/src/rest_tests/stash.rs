//! Values kept from answers under a name, and put back wherever `$name` or `${name}` stands.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

/// Kept values by name.
#[derive(Default)]
pub struct Stash(HashMap<String, Json>);

impl Stash {
    /// Keeps a value.
    pub fn keep(&mut self, name: &str, value: Json) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value with every stashed name in it replaced, in keys too.
    ///
    /// # Errors
    /// A name under which nothing was kept.
    pub fn filled(&self, value: &Json) -> Result<Json, String> {
        Ok(match value {
            Json::String(text) => self.filled_text(text)?,
            Json::Array(values) => {
                Json::Array(values.iter().map(|value| self.filled(value)).collect::<Result<_, _>>()?)
            }
            Json::Object(fields) => {
                let mut filled = Map::new();
                for (name, value) in fields {
                    filled.insert(as_text(&self.filled_text(name)?), self.filled(value)?);
                }
                Json::Object(filled)
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
        })
    }

    /// Text that is one name becomes the value of it; names in braces are put into the text around them.
    ///
    /// # Errors
    /// A name under which nothing was kept.
    pub fn filled_text(&self, text: &str) -> Result<Json, String> {
        if let Some(name) = text.strip_prefix('$').filter(|name| is_name(name)) {
            return self.get(name).cloned();
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("\"{text}\" lacks a closing brace"))?;
            out.push_str(before);
            out.push_str(&as_text(self.get(name)?));
            rest = after;
        }
        out.push_str(rest);
        Ok(Json::from(out))
    }

    fn get(&self, name: &str) -> Result<&Json, String> {
        self.0.get(name).ok_or_else(|| format!("nothing was stashed under \"{name}\""))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}

/// A value as it stands in a path or in text: strings without quotes.
pub fn as_text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What `transform_and_set` makes of an answer: `#base64EncodeCredentials(user,password)` names two of its places.
///
/// # Errors
/// A transformation that is none.
pub fn transformed(transformation: &str, find: impl Fn(&str) -> Option<Json>) -> Result<Json, String> {
    let Some(inner) = transformation.strip_prefix("#base64EncodeCredentials(").and_then(|rest| rest.strip_suffix(')'))
    else {
        return Err(format!("the transformation \"{transformation}\" is not known"));
    };
    let (user, password) =
        inner.split_once(',').ok_or("base64EncodeCredentials takes two places, with a comma between")?;
    let part = |place: &str| find(place.trim()).ok_or_else(|| format!("the answer has no \"{}\"", place.trim()));
    Ok(STANDARD.encode(format!("{}:{}", as_text(&part(user)?), as_text(&part(password)?))).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_replaced_everywhere() {
        let mut stash = Stash::default();
        stash.keep("id", json!(7));
        stash.keep("node", json!("n1"));
        let filled = stash.filled(&json!({"$node": ["$id", "a${node}b${id}", "$5", "a$node"], "x": {"y": "$node"}}));
        assert_eq!(filled.unwrap(), json!({"n1": [7, "an1b7", "$5", "a$node"], "x": {"y": "n1"}}));
        assert!(stash.filled(&json!("$missing")).unwrap_err().contains("\"missing\""));
        assert!(stash.filled(&json!("${id")).unwrap_err().contains("closing brace"));
    }

    #[test]
    fn credentials_are_encoded() {
        let answer = json!({"user": "u", "password": "p"});
        let find = |place: &str| answer.get(place).cloned();
        assert_eq!(transformed("#base64EncodeCredentials(user,password)", find), Ok(json!("dTpw")));
        assert!(transformed("#base64EncodeCredentials(user,missing)", find).is_err());
        assert!(transformed("#upper(user)", find).is_err());
    }
}
