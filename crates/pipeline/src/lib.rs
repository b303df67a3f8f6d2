//! From bytes to events: unpack, tell the format, parse, tell the log type, convert.
//!
//! CPU only: no clock, no network, no environment; the only I/O is reading the file given to [`open_file`].
//! Every input record ends in exactly one of two places, an event or a reject with line and reason, unless a pipeline drops it,
//! which is counted, or makes several events of it.
//! The same bytes with the same options give the same batches.

mod archive;
mod batch;
mod beside;
mod bulk;
mod convert;
mod decompress;
mod detect;
mod enrich;
mod error;
mod foreign;
mod format;
mod framed;
pub mod hec;
pub mod logstash;
pub mod loki;
mod options;
pub mod otlp;
mod parse;
mod passage;
mod protobuf;
mod read;
mod redact;
mod source;
mod stages;
mod tag;
mod told;

pub use batch::{BATCH_BYTES_MAX, Batch, RECORDS_PER_BATCH, REJECT_RAW_MAX, Reject};
pub use beside::{Beside, Telling};
pub use bulk::{
    BULK_ITEMS_MAX, BulkAction, BulkBatch, BulkFate, BulkItem, CONDITION, CONDITIONS, EMPTY_ID, INVALID_ITEM,
    NO_SUCH_INDEX, NO_UPDATE, NO_WRITE_INDEX, SENT_INDEX_FIELD, check_index, decode_bulk, decode_document,
    is_daily_index,
};
pub use decompress::{BODY_BYTES_MAX, Compression, FILE_BYTES_MAX, RATIO_MAX, unpack_bytes};
pub use detect::{DETECT_BYTES_MAX, Detected, detect};
pub use enrich::{GeoDatabase, Lookups};
pub use error::DecodeError;
pub use format::{FORMATS, Format, FormatSpec, UnknownFormat};
pub use framed::{Assembler, Framed, Refused};
pub use options::{DecodeOptions, MadeIndices, RECORD_BYTES_MAX};
pub use parse::continuation::{
    JOINED_BLANK_LINES_MAX, JOINED_LINES_MAX, goes_on, is_chained, is_continuation, may_go_on,
};
pub use parse::number::number_from_literal;
pub use passage::TracedRecord;
pub use read::{FileReader, decode_bytes, open_file, preview_bytes, trace_bytes};
pub use redact::{RedactionCounts, RedactionKind, Redactor, RedactorError};
pub use stages::{
    FAN_OUT_MAX, LinePattern, PIPELINE_BYTES_MAX, Pipeline, PipelineError, Run, STAGES_MAX, TraceStep, Traced,
    stage_kinds, try_grok,
};
pub use tag::NO_TIMESTAMP as NO_TIMESTAMP_TAG;
pub use told::told_by_text;
