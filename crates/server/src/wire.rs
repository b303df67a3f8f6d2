//! Which concrete stores and which clock are in use. Nothing else names them.
//!
//! The data folder holds `logs/` (the log engine), `metadata.sqlite` (accounts, records of uploads), `keys/`, and
//! `uploads/` (rejected lines, and files while they are read), `dead-letters/` (what inputs could not store), and `fraud/` (what fraud
//! detection remembers).

mod alerting;
pub mod care;
pub mod inputs;
mod memory;
mod remembering;
mod retention;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use vigie_adapters::keys::{CardHashKey, TokenSecrets};
use vigie_adapters::sqlite::SqliteMetadataStore;
use vigie_app::Clock;
use vigie_app::accounts::{Accounts, TokenKeys};
use vigie_app::analytics::Analytics;
use vigie_app::async_searches::AsyncSearches;
use vigie_app::dead_letters::DeadLetters;
use vigie_app::door::DoorStore;
use vigie_app::dsl::DslSearch;
use vigie_app::ingest::{Ingest, IngestSettings};
use vigie_app::kept_answers::KeptAnswers;
use vigie_app::kept_objects::KeptObjects;
use vigie_app::performance::Performance;
use vigie_app::pipelines::Pipelines;
use vigie_app::search::Search;
use vigie_app::searches::{RecentSearches, SavedSearches};
use vigie_app::tail::Tails;
use vigie_app::uploads::Uploads;
use vigie_domain::ports::{LogStore, MetadataStore, SqlStore};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};
use vigie_inputs::{DoorPorts, InputSpec, Inputs};
use vigie_pipeline::Redactor;
use vigie_sql::SqlEngine;
use vigie_storage::{EngineOptions, FatalHandler, LogEngine, MemoryBounds};

pub use alerting::{Alerting, alerts};
use care::BackupTaker;
pub use remembering::{Remembering, remember};

use crate::config::Settings;
use crate::http::cookies::CookiePolicy;
use crate::http::state::{AppState, ElasticsearchNode, Limits, Shared};
use crate::metrics::{Metrics, OverflowNumbers, OverflowWatch, QueryWatch};
use crate::readiness::Readiness;

const LOGS_FOLDER: &str = "logs";
const METADATA_FILE: &str = "metadata.sqlite";
const KEYS_FOLDER: &str = "keys";
const UPLOADS_FOLDER: &str = "uploads";
const DEAD_LETTERS_FOLDER: &str = "dead-letters";

/// How often files of pipelines are looked at.
const PIPELINES_LOOK_EVERY: Duration = Duration::from_secs(3);

/// New events in memory take so small a share of it at most before they are written as parts.
const FLUSH_SHARE: u64 = 16;

/// The stores of a data folder, opened.
pub struct Stores {
    /// Where events are.
    pub logs: Arc<LogEngine>,
    /// Where everything else is.
    pub metadata: Arc<dyn MetadataStore>,
    backups: BackupTaker,
    redactor: Arc<Redactor>,
}

impl Stores {
    /// Opens the data folder, for this process alone.
    ///
    /// # Errors
    /// `Conflict` when another process uses it; `Unavailable` when it cannot be written to.
    pub fn open(settings: &Settings, on_fatal: FatalHandler) -> Result<Self> {
        let folder = prepared_folder(&settings.data.dir)?;
        let mut options = EngineOptions::new(folder.join(LOGS_FOLDER));
        options.flush_bytes = bounded_flush_bytes(settings.storage.flush_bytes, memory::limit_bytes());
        options.flush_interval = Duration::from_secs(settings.storage.flush_seconds);
        options.fields_max = settings.storage.fields_max;
        options.free_bytes_min = settings.storage.free_bytes_min;
        let gather_after_s = settings.storage.gather_after_s;
        options.gather_after = (gather_after_s > 0).then(|| Duration::from_secs(gather_after_s));
        options.query_timeout = Some(Duration::from_secs(settings.query.timeout_s));
        options.query_memory =
            MemoryBounds { one_bytes_max: settings.query.bytes_max, all_bytes_max: settings.query.all_bytes_max };
        options.kept_bytes_max = settings.query.kept_bytes_max;
        options.lifecycle = care::lifecycle_policy(settings);
        options.clock = clock();
        options.on_fatal = on_fatal;
        let logs = LogEngine::open(options).map_err(|error| in_use(error, folder))?;
        let logs = Arc::new(logs);
        let backups = care::backup_taker(settings, logs.clone());
        let redactor = redactor(&CardHashKey::load_or_create(prepared_folder(&folder.join(KEYS_FOLDER))?)?.0)?;
        Ok(Self { logs, metadata: open_metadata(settings)?, backups, redactor })
    }

    /// The stores as use cases see them.
    pub fn ports(&self) -> Ports {
        let (engine, watched) = (self.logs.clone(), self.logs.clone());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ports {
            logs: self.logs.clone(),
            sql: Some(Arc::new(SqlEngine::new(self.logs.clone(), processors))),
            metadata: self.metadata.clone(),
            backups: Some(self.backups.clone()),
            query_numbers: Some(Arc::new(move || engine.query_numbers())),
            exceeding: Some(Arc::new(move || {
                let exceeding = watched.exceeding();
                OverflowNumbers { columns: exceeding.columns, depth: exceeding.depth }
            })),
            redactor: self.redactor.clone(),
        }
    }
}

/// Two tables, what is being written of one and the batches on their way take several times this.
fn bounded_flush_bytes(wanted: usize, memory_bytes: Option<u64>) -> usize {
    let share = memory_bytes.and_then(|bytes| usize::try_from(bytes / FLUSH_SHARE).ok());
    share.map_or(wanted, |share| wanted.min(share))
}

/// Stores as use cases see them: tests have others here.
#[derive(Clone)]
pub struct Ports {
    /// Where events are.
    pub logs: Arc<dyn LogStore>,
    /// Answers SQL about them, when the store can.
    pub sql: Option<Arc<dyn SqlStore>>,
    /// Where everything else is.
    pub metadata: Arc<dyn MetadataStore>,
    /// Takes backups of them, when they can be backed up.
    pub backups: Option<BackupTaker>,
    /// Tells what questions cost, when the store counts it.
    pub query_numbers: Option<QueryWatch>,
    /// Tells how many values exceeded bounds of their index, when the store counts it.
    pub exceeding: Option<OverflowWatch>,
    /// Takes out what may never be stored in them.
    pub redactor: Arc<Redactor>,
}

/// Opens only what is not an event; other processes may have it open as well.
///
/// # Errors
/// `Unavailable` when it cannot be opened.
pub fn open_metadata(settings: &Settings) -> Result<Arc<dyn MetadataStore>> {
    let folder = prepared_folder(&settings.data.dir)?;
    Ok(Arc::new(SqliteMetadataStore::open(&folder.join(METADATA_FILE))?))
}

/// The accounts of the data folder; its keys are made when there are none.
///
/// # Errors
/// `Unavailable` when the keys cannot be read or written.
pub fn open_accounts(settings: &Settings, metadata: Arc<dyn MetadataStore>) -> Result<Accounts> {
    let folder = prepared_folder(&settings.data.dir)?;
    let secrets = TokenSecrets::load_or_create(prepared_folder(&folder.join(KEYS_FOLDER))?)?;
    let keys = TokenKeys::from_secrets(&secrets.current, secrets.previous.as_ref())?;
    Accounts::open(metadata, keys, clock())
}

/// What handlers share, over these stores; the inputs are started.
///
/// # Errors
/// `Unavailable` when the folder of dead letters cannot be read, `Invalid` for a setting that is none.
pub fn app_state(settings: &Settings, ports: &Ports, accounts: Accounts, inputs: Vec<InputSpec>) -> Result<AppState> {
    let tails = Arc::new(Tails::new(settings.tail.bounds()));
    let ports = &told_to(&tails, ports);
    let fraud = remembering::fraud_detection(settings, ports)?;
    let ports = &remembering::judged_by(fraud.as_ref(), ports);
    let pipelines = Arc::new(pipelines(settings));
    let ingest = Ingest::new(ports.logs.clone(), clock(), ingest_settings(settings, ports));
    let ingest = Arc::new(ingest.with_pipelines(pipelines.clone()));
    let folder = settings.data.dir.join(DEAD_LETTERS_FOLDER);
    let letters = DeadLetters::open(folder, settings.dead_letters.bytes_max, clock())?;
    let door = DoorPorts {
        ingest: ingest.clone(),
        letters: letters.clone(),
        clock: clock(),
        record_bytes_max: settings.ingest.record_bytes_max,
    };
    let inputs = Arc::new(Inputs::start(inputs, door));
    let mut metrics = Metrics::new();
    metrics.watch_inputs(inputs.clone(), letters.clone());
    if let Some(numbers) = &ports.query_numbers {
        metrics.watch_queries(numbers.clone());
    }
    if let Some(numbers) = &ports.exceeding {
        metrics.watch_overflow(numbers.clone());
    }
    metrics.watch_tails(tails.clone());
    metrics.record_start(clock()());
    let kept_objects = Arc::new(KeptObjects::new(ports.metadata.clone()));
    Ok(AppState::new(Shared {
        accounts: Arc::new(accounts),
        ingest,
        letters,
        inputs,
        answers: Arc::new(KeptAnswers::new(clock())),
        uploads: Arc::new(uploads(settings, ports).with_pipelines(pipelines.clone())),
        pipelines,
        search: Arc::new(search(ports)),
        tails,
        saved_searches: Arc::new(SavedSearches::new(ports.metadata.clone(), ports.redactor.clone(), clock())),
        recent_searches: Arc::new(RecentSearches::new(ports.metadata.clone(), ports.redactor.clone(), clock())),
        fraud: fraud.map(|fraud| remembering::desk(fraud, ports, settings)),
        logs: ports.logs.clone(),
        dsl: Arc::new(DslSearch::new(ports.logs.clone(), clock()).with_definitions(kept_objects.clone())),
        async_searches: Arc::new(AsyncSearches::new(clock())),
        analytics: Arc::new(Analytics::new(ports.logs.clone(), clock())),
        performance: Arc::new(Performance::new(ports.logs.clone(), clock())),
        kept_objects,
        elasticsearch_node: Arc::new(ElasticsearchNode {
            version: settings.elasticsearch_api.version.clone(),
            attributes: settings.elasticsearch_api.attributes().map_err(|error| Error::invalid(error.to_string()))?,
        }),
        metrics: Arc::new(metrics),
        readiness: Arc::new(Readiness::new(ports.logs.clone(), ports.metadata.clone())),
        clock: clock(),
        backups: ports.backups.clone(),
        limits: limits(settings),
        public_url: Arc::from(settings.server.public_url.as_str()),
        cookies: CookiePolicy::for_public_url(&settings.server.public_url),
    }))
}

/// The same stores, with live tails told what is stored.
fn told_to(tails: &Arc<Tails>, ports: &Ports) -> Ports {
    Ports { logs: Arc::new(DoorStore::new(ports.logs.clone(), tails.clone())), ..ports.clone() }
}

/// Bounds of what is received.
fn limits(settings: &Settings) -> Limits {
    Limits {
        ingest_bytes_max: settings.ingest.body_bytes_max,
        upload_bytes_max: settings.upload.bytes_max,
        tail_request_bytes_max: settings.tail.request_bytes_max,
        tail_silence_max: Duration::from_secs(settings.tail.silence_timeout_s),
    }
}

/// The pipelines of the settings, read once; what is wrong with them is logged.
pub fn pipelines(settings: &Settings) -> Pipelines {
    let folder = settings.data.dir.join(&settings.pipelines.dir);
    let pipelines = Pipelines::of(Some(folder), settings.pipelines.databases.clone());
    log_news(&pipelines.refresh(clock()()));
    pipelines
}

/// Does now and then what nobody asks for: reads changed pipelines, deletes what is kept no longer. Until it is aborted.
pub fn look_after(state: &AppState) -> JoinHandle<()> {
    let (pipelines, logs, objects) = (state.pipelines.clone(), state.logs.clone(), state.kept_objects.clone());
    tokio::spawn(async {
        tokio::join!(watch_pipelines(pipelines), retention::keep_retention(logs, objects));
    })
}

/// Looks at the files of pipelines every few seconds, for as long as it is polled.
async fn watch_pipelines(pipelines: Arc<Pipelines>) {
    let mut ticks = tokio::time::interval(PIPELINES_LOOK_EVERY);
    loop {
        ticks.tick().await;
        let pipelines = pipelines.clone();
        if let Ok(news) = tokio::task::spawn_blocking(move || pipelines.refresh(clock()())).await {
            log_news(&news);
        }
    }
}

fn log_news(news: &[String]) {
    for error in news {
        tracing::error!(error, "a pipeline cannot be used");
    }
}

/// Taking files in, over these stores.
pub fn uploads(settings: &Settings, ports: &Ports) -> Uploads {
    let folder = settings.data.dir.join(UPLOADS_FOLDER);
    let (logs, metadata) = (ports.logs.clone(), ports.metadata.clone());
    Uploads::new(logs, metadata, clock(), ingest_settings(settings, ports), folder)
}

/// Finding events, over these stores.
pub fn search(ports: &Ports) -> Search {
    Search::new(ports.logs.clone(), clock()).with_sql(ports.sql.clone())
}

fn ingest_settings(settings: &Settings, ports: &Ports) -> IngestSettings {
    IngestSettings {
        window_past_days: settings.ingest.window_past_days,
        window_ahead_minutes: settings.ingest.window_ahead_minutes,
        record_bytes_max: settings.ingest.record_bytes_max,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        redactor: ports.redactor.clone(),
    }
}

/// Takes out what may never be stored; card numbers are hashed under this key.
///
/// # Errors
/// When it cannot be made; a bug.
pub fn redactor(key: &[u8; 32]) -> Result<Arc<Redactor>> {
    Redactor::new(key).map(Arc::new).map_err(|error| Error::internal(error.to_string()))
}

/// The system's clock.
pub fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that everything else is handed")]
    Arc::new(|| Timestamp::from_jiff(jiff::Timestamp::now()).unwrap_or(Timestamp::MAX))
}

/// The folder, made if needed; only its owner may look inside.
fn prepared_folder(folder: &Path) -> Result<&Path> {
    let shown = folder.display();
    let unavailable = |error: std::io::Error| {
        let words = format!("the data folder \"{shown}\" cannot be used: {error}; name another with --data");
        Error::new(ErrorKind::Unavailable, words)
    };
    if !folder.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(unavailable)?;
    }
    Ok(folder)
}

fn in_use(error: Error, folder: &Path) -> Error {
    if error.kind != ErrorKind::Conflict {
        return error;
    }
    let shown = folder.display();
    Error::new(
        ErrorKind::Conflict,
        format!(
            "the data folder \"{shown}\" is in use by a running vigie; \
             ask that one with --url http://HOST:PORT, or stop it first"
        ),
    )
}
