//! Files that people upload: read in bounded memory, stored batch by batch, remembered by their content.
//!
//! The batches of a file depend on its content alone and each has a key, so a file that is sent again after a
//! crash stores only what is missing.

mod preview;
mod process;
mod record;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use vigie_domain::ports::{Filter, FindRequest, LogStore, MetadataStore};
use vigie_domain::{Error, ErrorKind, LogType, Result, Scope, Timestamp};
use vigie_pipeline::DecodeOptions;

use crate::Clock;
use crate::ingest::IngestSettings;
use crate::listing::{ListRequest, Listed, write_cursor};
use crate::pipelines::Pipelines;
use process::Processing;

pub use preview::{PREVIEW_BYTES_MAX, Preview};
pub use record::{RejectedLine, Upload, UploadState};

/// Collection of the uploads' records.
const COLLECTION: &str = "uploads";
/// Folder of files that are being received, below the uploads' own.
const INCOMING: &str = "incoming";
/// Files read at once; others wait.
const PROCESSED_MAX: usize = 2;
/// Files that are read or wait to be, at most.
const WAITING_MAX: usize = 32;
/// When a refused file may be sent again.
const RETRY_AFTER_S: u64 = 30;
/// How long a caller waits before hearing that processing goes on.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Records of uploads that are looked at in one go.
const LISTED_MAX: usize = 200;

/// A file received. A temporary one is removed when this is dropped, whatever happened to it.
#[derive(Debug)]
pub struct ReceivedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it was made for this upload.
    pub is_temporary: bool,
    /// Its name as sent.
    pub filename: String,
    /// Its size as sent.
    pub size_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// Every event is of this type.
    pub log_type: Option<LogType>,
    /// Columns and the fields they are.
    pub rename: Vec<(String, String)>,
    /// Column of the event's own time.
    pub time_field: Option<String>,
    /// Also takes events outside of the window.
    pub any_time: bool,
    /// Stores the file although it was stored before.
    pub again: bool,
}

/// Takes files in.
#[derive(Clone)]
pub struct Uploads {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    clock: Clock,
    settings: IngestSettings,
    folder: PathBuf,
    pipelines: OnceLock<Arc<Pipelines>>,
    processed: Semaphore,
    waiting: Arc<Semaphore>,
}

impl Uploads {
    /// Over these stores; files that are being received and rejected lines lie below `folder`.
    pub fn new(
        store: Arc<dyn LogStore>,
        metadata: Arc<dyn MetadataStore>,
        clock: Clock,
        settings: IngestSettings,
        folder: PathBuf,
    ) -> Self {
        let (processed, waiting) = (Semaphore::new(PROCESSED_MAX), Arc::new(Semaphore::new(WAITING_MAX)));
        Self {
            inner: Arc::new(Inner {
                store,
                metadata,
                clock,
                settings,
                folder,
                pipelines: OnceLock::new(),
                processed,
                waiting,
            }),
        }
    }

    /// With these pipelines instead of none; they are given once, before the first file.
    #[must_use]
    pub fn with_pipelines(self, pipelines: Arc<Pipelines>) -> Self {
        self.inner.pipelines.get_or_init(|| pipelines);
        self
    }

    /// Where files that are being received lie, until they are given to `begin` or `preview`.
    pub fn incoming_folder(&self) -> PathBuf {
        self.inner.folder.join(INCOMING)
    }

    /// Makes the folders, and clears away what a crash left behind. Called once at start, before anything is received.
    ///
    /// # Errors
    /// `Unavailable` when a folder cannot be made, or what the metadata store answers.
    pub async fn prepare(&self) -> Result<()> {
        let folder = self.incoming_folder();
        let unavailable = |error: std::io::Error| {
            let shown = folder.display();
            Error::new(ErrorKind::Unavailable, format!("the folder \"{shown}\" cannot be used: {error}"))
        };
        match tokio::fs::remove_dir_all(&folder).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unavailable(error)),
            _ => {}
        }
        tokio::fs::create_dir_all(&folder).await.map_err(unavailable)?;
        self.close_interrupted().await
    }

    /// Says of every upload that a crash interrupted that it was.
    async fn close_interrupted(&self) -> Result<()> {
        loop {
            let filters = vec![Filter { field: "state".into(), value: UploadState::Running.as_str().into() }];
            let running =
                self.inner.metadata.find(COLLECTION, &FindRequest { filters, limit: LISTED_MAX, after: None }).await?;
            if running.is_empty() {
                return Ok(());
            }
            for document in running {
                let mut upload = Upload::from_document(&document)?;
                upload.state = UploadState::Failed;
                upload.error = Some("interrupted; send the file again, what was stored is recognised".into());
                upload.finished_at = Some((self.inner.clock)());
                self.inner.metadata.replace(COLLECTION, &document.id, document.revision, upload.to_json()).await?;
            }
        }
    }

    /// Reads and stores the file; answers when that is done, or with the running upload when it takes long. A file
    /// that was stored before in the same way is not stored: the earlier upload is the answer.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` when nothing of the file could be read; `Throttled` when too many files wait.
    pub async fn begin(&self, scope: &Scope, file: ReceivedFile, options: UploadOptions, by: &str) -> Result<Upload> {
        let fingerprint = fingerprint(&scope.tenant, &file.sha256, &options);
        if !options.again
            && let Some(earlier) = self.inner.earlier(&fingerprint).await?
        {
            return Ok(Upload { duplicate_of_earlier: true, ..earlier });
        }
        let Ok(place) = Arc::clone(&self.inner.waiting).try_acquire_owned() else {
            let words = format!("{WAITING_MAX} files wait to be read already; send this one again later");
            return Err(Error::new(ErrorKind::Throttled, words).with_retry_after_s(RETRY_AFTER_S));
        };
        let upload = Upload::new(&file, fingerprint, by, (self.inner.clock)());
        let document = self.inner.metadata.insert(COLLECTION, &upload.file_id, upload.to_json(), &[]).await?;
        let file_id = upload.file_id.clone();
        let processing =
            Processing { inner: self.inner.clone(), scope: scope.clone(), file: Some(file), options, upload, document };
        let task = tokio::spawn(async move {
            let finished = processing.run().await;
            drop(place);
            finished
        });
        match tokio::time::timeout(ANSWER_WITHIN, task).await {
            Ok(Ok(finished)) => finished,
            Ok(Err(error)) => Err(Error::internal(format!("reading the file stopped: {error}"))),
            Err(_) => self.get(&file_id).await,
        }
    }

    /// The upload with this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn get(&self, file_id: &str) -> Result<Upload> {
        match self.inner.metadata.get(COLLECTION, file_id).await? {
            Some(document) => Upload::from_document(&document),
            None => Err(Error::not_found(format!("there is no upload \"{file_id}\""))),
        }
    }

    /// Uploads, those first of which there is news; those of a page latest begun first.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` when the page asked for cannot be, or what the metadata store answers.
    pub async fn recent(&self, request: &ListRequest) -> Result<Listed<Upload>> {
        let (limit, after) = (request.limit()?, request.after()?);
        // One more than the page holds tells whether there is a next page.
        let find = FindRequest { filters: Vec::new(), limit: limit + 1, after: after.map(|(_, id)| id) };
        let mut found = self.inner.metadata.find(COLLECTION, &find).await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let mut entries = found.iter().map(Upload::from_document).collect::<Result<Vec<_>>>()?;
        let position = |last: &Upload| write_cursor(&(last.created_at, last.file_id.clone()));
        let next_cursor = entries.last().filter(|_| has_more).map(position);
        entries.sort_by_key(|upload| std::cmp::Reverse(upload.created_at));
        let total = self.inner.metadata.count(COLLECTION, &[]).await?;
        Ok(Listed { entries, total, is_total_exact: true, next_cursor })
    }

    /// The file with the rejected lines of an upload, as NDJSON; `None` when no line was rejected.
    ///
    /// # Errors
    /// `NotFound` when there is no such upload.
    pub async fn rejects_file(&self, file_id: &str) -> Result<Option<PathBuf>> {
        let upload = self.get(file_id).await?;
        Ok((upload.records_rejected > 0).then(|| self.inner.rejects_path(&upload.file_id)))
    }
}

impl Inner {
    async fn earlier(&self, fingerprint: &str) -> Result<Option<Upload>> {
        let filters = vec![Filter { field: "fingerprint".into(), value: fingerprint.into() }];
        let found = self.metadata.find(COLLECTION, &FindRequest { filters, limit: LISTED_MAX, after: None }).await?;
        let uploads = found.iter().map(Upload::from_document).collect::<Result<Vec<_>>>()?;
        Ok(uploads.into_iter().find(|upload| upload.state != UploadState::Failed))
    }

    fn decode_options(&self, options: &UploadOptions) -> DecodeOptions {
        let now: Timestamp = (self.clock)();
        let mut decode = DecodeOptions::new(now, Arc::clone(&self.settings.redactor));
        decode.log_type = options.log_type;
        decode.rename.clone_from(&options.rename);
        decode.time_field.clone_from(&options.time_field);
        decode.window = (!options.any_time).then(|| self.settings.window(now));
        decode.record_bytes_max = self.settings.record_bytes_max;
        decode.pipeline = self.pipelines.get().map(|pipelines| pipelines.current());
        decode
    }

    fn rejects_path(&self, file_id: &str) -> PathBuf {
        self.folder.join(format!("{file_id}.rejects.ndjson"))
    }
}

impl Drop for ReceivedFile {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            // It stays until the folder is emptied at the next start.
            tracing::warn!(path = %self.path.display(), %error, "a temporary file could not be removed");
        }
    }
}

/// Names content and way of reading: the same file read differently gives other events.
fn fingerprint(tenant: &str, sha256: &str, options: &UploadOptions) -> String {
    let mut hasher = Sha256::new();
    hasher
        .update(format!("{tenant}\0{sha256}\0{:?}\0{:?}\0{:?}", options.log_type, options.rename, options.time_field));
    hasher.update([u8::from(options.any_time)]);
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
