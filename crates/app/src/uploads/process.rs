//! Reads one received file to its end: decoding on a blocking thread, storing here, a few batches in between at most.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use vigie_domain::ports::Document;
use vigie_domain::{Error, ErrorKind, Result, Scope};
use vigie_pipeline::{Batch, DecodeError, DecodeOptions, Detected, FORMATS, Format, Reject, open_file};

use super::{COLLECTION, Inner, ReceivedFile, RejectedLine, Upload, UploadOptions, UploadState};
use crate::ingest::append_all;

/// Batches decoded ahead of what is stored.
const BATCHES_AHEAD: usize = 1;
/// Batches between two notes of progress.
const PROGRESS_EVERY: u64 = 20;
/// A file is binary when one of so many of its first lines is.
const BINARY_SHARE: usize = 4;
/// Rejected lines kept in the record.
const LISTED_REJECTS_MAX: usize = 100;
/// Rejected lines kept in the file.
const KEPT_REJECTS_MAX: u64 = 100_000;

/// A file on its way.
pub(super) struct Processing {
    pub(super) inner: Arc<Inner>,
    pub(super) scope: Scope,
    /// `None` once it was read.
    pub(super) file: Option<ReceivedFile>,
    pub(super) options: UploadOptions,
    pub(super) upload: Upload,
    pub(super) document: Document,
}

enum Step {
    Found(Detected),
    Batch(Box<Batch>),
    Failed(DecodeError),
}

impl Processing {
    /// Stores the file's events and says what became of it.
    ///
    /// # Errors
    /// When nothing of the file could be stored, or its record could not be written.
    pub(super) async fn run(mut self) -> Result<Upload> {
        let inner = self.inner.clone();
        let permit = inner.processed.acquire().await;
        let stored = self.store_all().await;
        drop(permit);
        self.file = None;
        let failure = stored.and_then(|()| self.refuse_junk()).err();
        self.upload.state = if failure.is_some() { UploadState::Failed } else { UploadState::Done };
        self.upload.error = failure.as_ref().map(|error| error.message.clone());
        self.upload.finished_at = Some((self.inner.clock)());
        if let Some(error) = &failure {
            tracing::warn!(file_id = self.upload.file_id, %error, "an uploaded file could not be read to its end");
        }
        if let Err(error) = self.note_progress().await {
            tracing::error!(file_id = self.upload.file_id, %error, "the record of an upload could not be written");
            return Err(error);
        }
        match failure {
            Some(error) if !self.has_events() => Err(error),
            _ => Ok(self.upload),
        }
    }

    /// Whether any record is stored, now or before.
    const fn has_events(&self) -> bool {
        self.upload.records_processed + self.upload.records_deduplicated > 0
    }

    /// A file that no format was found for, and that is binary in good part, holds no logs: nothing of it is stored.
    fn refuse_binary(&self, first: &Batch) -> Result<()> {
        let is_binary = |reject: &&Reject| reject.raw.contains(['\0', char::REPLACEMENT_CHARACTER]);
        let mut binary = first.rejects.iter().filter(is_binary);
        let is_junk = binary.clone().count() * BINARY_SHARE >= first.record_count();
        match binary.next() {
            Some(reject) if is_junk && self.upload.format == Format::Plain.as_str() => Err(Error::invalid(format!(
                "the file is binary, no text; line {}: {}; {}",
                reject.line,
                reject.reason,
                readable_formats()
            ))),
            _ => Ok(()),
        }
    }

    /// A file that no format was found for, and of which no line could be read, holds no logs either.
    fn refuse_junk(&self) -> Result<()> {
        let is_junk =
            self.upload.format == Format::Plain.as_str() && !self.has_events() && self.upload.records_rejected > 0;
        match self.upload.rejects.first() {
            Some(first) if is_junk => Err(Error::invalid(format!(
                "no line of the file could be read; line {}: {}; {}",
                first.line,
                first.reason,
                readable_formats()
            ))),
            _ => Ok(()),
        }
    }

    async fn store_all(&mut self) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut steps = read_on_thread(file, self.inner.decode_options(&self.options));
        let nonce = if self.options.again { self.upload.file_id.as_str() } else { "" };
        let key = format!("upload/{}/{nonce}", self.upload.fingerprint);
        let mut number = 0;
        while let Some(step) = steps.recv().await {
            match step {
                Step::Failed(error) => return Err(unreadable(error)),
                Step::Found(detected) => {
                    self.upload.format = detected.format.as_str().to_owned();
                    self.upload.compression = detected.compression.to_string();
                }
                Step::Batch(batch) => {
                    if number == 0 {
                        self.refuse_binary(&batch)?;
                    }
                    self.store(*batch, &format!("{key}/{number}")).await?;
                    number += 1;
                    if number % PROGRESS_EVERY == 0 {
                        self.note_progress().await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn store(&mut self, batch: Batch, key: &str) -> Result<()> {
        for (kind, count) in batch.redactions.iter() {
            *self.upload.redactions.entry(kind.as_str().to_owned()).or_default() += count;
        }
        self.keep_rejects(batch.rejects).await?;
        let mut types = self.upload.log_types.clone();
        let (mut first, mut last) = (self.upload.first_timestamp, self.upload.last_timestamp);
        for row in batch.events.rows() {
            *types.entry(row.log_type()).or_default() += 1;
            first = Some(first.map_or(row.timestamp(), |first| first.min(row.timestamp())));
            last = Some(last.map_or(row.timestamp(), |last| last.max(row.timestamp())));
        }
        let outcome = append_all(self.inner.store.as_ref(), &self.scope, batch.events, Some(key)).await?;
        self.upload.records_processed += outcome.stored;
        self.upload.records_deduplicated += outcome.deduplicated;
        self.upload.log_types = types;
        (self.upload.first_timestamp, self.upload.last_timestamp) = (first, last);
        Ok(())
    }

    async fn keep_rejects(&mut self, rejects: Vec<Reject>) -> Result<()> {
        if rejects.is_empty() {
            return Ok(());
        }
        let kept_before = self.upload.records_rejected;
        self.upload.records_rejected += rejects.len() as u64;
        let lines: Vec<RejectedLine> = rejects.into_iter().map(RejectedLine::from).collect();
        let room = LISTED_REJECTS_MAX.saturating_sub(self.upload.rejects.len());
        self.upload.rejects.extend(lines.iter().take(room).cloned());
        let path = self.inner.rejects_path(&self.upload.file_id);
        let room = KEPT_REJECTS_MAX.saturating_sub(kept_before) as usize;
        let written = tokio::task::spawn_blocking(move || append_lines(&path, &lines[..lines.len().min(room)])).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::internal(format!("rejected lines could not be kept: {error}"))),
            Err(error) => Err(Error::internal(format!("rejected lines could not be kept: {error}"))),
        }
    }

    async fn note_progress(&mut self) -> Result<()> {
        let (id, revision) = (self.document.id.clone(), self.document.revision);
        self.document = self.inner.metadata.replace(COLLECTION, &id, revision, self.upload.to_json()).await?;
        Ok(())
    }
}

fn append_lines(path: &Path, lines: &[RejectedLine]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let mut out = std::io::BufWriter::new(file);
    for line in lines {
        serde_json::to_writer(&mut out, line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// The error of a file that cannot be read: well-formed as a request, wrong in content.
pub(super) fn unreadable(error: DecodeError) -> Error {
    let error = Error::from(error);
    match error.kind {
        ErrorKind::Malformed => Error::invalid(format!("{}; {}", error.message, readable_formats())),
        _ => error,
    }
}

fn readable_formats() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|spec| spec.format.as_str()).collect();
    format!("the formats that can be read are {}, packed with gzip, zlib, zstd, zip or not at all", names.join(", "))
}

/// Decodes on a thread that may block; it stops when nobody takes its batches any more.
fn read_on_thread(file: &ReceivedFile, options: DecodeOptions) -> mpsc::Receiver<Step> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let (path, filename) = (file.path.clone(), file.filename.clone());
    tokio::task::spawn_blocking(move || {
        let reader = match open_file(&path, Some(&filename), options) {
            Ok(reader) => reader,
            Err(error) => return drop(sender.blocking_send(Step::Failed(error))),
        };
        if sender.blocking_send(Step::Found(reader.detected())).is_err() {
            return;
        }
        for batch in reader {
            let step = batch.map_or_else(Step::Failed, |batch| Step::Batch(Box::new(batch)));
            if sender.blocking_send(step).is_err() {
                return;
            }
        }
    });
    receiver
}
