//! Whether Vigie can do its work now: asks each store a small question, and knows when it shuts down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use vigie_domain::Scope;
use vigie_domain::ports::{LogStore, MetadataStore};

/// A store that does not answer within this time is not well.
const CHECK_TIME_MAX: Duration = Duration::from_secs(2);

/// Asks the stores how they are.
pub struct Readiness {
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    is_stopping: AtomicBool,
}

/// What one look at one thing found.
#[derive(Clone, Debug)]
pub struct CheckOutcome {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is well.
    pub is_ok: bool,
    /// How long it took to answer.
    pub duration: Duration,
}

impl Readiness {
    /// Ready as long as these stores answer.
    pub fn new(logs: Arc<dyn LogStore>, metadata: Arc<dyn MetadataStore>) -> Self {
        Self { logs, metadata, is_stopping: AtomicBool::new(false) }
    }

    /// From now on not ready: load balancers send their traffic elsewhere while requests under way end.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Looks at everything.
    pub async fn check(&self) -> Vec<CheckOutcome> {
        let scope = Scope::main();
        let logs = look("log_store", async { self.logs.indices(&scope).await.map(drop) });
        let metadata = look("metadata_store", async { self.metadata.get("readiness", "probe").await.map(drop) });
        let (logs, metadata) = tokio::join!(logs, metadata);
        let is_running = !self.is_stopping.load(Ordering::Relaxed);
        let running = CheckOutcome { name: "running", is_ok: is_running, duration: Duration::ZERO };
        vec![running, logs, metadata]
    }
}

async fn look(name: &'static str, question: impl Future<Output = vigie_domain::Result<()>>) -> CheckOutcome {
    let started = Instant::now();
    let is_ok = match tokio::time::timeout(CHECK_TIME_MAX, question).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(store = name, %error, "a store is not well");
            false
        }
        Err(_) => {
            tracing::warn!(store = name, "a store did not answer in time");
            false
        }
    };
    CheckOutcome { name, is_ok, duration: started.elapsed() }
}
