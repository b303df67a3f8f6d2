//! The sentence of a rule with the values that it speaks of.

use crate::cel::Slot;
use crate::stream::{SIGNALS, Signal};

/// Decimals of numbers that are not whole.
const DECIMALS: usize = 2;
/// Digits that are written without a gap.
const GROUP_DIGITS: usize = 3;

/// What a sentence is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// What stands between thousands, and before decimals.
    const fn separators(self) -> (char, char) {
        match self {
            Self::English => (',', '.'),
            // A narrow gap that no line ends in.
            Self::French => ('\u{202f}', ','),
        }
    }

    /// Whether what is counted is named as one thing: Unicode's plural rules (CLDR) for counts.
    fn is_one(self, count: f64) -> bool {
        match self {
            Self::English => count == 1.0,
            Self::French => (0.0..2.0).contains(&count),
        }
    }
}

/// The text with each `{signal}` replaced by its value, and each `{signal thing|things}` by its value and the form that goes with it; what
/// names no signal stays as it is.
pub(super) fn render(text: &str, language: Language, values: &[Slot<'_>]) -> String {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        rendered.push_str(before);
        let named = behind.split_once('}').and_then(|(named, after)| Some((value(named, language, values)?, after)));
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
pub(crate) fn told(place: usize, language: Language, values: &[Slot<'_>]) -> String {
    let name = SIGNALS.get(place).map_or("?", |signal| signal.name);
    format!("{name} = {}", values.get(place).map_or_else(|| "?".to_owned(), |value| shown(value, language)))
}

fn value(named: &str, language: Language, values: &[Slot<'_>]) -> Option<String> {
    let Some((name, forms)) = named.split_once(' ') else {
        return Some(shown(values.get(Signal::place(named)?)?, language));
    };
    let (one, many) = forms.split_once('|')?;
    let value = values.get(Signal::place(name)?)?;
    let is_one = match value {
        Slot::Int(count) => language.is_one(*count as f64),
        Slot::Double(count) => language.is_one(*count),
        _ => false,
    };
    Some(format!("{} {}", shown(value, language), if is_one { one } else { many }))
}

fn shown(value: &Slot<'_>, language: Language) -> String {
    match value {
        Slot::Missing => "?".to_owned(),
        Slot::Bool(flag) => flag.to_string(),
        Slot::Int(number) => written(&number.to_string(), language),
        Slot::Double(number) if number.fract() == 0.0 => written(&format!("{number:.0}"), language),
        Slot::Double(number) => written(&format!("{number:.DECIMALS$}"), language),
        Slot::Text(text) => (*text).to_owned(),
        Slot::Texts(texts) => texts.join(", "),
        Slot::Instant(nanos) => vigie_domain::Timestamp::from_nanos(*nanos).to_string(),
    }
}

/// A number as people of that language write it; what is none stays as it is.
fn written(number: &str, language: Language) -> String {
    let (between, before_decimals) = language.separators();
    let (whole, decimals) = number.split_once('.').map_or((number, None), |(whole, decimals)| (whole, Some(decimals)));
    let digits = whole.trim_start_matches('-');
    let mut written = String::with_capacity(2 * number.len());
    written.push_str(&whole[..whole.len() - digits.len()]);
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if place > 0 && left.is_multiple_of(GROUP_DIGITS) && digit.is_ascii_digit() {
            written.push(between);
        }
        written.push(digit);
    }
    if let Some(decimals) = decimals {
        written.push(before_decimals);
        written.push_str(decimals);
    }
    written
}

#[cfg(test)]
mod tests {
    use Language::{English, French};

    use super::*;

    #[test]
    fn values_stand_where_they_are_named() {
        let mut values = vec![Slot::Missing; SIGNALS.len()];
        values[1] = Slot::Double(12.5);
        values[2] = Slot::Text("EUR");
        let check = |text: &str, expected: &str| assert_eq!(render(text, English, &values), expected);
        check("{transaction.amount} {transaction.currency} paid", "12.50 EUR paid");
        check("{nothing} and {transaction.user}", "{nothing} and ?");
        check("{transaction.amount paid} {nothing one|many}", "{transaction.amount paid} {nothing one|many}");
        check("open { end", "open { end");
        check("", "");
    }

    #[test]
    fn what_is_counted_is_named_in_the_right_number() {
        let check = |count: Slot<'_>, expected_en: &str, expected_fr: &str| {
            let mut values = vec![Slot::Missing; SIGNALS.len()];
            values[Signal::place("user.count_1h").unwrap()] = count;
            assert_eq!(render("{user.count_1h payment|payments} here", English, &values), expected_en);
            assert_eq!(render("{user.count_1h paiement|paiements} ici", French, &values), expected_fr);
        };
        check(Slot::Int(0), "0 payments here", "0 paiement ici");
        check(Slot::Int(1), "1 payment here", "1 paiement ici");
        check(Slot::Double(1.5), "1.50 payments here", "1,50 paiement ici");
        check(Slot::Int(2_000), "2,000 payments here", "2\u{202f}000 paiements ici");
        check(Slot::Missing, "? payments here", "? paiements ici");
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let check = |number: f64, expected_en: &str, expected_fr: &str| {
            let expected_fr = expected_fr.replace(' ', "\u{202f}");
            let both = [English, French].map(|language| shown(&Slot::Double(number), language));
            assert_eq!(both, [expected_en.to_owned(), expected_fr]);
        };
        check(0.0, "0", "0");
        check(999.0, "999", "999");
        check(-1_000.25, "-1,000.25", "-1 000,25");
        check(42_338.636, "42,338.64", "42 338,64");
        check(1e6, "1,000,000", "1 000 000");
        check(f64::NAN, "NaN", "NaN");
        check(f64::INFINITY, "inf", "inf");
    }
}
