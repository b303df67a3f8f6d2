//! Rules of the code's shape that no compiler lint holds: length of files and functions, names, settings explained.
#![allow(clippy::unwrap_used, reason = "a file that cannot be read must fail the test")]

use std::path::{Path, PathBuf};

/// Lines of a file before its tests.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function in Svelte and TypeScript are not counted; Clippy counts Rust's.
const SOURCE_EXTENSIONS: [&str; 3] = ["rs", "ts", "svelte"];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "misc", "manager"];
/// Folders that hold what others or tools wrote.
const FOREIGN_FOLDERS: [&str; 7] = ["node_modules", "target", "dist", ".git", "paraglide", "test-results", "data"];
/// Files made by tools from what we wrote.
const GENERATED_FILES: [&str; 1] = ["schema.d.ts"];
/// The fields that every event may have are common in the field's own sense of the word.
const NAMED_WELL: [&str; 1] = ["crates/domain/src/mapping/common.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every source file that we wrote, by its path below the root.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_source = path.extension().is_some_and(|found| SOURCE_EXTENSIONS.iter().any(|known| found == *known));
            if path.is_dir() && !FOREIGN_FOLDERS.contains(&name.as_str()) {
                folders.push(path);
            } else if is_source && !GENERATED_FILES.contains(&name.as_str()) {
                let below_root = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((below_root, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "the tidy test looks at the wrong folder: {}", root.display());
    found
}

fn report(what: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{what}:\n  {}", offenders.join("\n  "));
}

#[test]
fn files_are_short() {
    let lines_before_tests = |text: &str| text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
    let is_long = |(path, text): &(String, String)| {
        let lines = lines_before_tests(text);
        let is_test = path.contains("/tests/")
            || path.ends_with("_tests.rs")
            || path.ends_with("/tests.rs")
            || path.ends_with(".test.ts")
            || path.ends_with(".spec.ts");
        (lines > FILE_LINES_MAX && !is_test).then(|| format!("{path}: {lines} lines"))
    };
    let offenders: Vec<String> = sources().iter().filter_map(is_long).collect();
    report("split these files by concept, they have more than 400 lines before their tests", &offenders);
}

#[test]
fn files_are_named_after_what_they_hold() {
    let is_empty_name = |path: &String| {
        let stem = Path::new(path).file_stem().unwrap().to_string_lossy().into_owned();
        EMPTY_NAMES.contains(&stem.as_str()) && !NAMED_WELL.contains(&path.as_str())
    };
    let offenders: Vec<String> = sources().into_iter().map(|(path, _)| path).filter(is_empty_name).collect();
    report("name these files after what they hold", &offenders);
}

#[test]
fn rust_files_say_what_they_are() {
    let is_silent = |(path, text): &(String, String)| {
        (path.ends_with(".rs") && path.starts_with("crates/") && !text.starts_with("//!")).then(|| path.clone())
    };
    let offenders: Vec<String> = sources().iter().filter_map(is_silent).collect();
    report("open these files with //! and what they are", &offenders);
}

#[test]
fn the_log_engine_touches_files_in_one_place_only() {
    let touches = |(path, text): &(String, String)| {
        let is_bound = path.starts_with("crates/storage/src/") && !path.starts_with("crates/storage/src/files/");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        (is_bound && (code.contains("std::fs") || code.contains("fs4"))).then(|| path.clone())
    };
    let offenders: Vec<String> = sources().iter().filter_map(touches).collect();
    report("go through crates/storage/src/files here, so that a double can fail every call", &offenders);
}

#[test]
fn tests_do_not_wait_for_time() {
    // Written apart, so that this file does not find itself.
    let waits = [["thread", "::sleep("].concat(), ["time", "::sleep("].concat(), ["waitFor", "Timeout("].concat()];
    let is_waiting = |(path, text): &(String, String)| {
        let is_test = path.contains("/tests/") || text.contains("#[cfg(test)]");
        (is_test && waits.iter().any(|wait| text.contains(wait.as_str()))).then(|| path.clone())
    };
    let offenders: Vec<String> = sources().iter().filter_map(is_waiting).collect();
    report("wait for a condition, never for a time", &offenders);
}

#[test]
fn every_setting_is_explained() {
    let text = std::fs::read_to_string(root().join("config/vigie.toml")).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_setting =
        |line: &str| line.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty() && !line.starts_with('#'));
    let settings = (0..lines.len()).filter(|index| is_setting(lines[*index]));
    let offenders: Vec<String> = settings
        .filter(|index| *index == 0 || !lines[index - 1].starts_with('#'))
        .map(|index| lines[index].to_owned())
        .collect();
    report("write a comment with meaning and unit above these settings", &offenders);
}
