//! Constants of a statement: a batch of rows has each as often as there are rows, so long ones are held like all other strings.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::CONSTANT_BYTES_MAX;

/// Its name in plans.
const NAME: &str = "constant";

/// Its only argument, as it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Constant {
    signature: Signature,
}

impl Default for Constant {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, mut arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(arguments.args.swap_remove(0))
    }
}

/// Makes calls of the constants of every projection whose constants are long together.
pub(super) struct HoldConstants {
    constant: Arc<ScalarUDF>,
}

impl HoldConstants {
    /// Calls of this function.
    pub(super) const fn new(constant: Arc<ScalarUDF>) -> Self {
        Self { constant }
    }

    fn held(&self, expression: Expr) -> Result<Transformed<Expr>> {
        expression.transform_down(|part| match part {
            Expr::Literal(ref value, _) if value.try_as_str().flatten().is_some() => {
                let call = self.constant.call(vec![part]);
                // Its own argument stays what it is.
                Ok(Transformed::new(call, true, TreeNodeRecursion::Jump))
            }
            Expr::ScalarFunction(call) if call.func.name() == NAME => {
                Ok(Transformed::new(Expr::ScalarFunction(call), false, TreeNodeRecursion::Jump))
            }
            other => Ok(Transformed::no(other)),
        })
    }
}

impl fmt::Debug for HoldConstants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HoldConstants")
    }
}

/// Bytes of the texts that stand in the expressions.
fn constant_bytes(expressions: &[Expr]) -> Result<usize> {
    let mut bytes = 0;
    for expression in expressions {
        expression.apply(|part| {
            if let Expr::Literal(value, _) = part {
                bytes += value.try_as_str().flatten().map_or(0, str::len);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(bytes)
}

impl OptimizerRule for HoldConstants {
    fn name(&self) -> &str {
        "hold_constants"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let makes_rows =
            matches!(plan, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_));
        if !makes_rows || constant_bytes(&plan.expressions())? <= CONSTANT_BYTES_MAX {
            return Ok(Transformed::no(plan));
        }
        let names = NamePreserver::new(&plan);
        let held = plan.map_expressions(|expression| {
            let name = names.save(&expression);
            Ok(self.held(expression)?.update_data(|held| name.restore(held)))
        })?;
        held.map_data(LogicalPlan::recompute_schema)
    }
}
