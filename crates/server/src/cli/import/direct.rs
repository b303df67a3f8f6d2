//! Storing files in a data folder that no server uses.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use vigie_app::uploads::{ReceivedFile, Upload, UploadOptions, UploadState, Uploads};
use vigie_domain::Scope;

use super::progress::Progress;
use super::{Report, open};
use crate::cli::demand::ReadingArguments;
use crate::cli::{Console, Failure, runtime};
use crate::config::Settings;
use crate::wire::{self, Stores};

/// Bytes that are read at once to name a file's content.
const PIECE_BYTES: usize = 256 * 1024;
/// How often a long import is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Who sent a file that was imported on the machine itself.
const IMPORTED_BY: &str = "vigie import";

/// A data folder, opened.
pub(super) struct Direct {
    runtime: Runtime,
    uploads: Uploads,
    stores: Stores,
}

impl Direct {
    /// The data folder of the settings.
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let stores = runtime.block_on(async { Stores::open(settings, Arc::new(end_process)) })?;
        let pipelines = Arc::new(wire::pipelines(settings));
        let uploads = wire::uploads(settings, &stores.ports()).with_pipelines(pipelines);
        runtime.block_on(uploads.prepare())?;
        Ok(Self { runtime, uploads, stores })
    }

    /// Stores the events of one file.
    pub(super) fn import(
        &self,
        path: &Path,
        reading: &ReadingArguments,
        console: &Console<'_>,
    ) -> Result<Report, Failure> {
        let (filename, size_bytes, content) = open(path)?;
        let progress = Progress::begin(&filename, size_bytes, console.is_watched());
        let sha256 = hash(&mut progress.count(content)).map_err(|error| unreadable(path, &error))?;
        let file = ReceivedFile { path: path.to_owned(), filename, size_bytes, sha256, is_temporary: false };
        let options = UploadOptions {
            log_type: reading.log_type,
            rename: reading.map.clone(),
            time_field: reading.time_field.clone(),
            any_time: reading.any_time,
            again: reading.again,
        };
        let stored = self.runtime.block_on(self.store(file, options, &progress));
        progress.end();
        Report::of(stored?)
    }

    async fn store(
        &self,
        file: ReceivedFile,
        options: UploadOptions,
        progress: &Progress,
    ) -> vigie_domain::Result<Upload> {
        progress.wait("reading".to_owned());
        let mut upload = self.uploads.begin(&Scope::main(), file, options, IMPORTED_BY).await?;
        while upload.state == UploadState::Running {
            progress.wait(format!("{} records stored", upload.records_processed));
            tokio::time::sleep(LOOK_EVERY).await;
            upload = self.uploads.get(&upload.file_id).await?;
        }
        Ok(upload)
    }

    /// Writes what is in memory to parts, so that the next start has nothing to read back.
    pub(super) fn finish(&self) {
        self.runtime.block_on(self.stores.logs.flush());
    }
}

fn hash(content: &mut impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match content.read(&mut piece)? {
            0 => break,
            read => hasher.update(&piece[..read]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("\"{}\" cannot be read: {error}", path.display()))
}

/// The log could not be synced: what is stored is unknown.
fn end_process(reason: &str) {
    tracing::error!(reason, "the log could not be synced; the import ends at once");
    std::process::abort();
}
