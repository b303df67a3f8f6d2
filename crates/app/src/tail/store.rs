//! The store with the live tail at its door: what was stored is told, everything else passes through.

use std::sync::Arc;

use async_trait::async_trait;
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Hit, IndexInfo, Lines, LogStore,
    SearchRequest, SearchResult,
};
use vigie_domain::{EventId, Position, Result, Scope, TimeRange};

use super::Tails;

/// A store whose batches are told to tails once they are durable.
pub struct TailedStore {
    store: Arc<dyn LogStore>,
    tails: Arc<Tails>,
}

impl TailedStore {
    /// That store, told to these tails.
    pub fn new(store: Arc<dyn LogStore>, tails: Arc<Tails>) -> Self {
        Self { store, tails }
    }
}

#[async_trait]
impl LogStore for TailedStore {
    async fn append(&self, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        if !self.tails.has_listeners() {
            return self.store.append(scope, batch).await;
        }
        let events = batch.events.clone();
        let outcome = self.store.append(scope, batch).await?;
        self.tails.tell(scope, events, &outcome);
        Ok(outcome)
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
