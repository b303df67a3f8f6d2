//! SQL and its answers, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use vigie_domain::Value;
use vigie_domain::ports::{SqlAnswer, SqlColumn};

/// A statement.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = SqlRequest)]
#[serde(default, deny_unknown_fields)]
pub struct SqlRequest {
    /// What to answer; reads only.
    #[schema(
        example = "SELECT service, count(*) AS errors FROM logs WHERE level = 'ERROR' GROUP BY service ORDER BY errors DESC"
    )]
    pub query: String,
    /// Rows at most: 1,000 unless said, up to 10,000.
    pub limit: Option<usize>,
}

/// Rows of values.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SqlAnswer)]
pub struct SqlView {
    /// The columns, in order.
    pub columns: Vec<SqlColumnView>,
    /// The rows: as many values in each as there are columns. Instants are texts in UTC.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub rows: Vec<Vec<Json>>,
    /// Whether there were more rows than `limit`.
    pub truncated: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Events looked at.
    pub rows_scanned: u64,
}

/// A column of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SqlColumn)]
pub struct SqlColumnView {
    /// As the statement names it.
    pub name: String,
    /// `varchar`, `bigint`, `double`, `decimal(18,4)`, `boolean`, `timestamp`, `date` …
    #[schema(example = "bigint")]
    pub r#type: String,
}

impl From<SqlColumn> for SqlColumnView {
    fn from(column: SqlColumn) -> Self {
        Self { name: column.name, r#type: column.type_name }
    }
}

impl SqlView {
    /// The answer, after so many milliseconds.
    pub fn new(answer: SqlAnswer, took_ms: u64) -> Self {
        Self {
            columns: answer.columns.into_iter().map(SqlColumnView::from).collect(),
            rows: answer.rows.iter().map(|row| row.iter().map(Value::to_json).collect()).collect(),
            truncated: answer.is_cut,
            took_ms,
            rows_scanned: answer.stats.rows_scanned,
        }
    }
}
