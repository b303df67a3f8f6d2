//! One file per format, each behind [`RecordReader`]; and the pieces that several of them share.

pub(crate) mod access_log;
pub(crate) mod cef;
pub mod continuation;
pub(crate) mod csv;
pub(crate) mod csv_row;
pub(crate) mod gelf;
pub(crate) mod joined;
pub(crate) mod json_documents;
mod json_elements;
pub(crate) mod json_reader;
pub(crate) mod json_value;
pub(crate) mod lines;
pub(crate) mod log4j;
pub(crate) mod logfmt;
pub(crate) mod ndjson;
pub(crate) mod nginx_error;
pub mod number;
pub(crate) mod parquet;
mod parquet_footer;
mod parquet_pages;
mod parquet_thrift;
mod parquet_value;
pub(crate) mod plain;
pub(crate) mod single;
pub(crate) mod stack_trace;
pub(crate) mod syslog;
mod syslog_header;
pub(crate) mod w3c;

use std::io::BufRead;
use std::sync::Arc;

use vigie_domain::{EventId, Object, Value};

use crate::error::DecodeError;
use crate::tag;

/// Unpacked bytes of one file, from their beginning.
pub(crate) type Bytes<'a> = Box<dyn BufRead + Send + 'a>;

/// Reads one record after the other, in bounded memory.
pub(crate) trait RecordReader: Send {
    /// The next record; `None` at the end. After an error there is no further record.
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError>;

    /// Offers the next record to whoever does without a draft of it: how many bytes it had, if it was taken. What was not taken, or not
    /// offered, `next_record` gives.
    fn offer(&mut self, _take: &mut dyn FnMut(&[u8]) -> bool) -> Result<Option<usize>, DecodeError> {
        Ok(None)
    }

    /// The beginning of the record last read, to show it when it is rejected; empty when it has no bytes of its own.
    fn raw(&self) -> &[u8];
}

/// One input record.
pub(crate) struct Record {
    /// 1-based line on which it begins, or its number in formats without lines.
    pub(crate) line: u64,
    /// Bytes of input that it took.
    pub(crate) size_bytes: usize,
    /// What was in it, or why it is rejected.
    pub(crate) outcome: Result<Draft, String>,
}

/// A record on its way to becoming an event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Draft {
    /// What was sent.
    pub(crate) body: Object,
    /// What was not understood.
    pub(crate) tags: Vec<&'static str>,
    /// Where it was sent to, unless that is the index of its day.
    pub(crate) index: Option<NamedIndex>,
}

/// An index that the sender named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedIndex {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Whether somebody made it before anything was sent to it; then it takes events of any time.
    pub(crate) is_made: bool,
}

impl NamedIndex {
    /// The id of the event that its sender calls so there.
    pub(crate) fn id_of(&self, sent: EventId) -> EventId {
        EventId::of_index(&self.name, &sent.0)
    }
}

impl Draft {
    /// A draft of what was sent.
    pub(crate) const fn new(body: Object) -> Self {
        Self { body, tags: Vec::new(), index: None }
    }

    /// Whether it may be of any time.
    pub(crate) fn is_of_any_time(&self) -> bool {
        self.index.as_ref().is_some_and(|index| index.is_made)
    }

    /// The id of the event that its sender calls so.
    pub(crate) fn id_of(&self, sent: EventId) -> EventId {
        match &self.index {
            None => sent,
            Some(index) => index.id_of(sent),
        }
    }

    /// A line that is kept whole as the message.
    pub(crate) fn message(text: &str) -> Self {
        Self::new(vec![("message".into(), Value::text(text))])
    }

    /// Notes once what was not understood.
    pub(crate) fn tag(&mut self, tag: &'static str) {
        if !self.tags.contains(&tag) {
            self.tags.push(tag);
        }
    }
}

/// A line that is kept whole because it is not of the format, with the tag that says so.
pub(crate) fn draft_of_whole(line: &str, tag: &'static str) -> Draft {
    let mut draft = Draft::message(line);
    draft.tag(tag);
    draft
}

/// Adds a text, unless it is empty or the dash that stands for nothing.
pub(crate) fn push_text(body: &mut Object, name: &str, text: &str) {
    if text != "-" && !text.is_empty() {
        body.push((name.into(), Value::text(text)));
    }
}

/// The draft that `parse` makes of the bytes as text; bytes that are no UTF-8 are replaced and that is tagged.
pub(crate) fn draft_of_text(bytes: &[u8], parse: impl FnOnce(&str) -> Result<Draft, String>) -> Result<Draft, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(_) => {
            let mut draft = parse(&String::from_utf8_lossy(bytes))?;
            draft.tag(tag::INVALID_UTF8);
            Ok(draft)
        }
    }
}

/// Why a record that is too large is rejected.
pub(crate) fn too_large(size_bytes: usize, record_bytes_max: usize) -> String {
    format!(
        "the record has {size_bytes} bytes, more than the {record_bytes_max} that are allowed; split it or raise the limit"
    )
}

/// Why the record is no text, if it is none: a NUL byte, or a fifth of it control characters.
pub(crate) fn binary_reason(bytes: &[u8]) -> Option<String> {
    const CONTROLS_SHARE: usize = 5;
    if memchr::memchr(0, bytes).is_some() {
        return Some("the line has a NUL byte, so it is no text; send text in UTF-8".to_owned());
    }
    // ESC stays: terminal colours are common in logs.
    let is_control = |byte: &&u8| (**byte < 0x20 && !matches!(**byte, b'\t' | b'\r' | b'\n' | 0x1b)) || **byte == 0x7f;
    let controls = bytes.iter().filter(is_control).count();
    (controls > 0 && controls * CONTROLS_SHARE >= bytes.len())
        .then(|| "the line is mostly control characters, so it is no text; send text in UTF-8".to_owned())
}
