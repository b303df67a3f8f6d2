//! Deletes what indices that clients made keep no longer, while the server runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use vigie_app::kept_objects::KeptObjects;
use vigie_app::retention::Retention;
use vigie_domain::ports::LogStore;

use super::clock;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Looks now and then, for as long as it is polled.
pub async fn keep_retention(logs: Arc<dyn LogStore>, objects: Arc<KeptObjects>) {
    let retention = Retention::new(logs, objects, clock());
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match retention.apply().await {
            Ok(done) => done.into_iter().for_each(|(keeping, event_count)| {
                let (index, policy) = (keeping.index, keeping.policy);
                tracing::info!(index, policy, event_count, "events were deleted for their age");
            }),
            Err(error) => tracing::error!(%error, "events could not be deleted for their age; it is tried again"),
        }
    }
}
