//! Fraud detection over the stores of a data folder: what it remembers is read at the start and kept every few minutes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use vigie_app::fraud::{
    Backtests, FraudAround, FraudCases, FraudDesk, FraudDetection, FraudEntities, ListBook, ModelBook, RuleBook,
};
use vigie_domain::Result;

use super::{Ports, Stores, clock};
use crate::config::Settings;

/// In the data folder.
const SNAPSHOT: &str = "fraud/remembered.snapshot";

/// Fraud detection, unless it is switched off.
pub(super) fn fraud_detection(settings: &Settings, ports: &Ports) -> Result<Option<Arc<FraudDetection>>> {
    if !settings.fraud.enabled {
        return Ok(None);
    }
    let detection = settings.fraud.detection(settings.data.dir.join(SNAPSHOT));
    let fraud = FraudDetection::new(detection, clock())?.with_labels_in(ports.metadata.clone());
    Ok(Some(Arc::new(fraud)))
}

/// What people do with it.
pub(super) fn desk(detection: Arc<FraudDetection>, ports: &Ports, settings: &Settings) -> Arc<FraudDesk> {
    let (metadata, redactor) = (&ports.metadata, &ports.redactor);
    let stores = (ports.logs.clone(), metadata.clone());
    Arc::new(FraudDesk {
        backtests: Backtests::new(stores.clone(), detection.clone()),
        around: FraudAround::new(ports.logs.clone()),
        entities: FraudEntities::new(ports.logs.clone(), metadata.clone()),
        models: ModelBook::new(stores.clone(), detection.clone(), clock()).promoting(settings.fraud.auto_promotion),
        cases: FraudCases::new(stores, detection.clone(), redactor.clone(), clock())
            .due_after_hours(settings.fraud.case_due_hours),
        rules: RuleBook::new(metadata.clone(), detection.clone(), clock())
            .needing_second(settings.fraud.rules_need_second),
        lists: ListBook::new(metadata.clone(), detection.clone(), redactor.clone(), clock()),
        detection,
    })
}

/// The same stores, with payments judged before they are stored.
pub(super) fn judged_by(fraud: Option<&Arc<FraudDetection>>, ports: &Ports) -> Ports {
    match fraud {
        None => ports.clone(),
        Some(fraud) => Ports { logs: Arc::new(fraud.in_front_of(ports.logs.clone())), ..ports.clone() },
    }
}

/// Reads back what was remembered before the last stop.
///
/// # Errors
/// What the store answers.
pub async fn remember(fraud: Option<&Arc<FraudDesk>>, stores: &Stores) -> Result<()> {
    if let Some(fraud) = fraud {
        let found = fraud.detection.recovered(stores.logs.as_ref()).await?;
        tracing::info!(snapshot = found.had_snapshot, events = found.event_count, "fraud detection remembers the past");
    }
    Ok(())
}

/// Keeps what fraud detection remembers every few minutes.
pub struct Remembering {
    fraud: Option<Arc<FraudDetection>>,
    keeping: Option<JoinHandle<()>>,
}

impl Remembering {
    /// Begins to.
    pub fn start(fraud: Option<Arc<FraudDetection>>, settings: &Settings) -> Self {
        let every = Duration::from_secs(settings.fraud.snapshot_every_s);
        let keeping = fraud.clone().map(|fraud| tokio::spawn(keep(fraud, every)));
        Self { fraud, keeping }
    }

    /// Keeps it for the last time.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written; the next start reads more back from the logs.
    pub async fn end(self) -> Result<()> {
        if let Some(keeping) = self.keeping {
            keeping.abort();
        }
        match self.fraud {
            Some(fraud) => fraud.keep().await,
            None => Ok(()),
        }
    }
}

async fn keep(fraud: Arc<FraudDetection>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Err(error) = fraud.keep().await {
            tracing::warn!(%error, "what fraud detection remembers could not be kept");
        }
    }
}
