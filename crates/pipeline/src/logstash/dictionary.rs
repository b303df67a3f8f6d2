//! Dictionaries of `translate` in files: JSON, CSV, and YAML as far as it is `key: value` line by line.

use toml::Value as Toml;

use crate::parse::csv_row::RowScanner;

/// Reads a dictionary by the end of its file's name.
///
/// # Errors
/// In words, naming the line that cannot be read.
pub(super) fn read(path: &str, text: &str) -> Result<Vec<(String, Toml)>, String> {
    let end = path.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    match end.as_str() {
        "json" => json(path, text),
        "csv" => csv(path, text),
        "yml" | "yaml" => yaml(path, text),
        _ => Err(format!("{path:?} is no dictionary; its name ends with .json, .csv, .yml or .yaml")),
    }
}

fn json(path: &str, text: &str) -> Result<Vec<(String, Toml)>, String> {
    let table: toml::Table =
        serde_json::from_str(text).map_err(|error| format!("{path:?} is no object of JSON: {error}"))?;
    Ok(table.into_iter().collect())
}

fn csv(path: &str, text: &str) -> Result<Vec<(String, Toml)>, String> {
    let mut entries = Vec::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let mut row = RowScanner::new(b',');
        let is_row = row.scan(line.as_bytes());
        let cells: Vec<_> = if is_row { row.cells(line).collect() } else { Vec::new() };
        match cells.as_slice() {
            [key, value] => entries.push((key.to_string(), Toml::String(value.to_string()))),
            _ => return Err(format!("line {number} of {path:?} has not two cells; write key,value")),
        }
    }
    Ok(entries)
}

fn yaml(path: &str, text: &str) -> Result<Vec<(String, Toml)>, String> {
    let mut entries = Vec::new();
    let wrong = |number: usize| {
        format!("line {number} of {path:?} is not read; write one key: value a line, or save it as JSON")
    };
    for (line, number) in text.lines().zip(1..) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed == "---" {
            continue;
        }
        if line.starts_with([' ', '\t', '-']) {
            return Err(wrong(number));
        }
        let (key, rest) = yaml_scalar(trimmed, ':').ok_or_else(|| wrong(number))?;
        let rest = rest.strip_prefix(':').ok_or_else(|| wrong(number))?.trim_start();
        let (value, after) = yaml_scalar(rest, '#').ok_or_else(|| wrong(number))?;
        let is_plain = !value.is_empty() && !rest.starts_with(['[', '{', '|', '>', '&', '*']);
        if !is_plain || !(after.trim().is_empty() || after.trim_start().starts_with('#')) {
            return Err(wrong(number));
        }
        entries.push((key, Toml::String(value)));
    }
    Ok(entries)
}

/// A text in quotes, or up to the sign; and what follows it.
fn yaml_scalar(text: &str, end: char) -> Option<(String, &str)> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let (value, after) = inner.split_once(quote)?;
            return Some((value.to_owned(), after.trim_start()));
        }
    }
    let is_comment = end == '#';
    let at = if is_comment { text.find(" #").unwrap_or(text.len()) } else { text.find(end)? };
    Some((text[..at].trim().to_owned(), &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<(String, Toml)> =
            expected.iter().map(|(key, value)| ((*key).to_owned(), Toml::String((*value).to_owned()))).collect();
        assert_eq!(read(path, text), Ok(expected), "{path}: {text}");
    }

    #[test]
    fn dictionaries_are_read() {
        check("a.json", r#"{"1":"one"}"#, &[("1", "one")]);
        check("a.csv", "1,\"one, or so\"\n\n2,two\n", &[("1", "one, or so"), ("2", "two")]);
        check(
            "a.yml",
            "---\n# codes\n\"1\": one\n2: 'two'  # as is\nthree: a: b\n",
            &[("1", "one"), ("2", "two"), ("three", "a: b")],
        );
    }

    #[test]
    fn what_is_none_is_named() {
        for (path, text) in [
            ("a.json", "[1]"),
            ("a.csv", "1"),
            ("a.csv", "\"open"),
            ("a.yml", "a:\n  b: c\n"),
            ("a.yml", "a: [1]"),
            ("a.yml", "\"a: b"),
            ("a.txt", ""),
        ] {
            assert!(read(path, text).is_err_and(|reason| reason.contains(path)), "{path}: {text}");
        }
    }
}
