//! Aliases of indices that clients of Elasticsearch made, as they are asked for by name.

use serde_json::{Map, Value as Json, json};
use vigie_domain::query::glob::glob_matches;

use crate::kept_indices::{Names, aliases_of};
use crate::kept_objects::KeptObject;

/// Names of aliases as they stand in a path: what begins with `-` is left out from the first name with a `*` on, and is a name before.
struct AskedAliases<'a> {
    names: Vec<&'a str>,
    /// The place of the first name with a `*`.
    first_pattern: usize,
}

impl<'a> AskedAliases<'a> {
    /// Reads them; no name means all.
    fn of(text: &'a str) -> Self {
        let names = Names::of(text).all().to_vec();
        let first_pattern = names.iter().position(|name| is_pattern(name)).unwrap_or(names.len());
        Self { names, first_pattern }
    }

    /// What a name leaves out, if it does.
    fn left_out(&self, place: usize) -> Option<&'a str> {
        self.names[place].strip_prefix('-').filter(|_| place >= self.first_pattern)
    }

    fn mean(&self, alias: &str) -> bool {
        let matches = |pattern: &str| pattern == "_all" || glob_matches(pattern, alias);
        (0..self.names.len()).fold(false, |is_meant, place| match self.left_out(place) {
            Some(pattern) => is_meant && !matches(pattern),
            None => is_meant || matches(self.names[place]),
        })
    }

    /// Names that have to be there: they are no patterns, and nothing behind them leaves them out again.
    fn needed(&self) -> impl Iterator<Item = &'a str> {
        let is_left_out = |name: &str, place: usize| {
            (place + 1..self.names.len()).filter_map(|later| self.left_out(later)).any(|left| glob_matches(left, name))
        };
        let places = (0..self.names.len()).filter(move |place| self.left_out(*place).is_none());
        let names = places.map(|place| (place, self.names[place])).filter(|(_, name)| !is_pattern(name));
        names.filter(move |(place, name)| !is_left_out(name, *place)).map(|(_, name)| name)
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains('*') || name == "_all"
}

/// Aliases by index, as they are asked for.
#[derive(Debug, PartialEq)]
pub struct FoundAliases {
    /// Each index with those of its aliases that are meant.
    pub indices: Map<String, Json>,
    /// Names that no index has, in order.
    pub missing: Vec<String>,
}

/// The aliases of the indices that `names` mean. Without names every index is listed, also one that has none.
pub fn find_aliases(indices: &[KeptObject], names: Option<&str>) -> FoundAliases {
    let asked = AskedAliases::of(names.unwrap_or_default());
    let mut found = Map::new();
    for index in indices {
        let own = aliases_of(index).cloned().unwrap_or_default();
        let meant: Map<String, Json> = own.into_iter().filter(|(alias, _)| asked.mean(alias)).collect();
        if names.is_none() || !meant.is_empty() {
            found.insert(index.name.clone(), json!({ "aliases": meant }));
        }
    }
    let is_there = |name: &str| found.values().any(|index| index["aliases"].get(name).is_some());
    let needed = names.map(|_| asked.needed()).into_iter().flatten();
    let mut missing: Vec<String> = needed.filter(|name| !is_there(name)).map(str::to_owned).collect();
    missing.sort();
    missing.dedup();
    FoundAliases { indices: found, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, aliases: Json) -> KeptObject {
        KeptObject { name: name.to_owned(), body: json!({ "aliases": aliases }), version: 1 }
    }

    #[test]
    fn aliases_are_found_by_name_and_missing_ones_told() {
        let indices = [index("one", json!({"a1": {}, "a2": {}, "b": {}})), index("two", json!({}))];
        let check = |names: Option<&str>, expected: Json, missing: &[&str]| {
            let found = find_aliases(&indices, names);
            assert_eq!(
                (Json::Object(found.indices), found.missing),
                (expected, missing.iter().map(|m| (*m).to_owned()).collect()),
                "{names:?}"
            );
        };
        let all = json!({"a1": {}, "a2": {}, "b": {}});
        check(None, json!({"one": {"aliases": all}, "two": {"aliases": {}}}), &[]);
        check(Some("_all"), json!({"one": {"aliases": all}}), &[]);
        check(Some("a*,-a1"), json!({"one": {"aliases": {"a2": {}}}}), &[]);
        check(Some("b,z,y"), json!({"one": {"aliases": {"b": {}}}}), &["y", "z"]);
        check(Some("z*"), json!({}), &[]);
        check(Some("a1,b,-a*"), json!({"one": {"aliases": {"b": {}}}}), &[]);
        check(Some("a1,b,-a*,-b"), json!({}), &[]);
        check(Some("-a1,a*,-a2"), json!({"one": {"aliases": {"a1": {}}}}), &["-a1"]);
        check(Some("-z,-z*,-y"), json!({}), &["-z"]);
    }
}
