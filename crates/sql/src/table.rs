//! A view of the events.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use vigie_domain::mapping::FieldKind;
use vigie_domain::ports::Selection;
use vigie_domain::query::Query;
use vigie_domain::{LogType, TimeRange};
use vigie_storage::{TableColumn, TableSession, schema_of};

use crate::pushdown::{Pushed, pushed};
use crate::scan::LogScan;

/// The events of some log types.
pub struct LogTable {
    session: Arc<TableSession>,
    log_types: Vec<LogType>,
    columns: Vec<TableColumn>,
    kinds: HashMap<String, FieldKind>,
    schema: SchemaRef,
}

impl LogTable {
    /// As they were when the session began.
    ///
    /// # Errors
    /// When a part cannot be read.
    pub fn new(session: Arc<TableSession>, log_types: Vec<LogType>) -> vigie_domain::Result<Self> {
        let columns = session.columns(&log_types)?;
        let kinds = columns.iter().map(|column| (column.field.clone(), column.kind)).collect();
        let schema = schema_of(&columns);
        Ok(Self { session, log_types, columns, kinds, schema })
    }

    /// What the filters say of the events, as far as the scan understands them.
    fn selection(&self, filters: &[Expr]) -> Selection {
        let mut selection = Selection { query: Query::All, range: TimeRange::ALL };
        for filter in filters {
            match pushed(filter, &self.kinds) {
                Some(Pushed::Within(range)) => {
                    selection.range.from = selection.range.from.max(range.from);
                    selection.range.to = selection.range.to.min(range.to);
                }
                Some(Pushed::Matching(query)) => selection.query = selection.query.and(query),
                None => {}
            }
        }
        selection
    }
}

impl fmt::Debug for LogTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogTable").field("log_types", &self.log_types).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for LogTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let supported = |filter: &&Expr| match pushed(filter, &self.kinds) {
            Some(Pushed::Within(_)) => TableProviderFilterPushDown::Exact,
            // It leaves out what cannot match; the operators above decide again by SQL's own rules.
            Some(Pushed::Matching(_)) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(supported).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            Some(places) => places.iter().map(|place| self.columns[*place].clone()).collect(),
            None => self.columns.clone(),
        };
        let selection = self.selection(filters);
        let scan = self.session.scan(&selection, &self.log_types, columns);
        let scan = scan.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(Arc::new(LogScan::new(scan, &selection, limit, state.config().target_partitions())))
    }
}
