//! Records as bodies of documents, and back.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use vigie_domain::ports::{Document, Filter};
use vigie_domain::{Error, Result, Scope};

/// A record as the body of a document.
///
/// # Errors
/// `Internal` when it has no JSON; a bug.
pub(crate) fn encoded(record: &impl Serialize) -> Result<Json> {
    serde_json::to_value(record).map_err(|cause| Error::internal(format!("a record cannot be stored: {cause}")))
}

/// The record in the body of a document.
///
/// # Errors
/// `Internal` when the document is damaged; the message names it.
pub(crate) fn record_of<T: DeserializeOwned>(collection: &str, document: Document) -> Result<T> {
    serde_json::from_value(document.body).map_err(|cause| {
        Error::internal(format!("document \"{}\" of collection \"{collection}\" is damaged: {cause}", document.id))
    })
}

/// Only records of the main tenant.
pub(crate) fn of_main_tenant() -> Filter {
    Filter { field: "tenant".to_owned(), value: Scope::MAIN_TENANT.into() }
}
