//! How a value lies in a column: the physical type, and the name of the column that holds it.
//!
//! A field may have several columns, one per physical type met: the one of its mapped kind bears its plain name,
//! the others a suffix (`amount`, `amount#text`). So no value is ever refused for its type, and a column name
//! always means the same type, in every part.

use arrow::datatypes::DataType;
use vigie_domain::Timestamp;
use vigie_domain::event_batch::ValueRef;
use vigie_domain::mapping::FieldKind;

/// Digits of a decimal column.
pub const DECIMAL_PRECISION: u8 = 18;
/// Digits of it after the point.
pub const DECIMAL_SCALE: i8 = 4;
/// What a decimal is multiplied by to be whole.
pub const DECIMAL_UNIT: f64 = 10_000.0;
/// Whole numbers up to this size are exact in a float.
pub const EXACT_MAX: i64 = 1 << 53;

/// The physical type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Physical {
    /// One bit.
    Bool,
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Float,
    /// decimal(18, 4).
    Decimal,
    /// Nanoseconds, UTC.
    Instant,
    /// Dictionary of strings.
    Text,
}

/// A scalar in the form in which its column holds it.
pub enum Cell<'a> {
    /// For a bool column.
    Bool(bool),
    /// For an integer column.
    Int(i64),
    /// For a float column.
    Float(f64),
    /// For a decimal column, times `DECIMAL_UNIT`.
    Decimal(i64),
    /// For an instant column.
    Instant(Timestamp),
    /// For a text column.
    Text(&'a str),
}

impl Physical {
    const fn of_kind(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => Self::Text,
            FieldKind::Int => Self::Int,
            FieldKind::Float => Self::Float,
            FieldKind::Decimal => Self::Decimal,
            FieldKind::Bool => Self::Bool,
            FieldKind::Instant => Self::Instant,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Bool => "#bool",
            Self::Int => "#int",
            Self::Float => "#float",
            Self::Decimal => "#decimal",
            Self::Instant => "#instant",
            Self::Text => "#text",
        }
    }

    /// The name of the column of this type for a field.
    pub fn column_name(self, canonical: &str, mapped: Option<FieldKind>) -> String {
        if self == mapped.map_or(Self::Text, Self::of_kind) {
            canonical.to_owned()
        } else {
            format!("{canonical}{}", self.suffix())
        }
    }
}

/// The field that a column belongs to.
pub fn canonical_of(column: &str) -> &str {
    column.split_once('#').map_or(column, |(canonical, _)| canonical)
}

/// The kind of the values of a field's column.
pub const fn kind_of_type(data_type: &DataType) -> FieldKind {
    match data_type {
        DataType::Boolean => FieldKind::Bool,
        DataType::Int64 => FieldKind::Int,
        DataType::Float64 => FieldKind::Float,
        DataType::Decimal128(..) => FieldKind::Decimal,
        DataType::Timestamp(..) => FieldKind::Instant,
        _ => FieldKind::Keyword,
    }
}

/// Whether the field's values may lie in columns; others are kept in the overflow column.
pub fn may_have_columns(canonical: &str) -> bool {
    !canonical.is_empty() && !canonical.starts_with('_') && !canonical.contains('#') && canonical.len() <= 256
}

/// The column type and form for a value, so that reading the column gives exactly the value back; `None` for
/// what no column holds exactly: null, lists, objects and big numbers.
pub fn place<'a>(value: &ValueRef<'a>, mapped: Option<FieldKind>) -> Option<(Physical, Cell<'a>)> {
    Some(match value {
        ValueRef::Bool(flag) => (Physical::Bool, Cell::Bool(*flag)),
        ValueRef::Int(number) => place_int(*number, mapped),
        ValueRef::Float(number) => place_float(*number, mapped),
        ValueRef::Text(text) => place_text(text, mapped),
        ValueRef::Null | ValueRef::OwnTime(_) | ValueRef::OwnType(_) | ValueRef::Tree(_) => return None,
    })
}

fn place_int<'a>(number: i64, mapped: Option<FieldKind>) -> (Physical, Cell<'a>) {
    match mapped {
        Some(FieldKind::Decimal) if number.abs_diff(0) < 10u64.pow(14) => {
            (Physical::Decimal, Cell::Decimal(number * DECIMAL_UNIT as i64))
        }
        Some(FieldKind::Float) if (-EXACT_MAX..=EXACT_MAX).contains(&number) => {
            (Physical::Float, Cell::Float(number as f64))
        }
        _ => (Physical::Int, Cell::Int(number)),
    }
}

fn place_float<'a>(number: f64, mapped: Option<FieldKind>) -> (Physical, Cell<'a>) {
    let scaled = (number * DECIMAL_UNIT).round();
    let is_exact = scaled.abs() < EXACT_MAX as f64 && scaled / DECIMAL_UNIT == number;
    if mapped == Some(FieldKind::Decimal) && is_exact {
        (Physical::Decimal, Cell::Decimal(scaled as i64))
    } else {
        (Physical::Float, Cell::Float(number))
    }
}

fn place_text(text: &str, mapped: Option<FieldKind>) -> (Physical, Cell<'_>) {
    if mapped == Some(FieldKind::Instant)
        && let Some(instant) = canonical_instant(text)
    {
        return (Physical::Instant, Cell::Instant(instant));
    }
    (Physical::Text, Cell::Text(text))
}

/// The instant that has exactly this text as its canonical form.
fn canonical_instant(text: &str) -> Option<Timestamp> {
    if text.len() < 24 || !text.ends_with('Z') {
        return None;
    }
    let instant = vigie_domain::time::parse_instant(text, Timestamp::default())?;
    instant.has_text(text).then_some(instant)
}

#[cfg(test)]
mod tests {
    use vigie_domain::Value;

    use super::*;

    fn check(value: ValueRef<'_>, mapped: Option<FieldKind>, expected: Option<Physical>) {
        assert_eq!(place(&value, mapped).map(|(physical, _)| physical), expected, "{value:?} as {mapped:?}");
    }

    #[test]
    fn values_lie_where_they_are_exact() {
        check(ValueRef::Int(5), None, Some(Physical::Int));
        check(ValueRef::Int(5), Some(FieldKind::Float), Some(Physical::Float));
        check(ValueRef::Int(i64::MAX), Some(FieldKind::Float), Some(Physical::Int));
        check(ValueRef::Float(12.34), Some(FieldKind::Decimal), Some(Physical::Decimal));
        check(ValueRef::Float(0.123_456), Some(FieldKind::Decimal), Some(Physical::Float));
        check(ValueRef::Float(1e300), Some(FieldKind::Decimal), Some(Physical::Float));
        check(ValueRef::Text("abc"), Some(FieldKind::Decimal), Some(Physical::Text));
        check(ValueRef::Text("2026-11-23T14:04:05.678Z"), Some(FieldKind::Instant), Some(Physical::Instant));
        check(ValueRef::Text("2026-11-23"), Some(FieldKind::Instant), Some(Physical::Text));
        check(ValueRef::Null, None, None);
        check(ValueRef::Tree(Value::List(vec![])), None, None);
    }

    #[test]
    fn the_mapped_type_has_the_plain_name() {
        assert_eq!(Physical::Decimal.column_name("amount", Some(FieldKind::Decimal)), "amount");
        assert_eq!(Physical::Text.column_name("amount", Some(FieldKind::Decimal)), "amount#text");
        assert_eq!(Physical::Int.column_name("retries", None), "retries#int");
        assert_eq!(canonical_of("retries#int"), "retries");
    }
}
