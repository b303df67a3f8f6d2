//! `json`, `kv`, `csv`, `urldecode`: texts with a form of their own.

use toml::Value as Toml;

use super::{Plan, Success, failure_tags};
use crate::logstash::attributes::Attributes;
use crate::logstash::question::Questions;
use crate::logstash::stage::{Planned, Touched, list, table};
use crate::logstash::translate::Translator;

/// How a document of JSON begins.
const JSON_BEGINNING: &str = "\\A\\s*[\\[{]";
const MESSAGE: &str = "message";

/// The field that a filter reads, if it is another than the message.
fn source(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>, option: &'static str) -> Option<String> {
    attributes.field(option, &translator.names, &mut translator.report).filter(|field| field != MESSAGE)
}

pub(super) fn json(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let at = attributes.at();
    let field = source(translator, attributes, "source");
    let target = attributes.field("target", &translator.names, &mut translator.report);
    let is_whole_line = field.is_none() && target.is_none();
    let mut tags = failure_tags(attributes, "_jsonparsefailure");
    if attributes.flag("skip_on_invalid_json") == Some(true) {
        tags = Some(Toml::Array(Vec::new()));
    }
    let touched = match &target {
        Some(target) => Touched::Fields(vec![target.clone(), "tags".to_owned()]),
        None => Touched::Any,
    };
    let stage = Planned::new(at.place, "json", "json", touched);
    let mut stage = stage.with_some("field", field).with_some("target", target).with_some("tag_on_failure", tags);
    if !(is_whole_line && translator.sent.reads_json) {
        return Some(Plan::one(stage));
    }
    // Lines of JSON are events by now, whose message is that of the application and no document.
    let reason = "lines that are JSON are read before the pipeline; the stage is for a message that is JSON itself";
    translator.report.note(at, None, reason);
    let mut questions = Questions {
        at,
        names: &translator.names,
        marks: &mut translator.marks,
        report: &mut translator.report,
        before: Vec::new(),
    };
    let asked = questions.matching(MESSAGE, Some(JSON_BEGINNING));
    let mut stages = questions.before;
    stage.when = asked.map_err(|reason| translator.report.left(at, None, reason)).ok()?;
    stages.push(stage);
    Some(Plan::of(stages, Success::Last))
}

pub(super) fn kv(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let place = attributes.at().place;
    let field = source(translator, attributes, "source");
    let target = attributes.field("target", &translator.names, &mut translator.report);
    let touched = match &target {
        Some(target) => Touched::Fields(vec![target.clone(), "tags".to_owned()]),
        None => Touched::Any,
    };
    let mut stage = Planned::new(place, "kv", "kv", touched).with_some("field", field).with_some("target", target);
    for (option, key) in [
        ("field_split", "field_split"),
        ("value_split", "value_split"),
        ("prefix", "prefix"),
        ("trim_key", "trim_key"),
        ("trim_value", "trim_value"),
    ] {
        stage = stage.with_some(key, attributes.text(option).map(|text| unescaped(&text)));
    }
    for option in ["include_keys", "exclude_keys"] {
        let keys = attributes.texts(option);
        if !keys.is_empty() {
            stage = stage.with(option, list(keys));
        }
    }
    let report = &mut translator.report;
    attributes.refuse("field_split_pattern", &[], "pairs end at single characters; name them in field_split", report);
    attributes.refuse("value_split_pattern", &[], "keys end at single characters; name them in value_split", report);
    attributes.refuse("default_keys", &[], "use an add stage with existing = \"keep\" after it", report);
    attributes.refuse("recursive", &["false"], "use a second kv stage with field and target", report);
    attributes.refuse("transform_key", &[], "names stay as they are sent; use rename", report);
    attributes.refuse("transform_value", &[], "use lowercase, uppercase or capitalize", report);
    attributes.refuse("remove_char_key", &[], "use rename", report);
    attributes.refuse("remove_char_value", &[], "use replace", report);
    attributes.refuse("allow_duplicate_values", &["true"], "the same value twice is kept twice", report);
    attributes.refuse("allow_empty_values", &["true"], "empty values are kept", report);
    attributes.refuse("include_brackets", &["true"], "brackets and quotes around a value are always taken off", report);
    attributes.refuse(
        "whitespace",
        &["lenient"],
        "white space around the separators is not passed over; use trim_value",
        report,
    );
    attributes.values("tag_on_timeout");
    attributes.values("timeout_millis");
    // Logstash adds no tag when there is no pair, only when the filter itself fails.
    attributes.values("tag_on_failure");
    Some(Plan::one(stage.with("typed", false).with("tag_on_failure", Toml::Array(Vec::new()))))
}

pub(super) fn csv(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let place = attributes.at().place;
    let field = source(translator, attributes, "source");
    let columns = attributes.fields("columns", &translator.names, &mut translator.report);
    let target = attributes.field("target", &translator.names, &mut translator.report);
    let separator = attributes.text("separator").map(|text| unescaped(&text));
    let mut stage =
        Planned::new(place, "csv", "csv", Touched::Any).with_some("field", field).with_some("target", target.clone());
    if !columns.is_empty() {
        stage = stage.with("columns", list(columns));
    }
    stage = stage.with_some("separator", separator);
    if attributes.flag("skip_empty_columns") == Some(true) {
        stage = stage.with("skip_empty", true);
    }
    let report = &mut translator.report;
    attributes.refuse(
        "quote_char",
        &["\"", "\\\""],
        "cells are quoted by \" alone; use dissect for other quotes",
        report,
    );
    attributes.refuse(
        "autodetect_column_names",
        &["false"],
        "send or upload the file as CSV, whose header is read; or name the columns",
        report,
    );
    attributes.refuse(
        "skip_header",
        &["false"],
        "send or upload the file as CSV, whose header is read; or drop it by a when",
        report,
    );
    attributes.refuse("skip_empty_rows", &["false"], "empty lines are passed over anyway", report);
    attributes.refuse(
        "autogenerate_column_names",
        &["true"],
        "cells beyond the columns are column7 and so on; remove them",
        report,
    );
    let mut kinds: Vec<(String, Toml)> = Vec::new();
    for (_, column, kind) in attributes.text_pairs("convert") {
        let whole = target.as_ref().map_or_else(|| column.clone(), |target| format!("{target}.{column}"));
        let known = ["integer", "float", "boolean"].contains(&kind.as_str());
        match translator.names.field(&whole) {
            Ok(field) if known => kinds.push((field, Toml::String(kind))),
            Ok(_) => translator.report.left(
                attributes.place_of("convert"),
                Some("convert"),
                format!("{column} as {kind}: use a date stage"),
            ),
            Err(reason) => translator.report.left(attributes.place_of("convert"), Some("convert"), reason),
        }
    }
    let tags = failure_tags(attributes, "_csvparsefailure");
    let mut stages = vec![stage.with("typed", false).with_some("tag_on_failure", tags)];
    if !kinds.is_empty() {
        stages.push(Planned::new(place, "csv, convert", "convert", Touched::Any).with("fields", table(kinds)));
    }
    Some(Plan::of(stages, Success::First))
}

pub(super) fn urldecode(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Option<Plan> {
    let place = attributes.at().place;
    let field = source(translator, attributes, "field").unwrap_or_else(|| MESSAGE.to_owned());
    let report = &mut translator.report;
    attributes.refuse("all_fields", &["false"], "name the fields of the stage url_decode one by one", report);
    attributes.refuse("charset", &["UTF-8"], "what is decoded is UTF-8", report);
    let tags = failure_tags(attributes, "_urldecodefailure");
    let stage = Planned::new(place, "urldecode", "url_decode", Touched::Fields(vec![field.clone(), "tags".to_owned()]));
    Some(Plan::one(stage.with("fields", list([field])).with_some("tag_on_failure", tags)))
}

/// A tab may be written as `\t` between the quotes, and `"\\"` is one backslash, where characters are named.
fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
}
