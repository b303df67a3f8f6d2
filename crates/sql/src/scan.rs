//! Reads the events of one mention of a view.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, ReplaceChildrenOptions,
};
use vigie_domain::ports::Selection;
use vigie_domain::query::Query;
use vigie_domain::{TimeRange, Timestamp};
use vigie_storage::{TableRows, TableScan, TableShare};

use crate::newer::NewerThan;

/// The scan, in shares of about as many rows.
#[derive(Clone)]
pub struct LogScan {
    scan: TableScan,
    shares: Vec<TableShare>,
    /// What it leaves out, in words.
    words: String,
    limit: Option<usize>,
    /// Rows not after this instant are no longer wanted, as the operators above learn while they run.
    newer: Option<NewerThan>,
    properties: Arc<PlanProperties>,
}

impl LogScan {
    /// Of this scan for so many readers, each ending after `limit` rows.
    pub fn new(scan: TableScan, selection: &Selection, limit: Option<usize>, readers: usize) -> Self {
        let shares = scan.shares(readers);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            Partitioning::UnknownPartitioning(shares.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { shares, words: words_of(selection), limit, newer: None, properties: Arc::new(properties), scan }
    }
}

fn words_of(Selection { query, range }: &Selection) -> String {
    let mut words = String::new();
    if *query != Query::All {
        words.push_str(&format!(", query=[{query}]"));
    }
    let TimeRange { from, to } = *range;
    if from > Timestamp::MIN {
        words.push_str(&format!(", from={from}"));
    }
    if to < Timestamp::MAX {
        words.push_str(&format!(", to={to}"));
    }
    words
}

impl fmt::Debug for LogScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogScan").field("numbers", &self.scan.numbers).finish_non_exhaustive()
    }
}

impl DisplayAs for LogScan {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.scan.numbers;
        write!(f, "LogScan: units={} of {}", numbers.units_read, numbers.units)?;
        write!(f, ", rows={} of {}{}", numbers.rows_read, numbers.rows, self.words)?;
        if self.newer.is_some() {
            f.write_str(", newest only")?;
        }
        let schema = self.scan.schema();
        let fields: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, ", fields=[{}]", fields.join(", "))
    }
}

impl ExecutionPlan for LogScan {
    fn name(&self) -> &'static str {
        "LogScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.newer.as_ref().map_or(Ok(TreeNodeRecursion::Continue), |newer| f(newer.expression()))
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let share = self.shares.get(partition).ok_or_else(|| {
            DataFusionError::Internal(format!("share {partition} of {} was asked for", self.shares.len()))
        })?;
        let rows = Rows { rows: share.read(), left: self.limit.unwrap_or(usize::MAX), newer: self.newer.clone() };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.scan.schema(), futures_util::stream::iter(rows))))
    }

    fn statistics_from_inputs(&self, _input: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.scan.schema());
        if args.partition().is_none()
            && self.limit.is_none()
            && let Some(rows) = self.scan.exact_rows()
        {
            statistics.num_rows = Precision::Exact(rows);
        }
        Ok(Arc::new(statistics))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = result.parent_filters.iter().map(|parent| &parent.filter);
        let newer = filters.filter_map(|filter| NewerThan::new(filter, &self.scan.schema())).next();
        // Whoever asks still decides itself.
        let answer =
            FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; result.parent_filters.len()]);
        match newer {
            Some(newer) if phase == FilterPushdownPhase::Post => {
                Ok(answer.with_updated_node(Arc::new(Self { newer: Some(newer), ..self.clone() })))
            }
            _ => Ok(answer),
        }
    }
}

/// The rows of a share, as long as they are wanted.
struct Rows {
    rows: TableRows,
    left: usize,
    newer: Option<NewerThan>,
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if let Some(bound) = self.newer.as_ref().and_then(NewerThan::bound) {
            self.rows.leave_out_until(bound);
        }
        match self.rows.next()? {
            Ok(batch) => {
                let batch = batch.slice(0, batch.num_rows().min(self.left));
                self.left -= batch.num_rows();
                Some(Ok(batch))
            }
            Err(error) => Some(Err(DataFusionError::External(Box::new(error)))),
        }
    }
}
