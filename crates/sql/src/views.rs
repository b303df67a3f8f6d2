//! The views there are: a view's columns are looked up when a statement mentions it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use vigie_domain::LogType;
use vigie_storage::TableSession;

use crate::table::LogTable;

/// The view of every event.
const ALL_LOGS: &str = "logs";

/// The view of every event and those of the log types.
pub struct LogViews {
    session: Arc<TableSession>,
}

impl LogViews {
    /// Of what was stored when the session began.
    pub const fn new(session: Arc<TableSession>) -> Self {
        Self { session }
    }
}

/// The log types whose events the view shows; `None` when there is no such view.
fn log_types_of(view: &str) -> Option<Vec<LogType>> {
    if view == ALL_LOGS {
        return Some(LogType::ALL.to_vec());
    }
    LogType::ALL.into_iter().find(|log_type| log_type.as_str() == view).map(|log_type| vec![log_type])
}

impl fmt::Debug for LogViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogViews")
    }
}

#[async_trait]
impl SchemaProvider for LogViews {
    fn table_names(&self) -> Vec<String> {
        std::iter::once(ALL_LOGS).chain(LogType::ALL.map(LogType::as_str)).map(str::to_owned).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(log_types) = log_types_of(name) else { return Ok(None) };
        let table = LogTable::new(self.session.clone(), log_types);
        Ok(Some(Arc::new(table.map_err(|error| DataFusionError::External(Box::new(error)))?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        log_types_of(name).is_some()
    }
}
