//! Uploaded files, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::listing::Listed;
use vigie_app::search::kind_name;
use vigie_app::uploads::{Preview, RejectedLine, Upload, UploadOptions};
use vigie_domain::event::complete;
use vigie_domain::{Error, Event, LogType, Result};

use super::events::SourceView;
use super::parameters::{log_type, said};

/// How a file is to be read.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct UploadParams {
    /// Log type of every event; told by its fields when left out.
    pub log_type: Option<String>,
    /// Columns and the fields they are: `InvoiceNo=transaction_id,UnitPrice=amount`.
    pub map: Option<String>,
    /// Column that holds the event's own time, after `map`.
    pub time_field: Option<String>,
    /// Also takes events whose own time is far in the past or in the future.
    pub any_time: bool,
    /// Stores the file although the same content was stored before.
    pub again: bool,
}

impl UploadParams {
    /// What is asked of the use case.
    ///
    /// # Errors
    /// `Invalid` for an unknown log type, `Malformed` for a mapping that cannot be read.
    pub fn into_options(self) -> Result<UploadOptions> {
        let pairs = said(self.map).unwrap_or_default();
        let rename = pairs.split(',').filter(|pair| !pair.trim().is_empty()).map(mapping).collect::<Result<_>>()?;
        Ok(UploadOptions {
            log_type: log_type(self.log_type)?,
            rename,
            time_field: said(self.time_field),
            any_time: self.any_time,
            again: self.again,
        })
    }
}

fn mapping(pair: &str) -> Result<(String, String)> {
    match pair.split_once('=') {
        Some((column, field)) if !column.trim().is_empty() && !field.trim().is_empty() => {
            Ok((column.trim().to_owned(), field.trim().to_owned()))
        }
        _ => Err(Error::malformed_field("map", format!("\"{pair}\" in \"map\" is no mapping; write COLUMN=field"))),
    }
}

/// An uploaded file and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub struct UploadView {
    /// Its id.
    pub file_id: String,
    /// Its name as sent.
    pub filename: String,
    /// What it was found to be; null until that is known.
    #[schema(example = "csv")]
    pub format: Option<String>,
    /// How it is packed: `none`, `gzip`, `zlib`, `zstd` or `zip`; null until that is known.
    #[schema(example = "none")]
    pub compression: Option<String>,
    /// Its size as sent.
    pub size_bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// `running`, `done` or `failed`.
    #[schema(example = "done")]
    pub state: &'static str,
    /// Whether this is the answer to an earlier upload of the same file, and nothing was stored now.
    pub duplicate_of_earlier: bool,
    /// Events stored by it.
    pub records_processed: u64,
    /// Records that became no event.
    pub records_rejected: u64,
    /// Events that were stored before.
    pub records_deduplicated: u64,
    /// Events of each log type.
    pub log_types: BTreeMap<&'static str, u64>,
    /// The earliest event's time.
    #[schema(format = DateTime)]
    pub first_timestamp: Option<String>,
    /// The latest event's time.
    #[schema(format = DateTime)]
    pub last_timestamp: Option<String>,
    /// The first 100 rejected records.
    pub rejects: Vec<RejectView>,
    /// Where all rejected records are; null when there are none.
    pub rejects_url: Option<String>,
    /// When it was received.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who sent it.
    pub created_by: String,
    /// When it was read to its end.
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A rejected record.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reject)]
pub struct RejectView {
    /// Its line or number, from 1.
    pub line: u64,
    /// Why, and what to do.
    pub reason: String,
    /// Its beginning.
    pub raw: String,
}

impl From<RejectedLine> for RejectView {
    fn from(reject: RejectedLine) -> Self {
        Self { line: reject.line, reason: reject.reason, raw: reject.raw }
    }
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        let known = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            rejects_url: (upload.records_rejected > 0).then(|| format!("/api/logs/uploads/{}/rejects", upload.file_id)),
            file_id: upload.file_id,
            filename: upload.filename,
            format: known(upload.format),
            compression: known(upload.compression),
            size_bytes: upload.size_bytes,
            sha256: upload.sha256,
            state: upload.state.as_str(),
            duplicate_of_earlier: upload.duplicate_of_earlier,
            records_processed: upload.records_processed,
            records_rejected: upload.records_rejected,
            records_deduplicated: upload.records_deduplicated,
            log_types: named(&upload.log_types),
            first_timestamp: upload.first_timestamp.map(|at| at.to_string()),
            last_timestamp: upload.last_timestamp.map(|at| at.to_string()),
            rejects: upload.rejects.into_iter().map(RejectView::from).collect(),
            created_at: upload.created_at.to_string(),
            created_by: upload.created_by,
            finished_at: upload.finished_at.map(|at| at.to_string()),
            error: upload.error,
        }
    }
}

fn named(counts: &BTreeMap<LogType, u64>) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(log_type, count)| (log_type.as_str(), *count)).collect()
}

/// The latest uploads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadsAnswer)]
pub struct UploadsView {
    /// Latest first.
    pub uploads: Vec<UploadView>,
    /// How many there are in all, exactly.
    pub total: u64,
    /// For `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl From<Listed<Upload>> for UploadsView {
    fn from(listed: Listed<Upload>) -> Self {
        Self {
            uploads: listed.entries.into_iter().map(UploadView::from).collect(),
            total: listed.total,
            next_cursor: listed.next_cursor,
        }
    }
}

/// What a file would become.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewView {
    /// What it was found to be.
    #[schema(example = "csv")]
    pub format: &'static str,
    /// How it is packed.
    #[schema(example = "gzip")]
    pub compression: &'static str,
    /// The fields of these events.
    pub fields: Vec<PreviewFieldView>,
    /// The first events.
    pub events: Vec<PreviewEventView>,
    /// Records among the first that become no event.
    pub rejects: Vec<RejectView>,
    /// These events of each log type.
    pub log_types: BTreeMap<&'static str, u64>,
}

/// A field of a previewed file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewField)]
pub struct PreviewFieldView {
    /// Its one name.
    pub name: String,
    /// Kind of its values.
    #[schema(example = "decimal")]
    pub kind: &'static str,
}

/// An event that a record would become.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewEvent)]
pub struct PreviewEventView {
    /// The event as it would be answered by a search.
    #[serde(rename = "_source")]
    #[schema(value_type = Object)]
    pub source: SourceView,
}

impl From<Event> for PreviewEventView {
    fn from(event: Event) -> Self {
        let mut body = event.body;
        complete(&mut body, event.timestamp, event.log_type);
        Self { source: SourceView::new(body) }
    }
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        let field = |(name, kind): (String, _)| PreviewFieldView { name, kind: kind_name(kind) };
        Self {
            format: preview.detected.format.as_str(),
            compression: preview.detected.compression.as_str(),
            fields: preview.fields.into_iter().map(field).collect(),
            events: preview.batch.events.events().map(PreviewEventView::from).collect(),
            rejects: preview.batch.rejects.into_iter().map(RejectedLine::from).map(RejectView::from).collect(),
            log_types: named(&preview.log_types),
        }
    }
}
