//! A JSON value as Vigie keeps it: numbers exact, object order kept.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt;

/// A string of an event: up to 24 bytes are held in place, which most names and values are.
pub type Text = compact_str::CompactString;

/// Names and values in the order in which they were sent.
pub type Object = Vec<(Text, Value)>;

/// One value of an event.
///
/// Numbers have one form each: an integral number within ±2^53 is always `Int`, never `Float`, so
/// that equal numbers compare equal however they were written (`5`, `5.0`, `5e0`).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number that is not whole, or too large for `Int`.
    Float(f64),
    /// A number literal that neither `i64` nor `f64` holds exactly, as it was written.
    BigNumber(String),
    /// A string.
    Text(Text),
    /// A list.
    List(Vec<Value>),
    /// An object; names may repeat only if the sender repeated them.
    Object(Object),
}

/// Whole floats up to this size are kept as integers.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl Value {
    /// The value of a finite number in its one form; `None` for NaN and infinities.
    pub fn number(number: f64) -> Option<Self> {
        if !number.is_finite() {
            None
        } else if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
            Some(Self::Int(number as i64))
        } else {
            Some(Self::Float(number))
        }
    }

    /// A string value.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number as a float (rounded where `f64` cannot hold it), if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::BigNumber(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether it is neither a list nor an object.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object(_))
    }

    /// The value as `serde_json` has it; big numbers become text, because its tree would round them.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            // What 64 bits hold without a sign is a number to everybody; text keeps the digits of what is larger.
            Self::BigNumber(text) => text.parse::<u64>().map_or_else(|_| text.as_str().into(), Into::into),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(fields) => object_to_json(fields),
        }
    }

    /// The value from `serde_json`'s.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => Self::from_json_number(number),
            serde_json::Value::String(text) => Self::text(text.as_str()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(fields) => {
                Self::Object(fields.iter().map(|(name, value)| (Text::new(name), Self::from_json(value))).collect())
            }
        }
    }

    fn from_json_number(number: &serde_json::Number) -> Self {
        if let Some(whole) = number.as_i64() {
            return Self::Int(whole);
        }
        if number.is_u64() {
            return Self::BigNumber(number.to_string());
        }
        number.as_f64().and_then(Self::number).unwrap_or_else(|| Self::BigNumber(number.to_string()))
    }
}

/// The object as `serde_json` has it.
pub fn object_to_json(fields: &Object) -> serde_json::Value {
    serde_json::Value::Object(fields.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect())
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

/// JSON, object order kept; a big number is written as the literal that was sent.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::BigNumber(literal) => match serde_json::value::RawValue::from_string(literal.clone()) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => serializer.serialize_str(literal),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::BigNumber(number.to_string()), Value::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Value::number(number).ok_or_else(|| E::custom("number is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = map.next_entry()? {
            fields.push(entry);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Value) {
        let value: Value = serde_json::from_str(json).unwrap_or(Value::Null);
        assert_eq!(value, expected, "{json}");
    }

    #[test]
    fn numbers_have_one_form() {
        check("5", Value::Int(5));
        check("5.0", Value::Int(5));
        check("5e0", Value::Int(5));
        check("5.5", Value::Float(5.5));
        check("1e300", Value::Float(1e300));
        check("18446744073709551615", Value::BigNumber("18446744073709551615".into()));
        let shown = |literal: &str| Value::BigNumber(literal.into()).to_json();
        assert_eq!(shown("18446744073709551615"), serde_json::json!(u64::MAX));
        assert_eq!(shown("18446744073709551616"), serde_json::json!("18446744073709551616"));
    }

    #[test]
    fn object_order_is_kept() {
        let json = r#"{"b":1,"a":[null,true,"x"],"c":{"d":0.5}}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }
}
