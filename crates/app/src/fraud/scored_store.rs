//! The store with fraud detection at its door: what is stored is judged first, everything else passes through.

use std::sync::Arc;

use async_trait::async_trait;
use vigie_domain::ports::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Hit, IndexInfo, Lines, LogStore,
    SearchRequest, SearchResult,
};
use vigie_domain::{Error, EventBatch, EventId, LogType, Position, Result, Scope, TimeRange};

use super::{FraudDetection, Scored};

/// A store that judges payments before it stores them.
pub struct ScoredStore {
    store: Arc<dyn LogStore>,
    detection: Arc<FraudDetection>,
}

impl ScoredStore {
    pub(super) fn new(store: Arc<dyn LogStore>, detection: Arc<FraudDetection>) -> Self {
        Self { store, detection }
    }
}

/// Whether fraud detection looks at one of them.
fn matters(events: &EventBatch) -> bool {
    events.rows().any(|row| matches!(row.log_type(), LogType::Transaction | LogType::UserBehavior))
}

#[async_trait]
impl LogStore for ScoredStore {
    async fn append(&self, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        if scope.tenant != Scope::MAIN_TENANT || !matters(&batch.events) {
            return self.store.append(scope, batch).await;
        }
        self.detection.recovered(self.store.as_ref()).await?;
        let _open = self.detection.gate.read().await;
        let (detection, Append { key, events }) = (Arc::clone(&self.detection), batch);
        let sent = events.len();
        let scoring = tokio::task::spawn_blocking(move || detection.score(events));
        let scored = scoring.await.map_err(|error| Error::internal(format!("scoring stopped: {error}")))?;
        let Scored { events, added, failures } = scored;
        for failure in failures {
            tracing::error!(rule = failure.rule, why = failure.why, "a fraud rule failed and is off");
        }
        let outcome = self.store.append(scope, Append { key, events }).await?;
        self.detection.confirm(&added);
        Ok(of_sent(outcome, sent))
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

/// What became of the first events of a batch: the verdicts behind them are not the sender's.
fn of_sent(outcome: AppendOutcome, sent: usize) -> AppendOutcome {
    let known: Vec<usize> = outcome.known.into_iter().filter(|place| *place < sent).collect();
    AppendOutcome { stored: sent - known.len(), first_sequence: outcome.first_sequence, known }
}
