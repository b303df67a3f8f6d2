//! Codecs of inputs: whether lines reach the filters as they came, and which of them are one event.

use super::attributes::Attributes;
use super::report::Where;
use super::translate::Translator;
use super::tree::{Literal, Plugin};

/// How patterns of white space begin.
const SPACES: [&str; 7] = ["\\s", "[\\s", "\\t", "[\\t", " ", "[ ", "%{SPACE"];

/// What a codec makes of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Codec<'p> {
    /// Each line is an event whose message it is.
    Line,
    /// Lines that belong together are one.
    Multiline(&'p Plugin),
    /// Fields, by a form that Vigie tells by the content.
    Told,
    /// What Vigie does not read.
    Unread(&'p str),
}

/// How an input of lines is to be set so that its lines reach the filters as Logstash's do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The value of `multiline`.
    pub(super) multiline: String,
}

impl Form {
    /// The lines for the input's section.
    pub(super) fn to_toml(&self) -> String {
        format!("format = \"plain\"\nmultiline = {}\n", toml::Value::String(self.multiline.clone()))
    }
}

/// The codec of an input; without one, lines.
pub(super) fn of(plugin: &Plugin) -> Codec<'_> {
    let value = plugin.attributes.iter().rev().find(|attribute| attribute.name == "codec").map(|found| &found.value);
    let (name, own) = match value {
        Some(Literal::Plugin(own)) => (own.name.as_str(), Some(own)),
        Some(Literal::Word(name) | Literal::Text(name)) => (name.as_str(), None),
        None | Some(Literal::Number(_) | Literal::List(_) | Literal::Table(_)) => ("line", None),
    };
    match (name, own) {
        ("plain" | "line", _) | ("multiline", None) => Codec::Line,
        ("multiline", Some(own)) => Codec::Multiline(own),
        ("json" | "json_lines" | "cef" | "gelf" | "es_bulk" | "csv", _) => Codec::Told,
        _ => Codec::Unread(name),
    }
}

/// Reads the codec of an input of lines, and reports what is different; `None` when lines are told by their content.
pub(super) fn form(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>, plugin: &Plugin) -> Option<Form> {
    let whole = "with format = \"plain\" in the settings, message is the whole line, as Logstash has it; without it a line of a known form (JSON, access log, syslog, CEF, log4j, key=value) is read before the pipeline";
    let form = match of(plugin) {
        Codec::Line => Form { multiline: "off".to_owned() },
        Codec::Multiline(codec) => Form { multiline: multiline(translator, attributes.place_of("codec"), codec) },
        Codec::Told | Codec::Unread(_) => {
            told(translator, attributes, plugin);
            return None;
        }
    };
    attributes.values("codec");
    translator.report.note(attributes.at(), None, whole);
    Some(form)
}

/// Reads the codec of an input that tells by itself what its senders write.
pub(super) fn told(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>, plugin: &Plugin) {
    let at = attributes.place_of("codec");
    if attributes.values("codec").is_empty() {
        return;
    }
    match of(plugin) {
        Codec::Line | Codec::Told => {
            translator.report.note(at, Some("codec"), "the form of what comes is told by its content");
        }
        Codec::Multiline(_) => {
            let reason = "lines are joined by who sends them; let Filebeat do it (parsers, multiline)";
            translator.report.left(at, Some("codec"), reason);
        }
        Codec::Unread(name) => {
            let reason = format!("{name} is not read; let the sender write JSON, one object a line");
            translator.report.left(at, Some("codec"), reason);
        }
    }
}

/// Which lines are one event, as the setting `multiline` says it.
fn multiline(translator: &mut Translator<'_>, at: Where<'_>, codec: &Plugin) -> String {
    let mut attributes = Attributes::of(codec);
    let pattern = attributes.text("pattern").unwrap_or_default();
    let is_negated = attributes.flag("negate") == Some(true);
    let is_previous = attributes.text("what").as_deref() == Some("previous");
    let report = &mut translator.report;
    if !is_previous {
        let reason = format!(
            "a line cannot wait for the one that it belongs to, as by {pattern:?}; each line is an event, or let Filebeat join them (parsers, multiline)"
        );
        report.left(at, Some("codec"), reason);
        return "off".to_owned();
    }
    if !is_negated && pattern.strip_prefix('^').is_some_and(|rest| SPACES.iter().any(|space| rest.starts_with(space))) {
        let reason = "stack traces are joined to the line before them too, not indented lines alone";
        report.note(at, Some("codec"), reason);
        return "traces".to_owned();
    }
    let start = match (is_negated, pattern.starts_with('^')) {
        (true, true) => pattern,
        (true, false) => format!("^.*(?:{pattern})"),
        (false, _) => format!("^(?!.*(?:{pattern}))"),
    };
    match crate::stages::LinePattern::new(&start) {
        Ok(_) => start,
        Err(reason) => {
            let reason = format!("each line is an event, because {reason}");
            report.left(at, Some("codec"), reason);
            "off".to_owned()
        }
    }
}
