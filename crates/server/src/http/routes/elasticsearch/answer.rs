//! The answer to a bulk request, in Elasticsearch's shape: written straight into bytes, because it has an object for
//! every event.

use std::io::Write as _;

use serde::Serialize;
use vigie_app::ingest::{BulkAnswer, BulkReport, ItemOutcome};
use vigie_domain::{Day, Error};
use vigie_pipeline::{BulkAction, EMPTY_ID, INVALID_ITEM, NO_SUCH_INDEX, NO_WRITE_INDEX, is_daily_index};

use super::error::Failure;
use super::filter_path::{Filter, Wanted};
use crate::http::error::ApiResult;

/// Bytes of an item's answer, about.
const ITEM_BYTES: usize = 192;
/// The index that is named where nothing is stored and none was sent.
const NO_INDEX: &str = "ecommerce-logs";
/// Of an event there is one version.
const VERSION: u8 = 1;
/// Of an event that was deleted: that is its second version.
const DELETED_VERSION: u8 = 2;

/// Fields of the answer that are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    took: bool,
    errors: bool,
    /// Of items of each action.
    items: [ItemFields; 4],
}

#[derive(Clone, Copy, Debug)]
struct ItemFields {
    index: bool,
    id: bool,
    version: bool,
    result: bool,
    shards: bool,
    sequence: bool,
    term: bool,
    status: bool,
    error: bool,
}

const ACTIONS: [BulkAction; 4] = [BulkAction::Create, BulkAction::Index, BulkAction::Update, BulkAction::Delete];

impl Fields {
    /// All of them.
    pub const fn all() -> Self {
        let item = ItemFields {
            index: true,
            id: true,
            version: true,
            result: true,
            shards: true,
            sequence: true,
            term: true,
            status: true,
            error: true,
        };
        Self { took: true, errors: true, items: [item; 4] }
    }

    /// Those that the filter wants; `None` when it wants a part of one.
    pub fn of(filter: &Filter) -> Option<Self> {
        let wants = |path: &[&str]| match filter.wants(path) {
            Wanted::Whole => Some(true),
            Wanted::Nothing => Some(false),
            Wanted::Part => None,
        };
        let item = |action: BulkAction| {
            let wants = |field: &str| wants(&["items", action.as_str(), field]);
            Some(ItemFields {
                index: wants("_index")?,
                id: wants("_id")?,
                version: wants("_version")?,
                result: wants("result")?,
                shards: wants("_shards")?,
                sequence: wants("_seq_no")?,
                term: wants("_primary_term")?,
                status: wants("status")?,
                error: wants("error")?,
            })
        };
        let [create, index, update, delete] = ACTIONS.map(item);
        Some(Self { took: wants(&["took"])?, errors: wants(&["errors"])?, items: [create?, index?, update?, delete?] })
    }
}

/// What became of one item.
#[derive(Default, Serialize)]
pub struct ItemView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    _index: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _version: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _shards: Option<ShardsView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _seq_no: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _primary_term: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forced_refresh: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemErrorView<'a>>,
}

/// Where it is stored: one place, for there is one process.
#[derive(Serialize)]
struct ShardsView {
    total: u8,
    successful: u8,
    failed: u8,
}

#[derive(Serialize)]
struct ItemErrorView<'a> {
    r#type: &'static str,
    reason: String,
    /// Where the document would be.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceView<'a>>,
}

#[derive(Serialize)]
struct PlaceView<'a> {
    index: &'a str,
    shard: &'static str,
}

impl ItemErrorView<'_> {
    const fn new(kind: &'static str, reason: String) -> Self {
        Self { r#type: kind, reason, place: None }
    }
}

const STORED: ShardsView = ShardsView { total: 1, successful: 1, failed: 0 };

impl<'a> ItemView<'a> {
    /// The item; `day_index` names the index of its event's day.
    pub fn of(answer: &'a BulkAnswer, day_index: &'a str) -> Self {
        let sent_index = answer.index.as_deref().unwrap_or(NO_INDEX);
        let named = |index| Self { _index: Some(index), _id: answer.id.as_deref(), ..Self::default() };
        let done = |index, version, result, status| Self {
            _version: Some(version),
            result: Some(result),
            _shards: Some(STORED),
            status: Some(status),
            ..named(index)
        };
        let numbered = |sequence: &u64, view| Self { _seq_no: Some(*sequence), _primary_term: Some(1), ..view };
        match &answer.outcome {
            ItemOutcome::Stored { sequence, .. } => numbered(sequence, done(day_index, VERSION, "created", 201)),
            ItemOutcome::Known { .. } if answer.action == BulkAction::Create => {
                Self { status: Some(409), error: Some(conflict(answer)), ..named(day_index) }
            }
            ItemOutcome::Known { .. } => done(day_index, VERSION, "noop", 200),
            // As Elasticsearch answers what a pipeline of its own drops.
            ItemOutcome::Dropped => {
                Self { _version: Some(VERSION), result: Some("noop"), status: Some(200), ..named(sent_index) }
            }
            ItemOutcome::Deleted { sequence, .. } => {
                numbered(sequence, done(day_index, DELETED_VERSION, "deleted", 200))
            }
            ItemOutcome::Missing if answer.action == BulkAction::Delete => done(sent_index, VERSION, "not_found", 404),
            ItemOutcome::Missing => {
                let reason = format!("[{}]: document missing", answer.id.as_deref().unwrap_or_default());
                let place = Some(PlaceView { index: sent_index, shard: "0" });
                let error = ItemErrorView { place, ..ItemErrorView::new("document_missing_exception", reason) };
                Self { status: Some(404), error: Some(error), ..named(sent_index) }
            }
            ItemOutcome::Rejected(reason) => {
                let status = if reason.starts_with(NO_SUCH_INDEX) { 404 } else { 400 };
                Self { status: Some(status), error: Some(rejection(answer.action, reason)), ..named(sent_index) }
            }
            ItemOutcome::Failed(error) => {
                let failure = Failure::from(error.clone());
                let error = ItemErrorView::new(failure.kind, failure.reason);
                Self { status: Some(failure.status.as_u16()), error: Some(error), ..named(sent_index) }
            }
        }
    }

    /// The item, saying that it is found from now on, as whoever asked for a refresh is told.
    pub fn refreshed(self) -> Self {
        Self { forced_refresh: Some(true), ..self }
    }

    /// The HTTP status of the item.
    pub fn status(&self) -> u16 {
        self.status.unwrap_or_default()
    }

    /// The item without its status, as the answer to a request of one document; `None` when it failed.
    pub fn into_document(self) -> Result<Self, (u16, &'static str, String)> {
        match self.error {
            None => Ok(Self { status: None, ..self }),
            Some(error) => Err((self.status.unwrap_or_default(), error.r#type, error.reason)),
        }
    }

    fn only(self, fields: ItemFields) -> Self {
        Self {
            _index: self._index.filter(|_| fields.index),
            _id: self._id.filter(|_| fields.id),
            _version: self._version.filter(|_| fields.version),
            result: self.result.filter(|_| fields.result),
            _shards: self._shards.filter(|_| fields.shards),
            _seq_no: self._seq_no.filter(|_| fields.sequence),
            _primary_term: self._primary_term.filter(|_| fields.term),
            status: self.status.filter(|_| fields.status),
            forced_refresh: None,
            error: self.error.filter(|_| fields.error),
        }
    }

    fn is_empty(&self) -> bool {
        let has_name = self._index.is_some() || self._id.is_some() || self.result.is_some();
        let has_number = self._version.is_some() || self._seq_no.is_some() || self._primary_term.is_some();
        !has_name && !has_number && self._shards.is_none() && self.status.is_none() && self.error.is_none()
    }
}

fn conflict(answer: &BulkAnswer) -> ItemErrorView<'static> {
    let id = answer.id.as_deref().unwrap_or_default();
    let reason = format!("[{id}]: version conflict, document already exists (current version [{VERSION}])");
    ItemErrorView::new("version_conflict_engine_exception", reason)
}

fn rejection(action: BulkAction, reason: &str) -> ItemErrorView<'static> {
    let kind = match action {
        _ if reason == EMPTY_ID || reason.starts_with(NO_WRITE_INDEX) => "illegal_argument_exception",
        _ if reason.starts_with(NO_SUCH_INDEX) => "index_not_found_exception",
        _ if reason.starts_with(INVALID_ITEM) => "validation_exception",
        BulkAction::Create | BulkAction::Index => "document_parsing_exception",
        BulkAction::Update | BulkAction::Delete => "illegal_argument_exception",
    };
    ItemErrorView::new(kind, reason.to_owned())
}

/// The name of the index of a day, made once for events of the same day in a row.
#[derive(Default)]
pub struct DayIndex {
    last: Option<(Day, String)>,
}

impl DayIndex {
    /// The name of the index that the item's event is in: the one it was sent to, else that of its day; empty when there is none.
    pub fn of<'a>(&'a mut self, answer: &'a BulkAnswer) -> &'a str {
        let day = match answer.outcome {
            ItemOutcome::Stored { day, .. } | ItemOutcome::Known { day } => day,
            ItemOutcome::Deleted { ref index, .. } => return index,
            ItemOutcome::Dropped | ItemOutcome::Missing | ItemOutcome::Rejected(_) | ItemOutcome::Failed(_) => {
                return "";
            }
        };
        if let Some(sent) = answer.index.as_deref().filter(|sent| !is_daily_index(sent)) {
            return sent;
        }
        if self.last.as_ref().is_none_or(|(last, _)| *last != day) {
            self.last = Some((day, day.index_name()));
        }
        self.last.as_ref().map_or("", |(_, name)| name)
    }
}

/// How an event that was stored is answered: but for its id and number as the one before, mostly.
struct StoredForm {
    action: BulkAction,
    index: String,
    /// What stands before the id, between it and the number, and behind that.
    pieces: [Vec<u8>; 3],
}

impl StoredForm {
    /// As this text answers it; `None` when it was not stored, or one of both is not told.
    fn of(answer: &BulkAnswer, index: &str, text: &[u8]) -> Option<Self> {
        let ItemOutcome::Stored { sequence, .. } = answer.outcome else { return None };
        let text = std::str::from_utf8(text).ok()?.trim_start_matches(',');
        let id = format!("\"_id\":\"{}\"", answer.id.as_deref().filter(|id| is_plain(id))?);
        let number = format!("\"_seq_no\":{sequence},");
        let (before, rest) = text.split_once(&id)?;
        let (between, behind) = rest.split_once(&number)?;
        let pieces = [format!("{before}\"_id\":\""), format!("\"{between}\"_seq_no\":"), format!(",{behind}")]
            .map(String::into_bytes);
        Some(Self { action: answer.action, index: index.to_owned(), pieces })
    }

    fn is_of(&self, answer: &BulkAnswer, index: &str) -> bool {
        answer.action == self.action && matches!(answer.outcome, ItemOutcome::Stored { .. }) && index == self.index
    }

    /// Adds the answer to an event; not when its id has to be escaped.
    fn write(&self, answer: &BulkAnswer, items: &mut Vec<u8>) -> bool {
        let (ItemOutcome::Stored { sequence, .. }, Some(id)) = (&answer.outcome, &answer.id) else { return false };
        if !is_plain(id) {
            return false;
        }
        let [before, between, behind] = &self.pieces;
        if !items.is_empty() {
            items.push(b',');
        }
        items.extend_from_slice(before);
        items.extend_from_slice(id.as_bytes());
        items.extend_from_slice(between);
        // Writing to memory cannot fail.
        let _ = write!(items, "{sequence}");
        items.extend_from_slice(behind);
        true
    }
}

/// Whether a text stands in JSON as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))
}

/// The wanted fields of the answer as JSON text.
///
/// # Errors
/// `Internal` when it cannot be written; a bug.
pub fn text_of(report: &BulkReport, took_ms: u64, fields: &Fields) -> ApiResult<Vec<u8>> {
    let mut items = Vec::with_capacity(report.items.len() * ITEM_BYTES);
    let (mut has_errors, mut day_index) = (false, DayIndex::default());
    let mut form: Option<StoredForm> = None;
    for answer in &report.items {
        let index = day_index.of(answer);
        if let Some(form) = form.as_ref().filter(|form| form.is_of(answer, index))
            && form.write(answer, &mut items)
        {
            continue;
        }
        let view = ItemView::of(answer, index);
        has_errors |= view.error.is_some();
        let view = view.only(fields.items[answer.action as usize]);
        if view.is_empty() {
            continue;
        }
        let start = items.len();
        items.extend_from_slice(if items.is_empty() { b"{\"" } else { b",{\"" });
        items.extend_from_slice(answer.action.as_str().as_bytes());
        items.extend_from_slice(b"\":");
        serde_json::to_writer(&mut items, &view)
            .map_err(|error| Error::internal(format!("an item could not be written as JSON: {error}")))?;
        items.push(b'}');
        form = StoredForm::of(answer, index, &items[start..]).or(form);
    }
    let mut text = Vec::with_capacity(items.len() + ITEM_BYTES);
    let begin = |text: &mut Vec<u8>, name: &str| {
        text.push(if text.is_empty() { b'{' } else { b',' });
        text.extend_from_slice(format!("\"{name}\":").as_bytes());
    };
    if fields.errors {
        begin(&mut text, "errors");
        text.extend_from_slice(has_errors.to_string().as_bytes());
    }
    if fields.took {
        begin(&mut text, "took");
        text.extend_from_slice(took_ms.to_string().as_bytes());
    }
    if !items.is_empty() {
        begin(&mut text, "items");
        text.push(b'[');
        text.append(&mut items);
        text.push(b']');
    }
    text.extend_from_slice(if text.is_empty() { b"{}" } else { b"}" });
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer(action: BulkAction, id: Option<&str>, index: Option<&str>, outcome: ItemOutcome) -> BulkAnswer {
        BulkAnswer { action, id: id.map(str::to_owned), index: index.map(Into::into), outcome }
    }

    fn items_of(answers: &[BulkAnswer], fields: &Fields) -> Vec<String> {
        let report = BulkReport { items: answers.to_vec(), ..BulkReport::default() };
        let text = String::from_utf8(text_of(&report, 3, fields).unwrap()).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let items = whole["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(Value::to_string).collect()
    }

    #[test]
    fn an_item_is_answered_the_same_whatever_stands_before_it() {
        let stored = |day: i32, sequence: u64| ItemOutcome::Stored { day: Day(day), sequence };
        let (create, index) = (BulkAction::Create, BulkAction::Index);
        let answers = [
            answer(create, Some("~1"), None, stored(20_780, 1)),
            answer(create, Some("~2"), None, stored(20_780, 2)),
            answer(create, Some("say \"no\""), None, stored(20_780, 3)),
            answer(create, Some("\"_seq_no\":7,"), None, stored(20_780, 3)),
            answer(create, Some("é"), None, stored(20_780, 4)),
            answer(index, Some("~a"), None, stored(20_780, 10)),
            answer(index, Some("~b"), None, stored(20_781, 11)),
            answer(index, Some("~c"), Some("my-index"), stored(20_781, 12)),
            answer(index, None, Some("my-index"), ItemOutcome::Rejected("no".to_owned())),
            answer(index, Some("x"), Some("my-index"), ItemOutcome::Known { day: Day(20_781) }),
            answer(index, Some("~d"), Some("my-index"), stored(20_781, u64::MAX)),
            answer(create, Some(""), Some("other"), stored(20_781, 13)),
            answer(create, Some("1"), Some("other"), stored(20_781, 14)),
        ];
        let some = Filter::of_query(Some("filter_path=items.*._id,items.*._seq_no,errors")).unwrap().unwrap();
        // Of what was refused without an id there is nothing to say then.
        for (fields, expected) in [(Fields::all(), answers.len()), (Fields::of(&some).unwrap(), answers.len() - 1)] {
            let alone: Vec<String> =
                answers.iter().flat_map(|answer| items_of(std::slice::from_ref(answer), &fields)).collect();
            assert_eq!(alone.len(), expected);
            assert_eq!(items_of(&answers, &fields), alone);
        }
    }
}
