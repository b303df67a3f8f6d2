//! CSV and TSV: a header row, then one event a row; the delimiter is found by content.
//!
//! Cells get their type from their content; an empty one is absent. A row of another length is kept and tagged.

use vigie_domain::Value;

use super::csv_row::RowScanner;
use super::lines::{Line, LineReader};
use super::number::typed_by_content;
use super::{Bytes, Draft, Record, RecordReader, binary_reason, too_large};
use crate::detect::Head;
use crate::error::DecodeError;
use crate::tag;

/// Columns that a table may have.
const COLUMNS_MAX: usize = 10_000;

/// How often reading goes back to the line after a quote that is never closed; later, what was read is lost to one reject.
const GO_BACK_MAX: u32 = 16;

/// Delimiters of CSV, the likeliest first; those of TSV are tabs.
const DELIMITERS: [u8; 3] = [b',', b';', b'|'];

/// Of a hundred rows, so many have as many cells as the header in what is still a table.
const SAME_SHARE_PERCENT_MIN: usize = 60;

/// Characters and words of a cell that still looks like the name of a column.
const NAME_CHARS_MAX: usize = 80;
const NAME_WORDS_MAX: usize = 5;

/// How sure it is that this is CSV.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    DELIMITERS.into_iter().map(|delimiter| table_score(head, delimiter)).max().unwrap_or_default()
}

/// How sure it is that this is TSV.
pub(crate) fn tsv_score(head: &Head<'_>) -> u8 {
    table_score(head, b'\t')
}

/// The delimiter that fits best; a table of one column has none, and any will do.
pub(crate) fn find_delimiter(head: &Head<'_>) -> u8 {
    let candidates = [b',', b';', b'\t', b'|'];
    let cells = |delimiter: u8| shape(head, delimiter).map_or(0, |shape| shape.columns * shape.share_percent);
    // The first of equals wins, so the likeliest stands last for `max_by_key`.
    candidates.into_iter().rev().max_by_key(|delimiter| cells(*delimiter)).unwrap_or(b',')
}

fn table_score(head: &Head<'_>, delimiter: u8) -> u8 {
    match shape(head, delimiter) {
        Some(shape)
            if shape.columns >= 2
                && shape.rows >= 1
                && shape.share_percent >= SAME_SHARE_PERCENT_MIN
                && shape.has_names =>
        {
            70
        }
        // Too little to tell it from plain lines: the file's extension decides.
        Some(shape) if shape.has_names => 5,
        _ => 0,
    }
}

/// What the beginning looks like when read with a delimiter.
struct Shape {
    columns: usize,
    rows: usize,
    share_percent: usize,
    has_names: bool,
}

fn shape(head: &Head<'_>, delimiter: u8) -> Option<Shape> {
    let mut scanner = RowScanner::new(delimiter);
    let mut row: Vec<u8> = Vec::new();
    let mut shape: Option<Shape> = None;
    let mut same = 0;
    for line in head.lines() {
        if !row.is_empty() {
            row.push(b'\n');
        }
        row.extend_from_slice(line);
        if !scanner.scan(&row) {
            continue;
        }
        match &mut shape {
            None => {
                let text = String::from_utf8_lossy(&row);
                let has_names = scanner.cells(&text).all(|cell| is_name(&cell));
                shape = Some(Shape { columns: scanner.cell_count(), rows: 0, share_percent: 0, has_names });
            }
            Some(shape) => {
                shape.rows += 1;
                same += usize::from(scanner.cell_count() == shape.columns);
            }
        }
        scanner.reset();
        row.clear();
    }
    let mut shape = shape?;
    shape.share_percent = same * 100 / shape.rows.max(1);
    Some(shape)
}

/// Whether the cell may be the name of a column and not a value: short, and it does not begin like a number.
fn is_name(cell: &str) -> bool {
    let cell = cell.trim();
    let begins_well =
        cell.chars().next().is_none_or(|first| first.is_alphabetic() || matches!(first, '_' | '@' | '#' | '$'));
    let has_only_name_chars = !cell.contains(['=', '{', '}', '"', ':', '\\']) || cell.starts_with('@');
    begins_well
        && has_only_name_chars
        && cell.chars().count() <= NAME_CHARS_MAX
        && cell.split_whitespace().count() <= NAME_WORDS_MAX
}

/// Reads a table.
pub(crate) struct CsvReader<'a> {
    lines: LineReader<'a>,
    scanner: RowScanner,
    names: Vec<String>,
    row: Vec<u8>,
    /// Lines that the row spans, and where its second line begins.
    row_lines: u64,
    second_line_at: usize,
    went_back: u32,
    record_bytes_max: usize,
}

/// What was read of the table.
enum Row {
    End,
    Whole,
    TooLong(usize),
    OpenQuote,
}

impl<'a> CsvReader<'a> {
    /// Reads the header row.
    pub(crate) fn open(input: Bytes<'a>, delimiter: u8, record_bytes_max: usize) -> Result<Self, DecodeError> {
        let mut reader = Self {
            lines: LineReader::new(input, record_bytes_max),
            scanner: RowScanner::new(delimiter),
            names: Vec::new(),
            row: Vec::new(),
            row_lines: 0,
            second_line_at: 0,
            went_back: 0,
            record_bytes_max,
        };
        reader.names = match reader.read_row()? {
            Row::End => Vec::new(),
            Row::Whole => {
                let text = String::from_utf8_lossy(&reader.row);
                let mut scanner = RowScanner::new(delimiter);
                scanner.scan(text.as_bytes());
                names(scanner.cells(&text))?
            }
            Row::TooLong(size) => return Err(DecodeError::Header(too_large(size, record_bytes_max))),
            Row::OpenQuote => {
                return Err(DecodeError::Header("a quote in it is never closed; check the quotes".to_owned()));
            }
        };
        Ok(reader)
    }

    fn read_row(&mut self) -> Result<Row, DecodeError> {
        self.row.clear();
        self.scanner.reset();
        self.row_lines = 0;
        loop {
            match self.lines.append_line(&mut self.row)? {
                Line::End if self.row_lines == 0 => return Ok(Row::End),
                Line::End => return Ok(Row::OpenQuote),
                // What was read of the row before is lost with the long line.
                Line::TooLong(size) => {
                    self.row_lines += 1;
                    return Ok(Row::TooLong(size));
                }
                Line::Whole if self.row_lines == 0 && self.row.is_empty() => continue,
                Line::Whole => self.row_lines += 1,
            }
            if self.scanner.scan(&self.row) {
                return Ok(Row::Whole);
            }
            self.row.extend_from_slice(self.lines.line_end());
            if self.row_lines == 1 {
                self.second_line_at = self.row.len();
            }
            if self.row.len() > self.record_bytes_max {
                return Ok(Row::OpenQuote);
            }
        }
    }

    /// Why the row with the open quote is rejected. Reading goes on at its second line, as long as that happens seldom.
    fn give_up_row(&mut self) -> String {
        if self.went_back >= GO_BACK_MAX {
            let lines = self.row_lines;
            return format!(
                "a quote that opens here is not closed within {lines} lines, which are lost; check the quotes"
            );
        }
        self.went_back += 1;
        self.lines.give_back(&self.row[self.second_line_at..], self.row_lines - 1);
        self.row.truncate(self.second_line_at);
        "a quote that opens on this line is never closed; check the quotes".to_owned()
    }

    fn whole_row(&self) -> Draft {
        if let Ok(text) = std::str::from_utf8(&self.row) {
            return self.draft(&self.scanner, text);
        }
        // Replacing bytes moves the cells, so they are found again.
        let text = String::from_utf8_lossy(&self.row);
        let mut scanner = RowScanner::new(self.scanner.delimiter());
        scanner.scan(text.as_bytes());
        let mut draft = self.draft(&scanner, &text);
        draft.tag(tag::INVALID_UTF8);
        draft
    }

    fn draft(&self, scanner: &RowScanner, text: &str) -> Draft {
        let mut draft = Draft::default();
        let mut cells = scanner.cells(text);
        for (name, cell) in self.names.iter().zip(cells.by_ref()) {
            if !cell.is_empty() {
                draft.body.push((name.into(), typed(&cell)));
            }
        }
        for (number, cell) in (self.names.len() + 1..).zip(cells) {
            if !cell.is_empty() {
                draft.body.push((column_name(number).into(), typed(&cell)));
            }
        }
        if scanner.cell_count() != self.names.len() {
            draft.tag(tag::CSV_PARSE_FAILURE);
        }
        draft
    }
}

impl RecordReader for CsvReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        let row = self.read_row()?;
        let line = self.lines.line() + 1 - self.row_lines.min(self.lines.line());
        let size_bytes = self.row.len();
        let outcome = match row {
            Row::End => return Ok(None),
            Row::TooLong(size) => {
                return Ok(Some(Record {
                    line,
                    size_bytes: size,
                    outcome: Err(too_large(size, self.record_bytes_max)),
                }));
            }
            Row::OpenQuote => Err(self.give_up_row()),
            Row::Whole => binary_reason(&self.row).map_or_else(|| Ok(self.whole_row()), Err),
        };
        Ok(Some(Record { line, size_bytes, outcome }))
    }

    fn raw(&self) -> &[u8] {
        &self.row
    }
}

fn typed(cell: &str) -> Value {
    match typed_by_content(cell.trim()) {
        Value::Text(_) => Value::text(cell),
        value => value,
    }
}

fn column_name(number: usize) -> String {
    format!("column_{number}")
}

/// The names of the columns: one without a name is called by its number, a repeated one gets a number at its end.
fn names<'c>(cells: impl Iterator<Item = std::borrow::Cow<'c, str>>) -> Result<Vec<String>, DecodeError> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, cell) in cells.enumerate() {
        if index == COLUMNS_MAX {
            return Err(DecodeError::Header(format!("it has more than {COLUMNS_MAX} columns; split the table")));
        }
        let base = if cell.trim().is_empty() { column_name(index + 1) } else { cell.trim().to_owned() };
        let mut name = base.clone();
        let mut repeat = 1;
        while !seen.insert(name.clone()) {
            repeat += 1;
            name = format!("{base}_{repeat}");
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, record_bytes_max: usize) -> Vec<(u64, Result<String, String>)> {
        let mut reader = CsvReader::open(Box::new(input.as_bytes()), b',', record_bytes_max).unwrap();
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let json = |draft: Draft| {
                format!("{}{}", serde_json::to_string(&Value::Object(draft.body)).unwrap(), draft.tags.concat())
            };
            rows.push((record.line, record.outcome.map(json)));
        }
        rows
    }

    fn check(input: &str, expected: &[(u64, &str)]) {
        let rows = read(input, 1000);
        let rows: Vec<(u64, &str)> =
            rows.iter().map(|(line, row)| (*line, row.as_ref().map_or_else(String::as_str, String::as_str))).collect();
        assert_eq!(rows, expected, "{input}");
    }

    #[test]
    fn rows_become_events() {
        check("a,b\n1,x\n\n2.50,\n", &[(2, r#"{"a":1,"b":"x"}"#), (4, r#"{"a":2.5}"#)]);
        check("a,a,,a\n1,2,3,4", &[(2, r#"{"a":1,"a_2":2,"column_3":3,"a_3":4}"#)]);
        check("a,b\n\"x\r\ny\",1\r\nz,2\r\n", &[(2, r#"{"a":"x\r\ny","b":1}"#), (4, r#"{"a":"z","b":2}"#)]);
        check(
            "a,b\n1\n1,2,3\n",
            &[(2, r#"{"a":1}_csvparsefailure"#), (3, r#"{"a":1,"b":2,"column_3":3}_csvparsefailure"#)],
        );
    }

    #[test]
    fn an_open_quote_costs_its_own_line() {
        let reason = "a quote that opens on this line is never closed; check the quotes";
        check("a,b\n1,\"x\n2,y\n3,z", &[(2, reason), (3, r#"{"a":2,"b":"y"}"#), (4, r#"{"a":3,"b":"z"}"#)]);
    }

    #[test]
    fn going_back_is_bounded() {
        let input = format!("a,b\n{}", "x\"y,\"z\n".repeat(100_000));
        let rows = read(&input, 2_000);
        assert!(rows.iter().take(GO_BACK_MAX as usize).all(|(_, row)| row.is_err()));
        assert!(rows.len() < 1_000, "{}", rows.len());
    }

    #[test]
    fn a_row_above_the_bound_is_rejected() {
        let input = format!("a,b\n1,{}\n2,y\n", "x".repeat(3_000));
        let rows = read(&input, 1_000);
        assert!(rows[0].1.as_ref().is_err_and(|reason| reason.contains("3003 bytes")), "{rows:?}");
        assert_eq!(rows[1], (3, Ok(r#"{"a":2,"b":"y"}"#.to_owned())));
    }

    #[test]
    fn three_thousand_columns_are_read() {
        let names: Vec<String> = (0..3_000).map(|n| format!("c{n}")).collect();
        let row: Vec<String> = (0..3_000).map(|n| n.to_string()).collect();
        let rows = read(&format!("{}\n{}\n", names.join(","), row.join(",")), 100_000);
        assert!(rows[0].1.as_ref().is_ok_and(|row| row.ends_with("\"c2999\":2999}")));
    }

    fn check_delimiter(head: &str, expected: u8) {
        assert_eq!(find_delimiter(&Head::whole(head.as_bytes())) as char, expected as char, "{head}");
    }

    #[test]
    fn the_delimiter_is_found() {
        check_delimiter("a,b\n1,2\n", b',');
        check_delimiter("a;b\n1,5;2,5\n", b';');
        check_delimiter("a\tb c\n1\t2\n", b'\t');
        check_delimiter("a|b|c\n1|2|x,y\n", b'|');
        check_delimiter("a\n1\n", b',');
    }
}
