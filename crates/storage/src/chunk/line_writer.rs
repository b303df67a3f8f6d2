//! Writes events as lines of JSON straight from the columns, for whoever only passes them on: no value is made in between.
//!
//! What is written around the values of a shape — names, braces, commas — is put together once and then copied.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use serde_json::Error;
use vigie_domain::event::{complete, pseudo_fields};
use vigie_domain::query::Scalar;
use vigie_domain::{Scope, Timestamp, Value};

use super::Chunk;
use super::column::scalar_at;
use super::shape::{EpochUnit, Shape};
use super::source::{SourceReader, overflow_of};

/// Writes the events of a chunk that has all of its columns.
pub struct LineWriter<'a> {
    chunk: &'a Chunk,
    sources: SourceReader<'a>,
    scope: &'a Scope,
    /// By the code of the shape; none where lines are made from values.
    templates: HashMap<Option<i32>, Option<Template<'a>>>,
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
    Columns(Vec<&'a ArrayRef>),
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
        Self { chunk, sources: SourceReader::new(chunk), scope, templates: HashMap::new() }
    }

    /// Appends the line of the event in this row, its end included.
    ///
    /// # Errors
    /// When a value cannot be written as JSON, which none that was read from JSON does.
    pub fn write(&mut self, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let code = self.sources.shape_code(row);
        if !self.templates.contains_key(&code) {
            let template = self.template(row);
            self.templates.insert(code, template);
        }
        match self.templates.get(&code) {
            Some(Some(template)) => template.write(self.chunk, row, out),
            _ => self.write_values(row, out),
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
            let value = match leaf.epoch {
                Some(unit) => LeafValue::Epoch(unit),
                None if leaf.has_columns => LeafValue::Columns(self.sources.columns_of(&leaf.canonical).to_vec()),
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
    fn write(&self, chunk: &Chunk, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut overflow = overflow_of(chunk, row).into_iter().peekable();
        for (place, leaf) in self.leaves.iter().enumerate() {
            out.extend_from_slice(leaf.before.as_bytes());
            if let Some((_, value)) = overflow.next_if(|(overflowed, _)| *overflowed == place) {
                serde_json::to_writer(&mut *out, &value)?;
                continue;
            }
            match &leaf.value {
                LeafValue::Columns(columns) => {
                    let scalar = columns.iter().find_map(|column| scalar_at(column.as_ref(), row));
                    write_scalar(scalar, out)?;
                }
                LeafValue::Epoch(unit) => {
                    let instant = Timestamp::from_nanos(chunk.timestamps()[row]);
                    serde_json::to_writer(&mut *out, &unit.number(instant))?;
                }
                LeafValue::Own(own) => own.write(chunk, row, out),
                LeafValue::Nothing => out.extend_from_slice(b"null"),
            }
        }
        self.end.iter().for_each(|own| own.write(chunk, row, out));
        Ok(())
    }
}

impl Own {
    fn write(&self, chunk: &Chunk, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Self::Timestamp => write_plain(&Timestamp::from_nanos(chunk.timestamps()[row]).to_text(), out),
            Self::LogType => write_plain(chunk.log_type.as_str(), out),
        }
    }
}

/// Writes a text that needs no escapes.
fn write_plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_scalar(scalar: Option<Scalar<'_>>, out: &mut Vec<u8>) -> Result<(), Error> {
    match scalar {
        None => out.extend_from_slice(b"null"),
        Some(Scalar::Bool(flag)) => serde_json::to_writer(&mut *out, &flag)?,
        Some(Scalar::Int(number)) => serde_json::to_writer(&mut *out, &number)?,
        Some(Scalar::Float(number)) => serde_json::to_writer(&mut *out, &number)?,
        Some(Scalar::BigNumber(literal)) => out.extend_from_slice(literal.as_bytes()),
        Some(Scalar::Text(text)) => serde_json::to_writer(&mut *out, text)?,
        Some(Scalar::Instant(instant)) => write_plain(&instant.to_text(), out),
    }
    Ok(())
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
