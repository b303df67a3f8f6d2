//! What the newest rows found so far say of rows that are still to be read: `ORDER BY "@timestamp" DESC LIMIT n` needs none
//! that is older than the oldest of n.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, DynamicFilterPhysicalExpr, Literal};
use vigie_domain::Timestamp;
use vigie_domain::event::pseudo_fields;

/// A condition on the events' own time that becomes narrower while a statement runs.
#[derive(Clone)]
pub struct NewerThan {
    expression: Arc<dyn PhysicalExpr>,
}

impl NewerThan {
    /// The condition, if it is one that changes and reads the events' time.
    pub fn new(filter: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Option<Self> {
        let is_dynamic = filter.downcast_ref::<DynamicFilterPhysicalExpr>().is_some();
        let reads_time = filter.children().iter().any(|child| is_time(child));
        (is_dynamic && reads_time && schema.column_with_name(pseudo_fields::TIMESTAMP).is_some())
            .then(|| Self { expression: filter.clone() })
    }

    /// The condition.
    pub const fn expression(&self) -> &Arc<dyn PhysicalExpr> {
        &self.expression
    }

    /// Rows at this instant or before are not wanted, as far as is known now.
    pub fn bound(&self) -> Option<Timestamp> {
        let current = self.expression.downcast_ref::<DynamicFilterPhysicalExpr>()?.current().ok()?;
        bound_of(&current)
    }
}

fn is_time(expression: &Arc<dyn PhysicalExpr>) -> bool {
    expression.downcast_ref::<Column>().is_some_and(|column| column.name() == pseudo_fields::TIMESTAMP)
}

/// The instant that the time must be above, where that is all the condition says or one of several things that must hold.
fn bound_of(condition: &Arc<dyn PhysicalExpr>) -> Option<Timestamp> {
    let binary = condition.downcast_ref::<BinaryExpr>()?;
    match binary.op() {
        Operator::And => bound_of(binary.left()).or_else(|| bound_of(binary.right())),
        // Every event has a time: that it may be null changes nothing.
        Operator::Or if is_null_test(binary.left()) => bound_of(binary.right()),
        Operator::Gt if is_time(binary.left()) => {
            let ScalarValue::TimestampNanosecond(Some(nanos), _) = binary.right().downcast_ref::<Literal>()?.value()
            else {
                return None;
            };
            Some(Timestamp::from_nanos(*nanos))
        }
        _ => None,
    }
}

fn is_null_test(expression: &Arc<dyn PhysicalExpr>) -> bool {
    let test = expression.downcast_ref::<datafusion::physical_expr::expressions::IsNullExpr>();
    test.is_some_and(|test| is_time(test.arg()))
}
