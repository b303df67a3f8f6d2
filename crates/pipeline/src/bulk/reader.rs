//! Pairs the lines of a bulk request, and puts what the action says into the document.

use std::sync::Arc;

use vigie_domain::time::INDEX_PREFIX;
use vigie_domain::{Day, Object, Text, Value};

use super::action::{ActionLine, INVALID_ITEM, NO_SUCH_INDEX, NO_WRITE_INDEX, upserted};
use super::{BulkAction, BulkFate, BulkItem, SENT_INDEX_FIELD};
use crate::convert::SentWith;
use crate::error::DecodeError;
use crate::options::{DecodeOptions, SentTo};
use crate::parse::json_value::{object_of, parse_json};
use crate::parse::lines::{Line, LineReader};
use crate::parse::{Bytes, Draft, NamedIndex, Record, RecordReader, binary_reason, draft_of_text, too_large};

/// Why a deletion is refused that does not say where.
const NO_INDEX: &str = "a deletion must name the index of its event: give \"_index\"";
/// Where ids are sent.
const ID_FIELD: &str = "_id";

/// Reads items; after each the item's own part is taken with `take_item`.
pub(super) struct BulkReader<'a> {
    lines: LineReader<'a>,
    /// The line last read: an action, then its document.
    buffer: Vec<u8>,
    /// The index of items that name none.
    path_index: Option<Arc<str>>,
    /// The last action line without a name, and what it says: most requests repeat one.
    repeated: Option<(Vec<u8>, ActionLine)>,
    /// The index that was last named: most requests name one.
    last_index: Option<Arc<str>>,
    /// The index that documents were last sent to, and what is noted of it.
    last_named: Option<(Arc<str>, Option<NamedIndex>)>,
    /// The action last read, and what was read behind it.
    current: Option<(ActionLine, Behind)>,
    item: Option<BulkItem>,
    options: &'a DecodeOptions,
}

/// What stands behind an action.
enum Behind {
    /// Its document, which is in the buffer, and where that is sent to unless that is the index of its day.
    Document(Option<NamedIndex>),
    /// None: an event is to be deleted.
    Deletion,
    /// No document that could be stored: how many bytes it has, and why.
    Nothing(usize, String),
}

impl<'a> BulkReader<'a> {
    /// A reader of documents, as the options have it.
    pub(super) fn new(input: Bytes<'a>, index: Option<&str>, options: &'a DecodeOptions) -> Self {
        Self {
            lines: LineReader::new(input, options.record_bytes_max),
            buffer: Vec::new(),
            path_index: index.map(Arc::from),
            repeated: None,
            last_index: None,
            last_named: None,
            current: None,
            item: None,
            options,
        }
    }

    /// The item of the record last read.
    pub(super) fn take_item(&mut self) -> BulkItem {
        let nothing = || BulkItem { action: BulkAction::Index, id: None, index: None, fate: unknown() };
        self.item.take().unwrap_or_else(nothing)
    }

    /// The next action; `None` at the end.
    fn next_action(&mut self) -> Result<Option<ActionLine>, DecodeError> {
        loop {
            self.buffer.clear();
            match self.lines.append_line(&mut self.buffer)? {
                Line::End => return Ok(None),
                Line::TooLong(size) => return Err(self.no_action(too_large(size, self.options.record_bytes_max))),
                Line::Whole if self.buffer.trim_ascii().is_empty() => {}
                Line::Whole => break,
            }
        }
        if let Some((line, action)) = &self.repeated
            && *line == self.buffer
        {
            return Ok(Some(action.clone()));
        }
        let mut action = ActionLine::parse(&self.buffer).map_err(|reason| self.no_action(reason))?;
        if let Some(index) = &mut action.index {
            match &self.last_index {
                Some(last) if last == index => *index = last.clone(),
                _ => self.last_index = Some(index.clone()),
            }
        } else {
            action.index.clone_from(&self.path_index);
        }
        if let Some(index) = &mut action.index
            && let Err(reason) =
                settle_index(index, action.require_alias.unwrap_or(self.options.require_alias), self.options)
                    .and_then(|()| check_id(index, (action.action, action.id.as_deref()), self.options))
        {
            action.refuse(&reason);
        }
        if action.id.is_none() {
            self.repeated = Some((self.buffer.clone(), action.clone()));
        }
        Ok(Some(action))
    }

    fn no_action(&self, reason: String) -> DecodeError {
        DecodeError::NoAction { line: self.lines.line(), reason }
    }

    /// What stands behind the action.
    fn behind(&mut self, action: &ActionLine) -> Result<Behind, DecodeError> {
        self.buffer.clear();
        if !action.action.has_document() {
            return Ok(match &action.refusal {
                Some(reason) => Behind::Nothing(0, reason.clone()),
                None if action.index.is_none() => Behind::Nothing(0, NO_INDEX.to_owned()),
                None => Behind::Deletion,
            });
        }
        Ok(match (self.lines.append_line(&mut self.buffer)?, &action.refusal) {
            (Line::End, _) => {
                let reason = "the request ends before the document of its last action; send it again";
                Behind::Nothing(0, reason.to_owned())
            }
            (Line::TooLong(size), _) => Behind::Nothing(size, too_large(size, self.options.record_bytes_max)),
            (Line::Whole, Some(reason)) => Behind::Nothing(self.buffer.len(), reason.clone()),
            (Line::Whole, None) => {
                if action.action == BulkAction::Update {
                    match upserted(&self.buffer) {
                        Ok(document) => self.buffer = document,
                        Err(reason) => return Ok(Behind::Nothing(self.buffer.len(), reason)),
                    }
                }
                Behind::Document(action.index.as_ref().and_then(|index| self.named(index)))
            }
        })
    }

    fn named(&mut self, index: &Arc<str>) -> Option<NamedIndex> {
        match &self.last_named {
            Some((last, named)) if last == index => named.clone(),
            _ => {
                let named = named_index(index, self.options);
                self.last_named = Some((Arc::clone(index), named.clone()));
                named
            }
        }
    }

    /// Reads the next item; `false` at the end.
    pub(super) fn next_item(&mut self) -> Result<bool, DecodeError> {
        let Some(action) = self.next_action()? else { return Ok(false) };
        let behind = self.behind(&action)?;
        let id = action.id.clone().map(String::from);
        let fate = if matches!(behind, Behind::Deletion) { BulkFate::Deletion } else { unknown() };
        self.item = Some(BulkItem { action: action.action, id, index: action.index.clone(), fate });
        self.current = Some((action, behind));
        Ok(true)
    }

    /// The document of the item last read, and what its action says of it; `None` when there is none.
    pub(super) fn document(&self) -> Option<(&[u8], SentWith<'_>)> {
        let Some((action, Behind::Document(index))) = &self.current else { return None };
        Some((&self.buffer, SentWith { id: action.id.as_deref(), index: index.as_ref() }))
    }

    /// The record of the item last read, if it stores one.
    pub(super) fn record(&mut self) -> Option<Record> {
        let (action, behind) = self.current.take()?;
        let (size_bytes, outcome) = match behind {
            Behind::Deletion => return None,
            Behind::Nothing(size_bytes, reason) => (size_bytes, Err(reason)),
            Behind::Document(index) => (self.buffer.len(), draft_of(&self.buffer, action.id.as_ref(), index)),
        };
        Some(Record { line: self.lines.line(), size_bytes, outcome })
    }
}

impl RecordReader for BulkReader<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        while self.next_item()? {
            if let Some(record) = self.record() {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn raw(&self) -> &[u8] {
        &self.buffer
    }
}

/// What an item's fate is until it is known.
fn unknown() -> BulkFate {
    BulkFate::Rejected(String::new())
}

/// A body that is one document, over however many lines.
pub(super) struct OneDocument<'a> {
    body: &'a [u8],
    outcome: Option<Result<Draft, String>>,
}

impl<'a> OneDocument<'a> {
    /// The document of this item.
    pub(super) fn new(body: &'a [u8], item: &mut BulkItem, options: &DecodeOptions) -> Self {
        let id = item.id.as_deref().map(Text::new);
        let settled = item.index.as_mut();
        let settled = settled.map_or(Ok(()), |index| {
            settle_index(index, options.require_alias, options)?;
            check_id(index, (item.action, item.id.as_deref()), options)
        });
        let outcome = if body.len() > options.record_bytes_max {
            Err(too_large(body.len(), options.record_bytes_max))
        } else {
            let index = item.index.as_ref();
            settled.and_then(|()| draft_of(body, id.as_ref(), index.and_then(|index| named_index(index, options))))
        };
        Self { body, outcome: Some(outcome) }
    }
}

impl RecordReader for OneDocument<'_> {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        let size_bytes = self.body.len();
        Ok(self.outcome.take().map(|outcome| Record { line: 1, size_bytes, outcome }))
    }

    fn raw(&self) -> &[u8] {
        self.body
    }
}

/// Puts the index in the place of an alias of it.
fn settle_index(index: &mut Arc<str>, require_alias: bool, options: &DecodeOptions) -> Result<(), String> {
    match options.made_indices.place(index) {
        SentTo::Made(own) if !require_alias || own != *index => *index = own,
        SentTo::Named(_) if !require_alias => {}
        SentTo::Made(_) | SentTo::Named(_) => {
            return Err(format!(
                "{NO_SUCH_INDEX} [{index}] and [require_alias] request flag is [true] and [{index}] is not an alias"
            ));
        }
        SentTo::Several => {
            return Err(format!(
                "{NO_WRITE_INDEX} [{index}]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index"
            ));
        }
    }
    Ok(())
}

/// Refuses an id where the index takes none.
fn check_id(index: &str, (action, id): (BulkAction, Option<&str>), options: &DecodeOptions) -> Result<(), String> {
    match id.filter(|_| !options.made_indices.takes_ids(index)) {
        None => Ok(()),
        Some(id) => Err(format!(
            "{INVALID_ITEM}: 1: Operation [{}] is not allowed with a custom document id {id} as setting `index.append_only.enabled` is enabled for this index: {index};",
            action.as_str().to_uppercase()
        )),
    }
}

/// The draft of a document, with the name and the index that its action gives it.
fn draft_of(document: &[u8], id: Option<&Text>, index: Option<NamedIndex>) -> Result<Draft, String> {
    if document.trim_ascii().is_empty() {
        return Err("the document is empty; send a JSON object on the line behind its action".to_owned());
    }
    let parsed = draft_of_text(document, |text| object_of(parse_json(text)?).map(Draft::new));
    let mut draft = parsed.map_err(|reason| binary_reason(document).unwrap_or(reason))?;
    if let Some(id) = id {
        put(&mut draft.body, ID_FIELD, id.clone());
    }
    if let Some(index) = index
        && !draft.body.iter().any(|(name, _)| name == SENT_INDEX_FIELD)
    {
        draft.body.push((SENT_INDEX_FIELD.into(), Value::text(&*index.name)));
        draft.index = Some(index);
    }
    Ok(draft)
}

/// What is noted of an index that documents are sent to; `None` of a daily one.
fn named_index(index: &Arc<str>, options: &DecodeOptions) -> Option<NamedIndex> {
    let is_made = || matches!(options.made_indices.place(index), SentTo::Made(_));
    (!is_daily_index(index)).then(|| NamedIndex { name: Arc::clone(index), is_made: is_made() })
}

/// Whether the name says nothing that the event's own time does not say.
pub fn is_daily_index(index: &str) -> bool {
    index.strip_prefix(INDEX_PREFIX).is_some_and(|day| Day::parse(day).is_some())
        || index == INDEX_PREFIX.trim_end_matches('-')
}

/// Sets a field at the top.
fn put(body: &mut Object, name: &str, text: Text) {
    let value = Value::Text(text);
    match body.iter_mut().find(|(sent, _)| sent == name) {
        Some((_, sent)) => *sent = value,
        None => body.push((name.into(), value)),
    }
}
