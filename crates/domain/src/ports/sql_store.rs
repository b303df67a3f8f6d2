//! SQL about events, read only.

use async_trait::async_trait;

use super::ScanStats;
use crate::Result;
use crate::scope::Scope;
use crate::value::Value;

/// Answers SQL about events: the view `logs`, and one view per log type. Dropping the future stops the work for it.
#[async_trait]
pub trait SqlStore: Send + Sync {
    /// The answer to one statement that only reads.
    ///
    /// # Errors
    /// `Malformed` when it cannot be read, with the place where that is known; `Invalid` when it asks for what there is
    /// not, or would change something; `TimedOut` and `TooLarge` past the bounds of every question.
    async fn query(&self, scope: &Scope, request: &SqlRequest) -> Result<SqlAnswer>;
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlRequest {
    /// Its text.
    pub text: String,
    /// Rows of the answer at most.
    pub rows_max: usize,
}

/// Rows of values.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlAnswer {
    /// The columns, in order.
    pub columns: Vec<SqlColumn>,
    /// The rows, as many values in each as there are columns.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than asked for.
    pub is_cut: bool,
    /// What it cost.
    pub stats: ScanStats,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlColumn {
    /// As named by the statement.
    pub name: String,
    /// Its type, in SQL's words: `varchar`, `bigint`, `double`, `decimal(18,4)`, `boolean`, `timestamp` …
    pub type_name: String,
}
