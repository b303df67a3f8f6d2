//! Events in rows: the names of a layout once, then the values of each event one after the other.
//!
//! An event as a list of names and values takes many times the memory of what was sent, and every step over it waits
//! for that memory. A batch holds the same in a few buffers: it is written to the log as it is, and columns are
//! built from it. Layouts that are held once are bounded: past the bound, as of a sender that names fields after values,
//! an event has its names among its own bytes.

mod layout;
mod row;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
pub use layout::{Layout, Leaf, Own, insert_leaf};
pub use row::{Row, RowLayout, ValueRef, Values};

use crate::codec::{CodecError, Reader, log_type_code, tag, write_signed, write_unsigned, write_value};
use crate::{Event, LogType, Object, Timestamp, Value};
pub(crate) use layout::for_each_leaf;
use layout::layout_hash;
use row::Names;

/// What a leaf weighs beside its name and text, for whoever splits batches by size.
const LEAF_BYTES: usize = 16;
/// Layouts of a batch that are held once.
const LAYOUTS_MAX: usize = 1_024;
/// Leaves of all of them: each takes some sixty bytes, however short its name.
const LAYOUT_LEAVES_MAX: usize = 64 * 1_024;
/// In place of the number of a layout: the row's bytes begin with the length of its layout and the layout.
const OWN_LAYOUT: u32 = u32::MAX;

/// Some events in order.
#[derive(Clone, Default)]
pub struct EventBatch {
    layouts: Vec<Arc<Layout>>,
    /// Leaves of all of them.
    leaf_count: usize,
    /// Numbers of layouts by their hash; the few that share one are told apart by their names.
    numbers: HashMap<u64, Vec<u32>, FixedState>,
    /// The layout that the last event of each log type had: the next one mostly has it too.
    last_layouts: [u32; LogType::ALL.len()],
    heads: Vec<Head>,
    /// Values of all rows, of strings only how long they are.
    bytes: Vec<u8>,
    /// Ids and strings of all rows.
    text: String,
}

/// What an event has beside its body.
#[derive(Clone, Copy, Debug)]
pub struct RowHead<'a> {
    /// Its sender's id, if one was sent.
    pub id: Option<&'a str>,
    /// Its own time.
    pub timestamp: Timestamp,
    /// When it was accepted.
    pub ingested_at: Timestamp,
    /// What sort of event it is.
    pub log_type: LogType,
}

/// What is known of a row without its bytes.
#[derive(Clone, Copy)]
struct Head {
    timestamp: Timestamp,
    ingested_at: Timestamp,
    log_type: LogType,
    /// A number, or `OWN_LAYOUT`.
    layout: u32,
    has_id: bool,
    /// Where its bytes and its text end; they begin where those of the row before end.
    bytes_end: usize,
    text_end: usize,
}

impl EventBatch {
    /// How many events it holds.
    pub const fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Adds an event at the end.
    pub fn push(&mut self, event: &Event) {
        let number = self.layout_of(event);
        let layout = match self.layouts.get(number as usize) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Layout::of(&event.body)),
        };
        let id = event.id.as_ref().map(|id| id.0.as_str());
        let head = RowHead { id, timestamp: event.timestamp, ingested_at: event.ingested_at, log_type: event.log_type };
        self.write_row(&head, (number, &layout), &[], &event.body);
    }

    /// Adds an event whose body was never made: the values of the first leaves of its layout, and the fields that hold the others.
    pub fn push_values(&mut self, head: &RowHead<'_>, layout: &Arc<Layout>, first: &[ValueRef<'_>], rest: &Object) {
        let last = self.last_layouts[head.log_type as usize];
        let number = match self.layouts.get(last as usize) {
            Some(known) if Arc::ptr_eq(known, layout) => last,
            _ => {
                let is_it = |known: &Layout| std::ptr::eq(known, layout.as_ref()) || known == layout.as_ref();
                self.number_of(layout.hash(), is_it, || Arc::clone(layout))
            }
        };
        if number != OWN_LAYOUT {
            self.last_layouts[head.log_type as usize] = number;
        }
        self.write_row(head, (number, layout), first, rest);
    }

    /// Writes what is left of a row whose layout has that number, or is its own.
    fn write_row(
        &mut self,
        head: &RowHead<'_>,
        (number, layout): (u32, &Layout),
        first: &[ValueRef<'_>],
        rest: &Object,
    ) {
        if number == OWN_LAYOUT {
            write_own_layout(&mut self.bytes, layout);
        }
        if let Some(id) = head.id {
            write_unsigned(&mut self.bytes, id.len() as u64);
            self.text.push_str(id);
        }
        let (first_leaves, rest_leaves) = layout.leaves().split_at(first.len());
        for (leaf, value) in first_leaves.iter().zip(first) {
            self.write_first(head, leaf.own, value);
        }
        let mut leaves = rest_leaves.iter();
        for_each_leaf(rest, &mut |_, _, value| {
            let own = leaves.next().map_or(Own::Nothing, |leaf| leaf.own);
            match value {
                Value::Text(text) => self.write_string(head, own, text),
                _ => write_value(&mut self.bytes, value),
            }
            true
        });
        self.heads.push(Head {
            timestamp: head.timestamp,
            ingested_at: head.ingested_at,
            log_type: head.log_type,
            layout: number,
            has_id: head.id.is_some(),
            bytes_end: self.bytes.len(),
            text_end: self.text.len(),
        });
    }

    fn write_first(&mut self, head: &RowHead<'_>, own: Own, value: &ValueRef<'_>) {
        match value {
            ValueRef::Text(text) => self.write_string(head, own, text),
            ValueRef::Int(number) => write_value(&mut self.bytes, &Value::Int(*number)),
            ValueRef::Float(number) => write_value(&mut self.bytes, &Value::Float(*number)),
            ValueRef::Bool(flag) => write_value(&mut self.bytes, &Value::Bool(*flag)),
            ValueRef::Null => write_value(&mut self.bytes, &Value::Null),
            ValueRef::OwnTime(_) => self.bytes.push(tag::OWN_TIME),
            ValueRef::OwnType(_) => self.bytes.push(tag::OWN_TYPE),
            ValueRef::Tree(value) => write_value(&mut self.bytes, value),
        }
    }

    fn write_string(&mut self, head: &RowHead<'_>, own: Own, text: &str) {
        match own {
            Own::Time if head.timestamp.has_text(text) => self.bytes.push(tag::OWN_TIME),
            Own::Type if text == head.log_type.as_str() => self.bytes.push(tag::OWN_TYPE),
            Own::Nothing | Own::Time | Own::Type => {
                self.bytes.push(tag::TEXT);
                write_unsigned(&mut self.bytes, text.len() as u64);
                self.text.push_str(text);
            }
        }
    }

    fn layout_of(&mut self, event: &Event) -> u32 {
        let last = self.last_layouts[event.log_type as usize];
        if self.layouts.get(last as usize).is_some_and(|layout| layout.is_of(&event.body)) {
            return last;
        }
        let hash = layout_hash(&event.body);
        let number = self.number_of(hash, |known| known.is_of(&event.body), || Arc::new(Layout::of(&event.body)));
        if number != OWN_LAYOUT {
            self.last_layouts[event.log_type as usize] = number;
        }
        number
    }

    /// The number of the layout with this hash that is the one meant; it is added when there is none and room for it.
    fn number_of(&mut self, hash: u64, is_it: impl Fn(&Layout) -> bool, make: impl FnOnce() -> Arc<Layout>) -> u32 {
        let known = self.numbers.get(&hash).map_or(&[][..], Vec::as_slice);
        if let Some(number) = known.iter().find(|number| is_it(&self.layouts[**number as usize])) {
            return *number;
        }
        if self.layouts.len() >= LAYOUTS_MAX {
            return OWN_LAYOUT;
        }
        let layout = make();
        if self.leaf_count + layout.leaves().len() > LAYOUT_LEAVES_MAX {
            return OWN_LAYOUT;
        }
        self.add_layout(layout)
    }

    fn add_layout(&mut self, layout: Arc<Layout>) -> u32 {
        let number = self.layouts.len() as u32;
        self.numbers.entry(layout.hash()).or_default().push(number);
        self.leaf_count += layout.leaves().len();
        self.layouts.push(layout);
        number
    }

    /// The row at this place.
    ///
    /// # Panics
    /// When there is none, as indexing a list does.
    pub fn row(&self, place: usize) -> Row<'_> {
        let head = &self.heads[place];
        let (bytes_start, text_start) = self.ends(place);
        let layout = self.layouts.get(head.layout as usize);
        Row::new(head, layout, &self.bytes[bytes_start..head.bytes_end], &self.text[text_start..head.text_end])
    }

    /// Where the bytes and the text of the first rows end.
    fn ends(&self, rows: usize) -> (usize, usize) {
        rows.checked_sub(1).map_or((0, 0), |last| (self.heads[last].bytes_end, self.heads[last].text_end))
    }

    /// The rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|place| self.row(place))
    }

    /// The events in order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event> {
        self.rows().map(|row| row.to_event())
    }

    /// Keeps the first events, as many as `len` at most.
    pub fn truncate(&mut self, len: usize) {
        self.heads.truncate(len);
        let (bytes_end, text_end) = self.ends(self.len());
        self.bytes.truncate(bytes_end);
        self.text.truncate(text_end);
    }

    /// Adds a row of another batch at the end.
    pub fn push_row(&mut self, row: Row<'_>) {
        let layout = match row.names() {
            Names::Known(meant) => {
                let is_it = |known: &Layout| std::ptr::eq(known, meant.as_ref()) || *known == **meant;
                let number = self.number_of(meant.hash(), is_it, || meant.clone());
                if number == OWN_LAYOUT {
                    write_own_layout(&mut self.bytes, meant);
                }
                number
            }
            Names::Own(names) => {
                write_sized(&mut self.bytes, names);
                OWN_LAYOUT
            }
        };
        self.bytes.extend_from_slice(row.bytes());
        self.text.push_str(row.text());
        let (bytes_end, text_end) = (self.bytes.len(), self.text.len());
        self.heads.push(Head { layout, bytes_end, text_end, ..*row.head() });
    }

    /// Appends the binary form of the batch.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_unsigned(out, self.layouts.len() as u64);
        self.layouts.iter().for_each(|layout| layout.write(out));
        write_unsigned(out, self.heads.len() as u64);
        let mut before = (0_i64, 0_i64);
        let mut ends = (0, 0);
        for head in &self.heads {
            let (timestamp, ingested_at) = (head.timestamp.as_nanos(), head.ingested_at.as_nanos());
            out.push(log_type_code(head.log_type) << 1 | u8::from(head.has_id));
            write_signed(out, timestamp.wrapping_sub(before.0));
            write_signed(out, ingested_at.wrapping_sub(before.1));
            // The number after the last stands for a layout of its own.
            write_unsigned(out, u64::from(head.layout).min(self.layouts.len() as u64));
            write_unsigned(out, (head.bytes_end - ends.0) as u64);
            write_unsigned(out, (head.text_end - ends.1) as u64);
            before = (timestamp, ingested_at);
            ends = (head.bytes_end, head.text_end);
        }
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(self.text.as_bytes());
    }

    /// Reads what `write` wrote, up to the end of the bytes.
    ///
    /// # Errors
    /// When the bytes are no batch.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut batch = Self::default();
        for _ in 0..reader.count()? {
            batch.add_layout(Arc::new(Layout::read(reader)?));
        }
        let mut before = (0_i64, 0_i64);
        let mut ends = (0_usize, 0_usize);
        for _ in 0..reader.count()? {
            let kind = reader.byte()?;
            let log_type = LogType::ALL.into_iter().find(|log_type| log_type_code(*log_type) == kind >> 1);
            before = (before.0.wrapping_add(reader.signed()?), before.1.wrapping_add(reader.signed()?));
            let layout = reader.unsigned()?;
            // Neither length exceeds what is left, so the sums stay far from overflow until `take` refuses them.
            ends = (ends.0.saturating_add(reader.count()?), ends.1.saturating_add(reader.count()?));
            let known = batch.layouts.len() as u64;
            let Some(log_type) = log_type.filter(|_| layout <= known) else { return reader.fail() };
            batch.heads.push(Head {
                timestamp: Timestamp::from_nanos(before.0),
                ingested_at: Timestamp::from_nanos(before.1),
                log_type,
                layout: if layout == known { OWN_LAYOUT } else { layout as u32 },
                has_id: kind & 1 == 1,
                bytes_end: ends.0,
                text_end: ends.1,
            });
        }
        batch.bytes.extend_from_slice(reader.take(ends.0)?);
        let Ok(text) = std::str::from_utf8(reader.take(ends.1)?) else { return reader.fail() };
        batch.text.push_str(text);
        if batch.heads.iter().any(|head| !text.is_char_boundary(head.text_end)) {
            return reader.fail();
        }
        if !reader.is_at_end() || !batch.rows().all(|row| row.is_whole()) {
            return reader.fail();
        }
        Ok(batch)
    }
}

fn write_own_layout(out: &mut Vec<u8>, layout: &Layout) {
    let mut names = Vec::new();
    layout.write(&mut names);
    write_sized(out, &names);
}

fn write_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Batches of the same events are equal, however they came to be.
impl PartialEq for EventBatch {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.events().eq(other.events())
    }
}

impl std::fmt::Debug for EventBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.events()).finish()
    }
}

impl Extend<Event> for EventBatch {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push(&event));
    }
}

impl FromIterator<Event> for EventBatch {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut batch = Self::default();
        batch.extend(events);
        batch
    }
}

impl From<Vec<Event>> for EventBatch {
    fn from(events: Vec<Event>) -> Self {
        events.into_iter().collect()
    }
}
