//! What a file would become, shown before anything is stored.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::{Error, LogType, Result, Value};
use vigie_pipeline::{Batch, DecodeError, DecodeOptions, Detected, Format, Reject, detect, open_file, preview_bytes};

use super::process::unreadable;
use super::{ReceivedFile, UploadOptions, Uploads};

/// Bytes of a file that a preview needs; of Parquet it needs the whole file, whose schema is at its end.
pub const PREVIEW_BYTES_MAX: u64 = 1024 * 1024;
/// Records that a preview shows.
const RECORDS_MAX: usize = 10;

/// What a file would become.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it was found to be.
    pub detected: Detected,
    /// The first records: events, and those that became none.
    pub batch: Batch,
    /// The fields of these events by canonical name, in order of appearance.
    pub fields: Vec<(String, FieldKind)>,
    /// How many of these events are of each log type.
    pub log_types: BTreeMap<LogType, u64>,
}

impl Uploads {
    /// Shows what a file, or its beginning, would become. Nothing is stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` when it cannot be read.
    pub async fn preview(&self, file: &ReceivedFile, options: &UploadOptions) -> Result<Preview> {
        let decode = self.inner.decode_options(options);
        let (path, filename) = (file.path.clone(), file.filename.clone());
        let decoded = tokio::task::spawn_blocking(move || {
            let mut head = Vec::new();
            File::open(&path)?.take(PREVIEW_BYTES_MAX).read_to_end(&mut head)?;
            if detect(&head, Some(&filename)).format == Format::Parquet {
                return first_records(&path, &filename, decode);
            }
            preview_bytes(&head, Some(&filename), &decode, RECORDS_MAX)
        });
        let decoded = decoded.await.map_err(|error| Error::internal(format!("the preview stopped: {error}")))?;
        decoded.map(|(detected, batch)| Preview::of(detected, batch)).map_err(unreadable)
    }
}

fn first_records(
    path: &std::path::Path,
    filename: &str,
    decode: DecodeOptions,
) -> Result<(Detected, Batch), DecodeError> {
    let mut reader = open_file(path, Some(filename), decode)?;
    let mut batch = reader.next().transpose()?.unwrap_or_default();
    batch.events.truncate(RECORDS_MAX);
    batch.rejects.truncate(RECORDS_MAX);
    Ok((reader.detected(), batch))
}

impl Preview {
    fn of(detected: Detected, batch: Batch) -> Self {
        let mut fields: Vec<(String, FieldKind)> = Vec::new();
        let mut log_types = BTreeMap::new();
        for event in batch.events.events() {
            *log_types.entry(event.log_type).or_default() += 1;
            event.for_each_leaf(&mut |name, value| {
                let Some(kind) = mapping::kind_in(event.log_type, name).or_else(|| kind_of_value(value)) else {
                    return;
                };
                match fields.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known = wider(*known, kind),
                    None => fields.push((name.into(), kind)),
                }
            });
        }
        Self { detected, batch, fields, log_types }
    }

    /// The records that became no event.
    pub fn rejects(&self) -> &[Reject] {
        &self.batch.rejects
    }
}

/// `None` for null, which tells nothing.
fn kind_of_value(value: &Value) -> Option<FieldKind> {
    match value {
        Value::Bool(_) => Some(FieldKind::Bool),
        Value::Int(_) => Some(FieldKind::Int),
        Value::Float(_) | Value::BigNumber(_) => Some(FieldKind::Float),
        Value::Text(_) => Some(FieldKind::Keyword),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    }
}

/// The kind that holds values of both.
fn wider(left: FieldKind, right: FieldKind) -> FieldKind {
    match (left, right) {
        (left, right) if left == right => left,
        (FieldKind::Int, FieldKind::Float) | (FieldKind::Float, FieldKind::Int) => FieldKind::Float,
        _ => FieldKind::Keyword,
    }
}
