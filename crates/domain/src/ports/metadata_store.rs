//! Where everything that is not an event is kept: accounts, sessions, uploads. Versioned documents.

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::Result;

/// Keeps versioned JSON documents in named collections.
///
/// A filter names top-level fields of the body. `replace` compares the revision, so that two writers
/// cannot overwrite each other unseen.
#[async_trait]
pub trait MetadataStore: Send + Sync {
    /// Adds a document with revision 1.
    ///
    /// # Errors
    /// `Conflict` when the id exists, or one of `unique` (names of top-level fields) has the same
    /// value in another document of the collection.
    async fn insert(&self, collection: &str, id: &str, body: Json, unique: &[&str]) -> Result<Document>;

    /// Puts a new body in place of the one with the expected revision.
    ///
    /// # Errors
    /// `Conflict` when the revision is another; `NotFound` when the document is gone.
    async fn replace(&self, collection: &str, id: &str, expected_revision: u64, body: Json) -> Result<Document>;

    /// The document with this id.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn get(&self, collection: &str, id: &str) -> Result<Option<Document>>;

    /// Documents that match, latest written first. Behind a document that is gone there are none.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn find(&self, collection: &str, request: &FindRequest) -> Result<Vec<Document>>;

    /// How many documents match, exactly.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn count(&self, collection: &str, filters: &[Filter]) -> Result<u64>;

    /// Removes the document; `false` when there was none.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn delete(&self, collection: &str, id: &str) -> Result<bool>;
}

/// A stored document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name in the collection.
    pub id: String,
    /// 1 when inserted, one more with every replacement.
    pub revision: u64,
    /// Its content.
    pub body: Json,
}

/// A top-level field and the value that it must have.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Name of the field.
    pub field: String,
    /// Its value, a scalar.
    pub value: Json,
}

/// Which documents are meant.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct FindRequest {
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// How many at most; 0 means none.
    pub limit: usize,
    /// Only those behind the document with this id, in the order of `find`: the last one of the page before.
    pub after: Option<String>,
}
