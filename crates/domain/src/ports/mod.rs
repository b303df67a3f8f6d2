//! The ports: what use cases need from the outside. Each has one conformance suite in `testkit`.

mod log_store;
mod metadata_store;
mod notifier;
mod sql_store;

pub use log_store::{
    AggregateRequest, AggregateResult, Append, AppendOutcome, FieldInfo, Fields, Hit, IndexInfo, Lines, LogStore,
    QueryNumbers, ScanStats, SearchRequest, SearchResult, SegmentInfo, Selection, SortOrder,
};
pub use metadata_store::{Document, Filter, FindRequest, MetadataStore};
pub use notifier::{Notice, Notifier};
pub use sql_store::{SqlAnswer, SqlColumn, SqlRequest, SqlStore};
