//! Answers to SQL: columns as wide as their values for people, one JSON object per row for programs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::cli::output::printable;
use crate::cli::{Console, Failure, Outcome};

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 80;

/// What is asked.
#[derive(Debug, Serialize)]
pub(super) struct Statement<'a> {
    pub(super) query: &'a str,
    pub(super) limit: u64,
}

/// What is answered.
#[derive(Debug, Deserialize)]
pub(super) struct Rows {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Json>>,
    pub(super) truncated: bool,
}

/// A column of it.
#[derive(Debug, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
}

pub(super) fn show(answer: &Rows, is_json: bool, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    if is_json {
        for row in &answer.rows {
            console.line(&object(&answer.columns, row).to_string())?;
        }
        return Ok(Outcome::Done);
    }
    table(answer).iter().try_for_each(|line| console.line(line))?;
    let more = if answer.truncated { "; there are more: raise --limit" } else { "" };
    console.note(&format!("{} rows{more}", answer.rows.len()))?;
    Ok(Outcome::Done)
}

/// The row by the names of its columns; one that stands twice has its number behind it.
fn object(columns: &[Column], row: &[Json]) -> Json {
    let mut object = Map::new();
    for (place, (column, value)) in columns.iter().zip(row).enumerate() {
        let name =
            if object.contains_key(&column.name) { format!("{}_{place}", column.name) } else { column.name.clone() };
        object.insert(name, value.clone());
    }
    Json::Object(object)
}

fn table(answer: &Rows) -> Vec<String> {
    let head = answer.columns.iter().map(|column| shown(&column.name)).collect();
    let lines: Vec<Vec<String>> =
        std::iter::once(head).chain(answer.rows.iter().map(|row| row.iter().map(cell).collect())).collect();
    let width = |place: usize| lines.iter().filter_map(|line| line.get(place)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..answer.columns.len()).map(|place| width(place).unwrap_or_default()).collect();
    let is_number = |place: usize| {
        answer.rows.iter().all(|row| row.get(place).is_none_or(|value| value.is_number() || value.is_null()))
    };
    let right: Vec<bool> = (0..answer.columns.len()).map(is_number).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().enumerate().map(|(place, cell)| match right[place] {
            true => format!("{cell:>width$}", width = widths[place]),
            false => format!("{cell:<width$}", width = widths[place]),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect()
}

fn cell(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => shown(text),
        other => shown(&other.to_string()),
    }
}

fn shown(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Rows {
        let columns = ["service", "n", "n"].map(|name| Column { name: name.to_owned() }).into();
        let rows = vec![vec![json!("cart"), json!(5), json!(null)], vec![json!("a\nb"), json!(12_345), json!(0.5)]];
        Rows { columns, rows, truncated: false }
    }

    #[test]
    fn columns_are_as_wide_as_their_values() {
        assert_eq!(table(&answer()), ["service      n    n", "cart         5    -", "a\u{fffd}b      12345  0.5"]);
    }

    #[test]
    fn no_column_of_an_object_is_lost() {
        let answer = answer();
        assert_eq!(object(&answer.columns, &answer.rows[0]), json!({"service": "cart", "n": 5, "n_2": null}));
    }
}
