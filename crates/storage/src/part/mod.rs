//! Parts: immutable Parquet files, one day and one log type each, rows in time order.
//!
//! Any reader of Parquet reads them. Columns are those of a chunk; the fields that have values in the overflow
//! column are listed in the file's metadata.

mod reader;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::disk;
use crate::manifest::PartMeta;

pub use writer::write;

/// Key of the file's metadata under which the overflowed fields are listed, as JSON.
const OVERFLOW_FIELDS_KEY: &str = "vigie.overflow_fields";

/// A published part. Its file is removed once it is obsolete and nobody reads it any more.
#[derive(Debug)]
pub struct Part {
    /// What the manifest says of it.
    pub meta: PartMeta,
    path: PathBuf,
    footer: OnceLock<Footer>,
    is_obsolete: AtomicBool,
}

#[derive(Clone, Debug)]
struct Footer {
    reader: ArrowReaderMetadata,
    overflow_fields: Arc<std::collections::BTreeSet<String>>,
}

impl Part {
    /// The part with this file.
    pub fn new(meta: PartMeta, path: PathBuf) -> Self {
        Self { meta, path, footer: OnceLock::new(), is_obsolete: AtomicBool::new(false) }
    }

    /// Says that the manifest no longer lists it.
    pub fn set_obsolete(&self) {
        self.is_obsolete.store(true, Ordering::Release);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.is_obsolete.load(Ordering::Acquire)
            && let Err(error) = disk::remove_file(&self.path)
        {
            // The next start removes files that the manifest does not list.
            tracing::warn!(path = %self.path.display(), %error, "an obsolete part could not be removed");
        }
    }
}
