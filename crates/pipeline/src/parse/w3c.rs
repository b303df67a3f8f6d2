//! The W3C Extended Log File Format, as IIS and CloudFront write it: `#Fields:` names the columns of the rows after it, and
//! may come again. Its times are UTC.
//!
//! Source: W3C working draft WD-logfile-960323. What differs is told by content: IIS has spaces between cells and whole
//! milliseconds in `time-taken`, others tabs and seconds with a point.

use vigie_domain::{Object, Value};

use super::lines::{Line, LineReader};
use super::number::typed_by_content;
use super::{Bytes, Draft, Record, RecordReader, binary_reason, draft_of_text, draft_of_whole, push_text, too_large};
use crate::detect::Head;
use crate::error::DecodeError;
use crate::tag;

/// Columns that a `#Fields` may name; with more, its rows are kept as text.
const COLUMNS_MAX: usize = 256;

const FIELDS_DIRECTIVE: &str = "#Fields:";
const DATE_DIRECTIVE: &str = "#Date:";

/// The fields of columns by their name in lower case. The name of any other is kept, with `_` for what is no letter.
const KNOWN_COLUMNS: &[(&str, &str)] = &[
    ("c-ip", "client_ip"),
    ("cs-username", "user_id"),
    ("cs-method", "method"),
    ("cs-uri-stem", "endpoint"),
    ("cs-uri-query", "query_string"),
    ("cs-version", "http_version"),
    ("cs-protocol-version", "http_version"),
    ("cs-host", "vhost"),
    ("cs(host)", "vhost"),
    ("cs(user-agent)", "user_agent"),
    ("cs(referer)", "referrer"),
    ("cs-bytes", "bytes_received"),
    ("sc-bytes", "bytes_sent"),
    ("sc-status", "status_code"),
    ("time-taken", "response_time_ms"),
    ("s-ip", "server_ip"),
    ("s-port", "server_port"),
    ("s-computername", "host"),
    ("s-sitename", "site"),
    ("cs(x-forwarded-for)", "x_forwarded_for"),
    ("x-forwarded-for", "x_forwarded_for"),
    ("date", "date"),
    ("time", "time"),
];

/// Fields whose values are text even when they look like numbers.
const TEXT_FIELDS: [&str; 9] =
    ["client_ip", "user_id", "method", "endpoint", "query_string", "vhost", "referrer", "server_ip", "x_forwarded_for"];

/// How sure it is: there is a `#Fields`.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    if head.lines().any(|line| line.starts_with(FIELDS_DIRECTIVE.as_bytes())) { 94 } else { 0 }
}

/// Reads rows by the directives before them, which are no records of their own.
pub(crate) struct W3cReader<'a> {
    lines: LineReader<'a>,
    buffer: Vec<u8>,
    table: Table,
    record_bytes_max: usize,
}

/// What the directives said.
#[derive(Default)]
struct Table {
    /// Field of each column.
    fields: Vec<String>,
    /// The day of rows that have only a time.
    date: String,
}

impl<'a> W3cReader<'a> {
    /// A reader of lines up to the bound.
    pub(crate) fn new(input: Bytes<'a>, record_bytes_max: usize) -> Self {
        let lines = LineReader::new(input, record_bytes_max);
        Self { lines, buffer: Vec::new(), table: Table::default(), record_bytes_max }
    }
}

impl RecordReader for W3cReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        loop {
            self.buffer.clear();
            let (size_bytes, outcome) = match self.lines.append_line(&mut self.buffer)? {
                Line::End => return Ok(None),
                Line::TooLong(size) => (size, Err(too_large(size, self.record_bytes_max))),
                Line::Whole if self.buffer.trim_ascii().is_empty() => continue,
                Line::Whole if self.buffer.starts_with(b"#") => {
                    self.table.read_directive(&String::from_utf8_lossy(&self.buffer));
                    continue;
                }
                Line::Whole => {
                    let parse = |text: &str| Ok(self.table.parse(text));
                    let outcome = binary_reason(&self.buffer).map_or_else(|| draft_of_text(&self.buffer, parse), Err);
                    (self.buffer.len(), outcome)
                }
            };
            return Ok(Some(Record { line: self.lines.line(), size_bytes, outcome }));
        }
    }

    fn raw(&self) -> &[u8] {
        &self.buffer
    }
}

impl Table {
    /// Takes what `#Fields` and `#Date` say; other directives say nothing of the rows.
    fn read_directive(&mut self, line: &str) {
        if let Some(names) = line.strip_prefix(FIELDS_DIRECTIVE) {
            self.fields = names.split_ascii_whitespace().take(COLUMNS_MAX + 1).map(field_of).collect();
            if self.fields.len() > COLUMNS_MAX {
                self.fields.clear();
            }
        } else if let Some(date) = line.strip_prefix(DATE_DIRECTIVE) {
            date.split_ascii_whitespace().next().unwrap_or_default().clone_into(&mut self.date);
        }
    }

    /// The draft of a row; one with other cells than there are columns is kept as a message and tagged.
    fn parse(&self, row: &str) -> Draft {
        let cells = cells_of(row, self.fields.len());
        if cells.len() != self.fields.len() || cells.is_empty() {
            return draft_of_whole(row, tag::W3C_PARSE_FAILURE);
        }
        let mut body = Object::new();
        let (mut date, mut time) = (self.date.as_str(), "");
        for (field, cell) in self.fields.iter().zip(cells) {
            match field.as_str() {
                "date" => date = cell,
                "time" => time = cell,
                field => push_cell(&mut body, field, cell),
            }
        }
        match (date, time) {
            ("" | "-", _) => push_text(&mut body, "time_of_day", time),
            (date, "" | "-") => push_text(&mut body, "@timestamp", date),
            (date, time) => body.insert(0, ("@timestamp".into(), Value::text(format!("{date}T{time}Z")))),
        }
        Draft::new(body)
    }
}

fn field_of(column: &str) -> String {
    let folded = column.to_ascii_lowercase();
    if let Some((_, field)) = KNOWN_COLUMNS.iter().find(|(name, _)| *name == folded) {
        return (*field).to_owned();
    }
    let kept = folded.trim_end_matches(')').replace(|c: char| !c.is_alphanumeric(), "_");
    if kept.is_empty() { folded } else { kept }
}

/// The cells of a row, between tabs or else spaces; one more than `columns` at most, which is one too many.
fn cells_of(row: &str, columns: usize) -> Vec<&str> {
    if row.contains('\t') {
        return row.split('\t').map(str::trim).take(columns + 1).collect();
    }
    let mut cells = Vec::with_capacity(columns);
    let mut rest = row.trim();
    while !rest.is_empty() && cells.len() <= columns {
        let quoted = rest.strip_prefix('"').and_then(|inner| {
            let end = inner.find("\" ").or_else(|| inner.ends_with('"').then(|| inner.len() - 1))?;
            Some((&inner[..end], &inner[end + 1..]))
        });
        let (cell, after) = quoted.unwrap_or_else(|| rest.split_at(rest.find(' ').unwrap_or(rest.len())));
        cells.push(cell);
        rest = after.trim_start();
    }
    cells
}

fn push_cell(body: &mut Object, field: &str, cell: &str) {
    if cell == "-" || cell.is_empty() {
        return;
    }
    let value = match field {
        "response_time_ms" => millis_of(cell),
        "user_agent" => Value::text(with_spaces(cell)),
        "http_version" => Value::text(cell.strip_prefix("HTTP/").unwrap_or(cell)),
        field if TEXT_FIELDS.contains(&field) => Value::text(cell),
        _ => typed_by_content(cell),
    };
    body.push((field.into(), value));
}

/// Seconds when there is a point, as the draft has it; whole numbers are IIS's milliseconds.
fn millis_of(cell: &str) -> Value {
    const MICROS_PER_SECOND: f64 = 1e6;
    const MICROS_PER_MILLI: f64 = 1e3;
    let millis = cell.parse::<f64>().ok().filter(|_| cell.contains('.')).map(|seconds| {
        let micros = (seconds * MICROS_PER_SECOND).round();
        micros / MICROS_PER_MILLI
    });
    millis.and_then(Value::number).unwrap_or_else(|| typed_by_content(cell))
}

/// IIS writes a space as `+`, CloudFront as `%20`.
fn with_spaces(cell: &str) -> String {
    if cell.contains("%20") { cell.replace("%20", " ") } else { cell.replace('+', " ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, expected: &[&str]) {
        let mut reader = W3cReader::new(Box::new(lines.as_bytes()), 1_000);
        let mut actual = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let draft = record.outcome.unwrap();
            actual.push(serde_json::to_string(&Value::Object(draft.body)).unwrap() + &draft.tags.concat());
        }
        assert_eq!(actual, expected, "{lines}");
    }

    #[test]
    fn rows_of_iis() {
        check(
            "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-win32-status time-taken\n2026-11-23 14:04:05 10.0.0.1 GET /cart id=7 443 - 192.0.2.1 Mozilla/5.0+(X11) - 200 0 15\n",
            &[
                r#"{"@timestamp":"2026-11-23T14:04:05Z","server_ip":"10.0.0.1","method":"GET","endpoint":"/cart","query_string":"id=7","server_port":443,"client_ip":"192.0.2.1","user_agent":"Mozilla/5.0 (X11)","status_code":200,"sc_win32_status":0,"response_time_ms":15}"#,
            ],
        );
    }

    #[test]
    fn rows_of_others() {
        check(
            "#Fields: date time cs(Host) sc-status time-taken cs(User-Agent) cs(Cookie)\n2026-11-23\t14:04:05\tshop.example\t404\t0.015\tcurl/8%20x\t-\n",
            &[
                r#"{"@timestamp":"2026-11-23T14:04:05Z","vhost":"shop.example","status_code":404,"response_time_ms":15,"user_agent":"curl/8 x"}"#,
            ],
        );
        check(
            "#Date: 2026-11-23 00:00:00\n#Fields: time cs(Cookie) x-text\n14:04:05 a=b \"two words\"\n",
            &[r#"{"@timestamp":"2026-11-23T14:04:05Z","cs_cookie":"a=b","x_text":"two words"}"#],
        );
    }

    #[test]
    fn the_columns_may_change() {
        check(
            "1 2\n#Fields: a b\n1 2\n1\n1 2 3\n#Fields: c\n-\n007\n",
            &[
                r#"{"message":"1 2"}_w3cparsefailure"#,
                r#"{"a":1,"b":2}"#,
                r#"{"message":"1"}_w3cparsefailure"#,
                r#"{"message":"1 2 3"}_w3cparsefailure"#,
                "{}",
                r#"{"c":"007"}"#,
            ],
        );
    }

    #[test]
    fn columns_are_bounded() {
        let fields = "#Fields:".to_owned() + &" a".repeat(COLUMNS_MAX + 1);
        check(&format!("{fields}\nrow\n"), &[r#"{"message":"row"}_w3cparsefailure"#]);
    }
}
