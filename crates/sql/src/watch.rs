//! Joins without keys compare every row with every other, in one go for each batch: they are made to look whether the
//! answer is still wanted after each few thousand comparisons.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use vigie_storage::TableSession;

/// Its name in plans.
const NAME: &str = "is_wanted";

/// Adds to the condition of every join whether it is still wanted.
pub struct WatchJoins {
    is_wanted: Arc<ScalarUDF>,
}

impl WatchJoins {
    /// For this question.
    pub fn new(session: Arc<TableSession>) -> Self {
        let signature = Signature::exact(Vec::new(), Volatility::Volatile);
        Self { is_wanted: Arc::new(ScalarUDF::new_from_impl(IsWanted { session, signature })) }
    }
}

impl fmt::Debug for WatchJoins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchJoins")
    }
}

impl OptimizerRule for WatchJoins {
    fn name(&self) -> &str {
        "watch_joins"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(mut join) = plan else { return Ok(Transformed::no(plan)) };
        let is_own = |part: &Expr| matches!(part, Expr::ScalarFunction(call) if call.func.name() == NAME);
        let is_watched = |filter: &Expr| filter.exists(|part| Ok(is_own(part)));
        match join.filter.take() {
            Some(filter) if join.on.is_empty() && !is_watched(&filter)? => {
                join.filter = Some(self.is_wanted.call(Vec::new()).and(filter));
                Ok(Transformed::yes(LogicalPlan::Join(join)))
            }
            filter => {
                join.filter = filter;
                Ok(Transformed::no(LogicalPlan::Join(join)))
            }
        }
    }
}

/// Always true, or an error once nobody waits or the time is over.
struct IsWanted {
    session: Arc<TableSession>,
    signature: Signature,
}

impl fmt::Debug for IsWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsWanted")
    }
}

impl PartialEq for IsWanted {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.session, &other.session)
    }
}

impl Eq for IsWanted {}

impl Hash for IsWanted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.session).hash(state);
    }
}

impl ScalarUDFImpl for IsWanted {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.session.check().map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))))
    }
}
