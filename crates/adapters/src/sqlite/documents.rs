//! The statements: each function is one call of the port on a connection.
//!
//! A write looks and writes within one immediate transaction, so that nobody comes in between.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params, params_from_iter};
use serde_json::Value as Json;
use vigie_domain::ports::{Document, Filter, FindRequest};
use vigie_domain::{Error, ErrorKind, Result};

use super::error::translated;

/// Longest body, in bytes of JSON.
const BODY_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// Filters of one request.
const FILTERS_MAX: usize = 16;

/// Which document is meant.
pub(super) struct Key {
    collection: String,
    id: String,
}

/// A body as it is stored and as it will be read back.
struct StoredBody {
    text: String,
    json: Json,
}

impl Key {
    pub(super) fn new(collection: &str, id: &str) -> Self {
        Self { collection: collection.to_owned(), id: id.to_owned() }
    }

    fn document(&self, revision: u64, body: Json) -> Document {
        Document { id: self.id.clone(), revision, body }
    }

    fn not_found(&self) -> Error {
        Error::not_found(format!("there is no document \"{}\" in collection \"{}\"", self.id, self.collection))
    }
}

/// See `MetadataStore::insert`.
pub(super) fn insert(connection: &mut Connection, key: &Key, body: &Json, unique: &[String]) -> Result<Document> {
    let stored = StoredBody::new(body)?;
    let transaction = begin(connection)?;
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO documents (collection, id, revision, written_order, body)
             VALUES (?1, ?2, 1, (SELECT COALESCE(MAX(written_order), 0) + 1 FROM documents WHERE collection = ?1), ?3)
             ON CONFLICT (collection, id) DO NOTHING",
        )
        .and_then(|mut statement| statement.execute(params![key.collection, key.id, stored.text]))
        .map_err(|cause| translated(&cause))?;
    if inserted == 0 {
        let message = format!("a document \"{}\" exists already in collection \"{}\"", key.id, key.collection);
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    for field in unique {
        keep_unique_value(&transaction, key, field, body)?;
    }
    commit(transaction)?;
    Ok(key.document(1, stored.json))
}

/// See `MetadataStore::replace`. Fields that were unique at insertion stay so.
pub(super) fn replace(connection: &mut Connection, key: &Key, expected_revision: u64, body: &Json) -> Result<Document> {
    let stored = StoredBody::new(body)?;
    let transaction = begin(connection)?;
    let revision = revision_of(&transaction, key)?.ok_or_else(|| key.not_found())?;
    if revision != expected_revision {
        let message = format!(
            "document \"{}\" of collection \"{}\" has revision {revision}, not {expected_revision}; read it again",
            key.id, key.collection
        );
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    transaction
        .prepare_cached(
            "UPDATE documents SET revision = revision + 1, body = ?3,
                    written_order = (SELECT MAX(written_order) + 1 FROM documents WHERE collection = ?1)
             WHERE collection = ?1 AND id = ?2",
        )
        .and_then(|mut statement| statement.execute(params![key.collection, key.id, stored.text]))
        .map_err(|cause| translated(&cause))?;
    for field in unique_fields(&transaction, key)? {
        keep_unique_value(&transaction, key, &field, body)?;
    }
    commit(transaction)?;
    Ok(key.document(revision + 1, stored.json))
}

/// See `MetadataStore::get`.
pub(super) fn get(connection: &Connection, key: &Key) -> Result<Option<Document>> {
    let row = connection
        .prepare_cached("SELECT id, revision, body FROM documents WHERE collection = ?1 AND id = ?2")
        .and_then(|mut statement| statement.query_row(params![key.collection, key.id], columns).optional())
        .map_err(|cause| translated(&cause))?;
    row.map(|columns| document_of(&key.collection, columns)).transpose()
}

/// See `MetadataStore::find`.
pub(super) fn find(connection: &Connection, collection: &str, request: &FindRequest) -> Result<Vec<Document>> {
    let mut condition = Condition::new(collection, &request.filters)?;
    if let Some(id) = &request.after {
        let last = "(SELECT written_order FROM documents WHERE collection = ? AND id = ?)";
        condition.and(&format!("written_order < {last}"), [collection.to_owned().into(), id.clone().into()]);
    }
    let Condition { sql, mut values } = condition;
    let sql = format!("SELECT id, revision, body FROM documents WHERE {sql} ORDER BY written_order DESC LIMIT ?");
    values.push(i64::try_from(request.limit).unwrap_or(i64::MAX).into());
    let rows: Vec<Columns> = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_map(params_from_iter(values), columns)?.collect())
        .map_err(|cause| translated(&cause))?;
    rows.into_iter().map(|columns| document_of(collection, columns)).collect()
}

/// See `MetadataStore::count`.
pub(super) fn count(connection: &Connection, collection: &str, filters: &[Filter]) -> Result<u64> {
    let Condition { sql, values } = Condition::new(collection, filters)?;
    connection
        .prepare_cached(&format!("SELECT COUNT(*) FROM documents WHERE {sql}"))
        .and_then(|mut statement| statement.query_row(params_from_iter(values), |row| unsigned_in(row, 0)))
        .map_err(|cause| translated(&cause))
}

/// See `MetadataStore::delete`.
pub(super) fn delete(connection: &mut Connection, key: &Key) -> Result<bool> {
    let transaction = begin(connection)?;
    let deleted = transaction
        .prepare_cached("DELETE FROM documents WHERE collection = ?1 AND id = ?2")
        .and_then(|mut statement| statement.execute(params![key.collection, key.id]))
        .map_err(|cause| translated(&cause))?;
    commit(transaction)?;
    Ok(deleted > 0)
}

/// What documents must fulfil, as SQL and the values of its question marks.
struct Condition {
    sql: String,
    values: Vec<rusqlite::types::Value>,
}

impl Condition {
    /// To be of the collection and to match all filters.
    fn new(collection: &str, filters: &[Filter]) -> Result<Self> {
        if filters.len() > FILTERS_MAX {
            return Err(Error::new(ErrorKind::TooLarge, format!("at most {FILTERS_MAX} filters are allowed")));
        }
        let mut condition = Self { sql: "collection = ?".to_owned(), values: vec![collection.to_owned().into()] };
        for filter in filters {
            // `->` gives the value as JSON text, so that 1, true and "1" are three different values.
            condition.and("body -> ? = ?", [path_of(filter)?.into(), scalar_text(filter)?.into()]);
        }
        Ok(condition)
    }

    fn and<const N: usize>(&mut self, sql: &str, values: [rusqlite::types::Value; N]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

impl StoredBody {
    /// The body as text, read back once: what could not be read back is not stored.
    fn new(body: &Json) -> Result<Self> {
        let text = body.to_string();
        if text.len() > BODY_BYTES_MAX {
            let message = format!("the document has {} bytes; at most {BODY_BYTES_MAX} are allowed", text.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let json = serde_json::from_str(&text)
            .map_err(|cause| Error::invalid(format!("the document is nested too deep to be stored: {cause}")))?;
        Ok(Self { text, json })
    }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|cause| translated(&cause))
}

fn commit(transaction: Transaction<'_>) -> Result<()> {
    transaction.commit().map_err(|cause| translated(&cause))
}

fn revision_of(transaction: &Transaction<'_>, key: &Key) -> Result<Option<u64>> {
    transaction
        .prepare_cached("SELECT revision FROM documents WHERE collection = ?1 AND id = ?2")
        .and_then(|mut statement| {
            statement.query_row(params![key.collection, key.id], |row| unsigned_in(row, 0)).optional()
        })
        .map_err(|cause| translated(&cause))
}

fn unique_fields(transaction: &Transaction<'_>, key: &Key) -> Result<Vec<String>> {
    transaction
        .prepare_cached("SELECT field FROM unique_values WHERE collection = ?1 AND id = ?2")
        .and_then(|mut statement| statement.query_map(params![key.collection, key.id], |row| row.get(0))?.collect())
        .map_err(|cause| translated(&cause))
}

/// Records the value that no other document may share. A field that is missing or null has none.
fn keep_unique_value(transaction: &Transaction<'_>, key: &Key, field: &str, body: &Json) -> Result<()> {
    let value = body.get(field).filter(|value| !value.is_null()).map(Json::to_string);
    let kept = transaction
        .prepare_cached(
            "INSERT INTO unique_values (collection, id, field, value) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (collection, id, field) DO UPDATE SET value = excluded.value",
        )
        .and_then(|mut statement| statement.execute(params![key.collection, key.id, field, value]));
    match kept {
        Ok(_) => Ok(()),
        Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            let collection = &key.collection;
            let message = format!("another document of collection \"{collection}\" has the same \"{field}\"");
            Err(Error::new(ErrorKind::Conflict, message))
        }
        Err(cause) => Err(translated(&cause)),
    }
}

/// The JSON path of a top-level field, dots in its name included.
fn path_of(filter: &Filter) -> Result<String> {
    if filter.field.contains(['"', '\\']) {
        return Err(Error::invalid(format!("the name '{}' of a filter contains a quote or backslash", filter.field)));
    }
    Ok(format!("$.\"{}\"", filter.field))
}

fn scalar_text(filter: &Filter) -> Result<String> {
    if filter.value.is_array() || filter.value.is_object() {
        return Err(Error::invalid(format!("the filter on \"{}\" needs a scalar, not a list or object", filter.field)));
    }
    Ok(filter.value.to_string())
}

/// Id, revision and body.
type Columns = (String, u64, String);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, unsigned_in(row, 1)?, row.get(2)?))
}

/// SQLite's integers have a sign; revisions and counts are never negative.
fn unsigned_in(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

fn document_of(collection: &str, (id, revision, body): Columns) -> Result<Document> {
    match serde_json::from_str(&body) {
        Ok(body) => Ok(Document { id, revision, body }),
        Err(cause) => {
            tracing::error!(%cause, collection, id, "a document cannot be read");
            Err(Error::internal(format!("document \"{id}\" of collection \"{collection}\" is damaged")))
        }
    }
}
