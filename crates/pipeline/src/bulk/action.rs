//! The line before each document of a bulk request: what to do with it, under which name, in which index.
//!
//! As Elasticsearch's reference describes `_bulk`; what it may say beside name, index and kind changes nothing here.

use std::sync::Arc;

use vigie_domain::{Object, Text, Value};

use crate::parse::json_value::parse_json;

/// Why an item whose name is empty is refused, in Elasticsearch's words.
pub const EMPTY_ID: &str = "if _id is specified it must not be empty";
/// Conditions on the version that is there: of an event there is one, which does not change.
pub const CONDITIONS: [&str; 2] = ["if_seq_no", "if_primary_term"];
/// Why an item with one is refused.
pub const CONDITION: &str = "logs do not change, so no event can be stored or deleted on condition of its version; leave if_seq_no and if_primary_term out";
/// Why an update is refused that stores nothing new.
pub const NO_UPDATE: &str = "logs do not change, so no event can be updated; send a new event with \"create\" or \"index\", or the whole of it with \"doc_as_upsert\"";
/// How the reason begins for which an item is refused whose alias stands for several indices.
pub const NO_WRITE_INDEX: &str = "no write index is defined for alias";
/// How the reason begins for which an item is refused that names no alias though it must.
pub const NO_SUCH_INDEX: &str = "no such index";
/// How the reason begins for which an item is refused that its index does not take.
pub const INVALID_ITEM: &str = "Validation Failed";
/// Bytes of an index's name, as Elasticsearch has it.
const INDEX_BYTES_MAX: usize = 255;
/// What no index's name holds: it would name several, or none.
const NOT_IN_INDEX_NAMES: [char; 11] = ['*', '?', '"', '<', '>', '|', ',', '#', '/', '\\', ' '];

/// What a bulk request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BulkAction {
    /// Store what is not there.
    Create,
    /// Store.
    Index,
    /// Change what is there.
    Update,
    /// Remove what is there.
    Delete,
}

impl BulkAction {
    const ALL: [Self; 4] = [Self::Create, Self::Index, Self::Update, Self::Delete];

    /// Its name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Index => "index",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Whether a document follows.
    pub(super) const fn has_document(self) -> bool {
        !matches!(self, Self::Delete)
    }
}

/// The document that an update stores if there is none of its name: `upsert`, or `doc` with `doc_as_upsert`.
///
/// # Errors
/// In words for the sender: when it stores none, since logs do not change.
pub(super) fn upserted(line: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is no UTF-8".to_owned())?;
    let Value::Object(said) = parse_json(text)? else { return Err(NO_UPDATE.to_owned()) };
    let of = |name: &str| said.iter().find(|(sent, _)| sent == name).map(|(_, value)| value);
    let document = match (of("doc"), of("doc_as_upsert"), of("upsert"), of("script")) {
        (Some(document), Some(Value::Bool(true)), None, None) | (_, _, Some(document), None) => document,
        _ => return Err(NO_UPDATE.to_owned()),
    };
    serde_json::to_vec(document).map_err(|error| error.to_string())
}

/// What an action line says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ActionLine {
    /// What to do.
    pub(super) action: BulkAction,
    /// The index named, if one is.
    pub(super) index: Option<Arc<str>>,
    /// The name of the event, if one is given.
    pub(super) id: Option<Text>,
    /// Whether the index must be an alias, if it says so.
    pub(super) require_alias: Option<bool>,
    /// Why this item cannot be stored.
    pub(super) refusal: Option<String>,
}

impl ActionLine {
    /// Reads a line.
    ///
    /// # Errors
    /// When it is none: what follows can then not be told apart either, so the whole request is refused.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line).map_err(|_| "it is no UTF-8".to_owned())?;
        let Value::Object(fields) = parse_json(text)? else { return Err(no_action(text)) };
        let action_of = |name: &str| BulkAction::ALL.into_iter().find(|action| action.as_str() == name);
        // Some clients write keys of their own beside the action.
        let mut actions = fields.iter().filter_map(|(name, said)| Some((action_of(name)?, said)));
        let (action, said) = match (actions.next(), actions.next(), fields.first()) {
            (Some(only), None, _) => only,
            (None, _, Some((name, _))) => {
                return Err(format!("\"{name}\" is no action; use create, index, update or delete"));
            }
            _ => return Err(no_action(text)),
        };
        match said {
            Value::Object(said) => Ok(Self::of(action, said)),
            _ => Err(format!("\"{}\" must be an object such as {{\"_id\":\"order-7\"}}, or {{}}", action.as_str())),
        }
    }

    fn of(action: BulkAction, said: &Object) -> Self {
        let is_create = text_of(said, "op_type").is_ok_and(|kind| kind.as_deref() == Some("create"));
        let action = if is_create && action == BulkAction::Index { BulkAction::Create } else { action };
        let require_alias = said.iter().find(|(name, _)| name == "require_alias").map(|(_, value)| value);
        let require_alias = match require_alias {
            Some(Value::Bool(flag)) => Some(*flag),
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        };
        let mut line = Self { action, index: None, id: None, require_alias, refusal: None };
        if said.iter().any(|(name, value)| CONDITIONS.contains(&name.as_str()) && *value != Value::Null) {
            line.refuse(CONDITION);
        }
        match text_of(said, "_id") {
            Ok(Some(id)) if id.is_empty() => line.refuse(EMPTY_ID),
            Ok(id) => line.id = id,
            Err(reason) => line.refuse(&reason),
        }
        if matches!(action, BulkAction::Update | BulkAction::Delete) && line.id.is_none() {
            line.refuse("an update or deletion must name its event: give \"_id\"");
        }
        match text_of(said, "_index") {
            Ok(Some(index)) => match check_index(&index) {
                Ok(()) => line.index = Some(Arc::from(index.as_str())),
                Err(reason) => line.refuse(&reason),
            },
            Ok(None) => {}
            Err(reason) => line.refuse(&reason),
        }
        line
    }

    pub(super) fn refuse(&mut self, reason: &str) {
        self.refusal.get_or_insert_with(|| reason.to_owned());
    }
}

fn no_action(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b'{' | b'}' | b' ' | b'\t' | b'\r' | b'\n')) {
        return "expected FIELD_NAME but found [END_OBJECT]".to_owned();
    }
    let shown: String = text.chars().take(32).collect();
    format!("expected one action such as {{\"create\":{{}}}} and found {shown:?}")
}

/// The text or number of that name, if it is there and not null.
fn text_of(said: &Object, name: &str) -> Result<Option<Text>, String> {
    match said.iter().find(|(sent, _)| sent == name).map(|(_, value)| value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(Value::Int(number)) => Ok(Some(number.to_string().into())),
        Some(Value::BigNumber(literal)) => Ok(Some(literal.into())),
        Some(Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Object(_)) => {
            Err(format!("\"{name}\" of the action must be a string"))
        }
    }
}

/// Refuses what cannot be the name of one index.
///
/// # Errors
/// In words for the sender.
pub fn check_index(name: &str) -> Result<(), String> {
    if (1..=INDEX_BYTES_MAX).contains(&name.len()) && !name.contains(NOT_IN_INDEX_NAMES) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(format!(
        "{shown:?} cannot be the name of an index; use 1 to {INDEX_BYTES_MAX} bytes without spaces, wildcards, commas or slashes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, action: BulkAction, index: Option<&str>, id: Option<&str>) {
        let parsed = ActionLine::parse(line.as_bytes()).unwrap_or_else(|reason| panic!("{line}: {reason}"));
        let found = (parsed.action, parsed.index.as_deref(), parsed.id.as_deref());
        assert_eq!(found, (action, index, id), "{line}");
        assert_eq!(parsed.refusal, None, "{line}");
    }

    #[test]
    fn actions_say_what_to_do_under_which_name() {
        check(r#"{"create":{}}"#, BulkAction::Create, None, None);
        check(
            r#"{"index":{"_index":"shop","_id":"a\"b","_type":"_doc"}}"#,
            BulkAction::Index,
            Some("shop"),
            Some("a\"b"),
        );
        check(
            r#"{"index":{"_id":7,"routing":"x","require_alias":true,"never_heard":{"a":[1]}}}"#,
            BulkAction::Index,
            None,
            Some("7"),
        );
        check(r#" { "index" : { "_id" : null , "_index" : null } } "#, BulkAction::Index, None, None);
        check(r#"{"index":{"_id":"a"},"attempts":3}"#, BulkAction::Index, None, Some("a"));
        check(r#"{"attempts":3,"create":{}}"#, BulkAction::Create, None, None);
        check(r#"{"index":{"op_type":"create","_id":"a"}}"#, BulkAction::Create, None, Some("a"));
        check(r#"{"index":{"_id":18446744073709551616}}"#, BulkAction::Index, None, Some("18446744073709551616"));
        check(r#"{"update":{"_id":"a"}}"#, BulkAction::Update, None, Some("a"));
        check(r#"{"delete":{"_id":"a"}}"#, BulkAction::Delete, None, Some("a"));
    }

    #[test]
    fn what_concerns_one_item_refuses_that_item() {
        let check = |line: &str, words: &str| {
            let refusal = ActionLine::parse(line.as_bytes()).unwrap().refusal.unwrap_or_default();
            assert!(refusal.contains(words), "{line}: {refusal}");
        };
        check(r#"{"index":{"_id":"a","if_seq_no":3,"if_primary_term":1}}"#, "on condition of its version");
        check(r#"{"create":{"_id":""}}"#, "must not be empty");
        check(r#"{"create":{"_id":["a"]}}"#, "must be a string");
        check(r#"{"create":{"_index":"a*"}}"#, "\"a*\" cannot be the name");
        check(r#"{"create":{"_index":""}}"#, "cannot be the name");
        check(&format!(r#"{{"create":{{"_index":"{}"}}}}"#, "x".repeat(256)), "1 to 255 bytes");
        check(r#"{"update":{}}"#, "must name its event");
        check(r#"{"delete":{"_index":"shop"}}"#, "must name its event");
    }

    #[test]
    fn updates_store_what_is_not_there() {
        let stores = |line: &str, document: &str| {
            let found = upserted(line.as_bytes()).unwrap_or_else(|reason| panic!("{line}: {reason}"));
            assert_eq!(String::from_utf8(found).unwrap(), document, "{line}");
        };
        let refuses = |line: &str, words: &str| {
            let reason = upserted(line.as_bytes()).unwrap_err();
            assert!(reason.contains(words), "{line}: {reason}");
        };
        stores(r#"{"doc":{"n":1,"x":[1.5,null]},"doc_as_upsert":true}"#, r#"{"n":1,"x":[1.5,null]}"#);
        stores(r#"{"upsert":{"n":18446744073709551616},"doc":{"n":2}}"#, r#"{"n":18446744073709551616}"#);
        refuses(r#"{"doc":{"n":1}}"#, "logs do not change");
        refuses(r#"{"doc":{"n":1},"doc_as_upsert":false}"#, "logs do not change");
        refuses(r#"{"script":"ctx._source.n += 1","upsert":{"n":1}}"#, "logs do not change");
        refuses("[]", "logs do not change");
        refuses("{", "broken JSON");
    }

    #[test]
    fn what_is_no_action_refuses_all() {
        let check = |line: &[u8], words: &str| {
            let reason = ActionLine::parse(line).unwrap_err();
            assert!(reason.contains(words), "{}: {reason}", String::from_utf8_lossy(line));
        };
        check(br#"{"upsert":{}}"#, "\"upsert\" is no action");
        check(br#"{"index":{},"create":{}}"#, "expected one action");
        check(b" { } ", "expected FIELD_NAME but found [END_OBJECT]");
        check(b"[]", "found \"[]\"");
        check(br#"{"index":null}"#, "must be an object");
        check(br#"{"index":{"_id":"a"}"#, "broken JSON");
        check(b"\xff", "no UTF-8");
    }
}
