//! Parts: immutable Parquet files, one day and one log type each, rows in time order, each with an index beside it.
//!
//! Any reader of Parquet reads them. Columns are those of a chunk, strings plain; the fields that have values in the
//! overflow column are listed in the file's metadata. The index says nothing that the part does not: see `index`.

mod addresses;
mod batches;
mod checked_file;
mod coded_values;
mod codes;
mod dictionary;
mod encoding;
mod gather;
mod index;
mod instants;
mod opened;
mod order;
mod pages;
mod part_file;
mod planned;
mod reader;
mod sketch;
mod token_filter;
mod verify;
mod write;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::files::{self, SharedFiles};
use crate::manifest::PartMeta;
use opened::Slot;

pub use addresses::{AddressText, number_of};
pub use codes::count_codes;
pub use dictionary::strings_both_ways;
pub use encoding::Effort;
pub use index::{FilterReader, PAGE_ROWS, PageSpan, PartIndex};
pub use opened::OpenedParts;
pub use reader::Rows;
pub use token_filter::{Hashed, NO_STRING, hash_of};
pub use verify::{Damage, DamagedFile, Place, verify};
pub use write::{Merge, merge, write};
pub use writer::WrittenPart;

/// Key of the file's metadata under which the overflowed fields are listed, as JSON.
const OVERFLOW_FIELDS_KEY: &str = "vigie.overflow_fields";

/// A published part. Its files are removed once it is obsolete and nobody reads it any more.
#[derive(Debug)]
pub struct Part {
    /// What the manifest says of it.
    pub meta: PartMeta,
    files: SharedFiles,
    path: PathBuf,
    slot: Arc<Slot>,
    opened_parts: Arc<OpenedParts>,
    is_obsolete: AtomicBool,
    is_unreadable: AtomicBool,
}

impl Part {
    /// The part with this file.
    pub fn new(files: SharedFiles, meta: PartMeta, path: PathBuf) -> Self {
        Self {
            meta,
            files,
            path,
            slot: Arc::default(),
            opened_parts: Arc::default(),
            is_obsolete: AtomicBool::default(),
            is_unreadable: AtomicBool::default(),
        }
    }

    /// The same, what is kept of it bounded together with that of others.
    #[must_use]
    pub fn kept_among(mut self, opened_parts: &Arc<OpenedParts>) -> Self {
        self.opened_parts = opened_parts.clone();
        self
    }

    /// Says that the manifest no longer lists it.
    pub fn set_obsolete(&self) {
        self.is_obsolete.store(true, Ordering::Release);
    }

    /// Whether the manifest no longer lists it.
    pub fn is_obsolete(&self) -> bool {
        self.is_obsolete.load(Ordering::Acquire)
    }

    /// Whether reading it failed since the start.
    pub fn is_unreadable(&self) -> bool {
        self.is_unreadable.load(Ordering::Acquire)
    }

    fn index_path(&self) -> PathBuf {
        self.path.with_extension(INDEX_EXTENSION)
    }
}

/// Extension of a part's file.
pub const PART_EXTENSION: &str = "parquet";
/// Extension of its index.
pub const INDEX_EXTENSION: &str = "index";

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_obsolete() {
            return;
        }
        for path in [self.index_path(), self.path.clone()] {
            if let Err(error) = files::remove_file(&*self.files, &path) {
                // The next start removes files that the manifest does not list.
                tracing::warn!(path = %path.display(), %error, "a file of an obsolete part could not be removed");
            }
        }
    }
}
