//! Runs sections against a server, each beginning with a server that holds nothing of the one before.

use serde_json::Value as Json;

use super::api::Apis;
use super::assertion::{Check, shown};
use super::client::{Answer, Outgoing, Transport};
use super::path;
use super::pattern::{self, Blanks};
use super::reasons::Reasons;
use super::stash::{Stash, as_text, transformed};
use super::suite::{Do, Section, Skip, Step, Suite};
use super::version::Version;

/// What tests may ask of a runner that this one knows.
const FEATURES: [&str; 16] = [
    "allowed_warnings",
    "allowed_warnings_regex",
    "arbitrary_key",
    "catch_unauthorized",
    "close_to",
    "contains",
    "default_shards",
    "embedded_stash_key",
    "headers",
    "node_selector",
    "regex",
    "stash_in_key",
    "stash_in_path",
    "transform_and_set",
    "warnings",
    "yaml",
];

/// What empties a server, in order. It is not found where nothing of the kind is there.
const CLEANING: [(&str, &str); 7] = [
    ("DELETE", "/_search/scroll/_all"),
    ("DELETE", "/_search/point_in_time/_all"),
    ("DELETE", "/_data_stream/*"),
    ("DELETE", "/*?expand_wildcards=all"),
    ("DELETE", "/_template/*"),
    ("DELETE", "/_index_template/*"),
    ("DELETE", "/_component_template/*"),
];

/// What became of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Every statement held.
    Passed,
    /// The first that did not.
    Failed(String),
    /// The same, for a documented difference.
    Differs {
        /// Why.
        reason: String,
        /// The first that did not hold.
        what: String,
    },
    /// It was not run, and why.
    Skipped(String),
}

/// A section and what became of it.
#[derive(Clone, Debug)]
pub struct SectionResult {
    /// `folder/file: section`
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl SectionResult {
    /// The folder that it lies in.
    pub fn folder(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// Runs suites.
pub struct Runner<'a> {
    /// Where requests go.
    pub transport: &'a dyn Transport,
    /// The calls.
    pub apis: &'a Apis,
    /// Which version the server is taken for.
    pub version: Version,
    /// Documented differences.
    pub reasons: &'a Reasons,
    /// Empties a server that cannot be emptied by its own calls.
    pub reset: Option<Reset<'a>>,
}

/// Makes a server anew; when it returns, the server answers.
pub type Reset<'a> = &'a dyn Fn() -> Result<(), String>;

impl Runner<'_> {
    /// Runs every section of a file called `folder/file`.
    pub fn run(&self, file: &str, suite: &Suite) -> Vec<SectionResult> {
        suite
            .sections
            .iter()
            .map(|section| {
                let name = format!("{file}: {}", section.name);
                let outcome = self.outcome_of(&name, suite, section);
                SectionResult { name, outcome }
            })
            .collect()
    }

    fn outcome_of(&self, name: &str, suite: &Suite, section: &Section) -> Outcome {
        if let Some(reason) = self.reason_to_skip(&suite.setup).or_else(|| self.reason_to_skip(&section.steps)) {
            return Outcome::Skipped(reason);
        }
        match (self.run_section(suite, section), self.reasons.of(name)) {
            (Ok(()), _) => Outcome::Passed,
            (Err(what), Some(reason)) => Outcome::Differs { reason: reason.to_owned(), what },
            (Err(what), None) => Outcome::Failed(what),
        }
    }

    fn reason_to_skip(&self, steps: &[Step]) -> Option<String> {
        steps.iter().find_map(|step| match step {
            Step::Skip(skip) => self.reason_of(skip),
            Step::Do(_) | Step::Set(..) | Step::TransformAndSet(..) | Step::Assert(..) => None,
        })
    }

    fn reason_of(&self, skip: &Skip) -> Option<String> {
        if let Some(unknown) = skip.features.iter().find(|feature| !FEATURES.contains(&feature.as_str())) {
            return Some(format!("needs a runner with {unknown}"));
        }
        match self.version.is_within(skip.versions.as_deref()?) {
            Ok(false) => None,
            Ok(true) if skip.reason.is_empty() => Some(format!("not of version {}", self.version)),
            Ok(true) => Some(skip.reason.clone()),
            Err(error) => Some(error),
        }
    }

    fn run_section(&self, suite: &Suite, section: &Section) -> Result<(), String> {
        self.clean()?;
        let mut run = SectionRun { runner: self, stash: Stash::default(), answer: None };
        let outcome = run.steps("setup", &suite.setup).and_then(|()| {
            run.answer = None;
            run.steps("step", &section.steps)
        });
        // Run whatever became of the section; what it undoes is owed to the next.
        let after = run.steps("teardown", &suite.teardown);
        outcome.and(after)
    }

    /// Empties the server, by its own calls or, where it refuses one, anew.
    ///
    /// # Errors
    /// No answer came, or it could not be made anew.
    pub fn clean(&self) -> Result<(), String> {
        let mut is_refused = false;
        for (method, path) in CLEANING {
            let request = Outgoing { method: method.to_owned(), path: path.to_owned(), ..Outgoing::default() };
            let answer = self.transport.send(&request)?;
            is_refused |= answer.status >= 400 && answer.status != 404;
        }
        // Without a way to make it anew, what is left shows in what fails.
        self.reset.filter(|_| is_refused).map_or(Ok(()), |reset| reset())
    }
}

struct SectionRun<'a> {
    runner: &'a Runner<'a>,
    stash: Stash,
    answer: Option<Answer>,
}

impl SectionRun<'_> {
    fn steps(&mut self, part: &str, steps: &[Step]) -> Result<(), String> {
        for (at, step) in steps.iter().enumerate() {
            self.step(step).map_err(|what| format!("{part} {}: {what}", at + 1))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Skip(_) => Ok(()),
            Step::Do(call) => self.call(call).map_err(|what| format!("{}: {what}", call.call)),
            Step::Set(place, name) => {
                let value = self.find(place)?.ok_or_else(|| format!("the answer has no \"{place}\" to set"))?;
                self.stash.keep(name, value);
                Ok(())
            }
            Step::TransformAndSet(name, transformation) => {
                let value = transformed(transformation, |place| self.find(place).ok().flatten())?;
                self.stash.keep(name, value);
                Ok(())
            }
            Step::Assert(place, check) => {
                let check = check.with_values(|value| self.stash.filled(value))?;
                let actual = if place == "$body" { self.body(&check)? } else { self.find(place)? };
                check.hold(actual.as_ref()).map_err(|what| format!("\"{place}\" {what}"))
            }
        }
    }

    fn last_answer(&self) -> Result<&Answer, String> {
        self.answer.as_ref().ok_or_else(|| "there is no answer to look at".to_owned())
    }

    /// The whole answer: as text for expressions and text, else as it was read.
    fn body(&self, check: &Check) -> Result<Option<Json>, String> {
        let answer = self.last_answer()?;
        let wants_text = matches!(check, Check::Match(Json::String(_)));
        Ok(Some(if wants_text { Json::from(answer.text.as_str()) } else { answer.value() }))
    }

    fn find(&self, place: &str) -> Result<Option<Json>, String> {
        if place == "$body" {
            return Ok(Some(Json::from(self.last_answer()?.text.as_str())));
        }
        let names = path::names(place).into_iter().map(|name| self.stash.filled_text(&name).map(|name| as_text(&name)));
        // A place that begins with a stashed name and has no more is that value itself.
        Ok(path::find(&self.last_answer()?.value(), &names.collect::<Result<Vec<_>, _>>()?))
    }

    fn call(&mut self, call: &Do) -> Result<(), String> {
        self.answer = None;
        self.check_node(call)?;
        let filled = self.stash.filled(&Json::Object(call.arguments.clone()))?;
        let arguments = filled.as_object().cloned().unwrap_or_default();
        // What clients refuse differs from one to the next: such a call is never sent, as in the runner that the tests were written for.
        if call.catch.as_deref() == Some("param") {
            return Ok(());
        }
        let route = self.runner.apis.route(&call.call, &arguments)?;
        let body = arguments.get("body").filter(|body| !body.is_null()).map(body_text).transpose()?;
        let is_lines = route.is_bulk || arguments.get("body").is_some_and(Json::is_array);
        let mut headers = Vec::new();
        for (name, value) in &call.headers {
            headers.push((name.to_lowercase(), as_text(&self.stash.filled(value)?)));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name == "content-type") {
            let kind = if is_lines { "application/x-ndjson" } else { "application/json" };
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        let is_head = route.method == "HEAD";
        let request = Outgoing { method: route.method, path: route.path, query: route.query, headers, body };
        let mut answer = self.runner.transport.send(&request)?;
        if is_head {
            answer.json = Some(Json::Bool(answer.status < 400));
        }
        let judged = judge(call, &answer, is_head);
        self.answer = Some(answer);
        judged
    }

    /// There is one node: it is of the wanted version, or nothing can be sent.
    fn check_node(&self, call: &Do) -> Result<(), String> {
        let Some(selector) = &call.node_selector else { return Ok(()) };
        let is_meant = match selector.get("version").map(as_text) {
            Some(ranges) => ranges == "current" || self.runner.version.is_within(&ranges)?,
            None => selector.get("attribute").is_none(),
        };
        if is_meant { Ok(()) } else { Err(format!("no node is {selector}")) }
    }
}

/// Text is sent as it is, a list a line per element, anything else as JSON.
fn body_text(body: &Json) -> Result<String, String> {
    Ok(match body {
        Json::String(text) => text.clone(),
        Json::Array(lines) => lines.iter().map(|line| as_text(line) + "\n").collect(),
        other => other.to_string(),
    })
}

fn judge(call: &Do, answer: &Answer, is_head: bool) -> Result<(), String> {
    let is_error = answer.status >= 400 && !(is_head && answer.status == 404);
    match &call.catch {
        None if is_error && !call.ignored_statuses.contains(&answer.status) => {
            return Err(format!("answered {}: {}", answer.status, shown(Some(&answer.value()))));
        }
        None => {}
        Some(catch) => caught(catch, answer)?,
    }
    check_warnings(call, answer)
}

fn caught(catch: &str, answer: &Answer) -> Result<(), String> {
    let status = answer.status;
    let got = || format!("{status}: {}", shown(Some(&answer.value())));
    let expected = match catch {
        "bad_request" => Some(400),
        "unauthorized" => Some(401),
        "forbidden" => Some(403),
        "missing" => Some(404),
        "request_timeout" => Some(408),
        "conflict" => Some(409),
        "unavailable" => Some(503),
        _ => None,
    };
    if let Some(expected) = expected {
        return if status == expected {
            Ok(())
        } else {
            Err(format!("should answer {expected}, and answers {}", got()))
        };
    }
    if status < 400 {
        return Err(format!("should answer an error, {catch}, and answers {}", got()));
    }
    match pattern::inside(catch) {
        None if catch == "request" => Ok(()),
        None => Err(format!("the error \"{catch}\" to catch is not known")),
        Some(expression) if pattern::compile(expression, Blanks::Meant)?.is_match(&answer.text) => Ok(()),
        Some(_) => Err(format!("should answer an error with {catch}, and answers {}", got())),
    }
}

fn check_warnings(call: &Do, answer: &Answer) -> Result<(), String> {
    let texts: Vec<String> = answer.warnings.iter().map(|warning| warning_text(warning)).collect();
    let fits = |patterns: &[String], text: &str| -> Result<bool, String> {
        for pattern in patterns {
            if pattern::compile(pattern, Blanks::Meant)?.is_match(text) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    for text in &texts {
        let is_known = call.warnings.contains(text)
            || call.allowed_warnings.contains(text)
            || fits(&call.warnings_patterns, text)?
            || fits(&call.allowed_warnings_patterns, text)?;
        if !is_known {
            return Err(format!("warns of what was not expected: {text}"));
        }
    }
    match call.warnings.iter().find(|expected| !texts.contains(expected)) {
        Some(missing) => Err(format!("should warn: {missing}")),
        None => Ok(()),
    }
}

/// The text between the quotes of `299 agent "text" "date"`, without the place in a body that may begin it: `[match][1:74] `.
fn warning_text(header: &str) -> String {
    let quoted = header.split_once('"').map_or(header, |(_, rest)| rest);
    let (mut text, mut signs) = (String::new(), quoted.chars());
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => text.extend(signs.next()),
            '"' => break,
            _ => text.push(sign),
        }
    }
    let place =
        text.strip_prefix('[').and_then(|rest| rest.split_once("][")).and_then(|(_, rest)| rest.split_once("] "));
    match place {
        Some((place, rest)) if place.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, ':' | '-')) => {
            rest.to_owned()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_what_stands_in_quotes() {
        let check = |header: &str, expected: &str| assert_eq!(warning_text(header), expected, "{header}");
        check(r#"299 OpenSearch-3.8 "old \"way\"" "date""#, r#"old "way""#);
        check(r#"299 x "[match][1:74] Deprecated field [a] used""#, "Deprecated field [a] used");
        check(r#"299 x "[a][b] c""#, "[a][b] c");
    }
}
