//! Fraud detection at the door of the store: payments are judged, then stored with what is said of them.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use vigie_domain::ports::{Append, AppendOutcome, LogStore};
use vigie_domain::{Error, EventBatch, LogType, Result, Scope};

use super::{FraudDetection, Scored};
use crate::at_once::at_once;
use crate::door::Door;

/// So few events are scored at once: another thread to do it takes as long as they do.
const INLINE_EVENTS_MAX: usize = 4;

/// Detection at a door.
pub(super) struct FraudDoor(pub(super) Arc<FraudDetection>);

/// Whether fraud detection looks at one of them.
fn matters(events: &EventBatch) -> bool {
    events.rows().any(|row| matches!(row.log_type(), LogType::Transaction | LogType::UserBehavior))
}

#[async_trait]
impl Door for FraudDoor {
    async fn append(&self, store: &dyn LogStore, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        let detection = &self.0;
        if scope.tenant != Scope::MAIN_TENANT || !matters(&batch.events) {
            return store.append(scope, batch).await;
        }
        detection.recovered(store).await?;
        let _open = detection.gate.read().await;
        let Append { key, mut events } = batch;
        let sent = events.len();
        let is_short = sent <= INLINE_EVENTS_MAX;
        let scored = if is_short { at_once("scoring", || detection.try_score(&mut events))? } else { None };
        let scored = match scored {
            Some(scored) => scored,
            None => {
                let scorer = Arc::clone(detection);
                let scoring = tokio::task::spawn_blocking(move || scorer.score(events));
                scoring.await.map_err(|error| Error::internal(format!("scoring stopped: {error}")))?
            }
        };
        let Scored { events, added, failures } = scored;
        for failure in failures {
            tracing::error!(rule = failure.rule, why = failure.why, "a fraud rule failed and is off");
        }
        let outcome = store.append(scope, Append { key, events }).await?;
        let known: HashSet<usize> = outcome.known.iter().filter_map(|place| place.checked_sub(sent)).collect();
        detection.confirm(&added, &known);
        Ok(of_sent(outcome, sent))
    }
}

/// What became of the first events of a batch: the verdicts behind them are not the sender's.
fn of_sent(outcome: AppendOutcome, sent: usize) -> AppendOutcome {
    let known: Vec<usize> = outcome.known.into_iter().filter(|place| *place < sent).collect();
    AppendOutcome { stored: sent - known.len(), first_sequence: outcome.first_sequence, known }
}
