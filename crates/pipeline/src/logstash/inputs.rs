//! Inputs: the sections of Vigie's settings that take the same senders, and what is different about them.

use std::fmt::Write;

use toml::Value as Toml;
use vigie_domain::query::{Predicate, Query};

use super::Variant;
use super::attributes::{Attributes, toml_of};
use super::codec::{self, Codec, Form};
use super::question::or;
use super::report::Where;
use super::stage::{Planned, Touched, list, table};
use super::translate::Translator;
use super::tree::{Item, Plugin};

/// Where a file's name is in events that are read from it.
const FILE_FIELD: &str = "log.file.path";

/// Inputs without a section, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("http", "send to POST /api/logs/ingest on the main port, with an API key"),
    ("stdin", "use vigie import FILE, or POST /api/logs/ingest"),
    ("generator", "use vigie generate, or vigie serve --demo"),
    ("elasticsearch", "read it by another program and send it to /elasticsearch/_bulk"),
    ("kafka", "let Filebeat, Vector or Fluent Bit read the topic and send it to an input"),
    ("rabbitmq", "let Vector read the queue and send it to an input"),
    ("jdbc", "export rows to files and upload them"),
    ("s3", "fetch the files and use vigie import"),
    ("exec", "run the command by a timer and send what it writes to POST /api/logs/ingest"),
    ("http_poller", "fetch it by a timer and send it to POST /api/logs/ingest"),
    ("heartbeat", "ask /readyz"),
    ("log4j", "let log4j write JSON to input_tcp"),
    ("unix", "use input_tcp on the loopback"),
];

/// Inputs of lines, whose section says what is made of a line.
const LINES: [&str; 3] = ["tcp", "udp", "file"];
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
        sent.reads_json |= match plugin.name.as_str() {
            "beats" | "elastic_agent" | "lumberjack" => false,
            name if LINES.contains(&name) => matches!(codec::of(plugin), Codec::Told | Codec::Unread(_)),
            _ => true,
        };
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
    let mut files = Files::default();
    let mut sections: Vec<String> = Vec::new();
    let mut plugins = Vec::new();
    for_each_plugin(items, &mut |plugin| plugins.push(plugin));
    for plugin in plugins {
        let mut attributes = Attributes::of(plugin);
        let own_paths = if plugin.name == "file" { attributes.texts("path") } else { Vec::new() };
        adding.push(added(translator, &mut attributes, &own_paths));
        let form = match LINES.contains(&plugin.name.as_str()) {
            true => codec::form(translator, &mut attributes, plugin),
            false => {
                codec::told(translator, &mut attributes, plugin);
                None
            }
        };
        let made = match plugin.name.as_str() {
            "beats" | "elastic_agent" | "lumberjack" => listen(&mut attributes, &["input_beats"], "5044"),
            "tcp" => formed(listen(&mut attributes, &["input_tcp"], "5000"), form.as_ref()),
            "udp" => formed(listen(&mut attributes, &["input_udp"], "5000"), form.as_ref()),
            "syslog" => syslog(translator, &mut attributes),
            "gelf" => gelf(&mut attributes),
            "redis" => redis(translator, &mut attributes),
            "file" => {
                file(translator, &mut attributes, own_paths, &mut files.paths);
                files.add(translator, plugin, form);
                Vec::new()
            }
            name => {
                let words = INSTEAD.iter().find(|(known, _)| *known == name).map(|(_, words)| *words);
                let words = words.unwrap_or("there is no such input; docs/inputs.md lists those that there are");
                translator.report.left(attributes.at(), None, words);
                continue;
            }
        };
        translator.translated += 1;
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
    inputs.settings.push_str(&files.to_toml());
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

fn file(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>, own: Vec<String>, paths: &mut Vec<String>) {
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
}

/// Files of all `file` inputs, which have one section here.
#[derive(Default)]
struct Files {
    paths: Vec<String>,
    /// The first input's line, and what it says of lines.
    first: Option<(u32, Option<Form>)>,
}

impl Files {
    fn add(&mut self, translator: &mut Translator<'_>, plugin: &Plugin, form: Option<Form>) {
        match &self.first {
            None => self.first = Some((plugin.place.line, form)),
            Some((_, first)) if *first == form => {}
            Some((line, _)) => {
                let at = Where { place: plugin.place, plugin: &plugin.name };
                let reason = format!(
                    "[input_files] has one format and one multiline for all files, here those of line {line}; let vigie agent follow these"
                );
                translator.report.left(at, Some("codec"), reason);
            }
        }
    }

    fn to_toml(&self) -> String {
        if self.paths.is_empty() {
            return String::new();
        }
        let form = self.first.iter().find_map(|(_, form)| form.as_ref()).map(Form::to_toml).unwrap_or_default();
        format!("# Files\n[input_files]\npaths = {}\n{form}\n", Toml::String(self.paths.join(",")))
    }
}

fn formed(mut sections: Vec<(String, String)>, form: Option<&Form>) -> Vec<(String, String)> {
    let form = form.map(Form::to_toml).unwrap_or_default();
    sections.iter_mut().for_each(|(_, text)| text.push_str(&form));
    sections
}

fn syslog(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Vec<(String, String)> {
    let reason = "the header is read into host, service, process.pid, level and syslog, and JSON behind it into fields; message is the text behind it, as Logstash has it";
    translator.report.note(attributes.at(), None, reason);
    listen(attributes, &["input_syslog_tcp", "input_syslog_udp"], "514")
}

/// A list of a Redis; its password is not written into another file.
fn redis(translator: &mut Translator<'_>, attributes: &mut Attributes<'_>) -> Vec<(String, String)> {
    let report = &mut translator.report;
    attributes.refuse("data_type", &["list"], "channels keep nothing; let producers write a list or a stream", report);
    if attributes.has("password") {
        attributes.values("password");
        let reason = "the password is not copied; write it into a file and name that in password_file";
        report.note(attributes.place_of("password"), Some("password"), reason);
    }
    attributes.values("batch_count");
    let host = attributes.text("host").unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = attributes.text("port").unwrap_or_else(|| "6379".to_owned());
    let mut text = format!("address = {}\n", Toml::String(format!("{host}:{port}")));
    if ["ssl_enabled", "ssl"].iter().any(|name| attributes.flag(name) == Some(true)) {
        text.push_str("tls = true\n");
        if let Some(file) = attributes.texts("ssl_certificate_authorities").first() {
            let _ = writeln!(text, "tls_ca = {}", Toml::String(file.clone()));
        }
    }
    if let Some(db) = attributes.text("db").and_then(|db| db.parse::<u16>().ok()) {
        let _ = writeln!(text, "db = {db}");
    }
    let _ = writeln!(text, "list = {}", Toml::String(attributes.text("key").unwrap_or_default()));
    vec![("input_redis".to_owned(), text)]
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
