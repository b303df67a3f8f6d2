//! Configurations of Logstash become the pipelines beside them, and those make the events that were written by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use vigie_domain::{Timestamp, Value};
use vigie_pipeline::logstash::{FindingKind, Import, ImportOptions, import};
use vigie_pipeline::{Assembler, DecodeOptions, Pipeline, Redactor, is_continuation};

/// 2026-11-23T15:00:00Z.
const RECEIVED_S: i64 = 1_795_446_000;

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/logstash");
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 4);
    folders
}

/// The texts of the files of a folder that a configuration names.
fn texts(beside: &Path, named: &str) -> Result<Vec<String>, String> {
    let path = beside.join(named);
    let mut files: Vec<PathBuf> =
        fs::read_dir(path).map_err(|error| error.to_string())?.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    Ok(files.iter().map(|file| fs::read_to_string(file).unwrap()).collect())
}

fn imported(folder: &Path) -> Import {
    let text = fs::read_to_string(folder.join("logstash.conf")).unwrap();
    let read = |named: &str| texts(folder, named);
    let options = ImportOptions { name: "logstash.conf", variables: &[], read: &read };
    import(&text, &options).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// The lines of the input, with those that begin with white space or go on with a trace behind the one before them.
fn records(input: &[u8], is_joined: bool) -> Vec<&[u8]> {
    let mut records: Vec<std::ops::Range<usize>> = Vec::new();
    let mut start = 0;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        let text = String::from_utf8_lossy(line);
        let previous = records.last().cloned();
        let goes_on = previous.as_ref().is_some_and(|previous| {
            let previous = String::from_utf8_lossy(&input[previous.clone()]);
            is_continuation(previous.lines().last().unwrap_or_default(), text.trim_end())
        });
        match records.last_mut().filter(|_| is_joined && goes_on) {
            Some(record) => record.end = end,
            None => records.push(start..end),
        }
        start = end;
    }
    records.into_iter().map(|range| input[range].trim_ascii_end()).filter(|record| !record.is_empty()).collect()
}

/// A line for each finding.
fn findings(import: &Import) -> String {
    let line = |finding: &vigie_pipeline::logstash::Finding| {
        let kind = if finding.kind == FindingKind::NotTranslated { "left" } else { "note" };
        let option = finding.option.as_ref().map(|option| format!(", {option}")).unwrap_or_default();
        format!("{kind} {}: {}{option}: {}\n", finding.line, finding.plugin, finding.reason)
    };
    import.findings.iter().map(line).collect()
}

#[test]
fn every_configuration_becomes_the_pipeline_beside_it() {
    let mut differing = String::new();
    for folder in samples() {
        let import = imported(&folder);
        for (name, actual) in [("pipeline.toml", import.pipeline.clone()), ("report.txt", findings(&import))] {
            let expected = fs::read_to_string(folder.join(name)).unwrap_or_default();
            if actual != expected {
                differing += &format!("{name} of {} differs, it is\n{actual}\n", folder.display());
            }
        }
    }
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn every_pipeline_makes_the_events_that_were_written_by_hand() {
    for folder in samples() {
        let input = fs::read(folder.join("input.log")).unwrap();
        let import = imported(&folder);
        let options = DecodeOptions {
            pipeline: Some(Arc::new(Pipeline::from_toml(&import.pipeline).unwrap())),
            ..DecodeOptions::new(Timestamp::from_seconds(RECEIVED_S), Arc::new(Redactor::new(&[7; 32]).unwrap()))
        };
        let mut assembler = Assembler::new(&options);
        for record in records(&input, import.settings.contains("multiline = \"traces\"")) {
            // As the input is to be set, and as Beats send.
            match import.settings.contains("format = \"plain\"") && !input.starts_with(b"{") {
                true => assembler.push_plain(record, false),
                false if record.starts_with(b"{") => assembler.push_json(record),
                false => {
                    let message = String::from_utf8(record.to_vec()).unwrap();
                    assembler.push_object(vec![("message".into(), Value::text(message))]);
                }
            }
        }
        let framed = assembler.finish();
        assert_eq!(framed.refused, [], "{}", folder.display());
        let bodies: Vec<Value> = framed.events.events().map(|event| Value::Object(event.body)).collect();
        let actual: serde_json::Value = serde_json::to_value(&bodies).unwrap();
        let expected = fs::read_to_string(folder.join("events.json")).unwrap_or("null".to_owned());
        let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        let shown = serde_json::to_string_pretty(&bodies).unwrap();
        assert!(actual == expected, "events.json of {} differs, the events are\n{shown}", folder.display());
    }
}

/// Whatever the text: an import that loads, or an error with its place; and the same each time.
fn check(text: &str) {
    let read = |_: &str| Ok(vec!["X \\d+".to_owned()]);
    let options = ImportOptions { name: "x", variables: &[], read: &read };
    let first = import(text, &options);
    assert_eq!(first, import(text, &options));
    match first {
        Ok(import) => {
            let loaded =
                Pipeline::from_toml(&import.pipeline).unwrap_or_else(|error| panic!("{error}\n{}", import.pipeline));
            assert_eq!(loaded.stage_count(), import.stages);
            import.settings.parse::<toml::Table>().unwrap();
        }
        Err(error) => assert!(error.line > 0 && error.column > 0 && !error.message.is_empty(), "{error}"),
    }
}

#[test]
fn samples_cut_off_anywhere_are_told_where() {
    for folder in samples() {
        let text = fs::read_to_string(folder.join("logstash.conf")).unwrap();
        let cuts = (0..text.len()).filter(|at| text.is_char_boundary(*at)).step_by(7);
        // Nearly all of them end within a brace, so that little is translated.
        cuts.for_each(|at| check(&text[..at]));
    }
}

/// Pieces that texts are made of at random.
const PIECES: &[&str] = &[
    "input",
    "filter",
    "output",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "if",
    "else",
    "else if",
    " and ",
    " or ",
    " xor ",
    " nand ",
    "!",
    "==",
    "=~",
    "!~",
    " in ",
    " not in ",
    "=>",
    ",",
    "\"",
    "'",
    "/a/",
    "\"%{WORD:x}\"",
    "[a][b]",
    "[message]",
    "5",
    "-1.5",
    "#c\n",
    "\n",
    "grok",
    "mutate",
    "date",
    "kv",
    "json",
    "match",
    "rename",
    "gsub",
    "add_field",
    "remove_field",
    "add_tag",
    "\"a\"",
    "'[x]'",
    "true",
    "${A:b}",
    "é",
    "\\",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_no_surprise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_pieces_are_no_surprise(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
        check(&format!("filter {{ {} }}", pieces.join(" ")));
    }

    #[test]
    fn random_conditions_and_options_are_no_surprise(
        field in "[a-z@%{}.\\[\\]]{1,12}", value in "[^\"\\\\]{0,12}", option in prop::sample::select(vec!["add_field", "rename", "update", "replace", "convert", "copy", "merge", "split"])
    ) {
        check(&format!("filter {{ if [{field}] == \"{value}\" {{ mutate {{ {option} => {{ \"{field}\" => \"{value}\" }} }} mutate {{ add_tag => [\"{value}\"] }} }} else if [{field}] {{ drop {{}} }} }}"));
        check(&format!("filter {{ grok {{ match => {{ \"message\" => \"{value}%{{WORD:{field}}}\" }} }} date {{ match => [\"{field}\", \"{value}\"] }} }}"));
        check(&format!("filter {{ if \"{value}\" in [{field}] or [{field}] =~ /{value}/ {{ dissect {{ mapping => {{ \"{field}\" => \"{value}\" }} }} mutate {{ gsub => [\"{field}\", \"{value}\", \"{value}\"] }} }} }}"));
    }
}
