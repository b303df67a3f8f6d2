//! Tails at the door of the store: what was stored is told.

use async_trait::async_trait;
use vigie_domain::ports::{Append, AppendOutcome, LogStore};
use vigie_domain::{Result, Scope};

use super::Tails;
use crate::door::Door;

#[async_trait]
impl Door for Tails {
    /// A batch is told once it is durable.
    async fn append(&self, store: &dyn LogStore, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        if !self.has_listeners() {
            return store.append(scope, batch).await;
        }
        let events = batch.events.clone();
        let outcome = store.append(scope, batch).await?;
        self.tell(scope, events, &outcome);
        Ok(outcome)
    }
}
