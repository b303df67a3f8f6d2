//! Small tables for people and scripts, as `_cat` shows them: text or JSON, with the columns, the order and the head that are asked for.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json};
use vigie_domain::Error;
use vigie_domain::query::glob::glob_matches;

use super::params::Params;
use crate::http::error::ApiResult;
use crate::http::extract::JsonAnswer;

/// What every table may be asked for; calls may have parameters of their own.
const PARAMS: [&str; 14] = [
    "h",
    "s",
    "v",
    "help",
    "bytes",
    "time",
    "local",
    "master_timeout",
    "cluster_manager_timeout",
    "expand_wildcards",
    "health",
    "pri",
    "include_unloaded_segments",
    "ts",
];

/// What is said of a column that is empty.
const UNCOUNTED: &str = "not counted by Vigie: always empty";

/// A column: its name, other names for it with commas between them, and what it holds.
#[derive(Clone, Copy)]
pub(super) struct Column(pub &'static str, pub &'static str, pub &'static str);

impl Column {
    fn is_called(&self, name: &str) -> bool {
        self.0 == name || self.1.split(',').any(|other| other == name)
    }
}

/// A table: its columns, then rows of as many cells.
pub(super) struct Table {
    pub(super) columns: &'static [Column],
    /// Columns behind them that clients may ask for, and that are empty here.
    pub(super) uncounted: &'static [&'static str],
    /// What is shown unless `h` asks for something else; all where it is empty.
    pub(super) usual: &'static str,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// With these rows; all columns are shown.
    pub(super) fn of(columns: &'static [Column], rows: Vec<Vec<String>>) -> Self {
        Self { columns, uncounted: &[], usual: "", rows }
    }

    /// All columns, those without values last.
    fn all(&self) -> impl Iterator<Item = Column> + '_ {
        let uncounted = self.uncounted.iter().map(|name| Column(name, "", UNCOUNTED));
        self.columns.iter().copied().chain(uncounted)
    }

    /// The answer that is asked for.
    ///
    /// # Errors
    /// `Malformed` for a parameter or a column to sort by that does not exist.
    pub(super) fn respond(mut self, params: &Params) -> ApiResult<Response> {
        params.check(&PARAMS)?;
        if params.is_on("help") {
            return Ok(text(&self.help()));
        }
        self.sort(params.get("s").unwrap_or_default())?;
        let shown = self.shown(params.get("h").unwrap_or_default());
        if params.get("format") == Some("json") {
            let object = |row: &Vec<String>| {
                let pair = |(name, place): &(String, usize)| (name.clone(), Json::String(cell(row, *place).to_owned()));
                Json::Object(shown.iter().map(pair).collect::<Map<_, _>>())
            };
            return Ok(JsonAnswer(self.rows.iter().map(object).collect::<Vec<_>>()).into_response());
        }
        let head: Vec<&str> = shown.iter().map(|(name, _)| name.as_str()).collect();
        let cells =
            |row: &'_ Vec<String>| shown.iter().map(|(_, place)| cell(row, *place).to_owned()).collect::<Vec<_>>();
        let mut lines: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        if params.is_on("v") {
            lines.insert(0, head.into_iter().map(str::to_owned).collect());
        }
        Ok(text(&aligned(&lines)))
    }

    /// A line per column: its name, its other names, what it holds.
    fn help(&self) -> String {
        let names = self.all().map(|Column(name, others, words)| {
            [name, others, words].map(str::to_owned).into_iter().collect::<Vec<_>>()
        });
        let lines: Vec<Vec<String>> = names.collect();
        let width = |place: usize| lines.iter().map(|line| line[place].len()).max().unwrap_or_default();
        let (first, second) = (width(0), width(1));
        lines.iter().map(|line| format!("{:<first$} | {:<second$} | {}\n", line[0], line[1], line[2])).collect()
    }

    /// The columns that `h` names, as it names them and in its order.
    fn shown(&self, asked: &str) -> Vec<(String, usize)> {
        let all = || self.all().enumerate();
        let asked = if asked.is_empty() { self.usual } else { asked };
        if asked.is_empty() {
            return all().map(|(place, column)| (column.0.to_owned(), place)).collect();
        }
        let named = |name: &str| -> Vec<(String, usize)> {
            if name.contains('*') {
                let meant = all().filter(|(_, column)| glob_matches(name, column.0));
                return meant.map(|(place, column)| (column.0.to_owned(), place)).collect();
            }
            all().filter(|(_, column)| column.is_called(name)).map(|(place, _)| (name.to_owned(), place)).collect()
        };
        asked.split(',').map(str::trim).flat_map(named).collect()
    }

    /// By the columns that `s` names, each with `:desc` behind it for the other direction. Numbers go by their size.
    fn sort(&mut self, asked: &str) -> ApiResult<()> {
        let mut keys = Vec::new();
        for name in asked.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (name, direction) = name.split_once(':').unwrap_or((name, "asc"));
            let place = self.all().position(|column| column.is_called(name));
            let place = place
                .ok_or_else(|| Error::malformed_field("s", format!("Unable to sort by unknown sort key `{name}`")))?;
            keys.push((place, direction == "desc"));
        }
        self.rows.sort_by(|left, right| {
            let by = |(place, is_descending): &(usize, bool)| {
                let (left, right) = (cell(left, *place), cell(right, *place));
                let order = match (left.parse::<u64>(), right.parse::<u64>()) {
                    (Ok(left), Ok(right)) => left.cmp(&right),
                    _ => left.cmp(right),
                };
                if *is_descending { order.reverse() } else { order }
            };
            keys.iter().map(by).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        Ok(())
    }
}

/// What stands in a row there.
fn cell(row: &[String], place: usize) -> &str {
    row.get(place).map_or("", String::as_str)
}

/// Columns as wide as their widest cell.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |place: usize| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |line: &Vec<String>| {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join(" ").trim_end())
    };
    lines.iter().map(line).collect()
}

fn text(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], text.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[Column("index", "i,idx", "name"), Column("docs", "d", "how many")];

    fn table() -> Table {
        let row = |index: &str, docs: &str| vec![index.to_owned(), docs.to_owned()];
        Table::of(COLUMNS, vec![row("b", "10"), row("a", "9"), row("c", "10")])
    }

    #[test]
    fn columns_are_shown_as_they_are_asked_for() {
        let check = |table: Table, asked: &str, expected: &[(&str, usize)]| {
            let shown = table.shown(asked);
            let shown: Vec<(&str, usize)> = shown.iter().map(|(name, place)| (name.as_str(), *place)).collect();
            assert_eq!(shown, expected, "{asked:?}");
        };
        check(table(), "", &[("index", 0), ("docs", 1)]);
        check(table(), "d,idx", &[("d", 1), ("idx", 0)]);
        check(table(), "do*", &[("docs", 1)]);
        check(table(), "other", &[]);
        check(Table { usual: "docs", ..table() }, "", &[("docs", 1)]);
        check(Table { usual: "docs", ..table() }, "i", &[("i", 0)]);
        check(Table { uncounted: &["size"], ..table() }, "size,i", &[("size", 2), ("i", 0)]);
    }

    #[test]
    fn rows_are_sorted_by_several_columns() {
        let check = |asked: &str, expected: &str| {
            let mut table = table();
            table.sort(asked).unwrap();
            let order: String = table.rows.iter().map(|row| row[0].as_str()).collect();
            assert_eq!(order, expected, "{asked}");
        };
        check("", "bac");
        check("index", "abc");
        check("docs,i:desc", "acb");
        check("d:desc", "bca");
        assert!(table().sort("size").is_err());
        let mut table = Table { uncounted: &["size"], ..table() };
        table.sort("size,docs").unwrap();
        assert_eq!(table.rows[0][0], "a");
    }

    #[test]
    fn cells_stand_below_each_other() {
        assert_eq!(aligned(&[vec!["a".into(), "bb".into()], vec!["ccc".into(), "d".into()]]), "a   bb\nccc d\n");
        assert_eq!(aligned(&[]), "");
        assert_eq!(table().help(), "index | i,idx | name\ndocs  | d     | how many\n");
    }
}
