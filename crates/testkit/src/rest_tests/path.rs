//! Places in an answer, written with dots: `hits.hits.0._source.a\.b`, `nodes.$id.name`, `nodes._arbitrary_key_`.

use serde_json::Value as Json;

/// Stands for any key of a map; the value found is the key itself.
const ARBITRARY_KEY: &str = "_arbitrary_key_";

/// The names of a place, without those that are empty.
pub fn names(path: &str) -> Vec<String> {
    let (mut names, mut name, mut signs) = (Vec::new(), String::new(), path.chars());
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => name.extend(signs.next()),
            '.' => names.push(std::mem::take(&mut name)),
            _ => name.push(sign),
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

/// What lies there; nothing where a name of the place is missing.
pub fn find(value: &Json, names: &[String]) -> Option<Json> {
    let Some((name, rest)) = names.split_first() else {
        return Some(value.clone());
    };
    match value {
        Json::Object(fields) if name == ARBITRARY_KEY => fields.keys().next().map(|key| Json::from(key.as_str())),
        Json::Object(fields) => find(fields.get(name)?, rest),
        Json::Array(values) => find(values.get(name.parse::<usize>().ok()?)?, rest),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_found() {
        let value = json!({"a": [{"b.c": 1}, 2], "": {"d": 3}, "n": {"x": {}}, "z": null});
        let check = |path: &str, expected: Option<Json>| assert_eq!(find(&value, &names(path)), expected, "{path}");
        check("a.0.b\\.c", Some(json!(1)));
        check("a.1", Some(json!(2)));
        check("a.2", None);
        check("a.b", None);
        check("", Some(value.clone()));
        check("n._arbitrary_key_", Some(json!("x")));
        check("z", Some(Json::Null));
        check("z.y", None);
    }
}
