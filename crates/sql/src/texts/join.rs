//! `||` as a function: one text behind the other, null when any is.

use std::sync::Arc;

use arrow::array::StringBuilder;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::growth::text_at;

/// Its name in plans.
const NAME: &str = "join_texts";

/// Joins texts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct JoinTexts {
    signature: Signature,
}

impl Default for JoinTexts {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

fn shown(arguments: &[Expr]) -> String {
    arguments.iter().map(|argument| argument.schema_name().to_string()).collect::<Vec<_>>().join(" || ")
}

impl ScalarUDFImpl for JoinTexts {
    fn name(&self) -> &str {
        NAME
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(shown(arguments))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() < 2 {
            return plan_err!("|| joins two texts or more");
        }
        Ok(vec![DataType::Utf8; types.len()])
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let joined = |row: usize| {
            let texts: Option<Vec<&str>> = arguments.args.iter().map(|argument| text_at(argument, row)).collect();
            texts.map(|texts| texts.concat())
        };
        if arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(joined(0))));
        }
        let mut texts = StringBuilder::new();
        for row in 0..arguments.number_rows {
            texts.append_option(joined(row));
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}

/// Plans `||`.
#[derive(Debug)]
pub(super) struct JoinPlanner {
    join: Arc<ScalarUDF>,
}

impl JoinPlanner {
    /// As a call of this function.
    pub(super) const fn new(join: Arc<ScalarUDF>) -> Self {
        Self { join }
    }

    fn is_joined(&self, side: &Expr) -> bool {
        matches!(side, Expr::ScalarFunction(call) if call.func == self.join)
    }
}

impl ExprPlanner for JoinPlanner {
    fn plan_binary_op(&self, asked: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_single = |side: &Expr| {
            self.is_joined(side) || side.get_type(schema).is_ok_and(|kind| !kind.is_nested() && !kind.is_binary())
        };
        if asked.op != BinaryOperator::StringConcat || !is_single(&asked.left) || !is_single(&asked.right) {
            return Ok(PlannerResult::Original(asked));
        }
        // A chain is one call: calls within calls within calls are planned slowly.
        let mut texts = match asked.left {
            Expr::ScalarFunction(call) if call.func == self.join => call.args,
            other => vec![other],
        };
        texts.push(asked.right);
        Ok(PlannerResult::Planned(self.join.call(texts)))
    }
}
