//! `grok` and `dissect`.

use toml::Value as Toml;
use vigie_domain::query::Query;

use super::{Plan, Success, failure_tags};
use crate::logstash::attributes::{Attributes, scalar};
use crate::logstash::names::{Names, WEB_FIELDS};
use crate::logstash::question::not;
use crate::logstash::report::Where;
use crate::logstash::stage::{Planned, Touched, list, one_or_list, table};
use crate::logstash::translate::Translator;
use crate::logstash::tree::Literal;
use crate::stages::library_expression;

/// Patterns of the library that capture the fields of a web server's line.
const WEB_PATTERNS: [&str; 2] = ["HTTPD_COMBINEDLOG", "HTTPD_COMMONLOG"];

/// Expressions by name.
type Definitions = Vec<(String, String)>;

pub(super) fn grok(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let own = definitions(translator, attributes);
    let target = attributes.field("target", &translator.names, &mut translator.report);
    let matched = matched(translator, attributes);
    if matched.is_empty() {
        let reason = "there is no pattern; write match => { \"message\" => \"%{…}\" }";
        translator.report.left(attributes.at(), Some("match"), reason);
        return None;
    }
    let patterns: Vec<String> = matched.iter().flat_map(|(_, patterns)| patterns.clone()).collect();
    let is_web =
        asked_for(&own, &patterns).iter().any(|(name, is_own, _)| !is_own && WEB_PATTERNS.contains(&name.as_str()));
    if is_web && target.is_none() {
        move_web_fields(translator, attributes);
    }
    let overwrite = attributes.fields("overwrite", &translator.names, &mut translator.report);
    let tags = failure_tags(attributes, "_grokparsefailure");
    let tries_all = attributes.flag("break_on_match") == Some(false);
    let keeps_empty = attributes.flag("keep_empty_captures").unwrap_or(false);
    let reason = "only what has a name is captured; name it in the pattern";
    attributes.refuse("named_captures_only", &["true"], reason, &mut translator.report);
    for silent in ["timeout_millis", "timeout_scope", "tag_on_timeout", "patterns_files_glob"] {
        attributes.values(silent);
    }
    // Below a target, captures are named from there on.
    let elsewhere = Names::default();
    let names = if target.is_some() { &elsewhere } else { &translator.names };
    let stage = |(field, patterns): (String, Vec<String>)| {
        let used = used(&own, names, &patterns);
        let mut stage = Planned::new(attributes.at().place, "grok", "grok", Touched::Any);
        if field != "message" {
            stage = stage.with("field", field);
        }
        let patterns = patterns.iter().map(|pattern| names.captures(pattern));
        stage = stage.with("patterns", list(patterns)).with_some("target", target.clone());
        if !used.is_empty() {
            stage = stage.with("pattern_definitions", table(used));
        }
        if tries_all {
            stage = stage.with("break_on_match", false);
        }
        if keeps_empty {
            stage = stage.with("keep_empty", true);
        }
        if !overwrite.is_empty() {
            stage = stage.with("overwrite", one_or_list(overwrite.clone()));
        }
        stage
    };
    let mut stages: Vec<Planned> = matched.into_iter().map(stage).collect();
    if stages.len() > 1 {
        return Some(Plan::of(chained(translator, stages, tags, tries_all), Success::Last));
    }
    stages = stages.into_iter().map(|stage| stage.with_some("tag_on_failure", tags.clone())).collect();
    Some(Plan::of(stages, Success::First))
}

/// Fields and the patterns that are tried on each.
fn matched(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Vec<(String, Vec<String>)> {
    let mut matched: Vec<(String, Vec<String>)> = Vec::new();
    for (place, written, value) in attributes.pairs("match") {
        let patterns: Vec<String> = match value {
            Literal::List(items) => items.iter().filter_map(scalar).collect(),
            other => scalar(other).into_iter().collect(),
        };
        match translator.names.field(&written) {
            Ok(field) => match matched.iter_mut().find(|(known, _)| *known == field) {
                Some((_, known)) => known.extend(patterns),
                None => matched.push((field, patterns)),
            },
            Err(reason) => translator.report.left(Where { place, ..attributes.at() }, Some("match"), reason),
        }
    }
    matched
}

/// From here on, what a web server's line tells is where Vigie has it.
fn move_web_fields(translator: &mut Translator<'_>, attributes: &Attributes<'_>) {
    let mut shown = Vec::new();
    for (common_schema, before_it, here) in WEB_FIELDS {
        translator.names.move_field(common_schema, here);
        translator.names.move_field(before_it, here);
        if before_it != here {
            shown.push(format!("{before_it} is {here}"));
        }
    }
    let words =
        format!("what the web server writes is where Vigie has it, here and in what follows: {}", shown.join(", "));
    translator.report.note(attributes.at(), Some("match"), words);
}

/// Every expression that these patterns ask for, one within another too: its name, whether it is one of `own`, its text.
fn asked_for(own: &Definitions, patterns: &[String]) -> Vec<(String, bool, String)> {
    let mut found: Vec<(String, bool, String)> = Vec::new();
    let mut texts: Vec<String> = patterns.to_vec();
    while let Some(text) = texts.pop() {
        for piece in text.split("%{").skip(1) {
            let name = piece.split([':', '}']).next().unwrap_or_default();
            if found.iter().any(|(known, ..)| known == name) {
                continue;
            }
            let defined = own.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
            let is_own = defined.is_some();
            if let Some(text) = defined.or_else(|| library_expression(name).map(str::to_owned)) {
                found.push((name.to_owned(), is_own, text.clone()));
                texts.push(text);
            }
        }
    }
    found
}

/// The definitions that these patterns need: their own, and those of the library whose fields are elsewhere.
fn used(own: &Definitions, names: &Names, patterns: &[String]) -> Vec<(String, Toml)> {
    let asked = asked_for(own, patterns).into_iter();
    let needed = asked.filter_map(|(name, is_own, text)| {
        let here = names.captures(&text);
        (is_own || here != text).then_some((name, Toml::String(here)))
    });
    needed.collect()
}

/// Several fields: the first that matches counts, and only when none does the event is tagged.
fn chained(translator: &mut Translator<'_>, stages: Vec<Planned>, tags: Option<Toml>, tries_all: bool) -> Vec<Planned> {
    let Some(place) = stages.first().map(|stage| stage.place) else { return stages };
    let mark = translator.marks.make(place.line);
    let unmatched = not(Query::equals(mark.as_str(), "true"));
    let mut chained: Vec<Planned> = Vec::new();
    for stage in stages {
        let mut stage = stage
            .with("tag_on_failure", Toml::Array(Vec::new()))
            .with("add_fields", table([(mark.clone(), Toml::Boolean(true))]));
        if !tries_all && !chained.is_empty() {
            stage.when = unmatched.clone();
        }
        chained.push(stage);
    }
    let tags = match tags {
        None => list(["_grokparsefailure".to_owned()]),
        Some(Toml::String(tag)) => list([tag]),
        Some(other) => other,
    };
    let mut failed = Planned::new(place, "grok, when nothing matches", "tag", Touched::Fields(vec!["tags".to_owned()]));
    failed = failed.with("add_tags", tags);
    failed.when = unmatched;
    chained.push(failed);
    // What is done on success is done by a stage that asks for it.
    let mut done = Planned::new(place, "grok, when something matches", "tag", Touched::Fields(Vec::new()));
    done.when = Query::equals(mark, "true");
    chained.push(done);
    chained
}

/// Expressions of the configuration itself and of the folders that it names; the former come first.
fn definitions(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Definitions {
    let mut definitions: Definitions = Vec::new();
    let mut define = |name: String, text: String| {
        if !definitions.iter().any(|(known, _)| *known == name) {
            definitions.push((name, text));
        }
    };
    for (_, name, text) in attributes.text_pairs("pattern_definitions") {
        define(name, text);
    }
    for folder in attributes.texts("patterns_dir") {
        match (translator.options.read)(&folder) {
            Ok(files) => {
                let lines = files.iter().flat_map(|text| text.lines());
                for line in lines.map(str::trim_end).filter(|line| !line.trim_start().starts_with('#')) {
                    if let Some((name, text)) = line.trim_start().split_once(char::is_whitespace) {
                        define(name.to_owned(), text.trim_start().to_owned());
                    }
                }
            }
            Err(reason) => {
                translator.report.left(attributes.place_of("patterns_dir"), Some("patterns_dir"), reason);
            }
        }
    }
    definitions
}

pub(super) fn dissect(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let mut mapping = Vec::new();
    for (place, written, text) in attributes.text_pairs("mapping") {
        match translator.names.field(&written) {
            Ok(field) => mapping.push((field, Toml::String(named_values(&text)))),
            Err(reason) => translator.report.left(Where { place, ..attributes.at() }, Some("mapping"), reason),
        }
    }
    let tags = failure_tags(attributes, "_dissectfailure");
    let place = attributes.at().place;
    if mapping.is_empty() {
        let has_other = attributes.has("convert_datatype");
        if !has_other {
            translator.report.left(
                attributes.at(),
                Some("mapping"),
                "there is no mapping; write mapping => { \"message\" => \"%{…}\" }",
            );
            return None;
        }
    }
    let mut stages = Vec::new();
    let kinds = attributes.text_pairs("convert_datatype");
    if !kinds.is_empty() {
        let kind = |(_, written, kind): (_, String, String)| {
            translator.names.field(&written).ok().map(|field| (field, Toml::String(kind)))
        };
        let kinds: Vec<(String, Toml)> = kinds.into_iter().filter_map(kind).collect();
        let touched = kinds.iter().map(|(field, _)| field.clone()).chain(["tags".to_owned()]).collect();
        stages.push(
            Planned::new(place, "dissect, convert_datatype", "convert", Touched::Fields(touched))
                .with("fields", table(kinds)),
        );
    }
    if !mapping.is_empty() {
        let stage = Planned::new(place, "dissect", "dissect", Touched::Any).with("mapping", table(mapping));
        stages.insert(0, stage.with_some("tag_on_failure", tags));
    }
    Some(Plan::of(stages, Success::First))
}

/// Logstash's `%{?name}` that names the value of `%{&name}` is `%{*name}` here.
fn named_values(mapping: &str) -> String {
    let mut text = mapping.to_owned();
    for piece in mapping.split("%{&").skip(1) {
        let name = piece.split(['}', '-']).next().unwrap_or_default();
        if !name.is_empty() {
            text = text.replace(&format!("%{{?{name}"), &format!("%{{*{name}"));
        }
    }
    text
}
