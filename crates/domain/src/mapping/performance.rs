//! `performance`: how long a request took. Web access logs are these.

use super::FieldKind::{Bool, Float, Int, Keyword};
use super::{FieldDef, field};

pub(super) const FIELDS: &[FieldDef] = &[
    field("endpoint", Keyword),
    field("method", Keyword),
    field("status_code", Int),
    field("response_time_ms", Float),
    field("db_query_time_ms", Float),
    field("db_query_type", Keyword),
    field("db_table", Keyword),
    field("cache_hit", Bool),
    field("bytes_sent", Int),
    field("cpu_percent", Float),
    field("memory_mb", Float),
];
