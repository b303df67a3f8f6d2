//! `filter_path`: which fields of an answer the client wants. Names between dots, `*` for any part of a name, `**` for any
//! number of names, a leading `-` for what it does not want; lists are looked into.

use serde_json::{Map, Value as Json};
use vigie_domain::Error;
use vigie_domain::query::glob::glob_matches;

use super::params::last_of;
use crate::http::error::ApiResult;

/// Paths in one parameter.
const PATHS_MAX: usize = 64;
/// Names in one path.
const NAMES_MAX: usize = 16;
/// Stands for any number of names.
const ANY_NAMES: &str = "**";

/// What of an answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    wanted: Vec<Vec<String>>,
    unwanted: Vec<Vec<String>>,
}

/// How much of a field is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// Some of what is below it.
    Part,
    /// Nothing.
    Nothing,
}

/// What is left of paths behind the names that were passed.
type Rests<'f> = Vec<&'f [String]>;

impl Filter {
    /// That of a query string, if it has one.
    ///
    /// # Errors
    /// `Malformed` when it has too many paths or too long ones.
    pub fn of_query(query: Option<&str>) -> ApiResult<Option<Self>> {
        last_of(query, "filter_path").map_or(Ok(None), |text| Self::parse(&text))
    }

    fn parse(text: &str) -> ApiResult<Option<Self>> {
        let paths: Vec<&str> =
            text.split(',').map(str::trim).filter(|path| !path.is_empty()).take(PATHS_MAX + 1).collect();
        let names = |path: &str| path.split('.').take(NAMES_MAX + 1).map(str::to_owned).collect::<Vec<_>>();
        let (unwanted, wanted): (Vec<&str>, Vec<&str>) = paths.iter().partition(|path| path.starts_with('-'));
        let filter = Self {
            wanted: wanted.into_iter().map(names).collect(),
            unwanted: unwanted.into_iter().map(|path| names(&path[1..])).collect(),
        };
        if paths.len() > PATHS_MAX || filter.wanted.iter().chain(&filter.unwanted).any(|path| path.len() > NAMES_MAX) {
            let words = format!("filter_path may have {PATHS_MAX} paths of {NAMES_MAX} names; ask for less");
            return Err(Error::malformed_field("filter_path", words).into());
        }
        Ok((!paths.is_empty()).then_some(filter))
    }

    /// How much of the field at this path is wanted.
    pub fn wants(&self, path: &[&str]) -> Wanted {
        let (mut wanted, mut unwanted) = self.start();
        for name in path {
            unwanted = advanced(&unwanted, name);
            if unwanted.iter().any(|rest| is_reached(rest)) {
                return Wanted::Nothing;
            }
            if !wanted.iter().any(|rest| is_reached(rest)) {
                wanted = advanced(&wanted, name);
            }
        }
        match (wanted.is_empty(), wanted.iter().any(|rest| is_reached(rest)) && unwanted.is_empty()) {
            (true, _) => Wanted::Nothing,
            (false, true) => Wanted::Whole,
            (false, false) => Wanted::Part,
        }
    }

    /// The wanted part of an answer; an object when nothing is left.
    pub fn apply(&self, answer: &Json) -> Json {
        let (wanted, unwanted) = self.start();
        part_of(answer, &wanted, &unwanted).unwrap_or_else(|| Json::Object(Map::new()))
    }

    /// Without a wanted path everything is wanted that is not unwanted.
    fn start(&self) -> (Rests<'_>, Rests<'_>) {
        let wanted = if self.wanted.is_empty() { vec![&[][..]] } else { rests(&self.wanted) };
        (wanted, rests(&self.unwanted))
    }
}

fn rests(paths: &[Vec<String>]) -> Rests<'_> {
    paths.iter().map(Vec::as_slice).collect()
}

/// Whether a path that has this left names the field itself.
fn is_reached(rest: &[String]) -> bool {
    rest.iter().all(|name| name == ANY_NAMES)
}

/// What is left of the paths below a field of that name.
fn advanced<'f>(paths: &[&'f [String]], name: &str) -> Rests<'f> {
    let mut left = Rests::new();
    for path in paths {
        let mut path = *path;
        while let [first, rest @ ..] = path {
            if first != ANY_NAMES {
                if glob_matches(first, name) {
                    left.push(rest);
                }
                break;
            }
            left.push(path);
            path = rest;
        }
    }
    left
}

fn part_of(value: &Json, wanted: &Rests<'_>, unwanted: &Rests<'_>) -> Option<Json> {
    let is_whole = wanted.iter().any(|rest| is_reached(rest));
    if is_whole && unwanted.is_empty() {
        return Some(value.clone());
    }
    match value {
        Json::Object(fields) => {
            let mut kept = Map::new();
            for (name, inner) in fields {
                let unwanted = advanced(unwanted, name);
                if unwanted.iter().any(|rest| is_reached(rest)) {
                    continue;
                }
                let below = if is_whole { wanted.clone() } else { advanced(wanted, name) };
                if let Some(inner) = part_of(inner, &below, &unwanted) {
                    kept.insert(name.clone(), inner);
                }
            }
            (!kept.is_empty()).then_some(Json::Object(kept))
        }
        Json::Array(items) => {
            let kept: Vec<Json> = items.iter().filter_map(|item| part_of(item, wanted, unwanted)).collect();
            (!kept.is_empty()).then_some(Json::Array(kept))
        }
        scalar => is_whole.then(|| scalar.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(text: &str) -> Filter {
        Filter::parse(text).unwrap().unwrap()
    }

    #[test]
    fn only_what_is_wanted_is_answered() {
        let answer = json!({"took": 3, "errors": true, "items": [
            {"create": {"_id": "a", "status": 201, "_shards": {"total": 1}}},
            {"index": {"_id": "b", "status": 400, "error": {"type": "t", "reason": "r"}}},
        ]});
        let check = |text: &str, expected: Json| assert_eq!(filter(text).apply(&answer), expected, "{text}");
        check("took", json!({"took": 3}));
        check(
            "errors,items.*.error",
            json!({"errors": true, "items": [{"index": {"error": {"type": "t", "reason": "r"}}}]}),
        );
        check("items.*.status", json!({"items": [{"create": {"status": 201}}, {"index": {"status": 400}}]}));
        check("items.*.err*.type", json!({"items": [{"index": {"error": {"type": "t"}}}]}));
        check("**.total", json!({"items": [{"create": {"_shards": {"total": 1}}}]}));
        check("items.**.type,took", json!({"took": 3, "items": [{"index": {"error": {"type": "t"}}}]}));
        check("-items", json!({"took": 3, "errors": true}));
        check(
            "items,-items.*.error,-items.*._shards,-**._id",
            json!({"items": [{"create": {"status": 201}}, {"index": {"status": 400}}]}),
        );
        check("nothing.here", json!({}));
        check("**", answer.clone());
        check("*", answer.clone());
    }

    #[test]
    fn how_much_of_a_field_is_wanted_is_known_beforehand() {
        let check = |text: &str, path: &[&str], expected: Wanted| {
            assert_eq!(filter(text).wants(path), expected, "{text} {path:?}");
        };
        let status = ["items", "create", "status"];
        check("errors,items.*.status", &status, Wanted::Whole);
        check("errors,items.*.status", &["items", "create", "_id"], Wanted::Nothing);
        check("errors,items.*.status", &["items"], Wanted::Part);
        check("errors", &["items"], Wanted::Nothing);
        check("items", &status, Wanted::Whole);
        check("items.*.error.type", &["items", "index", "error"], Wanted::Part);
        check("-items.*._shards", &status, Wanted::Whole);
        check("-items.*._shards.total", &["items", "create", "_shards"], Wanted::Part);
        check("-items", &status, Wanted::Nothing);
        check("**", &status, Wanted::Whole);
        check("**.status", &status, Wanted::Whole);
    }

    #[test]
    fn it_is_found_in_the_query_string_and_bounded() {
        let of = |query: &str| Filter::of_query(Some(query)).map_err(|problem| problem.status().as_u16());
        assert_eq!(of("refresh=true"), Ok(None));
        assert_eq!(of("filter_path="), Ok(None));
        assert_eq!(of("x=1&filter_path=a%2Cb.c"), Ok(Some(filter("a,b.c"))));
        assert_eq!(of(&format!("filter_path={}", "a,".repeat(65))), Err(400));
        assert_eq!(of(&format!("filter_path={}", "a.".repeat(16))), Err(400));
        assert_eq!(Filter::of_query(None).ok(), Some(None));
    }
}
