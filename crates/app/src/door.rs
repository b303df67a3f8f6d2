//! A store with somebody at its door: every batch that is to be stored passes them, everything else goes straight through.

use std::sync::Arc;

use async_trait::async_trait;
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Hit, IndexInfo, Lines, LogStore,
    SearchRequest, SearchResult, Selection,
};
use vigie_domain::{EventId, Position, Result, Scope, TimeRange};

/// Who stands at the door of a store.
#[async_trait]
pub trait Door: Send + Sync {
    /// Stores a batch, or not, as `LogStore::append` has it.
    ///
    /// # Errors
    /// What the store answers, and whatever else keeps a batch out.
    async fn append(&self, store: &dyn LogStore, scope: &Scope, batch: Append) -> Result<AppendOutcome>;
}

/// A store behind a door.
pub struct DoorStore {
    store: Arc<dyn LogStore>,
    door: Arc<dyn Door>,
}

impl DoorStore {
    /// That store, behind that door.
    pub fn new(store: Arc<dyn LogStore>, door: Arc<dyn Door>) -> Self {
        Self { store, door }
    }
}

#[async_trait]
impl LogStore for DoorStore {
    async fn append(&self, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        self.door.append(self.store.as_ref(), scope, batch).await
    }

    async fn delete(&self, scope: &Scope, selection: &Selection) -> Result<u64> {
        self.store.delete(scope, selection).await
    }

    async fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchResult> {
        self.store.search(scope, request).await
    }

    async fn lines(&self, scope: &Scope, request: &SearchRequest) -> Result<Lines> {
        self.store.lines(scope, request).await
    }

    async fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<AggregateResult> {
        self.store.aggregate(scope, request).await
    }

    async fn get(&self, scope: &Scope, id: &EventId) -> Result<Option<Hit>> {
        self.store.get(scope, id).await
    }

    async fn at(&self, scope: &Scope, positions: &[Position]) -> Result<Vec<Hit>> {
        self.store.at(scope, positions).await
    }

    async fn fields(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FieldInfo>> {
        self.store.fields(scope, range).await
    }

    async fn indices(&self, scope: &Scope) -> Result<Vec<IndexInfo>> {
        self.store.indices(scope).await
    }
}
