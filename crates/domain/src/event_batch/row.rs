//! One event of a batch, read in place.

use std::ops::Deref;
use std::sync::Arc;

use super::layout::{Layout, Own, insert_leaf};
use super::{Head, LEAF_BYTES};
use crate::codec::{CodecError, Reader, tag};
use crate::{Event, EventId, LogType, Object, Timestamp, Value};

/// An event of a batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    head: &'a Head,
    names: Names<'a>,
    /// Its id, if it has one, and its values.
    bytes: &'a [u8],
    text: &'a str,
}

/// Where the names of a row's leaves are.
#[derive(Clone, Copy)]
pub(super) enum Names<'a> {
    /// In a layout that rows of the batch share.
    Known(&'a Arc<Layout>),
    /// Among its own bytes.
    Own(&'a [u8]),
}

/// The layout of a row, shared or made for it.
pub enum RowLayout<'a> {
    /// Other rows of the batch have it too.
    Shared(&'a Arc<Layout>),
    /// The row alone has it.
    Own(Arc<Layout>),
}

impl Deref for RowLayout<'_> {
    type Target = Arc<Layout>;

    fn deref(&self) -> &Arc<Layout> {
        match self {
            Self::Shared(layout) => layout,
            Self::Own(layout) => layout,
        }
    }
}

/// The value of a leaf.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// Null.
    Null,
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number that is not whole.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// The canonical text of the event's time.
    OwnTime(Timestamp),
    /// The name of the event's log type.
    OwnType(LogType),
    /// A list, an object or a big number.
    Tree(Value),
}

impl ValueRef<'_> {
    /// The value as events hold it.
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
            Self::Text(text) => Value::text(text),
            Self::OwnTime(timestamp) => Value::Text(timestamp.to_text()),
            Self::OwnType(log_type) => Value::text(log_type.as_str()),
            Self::Tree(value) => value,
        }
    }
}

impl<'a> Row<'a> {
    /// A row of these bytes; without a layout they begin with its own. Bytes that are none make a row that is not whole.
    pub(super) fn new(head: &'a Head, layout: Option<&'a Arc<Layout>>, bytes: &'a [u8], text: &'a str) -> Self {
        if let Some(layout) = layout {
            return Self { head, names: Names::Known(layout), bytes, text };
        }
        let mut reader = Reader::new(bytes);
        let names = reader.count().and_then(|length| reader.take(length)).unwrap_or_default();
        Self { head, names: Names::Own(names), bytes: reader.rest(), text }
    }

    /// The event's own time.
    pub const fn timestamp(&self) -> Timestamp {
        self.head.timestamp
    }

    /// When it was accepted.
    pub const fn ingested_at(&self) -> Timestamp {
        self.head.ingested_at
    }

    /// What sort of event it is.
    pub const fn log_type(&self) -> LogType {
        self.head.log_type
    }

    /// Whether a sender's id was sent.
    pub const fn has_id(&self) -> bool {
        self.head.has_id
    }

    /// Its sender's id, if one was sent.
    pub fn id(&self) -> Option<&'a str> {
        if self.head.has_id { self.reader().text().ok() } else { None }
    }

    fn reader(&self) -> RowReader<'a> {
        RowReader { bytes: Reader::new(self.bytes), text: self.text, head: self.head }
    }

    /// The names of its leaves.
    pub fn layout(&self) -> RowLayout<'a> {
        match self.names {
            Names::Known(layout) => RowLayout::Shared(layout),
            // A batch is made of events, or of bytes that were looked through: every layout can be read.
            Names::Own(names) => {
                RowLayout::Own(Arc::new(Layout::read(&mut Reader::new(names)).unwrap_or_else(|_| Layout::empty())))
            }
        }
    }

    pub(super) const fn names(&self) -> Names<'a> {
        self.names
    }

    pub(super) const fn head(&self) -> &'a Head {
        self.head
    }

    pub(super) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// The values of its leaves, in the order of its layout.
    pub fn values(&self) -> Values<'a> {
        let mut reader = self.reader();
        if self.head.has_id {
            let _ = reader.text();
        }
        Values(reader)
    }

    /// Roughly what the event takes. Its own time is left out: for an event without one it is that of arrival, and its
    /// text may have another length when the event is sent again.
    pub fn size_bytes(&self) -> usize {
        let (names, leaves) = match self.names {
            Names::Known(layout) => (layout.names_bytes(), layout.leaves().len()),
            // A layout begins with the number of its leaves.
            Names::Own(names) => (names.len(), Reader::new(names).count().unwrap_or_default()),
        };
        names + leaves * LEAF_BYTES + self.bytes.len() + self.text.len()
    }

    /// The event.
    pub fn to_event(&self) -> Event {
        let mut body = Object::new();
        for (leaf, value) in self.layout().leaves().iter().zip(self.values()) {
            insert_leaf(&mut body, &leaf.above, &leaf.name, value.into_value());
        }
        Event {
            id: self.id().map(|id| EventId(id.to_owned())),
            timestamp: self.timestamp(),
            ingested_at: self.ingested_at(),
            log_type: self.log_type(),
            body,
        }
    }

    /// Whether its bytes are a layout, if it has its own, an id, if it has one, and the values that its layout names.
    pub(super) fn is_whole(&self) -> bool {
        if let Names::Own(names) = self.names {
            let mut reader = Reader::new(names);
            if Layout::read(&mut reader).is_err() || !reader.is_at_end() {
                return false;
            }
        }
        let mut reader = self.reader();
        let is_read = |reader: &mut RowReader<'_>, own: Own| match reader.value() {
            Ok(ValueRef::OwnTime(_)) => own == Own::Time,
            Ok(ValueRef::OwnType(_)) => own == Own::Type,
            read => read.is_ok(),
        };
        (!self.head.has_id || reader.text().is_ok())
            && self.layout().leaves().iter().all(|leaf| is_read(&mut reader, leaf.own))
            && reader.is_at_end()
    }
}

/// Reads the id and the values of a row, one after the other.
struct RowReader<'a> {
    bytes: Reader<'a>,
    /// The strings that are still to come.
    text: &'a str,
    head: &'a Head,
}

impl<'a> RowReader<'a> {
    fn is_at_end(&self) -> bool {
        self.bytes.is_at_end() && self.text.is_empty()
    }

    fn text(&mut self) -> Result<&'a str, CodecError> {
        let length = self.bytes.unsigned()?;
        match usize::try_from(length).ok().and_then(|length| self.text.split_at_checked(length)) {
            Some((text, rest)) => {
                self.text = rest;
                Ok(text)
            }
            None => self.bytes.fail(),
        }
    }

    fn value(&mut self) -> Result<ValueRef<'a>, CodecError> {
        let tag = self.bytes.peek()?;
        if matches!(tag, tag::TEXT | tag::INT | tag::FLOAT | tag::OWN_TIME | tag::OWN_TYPE) {
            self.bytes.byte()?;
        }
        Ok(match tag {
            tag::TEXT => ValueRef::Text(self.text()?),
            tag::INT => ValueRef::Int(self.bytes.signed()?),
            tag::FLOAT => ValueRef::Float(self.bytes.float()?),
            tag::OWN_TIME => ValueRef::OwnTime(self.head.timestamp),
            tag::OWN_TYPE => ValueRef::OwnType(self.head.log_type),
            _ => match self.bytes.value(0)? {
                Value::Null => ValueRef::Null,
                Value::Bool(flag) => ValueRef::Bool(flag),
                tree => ValueRef::Tree(tree),
            },
        })
    }
}

/// Values of a row's leaves, in order.
pub struct Values<'a>(RowReader<'a>);

impl<'a> Iterator for Values<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        if self.0.bytes.is_at_end() {
            return None;
        }
        // A batch is made of events, or of bytes that were looked through: every value can be read.
        self.0.value().ok()
    }
}
