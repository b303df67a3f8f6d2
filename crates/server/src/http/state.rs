//! What handlers share: the use cases, the metrics and the bounds of bodies.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use vigie_app::Clock;
use vigie_app::accounts::Accounts;
use vigie_app::analytics::Analytics;
use vigie_app::async_searches::AsyncSearches;
use vigie_app::dead_letters::DeadLetters;
use vigie_app::dsl::DslSearch;
use vigie_app::fraud::FraudDesk;
use vigie_app::ingest::Ingest;
use vigie_app::kept_answers::KeptAnswers;
use vigie_app::kept_objects::KeptObjects;
use vigie_app::performance::Performance;
use vigie_app::pipelines::Pipelines;
use vigie_app::search::Search;
use vigie_app::searches::{RecentSearches, SavedSearches};
use vigie_app::tail::Tails;
use vigie_app::uploads::Uploads;
use vigie_domain::ports::LogStore;
use vigie_inputs::Inputs;

use super::body::{BodyBounds, BodyLimit};
use super::cookies::CookiePolicy;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::wire::care::BackupTaker;

/// What handlers share. It is cloned several times per request.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl AppState {
    /// Of these.
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What clients of Elasticsearch are told of the one node there is.
#[derive(Debug)]
pub struct ElasticsearchNode {
    /// The version that it has.
    pub version: String,
    /// Its attributes: names and values.
    pub attributes: Vec<(String, String)>,
}

/// What handlers share.
pub struct Shared {
    /// Who may do what.
    pub accounts: Arc<Accounts>,
    /// Taking events in.
    pub ingest: Arc<Ingest>,
    /// First answers to requests that carry a key of their own.
    pub answers: Arc<KeptAnswers>,
    /// What inputs could not store.
    pub letters: DeadLetters,
    /// Ways in beside HTTP.
    pub inputs: Arc<Inputs>,
    /// Files of events.
    pub uploads: Arc<Uploads>,
    /// What becomes of events before they are stored.
    pub pipelines: Arc<Pipelines>,
    /// Finding events.
    pub search: Arc<Search>,
    /// Those who listen to what is being stored.
    pub tails: Arc<Tails>,
    /// Searches under a name.
    pub saved_searches: Arc<SavedSearches>,
    /// Searches that people ran.
    pub recent_searches: Arc<RecentSearches>,
    /// Judging payments and what people do with it, unless it is switched off.
    pub fraud: Option<Arc<FraudDesk>>,
    /// Where events are, judged as they are stored.
    pub logs: Arc<dyn LogStore>,
    /// Finding events as clients of Elasticsearch ask for them.
    pub dsl: Arc<DslSearch>,
    /// Those of their searches that go on by themselves.
    pub async_searches: Arc<AsyncSearches>,
    /// Numbers about events.
    pub analytics: Arc<Analytics>,
    /// How fast the shop answers.
    pub performance: Arc<Performance>,
    /// What clients of Elasticsearch have set up.
    pub kept_objects: Arc<KeptObjects>,
    /// What they are told of the node.
    pub elasticsearch_node: Arc<ElasticsearchNode>,
    /// What Vigie counts about itself.
    pub metrics: Arc<Metrics>,
    /// Whether Vigie can answer.
    pub readiness: Arc<Readiness>,
    /// What time it is.
    pub clock: Clock,
    /// Takes backups, when the stores can be backed up.
    pub backups: Option<BackupTaker>,
    /// Bounds of what is received.
    pub limits: Limits,
    /// The address at which browsers reach Vigie; empty when it is the one they ask.
    pub public_url: Arc<str>,
    /// How cookies are made.
    pub cookies: CookiePolicy,
}

/// Bounds of what is received.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of log events, as sent and once decompressed.
    pub ingest_bytes_max: u64,
    /// Bytes of an uploaded file, as sent.
    pub upload_bytes_max: u64,
    /// Bytes of one message of a live tail's client.
    pub tail_request_bytes_max: usize,
    /// How long the client of a live tail may be silent.
    pub tail_silence_max: Duration,
}

/// Bytes of a JSON document that a handler reads.
const JSON_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// What a multipart body holds beside the file.
const MULTIPART_EXTRA_BYTES: u64 = 64 * 1024;
/// Time for a JSON document to arrive.
const JSON_TIME_MAX: Duration = Duration::from_secs(30);
/// Time for log events to arrive.
const INGEST_TIME_MAX: Duration = Duration::from_secs(120);
/// Time for a file to arrive: 100 MB at a quarter of a megabit per second.
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(3_600);

impl Limits {
    /// The bounds of a body of this sort.
    pub fn of(&self, limit: BodyLimit) -> BodyBounds {
        let (bytes_max, time_max, setting) = match limit {
            BodyLimit::Json => (JSON_BYTES_MAX, JSON_TIME_MAX, None),
            BodyLimit::Ingest => (self.ingest_bytes_max, INGEST_TIME_MAX, Some("ingest.body_bytes_max")),
            BodyLimit::Upload => {
                let bytes_max = self.upload_bytes_max.saturating_add(MULTIPART_EXTRA_BYTES);
                (bytes_max, UPLOAD_TIME_MAX, Some("upload.bytes_max"))
            }
        };
        BodyBounds { bytes_max, time_max, setting }
    }
}
