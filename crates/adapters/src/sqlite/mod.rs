//! The metadata store on one SQLite file.
//!
//! What it acknowledges is on the disk: write-ahead journal, `synchronous = FULL`. One connection writes
//! and a few read, each on a blocking thread while it works. Other processes may use the same file.

mod copy;
mod documents;
mod error;
mod schema;

pub use copy::copy_database;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rusqlite::Connection;
use serde_json::Value as Json;
use tokio::sync::{Mutex, Semaphore};
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result};

/// Connections that read.
const READERS: usize = 2;
/// Calls that work or wait; one more is told to come back.
const PENDING_MAX: usize = 1_024;
/// When it is worth coming back, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// Documents in one SQLite file.
pub struct SqliteMetadataStore {
    writer: Arc<Mutex<Connection>>,
    readers: [Arc<Mutex<Connection>>; READERS],
    next_reader: AtomicUsize,
    pending: Arc<Semaphore>,
}

impl SqliteMetadataStore {
    /// Opens the file, makes it when it is not there (for its owner only), and brings it up to this
    /// version's schema. Blocks: to be called at start.
    ///
    /// # Errors
    /// `Invalid` when the file is not ours or of a later version; `Unavailable` when it cannot be
    /// opened; `Internal` when it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        schema::make_private(path)?;
        let mut writer = schema::connect(path)?;
        schema::migrate(&mut writer, path)?;
        let reader = || schema::connect_for_reading(path).map(|connection| Arc::new(Mutex::new(connection)));
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers: [reader()?, reader()?],
            next_reader: AtomicUsize::new(0),
            pending: Arc::new(Semaphore::new(PENDING_MAX)),
        })
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.writer, work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed);
        self.run(&self.readers[turn % READERS], work).await
    }

    /// Runs the work on a blocking thread once the connection is free. Begun work is finished, even
    /// when nobody waits for it any more.
    async fn run<T: Send + 'static>(
        &self,
        connection: &Arc<Mutex<Connection>>,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.pending).try_acquire_owned().map_err(|_| {
            Error::new(ErrorKind::Unavailable, "the metadata store has too much to do; try again in a second")
                .with_retry_after_s(RETRY_AFTER_S)
        })?;
        let mut connection = Arc::clone(connection).lock_owned().await;
        tokio::task::spawn_blocking(move || {
            let _held_until_done = place;
            work(&mut connection)
        })
        .await
        .map_err(|cause| Error::internal(format!("a call to the metadata store was cut short: {cause}")))?
    }
}

#[async_trait]
impl MetadataStore for SqliteMetadataStore {
    async fn insert(&self, collection: &str, id: &str, body: Json, unique: &[&str]) -> Result<Document> {
        let key = documents::Key::new(collection, id);
        let unique: Vec<String> = unique.iter().map(|field| (*field).to_owned()).collect();
        self.write(move |connection| documents::insert(connection, &key, &body, &unique)).await
    }

    async fn replace(&self, collection: &str, id: &str, expected_revision: u64, body: Json) -> Result<Document> {
        let key = documents::Key::new(collection, id);
        self.write(move |connection| documents::replace(connection, &key, expected_revision, &body)).await
    }

    async fn get(&self, collection: &str, id: &str) -> Result<Option<Document>> {
        let key = documents::Key::new(collection, id);
        self.read(move |connection| documents::get(connection, &key)).await
    }

    async fn find(&self, collection: &str, request: &FindRequest) -> Result<Vec<Document>> {
        let (collection, request) = (collection.to_owned(), request.clone());
        self.read(move |connection| documents::find(connection, &collection, &request)).await
    }

    async fn count(&self, collection: &str, filters: &[Filter]) -> Result<u64> {
        let (collection, filters) = (collection.to_owned(), filters.to_vec());
        self.read(move |connection| documents::count(connection, &collection, &filters)).await
    }

    async fn delete(&self, collection: &str, id: &str) -> Result<bool> {
        let key = documents::Key::new(collection, id);
        self.write(move |connection| documents::delete(connection, &key)).await
    }
}

#[cfg(test)]
mod tests;
