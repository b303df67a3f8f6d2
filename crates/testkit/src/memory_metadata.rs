//! A metadata store in memory: the double that tests of use cases run on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value as Json;
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result};

/// Documents in memory.
#[derive(Default)]
pub struct MemoryMetadataStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    documents: BTreeMap<(String, String), Stored>,
    writes: u64,
}

struct Stored {
    document: Document,
    unique: Vec<String>,
    written_at: u64,
}

impl State {
    fn check_unique(&self, collection: &str, id: &str, body: &Json, unique: &[String]) -> Result<()> {
        let others = self.documents.iter().filter(|((of, other), _)| of == collection && other != id);
        for (_, stored) in others {
            let is_taken = |field: &&String| {
                let value = body.get(field.as_str()).unwrap_or(&Json::Null);
                !value.is_null()
                    && stored.unique.contains(field)
                    && stored.document.body.get(field.as_str()) == Some(value)
            };
            if let Some(field) = unique.iter().find(is_taken) {
                let message = format!("\"{}\" is taken in \"{collection}\"; choose another", body[field.as_str()]);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
        }
        Ok(())
    }

    fn write(&mut self, collection: &str, document: Document, unique: Vec<String>) -> Document {
        self.writes += 1;
        let stored = Stored { document: document.clone(), unique, written_at: self.writes };
        self.documents.insert((collection.to_owned(), document.id.clone()), stored);
        document
    }
}

impl MemoryMetadataStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(collection: &str, id: &str) -> (String, String) {
    (collection.to_owned(), id.to_owned())
}

#[async_trait]
impl MetadataStore for MemoryMetadataStore {
    async fn insert(&self, collection: &str, id: &str, body: Json, unique: &[&str]) -> Result<Document> {
        let mut state = self.lock();
        if state.documents.contains_key(&key(collection, id)) {
            return Err(Error::new(ErrorKind::Conflict, format!("\"{id}\" exists in \"{collection}\" already")));
        }
        let unique: Vec<String> = unique.iter().map(|field| (*field).to_owned()).collect();
        state.check_unique(collection, id, &body, &unique)?;
        Ok(state.write(collection, Document { id: id.to_owned(), revision: 1, body }, unique))
    }

    async fn replace(&self, collection: &str, id: &str, expected_revision: u64, body: Json) -> Result<Document> {
        let mut state = self.lock();
        let Some(stored) = state.documents.get(&key(collection, id)) else {
            return Err(Error::not_found(format!("there is no \"{id}\" in \"{collection}\"")));
        };
        let (revision, unique) = (stored.document.revision, stored.unique.clone());
        if revision != expected_revision {
            let message = format!("\"{id}\" has revision {revision}, not {expected_revision}; read it again");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        state.check_unique(collection, id, &body, &unique)?;
        Ok(state.write(collection, Document { id: id.to_owned(), revision: revision + 1, body }, unique))
    }

    async fn get(&self, collection: &str, id: &str) -> Result<Option<Document>> {
        Ok(self.lock().documents.get(&key(collection, id)).map(|stored| stored.document.clone()))
    }

    async fn find(&self, collection: &str, request: &FindRequest) -> Result<Vec<Document>> {
        let state = self.lock();
        let is_wanted = |document: &Document| {
            request.filters.iter().all(|Filter { field, value }| document.body.get(field) == Some(value))
        };
        let in_collection = state.documents.iter().filter(|((of, _), _)| of == collection).map(|(_, stored)| stored);
        let mut found: Vec<&Stored> = in_collection.filter(|stored| is_wanted(&stored.document)).collect();
        found.sort_by_key(|stored| std::cmp::Reverse(stored.written_at));
        let end = request
            .after
            .as_ref()
            .map(|id| state.documents.get(&key(collection, id)).map_or(0, |stored| stored.written_at));
        let behind = found.into_iter().filter(|stored| end.is_none_or(|end| stored.written_at < end));
        Ok(behind.take(request.limit).map(|stored| stored.document.clone()).collect())
    }

    async fn count(&self, collection: &str, filters: &[Filter]) -> Result<u64> {
        let all = FindRequest { filters: filters.to_vec(), limit: usize::MAX, after: None };
        Ok(self.find(collection, &all).await?.len() as u64)
    }

    async fn delete(&self, collection: &str, id: &str) -> Result<bool> {
        Ok(self.lock().documents.remove(&key(collection, id)).is_some())
    }
}
