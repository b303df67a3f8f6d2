//! What of a condition the scan can decide, in its own language. Events for which the condition holds always match
//! what is answered here; others may, and are left out above.

use std::collections::HashMap;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Like, Operator};
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::query::{Bound, Predicate, Query, tokens};
use vigie_domain::{TimeRange, Timestamp};

/// Whole numbers up to this size are exact in a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Values of a list that are asked for one by one.
const LIST_MAX: usize = 100;
/// Digits after the point of amounts.
const AMOUNT_SCALE: i8 = 4;

/// What the scan decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Pushed {
    /// Exactly the events of this time.
    Within(TimeRange),
    /// At least the events that match.
    Matching(Query),
}

impl Pushed {
    /// As a query.
    fn into_query(self) -> Query {
        let range = match self {
            Self::Matching(query) => return query,
            Self::Within(range) => range,
        };
        let lower = (range.from > Timestamp::MIN).then(|| Bound::Inclusive(range.from.to_string()));
        let upper = (range.to < Timestamp::MAX).then(|| Bound::Exclusive(range.to.to_string()));
        in_range(pseudo_fields::TIMESTAMP, lower.unwrap_or(Bound::Open), upper.unwrap_or(Bound::Open))
    }
}

/// What the scan can decide of the condition, if anything; `kinds` are those of the table's columns.
pub fn pushed(condition: &Expr, kinds: &HashMap<String, FieldKind>) -> Option<Pushed> {
    let query = |expr: &Expr| pushed(expr, kinds).map(Pushed::into_query);
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (pushed(left, kinds), pushed(right, kinds)) {
                (Some(Pushed::Within(one)), Some(Pushed::Within(other))) => {
                    Some(Pushed::Within(TimeRange { from: one.from.max(other.from), to: one.to.min(other.to) }))
                }
                (Some(one), Some(other)) => Some(Pushed::Matching(one.into_query().and(other.into_query()))),
                // Half of it leaves out less, and is no longer exact.
                (one, other) => one.or(other).map(|half| Pushed::Matching(half.into_query())),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(Pushed::Matching(Query::Or(vec![query(left)?, query(right)?])))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (field(left, kinds), literal(right)) {
            (Some(field), Some(value)) => compared(field, *op, value, kinds),
            _ => compared(field(right, kinds)?, op.swap()?, literal(left)?, kinds),
        },
        Expr::Between(Between { expr, negated: false, low, high }) => {
            let both = [(Operator::GtEq, low), (Operator::LtEq, high)];
            let [low, high] = both.map(|(op, bound)| compared(field(expr, kinds)?, op, literal(bound)?, kinds));
            match (low?, high?) {
                (Pushed::Within(low), Pushed::Within(high)) => {
                    Some(Pushed::Within(TimeRange { from: low.from, to: high.to }))
                }
                (low, high) => Some(Pushed::Matching(low.into_query().and(high.into_query()))),
            }
        }
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= LIST_MAX => {
            let one =
                |value| compared(field(expr, kinds)?, Operator::Eq, literal(value)?, kinds).map(Pushed::into_query);
            Query::any(list.iter().map(one).collect::<Option<Vec<_>>>()?).map(Pushed::Matching)
        }
        Expr::Like(Like { negated: false, expr, pattern, escape_char: None, case_insensitive: false }) => {
            like(field(expr, kinds)?, literal(pattern)?, kinds)
        }
        Expr::IsNotNull(expr) => {
            let field = field(expr, kinds)?;
            let has_always = pseudo_fields::is_pseudo(field);
            (!has_always && kinds.contains_key(field)).then(|| Pushed::Matching(Query::exists(field)))
        }
        Expr::Column(column) => {
            let is_flag = kinds.get(column.name()) == Some(&FieldKind::Bool);
            is_flag.then(|| Pushed::Matching(Query::equals(column.name(), "true")))
        }
        _ => None,
    }
}

/// The field that the expression reads, if it changes nothing but how its value is held.
fn field<'e>(expr: &'e Expr, kinds: &HashMap<String, FieldKind>) -> Option<&'e str> {
    let cast = match expr {
        Expr::Column(column) => return Some(column.name()),
        Expr::Cast(cast) => cast,
        _ => return None,
    };
    let Expr::Column(column) = &*cast.expr else { return None };
    let kind = kinds.get(column.name())?;
    let is_same = match cast.field.data_type() {
        DataType::Float64 => matches!(kind, FieldKind::Int | FieldKind::Decimal | FieldKind::Float),
        // Fewer digits would be rounded.
        DataType::Decimal128(_, scale) => match kind {
            FieldKind::Int => *scale >= 0,
            FieldKind::Decimal => *scale >= AMOUNT_SCALE,
            _ => false,
        },
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => *kind == FieldKind::Keyword,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => *kind == FieldKind::Instant,
        _ => false,
    };
    is_same.then(|| column.name())
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) if !value.is_null() => Some(value),
        _ => None,
    }
}

fn compared(field: &str, op: Operator, value: &ScalarValue, kinds: &HashMap<String, FieldKind>) -> Option<Pushed> {
    match kinds.get(field)? {
        FieldKind::Instant => {
            let at = instant(value)?;
            match field {
                pseudo_fields::TIMESTAMP => range(op, at).map(Pushed::Within),
                _ => bounded(field, op, &at.to_string()).map(Pushed::Matching),
            }
        }
        FieldKind::Int | FieldKind::Float | FieldKind::Decimal => {
            let number = number(value)?;
            Some(Pushed::Matching(bounded(field, op, &number.to_string())?))
        }
        FieldKind::Bool => match (op, value) {
            (Operator::Eq, ScalarValue::Boolean(Some(flag))) => {
                Some(Pushed::Matching(Query::equals(field, flag.to_string())))
            }
            _ => None,
        },
        FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => {
            let text = value.try_as_str()??;
            let is_findable = !mapping::is_text(field) || !tokens::words(text).is_empty();
            (op == Operator::Eq && is_findable).then(|| Pushed::Matching(Query::equals(field, text)))
        }
    }
}

/// At least the values that compare so with the bound.
fn bounded(field: &str, op: Operator, bound: &str) -> Option<Query> {
    let bound = || Bound::Inclusive(bound.to_owned());
    Some(match op {
        Operator::Eq => in_range(field, bound(), bound()),
        Operator::Gt | Operator::GtEq => in_range(field, bound(), Bound::Open),
        Operator::Lt | Operator::LtEq => in_range(field, Bound::Open, bound()),
        _ => return None,
    })
}

fn in_range(field: &str, lower: Bound, upper: Bound) -> Query {
    Query::Field { field: field.to_owned(), predicate: Predicate::Range { lower, upper } }
}

/// Exactly the instants that compare so.
fn range(op: Operator, at: Timestamp) -> Option<TimeRange> {
    let next = at.as_nanos().checked_add(1).map(Timestamp::from_nanos)?;
    Some(match op {
        Operator::Eq => TimeRange { from: at, to: next },
        Operator::Gt => TimeRange { from: next, to: Timestamp::MAX },
        Operator::GtEq => TimeRange { from: at, to: Timestamp::MAX },
        Operator::Lt => TimeRange { from: Timestamp::MIN, to: at },
        Operator::LtEq => TimeRange { from: Timestamp::MIN, to: next },
        _ => return None,
    })
}

fn instant(value: &ScalarValue) -> Option<Timestamp> {
    let ScalarValue::TimestampNanosecond(Some(nanos), _) = value else { return None };
    Some(Timestamp::from_nanos(*nanos))
}

fn number(value: &ScalarValue) -> Option<f64> {
    let ScalarValue::Float64(number) = value.cast_to(&DataType::Float64).ok()? else { return None };
    number.filter(|number| value.data_type().is_numeric() && number.abs() < EXACT_MAX)
}

/// A pattern of SQL as one of the query language.
fn like(field: &str, pattern: &ScalarValue, kinds: &HashMap<String, FieldKind>) -> Option<Pushed> {
    if kinds.get(field) != Some(&FieldKind::Keyword) || mapping::is_text(field) {
        return None;
    }
    let mut glob = String::new();
    for sign in pattern.try_as_str()??.chars() {
        match sign {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '\\' => return None,
            '*' | '?' => glob.extend(['\\', sign]),
            other => glob.push(other),
        }
    }
    let predicate = Predicate::Wildcard(glob);
    Some(Pushed::Matching(Query::Field { field: field.to_owned(), predicate }))
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::Cast;
    use datafusion::prelude::{col, ident, lit};

    use super::*;

    fn check(condition: &Expr, expected: Option<&str>) {
        let kinds = [
            ("@timestamp", FieldKind::Instant),
            ("service", FieldKind::Keyword),
            ("message", FieldKind::Keyword),
            ("amount", FieldKind::Decimal),
            ("is_bot", FieldKind::Bool),
        ];
        let kinds = kinds.map(|(name, kind)| (name.to_owned(), kind)).into();
        let found = pushed(condition, &kinds).map(|pushed| match pushed {
            Pushed::Within(range) => format!("[{}, {})", range.from.as_nanos(), range.to.as_nanos()),
            Pushed::Matching(query) => query.to_string(),
        });
        assert_eq!(found.as_deref(), expected, "{condition}");
    }

    fn at(nanos: i64) -> Expr {
        lit(ScalarValue::TimestampNanosecond(Some(nanos), Some("UTC".into())))
    }

    #[test]
    fn times_are_exact() {
        let time = || ident("@timestamp");
        check(&time().gt_eq(at(5)), Some(&format!("[5, {})", i64::MAX)));
        check(&time().gt(at(5)).and(time().lt_eq(at(9))), Some("[6, 10)"));
        check(&time().between(at(5), at(9)), Some("[5, 10)"));
        check(&at(5).gt(time()), Some(&format!("[{}, 5)", i64::MIN)));
        check(&time().not_eq(at(5)), None);
    }

    #[test]
    fn conditions_leave_out_only_what_cannot_hold() {
        check(&col("service").eq(lit("cart")), Some("service:cart"));
        check(&col("service").not_eq(lit("cart")), None);
        check(&col("service").in_list(vec![lit("a"), lit("b")], false), Some("service:a OR service:b"));
        check(&col("service").in_list(vec![lit("a"), lit("b")], true), None);
        check(&col("service").like(lit("pay*_%")), Some(r"service:pay\*?*"));
        check(&col("amount").gt(lit(5.5)), Some("amount>=5.5"));
        check(&lit(5).gt(col("amount")), Some("amount<=5"));
        check(&col("amount").gt(lit(1e17)), None);
        let cast = |scale| Expr::Cast(Cast::new(Box::new(col("amount")), DataType::Decimal128(20, scale)));
        check(&cast(4).eq(lit(5)), Some("amount:[5 TO 5]"));
        check(&cast(0).eq(lit(5)), None);
        check(&col("is_bot"), Some("is_bot:true"));
        check(&col("service").is_null(), None);
        check(&col("service").is_not_null(), Some("service:*"));
        check(&col("message").eq(lit("--")), None);
        check(&col("message").like(lit("a%")), None);
    }

    #[test]
    fn half_of_and_is_pushed_and_half_of_or_is_not() {
        let (one, other) = (col("service").eq(lit("a")), col("service").not_eq(lit("b")));
        check(&one.clone().and(other.clone()), Some("service:a"));
        check(&one.clone().or(other), None);
        check(&one.or(col("amount").lt(lit(3))), Some("service:a OR amount<=3"));
    }
}
