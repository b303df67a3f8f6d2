//! The sentence of a rule with the values that it speaks of.

use crate::cel::Slot;
use crate::stream::SIGNALS;

/// Decimals of numbers that are not whole.
const DECIMALS: usize = 2;

/// The text with each `{signal}` replaced by its value; what names no signal stays as it is.
pub(super) fn render(text: &str, values: &[Slot<'_>]) -> String {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        rendered.push_str(before);
        let named = behind.split_once('}').and_then(|(name, after)| Some((value(name, values)?, after)));
        match named {
            Some((value, after)) => {
                rendered.push_str(&value);
                rest = after;
            }
            None => {
                rendered.push('{');
                rest = behind;
            }
        }
    }
    rendered.push_str(rest);
    rendered
}

/// A signal and its value.
pub(crate) fn told(place: usize, values: &[Slot<'_>]) -> String {
    let name = SIGNALS.get(place).map_or("?", |(name, _)| name);
    format!("{name} = {}", values.get(place).map_or_else(|| "?".to_owned(), shown))
}

fn value(name: &str, values: &[Slot<'_>]) -> Option<String> {
    let place = SIGNALS.iter().position(|(known, _)| *known == name)?;
    values.get(place).map(shown)
}

fn shown(value: &Slot<'_>) -> String {
    match value {
        Slot::Missing => "?".to_owned(),
        Slot::Bool(flag) => flag.to_string(),
        Slot::Int(number) => number.to_string(),
        Slot::Double(number) if number.fract() == 0.0 => format!("{number:.0}"),
        Slot::Double(number) => format!("{number:.DECIMALS$}"),
        Slot::Text(text) => (*text).to_owned(),
        Slot::Texts(texts) => texts.join(", "),
        Slot::Instant(nanos) => vigie_domain::Timestamp::from_nanos(*nanos).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_they_are_named() {
        let mut values = vec![Slot::Missing; SIGNALS.len()];
        values[1] = Slot::Double(12.5);
        values[2] = Slot::Text("EUR");
        let check = |text: &str, expected: &str| assert_eq!(render(text, &values), expected);
        check("{transaction.amount} {transaction.currency} paid", "12.50 EUR paid");
        check("{nothing} and {transaction.user}", "{nothing} and ?");
        check("open { end", "open { end");
        check("", "");
    }
}
