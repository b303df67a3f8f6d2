//! Inputs: the sections of Vigie's settings that take the same senders, and what is different about them.

use std::fmt::Write;

use toml::Value as Toml;
use vigie_domain::query::{Predicate, Query};

use super::Variant;
use super::attributes::{Attributes, toml_of};
use super::question::or;
use super::report::Where;
use super::stage::{Planned, Touched, list, table};
use super::translate::Translator;
use super::tree::{Item, Literal, Plugin};

/// Where a file's name is in events that are read from it.
const FILE_FIELD: &str = "log.file.path";

/// Inputs without a section, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("http", "send to POST /api/logs/ingest on the main port, with an API key"),
    ("stdin", "use vigie import FILE, or POST /api/logs/ingest"),
    ("generator", "use vigie generate, or vigie serve --demo"),
    ("elasticsearch", "read it by another program and send it to /elasticsearch/_bulk"),
    ("kafka", "let Filebeat, Vector or Fluent Bit read the topic and send it to an input"),
    (
        "redis",
        "let Filebeat or Vector read the list and send it to an input, unless docs/inputs.md names one for Redis",
    ),
    ("rabbitmq", "let Vector read the queue and send it to an input"),
    ("jdbc", "export rows to files and upload them"),
    ("s3", "fetch the files and use vigie import"),
    ("exec", "run the command by a timer and send what it writes to POST /api/logs/ingest"),
    ("http_poller", "fetch it by a timer and send it to POST /api/logs/ingest"),
    ("heartbeat", "ask /readyz"),
    ("log4j", "let log4j write JSON to input_tcp"),
    ("unix", "use input_tcp on the loopback"),
];

/// How patterns of white space begin.
const SPACES: [&str; 7] = ["\\s", "[\\s", "\\t", "[\\t", " ", "[ ", "%{SPACE"];
/// Inputs whose lines are told by their content.
const READ_BEFORE: [&str; 4] = ["tcp", "udp", "syslog", "file"];
/// Options that say how much an input does at once, or how long it waits, and nothing about events.
const TUNING: [&str; 15] = [
    "client_inactivity_timeout",
    "executor_threads",
    "event_loop_threads",
    "threads",
    "workers",
    "queue_size",
    "buffer_size",
    "receive_buffer_bytes",
    "tcp_keep_alive",
    "stat_interval",
    "discover_interval",
    "sincedb_path",
    "sincedb_write_interval",
    "close_older",
    "max_open_files",
];

/// What the inputs say: settings as TOML, and stages for what they add to events.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) settings: String,
    pub(super) stages: Vec<Planned>,
}

/// One input with what it adds to its events.
struct Adding {
    place: super::tree::Place,
    fields: Vec<(String, Toml)>,
    tags: Vec<String>,
    /// The files that its events come from, when that tells them from others.
    paths: Vec<String>,
}

/// What filters have to know of the inputs before they are translated.
pub(super) fn look(items: &[Item]) -> Variant {
    let mut sent = Variant::default();
    for_each_plugin(items, &mut |plugin| {
        sent.inputs_count += 1;
        sent.reads_json |= !matches!(plugin.name.as_str(), "beats" | "elastic_agent" | "lumberjack");
        sent.reads_files |= plugin.name == "file";
    });
    sent
}

fn for_each_plugin<'t>(items: &'t [Item], visit: &mut impl FnMut(&'t Plugin)) {
    for item in items {
        match item {
            Item::Plugin(plugin) => visit(plugin),
            Item::Branches(branches) => branches.iter().for_each(|branch| for_each_plugin(&branch.items, visit)),
        }
    }
}

/// Reads all inputs.
pub(super) fn read(translator: &mut Translator<'_>, items: &[Item]) -> Inputs {
    let mut inputs = Inputs::default();
    let mut adding = Vec::new();
    let mut paths = Vec::new();
    let mut sections: Vec<String> = Vec::new();
    let mut plugins = Vec::new();
    for_each_plugin(items, &mut |plugin| plugins.push(plugin));
    for plugin in plugins {
        let mut attributes = Attributes::of(plugin);
        let own_paths = if plugin.name == "file" { attributes.texts("path") } else { Vec::new() };
        adding.push(added(translator, &mut attributes, &own_paths));
        codec(translator, &mut attributes);
        let made = match plugin.name.as_str() {
            "beats" | "elastic_agent" | "lumberjack" => listen(&mut attributes, &["input_beats"], "5044"),
            "tcp" => listen(&mut attributes, &["input_tcp"], "5000"),
            "udp" => listen(&mut attributes, &["input_udp"], "5000"),
            "syslog" => listen(&mut attributes, &["input_syslog_tcp", "input_syslog_udp"], "514"),
            "gelf" => gelf(&mut attributes),
            "file" => file(translator, &mut attributes, own_paths, &mut paths),
            name => {
                let words = INSTEAD.iter().find(|(known, _)| *known == name).map(|(_, words)| *words);
                let words = words.unwrap_or("there is no such input; docs/inputs.md lists those that there are");
                translator.report.left(attributes.at(), None, words);
                continue;
            }
        };
        translator.translated += 1;
        if READ_BEFORE.contains(&plugin.name.as_str()) && !is_json(&mut attributes) {
            let reason = "a line of a known form (JSON, access log, syslog, CEF, log4j, key=value) is read before the pipeline: grok and dissect then find what is left of it in message, or nothing; lines that Filebeat sends to input_beats are left whole";
            translator.report.note(attributes.at(), None, reason);
        }
        for option in TUNING {
            attributes.values(option);
        }
        attributes.finish(&mut translator.report);
        for (section, text) in made {
            if sections.contains(&section) {
                let at = Where { place: plugin.place, plugin: &plugin.name };
                translator.report.left(
                    at,
                    None,
                    format!("[{section}] listens in one place; keep one of the ports, or forward the other"),
                );
            } else {
                let _ = writeln!(inputs.settings, "# Line {}: {}\n[{section}]\n{text}", plugin.place.line, plugin.name);
                sections.push(section);
            }
        }
    }
    if !paths.is_empty() {
        let _ = writeln!(inputs.settings, "# Files\n[input_files]\npaths = {}", Toml::String(paths.join(",")));
    }
    inputs.stages = adding_stages(translator, adding);
    inputs
}

/// A section with an address, and with certificates when there are any.
fn listen(attributes: &mut Attributes<'_>, sections: &[&str], port: &str) -> Vec<(String, String)> {
    let host = attributes.text("host").unwrap_or_else(|| "0.0.0.0".to_owned());
    let port = attributes.text("port").unwrap_or_else(|| port.to_owned());
    let mut text = format!("listen = {}\n", Toml::String(format!("{host}:{port}")));
    let is_on = ["ssl_enabled", "ssl", "ssl_enable"].iter().any(|name| attributes.flag(name) == Some(true));
    let files = [("ssl_certificate", "tls_certificate"), ("ssl_cert", "tls_certificate"), ("ssl_key", "tls_key")];
    for (option, key) in files {
        if let Some(file) = attributes.text(option).filter(|_| is_on) {
            let _ = writeln!(text, "{key} = {}", Toml::String(file));
        }
    }
    let mode = attributes.text("ssl_client_authentication").or_else(|| attributes.text("ssl_verify_mode"));
    let authorities = attributes.texts("ssl_certificate_authorities");
    if let Some(file) = authorities.first().filter(|_| is_on && mode.is_none_or(|mode| mode != "none")) {
        let _ = writeln!(text, "tls_client_ca = {}", Toml::String(file.clone()));
    }
    let is_datagram = |section: &str| section.ends_with("_udp");
    let of = |section: &&str| {
        let plain = text.lines().next().unwrap_or_default();
        let text = if is_datagram(section) { format!("{plain}\n") } else { text.clone() };
        ((*section).to_owned(), text)
    };
    sections.iter().map(of).collect()
}

fn gelf(attributes: &mut Attributes<'_>) -> Vec<(String, String)> {
    let (tcp, udp) = (attributes.flag("use_tcp"), attributes.flag("use_udp"));
    let mut sections = Vec::new();
    for (is_used, section, option) in
        [(udp != Some(false), "input_gelf_udp", "port_udp"), (tcp == Some(true), "input_gelf_tcp", "port_tcp")]
    {
        let own = attributes.text(option);
        if is_used {
            let port = own.unwrap_or_else(|| "12201".to_owned());
            sections.extend(listen(attributes, &[section], &port));
        }
    }
    sections
}

fn file(
    translator: &mut Translator<'_>,
    attributes: &mut Attributes<'_>,
    own: Vec<String>,
    paths: &mut Vec<String>,
) -> Vec<(String, String)> {
    for path in own {
        if path.contains(',') {
            let reason = format!("{path:?}: paths are told apart by commas; rename the file, or use ? for the comma");
            translator.report.left(attributes.place_of("path"), Some("path"), reason);
        } else if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let report = &mut translator.report;
    attributes.refuse("exclude", &[], "name what is to be read by narrower paths", report);
    attributes.refuse("mode", &["tail"], "files are followed; use vigie import for files that are complete", report);
    if attributes.text("start_position").is_none_or(|position| position != "beginning") {
        let reason =
            "files are read from their beginning, once; Logstash began at the end of those that it did not know";
        report.note(attributes.at(), Some("start_position"), reason);
    }
    Vec::new()
}

/// What an input adds to its events: fields, tags, a type.
fn added(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>, paths: &[String]) -> Adding {
    let mut fields: Vec<(String, Toml)> = Vec::new();
    if let Some(text) = attributes.text("type") {
        fields.push(("type".to_owned(), Toml::String(text)));
    }
    for (_, name, value) in attributes.pairs("add_field") {
        match (translator.names.field(&name), toml_of(value, &translator.names)) {
            (Ok(field), Some(value)) => fields.push((field, value)),
            (Err(reason), _) => translator.report.left(attributes.place_of("add_field"), Some("add_field"), reason),
            (Ok(_), None) => {
                let reason = format!("{name}: its value is none that a field can have");
                translator.report.left(attributes.place_of("add_field"), Some("add_field"), reason);
            }
        }
    }
    Adding { place: attributes.at().place, fields, tags: attributes.texts("tags"), paths: paths.to_vec() }
}

/// The stages that add it: to every event when there is one input, to those of its files when there are several.
fn adding_stages(translator: &mut Translator<'_>, adding: Vec<Adding>) -> Vec<Planned> {
    let is_only = adding.len() == 1;
    let is_same = adding.windows(2).all(|two| two[0].fields == two[1].fields && two[0].tags == two[1].tags);
    let mut stages = Vec::new();
    for (number, one) in adding.into_iter().enumerate() {
        if (one.fields.is_empty() && one.tags.is_empty()) || (is_same && number > 0) {
            continue;
        }
        let when = match (is_only || is_same, one.paths.is_empty()) {
            (true, _) => Query::All,
            (false, false) => one.paths.iter().fold(Query::Nothing, |any, path| or(any, of_path(path))),
            (false, true) => {
                let at = Where { place: one.place, plugin: "input" };
                let reason = "type, tags and fields of one input among several: events do not tell their input; let the sender add them";
                translator.report.left(at, None, reason);
                continue;
            }
        };
        let touched = one.fields.iter().map(|(field, _)| field.clone()).chain(["tags".to_owned()]).collect();
        let kind = if one.fields.is_empty() { "tag" } else { "add" };
        let mut stage = Planned::new(one.place, "input, what it adds", kind, Touched::Fields(touched));
        if !one.fields.is_empty() {
            // Logstash leaves a type that the sender has given.
            stage = stage.with("fields", table(one.fields)).with("existing", "keep");
        }
        if !one.tags.is_empty() {
            stage = stage.with("add_tags", list(one.tags));
        }
        stage.when = when;
        let at = Where { place: one.place, plugin: "input" };
        if translator.is_taken(at, &stage) {
            stages.push(stage);
        }
    }
    stages
}

/// Events of files that this path means.
fn of_path(path: &str) -> Query {
    let is_pattern = path.contains(['*', '?']);
    let glob = path.replace("**/", "*").replace("**", "*");
    let predicate = if is_pattern { Predicate::Wildcard(glob) } else { Predicate::Equals(path.to_owned()) };
    Query::Field { field: FILE_FIELD.to_owned(), predicate }
}

/// Whether each line is a document.
fn is_json(attributes: &mut Attributes<'_>) -> bool {
    attributes.values("codec").last().is_some_and(|(_, value)| match value {
        Literal::Plugin(plugin) => plugin.name.starts_with("json"),
        Literal::Word(name) | Literal::Text(name) => name.starts_with("json"),
        Literal::Number(_) | Literal::List(_) | Literal::Table(_) => false,
    })
}

/// Vigie tells forms by what comes; only lines that are to be joined otherwise are worth a word.
fn codec(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) {
    let at = attributes.place_of("codec");
    let Some((_, value)) = attributes.values("codec").last().copied() else { return };
    let (name, own) = match value {
        Literal::Plugin(plugin) => (plugin.name.as_str(), Some(plugin)),
        Literal::Word(name) | Literal::Text(name) => (name.as_str(), None),
        Literal::Number(_) | Literal::List(_) | Literal::Table(_) => return,
    };
    match name {
        "json" | "json_lines" | "plain" | "line" | "cef" | "gelf" | "es_bulk" | "csv" => {
            translator.report.note(at, Some("codec"), "the form of what comes is told by its content");
        }
        "multiline" => multiline(translator, at, own),
        other => {
            let reason = format!("{other} is not read; let the sender write JSON, one object a line");
            translator.report.left(at, Some("codec"), reason);
        }
    }
}

fn multiline(translator: &mut Translator<'_>, at: Where<'_>, codec: Option<&Plugin>) {
    let Some(codec) = codec else { return };
    let mut attributes = Attributes::of(codec);
    let pattern = attributes.text("pattern").unwrap_or_default();
    let is_negated = attributes.flag("negate") == Some(true);
    let is_previous = attributes.text("what").as_deref() == Some("previous");
    let is_space = |rest: &str| SPACES.iter().any(|space| rest.starts_with(space));
    let joins_indented = is_previous && !is_negated && pattern.strip_prefix('^').is_some_and(is_space);
    if joins_indented {
        translator.report.note(
            at,
            Some("codec"),
            "indented lines and stack traces are joined to the line before them anyway; a trace is then in stack_trace, error_type and error_message, and message is the line before it",
        );
    } else {
        let reason = format!(
            "lines are joined when they are indented or belong to a stack trace, not by {pattern:?}; let Filebeat join others (parsers, multiline)"
        );
        translator.report.left(at, Some("codec"), reason);
    }
}
