//! What the tests of use cases stand on: stores in memory and a clock that stands still.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{Scope, Timestamp};
use vigie_pipeline::Redactor;
use vigie_testkit::{LinearStore, MemoryMetadataStore};

use crate::Clock;
use crate::analytics::Analytics;
use crate::ingest::{Ingest, IngestOptions, IngestReport, IngestSettings};
use crate::performance::Performance;
use crate::search::Search;
use crate::uploads::{ReceivedFile, Uploads};

/// 2026-11-23T14:04:05Z, a Monday.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_442_645);

pub(crate) fn settings() -> IngestSettings {
    IngestSettings {
        window_past_days: 90,
        window_ahead_minutes: 10,
        record_bytes_max: 1024 * 1024,
        processors: 2,
        redactor: Arc::new(Redactor::new(&[7; 32]).unwrap()),
    }
}

pub(crate) fn clock() -> Clock {
    Arc::new(|| NOW)
}

/// Use cases over one store in memory.
pub(crate) struct Shop {
    pub(crate) scope: Scope,
    pub(crate) ingest: Ingest,
    pub(crate) search: Search,
    pub(crate) analytics: Analytics,
    pub(crate) performance: Performance,
    pub(crate) store: Arc<dyn LogStore>,
    pub(crate) metadata: Arc<dyn MetadataStore>,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(LinearStore::default()))
    }

    pub(crate) fn on(store: Arc<dyn LogStore>) -> Self {
        Self {
            scope: Scope::main(),
            ingest: Ingest::new(store.clone(), clock(), settings()),
            search: Search::new(store.clone(), clock()),
            analytics: Analytics::new(store.clone(), clock()),
            performance: Performance::new(store.clone(), clock()),
            store,
            metadata: Arc::new(MemoryMetadataStore::default()),
        }
    }

    /// A shop that holds these events.
    pub(crate) async fn with(events: &[Json]) -> Self {
        let shop = Self::new();
        let report = shop.send(&lines(events), &IngestOptions::default()).await;
        assert_eq!((report.accepted, report.rejected), (events.len() as u64, 0), "{:?}", report.errors);
        shop
    }

    pub(crate) async fn send(&self, body: &str, options: &IngestOptions) -> IngestReport {
        self.ingest.accept(&self.scope, Bytes::copy_from_slice(body.as_bytes()), options).await.unwrap()
    }

    /// How many events are stored.
    pub(crate) async fn total(&self) -> u64 {
        self.search.types(&self.scope).await.unwrap().iter().map(|(_, count)| count).sum()
    }

    pub(crate) fn uploads(&self, folder: &Path) -> Uploads {
        Uploads::new(self.store.clone(), self.metadata.clone(), clock(), settings(), folder.to_path_buf())
    }
}

/// The events as NDJSON.
pub(crate) fn lines(events: &[Json]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// An event so many seconds before now, with these fields.
pub(crate) fn event(seconds_ago: i64, fields: &Json) -> Json {
    let at = NOW.saturating_add_nanos(-seconds_ago * 1_000_000_000).to_string();
    let mut event = json!({ "@timestamp": at });
    let all = event.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    event
}

/// A received file with this content.
pub(crate) fn received(folder: &Path, filename: &str, content: &[u8]) -> ReceivedFile {
    use sha2::{Digest, Sha256};
    let path: PathBuf = folder.join(format!("{:032x}", rand::random::<u128>()));
    std::fs::write(&path, content).unwrap();
    let sha256 = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    ReceivedFile { path, is_temporary: true, filename: filename.to_owned(), size_bytes: content.len() as u64, sha256 }
}
