//! Bulk requests as clients of Elasticsearch send them: an action a line, each with its document on the next.
//!
//! Documents go the way of JSON lines. A bad item is answered alone; only a line that should be an action and is none
//! refuses the whole request, because nothing behind it can be told apart. Blank lines between items are passed over,
//! and the last line may end without a line end.

mod action;
mod reader;

use std::borrow::Cow;
use std::io::{BufReader, Read};
use std::sync::Arc;

use vigie_domain::{Day, EventBatch, EventId, Timestamp};

use crate::batch::Reject;
use crate::convert::FlatLines;
use crate::decompress::{BODY_BYTES_MAX, Budget, Codec, Compression, unpack};
use crate::error::DecodeError;
use crate::options::DecodeOptions;
use crate::parse::{Bytes, RecordReader};
use crate::read::{AnsweredWay, Found};
use crate::redact::RedactionCounts;
use reader::{BulkReader, OneDocument};

pub use action::{
    BulkAction, CONDITION, CONDITIONS, EMPTY_ID, INVALID_ITEM, NO_SUCH_INDEX, NO_UPDATE, NO_WRITE_INDEX, check_index,
};
pub use reader::is_daily_index;

/// Items of one request: what is answered takes more memory than the shortest of them.
pub const BULK_ITEMS_MAX: usize = 100_000;

/// The field that keeps the index which the sender named, unless it is a daily one of ours.
pub const SENT_INDEX_FIELD: &str = "sent_index";

/// The items of a bulk request, and the events among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkBatch {
    /// What became events, in the order of the items.
    pub events: EventBatch,
    /// Every item, in the order sent.
    pub items: Vec<BulkItem>,
    /// What was taken out of them, because it may never be stored.
    pub redactions: RedactionCounts,
}

/// One item of a bulk request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkItem {
    /// What was asked for.
    pub action: BulkAction,
    /// The name that the sender gave.
    pub id: Option<String>,
    /// The index that the sender named.
    pub index: Option<Arc<str>>,
    /// What became of it.
    pub fate: BulkFate,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkFate {
    /// The next event of the batch, of that day.
    Event(Day),
    /// The next so many events of the batch, the first of that day: a pipeline made them of it.
    Several(Day, usize),
    /// None: a pipeline let it go, as it says.
    Dropped,
    /// None: the event of that name is to be deleted.
    Deletion,
    /// None: why, and what to do.
    Rejected(String),
}

/// The items of a request body, packed or not; `index` is the one that its path names.
///
/// # Errors
/// When the body cannot be unpacked within its bounds, a line should be an action and is none, or there are more than
/// [`BULK_ITEMS_MAX`] items.
pub fn decode_bulk(body: &[u8], index: Option<&str>, options: &DecodeOptions) -> Result<BulkBatch, DecodeError> {
    let input: Bytes<'_> = match Compression::of(body) {
        Compression::None => Box::new(body),
        packed => Box::new(BufReader::new(unpacked(body, packed)?)),
    };
    let mut reader = BulkReader::new(input, index, options);
    let mut way = AnsweredWay::new(options);
    let mut flat = FlatLines::new(options);
    let mut batch = BulkBatch::default();
    while reader.next_item()? {
        if batch.items.len() == BULK_ITEMS_MAX {
            return Err(DecodeError::TooManyItems { items_max: BULK_ITEMS_MAX });
        }
        let pushed = match (&mut flat, reader.document()) {
            (Some(flat), Some((document, sent))) => flat.push(document, sent, options, &mut batch.events),
            _ => None,
        };
        let mut item = reader.take_item();
        if let Some(pushed) = pushed {
            item.is_event(pushed.timestamp, pushed.id);
        } else if let Some(record) = reader.record() {
            let outcome = way.events_or_reject(record, &reader, &mut batch.redactions);
            batch.settle(&mut item, outcome);
        }
        batch.items.push(item);
    }
    Ok(batch)
}

impl BulkBatch {
    /// What became of the item. Of several events that a pipeline makes of it, all are stored or none.
    fn settle(&mut self, item: &mut BulkItem, outcome: Result<Found, Reject>) {
        let events = match outcome {
            Err(reject) => {
                item.fate = BulkFate::Rejected(reject.reason);
                return;
            }
            Ok(Found::One(event)) => {
                self.events.push(&event);
                item.is_event(event.timestamp, event.id);
                return;
            }
            Ok(Found::Several(events)) => events,
        };
        events.iter().for_each(|event| self.events.push(event));
        let count = events.len();
        item.fate = match events.into_iter().next() {
            None => BulkFate::Dropped,
            Some(first) => {
                let day = first.timestamp.day();
                item.id = sent_id(first.id, item.index.as_deref());
                BulkFate::Several(day, count)
            }
        };
    }
}

impl BulkItem {
    /// Notes the event that it became.
    fn is_event(&mut self, timestamp: Timestamp, id: Option<EventId>) {
        self.fate = BulkFate::Event(timestamp.day());
        self.id = sent_id(id, self.index.as_deref());
    }
}

/// The id as senders to the index know it.
fn sent_id(id: Option<EventId>, index: Option<&str>) -> Option<String> {
    let id = id?;
    let sent = index.and_then(|index| id.sent_to(index)).map(str::to_owned);
    Some(sent.unwrap_or(id.0))
}

/// The one item of a request whose body is a document and whose path says the rest.
///
/// # Errors
/// When the body cannot be unpacked.
pub fn decode_document(body: &[u8], mut item: BulkItem, options: &DecodeOptions) -> Result<BulkBatch, DecodeError> {
    let body = match Compression::of(body) {
        Compression::None => Cow::Borrowed(body),
        packed => {
            // One byte more than allowed is enough to say that it is too large.
            let mut document = Vec::new();
            let bytes_max = options.record_bytes_max as u64 + 1;
            unpacked(body, packed)?.take(bytes_max).read_to_end(&mut document).map_err(DecodeError::from_read)?;
            Cow::Owned(document)
        }
    };
    let mut document = OneDocument::new(&body, &mut item, options);
    let mut batch = BulkBatch::default();
    if let Some(record) = document.next_record()? {
        let outcome = AnsweredWay::new(options).events_or_reject(record, &document, &mut batch.redactions);
        batch.settle(&mut item, outcome);
    }
    batch.items.push(item);
    Ok(batch)
}

fn unpacked<'a>(body: &'a [u8], compression: Compression) -> Result<Box<dyn Read + Send + 'a>, DecodeError> {
    let codec = match compression {
        Compression::None => Codec::Stored,
        Compression::Gzip => Codec::Gzip,
        Compression::Zlib => Codec::Zlib,
        Compression::Zstd => Codec::Zstd,
        Compression::Zip => {
            let (what, instead) = ("a zip archive", "pack the request with gzip or zstd, or not at all");
            return Err(DecodeError::Foreign { what, instead });
        }
    };
    unpack(Box::new(body), codec, compression, &Budget::new(BODY_BYTES_MAX))
}

#[cfg(test)]
mod tests;
