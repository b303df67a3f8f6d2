//! A file of tests as its steps: `setup`, `teardown` and sections, each a list of operators.

use serde_json::{Map, Value as Json};

use super::assertion::{Check, Comparison};
use super::stash::as_text;
use super::yaml;

/// Keys of `do` that say how a call is made and judged, not which.
const DO_OPTIONS: [&str; 8] = [
    "catch",
    "headers",
    "warnings",
    "warnings_regex",
    "allowed_warnings",
    "allowed_warnings_regex",
    "node_selector",
    "ignore",
];

/// One file.
#[derive(Debug, Default)]
pub struct Suite {
    /// Before every section.
    pub setup: Vec<Step>,
    /// After every section, whatever became of it.
    pub teardown: Vec<Step>,
    /// Each independent of the others.
    pub sections: Vec<Section>,
}

/// One test.
#[derive(Debug)]
pub struct Section {
    /// Its title.
    pub name: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// One operator.
#[derive(Debug)]
pub enum Step {
    /// Leaves the section, or in `setup` the file, out.
    Skip(Skip),
    /// Sends a call.
    Do(Box<Do>),
    /// Keeps what lies at a place under a name.
    Set(String, String),
    /// Keeps what is made of the answer under a name.
    TransformAndSet(String, String),
    /// States something of a place.
    Assert(String, Check),
}

/// When to leave out.
#[derive(Debug, Default, PartialEq)]
pub struct Skip {
    /// Ranges of versions.
    pub versions: Option<String>,
    /// What a runner must know.
    pub features: Vec<String>,
    /// Why.
    pub reason: String,
}

/// A call and what is expected of its answer.
#[derive(Debug, Default)]
pub struct Do {
    /// Its name in the descriptions.
    pub call: String,
    /// Parts of the path, parameters, `body`, `ignore`.
    pub arguments: Map<String, Json>,
    /// The error that must come.
    pub catch: Option<String>,
    /// Beside those that are always sent.
    pub headers: Vec<(String, Json)>,
    /// Warnings that must come, all of them.
    pub warnings: Vec<String>,
    /// The same as expressions.
    pub warnings_patterns: Vec<String>,
    /// Warnings that may come.
    pub allowed_warnings: Vec<String>,
    /// The same as expressions.
    pub allowed_warnings_patterns: Vec<String>,
    /// Statuses that are no errors.
    pub ignored_statuses: Vec<u16>,
    /// Which nodes it may go to.
    pub node_selector: Option<Json>,
}

impl Suite {
    /// Reads a file.
    ///
    /// # Errors
    /// What is no YAML, or an operator that is not known, with the section it stands in.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut suite = Self::default();
        for document in yaml::documents(text)? {
            let sections = document.as_object().ok_or("a document has to be a map of one section")?;
            for (name, list) in sections {
                let steps = steps(list).map_err(|what| format!("\"{name}\": {what}"))?;
                match name.as_str() {
                    "setup" => suite.setup.extend(steps),
                    "teardown" => suite.teardown.extend(steps),
                    _ => suite.sections.push(Section { name: name.clone(), steps }),
                }
            }
        }
        Ok(suite)
    }
}

fn steps(list: &Json) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for operators in list.as_array().ok_or("a section is a list of operators")? {
        for (operator, value) in operators.as_object().ok_or("an operator is a map")? {
            add_step(&mut steps, operator, value).map_err(|what| format!("{operator}: {what}"))?;
        }
    }
    Ok(steps)
}

fn add_step(steps: &mut Vec<Step>, operator: &str, value: &Json) -> Result<(), String> {
    let made: fn(Json) -> Check = match operator {
        "skip" => {
            steps.push(Step::Skip(skip(value)?));
            return Ok(());
        }
        "do" => {
            steps.push(Step::Do(Box::new(call(value)?)));
            return Ok(());
        }
        "is_true" | "is_false" => {
            let check = if operator == "is_true" { Check::IsTrue } else { Check::IsFalse };
            steps.push(Step::Assert(text_of(value), check));
            return Ok(());
        }
        "set" | "transform_and_set" => return add_set(steps, operator, value),
        "match" => Check::Match,
        "length" => Check::Length,
        "contains" => Check::Contains,
        "close_to" => Check::CloseTo,
        "gt" => |bound| Check::Compare(Comparison::Greater, bound),
        "gte" => |bound| Check::Compare(Comparison::GreaterOrEqual, bound),
        "lt" => |bound| Check::Compare(Comparison::Less, bound),
        "lte" => |bound| Check::Compare(Comparison::LessOrEqual, bound),
        _ => return Err("this operator is not known".to_owned()),
    };
    let places = value.as_object().ok_or("takes a map of places")?;
    steps.extend(places.iter().map(|(place, value)| Step::Assert(place.clone(), made(value.clone()))));
    Ok(())
}

fn add_set(steps: &mut Vec<Step>, operator: &str, value: &Json) -> Result<(), String> {
    for (one, other) in value.as_object().ok_or("takes a map")? {
        steps.push(match operator {
            "set" => Step::Set(one.clone(), text_of(other)),
            _ => Step::TransformAndSet(one.clone(), text_of(other)),
        });
    }
    Ok(())
}

fn skip(value: &Json) -> Result<Skip, String> {
    let fields = value.as_object().ok_or("takes a map of version, features and reason")?;
    let skip = Skip {
        versions: fields.get("version").filter(|version| !version.is_null()).map(as_text),
        features: fields.get("features").map(texts).unwrap_or_default(),
        reason: fields.get("reason").map(text_of).unwrap_or_default(),
    };
    if skip.versions.is_none() && skip.features.is_empty() {
        return Err("needs a version or features".to_owned());
    }
    Ok(skip)
}

fn call(value: &Json) -> Result<Do, String> {
    let fields = value.as_object().ok_or("takes a map with one call")?;
    let list = |name: &str| fields.get(name).map(texts).unwrap_or_default();
    let mut read = Do {
        catch: fields.get("catch").map(|catch| text_of(catch).trim().to_owned()),
        headers: fields.get("headers").and_then(Json::as_object).cloned().unwrap_or_default().into_iter().collect(),
        warnings: list("warnings"),
        warnings_patterns: list("warnings_regex"),
        allowed_warnings: list("allowed_warnings"),
        allowed_warnings_patterns: list("allowed_warnings_regex"),
        node_selector: fields.get("node_selector").cloned(),
        ..Do::default()
    };
    // Of several calls the last counts, as in the runner that the tests were written for.
    let mut calls = fields.iter().filter(|(name, _)| !DO_OPTIONS.contains(&name.as_str()));
    let (name, arguments) = calls.next_back().ok_or("names no call")?;
    name.clone_into(&mut read.call);
    read.arguments = match arguments {
        Json::Object(arguments) => arguments.clone(),
        Json::Null => Map::new(),
        other => return Err(format!("{name} takes a map of arguments, not {other}")),
    };
    for ignored in [fields.get("ignore"), read.arguments.get("ignore")].into_iter().flatten() {
        for status in texts(ignored) {
            read.ignored_statuses.push(status.parse().map_err(|_| format!("ignore takes statuses, not \"{status}\""))?);
        }
    }
    Ok(read)
}

/// A place: nothing means the whole answer.
fn text_of(value: &Json) -> String {
    if value.is_null() { String::new() } else { as_text(value) }
}

fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::Array(values) => values.iter().map(as_text).collect(),
        Json::Null => Vec::new(),
        other => vec![as_text(other)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_sections() {
        let text = "---\nsetup:\n  - skip: {version: ' - 1', features: [headers, yaml]}\n  - do: {ping: {}}\n---\nteardown:\n  - do: {ping: }\n\
                    ---\n'One':\n  - do: {catch: missing, get: {index: a, ignore: [404, 500]}}\n  - match: {a: 1, b: 2}\n  - set: {x: y}\n  - is_true: ''\n---\n'Two':\n  - gt: {a: 1}\n";
        let suite = Suite::parse(text).unwrap();
        assert_eq!((suite.setup.len(), suite.teardown.len(), suite.sections.len()), (2, 1, 2));
        let one = &suite.sections[0];
        assert_eq!((one.name.as_str(), one.steps.len()), ("One", 5));
        let Step::Do(call) = &one.steps[0] else { panic!("{:?}", one.steps[0]) };
        assert_eq!((call.call.as_str(), call.catch.as_deref()), ("get", Some("missing")));
        assert_eq!(call.ignored_statuses, [404, 500]);
        let Step::Skip(skip) = &suite.setup[0] else { panic!("{:?}", suite.setup[0]) };
        assert_eq!((skip.versions.as_deref(), skip.features.len()), (Some(" - 1"), 2));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let check = |text: &str, expected: &str| {
            let error = Suite::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("'A':\n - equals: {a: 1}", "\"A\": equals: this operator is not known");
        check("'A':\n - do: {catch: missing}", "names no call");
        check("'A':\n - do: {get: 5}", "takes a map of arguments");
        check("'A':\n - skip: {reason: no}", "needs a version or features");
        check("'A': 1", "list of operators");
        check("- a", "map of one section");
        check("'A':\n - match: x", "takes a map of places");
    }
}
