//! Writes events as lines of JSON straight from the columns, for whoever only passes them on: no value is made in between.
//!
//! What is written around the values of a shape — names, braces, commas — is put together once and then copied.

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::Int32Type;
use serde_json::Error;
use vigie_domain::event::{complete, pseudo_fields};
use vigie_domain::{Scope, Timestamp, Value};

use super::line_column::{LineColumn, write_instant, write_text};
use super::shape::{EpochUnit, Shape};
use super::source::SourceReader;
use super::{Chunk, column_names, overflow};

/// Writes the events of a chunk that has all of its columns.
pub struct LineWriter<'a> {
    chunk: &'a Chunk,
    sources: SourceReader<'a>,
    scope: &'a Scope,
    timestamps: &'a [i64],
    /// Codes of the events' shapes; none when there is no such column.
    shapes: &'a [i32],
    overflow: Option<&'a StringArray>,
    /// By the code of the shape.
    templates: Vec<Known<'a>>,
}

/// What is known of a shape.
enum Known<'a> {
    /// Nothing yet.
    New,
    /// Its lines are made from values.
    Values,
    /// Its lines are written so.
    Template(Template<'a>),
}

/// How events of one shape are written.
struct Template<'a> {
    leaves: Vec<TemplateLeaf<'a>>,
    /// What stands behind the last value: what every event has, unless it was sent, and the end of the line.
    end: Vec<Own>,
}

struct TemplateLeaf<'a> {
    /// What stands before the value.
    before: String,
    value: LeafValue<'a>,
}

enum LeafValue<'a> {
    /// The first of these columns that has one.
    Columns(Vec<LineColumn<'a>>),
    Epoch(EpochUnit),
    Own(Own),
    Nothing,
}

/// What is written of the event itself.
enum Own {
    Literal(String),
    Timestamp,
    LogType,
}

impl<'a> LineWriter<'a> {
    /// A writer of the chunk's events as the scope may see them.
    pub fn new(chunk: &'a Chunk, scope: &'a Scope) -> Self {
        let shapes = chunk.column(column_names::SHAPE).map(AsArray::as_dictionary::<Int32Type>);
        let shape_count = shapes.map_or(0, |shapes| shapes.values().len());
        Self {
            chunk,
            sources: SourceReader::new(chunk),
            scope,
            timestamps: chunk.timestamps(),
            shapes: shapes.map_or(&[], |shapes| shapes.keys().values()),
            overflow: chunk.column(column_names::OVERFLOW).map(AsArray::as_string::<i32>),
            templates: (0..shape_count).map(|_| Known::New).collect(),
        }
    }

    /// Appends the line of the event in this row, its end included.
    ///
    /// # Errors
    /// When a value cannot be written as JSON, which none that was read from JSON does.
    pub fn write(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let Some(code) = self.shapes.get(row).map(|code| *code as usize) else { return self.write_values(row, out) };
        if matches!(self.templates[code], Known::New) {
            self.templates[code] = self.template(row).map_or(Known::Values, Known::Template);
        }
        match &self.templates[code] {
            Known::Template(template) => template.write(self, row, out),
            Known::New | Known::Values => self.write_values(row, out),
        }
    }

    /// From the values: events whose shape is theirs alone, and those of which something is hidden.
    fn write_values(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut source = self.scope.visible(self.sources.source(row));
        complete(&mut source, self.chunk.position(row).timestamp, self.chunk.log_type);
        serde_json::to_writer(&mut *out, &Value::Object(source))?;
        out.push(b'\n');
        Ok(())
    }

    fn template(&mut self, row: usize) -> Option<Template<'a>> {
        if !self.scope.hidden_fields.is_empty() || self.sources.has_own_shape(row) {
            return None;
        }
        let shape = self.sources.shape(row)?;
        let mut punctuation = Punctuation::default();
        let leaves = shape.leaves.iter().map(|leaf| {
            let before = punctuation.before(&leaf.path);
            let columns =
                || self.sources.columns_of(&leaf.canonical).iter().filter_map(|column| LineColumn::new(column));
            let value = match leaf.epoch {
                Some(unit) => LeafValue::Epoch(unit),
                None if leaf.has_columns => LeafValue::Columns(columns().collect()),
                None => match leaf.canonical.as_str() {
                    pseudo_fields::TIMESTAMP => LeafValue::Own(Own::Timestamp),
                    pseudo_fields::LOG_TYPE => LeafValue::Own(Own::LogType),
                    _ => LeafValue::Nothing,
                },
            };
            TemplateLeaf { before, value }
        });
        let leaves = leaves.collect();
        Some(Template { leaves, end: end_of(&shape, punctuation) })
    }

    fn timestamp(&self, row: usize) -> Timestamp {
        Timestamp::from_nanos(self.timestamps[row])
    }

    /// What the overflow holds of the event, in the order of its shape.
    fn overflow_of(&self, row: usize) -> Vec<(usize, Value)> {
        let cells = self.overflow.filter(|cells| cells.is_valid(row));
        cells.map_or_else(Vec::new, |cells| overflow::parse(cells.value(row)))
    }
}

/// What stands behind the last value of events of this shape.
fn end_of(shape: &Shape, mut punctuation: Punctuation) -> Vec<Own> {
    let mut end = Vec::new();
    for (name, own) in [(pseudo_fields::TIMESTAMP, Own::Timestamp), (pseudo_fields::LOG_TYPE, Own::LogType)] {
        if !shape.leaves.iter().any(|leaf| leaf.path.first().is_some_and(|sent| sent == name)) {
            end.extend([Own::Literal(punctuation.before(&[name.to_owned()])), own]);
        }
    }
    end.push(Own::Literal(punctuation.end()));
    end
}

/// Names, braces and commas between values.
#[derive(Default)]
struct Punctuation {
    /// Names of the objects that are open below the event's own.
    open: Vec<String>,
    has_begun: bool,
}

impl Punctuation {
    /// What stands before the value with this path, which comes after those asked for before.
    fn before(&mut self, path: &[String]) -> String {
        let mut text = String::new();
        let Some((name, above)) = path.split_last() else { return text };
        let kept = self.open.iter().zip(above).take_while(|(open, outer)| open == outer).count();
        self.close_to(kept, &mut text);
        text.push(if std::mem::replace(&mut self.has_begun, true) { ',' } else { '{' });
        for outer in &above[kept..] {
            push_name(&mut text, outer);
            text.push('{');
            self.open.push(outer.clone());
        }
        push_name(&mut text, name);
        text
    }

    /// What stands behind the last value.
    fn end(&mut self) -> String {
        let mut text = String::from(if self.has_begun { "" } else { "{" });
        self.close_to(0, &mut text);
        text.push_str("}\n");
        text
    }

    fn close_to(&mut self, depth: usize, text: &mut String) {
        while self.open.len() > depth {
            self.open.pop();
            text.push('}');
        }
    }
}

fn push_name(text: &mut String, name: &str) {
    text.push_str(&serde_json::Value::from(name).to_string());
    text.push(':');
}

impl Template<'_> {
    fn write(&self, writer: &LineWriter<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut overflow = writer.overflow_of(row).into_iter().peekable();
        for (place, leaf) in self.leaves.iter().enumerate() {
            out.extend_from_slice(leaf.before.as_bytes());
            if let Some((_, value)) = overflow.next_if(|(overflowed, _)| *overflowed == place) {
                serde_json::to_writer(&mut *out, &value)?;
                continue;
            }
            match &leaf.value {
                LeafValue::Columns(columns) => {
                    let mut is_written = false;
                    for column in columns {
                        is_written = column.write(row, out)?;
                        if is_written {
                            break;
                        }
                    }
                    if !is_written {
                        out.extend_from_slice(b"null");
                    }
                }
                LeafValue::Epoch(unit) => serde_json::to_writer(&mut *out, &unit.number(writer.timestamp(row)))?,
                LeafValue::Own(own) => own.write(writer, row, out)?,
                LeafValue::Nothing => out.extend_from_slice(b"null"),
            }
        }
        self.end.iter().try_for_each(|own| own.write(writer, row, out))
    }
}

impl Own {
    fn write(&self, writer: &LineWriter<'_>, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Self::Timestamp => write_instant(writer.timestamp(row), out),
            Self::LogType => write_text(writer.chunk.log_type.as_str(), out)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, EventBatch, LogType, Object};

    use super::*;
    use crate::chunk::{ChunkBuilder, IndexColumns};

    fn check(scope: &Scope, json: &str) {
        let Ok(Value::Object(body)) = serde_json::from_str::<Value>(json) else { panic!("no object") };
        let timestamp = Timestamp::from_millis(1_795_442_645_678);
        let event =
            Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body: body.clone() };
        let batch = EventBatch::from(vec![event.clone(), event]);
        let chunk = ChunkBuilder::build(LogType::Transaction, (1..).zip(batch.rows()), &IndexColumns::default());
        let mut expected: Object = scope.visible(body);
        complete(&mut expected, timestamp, LogType::Transaction);
        let expected = serde_json::to_string(&Value::Object(expected)).unwrap() + "\n";
        let mut writer = LineWriter::new(&chunk, scope);
        for row in 0..2 {
            let mut out = Vec::new();
            writer.write(row, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn lines_are_what_the_values_would_be_written_as() {
        for json in [
            r#"{"a":{"b":1,"c":{"d":null}},"a.b":3,"e":[],"f":{},"g":[1,{"x":2.5}]}"#,
            r#"{"amount":12.34,"quantity":2,"status":"completed","message":"é\n\"\\\u0001","ok":true}"#,
            r#"{"amount":"abc","x":18446744073709551615,"y":0.123456789,"z":1e300}"#,
            r#"{"@timestamp":"2026-11-23T14:04:05.678Z","log_type":"transaction","ts":1795442645678}"#,
            r#"{"@timestamp":"2026-11-23 14:04","log_type":"Transaction","time":5}"#,
            r#"{"service":null,"app":"cart","application":"x"}"#,
            r#"{"_seq":1,"_shape":"x","a#int":"t","a":5,"":1,"q\"x\\":2}"#,
            r#"{"a":{"x":1},"a":{"y":2},"b":{"x":1},"c":1,"b":{"z":1}}"#,
            r#"{"a":{"b":{"c":1,"d":2},"e":3},"f":{"b":{"c":1}},"log_type":{"x":1}}"#,
            r#"{"event":{"ts":1795442645678,"time":1795442645678},"time":1795442645678}"#,
            "{}",
        ] {
            check(&Scope::main(), json);
            check(&Scope { hidden_fields: vec!["a".into(), "amount".into()], ..Scope::main() }, json);
        }
    }
}
