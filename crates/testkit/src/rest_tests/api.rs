//! The descriptions of calls (`api/*.json`): which path and method a call has, and which parameters it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value as Json};

/// Parameters of every call, beside those of `_common.json`.
const ALWAYS_KNOWN: [&str; 1] = ["ignore"];

/// Every described call by its name, such as `indices.create`.
pub struct Apis {
    calls: BTreeMap<String, Description>,
    common_parameters: BTreeSet<String>,
}

struct Description {
    paths: Vec<PathOfCall>,
    parameters: BTreeSet<String>,
    is_bulk: bool,
}

struct PathOfCall {
    path: String,
    methods: Vec<String>,
    parts: BTreeSet<String>,
}

/// Where a call goes.
#[derive(Debug, PartialEq)]
pub struct Route {
    /// In capitals.
    pub method: String,
    /// With its parts, encoded; begins with `/`.
    pub path: String,
    /// Parameters of the query string, in the order they were given.
    pub query: Vec<(String, String)>,
    /// Whether a list in the body is sent a line per element.
    pub is_bulk: bool,
}

impl Apis {
    /// Reads every description of a folder.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let unreadable =
            |path: &Path, error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
        let mut apis = Self { calls: BTreeMap::new(), common_parameters: BTreeSet::new() };
        for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
            let path = entry.map_err(|error| unreadable(folder, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
                apis.add(&text).map_err(|error| unreadable(&path, &error))?;
            }
        }
        if apis.calls.is_empty() {
            return Err(format!("{} holds no descriptions of calls (*.json)", folder.display()));
        }
        Ok(apis)
    }

    /// The calls that one text describes.
    ///
    /// # Errors
    /// Text of another shape.
    pub fn of(text: &str) -> Result<Self, String> {
        let mut apis = Self { calls: BTreeMap::new(), common_parameters: BTreeSet::new() };
        apis.add(text)?;
        Ok(apis)
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let file: Map<String, Json> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (name, description) in &file {
            let names =
                |json: &Json| json.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
            match name.as_str() {
                "documentation" | "stability" => {}
                "params" => self.common_parameters.extend::<BTreeSet<String>>(names(description)),
                _ => {
                    let paths = description.pointer("/url/paths").and_then(Json::as_array);
                    let paths = paths.ok_or_else(|| format!("\"{name}\" has no url.paths"))?;
                    let described = Description {
                        paths: paths.iter().filter_map(path_of_call).collect(),
                        parameters: names(&description["params"]),
                        is_bulk: description.pointer("/body/serialize").is_some_and(|how| how == "bulk"),
                    };
                    self.calls.insert(name.clone(), described);
                }
            }
        }
        Ok(())
    }

    /// Where a call with these arguments goes. Of several paths it is that which takes most of them.
    ///
    /// # Errors
    /// What a client would refuse before it asks the server: an unknown call or parameter, a part of the path that is missing.
    pub fn route(&self, call: &str, arguments: &Map<String, Json>) -> Result<Route, String> {
        let known = self.calls.get(call).ok_or_else(|| format!("the call \"{call}\" is not described"))?;
        let is_given = |part: &String| arguments.get(part).is_some_and(|value| !value.is_null() && value != "");
        let possible = known.paths.iter().filter(|path| path.parts.iter().all(is_given));
        let chosen = possible.max_by_key(|path| path.parts.len());
        let chosen = chosen.ok_or_else(|| format!("\"{call}\" lacks a part of its path"))?;
        let mut path = chosen.path.clone();
        let mut query = Vec::new();
        for (name, value) in arguments.iter().filter(|(_, value)| !value.is_null()) {
            if chosen.parts.contains(name) {
                path = path.replace(&format!("{{{name}}}"), &encoded(&as_parameter(value)));
            } else if known.parameters.contains(name) || self.common_parameters.contains(name) {
                query.push((name.clone(), as_parameter(value)));
            } else if name != "body" && !ALWAYS_KNOWN.contains(&name.as_str()) {
                return Err(format!("\"{call}\" has no parameter \"{name}\""));
            }
        }
        let method = method_of(&chosen.methods, arguments.contains_key("body"));
        Ok(Route { method, path, query, is_bulk: known.is_bulk })
    }
}

fn path_of_call(json: &Json) -> Option<PathOfCall> {
    let methods = json.get("methods")?.as_array()?.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let parts = json.get("parts").and_then(Json::as_object).map(|parts| parts.keys().cloned().collect());
    Some(PathOfCall { path: json.get("path")?.as_str()?.to_owned(), methods, parts: parts.unwrap_or_default() })
}

/// The first that carries what is sent: not every client sends a body with `GET`.
fn method_of(methods: &[String], has_body: bool) -> String {
    let carries = |method: &&String| !has_body || !matches!(method.as_str(), "GET" | "HEAD");
    methods.iter().find(carries).or(methods.first()).cloned().unwrap_or_else(|| "GET".to_owned())
}

/// A value in a path or query string: lists with commas.
fn as_parameter(value: &Json) -> String {
    match value {
        Json::Array(values) => values.iter().map(as_parameter).collect::<Vec<_>>().join(","),
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        Json::Bool(_) | Json::Number(_) | Json::Object(_) => value.to_string(),
    }
}

/// Percent-encoding of everything but the unreserved signs, and of what stands for itself in lists and patterns.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~,*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GET: &str = r#"{"get": {"url": {"paths": [
        {"path": "/{index}/_doc/{id}", "methods": ["GET"], "parts": {"index": {}, "id": {}}}]},
        "params": {"realtime": {}}}}"#;
    const SEARCH: &str = r#"{"search": {"url": {"paths": [
        {"path": "/_search", "methods": ["GET", "POST"]},
        {"path": "/{index}/_search", "methods": ["GET", "POST"], "parts": {"index": {}}}]},
        "params": {"size": {}}, "body": {}}}"#;

    fn route(text: &str, call: &str, arguments: Json) -> Result<String, String> {
        let mut apis = Apis::of(text).unwrap();
        apis.add(r#"{"documentation": {}, "params": {"filter_path": {}}}"#).unwrap();
        apis.route(call, arguments.as_object().unwrap())
            .map(|route| format!("{} {} {:?}", route.method, route.path, route.query))
    }

    #[test]
    fn paths_follow_from_what_is_given() {
        let check = |text, call, arguments, expected: &str| assert_eq!(route(text, call, arguments).unwrap(), expected);
        check(
            GET,
            "get",
            json!({"index": "a b", "id": "ü/1", "realtime": true}),
            r#"GET /a%20b/_doc/%C3%BC%2F1 [("realtime", "true")]"#,
        );
        check(SEARCH, "search", json!({"index": null}), "GET /_search []");
        check(SEARCH, "search", json!({"index": ["a", "b*"], "body": {}}), "POST /a,b*/_search []");
        check(
            SEARCH,
            "search",
            json!({"filter_path": ["x", "y"], "size": 1}),
            r#"GET /_search [("filter_path", "x,y"), ("size", "1")]"#,
        );
    }

    #[test]
    fn what_a_client_would_refuse_is_refused() {
        let check = |text, call, arguments, expected: &str| {
            let error = route(text, call, arguments).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(GET, "get", json!({"index": "a"}), "lacks a part");
        check(GET, "get", json!({"index": "a", "id": 1, "colour": "red"}), "no parameter \"colour\"");
        check(GET, "put", json!({}), "not described");
        assert!(Apis::of(r#"{"get": {}}"#).is_err());
    }
}
